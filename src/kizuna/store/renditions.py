"""Renditions: new objects of ours that say of an object what a partner may see, where that is not all of it.

Made of the newest version that leaves in part, for all partners who may see as much alike. Each has an id that only this node can make,
refers to the renditions of what leaves in part too, and has versions only where what is seen of it changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.labels import Form, Label, Marked, Rendered, format_label, to_markings
from kizuna.stix import BUILTIN, canonical, check, edges, marking_refs
from kizuna.stix.builtin import RENDITION_EXTENSION
from kizuna.store.keys import derived_key
from kizuna.store.outgoing import Held
from kizuna.store.plan import KEPT, Plan
from kizuna.store.views import Cut, rendition_id, views

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]
_WHOSE = "created_by_ref"


class Made(NamedTuple):
    """A rendition: of which row, its JSON, its label, and the marking definitions of ours that state that label.

    Of what is `entire` nothing is cut, nor of what it refers to: it states its label, which the original does not, or refers to such.
    """

    original: Held
    data: Json
    label: Label
    definitions: tuple[Json, ...]
    cut: tuple[str, ...]
    entire: bool = False

    @property
    def raw(self) -> bytes:
        """The bytes that leave."""
        return msgspec.json.encode(self.data)


Written = dict[tuple[int, str], Made | None]
"""By row and id what was made of it, at one moment."""


class _Seen(NamedTuple):
    row: Held
    data: Json
    marked: Marked
    rendered: Rendered
    remaining: Json


class Maker:
    """Makes renditions for one partner; `identity` is this node's. Raises InvalidInput without the node's key."""

    def __init__(self, folder: Path, identity: str) -> None:
        self._folder = folder
        self._identity = identity
        self._key: bytes | None = None

    def make(self, plan: Plan, idents: Iterable[int], known: Written | None = None) -> dict[int, Made]:
        """By ident, the rendition of each that leaves in part; what would tell too much, or be no valid object, is left out.

        `known` are those that were written at the same moment, for whomever.
        """
        known = {} if known is None else known
        seen = {one.row.id: one for row in plan.in_part() if (one := _seen(plan, row)) is not None}
        cuts = {id: _cut(plan, one, seen) for id, one in seen.items()}
        found = views(cuts)
        ids = {id: rendition_id(self._secret(), id, view) for id, view in found.items()}
        made = {}
        for ident in idents:
            row = plan.in_part_of(ident)
            one = None if row is None else seen.get(row.id)
            if one is not None and (rendition := self._made(plan, one, ids, known)) is not None:
                made[ident] = rendition._replace(entire=ident in plan.entire)
        return made

    def _made(self, plan: Plan, one: _Seen, ids: dict[str, str], known: Written) -> Made | None:
        rendition = self._once(plan, one, ids, known)
        if rendition is None or one.row.version is None:
            return rendition
        for row in plan.older_in_part(one.row):
            older = _seen(plan, row)
            before = None if older is None else self._once(plan, older, ids, known)
            if before is None or _without_moment(before.data) != _without_moment(rendition.data):
                break
            rendition = rendition._replace(data=before.data)
        return rendition

    def _once(self, plan: Plan, one: _Seen, ids: dict[str, str], known: Written) -> Made | None:
        """What is written of a row for whoever sees as much of it: the id says how much that is."""
        key = one.row.n, ids[one.row.id]
        if key not in known:
            if len(known) >= KEPT:
                known.clear()
            known[key] = self._written(plan, one, ids)
        made = known[key]
        return None if made is None else made._replace(original=one.row)

    def _written(self, plan: Plan, one: _Seen, ids: dict[str, str]) -> Made | None:
        definitions = to_markings(plan.stated(one.row, one.marked))
        stated = [d["id"] for d in definitions]
        kept = [
            ref
            for _, ref in _object_marks(one.data)
            if ref not in stated and ref not in BUILTIN and plan.standing(ref) is Form.WHOLE
        ]
        data = _replaced({k: v for k, v in one.remaining.items() if k not in (_WHOSE, "object_marking_refs")}, ids)
        data["id"] = ids[one.row.id]
        if "created" in data:
            data[_WHOSE] = self._identity
        data["object_marking_refs"] = [*stated, *dict.fromkeys(kept)]
        told = {"extension_type": "property-extension", "redacted": list(one.rendered.cut)}
        if not one.rendered.cut:
            del told["redacted"]
        data["extensions"] = {**data.get("extensions", {}), RENDITION_EXTENSION: told}
        if _tells(data, one) or ((errors := _errors(data)) and errors - _errors(one.data)):
            return None
        ours = tuple(d for d in definitions if d["id"] not in BUILTIN)
        return Made(one.row, data, plan.remaining(one.row, one.marked), ours, one.rendered.cut)

    def _secret(self) -> bytes:
        if self._key is None:
            self._key = derived_key(self._folder, "rendition")
        return self._key


def _seen(plan: Plan, row: Held) -> _Seen | None:
    data, marked, rendered = plan.rendered(row)
    return None if rendered.data is None else _Seen(row, data, marked, rendered, rendered.data)


def _cut(plan: Plan, one: _Seen, seen: dict[str, _Seen]) -> Cut:
    """What is withheld of an object, in words that its versions share: which marks are closed, what it does not refer to any more."""
    kept = {target for _, target in edges(one.remaining)}
    closed = sorted(
        {
            f"{selector.partition('.')[0]} {format_label(label)}"
            for selector, label in one.marked.granular
            if not plan.allows(label, one.row)
        }
    )
    lost = sorted(
        {
            f"{path.partition('.')[0].partition('[')[0]} {target}"
            for path, target in edges(one.data)
            if target not in kept
        }
    )
    marks = sorted(
        {ref for _, ref in marking_refs(one.data) if ref not in BUILTIN and plan.standing(ref) is not Form.WHOLE}
    )
    gone = sorted(set(one.data) - set(one.remaining))
    extensions = sorted(set(_extensions(one.data)) - set(_extensions(one.remaining)))
    label = format_label(plan.stated(one.row, one.marked))
    withheld = msgspec.json.encode([closed, lost, marks, gone, extensions, label])
    return Cut(withheld, sorted(target for target in kept if target in seen))


def _extensions(data: Json) -> Iterable[str]:
    found = data.get("extensions")
    return found if isinstance(found, dict) else ()


def _object_marks(data: Json) -> Iterator[tuple[str, str]]:
    return ((path, ref) for path, ref in marking_refs(data) if path.startswith("object_marking_refs"))


def _replaced(value: Any, ids: dict[str, str]) -> Any:
    """The value with each id that stands for itself replaced by its rendition's."""
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, list):
        return [_replaced(member, ids) for member in value]
    if isinstance(value, dict):
        return {key: _replaced(member, ids) for key, member in value.items()}
    return value


def _tells(data: Json, one: _Seen) -> bool:
    """Whether the id of the original stands in it still: a last look, whatever cut it."""
    return one.row.id.rpartition("--")[2].lower().encode() in canonical(data).lower()


def _without_moment(data: Json) -> Json:
    return {key: value for key, value in data.items() if key != "modified"}


def _errors(data: Json) -> set[tuple[str, str]]:
    return {(problem.rule, problem.path) for problem in check(data) if problem.severity == "error"}
