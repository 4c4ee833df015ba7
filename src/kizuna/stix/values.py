"""Checkers of single values, one per data type of section 2, compiled once for each property of the tables.

Each remembers a bounded number of values it found right (never shapes of objects): ids, times and URLs repeat.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite
from typing import Any

from . import timestamps, vocab
from .content import BINARY, HEX, SAFE, walk_dictionary
from .found import Finder, Found, mismatch, quote, shift
from .ids import type_of
from .properties import (
    Binary,
    Boolean,
    Dictionary,
    Enum,
    Float,
    Hashes,
    Hex,
    Integer,
    Kind,
    Language,
    ListOf,
    Open,
    Ref,
    Text,
    Timestamp,
    Url,
)

REMEMBERED = 16_384
_LONGEST_REMEMBERED = 128
_PLACES = 16

LANGUAGE = re.compile(
    r"""(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})            # language, extended language
    (?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?                       # script, region
    (?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*                        # variants
    (?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?   # extensions, private use
    |x(?:-[a-z0-9]{1,8})+
    |en-gb-oed|i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)|sgn-(?:be-fr|be-nl|ch-de)""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_MAX_LANGUAGE = 100
_TWO = 2

# RFC 3986 appendix A: scheme, then only its characters; brackets only around an IP literal; one fragment.
# Runs are possessive, so that a long text is looked at once; what may follow one is never among its characters.
_ESCAPE = "%[0-9A-Fa-f]{2}"
_UCHARS = rf"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]++|{_ESCAPE})*"
_MORE = rf"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]++|{_ESCAPE})*"
URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]*:"
    rf"(?://(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=:]++|{_ESCAPE})*@)?"
    rf"(?:\[[0-9A-Za-z:.%\-._~!$&'()*+,;=]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]++|{_ESCAPE})*)(?::\d*)?(?=[/?#]|\Z)|(?!//))"
    rf"{_UCHARS}(?:\?{_MORE})?(?:\#{_MORE})?"
)

HASHES = {
    "MD5": re.compile(r"[a-fA-F0-9]{32}"),
    "SHA-1": re.compile(r"[a-fA-F0-9]{40}"),
    "SHA-256": re.compile(r"[a-fA-F0-9]{64}"),
    "SHA-512": re.compile(r"[a-fA-F0-9]{128}"),
    "SHA3-256": re.compile(r"[a-fA-F0-9]{64}"),
    "SHA3-512": re.compile(r"[a-fA-F0-9]{128}"),
    "SSDEEP": re.compile(r"[a-zA-Z0-9/+:.]{1,128}"),
    "TLSH": re.compile(r"[a-zA-Z0-9]{70}"),
}
_HASH_KEY = re.compile(r"[a-zA-Z0-9_-]{3,250}")
_OPEN_FORM = re.compile(r"[^\sA-Z_]+")

TYPES_NAMED: dict[str, str] = {}
"""The types that identifiers seen lately name; they repeat as references."""


def type_named(identifier: str) -> str | None:
    """The type an identifier names; identifiers repeat as references, so the last ones are remembered."""
    known = TYPES_NAMED.get(identifier)
    if known is None:
        known = type_of(identifier)
        if known is not None:
            if len(TYPES_NAMED) >= REMEMBERED:
                TYPES_NAMED.clear()
            TYPES_NAMED[identifier] = known
    return known


def build(kind: Kind, path: str, section: str) -> Finder:
    """The checker of one kind of value found at `path`."""
    return _BUILDERS[type(kind)](kind, path, section)


def _text(kind: Text, path: str, section: str) -> Finder:
    def check(value: Any, found: list[Found]) -> None:
        if not isinstance(value, str):
            found.append(mismatch("string", "a string", value, path, section))

    return check


def _boolean(kind: Boolean, path: str, section: str) -> Finder:
    def check(value: Any, found: list[Found]) -> None:
        if value is not True and value is not False:
            found.append(mismatch("boolean", "true or false", value, path, section))

    return check


def _integer(kind: Integer, path: str, section: str) -> Finder:
    low = -SAFE if kind.low is None else kind.low
    high = SAFE if kind.high is None else kind.high

    def check(value: Any, found: list[Found]) -> None:
        if value.__class__ is not int:
            found.append(mismatch("integer", "an integer", value, path, section))
        elif not low <= value <= high:
            if -SAFE <= value <= SAFE:
                found.append(("number-range", path, f"{value} is outside of {low} to {high}", section))
            else:
                found.append(("integer-safe", path, "an integer lies within ±(2⁵³−1)", section))

    return check


def _float(kind: Float, path: str, section: str) -> Finder:
    low = float("-inf") if kind.low is None else kind.low
    high = float("inf") if kind.high is None else kind.high

    def check(value: Any, found: list[Found]) -> None:
        if value.__class__ is int and not -SAFE <= value <= SAFE:
            found.append(("integer-safe", path, "an integer lies within ±(2⁵³−1)", section))
        elif value.__class__ not in (int, float):
            found.append(mismatch("float", "a number", value, path, section))
        elif not isfinite(value):
            found.append(("float", path, "infinity and not-a-number are no JSON numbers", section))
        elif not low <= value <= high:
            found.append(("number-range", path, f"{value} is outside of {low} to {high}", section))

    return check


def remembering(
    rule: str, wanted: str, path: str, section: str, fault: Callable[[str], str | None], *, mistyped: str = ""
) -> Finder:
    """A string checker that remembers right values; `fault` says what is wrong, or None.

    What is no string breaks the rule `mistyped`, or `rule` itself.
    """
    right: set[str] = set()

    def check(value: Any, found: list[Found]) -> None:
        if value.__class__ is not str:
            found.append(mismatch(mistyped or rule, wanted, value, path, section))
        elif value not in right:
            message = fault(value)
            if message is not None:
                found.append((rule, path, f"{quote(value)}: {message}", section))
            elif len(value) <= _LONGEST_REMEMBERED:
                if len(right) >= REMEMBERED:
                    right.clear()
                right.add(value)

    return check


_PRECISION = {"milliseconds": "timestamp-precision", "seconds": "timestamp-whole-seconds"}


def _timestamp(kind: Timestamp, path: str, section: str) -> Finder:
    precision = kind.precision
    whole, dates, rest = precision == "seconds", timestamps.DATES, timestamps.PRECISE.fullmatch

    def check(value: Any, found: list[Found]) -> None:
        if value.__class__ is not str:
            found.append(mismatch("timestamp", "a timestamp", value, path, section))
        elif not whole and value[:10] in dates and rest(value, 10):
            return  # surely with milliseconds or finer; of few others this is not known yet
        elif (message := timestamps.fault(value)) is not None:
            found.append(("timestamp", path, f"{quote(value)}: {message}", section))
        elif precision == "milliseconds" and not timestamps.is_precise(value):
            found.append((_PRECISION[precision], path, f"{value} needs at least three decimals of a second", section))
        elif whole and "." in value:
            found.append((_PRECISION[precision], path, f"{value} has decimals of a second", section))

    return check


def _ref(kind: Ref, path: str, section: str) -> Finder:
    allowed, denied = kind.allowed, kind.denied
    known = TYPES_NAMED

    def check(value: Any, found: list[Found]) -> None:
        if value.__class__ is not str:
            found.append(mismatch("identifier", "an identifier", value, path, section))
            return
        named = known.get(value) or type_named(value)
        if named is None:
            found.append(("identifier", path, f"{quote(value)} is no identifier such as identity--<UUID>", section))
        elif named not in allowed and (allowed or named in denied):
            wanted = " or ".join(sorted(allowed)) if allowed else "another type of object"
            found.append(("reference-type", path, f"a reference to {wanted} is expected here, not to {named}", section))

    return check


def _list(kind: ListOf, path: str, section: str) -> Finder:
    if isinstance(kind.item, Text):
        return _texts(path, section)
    if isinstance(kind.item, Ref):
        return _refs(kind.item, path, section)
    places = [f"{path}[{index}]" for index in range(_PLACES)]
    check_item = build(kind.item, "", section)

    def check(value: Any, found: list[Found]) -> None:
        if not isinstance(value, list):
            found.append(mismatch("list", "a list", value, path, section))
        elif not value:
            found.append(("list-empty", path, "a list has at least one element, or is left out", section))
        else:
            start = len(found)
            for index, item in enumerate(value):
                check_item(item, found)
                if len(found) != start:
                    shift(found, start, places[index] if index < _PLACES else f"{path}[{index}]")
                    start = len(found)

    return check


def _refs(kind: Ref, path: str, section: str) -> Finder:
    allowed, denied = kind.allowed, kind.denied
    known = TYPES_NAMED
    check_item = _ref(kind, "", section)

    def check(value: Any, found: list[Found]) -> None:
        if not isinstance(value, list):
            found.append(mismatch("list", "a list", value, path, section))
        elif not value:
            found.append(("list-empty", path, "a list has at least one element, or is left out", section))
        else:
            for index, item in enumerate(value):
                named = known.get(item) if item.__class__ is str else None
                if named is not None and (named in allowed if allowed else named not in denied):
                    continue  # by far the most, without a call
                start = len(found)
                check_item(item, found)
                shift(found, start, f"{path}[{index}]")

    return check


def _texts(path: str, section: str) -> Finder:
    def check(value: Any, found: list[Found]) -> None:
        if not isinstance(value, list):
            found.append(mismatch("list", "a list", value, path, section))
        elif not value:
            found.append(("list-empty", path, "a list has at least one element, or is left out", section))
        else:
            for index, item in enumerate(value):
                if not isinstance(item, str):
                    found.append(mismatch("string", "a string", item, f"{path}[{index}]", section))

    return check


def _dictionary(kind: Dictionary, path: str, section: str) -> Finder:
    lowercase = kind.lowercase

    def check(value: Any, found: list[Found]) -> None:
        if not isinstance(value, dict):
            found.append(mismatch("dictionary", "a dictionary", value, path, section))
            return
        start = len(found)
        walk_dictionary(value, found, lowercase=lowercase)
        if len(found) != start:
            shift(found, start, path)

    return check


def _hashes(kind: Hashes, path: str, section: str) -> Finder:
    def check(value: Any, found: list[Found]) -> None:
        if not isinstance(value, dict):
            found.append(mismatch("dictionary", "a dictionary of hashes", value, path, section))
        elif not value:
            found.append(("dictionary-empty", path, "a dictionary has at least one entry", section))
        else:
            for name, digest in value.items():
                form = HASHES.get(name)
                if form is None or digest.__class__ is not str or not form.fullmatch(digest):
                    _hash(name, digest, f"{path}.{name}", section, found)

    return check


def _hash(name: str, digest: Any, path: str, section: str, found: list[Found]) -> None:
    """What is wrong with one hash."""
    if not _HASH_KEY.fullmatch(name):
        found.append(("hash-key", path, f"{quote(name)} is no name of an algorithm", section))
    elif name not in HASHES and not name.startswith("x_"):
        found.append(("hash-algorithm", path, f"{name} is not in hash-algorithm-ov", section))
    if not isinstance(digest, str):
        found.append(mismatch("string", "a string", digest, path, section))
    elif name in HASHES and not HASHES[name].fullmatch(digest):
        found.append(("hash-value", path, f"{quote(digest)} is no {name} hash", section))


def _hex(kind: Hex, path: str, section: str) -> Finder:
    return remembering(
        "hex",
        "hexadecimal digits",
        path,
        section,
        lambda v: None if HEX.fullmatch(v) else "pairs of hexadecimal digits",
    )


def _binary(kind: Binary, path: str, section: str) -> Finder:
    return remembering(
        "binary", "base64", path, section, lambda v: None if BINARY.fullmatch(v) else "base64 with padding is expected"
    )


def _url(kind: Url, path: str, section: str) -> Finder:
    return remembering("url", "a URL", path, section, url_fault)


def url_fault(text: str) -> str | None:
    """Why the text is no RFC 3986 URL, or None."""
    return None if URL.fullmatch(text) else "a URL has a scheme, and only the characters of RFC 3986"


def _language(kind: Language, path: str, section: str) -> Finder:
    return remembering("language", "a language tag", path, section, language_fault)


def language_fault(text: str) -> str | None:
    """Why the text is no RFC 5646 tag, or None. Of the registry only the two-letter languages are known."""
    if not (len(text) <= _MAX_LANGUAGE and LANGUAGE.fullmatch(text)):
        return "a language is an RFC 5646 tag such as en, ja or uk-UA"
    primary = text.partition("-")[0].lower()
    if len(primary) == _TWO and primary not in vocab.LANGUAGES:
        return "no language has this two-letter code"
    return None


def _open(kind: Open, path: str, section: str) -> Finder:
    values, name = vocab.VOCABULARIES[kind.vocabulary], kind.vocabulary

    def check(value: Any, found: list[Found]) -> None:
        if not isinstance(value, str):
            found.append(mismatch("string", f"a value of {name}", value, path, section))
        elif value not in values:
            found.append(("open-vocab", path, f"{quote(value)} is not in {name}", section))
            if not _OPEN_FORM.fullmatch(value):
                found.append(("open-vocab-form", path, f"{quote(value)} is not lowercase with hyphens", section))

    return check


def _enum(kind: Enum, path: str, section: str) -> Finder:
    values, name = vocab.ENUMERATIONS[kind.vocabulary], kind.vocabulary

    def check(value: Any, found: list[Found]) -> None:
        if not isinstance(value, str):
            found.append(mismatch("enum", f"a value of {name}", value, path, section))
        elif value not in values:
            found.append(("enum", path, f"{quote(value)} is none of {', '.join(sorted(values))}", section))

    return check


_BUILDERS: dict[type[Kind], Callable[..., Finder]] = {
    Text: _text,
    Boolean: _boolean,
    Integer: _integer,
    Float: _float,
    Timestamp: _timestamp,
    Ref: _ref,
    ListOf: _list,
    Dictionary: _dictionary,
    Hashes: _hashes,
    Hex: _hex,
    Binary: _binary,
    Url: _url,
    Language: _language,
    Open: _open,
    Enum: _enum,
}


def register(kind: type[Kind], builder: Callable[..., Finder]) -> None:
    """Add the builder of a kind that needs more than its value; `tables` and `forms` do so once."""
    _BUILDERS[kind] = builder
