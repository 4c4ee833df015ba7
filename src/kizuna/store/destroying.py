"""Destroying ids: every row of them in every space, version and source, whatever was read out of them, and what was told of them.

The rest is then as in a store that never had them, but for one thing: nothing is opened by it. What was labelled by a destroyed
definition, or as closed as a destroyed object because it translates it, stays as closed as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.labels import Label, Marked
from kizuna.store.database import Connection
from kizuna.store.extract import MENTION, extract
from kizuna.store.relabelling import marked_as_stored
from kizuna.store.rows import INDEX_TABLES, RowWriter, end_of_rows, keep_end_of_rows, note_definitions, set_meta
from kizuna.store.translations import TYPE, marked_row

if TYPE_CHECKING:
    from kizuna.store.act import Act
    from kizuna.store.store import Store

SCRUB = "scrub_due"
"""The fact of the store that unused parts of it may still hold what was destroyed."""

_THESE = "(select value from json_each(?))"
_TOLD = {"status": ("id", "body"), "answered": ("key", "answer")}
"""Answers kept for whom they were given to, by key and bytes: they name ids."""


class Destroyed(NamedTuple):
    """How many stored versions went, and how many refused items with them."""

    versions: int
    refused: int


class _Row(NamedTuple):
    n: int
    raw: bytes
    original: bytes | None
    type: int


def destroy(store: Store, act: Act, ids: Sequence[str], *, by: str) -> Destroyed:
    """Destroy everything of these ids inside an act. The caller says why in the audit trail, which keeps no content."""
    connection = act.connection
    ids = [*ids, *_renditions_of(connection, ids)]
    ids = [*ids, *_notices_of(connection, ids)]
    idents = _idents(connection, ids)
    rows = _rows(connection, idents)
    numbers = [row.n for row in rows]
    referring = _referring(connection, idents, numbers)
    _keep_closed(store, connection, [n for n, _ in referring], by)
    _forget_originals(connection, rows, [n for n, _ in referring])
    if rows:
        _destroy_rows(store, act, rows, idents)
    refused = sum(_forget_refused(connection, id) for id in ids) + _forget_unread(connection, ids)
    _forget_told(connection, ids)
    _forget_exports(connection, set(numbers))
    _forget_failures(connection, ids)
    if rows:
        mention = store.interned.find(connection, "term", MENTION)
        act.destroyed(idents, sorted({n for n, path in referring if path == mention}))
    _forget_idents(connection, idents)
    set_meta(connection, SCRUB, "1")
    return Destroyed(len(rows), refused)


def _idents(connection: Connection, ids: Sequence[str]) -> list[int]:
    spaces = [n for (n,) in connection.execute("select n from space").fetchall()]
    sql = "select n from ident where space=? and id in (select atom from json_each(?))"
    return [n for space in spaces for (n,) in connection.execute(sql, (space, json.dumps(list(ids)))).fetchall()]


def _renditions_of(connection: Connection, ids: Sequence[str]) -> list[str]:
    """What was made of them to be sent in part goes with them."""
    sql = (
        "select distinct r.id from ident i join object o on o.ident=i.n join rendition m on m.original=o.n "
        "join object r on r.n=m.row where i.space=0 and i.id in (select atom from json_each(?))"
    )
    return [id for (id,) in connection.execute(sql, (json.dumps(list(ids)),))]


def _notices_of(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Notes that this node sent about them, with what it keeps of notices and consents."""
    sql = (
        "select o.id, b.raw from rendition m join object o on o.n=m.row join body b on b.n=m.row "
        "where m.original is null and o.hidden=2"
    )
    notes = [id for id, raw in connection.stream(sql, (), at_once=64) if id.startswith("note--") and _names(raw, ids)]
    kept = connection.stream("select n, about from notice", (), at_once=64)
    naming = [(n,) for n, about in kept if _names(about.encode(), ids)]
    connection.executemany("delete from notice where n=?", naming)
    for table in ("consent_told", "departed"):
        these = "(select n from ident where space=0 and id in (select atom from json_each(?)))"
        connection.execute(f"delete from {table} where ident in {these}", (json.dumps(list(ids)),))
    connection.execute("delete from consent where subject in (select atom from json_each(?))", (json.dumps(list(ids)),))
    return notes


def _rows(connection: Connection, idents: Sequence[int]) -> list[_Row]:
    sql = f"select o.n, b.raw, b.original, o.type from object o join body b on b.n=o.n where o.ident in {_THESE}"
    return [_Row._make(row) for row in connection.execute(sql, (json.dumps(list(idents)),))]


def _referring(connection: Connection, idents: Sequence[int], numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Other rows that name these ids, each with the path at which."""
    gone = set(numbers)
    found = connection.execute(f"select object, path from edge where target in {_THESE}", (json.dumps(list(idents)),))
    return [(n, path) for n, path in found if n not in gone]


def _keep_closed(store: Store, connection: Connection, referring: Sequence[int], by: str) -> None:
    """Label translations with what they owe to what they translate, which will not be there to ask any more."""
    kind = store.interned.find(connection, "term", TYPE)
    rows = connection.execute(
        "select o.n, b.raw, o.label, o.whole, o.source, o.space from object o join body b on b.n=o.n "
        f"where o.type=? and o.whole<>o.label and o.n in {_THESE}",
        (kind, json.dumps(sorted(set(referring)))),
    ).fetchall()
    for n, raw, label, _, source, space in rows:
        data = msgspec.json.decode(raw)
        whole = marked_row(store, connection, data, label=label, source=source, space=space).whole
        name, organisation = connection.execute("select name, organisation from source where n=?", (source,)).fetchone()
        own = marked_as_stored(store, connection, data, organisation, name)
        RowWriter(connection, store.interned, space).relabel(n, own.with_label(whole), data, by)


def _forget_originals(connection: Connection, rows: Sequence[_Row], referring: Sequence[int]) -> None:
    """A text of STIX 2.0 holds several objects: what others were lifted from goes where it holds one of these."""
    near = f"select original from body where original is not null and n in {_THESE}"
    texts = [original for (original,) in connection.execute(near, (json.dumps(sorted(set(referring))),)).fetchall()]
    for text in {row.original for row in rows if row.original is not None} | set(texts):
        connection.execute("update body set original=null where original is not null and original=?", (text,))


def _destroy_rows(store: Store, act: Act, rows: Sequence[_Row], idents: Sequence[int]) -> None:
    connection = act.connection
    numbers = [row.n for row in rows]
    these = (json.dumps(numbers),)
    connection.full_text.forget(connection, numbers, list(_texts(store, connection, rows)))
    act.destroying(idents)
    for table in (*INDEX_TABLES, "waiting", "approval", "proposal", "capped", "find"):
        connection.execute(f"delete from {table} where object in {_THESE}", these)
    for table in ("rendition", "part"):
        connection.execute(f"delete from {table} where row in {_THESE}", these)
    for table in ("hold", "outbox"):
        connection.execute(f"delete from {table} where ident in {_THESE}", (json.dumps(list(idents)),))
    if end_of_rows(connection)[0] in numbers:
        keep_end_of_rows(connection)
    for table in ("body", "object"):
        connection.execute(f"delete from {table} where n in {_THESE}", these)
    if store.interned.find(connection, "term", "marking-definition") in {row.type for row in rows}:
        note_definitions(connection)


def _texts(store: Store, connection: Connection, rows: Sequence[_Row]) -> Iterator[str]:
    """Every text that may be indexed of these rows: as a whole, and property by property. Who may see it makes no other words."""
    label = Label(store.organisation, ())
    for row in rows:
        data = msgspec.json.decode(row.raw)
        for marked in (Marked(label), Marked(label, (("id", label),))):
            yield from (text for text, _ in extract(data, marked).docs)


def _forget_refused(connection: Connection, id: str) -> int:
    return connection.execute("delete from quarantine where id=?", (id,)).rowcount


def _forget_unread(connection: Connection, ids: Sequence[str]) -> int:
    """Of what could not be read nobody knows the id: it goes where one of these stands in it."""
    rows = connection.stream("select n, raw from quarantine where id is null order by n", at_once=16)
    found = [(n,) for n, raw in rows if _names(raw, ids)]
    connection.executemany("delete from quarantine where n=?", found)
    return len(found)


def _forget_told(connection: Connection, ids: Sequence[str]) -> None:
    for table, (key, told) in _TOLD.items():
        rows = connection.stream(f"select {key}, {told} from {table}", at_once=16)
        found = [(which,) for which, body in rows if _names(body, ids)]
        connection.executemany(f"delete from {table} where {key}=?", found)


def _forget_exports(connection: Connection, numbers: set[int]) -> None:
    """Bundles that hold a piece made of these rows: what is made goes, what is being made is broken off."""
    pieces = connection.stream("select job, rows from job_part where rows is not null order by job", at_once=64)
    found = set()
    for job, made_of in pieces:
        whole, cut = msgspec.json.decode(made_of)
        if not numbers.isdisjoint(whole) or not numbers.isdisjoint(map(int, cut)):
            found.add(job)
    these = (json.dumps(sorted(found)),)
    connection.execute(f"update job set cancelled=1 where state='running' and n in {_THESE}", these)
    connection.execute(
        f"update job set state='failed', error='outdated', reason=null where state='done' and n in {_THESE}", these
    )
    connection.execute(f"delete from job_part where job in {_THESE}", these)


def _forget_failures(connection: Connection, ids: Sequence[str]) -> None:
    """What jobs told of items that failed, where it names one of these; how many failed stays told."""
    changed = []
    for job, told in connection.stream("select n, result from job where result is not null order by n", at_once=16):
        if _names(told.encode(), ids):
            result = msgspec.json.decode(told)
            result["failures"] = [
                one for one in result.get("failures", ()) if not _names(msgspec.json.encode(one), ids)
            ]
            changed.append((msgspec.json.encode(result).decode(), job))
    connection.executemany("update job set result=? where n=?", changed)


def _forget_idents(connection: Connection, idents: Sequence[int]) -> None:
    """The numbers that nothing refers to any more."""
    connection.execute(
        f"delete from ident where n in {_THESE} and not exists (select 1 from edge e where e.target=ident.n)",
        (json.dumps(list(idents)),),
    )


def _names(body: Any, ids: Sequence[str]) -> bool:
    held = bytes(body)
    return any(id.encode() in held for id in ids)
