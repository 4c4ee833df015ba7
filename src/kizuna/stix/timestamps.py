"""STIX timestamps: RFC 3339 in UTC with capital T and Z, any number of sub-second digits (section 2.15)."""

from __future__ import annotations

import re

_FORM = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?Z", re.ASCII)
_TIME = re.compile(r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?Z", re.ASCII)
PRECISE = re.compile(r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3,236}Z", re.ASCII)  # no longer than MAX_LENGTH
_DAYS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MILLISECONDS = 24  # the length of 2026-11-23T09:24:00.000Z

MAX_LENGTH = 256
"""Longer texts are refused: no clock has two hundred digits, but a hostile sender may."""

_REMEMBERED = 16_384
DATES: set[str] = set()
"""Dates seen lately that are in the calendar."""


def fault(text: str) -> str | None:
    """Why the text is no STIX timestamp, or None when it is one."""
    if text[:10] in DATES and len(text) <= MAX_LENGTH and _TIME.fullmatch(text, 10):
        return None
    return _careful_fault(text)


def _careful_fault(text: str) -> str | None:
    """The same by the calendar; dates it found right are remembered, for times repeat them."""
    parts = _FORM.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if parts is None:
        return "expected a timestamp such as 2026-11-23T09:24:00.000Z"
    year, month, day, hour, minute, second = (int(part) for part in parts.groups()[:6])
    if not (1 <= month <= 12 and 1 <= day <= days_in(year, month)):
        return "this date is not in the calendar"
    if hour > 23 or minute > 59 or second > 60:
        return "this time of day does not exist"
    if second == 60 and not is_leap_second(month, day, hour, minute):
        # RFC 3339 section 5.7: leap seconds have only ever ended June and December, at midnight UTC.
        return "a leap second can only be 23:59:60 on 30 June or 31 December"
    if len(DATES) >= _REMEMBERED:
        DATES.clear()
    DATES.add(text[:10])
    return None


def days_in(year: int, month: int) -> int:
    """Days of a month in the Gregorian calendar, extended back to year 0000 as RFC 3339 does."""
    if month == 2 and (year % 4 or (year % 100 == 0 and year % 400)):
        return 28
    return _DAYS[month]


def is_leap_second(month: int, day: int, hour: int, minute: int) -> bool:
    """Whether second 60 may follow this minute."""
    return (hour, minute) == (23, 59) and (month, day) in ((6, 30), (12, 31))


def is_precise(text: str) -> bool:
    """Whether a well-formed timestamp has milliseconds or finer, as `created` and `modified` must."""
    return len(text) >= _MILLISECONDS


def is_before(earlier: str, later: str) -> bool:
    """Exact comparison of two well-formed timestamps, whatever their number of digits."""
    return _key(earlier) < _key(later)


def _key(text: str) -> tuple[str, str]:
    return text[:19], text[20:-1].rstrip("0")
