"""Canonical JSON (RFC 8785): one text for each value, whatever text it came in."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec
import rfc8785

from kizuna.errors import InvalidInput

_sorted = msgspec.json.Encoder(order="sorted").encode

# The fast encoder agrees with RFC 8785 except for floats, integers a double cannot hold, and the order of keys beyond
# the Basic Multilingual Plane (RFC 8785 sorts by UTF-16 code units). Looking at the types of the values is three times
# cheaper than searching the text for numbers.
_BEYOND_BMP = re.compile(rb"[\xf0-\xf4]")
_MAX_INTEGER = 2**53 - 1


def canonical(data: Any, *, simple: bool | None = None) -> bytes:
    """The RFC 8785 text of a JSON value; `simple` is what `canonical_is_simple` says, where somebody asked it already.

    Raises InvalidInput for what is not I-JSON.
    """
    try:
        if not (canonical_is_simple(data) if simple is None else simple):
            return rfc8785.dumps(data)
        text = _sorted(data)
        return text if text.isascii() or _BEYOND_BMP.search(text) is None else rfc8785.dumps(data)
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidInput(f"no canonical JSON: {error}") from None


def digest(data: Any) -> bytes:
    """SHA-256 of the canonical text. Raises InvalidInput."""
    return hashlib.sha256(canonical(data)).digest()


def canonical_is_simple(value: Any) -> bool:
    """Whether it is made of text, small integers, booleans, null, lists and objects only."""
    kind = type(value)
    if kind is dict:
        members = value.values()
    elif kind is list:
        members = value
    else:
        return kind is str or kind is bool or value is None or (kind is int and -_MAX_INTEGER <= value <= _MAX_INTEGER)
    for member in members:  # noqa: SIM110 - a generator would cost more than the loop
        # Text is by far the commonest: no call for it.
        if type(member) is not str and not canonical_is_simple(member):
            return False
    return True
