"""New versions of one's own objects, by people who see all of what they change: each of the version that they began from."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from kizuna.clock import to_text
from kizuna.errors import Conflict, InvalidInput, NotFound, Refused
from kizuna.labels import Label, Principal
from kizuna.stix import Problem, ReadLimits, iter_objects
from kizuna.store.database import Connection
from kizuna.store.model import Stored
from kizuna.store.relabelling import rows_of

if TYPE_CHECKING:
    from kizuna.store.store import Store

Json = dict[str, Any]
_MILLISECOND = 1_000
Unversionable = Literal["foreign", "maker", "unversioned", "revoked"]
_MARKS = ("object_marking_refs", "granular_markings")


class Unfit(InvalidInput):
    """What is not taken in as it is, with all that is wrong."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


class Editable(NamedTuple):
    """The newest version that somebody sees, and why they make no further one, as a code; None where they may."""

    stored: Stored
    why: str | None


def unversionable(store: Store, data: Json, *, own: bool) -> Unversionable | None:
    """Why nobody here makes a new version of an object, as a code; None where somebody may. `own` is whether it came in here first."""
    if not own:
        return "foreign"
    if data.get("created_by_ref") not in (None, store.settings.identity):
        return "maker"
    if "modified" not in data:
        return "unversioned"
    return "revoked" if data.get("revoked") is True else None


def editable(store: Store, connection: Connection, id: str, principal: Principal) -> Editable:
    """Whether somebody may make a new version of an object, as far as they see. Raises NotFound."""
    stored = store.view(principal).get(id)
    if stored is None:
        raise NotFound(f"no object {id}")
    first = min(rows_of(store, connection, "real", id, None, principal), key=lambda row: row.n)
    own = stored.source == "own" and first.kind == "own"
    why = "part" if stored.cut else unversionable(store, msgspec.json.decode(stored.raw), own=own)
    return Editable(stored, why)


def next_version(store: Store, before: int | None) -> int:
    """When the version that follows one of a moment is dated: now, and after it; in microseconds, whole milliseconds."""
    return max(store.clock(), (before or 0) + _MILLISECOND) // _MILLISECOND * _MILLISECOND


def edit(store: Store, id: str, data: Json, *, began: int, by: str, principal: Principal, may_release: bool) -> int:
    """Store what somebody made of a version as the next one, under the label it has; its moment, in microseconds.

    `data` goes through the writer as what is imported does. Raises NotFound, Refused, Conflict where another version is there by now,
    and Unfit with all that is wrong: then nothing was done.
    """
    with store.act() as act:
        now, why = editable(store, act.connection, id, principal)
        if why is not None:
            raise Refused(f"no new version is made of it ({why})")
        if now.version != began:
            raise Conflict("there is a newer version by now")
        before: Json = msgspec.json.decode(now.raw)
        _must_keep_marks(before, data, may_release=may_release)
        version = next_version(store, now.version)
        took(store, [{**data, "modified": to_text(version)}], label=now.label, may_release=may_release)
        if all(before.get(key) == data.get(key) for key in _MARKS):
            _keep_label(store, act.connection, now, version, by=by, principal=principal)
        store.record(act.connection, by, "edit", id, {"version": to_text(version)})
        return version


def counted(data: Json) -> set[str]:
    """Properties into which marks of parts reach, by number or name: with another content these would mark something else."""
    marks = data.get("granular_markings")
    listed = [one.get("selectors") for one in marks if isinstance(one, dict)] if isinstance(marks, list) else []
    selectors = [one for some in listed if isinstance(some, list) for one in some if isinstance(one, str)]
    return {one.partition(".")[0] for one in selectors if "." in one}


def _must_keep_marks(before: Json, data: Json, *, may_release: bool) -> None:
    """Raise Unfit where marks would slip to other parts, and Refused where somebody changes them who may not release."""
    if data.get("granular_markings") != before.get("granular_markings"):
        if not may_release:
            raise Refused("other marks of parts need the right to release")
        return
    slipped = sorted(key for key in counted(before) if data.get(key) != before.get(key))
    text = "marks of parts reach into it, and would mark something else: change `granular_markings` as well"
    if slipped:
        raise Unfit(tuple(Problem("marks-slip", "error", key, text, "Kizuna") for key in slipped))


def took(
    store: Store, objects: Sequence[Json], *, label: Label | None, may_release: bool, area: str | None = None
) -> None:
    """Take objects of one's own in, each labelled at least as `label`. Raises Unfit with all that is wrong."""
    text = msgspec.json.encode({"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": list(objects)})
    writer = store.writer(store.own_source(), label=label, area=area, may_release=may_release)
    items = iter_objects(text, limits=ReadLimits(object=store.settings.limits.object))
    problems = [problem for outcome in writer.add(items) if outcome.status == "failed" for problem in outcome.problems]
    if problems:
        raise Unfit(tuple(problem for problem in problems if problem.severity == "error"))


def _keep_label(
    store: Store, connection: Connection, before: Stored, version: int, *, by: str, principal: Principal
) -> None:
    """Where people had set the label of the version before to another than its bytes state, the next one has that, too."""
    rows = rows_of(store, connection, "real", before.id, version, principal)
    if any(store.interned.label_of(connection, row.label) != before.label for row in rows):
        store.relabel(before.id, before.label, by=by, principal=principal, version=version)


__all__ = ["Editable", "Unfit", "Unversionable", "counted", "edit", "editable", "next_version", "took", "unversionable"]
