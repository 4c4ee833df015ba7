"""The words of a pattern (section 9.8, the ANTLR grammar): one compiled expression tells them all apart."""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

from kizuna.errors import InvalidInput
from kizuna.stix import timestamps
from kizuna.stix.vocab import words

from .tree import Binary, Constant, Hex, Timestamp

MAX_DIGITS = 100
"""Digits before or behind the point of a number; no property of STIX needs more, and long ones cost time."""

KEYWORDS = words(
    """AND OR NOT FOLLOWEDBY LIKE MATCHES ISSUPERSET ISSUBSET EXISTS LAST IN START STOP SECONDS true false WITHIN
    REPEATS TIMES"""
)

# `|(?!)` ends each possessive group: before Python 3.11.5 such a group kept what a failed last turn had read (gh-106052).
SKIPPED = (
    r"(?:[ \t\r\n\v\f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]++"
    r"|/\*(?:[^*]++|\*(?!/)|(?!))*+\*/|//[^\r\n]*+|(?!))*+"
)
"""White space and comments."""

_BASE64 = r"(?!')(?:[A-Za-z0-9+/]{4}|(?!))*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|(?!))?+"

# Every loop is possessive: no input makes the expression try twice. A constant with a prefix that is not well
# formed falls through to its first letter as a word, so the error stands at the quotation mark behind it.
_TOKEN = re.compile(
    SKIPPED
    + rf"""(?:
      (?P<string>'(?:[^'\\]++|\\['\\]|(?!))*+')
    | (?P<hex>h'(?:[0-9A-Fa-f]{{2}}|(?!))*+')
    | (?P<binary>b'{_BASE64}')
    | (?P<timestamp>t'[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]++|(?!))?+Z')
    | (?P<word>[A-Za-z_][A-Za-z0-9_-]*+)
    | (?P<float>[+-]?+[0-9]*+\.[0-9]++)
    | (?P<integer>[+-]?+(?:0|[1-9][0-9]*+))
    | (?P<mark>==|!=|<>|<=|>=|[=<>\[\]().:,*])
    | (?P<end>\Z)
    )""".replace("\n", "").replace(" ", ""),
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class PatternError(InvalidInput):
    """What is wrong with a pattern; `position` counts characters from 0."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


class Token(NamedTuple):
    """`kind` is a keyword or mark itself, or word, string, integer, float, hex, binary, timestamp or end."""

    kind: str
    text: str
    start: int
    end: int


def token(text: str, position: int) -> Token:
    """The token at or behind a position. Raises PatternError for what is none."""
    match = _TOKEN.match(text, position)
    if match is None:
        start = _SKIPPED.match(text, position).end()  # type: ignore[union-attr]
        raise PatternError(start, f"unexpected {text[start : start + 20]!r}")
    kind: str = match.lastgroup  # type: ignore[assignment]
    start, end = match.span(kind)
    found = text[start:end]
    if kind == "mark":
        kind = _SAME.get(found, found)
    elif kind == "word" and found in KEYWORDS:
        kind = found
    return Token(kind, found, start, end)


_SKIPPED = re.compile(SKIPPED)
_SAME = {"==": "=", "<>": "!="}

CONSTANTS = frozenset(("string", "integer", "float", "hex", "binary", "timestamp", "true", "false"))


def constant(of: Token) -> Constant:
    """The value of a constant. Raises PatternError when the text has the form of a constant but not the sense."""
    kind, text = of.kind, of.text
    if kind == "string":
        return unquote(text)
    if kind == "integer":
        return integer(of)
    if kind == "float":
        return _float(of)
    if kind == "hex":
        return Hex(bytes.fromhex(text[2:-1]))
    if kind == "binary":
        return Binary(base64.b64decode(text[2:-1]))
    if kind == "timestamp":
        return timestamp(of)
    return kind == "true"


def unquote(text: str) -> str:
    """The text of a string constant, which has its quotation marks."""
    return _ESCAPE.sub(r"\1", text[1:-1]) if "\\" in text else text[1:-1]


def integer(of: Token) -> int:
    """The value of an integer constant."""
    if len(of.text) > MAX_DIGITS:
        raise PatternError(of.start, f"a number of {len(of.text)} digits")
    return int(of.text)


def _float(of: Token) -> float:
    whole, _, fraction = of.text.lstrip("+-").partition(".")
    if len(whole) > MAX_DIGITS or len(fraction) > MAX_DIGITS:
        raise PatternError(of.start, f"a number of {len(of.text)} digits")
    value = float(of.text)
    if abs(value) >= 10.0**MAX_DIGITS:
        raise PatternError(of.start, "a number beyond all measure")
    return value


def timestamp(of: Token) -> Timestamp:
    """The value of a timestamp constant."""
    text = of.text[2:-1]
    wrong = timestamps.fault(text)
    if wrong:
        raise PatternError(of.start, wrong)
    if text[-2] == "0" and "." in text:
        text = text[:-1].rstrip("0").rstrip(".") + "Z"
    return Timestamp(text)
