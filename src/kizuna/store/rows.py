"""Writing prepared versions and their index rows in batches, and rewriting the index rows of one that was relabelled."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import msgspec

from kizuna.labels import Label, Marked, least_label
from kizuna.store.database import Connection, Document, Load, Value
from kizuna.store.extract import Extract, extract
from kizuna.store.intern import Interned
from kizuna.store.prepare import Prepared

_encode = msgspec.json.Encoder().encode
DEFINITIONS = "definitions"
"""The fact of the store that changes whenever a marking definition comes or goes."""

INDEX_TABLES = ("edge", "value", "place", "time", "confidence", "doc")
_ROWS_END = "rows_end"
_FED = "fed:"


class New(msgspec.Struct, frozen=True):
    """A prepared version and the row number, ident and moment it gets."""

    n: int
    ident: int
    added: int
    area: int
    prepared: Prepared


class Names(dict[str, int]):
    """The integers of terms or areas, asked for once each."""

    def __init__(self, connection: Connection, interned: Interned, table: str) -> None:
        super().__init__()
        self._connection = connection
        self._interned = interned
        self._table = table

    def __missing__(self, name: str) -> int:
        self[name] = self._interned.name(self._connection, self._table, name)
        return self[name]


class RowWriter:
    """Writes into the tables of one space inside a transaction."""

    def __init__(self, connection: Connection, interned: Interned, space: int) -> None:
        self._connection = connection
        self._interned = interned
        self._space = space
        self._terms = Names(connection, interned, "term")
        self._labels: dict[int, tuple[Label, int]] = {}
        self._idents: dict[str, int] = {}
        self._next_ident = 0  # while some were given that are still to be noted
        self._loads: list[Load] = []
        self._documents: list[Document] = []
        self.unknown_from = 0
        """The integers from here on were made by the last call of `idents`: nothing is stored under them yet."""

    def idents(self, ids: Iterable[str]) -> dict[str, int]:
        """The integers of ids, made when new, among those of other ids of the transaction: most refer to the same few.

        What is new is written with what refers to it, by `insert` or `index`.
        """
        found = self._idents
        wanted = [id for id in dict.fromkeys(ids) if id not in found]
        found.update(
            self._connection.execute(
                "select id, n from ident where space=? and id in (select atom from json_each(?))",
                (self._space, json.dumps(wanted)),
            )
        )
        fresh = [id for id in wanted if id not in found]
        self.unknown_from = first = self._next_ident or int(_meta(self._connection, "ident_next", "1"))
        if fresh:
            # Numbered as they come, so that what is keyed by number mostly appends; written in the order of the table.
            numbered = {id: first + i for i, id in enumerate(fresh)}
            rows = [x for id in sorted(fresh) for x in (self._space, id, numbered[id])]
            self._loads.append(("ident(space,id,n)", rows, 3))
            self._next_ident = first + len(fresh)
            found |= numbered
        return found

    def insert(self, news: Sequence[New], idents: dict[str, int], source: int) -> None:
        """Write whole rows: object, body and everything read out of them, texts by `index_texts`."""
        label = self._label
        term = self._terms
        objects: list[Value] = []
        for new in news:
            one = new.prepared
            base = label(one.label)
            objects += (
                new.n, new.ident, self._space, one.id, one.version, one.digest, source, base,
                base if one.least is one.label else label(one.least), base if one.whole is one.label else label(one.whole),
                new.area, term[one.type], new.added, int(one.unstated),
            )  # fmt: skip
        self._loads.append(
            ("object(n,ident,space,id,version,digest,source,label,least,whole,area,type,added,unstated)", objects, 14)
        )
        bodies: list[Value] = []
        for new in news:
            one = new.prepared
            problems = _encode(one.problems).decode() if one.problems else None
            bodies += (new.n, one.raw, one.original, problems)
        self._loads.append(("body(n,raw,original,problems)", bodies, 4))
        self.index([(new.n, label(new.prepared.label), new.prepared.rows) for new in news], idents)

    def index(self, extracts: Sequence[tuple[int, int, Extract]], idents: dict[str, int]) -> None:
        """Write the index rows of objects given as (row, its label, what was read out), texts by `index_texts`."""
        term = self._terms
        edge: list[Value] = []
        value: list[tuple[str, int, int, int]] = []
        place: list[Value] = []
        time: list[Value] = []
        confidence: list[Value] = []
        for n, base, x in extracts:
            for t, path, mark in _once(x.edges):
                edge += (n, idents[t], term[path], base if mark is None else self._label(mark))
            for v, kind, mark in _once(x.values):
                value.append((v, term[kind], n, base if mark is None else self._label(mark)))
            for kind, v, mark in x.places:
                place += (n, kind, v, base if mark is None else self._label(mark))
            for path, first, last, mark in x.times:
                time += (n, term[path], first, last, base if mark is None else self._label(mark))
            for sure, mark in x.confidences:
                confidence += (n, sure, base if mark is None else self._label(mark))
            self._documents += [(n, base if mark is None else self._label(mark), text) for text, mark in x.docs]
        value.sort()
        loads, self._loads = self._loads, []
        self._connection.load(
            *loads,
            ("edge(object,target,path,label)", edge, 4),
            ("value(value,kind,object,label)", list(chain.from_iterable(value)), 4),
            ("place(object,kind,value,label)", place, 4),
            ("time(object,path,first,last,label)", time, 5),
            ("confidence(object,value,label)", confidence, 3),
        )

    def index_texts(self) -> None:
        """Bring the texts of what was written into the full text.

        A server has most work with these, so whoever writes batch after batch first asks what the next needs to know: then one makes
        that ready while the other indexes.
        """
        documents, self._documents = self._documents, []
        self._connection.full_text.add(self._connection, documents)

    def finish(self) -> None:
        """Write what is left to be written, before others write in the same transaction."""
        self.index_texts()
        if self._next_ident:
            set_meta(self._connection, "ident_next", str(self._next_ident))
            self._next_ident = 0

    def relabel(self, n: int, marked: Marked, data: dict[str, Any], by: str | None) -> None:
        """Give a row another label and other granular marks: what was read out of it is written anew.

        Whether its bytes state that label is asked by the act that looks at it anew.
        """
        self.relabel_several([(n, marked, data)], by)

    def relabel_several(self, rows: Sequence[tuple[int, Marked, dict[str, Any]]], by: str | None) -> None:
        """The same of many, each row once."""
        if not rows:
            return
        label, kept = self._label, self._connection.full_text.kept
        self._connection.executemany(
            "update object set label=?, least=?, whole=?, set_by=?, unstated=null where n=?",
            [(label(m.label), label(least_label(data, m)), label(m.whole), by, n) for n, m, data in rows],
        )
        numbers = json.dumps([n for n, _, _ in rows])
        for table in INDEX_TABLES:
            self._connection.execute(
                f"delete from {table} where object in (select value from json_each(?))", (numbers,)
            )
        extracts = [(n, label(marked.label), extract(data, marked, kept=kept)) for n, marked, data in rows]
        self.index(extracts, self.idents(target for *_, one in extracts for target, _, _ in one.edges))
        self.finish()

    def relabel_alike(self, rows: Sequence[int], label: Label, by: str | None) -> None:
        """Give rows in which nothing is marked granularly another label: their index rows just follow."""
        base, whole, numbers = self._label(label), self._label(Marked(label).whole), json.dumps(rows)
        these = "in (select value from json_each(?))"
        self._connection.execute(
            f"update object set label=?, least=?, whole=?, set_by=?, unstated=null where n {these}",
            (base, base, whole, by, numbers),
        )
        for table in INDEX_TABLES:
            self._connection.execute(f"update {table} set label=? where object {these}", (base, numbers))

    def _label(self, label: Label) -> int:
        # By identity first: a batch shares few labels, and to hash one takes longer than to write a row. Held, it lives.
        known = self._labels.get(id(label))
        if known is None:
            known = self._labels[id(label)] = (label, self._interned.label(self._connection, label))
        return known[1]


def _once(rows: list[tuple[str, str, Label | None]]) -> Iterable[tuple[str, str, Label | None]]:
    """Each pair of an object once, under the label of the first place it stands at."""
    if len(rows) < 2 or len({(one, other) for one, other, _ in rows}) == len(rows):
        return rows
    kept: dict[tuple[str, str], tuple[str, str, Label | None]] = {}
    for row in rows:
        kept.setdefault(row[:2], row)
    return kept.values()


def _meta(connection: Connection, key: str, default: str) -> str:
    found = connection.execute("select value from meta where key=?", (key,)).fetchone()
    return str(found[0]) if found else default


def get_meta(connection: Connection, key: str) -> str | None:
    """A fact about the store, None when it was never set."""
    return _meta(connection, key, "") or None


def note_definitions(connection: Connection) -> None:
    """Note that a marking definition came or went: labels that rest on what was there before are worked out anew."""
    set_meta(connection, DEFINITIONS, str(int(_meta(connection, DEFINITIONS, "0")) + 1))


def set_meta(connection: Connection, key: str, value: str) -> None:
    """Keep a fact about the store."""
    connection.execute(
        "insert into meta values (?,?) on conflict(key) do update set value=excluded.value", (key, value)
    )


def end_of_rows(connection: Connection) -> tuple[int, int]:
    """The newest row there ever was and its moment, zeros for none: a number is given once, whatever was destroyed since."""
    newest = connection.execute("select n, added from object order by n desc limit 1").fetchone() or (0, 0)
    n, _, added = _meta(connection, _ROWS_END, "0 0").partition(" ")
    return max(tuple(newest), (int(n), int(added)))


def keep_end_of_rows(connection: Connection) -> None:
    """Before rows are destroyed: remember the newest."""
    set_meta(connection, _ROWS_END, "{} {}".format(*end_of_rows(connection)))


def note_ended(connection: Connection, rows: Sequence[int]) -> None:
    """Tell who counts in memory (`fed`) that these rows are not live any more in some feed."""
    connection.execute("insert into altered(object) select value from json_each(?)", (json.dumps(rows),))


def state_of(connection: Connection) -> tuple[int | None, ...]:
    """What differs between two snapshots as soon as a row came, was altered, or came of a new source.

    What is worked out in a snapshot is kept under these: an older one keeps nothing under the numbers of a newer.
    """
    tables = ("object", "altered", "source")
    return tuple(connection.execute(f"select max(n) from {table}").fetchone()[0] for table in tables)


def end_of_feed(connection: Connection, recipient: int) -> int:
    """The last moment that was ever given in a feed, 0 for none."""
    (last,) = connection.execute("select max(added) from feed where recipient=?", (recipient,)).fetchone()
    return max(last or 0, int(_meta(connection, f"{_FED}{recipient}", "0")))


def keep_end_of_feed(connection: Connection, recipient: int) -> None:
    """Before rows of a feed are destroyed: remember the last."""
    set_meta(connection, f"{_FED}{recipient}", str(end_of_feed(connection, recipient)))
