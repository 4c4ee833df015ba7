"""I-JSON (RFC 7493): what a text must be before its value is looked at. Only I-JSON enters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from .problem import WHOLE, Problem

RULES: dict[str, tuple[str, str]] = {
    "json-syntax": ("RFC 8259", "The text is JSON."),
    "json-truncated": ("RFC 8259", "The text does not end before its value does."),
    "json-encoding": ("RFC 7493 2.1", "The text is UTF-8."),
    "json-bom": ("RFC 8259 8.1", "The text does not begin with a byte order mark."),
    "json-surrogate": ("RFC 7493 2.1", "No string holds half of a surrogate pair."),
    "json-number": ("RFC 7493 2.2", "Every number is one that a double holds: integers within ±(2^53-1), no infinity."),
    "json-duplicate-key": ("RFC 7493 2.3", "No JSON object has two members of the same name."),
    "json-depth": ("reading limits", "Values are nested no deeper than the limit."),
    "json-too-large": ("reading limits", "An object is no larger than the limit."),
}
"""The rules of reading: name → (section, meaning)."""

MAX_INTEGER = 2**53 - 1
MAX_PROBLEMS = 100

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_BETWEEN = b"\0"
_NOT_OPENING = bytes(byte for byte in range(256) if byte not in b"{[" + _BETWEEN)
_LONG_NUMBER = b"0" * 16
_ESCAPED_QUOTE = b"\\u0022"
_COUNT_VALUES_ABOVE = 1 << 20
_ERRORS = (msgspec.MsgspecError, UnicodeError, RecursionError)

Decoded = tuple[Any, tuple[Problem, ...]]


class Bounds(msgspec.Struct, frozen=True):
    """What one object may take. `values` bounds memory: a parsed empty list takes thirty times its text."""

    size: int
    depth: int
    values: int = 1_000_000
    digits: int = 100


def fault(rule: str, message: str, path: str = WHOLE) -> Problem:
    """A problem of one of the reading rules."""
    return Problem(rule, "error", path, message, RULES[rule][0])


def decode_all(texts: Sequence[bytes], bounds: Bounds) -> list[Decoded]:
    """Decode some texts; each gives its value and no problems, or None and what is wrong with it.

    Clean texts are proven clean together, in few passes over all of them: see `_surely_clean`.
    """
    if max(map(len, texts), default=0) > min(bounds.size, _COUNT_VALUES_ABOVE):
        return [decode(text, bounds) for text in texts]
    try:
        values = list(map(_decode, texts))
    except _ERRORS:
        return [decode(text, bounds) for text in texts]
    if _surely_clean(texts, values, bounds.depth):
        return [(value, ()) for value in values]
    return [
        (value, ()) if _surely_clean((text,), [value], bounds.depth) else decode(text, bounds)
        for text, value in zip(texts, values, strict=True)
    ]


def decode(text: bytes, bounds: Bounds) -> Decoded:
    """Decode one text: its value and no problems, or None and all that is wrong with it."""
    problem = _too_much(text, bounds)
    if problem is not None:
        return None, (problem,)
    try:
        value = _decode(text)
        if _surely_clean((text,), [value], bounds.depth):
            return value, ()
    except _ERRORS as error:
        return None, _explain(text, bounds) or (fault("json-syntax", str(error)),)
    problems = _explain(text, bounds)
    return (None, problems) if problems else (value, ())


def _too_much(text: bytes, bounds: Bounds) -> Problem | None:
    if len(text) > bounds.size:
        return fault("json-too-large", f"an object of {len(text)} bytes; the limit is {bounds.size}")
    if len(text) > _COUNT_VALUES_ABOVE:
        values = text.count(b",") + text.count(b"[") + text.count(b"{")
        if values > bounds.values:
            return fault("json-too-large", f"an object of about {values} values; the limit is {bounds.values}")
    return None


def _surely_clean(texts: Sequence[bytes], values: list[Any], depth: int) -> bool:
    """No deep nesting, no number of sixteen or more digits, no repeated keys. A false answer only means: look closely.

    A text that repeats a key is not its value written again, and has more quotation marks. (Most senders write as we do.
    Writing again escapes as `\\"` what a text may have escaped as `\\u0022`, so that spelling is looked for; every other
    escaped quote has exactly one mark on both sides.)
    """
    text = _BETWEEN.join(texts)  # no JSON has a zero byte, so they stay apart
    again = _encode(values)
    # `rfind` skips where `in` tests byte by byte: half of the time for needles that are not there.
    return (
        max(map(len, text.translate(None, _NOT_OPENING).split(_BETWEEN))) <= depth
        and text.translate(_DIGITS).rfind(_LONG_NUMBER) < 0
        and (
            again == b"[%b]" % b",".join(texts)
            or (text.rfind(_ESCAPED_QUOTE) < 0 and text.count(b'"') == again.count(b'"'))
        )
    )


class _BadNumber(str):
    """Stands in a value for a number that is none, and says why."""

    __slots__ = ()


class Repeated(dict[str, Any]):
    """A JSON object with repeated keys."""

    repeated: tuple[str, ...] = ()


def _explain(raw: bytes, bounds: Bounds) -> tuple[Problem, ...]:
    """Decode slowly with the standard library, which tells of everything, and report all of it."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return (fault("json-encoding", f"byte {error.start} is not UTF-8: {error.reason}"),)
    if text.startswith("\ufeff"):
        return (fault("json-bom", "a byte order mark"),)
    try:
        value = _decoder(bounds).decode(text)
    except RecursionError:
        return (fault("json-depth", f"nested deeper than {bounds.depth} levels"),)
    except json.JSONDecodeError as error:
        rule = "json-truncated" if error.pos >= len(text.rstrip()) else "json-syntax"
        place = len(text[: error.pos].encode())
        return (fault(rule, f"{error.msg} at byte {place}, line {error.lineno}"),)
    return tuple(problem for problem, _ in zip(_faults(value, bounds), range(MAX_PROBLEMS), strict=False))


def _decoder(bounds: Bounds) -> json.JSONDecoder:
    def integer(text: str) -> int | str:
        if len(text) > bounds.digits:
            return _BadNumber(f"a number of {len(text)} digits")
        return int(text) if abs(int(text)) <= MAX_INTEGER else _BadNumber(f"{text} is beyond ±(2^53-1)")

    def fraction(text: str) -> float | str:
        if len(text) > bounds.digits:
            return _BadNumber(f"a number of {len(text)} digits")
        value = float(text)
        return value if abs(value) != float("inf") else _BadNumber(f"{text} is beyond what a double holds")

    def constant(text: str) -> str:
        return _BadNumber(f"{text} is no JSON number")

    return json.JSONDecoder(
        parse_int=integer, parse_float=fraction, parse_constant=constant, object_pairs_hook=pairs_of
    )


def pairs_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The hook of a decoder that lets no repeated key pass unseen."""
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    found = Repeated(members)
    found.repeated = tuple(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return found


def _faults(value: Any, bounds: Bounds) -> Iterator[Problem]:
    """Everything that keeps a decoded value from being I-JSON, in the order of the text."""
    stack: list[tuple[Any, str, int]] = [(value, "", 1)]
    while stack:
        value, path, depth = stack.pop()
        if isinstance(value, (dict, list)):
            if depth > bounds.depth:
                yield fault("json-depth", f"nested deeper than {bounds.depth} levels", path[:200] or WHOLE)
                return
            if isinstance(value, Repeated):
                for key in dict.fromkeys(value.repeated):
                    yield fault("json-duplicate-key", f"the key {key[:60]!r} is repeated", path or WHOLE)
            stack.extend(reversed([(v, p, depth + 1) for v, p in _members(value, path)]))
            if isinstance(value, dict) and any(map(_is_broken, value)):
                yield fault("json-surrogate", "a key holds half of a surrogate pair", path or WHOLE)
        elif isinstance(value, _BadNumber):
            yield fault("json-number", value[:200], path or WHOLE)
        elif isinstance(value, str) and _is_broken(value):
            yield fault("json-surrogate", "half of a surrogate pair", path or WHOLE)


def _members(value: dict[str, Any] | list[Any], path: str) -> Iterator[tuple[Any, str]]:
    if isinstance(value, list):
        return ((member, f"{path}[{index}]") for index, member in enumerate(value))
    return ((member, f"{path}.{_shown(key)}" if path else _shown(key)) for key, member in value.items())


def _shown(key: str) -> str:
    return key[:250].encode("utf-8", "backslashreplace").decode()


def _is_broken(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
