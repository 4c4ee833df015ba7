"""What an object points at, with the path of each reference (section 2.10: names ending in _ref and _refs); and ids in its text."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from .common import TYPES
from .ids import LONGEST_TYPE, SHORTEST_TYPE, TYPE_NAME

Link = tuple[str, str]
"""The path of a reference and the id it names."""

# Markings are asked for apart: they say who may see the object, they do not connect it.
_MARKINGS = frozenset(("object_marking_refs", "granular_markings"))

_NAMES = ("_ref", "_refs")
_MENTION = re.compile(rb"(?=--([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}))")
_BEFORE = re.compile(r"[A-Za-z0-9-]*\Z")
_MOST_READINGS = 4
_MOST_DOUBTED = 1_000
_FEW_READINGS = 2
_ESCAPE = 6  # characters of the longest JSON escape, a backslash and what follows


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


def mentions(text: bytes, named: Collection[str]) -> list[str]:
    """Ids that stand anywhere in the JSON text of an object, as a value, a key or a piece of either, beside those it names properly.

    `named` holds its own id and the target of each reference. Where letters before an id run into
    it, each type that may be meant gives an id; one written in capitals is given as written and in small letters.
    """
    known = set(named)
    found: dict[str, None] = {}
    doubted = 0
    for match in _MENTION.finditer(text):
        before = text[max(0, match.start() - LONGEST_TYPE - _ESCAPE) : match.start()].decode("utf-8", "replace")
        run, uuid = _BEFORE.findall(before)[0], match[1].decode()
        if f"{run}--{uuid}" in known:
            continue
        doubted += 1
        # What is read in several ways makes several ids: not for thousands in one object.
        for kind in _readings(run, _unescaped(before, run))[: None if doubted < _MOST_DOUBTED else _FEW_READINGS]:
            found[f"{kind}--{uuid}"] = None
            found[f"{kind.lower()}--{uuid.lower()}"] = None
    return [id for id in found if id not in known]


def _unescaped(before: str, run: str) -> str:
    """What stands before an id without the end of a JSON escape: `nx-foo` behind a backslash is `x-foo` in the next line."""
    if not before[: len(before) - len(run)].endswith("\\"):
        return run
    return run[_ESCAPE - 1 :] if run[:1] == "u" else run[1:]


def _readings(run: str, unescaped: str) -> list[str]:
    """The types that may be meant by what stands before an id: all of it, or what follows a hyphen or other letters in it."""
    if run == unescaped and run.lower() in TYPES:
        return [run]
    parts = run.split("-")
    tails = ["-".join(parts[i:]) for i in range(max(0, len(parts) - _MOST_READINGS), len(parts))]
    kinds = sorted((kind for kind in TYPES if run.lower().endswith(kind)), key=len, reverse=True)
    return [
        kind
        for kind in dict.fromkeys((unescaped, *kinds[:1], run, *kinds, *tails))
        if SHORTEST_TYPE <= len(kind) <= LONGEST_TYPE and TYPE_NAME.fullmatch(kind.lower())
    ]
