"""Whether what the store keeps beside the bytes is what the bytes say: rows, indices and labels worked out afresh.

Nothing is changed and nothing is trusted but the bytes, the label of each object and who sent it. Feeds have a module
of their own (`verify_feeds`).
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.clock import from_text
from kizuna.labels import Label, Marked, least_label, restricts
from kizuna.stix import canonical
from kizuna.store.database import CheckedText, Connection
from kizuna.store.extract import Extract, extract
from kizuna.store.translations import marks_of
from kizuna.store.verify_feeds import feed_faults

if TYPE_CHECKING:
    from kizuna.store.store import Store

_BATCH = 500
_BATCH_BYTES = 8 << 20
_INDICES = ("edge", "value", "place", "time", "confidence", "doc")


class Fault(NamedTuple):
    """One thing that is not as the bytes say: which table, of which object or feed, and how."""

    table: str
    subject: str
    message: str


class _Row(NamedTuple):
    n: int
    ident: int
    space: int
    id: str
    version: int | None
    digest: bytes
    source: int
    label: int
    least: int
    whole: int
    type: int
    unstated: int | None
    raw: bytes | None
    known_as: int | None


def verify(store: Store) -> Iterator[Fault]:
    """Every fault of a store, at one moment of it; takes up to a millisecond for each object."""
    with store.database.snapshot() as connection:
        yield from _orphans(connection)
        if unlabelled := list(_unlabelled(connection)):
            yield from unlabelled  # nothing can be said of who may see them
            return
        numbers = _Numbers(store, connection)
        with closing(connection.full_text.checked(connection)) as words:
            for batch in _batches(connection):
                yield from _Batch(store, connection, batch, words, numbers).faults()
        for subject, message in feed_faults(store, connection):
            yield Fault("feed", subject, message)


def _orphans(connection: Connection) -> Iterator[Fault]:
    """Rows beside objects that belong to none; no one reads them, but they should not be."""
    for table in (*_INDICES, "body", "feed", "waiting"):
        of = "n" if table == "body" else "object"
        sql = f"select distinct {of} from {table} where {of} not in (select n from object) limit 20"
        for (n,) in connection.execute(sql).fetchall():
            yield Fault(table, f"row {n}", "belongs to no object")
    taken = connection.execute("select coalesce(max(n), 0) from ident").fetchone()[0]
    following = connection.execute("select value from meta where key='ident_next'").fetchone()
    if taken and (following is None or int(following[0]) <= taken):
        yield Fault("ident", "meta", "the next number of an id is taken already")


def _unlabelled(connection: Connection) -> Iterator[Fault]:
    labels = "(select n from label)"
    sql = (
        f"select id from object where label not in {labels} or least not in {labels} or whole not in {labels} limit 20"
    )
    for (id,) in connection.execute(sql):
        yield Fault("object", id, "has a label that is not there")


def _batches(connection: Connection) -> Iterator[list[_Row]]:
    rows = connection.stream(
        "select o.n, o.ident, o.space, o.id, o.version, o.digest, o.source, o.label, o.least, o.whole, o.type, o.unstated, b.raw, i.n "
        "from object o left join body b on b.n=o.n left join ident i on i.space=o.space and i.id=o.id "
        "where o.hidden<>2 order by o.n"  # renditions are no objects that anybody reads but partners: see `feed_faults`
    )
    batch: list[_Row] = []
    size = 0
    for fields in rows:
        batch.append(row := _Row._make(fields))
        size += len(row.raw or b"")
        if len(batch) == _BATCH or size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Numbers:
    """The integers of labels and terms, as they are at this moment: asked for once, not for each object."""

    def __init__(self, store: Store, connection: Connection) -> None:
        self._store = store
        self._connection = connection
        self._terms: dict[str, int] = {}
        self._labels: dict[Label, int] = {}

    def term(self, name: str) -> int:
        """The integer of a term, -1 when it was never stored."""
        if (number := self._terms.get(name)) is None:
            number = self._terms[name] = self._store.interned.find(self._connection, "term", name)
        return number

    def label(self, label: Label) -> int:
        """The integer of a label, -1 when it was never stored."""
        if (number := self._labels.get(label)) is None:
            text = msgspec.json.encode(label).decode()
            found = self._connection.execute("select n from label where canonical=?", (text,)).fetchone()
            number = self._labels[label] = int(found[0]) if found else -1
        return number


class _Batch:
    """Some rows in order of arrival with everything stored beside them."""

    def __init__(
        self, store: Store, connection: Connection, rows: list[_Row], words: CheckedText, numbers: _Numbers
    ) -> None:
        self._store = store
        self._connection = connection
        self._rows = rows
        self._words = words
        self._numbers = numbers
        between = (rows[0].n, rows[-1].n)
        self._stored: dict[str, dict[int, list[tuple[Any, ...]]]] = {}
        for table, columns in (
            ("edge", "i.id, e.path, e.label"),
            ("value", "e.value, e.kind, e.label"),
            ("place", "e.kind, e.value, e.label"),
            ("time", "e.path, e.first, e.last, e.label"),
            ("confidence", "e.value, e.label"),
            ("doc", "e.label, e.n"),
        ):
            found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
            join = "join object o on o.n=e.object left join ident i on i.n=e.target and i.space=o.space"
            sql = f"select e.object, {columns} from {table} e {join if table == 'edge' else ''} where e.object between ? and ?"
            for n, *fields in connection.execute(sql, between):
                found[n].append(tuple(fields))
            self._stored[table] = found
        documents = [number for rows in self._stored["doc"].values() for _, number in rows]
        self._documents = words.stored(documents)

    def faults(self) -> Iterator[Fault]:
        """What is wrong with these rows."""
        expected: list[tuple[_Row, Extract, bool]] = []
        for row in self._rows:
            try:
                data = msgspec.json.decode(row.raw or b"")
                marked = self._marked(row, data)
            except (msgspec.DecodeError, UnicodeError, RecursionError, KeyError, TypeError) as error:
                yield Fault("body", row.id, f"cannot be read: {type(error).__name__}")
                continue
            yield from (Fault("object", row.id, message) for message in self._row_faults(row, data))
            # Marks may have been worded by a definition that cannot be read any more: then their labels cannot be told again.
            known = self._numbers.label(marked.whole) == row.whole
            if (
                known
                and self._numbers.label(least_label(data, marked) if marked.granular else marked.label) != row.least
            ):
                yield Fault("object", row.id, "`least` is not what its label and marks say")
            if not marked.granular and row.whole != row.label:
                yield Fault("object", row.id, "`whole` is not its label though nothing in it is marked")
            if row.unstated == 0 and restricts(marked.label) and not _is_marked(data):
                yield Fault("object", row.id, "its label is noted as stated in its bytes, which state none")
            expected.append((row, extract(data, marked), known))
        sums = iter(self._words.fresh([text for _, rows, _ in expected for text, _ in rows.docs]))
        for row, rows, known in expected:
            yield from self._index_faults(row, rows, known, [next(sums) for _ in rows.docs])

    def _marked(self, row: _Row, data: dict[str, Any]) -> Marked:
        return marks_of(self._store, self._connection, data, label=row.label, source=row.source, space=row.space)

    def _row_faults(self, row: _Row, data: dict[str, Any]) -> Iterator[str]:
        if data.get("id") != row.id or row.known_as != row.ident:
            yield "its id is not that of its bytes"
        if data.get("type") != self._store.interned.name_of(self._connection, "term", row.type):
            yield "its type is not that of its bytes"
        moment = data.get("modified") or data.get("created")
        if row.version != (from_text(moment) if moment else None):
            yield "its version is not that of its bytes"
        if hashlib.sha256(canonical(data)).digest() != row.digest:
            yield "its digest is not that of its bytes"

    def _index_faults(self, row: _Row, fresh: Extract, known: bool, sums: list[Any]) -> Iterator[Fault]:
        term = self._numbers.term
        wanted: dict[str, list[tuple[Any, ...]]] = {
            "edge": [(target, term(path), self._label(row, mark)) for target, path, mark in fresh.edges],
            "value": [(value, term(kind), self._label(row, mark)) for value, kind, mark in fresh.values],
            "place": [(kind, value, self._label(row, mark)) for kind, value, mark in fresh.places],
            "time": [(term(path), first, last, self._label(row, mark)) for path, first, last, mark in fresh.times],
            "confidence": [(sure, self._label(row, mark)) for sure, mark in fresh.confidences],
            "doc": [(total, self._label(row, mark)) for total, (_, mark) in zip(sums, fresh.docs, strict=True)],
        }
        for table, rows in wanted.items():
            have = self._stored[table].get(row.n, [])
            if table == "doc":
                have = [(self._documents[number], label) for label, number in have]
            if table == "confidence" and have == [(sure, row.whole) for sure, _ in rows]:
                continue  # of a store from before it was kept: there it may have the label of the whole
            compare = _keyed if table in ("edge", "value") else _counted
            if message := compare(rows, have, known):
                yield Fault(table, row.id, message)

    def _label(self, row: _Row, label: Label | None) -> int:
        return row.label if label is None else self._numbers.label(label)


def _is_marked(data: dict[str, Any]) -> bool:
    return bool(data.get("object_marking_refs")) or data.get("type") == "marking-definition"


def _keyed(wanted: list[tuple[Any, ...]], have: list[tuple[Any, ...]], known: bool) -> str:
    """Rows with a key: each once, with a label of one of the places it stands at."""
    labels: dict[tuple[Any, ...], set[int]] = defaultdict(set)
    for *key, label in wanted:
        labels[tuple(key)].add(label)
    stored = {tuple(key): label for *key, label in have}
    if stored.keys() != labels.keys():
        return f"{len(labels.keys() - stored.keys())} missing, {len(stored.keys() - labels.keys())} too many"
    wrong = sum(1 for key, label in stored.items() if label not in labels[key]) if known else 0
    return f"{wrong} with another label" if wrong else ""


def _counted(wanted: list[tuple[Any, ...]], have: list[tuple[Any, ...]], known: bool) -> str:
    """Rows without a key: as many of each, the label last."""
    if not known:
        wanted, have = [row[:-1] for row in wanted], [row[:-1] for row in have]
    fresh, stored = Counter(wanted), Counter(have)
    if fresh == stored:
        return ""
    return f"{(fresh - stored).total()} missing, {(stored - fresh).total()} too many"
