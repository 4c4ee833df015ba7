"""Content the specification does not describe: own properties, dictionaries, extensions (sections 2.3, 3.1 and 11)."""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

from .found import MAX_DEPTH, Found, mismatch, quote, shift

SAFE = 2**53 - 1
PROPERTY_NAME = re.compile(r"[a-z][a-z0-9_]{2,249}|id")
DICTIONARY_KEY = re.compile(r"[a-zA-Z0-9_-]{1,250}")
HEX = re.compile(r"(?:[a-fA-F0-9]{2})+")
BINARY = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)")

_REMEMBERED = 4096
_names: dict[str, tuple[Found, bool]] = {}


def walk(value: Any, found: list[Found], depth: int = 0) -> None:
    """What holds for any content: no null, no empty list, safe numbers, dictionary keys."""
    kind = value.__class__
    if kind is str or kind is bool:
        return
    if kind is dict:
        walk_dictionary(value, found, depth)
    elif kind is list:
        _walk_list(value, found, depth)
    elif kind is int:
        if not -SAFE <= value <= SAFE:
            found.append(("integer-safe", "", "an integer lies within ±(2⁵³−1)", ""))
    elif kind is float:
        if not isfinite(value):
            found.append(("float", "", "infinity and not-a-number are no JSON numbers", ""))
    else:
        found.append(mismatch("string", "a JSON value", value, "", ""))


def walk_dictionary(value: dict[str, Any], found: list[Found], depth: int = 0, *, lowercase: bool = True) -> None:
    """A dictionary of anything; `lowercase` when its keys should be."""
    if depth >= MAX_DEPTH:
        found.append(("too-deep", "", f"content nested more than {MAX_DEPTH} levels", ""))
        return
    if not value:
        found.append(("dictionary-empty", "", "a dictionary has at least one entry", ""))
    for key, member in value.items():
        start = len(found)
        dictionary_key(key, found, lowercase=lowercase)
        walk(member, found, depth + 1)
        if len(found) != start:
            shift(found, start, key)


def _walk_list(value: list[Any], found: list[Found], depth: int) -> None:
    if depth >= MAX_DEPTH:
        found.append(("too-deep", "", f"content nested more than {MAX_DEPTH} levels", ""))
        return
    if not value:
        found.append(("list-empty", "", "a list has at least one element, or is left out", ""))
    for index, member in enumerate(value):
        if member.__class__ is not str:
            start = len(found)
            walk(member, found, depth + 1)
            if len(found) != start:
                shift(found, start, f"[{index}]")


def dictionary_key(key: str, found: list[Found], *, lowercase: bool = True) -> None:
    """The form of one key, reported at the path of its value."""
    if not DICTIONARY_KEY.fullmatch(key):
        message = f"{quote(key)} is no dictionary key: at most 250 of a-z, A-Z, 0-9, hyphen and underscore"
        found.append(("dictionary-key", "", message, ""))
    elif lowercase and key != key.lower():
        found.append(("dictionary-key-case", "", f"the dictionary key {quote(key)} should be lowercase", ""))


def own_property(name: str, value: Any, found: list[Found], *, defined: bool) -> None:
    """A property that no table has; `defined` when an extension of the object may define it."""
    verdict, formed = verdict_on(name)
    if not (defined and verdict[0] == "custom-property"):
        found.append(verdict)
    if value.__class__ is str and not formed:
        return
    start = len(found)
    if value.__class__ is not str:
        walk(value, found)
    elif name.endswith("_hex") and not HEX.fullmatch(value):
        found.append(("hex", "", f"{quote(value)} is not pairs of hexadecimal digits", ""))
    elif name.endswith("_bin") and not BINARY.fullmatch(value):
        found.append(("binary", "", f"{quote(value)} is not base64", ""))
    if len(found) != start:
        shift(found, start, name)


def verdict_on(name: str) -> tuple[Found, bool]:
    """What to say of a property name that no table has, and whether its value has a form that the name demands.

    The same for every object, so the last ones are remembered.
    """
    known = _names.get(name)
    if known is not None:
        return known
    if not PROPERTY_NAME.fullmatch(name):
        verdict = ("property-name", name, f"{quote(name)} is no property name: 3 to 250 of a-z, 0-9 and underscore", "")
    else:
        prefix = "" if name.startswith("x_") else ", and begins with x_"
        verdict = ("custom-property", name, f"the property {name} is defined by an extension{prefix}", "")
    if len(_names) >= _REMEMBERED:
        _names.clear()
    known = _names[name] = (verdict, name.endswith(("_hex", "_bin")))
    return known
