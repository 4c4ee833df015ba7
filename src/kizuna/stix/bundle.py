"""The bundle: a container that is no STIX object (section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .checker import finish
from .common import EVERY_COMMON
from .content import own_property
from .found import Found, describe, quote
from .problem import Problem
from .values import type_named

_OWN = frozenset(("type", "id", "objects"))


def bundle_problems(data: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a bundle itself; its objects are not looked at, only that there are some if they are given."""
    found: list[Found] = []
    identifier = data.get("id")
    if "id" not in data:
        found.append(("required", "id", "id is required", "8"))
    elif not isinstance(identifier, str) or type_named(identifier) is None:
        found.append(("identifier", "id", f"{describe(identifier)} is no identifier such as bundle--<UUID>", "8"))
    elif type_named(identifier) != "bundle":
        found.append(
            ("identifier-type", "id", f"the id of a bundle begins with bundle--, not {quote(identifier)}", "8")
        )
    if "objects" in data:
        _objects(data["objects"], found)
    for name, value in data.items():
        if name in EVERY_COMMON - _OWN:
            found.append(("bundle-common", name, f"a bundle has no {name}", ""))
        elif name not in _OWN:
            own_property(name, value, found, defined=False)
    return finish(found)


def _objects(objects: Any, found: list[Found]) -> None:
    if not isinstance(objects, list):
        found.append(("list", "objects", f"expected a list of objects, got {describe(objects)}", "8"))
    elif not objects:
        found.append(("list-empty", "objects", "a bundle without objects leaves the list out", "8"))
