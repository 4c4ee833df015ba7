"""Suggested relationships."""

from __future__ import annotations

import pytest

from kizuna.stix.common import TYPES
from kizuna.stix.relationships import COMMON, SUGGESTED, doubt


def test_all_types_exist() -> None:
    for (source, _), targets in SUGGESTED.items():
        assert source in TYPES
        assert targets <= TYPES


@pytest.mark.parametrize("kind", sorted(COMMON))
def test_common_relationships_join_anything(kind: str) -> None:
    assert doubt("note", kind, "mutex") is None


def test_doubts() -> None:
    assert doubt("campaign", "uses", "tool") is None
    assert doubt("campaign", "uses", "campaign") is not None
    assert doubt("campaign", "eats", "tool") is not None
    assert doubt("x-own-type", "eats", "tool") is None
    assert doubt("tool", "eats", "x-own-type") is None
