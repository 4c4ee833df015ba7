"""Spans of time."""

from __future__ import annotations

from typing import Any

import pytest

from kizuna.stix.times import times

FIRST, LAST = "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001999Z"
US = 1_767_225_600_000_000

SPANS: list[tuple[dict[str, Any], list[tuple[str, int, int | None]]]] = [
    ({"first_seen": FIRST, "last_seen": LAST}, [("first_seen", US, US + 1)]),
    ({"valid_from": FIRST}, [("valid_from", US, None)]),
    ({"last_seen": LAST}, [("last_seen", US + 1, US + 1)]),
    ({"published": FIRST, "created": FIRST, "modified": LAST}, [("published", US, None)]),
    ({"start_time": FIRST, "first_observed": LAST}, [("first_observed", US + 1, None), ("start_time", US, None)]),
    ({"first_seen": "yesterday", "last_seen": 5}, []),
    ({"first_seen": "2016-12-31T23:59:60Z"}, [("first_seen", 1_483_228_800_000_000, None)]),
    ({"first_seen": "9999-99-99T23:59:60Z"}, []),
    ({}, []),
]


@pytest.mark.parametrize(("data", "expected"), SPANS)
def test_times(data: dict[str, Any], expected: list[tuple[str, int, int | None]]) -> None:
    assert times(data) == expected
