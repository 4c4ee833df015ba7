"""The name shown for an object."""

from __future__ import annotations

from typing import Any

import pytest

from kizuna.stix import name_of


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"type": "campaign", "name": "n", "value": "v"}, "n"),
        ({"type": "ipv4-addr", "value": "198.51.100.7"}, "198.51.100.7"),
        ({"type": "relationship", "relationship_type": "uses"}, "uses"),
        ({"type": "language-content", "contents": {"ja": {"description": "d"}, "uk": {"name": "назва"}}}, "назва"),
        ({"type": "language-content", "contents": {"ja": 5}}, None),
        ({"type": "campaign", "contents": {"ja": {"name": "no translation"}}}, None),
        ({"type": "campaign", "name": 5}, None),
    ],
)
def test_the_name_people_know(data: dict[str, Any], name: str | None) -> None:
    assert name_of(data) == name
