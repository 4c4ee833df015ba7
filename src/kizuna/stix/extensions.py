"""The extensions of an object, in all their forms (sections 6, 7.3 and 11.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from . import vocab
from .content import own_property
from .found import Finder, Found, mismatch, quote, shift
from .observables import PREDEFINED
from .values import type_named

_TYPES = vocab.ENUMERATIONS["extension-type-enum"]
_NEW_TYPES = frozenset(("new-sdo", "new-sco", "new-sro"))
_DEFINING = _NEW_TYPES | {"toplevel-property-extension"}
_OWN_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*-ext")
_LONGEST_NAME = 250


def new_type(extensions: Any) -> str | None:
    """`new-sdo`, `new-sco` or `new-sro` when an extension defines the type of this object."""
    if isinstance(extensions, dict):
        for value in extensions.values():
            kind = value.get("extension_type") if isinstance(value, dict) else None
            if isinstance(kind, str) and kind in _NEW_TYPES:
                return kind
    return None


def defines_properties(extensions: Any) -> bool:
    """Whether an extension may define properties beside the specification's."""
    if not isinstance(extensions, dict):
        return False
    kinds = (value.get("extension_type") for value in extensions.values() if isinstance(value, dict))
    return any(isinstance(kind, str) and kind in _DEFINING for kind in kinds)


def extensions_finder(predefined: frozenset[str], structs: Mapping[str, Finder], path: str) -> Finder:
    """The checker of `extensions` on a type that has these predefined ones."""

    def check(value: Any, found: list[Found]) -> None:
        if not isinstance(value, dict):
            found.append(mismatch("dictionary", "a dictionary of extensions", value, path, ""))
            return
        if not value:
            found.append(("dictionary-empty", path, "a dictionary has at least one entry", ""))
        for key, member in value.items():
            start = len(found)
            if key in predefined:
                structs[key](member, found)
            else:
                _extension(key, member, found)
            if len(found) != start:
                shift(found, start, f"{path}.{key}")

    return check


def _extension(key: str, value: Any, found: list[Found]) -> None:
    """An extension that is not predefined for this type."""
    if key in PREDEFINED:
        found.append(("extension-object", "", f"{key} does not extend this type of object", ""))
    elif key.startswith("extension-definition--"):
        if type_named(key) is None:
            found.append(("identifier", "", f"{quote(key)} is no identifier of an extension definition", ""))
        _defined_extension(value, found)
        return
    elif len(key) <= _LONGEST_NAME and _OWN_NAME.fullmatch(key):
        found.append(("custom-extension", "", f"{key} should be defined by an extension definition", ""))
    else:
        found.append(
            ("extension-key", "", f"{quote(key)} is neither an extension definition's id nor a name in -ext", "")
        )
    _members(value, found)


def _defined_extension(value: Any, found: list[Found]) -> None:
    kind = value.get("extension_type") if isinstance(value, dict) else "new-sdo"
    if kind is None and "extension_type" not in value:
        found.append(("required", "extension_type", "extension_type is required", "7.3"))
    elif not isinstance(kind, str) or kind not in _TYPES:
        found.append(mismatch("enum", "a value of extension-type-enum", kind, "extension_type", "7.3"))
    _members(value, found)


def _members(value: Any, found: list[Found]) -> None:
    """What holds for the properties of any extension."""
    if not isinstance(value, dict):
        found.append(mismatch("dictionary", "an extension", value, "", ""))
    elif not value:
        found.append(("dictionary-empty", "", "an extension has at least one property", ""))
    else:
        for name, member in value.items():
            own_property(name, member, found, defined=True)
