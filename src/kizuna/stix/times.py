"""When something was: spans of time that objects state, in microseconds."""

from __future__ import annotations

from typing import Any

from kizuna.clock import from_text

Span = tuple[str, int, int | None]
"""Path, first and last moment in microseconds; last is None where the object gives no end."""

_SPANS = (
    ("first_seen", "last_seen"),
    ("first_observed", "last_observed"),
    ("valid_from", "valid_until"),
    ("start_time", "stop_time"),
    ("start", "end"),
    ("analysis_started", "analysis_ended"),
    ("submitted", ""),
    ("published", ""),
    ("validity_not_before", "validity_not_after"),
    ("ctime", ""),
    ("mtime", ""),
    ("atime", ""),
    ("date", ""),
)
END_OF = {start: end for start, end in _SPANS if end}
"""The property that gave the end of a span, by the property that gives its path: the span is labelled like both."""

_NAMES = frozenset(name for pair in _SPANS for name in pair if name)


def times(data: dict[str, Any]) -> list[Span]:
    """The spans an object states about what it describes (not `created` and `modified`, which are about itself).

    A span with only its end is the moment of that end.
    """
    if _NAMES.isdisjoint(data):
        return []
    found: list[Span] = []
    for start, end in _SPANS:
        first, last = _moment(data.get(start)), _moment(data.get(end)) if end else None
        if first is not None:
            found.append((start, first, last))
        elif last is not None:
            found.append((end, last, last))
    return found


def _moment(value: Any) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        return from_text(value)
    except (ValueError, OverflowError):
        return None
