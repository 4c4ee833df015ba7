"""Language content is as closed as what it translates, whichever of the two comes first (STIX 2.1 section 7.1)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.clock import from_text
from kizuna.labels import Marked, translated
from kizuna.store.database import Connection
from kizuna.store.relabelling import marked_as_stored
from kizuna.store.rows import RowWriter

if TYPE_CHECKING:
    from kizuna.store.store import Store

TYPE = "language-content"


class _Target(NamedTuple):
    label: int
    whole: int
    version: int | None
    raw: bytes
    source: str
    organisation: str


def marked_row(
    store: Store, connection: Connection, data: dict[str, Any], *, label: int, source: int, space: int
) -> Marked:
    """The labels of a stored row: its own, its granular marks, and those of what it translates."""
    of = store.interned.label_of
    name, organisation = connection.execute("select name, organisation from source where n=?", (source,)).fetchone()
    marked = marked_as_stored(store, connection, data, organisation, name).with_label(of(connection, label))
    if data.get("type") != TYPE:
        return marked
    targets = []
    for target in _targets(connection, data, name, space):
        base = of(connection, target.label)
        if target.whole == target.label:  # nothing in it is marked by itself
            targets.append(Marked(base))
            continue
        found = marked_as_stored(store, connection, msgspec.json.decode(target.raw), target.organisation, target.source)
        targets.append(found.with_label(base))
    return translated(data, marked, targets)


def marks_of(
    store: Store, connection: Connection, data: dict[str, Any], *, label: int, source: int, space: int
) -> Marked:
    """The labels of a stored row as `marked_row` tells them, without a look elsewhere where nothing in it is marked by itself."""
    if "granular_markings" in data or data.get("type") == TYPE:
        return marked_row(store, connection, data, label=label, source=source, space=space)
    return Marked(store.interned.label_of(connection, label))


def label_translations(store: Store, connection: Connection, objects: Sequence[int]) -> list[int]:
    """Label anew the translations among these rows and of these rows; returns which.

    Costs one look at the table of types where nothing was ever translated.
    """
    kind = store.interned.find(connection, "term", TYPE)
    path = store.interned.find(connection, "term", "object_ref")
    if kind < 0 or path < 0:
        return []
    rows = connection.execute(
        "select o.n, b.raw, o.label, o.source, o.space, o.set_by from object o join body b on b.n=o.n where o.type=:kind "
        "and o.n in (select value from json_each(:objects) union select e.object from json_each(:objects) j "
        "join object t on t.n=j.value join edge e on e.target=t.ident and e.path=:path)",
        {"kind": kind, "path": path, "objects": json.dumps(list(objects))},
    ).fetchall()
    for n, raw, label, source, space, set_by in rows:
        data = msgspec.json.decode(raw)
        marked = marked_row(store, connection, data, label=label, source=source, space=space)
        RowWriter(connection, store.interned, space).relabel(n, marked, data, by=set_by)
    return [n for n, *_ in rows]


def _targets(connection: Connection, data: dict[str, Any], source: str, space: int) -> list[_Target]:
    """The rows that a translation is of: of its own source, else of the owner; of the version it names, where that is here.

    What was deleted here still counts, and so does every version where none is named: a translation outlives both.
    """
    rows = [
        _Target._make(row)
        for row in connection.execute(
            "select o.label, o.whole, o.version, b.raw, s.name, s.organisation from ident i join object o on o.ident=i.n "
            "join body b on b.n=o.n join source s on s.n=o.source where i.space=? and i.id=? order by o.n",
            (space, str(data.get("object_ref"))),
        )
    ]
    whose = source if any(row.source == source for row in rows) else rows[0].source if rows else ""
    rows = [row for row in rows if row.source == whose]
    try:
        named = from_text(str(data["object_modified"])) if "object_modified" in data else None
    except (ValueError, OverflowError):
        named = None  # the year 0000, or no moment: no version that is here
    return [row for row in rows if row.version == named] or rows
