"""Times: exactly those that exist."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.stix.timestamps import fault, is_before, is_precise

MOMENTS = st.datetimes(timezones=st.just(UTC))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T09:24:00Z",
        "2026-11-23T09:24:00.123456789Z",
        "2024-02-29T00:00:00.000Z",
        "2000-02-29T23:59:59Z",
        "0000-02-29T00:00:00Z",
        "9999-12-31T23:59:59.9Z",
        "1990-12-31T23:59:60Z",
        "2015-06-30T23:59:60.5Z",
    ],
)
def test_right(text: str) -> None:
    assert fault(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23",
        "2026-11-23T09:24Z",
        "2026-11-23T09:24:00",
        "2026-11-23t09:24:00Z",
        "2026-11-23T09:24:00z",
        "2026-11-23 09:24:00Z",
        "2026-11-23T09:24:00.Z",
        "2026-11-23T09:24:00,5Z",
        "2026-11-23T09:24:00+00:00",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-00-10T00:00:00Z",
        "2026-13-10T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-04-00T00:00:00Z",
        "2026-04-30T24:00:00Z",
        "2026-04-30T00:60:00Z",
        "2026-04-30T00:00:61Z",
        "2026-04-30T23:59:60Z",
        "2026-12-31T22:59:60Z",
        "２０２６-11-23T09:24:00Z",
        "2026-11-23T09:24:00Z\n",
        "2026-11-23T09:24:00." + "0" * 300 + "Z",
    ],
)
def test_wrong(text: str) -> None:
    assert fault(text) is not None
    assert fault("2026-11-23T00:00:00Z") is None
    assert fault(text) is not None  # a date that was seen before changes nothing


@given(MOMENTS, MOMENTS, st.integers(0, 6), st.integers(0, 6))
def test_order_is_that_of_time(first: datetime, second: datetime, a: int, b: int) -> None:
    one, two = cut(first, a), cut(second, b)
    assert fault(one) is None
    assert is_before(one, two) == (moment(one) < moment(two))


def cut(moment: datetime, digits: int) -> str:
    """The text of a moment with so many decimals."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return f"{text}.{moment.microsecond:06}"[: 20 + digits if digits else 19] + "Z"


def moment(text: str) -> datetime:
    """The moment of a text of at most six decimals."""
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)


def test_precision() -> None:
    assert is_precise("2026-11-23T09:24:00.000Z")
    assert not is_precise("2026-11-23T09:24:00.00Z")
