"""What remains of one object for a reader who may see only part of it."""

from __future__ import annotations

import copy
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

    List items are cut from the highest index down and the selectors of the remaining granular markings renumbered.
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
    remaining = copy.deepcopy(data)
    # A mark on a whole list item must go before its neighbours move: longest paths and highest indices first.
    for path in sorted(_outermost({steps(s) for s in selectors}), key=_order, reverse=True):
        _cut(remaining, path)
    _prune_marks(remaining)
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


def _outermost(paths: set[tuple[str | int, ...]]) -> set[tuple[str | int, ...]]:
    """Without the paths that lie inside another: what holds them goes as a whole."""
    return {path for path in paths if not any(path[:n] in paths for n in range(1, len(path)))}


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


def _tells_embedded_id(data: Json, path: tuple[str | int, ...]) -> bool:
    """Whether what is closed makes the id of an observable inside observed data, which it and others beside it may hold."""
    objects = data.get("objects")
    member = objects.get(path[1]) if isinstance(objects, dict) and len(path) > 1 else None
    if data.get("type") != "observed-data" or not isinstance(member, dict):
        return False
    contributing = CONTRIBUTING.get(str(member.get("type")), ())
    return any(name in contributing for name in path[2:3] or member)


def _order(path: tuple[str | int, ...]) -> tuple[tuple[int, str | int], ...]:
    return tuple((1, step) if isinstance(step, int) else (0, step) for step in path)


def _cut(data: Json, path: tuple[str | int, ...]) -> None:
    holder: Any = data
    for step in path[:-1]:
        try:
            holder = holder[step]
        except (KeyError, IndexError, TypeError):
            return  # an ancestor is gone already
    last = path[-1]
    if isinstance(last, int):
        if isinstance(holder, list) and last < len(holder):
            del holder[last]
            _renumber(data, path)
    elif isinstance(holder, dict):
        holder.pop(last, None)
    if len(path) > 1 and holder in ([], {}):
        _cut(data, path[:-1])  # STIX knows no empty lists or objects


def _renumber(data: Json, gone: tuple[str | int, ...]) -> None:
    """Selectors behind a removed list item move up by one; those of the item itself are dropped."""
    index, depth = gone[-1], len(gone) - 1
    for one in data.get("granular_markings") or ():
        kept = []
        for selector in one.get("selectors") or ():
            path = steps(selector)
            if path[:depth] == gone[:-1] and len(path) > depth and isinstance(path[depth], int):
                if path[depth] == index:
                    continue
                if path[depth] > index:  # type: ignore[operator]
                    path = (*path[:depth], path[depth] - 1, *path[depth + 1 :])  # type: ignore[operator]
            kept.append(".".join(f"[{step}]" if isinstance(step, int) else step for step in path))
        one["selectors"] = kept


def _prune_marks(data: Json) -> None:
    """Drop selectors that select nothing any more, and markings without selectors."""
    kept = []
    for one in data.get("granular_markings") or ():
        one["selectors"] = [selector for selector in one.get("selectors") or () if _resolves(data, selector)]
        if one["selectors"]:
            kept.append(one)
    if kept:
        data["granular_markings"] = kept
    else:
        data.pop("granular_markings", None)


def _resolves(data: Json, selector: str) -> bool:
    try:
        resolve(data, selector)
    except Unresolved:
        return False
    return True
