"""Canonical JSON (RFC 8785): one text for each value, whatever text it came in."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec
import rfc8785

from kizuna.errors import InvalidInput

_sorted = msgspec.json.Encoder(order="sorted").encode

# The fast encoder agrees with RFC 8785 except for floats, NaN and infinity (it writes null), integers a double
# cannot hold, and the order of keys beyond the Basic Multilingual Plane (RFC 8785 sorts by UTF-16 code units).
# Each search below finds every such text and, rarely, a harmless one: that costs time only.
_SHAPE = bytes.maketrans(b"123456789-[", b"0000000000,")
_LONG_NUMBER = b"0" * 16
_FLOAT = re.compile(rb'(?:^|":|[,\[])-?[0-9]++[.eE]')
_LONG = re.compile(rb'(?:":|[,\[])-?[0-9]{16}')
_NULL = re.compile(rb'(?:":|[,\[])null')
_BEYOND_BMP = re.compile(rb"[\xf0-\xf4]")


def canonical(data: Any) -> bytes:
    """The RFC 8785 text of a JSON value. Raises InvalidInput for what is not I-JSON."""
    try:
        text = _sorted(data)
        return text if _is_canonical(text) else rfc8785.dumps(data)
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidInput(f"no canonical JSON: {error}") from None


def digest(data: Any) -> bytes:
    """SHA-256 of the canonical text. Raises InvalidInput."""
    return hashlib.sha256(canonical(data)).digest()


def _is_canonical(text: bytes) -> bool:
    """Whether the fast encoder's text is surely the canonical one."""
    shape = text.translate(_SHAPE)
    if text[:1] not in b'{["' or (_LONG_NUMBER in shape and _LONG.search(text)):
        return False
    if b"null" in text and _NULL.search(text):
        return False
    if not text.isascii() and _BEYOND_BMP.search(text):
        return False
    return not (b'":0' in shape or b",0" in shape) or _FLOAT.search(text) is None
