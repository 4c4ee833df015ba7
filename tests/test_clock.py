"""Times: text and microseconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.clock import from_text, to_text

LAST = 253_402_300_799_999_999


@given(st.integers(-62_135_596_800_000_000, LAST))
def test_text_and_back(us: int) -> None:
    assert from_text(to_text(us)) == us


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00Z"),
        ("2026-01-01T09:00:00+09:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01t00:00:00.1234567z", "2026-01-01T00:00:00.123456Z"),
    ],
)
def test_forms_of_one_moment(text: str, same: str) -> None:
    assert from_text(text) == from_text(same)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-01-01",
        "2026-13-01T00:00:00Z",
        "2026-01-01T00:00:00.x1Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:60.000Z",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        from_text(text)
