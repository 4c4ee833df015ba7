"""How a checker reports: a plain tuple in a list, with a path relative to what it was given.

Nothing is built for what is right; a container puts its own place in front of what its members reported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Found = tuple[str, str, str, str]
"""Rule, path, message, section (empty for the rule's own)."""

Finder = Callable[[Any, list[Found]], None]
"""Looks at one value and appends what it finds."""

_SHOWN = 60
_REMEMBERED = 16_384
_moved: dict[tuple[Found, str], Found] = {}

MAX_DEPTH = 256
"""Levels of own content that are looked at; a reader refuses deeper objects before."""


def shift(found: list[Found], start: int, place: str) -> None:
    """Put a place in front of the paths of everything found since `start`."""
    for index in range(start, len(found)):
        one = found[index]
        found[index] = _moved.get((one, place)) or _move(one, place)


def _move(one: Found, place: str) -> Found:
    """One finding at its place; the same ones come again, so the last are kept."""
    rule, path, message, section = one
    moved = (rule, joined(place, path), message, section)
    if len(_moved) >= _REMEMBERED:
        _moved.clear()
    _moved[one, place] = moved
    return moved


def joined(place: str, path: str) -> str:
    """A path inside of something at a place."""
    return f"{place}.{path}" if path and path[0] != "[" else place + path


def mismatch(rule: str, wanted: str, value: Any, path: str, section: str) -> Found:
    """A value of another JSON type than its property has."""
    if value is None:
        return ("null-value", path, "a property without a value is left out; null is not allowed", "")
    return (rule, path, f"expected {wanted}, got {describe(value)}", section)


def describe(value: Any) -> str:
    """A value in a few words, for a message."""
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a float",
        str: "the string",
        list: "a list",
        dict: "an object",
    }
    name = names.get(type(value), type(value).__name__)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >> 200:
        return f"{name} of {value.bit_length()} bits"  # str() of huge integers is slow, and refused beyond 4,300 digits
    if isinstance(value, (bool, int, float, str)):
        return f"{name} {quote(value)}"
    return name


def quote(value: Any) -> str:
    """A value as JSON-like text, cut to a length that a person reads."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
