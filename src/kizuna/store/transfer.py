"""Moving a whole store from one database into another, table by table, with proof that both hold the same.

What is indexed for search is not copied but made anew from the objects, under the same numbers: the two kinds of database keep it
in ways of their own, and its order is the order of answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from kizuna.errors import Conflict, InvalidInput
from kizuna.store.database import Connection, Database
from kizuna.store.extract import extract
from kizuna.store.moving import MOVED, MOVING, must_live_here
from kizuna.store.rows import get_meta, set_meta
from kizuna.store.translations import marks_of

if TYPE_CHECKING:
    from kizuna.store.store import Store

FIRST = ("quarantine", "person")
"""Tables that come before others: what counts quarantine up stands in `source`, and credentials name persons."""

ORDERS = {"time": "object, path, first, last is null, last, label"}
"""Where the order of the columns is not the same everywhere: it is asked differently what comes before nothing."""

DOCUMENTS = "doc"
_ROWS = 4_000
_BYTES = 8 << 20
_encode = msgspec.msgpack.Encoder().encode


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What was moved: rows of each table, the digest of each, alike on both sides."""

    tables: dict[str, int]
    digests: dict[str, str]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(self.tables.values())


def copy_store(
    source: Store, target: Database, mark: str | None = None, then: Callable[[Connection], object] = lambda _: None
) -> Moved:
    """Copy everything into an empty database and compare the two; whole or not at all where the target can.

    With a mark nobody opens it before the move is at its end (`moving`). Nobody writes to the source until `then`, which is given
    the transaction that keeps it, is done: after all is in the target. Raises Conflict where something is there already,
    InvalidInput where the two are not equal afterwards, or the node of the source lives elsewhere by now.
    """
    must_be_empty(target.read(), target)  # before any lock: it may be the very same
    tables = _columns(source.database, target)
    with source.database.write() as here:  # held, so that what is copied is all there is
        must_live_here(get_meta(here, MOVED), source.database.place)
        with target.write() as there:
            must_be_empty(there, target)
            for table in ("space", "meta", "rule"):  # what every new store begins with
                there.execute(f"delete from {table}")
            counts, digests = {}, {}
            for table, columns in tables.items():
                counts[table], digests[table] = _copy(here, there, table, columns)
            counts[DOCUMENTS], digests[DOCUMENTS] = _copy_documents(source, here, there)
            newest = here.full_text.newest(here)
            there.full_text.reserve(there, newest)
            target.numbers_follow(there)
            for table, columns in tables.items():
                if _digest(_rows(there, table, columns)) != (counts[table], digests[table]):
                    raise InvalidInput(
                        f"table {table} is not the same on both sides; nothing was moved", file=target.place
                    )
            _compare_documents(source, here, there, target)
            if mark is not None:
                set_meta(there, MOVING, mark)
        then(here)
    target.tidy()
    return Moved(tables=counts, digests=digests)


def _columns(source: Database, target: Database) -> dict[str, list[str]]:
    """Every table but the documents with its columns, in the order they are copied in."""
    here, there = source.tables(), target.tables()
    shapes = [{t: set(columns) for t, columns in tables.items() if t != DOCUMENTS} for tables in (here, there)]
    if shapes[0] != shapes[1]:
        raise InvalidInput("the two stores are of different releases; open the older one with this release first")
    return {table: here[table] for table in copy_order(here)}


def copy_order(tables: Iterable[str], *, documents: bool = False) -> list[str]:
    """Names of tables in the order in which they may be filled."""
    known = set(tables) - (set() if documents else {DOCUMENTS})
    first = [table for table in FIRST if table in known]
    return [*first, *sorted(known - set(first))]


def must_be_empty(there: Connection, target: Database) -> None:
    """Raise Conflict where a node is in it."""
    for table in ("object", "audit", "person", "partner", "quarantine"):
        if there.execute(f"select 1 from {table} limit 1").fetchone():
            raise Conflict("there is a node in it already; nothing was changed", file=target.place)


def _rows(connection: Connection, table: str, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    """Every row of a table in the order of its columns, which is the same on every database."""
    names = ", ".join(columns)
    order = ORDERS.get(table, names)
    return connection.stream(f"select {names} from {table} order by {order}", at_once=_at_once(table))


def _at_once(table: str) -> int:
    return 64 if table in ("body", "quarantine", "status", "answered", "job_part") else _ROWS


def portions(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Rows in lists that fit into memory."""
    some: list[tuple[Any, ...]] = []
    size = 0
    for row in rows:
        some.append(row)
        size += sum(len(value) for value in row if isinstance(value, bytes | str))
        if len(some) == _ROWS or size > _BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


def _copy(here: Connection, there: Connection, table: str, columns: list[str]) -> tuple[int, str]:
    count, digest = 0, hashlib.sha256()
    for some in portions(_rows(here, table, columns)):
        there.load((f"{table}({','.join(columns)})", list(chain.from_iterable(some)), len(columns)))
        count += len(some)
        digest.update(b"".join(map(_encode, some)))
    return count, digest.hexdigest()


def _digest(rows: Iterable[tuple[Any, ...]]) -> tuple[int, str]:
    count, digest = 0, hashlib.sha256()
    for some in portions(rows):
        count += len(some)
        digest.update(b"".join(map(_encode, some)))
    return count, digest.hexdigest()


Numbered = tuple[int, int, int, str]
"""A document: its number, object, label and text."""


def _copy_documents(source: Store, here: Connection, there: Connection) -> tuple[int, str]:
    count, digest = 0, hashlib.sha256()
    for some in portions(documents_of(source, here)):
        there.full_text.put(there, some)
        count += len(some)
        digest.update(b"".join(_encode(row[:3]) for row in some))
    return count, digest.hexdigest()


def _compare_documents(source: Store, here: Connection, there: Connection, target: Database) -> None:
    """Each document stands under its number, with its object and label, and holds the words its object gives."""
    checked = there.full_text.checked(there)
    try:
        for some in portions(documents_of(source, here)):
            numbers = [number for number, *_ in some]
            sql = "select n, object, label from doc where n between ? and ? order by n"
            stored = there.execute(sql, (min(numbers), max(numbers))).fetchall()
            words = checked.stored(numbers)
            fresh = checked.fresh([text for *_, text in some])
            same = list(map(tuple, stored)) == [row[:3] for row in some]
            if not same or [words[n] for n in numbers] != fresh:
                raise InvalidInput(
                    "what is indexed is not the same on both sides; nothing was moved", file=target.place
                )
    finally:
        checked.close()


def documents_of(source: Store, here: Connection) -> Iterator[Numbered]:
    """Every document with its text, in the order of their numbers. Those of one object follow each other as they are read out of it."""
    sql = (
        "select d.n, d.object, d.label, b.raw, o.label, o.source, o.space from doc d join object o on o.n=d.object "
        "join body b on b.n=d.object order by d.n"
    )
    for n, rows in groupby(here.stream(sql, at_once=64), key=itemgetter(1)):
        held = list(rows)
        _, _, _, raw, label, of, space = held[0]
        data = msgspec.json.decode(raw)
        texts = extract(data, marks_of(source, here, data, label=label, source=of, space=space)).docs
        if len(texts) != len(held):
            raise InvalidInput(f"what is indexed of {data['id']} is not what it says; see `kizuna doctor --full`")
        yield from ((number, n, mark, text) for (number, _, mark, *_), (text, _) in zip(held, texts, strict=True))
