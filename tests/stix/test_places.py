"""Places of locations."""

from __future__ import annotations

from typing import Any

import pytest

from kizuna.stix.places import places

PLACES: list[tuple[dict[str, Any], list[tuple[str, str, str]]]] = [
    ({"country": "jp", "region": "Eastern-Asia"}, [("country", "JP", "country"), ("region", "eastern-asia", "region")]),
    ({"latitude": 35.6895, "longitude": 139}, [("point", "35.689500,139.000000", "latitude")]),
    ({"latitude": -0.0, "longitude": 0}, [("point", "0.000000,0.000000", "latitude")]),
    ({"latitude": -0.0000001, "longitude": 0}, [("point", "0.000000,0.000000", "latitude")]),
    ({"latitude": 35.0}, []),
    ({"latitude": 91, "longitude": 0}, []),
    ({"latitude": True, "longitude": 0}, []),
    ({"latitude": 10**400, "longitude": 0}, []),
    ({"country": 5, "region": ""}, []),
]


@pytest.mark.parametrize(("data", "expected"), PLACES)
def test_places(data: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert places({"type": "location", **data}) == expected
    assert places({"type": "identity", **data}) == []
