"""Giving stored rows another label: by somebody's decision, or because a definition came in that words it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.errors import NotFound, Refused
from kizuna.labels import Label, Marked, Principal, exceeds, format_label, join, mark, parse_label
from kizuna.store.database import Connection
from kizuna.store.prepare import definitions_from
from kizuna.store.rows import RowWriter, note_definitions

if TYPE_CHECKING:
    from kizuna.store.act import Act
    from kizuna.store.model import Source
    from kizuna.store.store import Store


Known = Mapping[str, dict[str, Any]]
"""Marking definitions by id that need not be stored yet."""


class SeenRow(NamedTuple):
    """A stored row as somebody sees it: its number, the kind of its source, its JSON, its label and its source."""

    n: int
    kind: str
    raw: bytes
    label: int
    source: str
    organisation: str


_SEEN = (
    "select i.id, o.least, o.n, s.kind, b.raw, o.label, s.name, s.organisation from ident i "
    "join space p on p.n=i.space join object o on o.ident=i.n join body b on b.n=o.n join source s on s.n=o.source "
    "where p.name=? and i.id in (select atom from json_each(?)) and o.hidden=0 "
)
AT_ONCE = 1_000


def rows_of(
    store: Store, connection: Connection, space: str, id: str, version: int | None, principal: Principal | None
) -> list[SeenRow]:
    """The rows of an id, or of one version of it, that a principal sees. Raises NotFound when there are none."""
    sql = f"{_SEEN}and o.version is not distinct from coalesce(?, o.version)"
    found = _seen(store, connection.execute(sql, (space, json.dumps([id]), version)), principal, connection)
    if id not in found:
        raise NotFound(f"no object {id}")
    return found[id]


def rows_of_many(
    store: Store, connection: Connection, space: str, ids: Sequence[str], principal: Principal | None
) -> Iterator[tuple[str, list[SeenRow]]]:
    """Each of these ids with its rows that a principal sees, where there are any, a thousand ids at a time."""
    for first in range(0, len(ids), AT_ONCE):
        some = list(dict.fromkeys(ids[first : first + AT_ONCE]))
        found = _seen(store, connection.stream(_SEEN, (space, json.dumps(some)), at_once=64), principal, connection)
        # In the order asked for: a database's own may rest on rows that are hidden, and the audit trail would tell it.
        yield from ((id, found[id]) for id in some if id in found)


def _seen(
    store: Store, rows: Iterable[Sequence[Any]], principal: Principal | None, connection: Connection
) -> dict[str, list[SeenRow]]:
    # A row hidden from the writer is as if it did not exist.
    mask = store.mask(principal)
    found: dict[str, list[SeenRow]] = {}
    allowed: dict[int, bool] = {}
    for id, least, *row in rows:
        if least not in allowed:
            allowed[least] = mask.allows(store.interned.label_of(connection, least))
        if allowed[least]:
            found.setdefault(id, []).append(SeenRow._make(row))
    return found


class Relabelling:
    """Gives rows the label somebody wants; those that are marked alike are written together, by `finish`."""

    def __init__(self, store: Store, connection: Connection, label: Label, by: str) -> None:
        self._store = store
        self._connection = connection
        self._label = label
        self._by = by
        self._writer = RowWriter(connection, store.interned, 0)
        self._alike: dict[Label, list[int]] = {}
        self._plain: list[int] = []  # rows that get the very label
        self._marked: dict[int, tuple[Marked, dict[str, Any]]] = {}
        self._touched: list[int] = []

    def add(self, rows: Sequence[SeenRow]) -> None:
        """The rows of one id. Raises Refused where only the owner may, and then none of them is changed."""
        for row, label in self._wanted(rows):
            self._touched.append(row.n)
            # A key may be written with escapes; what has neither those nor the word is not read.
            data = msgspec.json.decode(row.raw) if b"granular_markings" in row.raw or b"\\u" in row.raw else {}
            if "granular_markings" not in data:
                # To hash a label takes longer than all else here.
                (self._plain if label is self._label else self._alike.setdefault(label, [])).append(row.n)
                continue
            marked = marked_as_stored(self._store, self._connection, data, row.organisation, row.source)
            self._marked[row.n] = marked.with_label(label), data
            if len(self._marked) == AT_ONCE:
                self._write_marked()

    def _write_marked(self) -> None:
        self._writer.relabel_several([(n, marked, data) for n, (marked, data) in self._marked.items()], self._by)
        self._marked.clear()

    def finish(self) -> list[int]:
        """Write what is left; returns every row that changed."""
        self._write_marked()
        if self._plain:
            self._alike.setdefault(self._label, []).extend(self._plain)
        for label, rows in self._alike.items():
            self._writer.relabel_alike(rows, label, self._by)
        self._alike.clear()
        self._plain.clear()
        return self._touched

    def _wanted(self, rows: Sequence[SeenRow]) -> list[tuple[SeenRow, Label]]:
        if len(rows) == 1 and rows[0].kind != "partner":  # by far the most
            return [(rows[0], self._label)]
        owned = any(row.kind != "partner" for row in rows)
        return [(row, label) for row in rows if (label := self._given(row, owned=owned)) is not None]

    def _given(self, row: SeenRow, *, owned: bool) -> Label | None:
        if row.kind != "partner":
            return self._label
        before = self._store.interned.label_of(self._connection, row.label)
        tightened = join(before, self._label)
        looser = exceeds(before, self._label) or (tightened == before and self._label != before)
        if looser and not owned:
            raise Refused("only its owner may loosen this label; here it can only be tightened")
        return None if looser else tightened  # a copy that came back keeps what its sender says of it


class _Markings(msgspec.Struct, gc=False):
    """What tells how a row is marked; the rest of it is skipped."""

    type: str
    object_marking_refs: msgspec.Raw = msgspec.Raw(b"")
    granular_markings: msgspec.Raw = msgspec.Raw(b"")


_markings = msgspec.json.Decoder(_Markings).decode


def label_naming(act: Act, store: Store, definitions: Sequence[tuple[int, int]], source: Source) -> list[int]:
    """Work out anew the labels of rows that name these marking definitions of a source and that nobody relabelled.

    A definition is its ident and the newest row that was labelled without it. A partner's words its own rows alone, one's own
    and a pack's those of every source. Returns the rows that changed.
    """
    # The rows first, and only then their texts, one by one: of a store they may be the most.
    naming = "select object, target from edge where target in (select value from json_each(?))"
    newest: dict[int, int] = {}
    for ident, n in definitions:
        newest[ident] = max(n, newest.get(ident, 0))
    edges = act.connection.execute(naming, (json.dumps(list(newest)),))
    rows = sorted({n for n, target in edges if n <= newest[target]})
    which = "o.n in (select value from json_each(?)) and (s.name=? or ?=1)"
    return _label_again(act, store, which, (json.dumps(rows), source.name, int(source.kind != "partner")))


def label_since(act: Act, store: Store, first: int, source: Source, known: Known) -> list[int]:
    """Work out anew the labels of a source's rows from one on, with definitions that are still to come; returns the rows that changed."""
    return _label_again(act, store, "o.n>=? and s.name=?", (first, source.name), known)


def _label_again(
    act: Act, store: Store, which: str, values: tuple[object, ...], known: Known | None = None
) -> list[int]:
    rows = act.connection.stream(
        "select o.n, b.raw, o.label, s.name, s.organisation from object o join body b on b.n=o.n "
        f"join source s on s.n=o.source where {which} and o.set_by is null",
        values,
    )
    by_source: dict[str, _Again] = {}
    for n, raw, old, source, organisation in rows:
        if source not in by_source:
            by_source[source] = _Again(act, store, source, organisation, known or {})
        by_source[source].look_at(n, raw, old)
    return [n for again in by_source.values() for n in again.finish()]


class _Again:
    """Rows of one source that are labelled anew: those marked alike with the same label before share the answer."""

    def __init__(self, act: Act, store: Store, source: str, organisation: str, known: Known) -> None:
        self._act = act
        self._known = known
        self._store = store
        self._source = source
        self._organisation = organisation
        ceiling = store.settings.ceiling
        self._ceiling = parse_label(ceiling, originator=store.organisation) if ceiling else None
        self._alike: dict[tuple[int, bytes], tuple[Marked, list[int]]] = {}
        self._alone: list[tuple[int, int]] = []
        self._touched: list[int] = []
        self._rows = RowWriter(act.connection, store.interned, 0)

    def look_at(self, n: int, raw: bytes, old: int) -> None:
        """Take one row; all are written at the end."""
        found = _markings(raw)
        granular = bytes(found.granular_markings) != b""
        if not granular and not bytes(found.object_marking_refs):
            return  # it names a definition, and is marked by none
        if granular or found.type == "marking-definition" or self._ceiling is not None:
            self._alone.append((n, old))
            return
        key = (old, bytes(found.object_marking_refs))
        if key not in self._alike:
            self._alike[key] = (self._marked(msgspec.json.decode(raw), old), [])
        self._alike[key][1].append(n)

    def finish(self) -> list[int]:
        """Write them; returns every row whose label changed."""
        for n, old in self._alone:
            (raw,) = self._act.connection.execute("select raw from body where n=?", (n,)).fetchone()
            data = msgspec.json.decode(raw)
            self._one(n, data, old, self._marked(data, old))
        for (old, _), (marked, rows) in self._alike.items():
            if self._store.interned.label(self._act.connection, marked.label) != old:
                self._rows.relabel_alike(rows, marked.label, None)
                self._touched += rows
        return self._touched

    def _marked(self, data: dict[str, Any], old: int) -> Marked:
        connection = self._act.connection
        marked = marked_as_stored(self._store, connection, data, self._organisation, self._source, self._known)
        before = self._store.interned.label_of(connection, old)
        if not data.get("object_marking_refs") and not marked.too_wide:
            return marked.with_label(before)  # what it was given when it came in
        return marked.with_label(_still_joined(marked.label, before))

    def _one(self, n: int, data: dict[str, Any], old: int, marked: Marked) -> None:
        connection = self._act.connection
        if self._ceiling is not None and exceeds(marked.whole, self._ceiling):
            # It came in before its definition did: what it says may not stay readable here.
            connection.execute("update object set hidden=1 where n=?", (n,))
            if data["type"] == "marking-definition":
                note_definitions(connection)
            label = {"label": format_label(marked.whole)}
            self._store.record(connection, self._source, "spillage", str(data["id"]), label)
            self._touched.append(n)
        elif self._store.interned.label(connection, marked.label) != old or marked.granular:
            self._rows.relabel(n, marked, data, by=None)
            self._touched.append(n)


def marked_as_stored(
    store: Store,
    connection: Connection,
    data: dict[str, Any],
    originator: str,
    source: str,
    known: Known | None = None,
) -> Marked:
    """What an object of a source states: a definition counts from that source, a pack or here, as when it came in."""

    def stored(id: str) -> dict[str, Any] | None:
        row = connection.execute(
            "select b.raw from ident i join object o on o.ident=i.n join body b on b.n=o.n join source s on s.n=o.source "
            "where i.space=0 and i.id=? and (s.name=? or s.kind != 'partner') and o.hidden=0 order by o.n limit 1",
            (id, source),
        ).fetchone()
        return msgspec.json.decode(row[0]) if row else None

    return mark(
        data,
        definitions_from(known or {}, stored),
        originator=originator,
        community=store.settings.community,
    )


def _still_joined(label: Label, before: Label) -> Label:
    """The label now that its definition is known, still joined with what the import had been told besides."""
    kept = tuple(part for part in before.parts if part.policy != "OWN")
    return join(label, Label(before.originator, kept)) if kept else label
