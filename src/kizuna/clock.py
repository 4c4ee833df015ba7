"""Time as Kizuna keeps it: whole microseconds since 1970-01-01T00:00:00Z, shown as RFC 3339 UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_IN_UTC = _EPOCH.replace(tzinfo=None)  # half of the time where the zone is written anyway
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_MILLISECONDS = 24  # the length of 2026-11-23T09:24:00.000Z


def now_us() -> int:
    """The present moment in microseconds."""
    return time.time_ns() // 1000


def to_text(us: int) -> str:
    """RFC 3339 text with exactly six decimals, such as 2026-11-23T09:24:00.000000Z (years 1–9999)."""
    return (_EPOCH_IN_UTC + us * _MICROSECOND).isoformat("T", "microseconds") + "Z"


def from_datetime(moment: datetime) -> int:
    """Microseconds of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(us: int) -> datetime:
    """An aware UTC datetime."""
    return _EPOCH + us * _MICROSECOND


def from_text(text: str) -> int:
    """Microseconds of RFC 3339 text; digits finer than a microsecond are cut. Raises ValueError."""
    if len(text) == _MILLISECONDS and text[19] == "." and text[4] + text[7] + text[10] + text[-1] == "--TZ":
        try:  # the commonest form by far
            return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND
        except ValueError:
            pass
    if not (len(text) >= 20 and text[10] in "Tt" and (text[-1] in "Zz" or text[-6] in "+-")):
        raise ValueError(f"not an RFC 3339 timestamp: {text[:40]!r}")
    zone = "+00:00" if text[-1] in "Zz" else text[-6:]
    body = text[:-1] if text[-1] in "Zz" else text[:-6]
    whole, dot, fraction = body.partition(".")
    if dot and not (fraction.isascii() and fraction.isdigit()):
        raise ValueError(f"not an RFC 3339 timestamp: {text[:40]!r}")
    leap = whole[17:19] == "60"  # a leap second is the same moment as the one after it
    if leap:
        whole = whole[:17] + "59" + whole[19:]
    seconds = from_datetime(datetime.fromisoformat(whole.replace("t", "T") + zone)) + (1_000_000 if leap else 0)
    if not _FIRST <= seconds <= _LAST:
        raise ValueError(f"outside the years 1 to 9999: {text[:40]!r}")
    return seconds + int((fraction + "000000")[:6]) if dot and not leap else seconds
