"""What remains of one object for a reader who may see only part of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from kizuna.labels.join import join
from kizuna.labels.marks import Marked
from kizuna.labels.model import Label
from kizuna.stix.checker import check
from kizuna.stix.common import EVERY_COMMON, META_TABLES
from kizuna.stix.ids import CONTRIBUTING
from kizuna.stix.objects import DOMAIN, RELATIONSHIP
from kizuna.stix.observables import OBSERVABLES
from kizuna.stix.selectors import Unresolved, resolve, steps

Json = dict[str, Any]
WHOLE_OR_NOT = frozenset({"identity", "location", "marking-definition", "extension-definition"})
_INDIVISIBLE = frozenset({"pattern", "id", "type", "spec_version", "object_marking_refs", "granular_markings"})
_DEFINED = {
    kind: frozenset(table.properties)
    for kind, table in {**DOMAIN, **RELATIONSHIP, **META_TABLES, **OBSERVABLES}.items()
}

Step = str | int
Path = tuple[Step, ...]
_Tree = dict[Step, Any]
_Moved = dict[Path, dict[int, int]]

_VERSION_5 = re.compile(r"-5[0-9a-fA-F]{3}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z")


class Redacted(msgspec.Struct, frozen=True):
    """`data` is what remains, None when the object is withheld; `withheld` says why, as a code.

    `cut` are the top-level properties concerned, of those that STIX defines: the name of any other may tell what it holds.
    """

    data: Json | None
    cut: tuple[str, ...] = ()
    withheld: str | None = None


def redact(data: Json, marked: Marked, allowed: Callable[[Label], bool]) -> Redacted:
    """Cut what the reader may not see; an object that would not be valid without it is withheld whole.

    All is cut in one pass; then the selectors of the remaining granular markings are renumbered, each once.
    """
    if not allowed(marked.label):
        return Redacted(None, (), "object")
    selectors = [selector for selector, label in marked.granular if not allowed(label)]
    if not selectors:
        return Redacted(data)
    cut = tuple(
        sorted({selector.split(".")[0] for selector in selectors} & _DEFINED.get(str(data.get("type")), EVERY_COMMON))
    )
    if (reason := _indivisible(data, selectors)) is not None:
        return Redacted(None, cut, reason)
    moved: _Moved = {}
    remaining = _without(data, _tree({steps(selector) for selector in selectors}), (), moved)
    _renumber(remaining, moved)
    if (errors := _errors(remaining)) and errors - _errors(data):
        return Redacted(None, cut, "required-property")
    return Redacted(remaining, cut)


def least_label(data: Json, marked: Marked) -> Label:
    """What somebody must be allowed to see anything of an object: its label, and every mark that would withhold it whole.

    Where only several marks together would, all of them count: too strict for who may see some, never too open.
    """
    found, rest = marked.label, []
    distinct = list(dict.fromkeys(label for _, label in marked.granular))
    for one in distinct:
        # Whoever may not see what one closes may not see what a stricter one closes.
        closed = [label for label in distinct if label == one or join(one, label) == label]
        if _withheld(data, marked, closed):
            found = join(found, one)
        else:
            rest.append(one)
    if len(rest) > 1 and _withheld(data, marked, rest):
        for one in rest:
            found = join(found, one)
    return found


def _withheld(data: Json, marked: Marked, closed: list[Label]) -> bool:
    return redact(data, marked, lambda label: label == marked.label or label not in closed).data is None


def _errors(data: Json) -> set[tuple[str, str]]:
    return {(p.rule, p.path) for p in check(data) if p.severity == "error"}


def _indivisible(data: Json, selectors: list[str]) -> str | None:
    if data.get("type") in WHOLE_OR_NOT:
        return "whole-or-not"
    if str(data.get("type")) not in _DEFINED and _VERSION_5.search(str(data.get("id"))):
        return "id-contributing-property"  # which properties contribute, only the type's own definition says
    contributing = CONTRIBUTING.get(str(data.get("type")), ())
    for selector in selectors:
        top = selector.split(".")[0]
        if top in _INDIVISIBLE:
            return "indivisible-property"
        if top in contributing:
            return "id-contributing-property"  # the id would be a dictionary of the value
        if top == "objects" and _tells_embedded_id(data, steps(selector)):
            return "id-contributing-property"
    return None


def _tells_embedded_id(data: Json, path: Path) -> bool:
    """Whether what is closed makes the id of an observable inside observed data, which it and others beside it may hold."""
    objects = data.get("objects")
    member = objects.get(path[1]) if isinstance(objects, dict) and len(path) > 1 else None
    if data.get("type") != "observed-data" or not isinstance(member, dict):
        return False
    contributing = CONTRIBUTING.get(str(member.get("type")), ())
    return any(name in contributing for name in path[2:3] or member)


def _tree(paths: set[Path]) -> _Tree:
    """The paths step by step; None stands for what is cut whole, with all that lies in it."""
    root: _Tree = {}
    for path in sorted(paths, key=len):
        node: _Tree | None = root
        for step in path[:-1]:
            node = None if node is None else node.setdefault(step, {})
        if node is not None:
            node[path[-1]] = None
    return root


def _without(value: Any, cut: _Tree, path: Path, moved: _Moved) -> Any:
    """The value without what the tree cuts; where list items went, `moved` says where each of the others stands now."""
    gone = set[Step]()
    value = value.copy() if isinstance(value, list | dict) else value  # what is not cut into is shared
    holds = _holds(value)
    for step, below in cut.items():
        if not holds(step):
            continue
        if below is not None:
            value[step] = _without(value[step], below, (*path, step), moved)
        if below is None or value[step] in ([], {}):  # STIX knows no empty lists or objects
            gone.add(step)
    if isinstance(value, dict):
        return {key: member for key, member in value.items() if key not in gone}
    if gone:
        stay = [index for index in range(len(value)) if index not in gone]
        moved[path] = {index: place for place, index in enumerate(stay)}
        return [value[index] for index in stay]
    return value


def _holds(value: Any) -> Callable[[Step], bool]:
    if isinstance(value, dict):
        return lambda step: isinstance(step, str) and step in value
    return lambda step: isinstance(step, int) and isinstance(value, list) and step < len(value)


def _renumber(data: Json, moved: _Moved) -> None:
    """Selectors follow the list items they select; those that select nothing any more go, and markings without selectors."""
    kept = []
    for one in data.get("granular_markings") or ():
        found = (_moved_to(steps(selector), moved) for selector in one.get("selectors") or ())
        selectors = [selector for selector in found if selector is not None and _resolves(data, selector)]
        if selectors:
            kept.append({**one, "selectors": selectors})
    if kept:
        data["granular_markings"] = kept
    else:
        data.pop("granular_markings", None)


def _moved_to(path: Path, moved: _Moved) -> str | None:
    """The selector of a path after the cut, None when a list item on it is gone."""
    new: list[str] = []
    for depth, step in enumerate(path):
        if isinstance(step, int):
            place = moved[path[:depth]].get(step) if path[:depth] in moved else step
            if place is None:
                return None
            new.append(f"[{place}]")
        else:
            new.append(step)
    return ".".join(new)


def _resolves(data: Json, selector: str) -> bool:
    try:
        resolve(data, selector)
    except Unresolved:
        return False
    return True
