"""The bands of confidence: the scale of STIX, at its edges, the same in SQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from kizuna.store.confidence import BANDS, IN_SQL, band_of


@pytest.mark.parametrize(
    ("value", "band"),
    [(0, "none"), (1, "low"), (29, "low"), (30, "medium"), (69, "medium"), (70, "high"), (100, "high")],
)
def test_the_edges_of_the_scale(value: int, band: str) -> None:
    assert band_of({"confidence": value}) == band
    with closing(sqlite3.connect(":memory:")) as connection:
        (number,) = connection.execute(f"select {IN_SQL} from (select ? as value)", (value,)).fetchone()
    assert BANDS[number] == band


@pytest.mark.parametrize("value", [None, -1, 101, True, "high", 50.0])
def test_what_is_no_confidence_is_not_stated(value: Any) -> None:
    assert band_of({"confidence": value}) == "unstated"
    assert band_of({}) == "unstated"
