"""What an object points at, with the path of each reference (section 2.10: names ending in _ref and _refs)."""

from __future__ import annotations

from typing import Any

Link = tuple[str, str]
"""The path of a reference and the id it names."""

# Markings are asked for apart: they say who may see the object, they do not connect it.
_MARKINGS = frozenset(("object_marking_refs", "granular_markings"))


_NAMES = ("_ref", "_refs")


def edges(data: dict[str, Any]) -> list[Link]:
    """Every reference of an object at any depth, its markings excepted; order as in the object."""
    found: list[Link] = []
    for key, value in data.items():
        if type(value) is str:
            if "_ref" in key and "--" in value and key.endswith(_NAMES):
                found.append((key, value))
        elif (type(value) is list or type(value) is dict) and key not in _MARKINGS:
            _collect(key, value, found)
    return found


def marking_refs(data: dict[str, Any]) -> list[Link]:
    """The marking definitions an object names, for itself and for parts of it."""
    found: list[Link] = []
    named = data.get("object_marking_refs", ())
    if type(named) is list and all(type(one) is str for one in named):  # without the walk, the commonest by far
        found.extend([(f"object_marking_refs[{i}]", one) for i, one in enumerate(named) if "--" in one])
    elif named:
        _collect("object_marking_refs", named, found)
    if "granular_markings" in data:
        _collect("granular_markings", data["granular_markings"], found)
    return found


def _collect(key: str, value: Any, found: list[Link]) -> None:
    """Add the references in `value`, which is the member `key`. An own stack: hostile nesting costs no frames."""
    stack = [(key.endswith(_NAMES), key, value)]
    while stack:
        named, path, value = stack.pop()
        if type(value) is str:
            found.append((path, value))
        elif type(value) is dict:
            stack.extend(
                (name.endswith(_NAMES), f"{path}.{name}", member)
                for name, member in reversed(value.items())
                if type(member) is dict
                or type(member) is list
                or (type(member) is str and "--" in member and name.endswith(_NAMES))
            )
        elif type(value) is list:
            stack.extend(
                (named, f"{path}[{i}]", value[i])
                for i in range(len(value) - 1, -1, -1)
                if type(value[i]) is dict
                or type(value[i]) is list
                or (named and type(value[i]) is str and "--" in value[i])
            )
