"""What counting needs of every row, in memory: a few numbers of each object and each document of the full text.

To count by type, area, source and label over what somebody may see takes a database a second at a million rows, and NumPy some
milliseconds. The columns follow the database: new rows are appended, and rows that an act changed stand in the table `altered`.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kizuna.store.confidence import BANDS, IN_SQL
from kizuna.store.database import Connection
from kizuna.store.domains import DOMAINS, RULES
from kizuna.store.fed import Fed

Numbers = NDArray[np.int64]
Small = NDArray[np.int32]
Flags = NDArray[np.bool_]
Allowed = frozenset[int] | None
"""Labels that somebody may see; None is every one."""

Counted = Mapping[str, Mapping[int, int]]
"""By a field, how many rows have each number."""

_Version = tuple[int, int | None, bytes]  # a row, its version and its digest

READ_AT_ONCE = 20_000
_KEPT = 32  # answers held: of readers, and of questions
_MOMENTS = 256
# `shown` is the space plus one, 0 where nobody is shown the row.
_FIELDS = ("ident", "shown", "least", "label", "type", "area", "source")
_ROWS = "select n, ident, case when hidden=0 then space+1 else 0 end, least, label, type, coalesce(area, 0), source from object"
_CONFIDENCES = f"select object, {IN_SQL}, label from confidence"


class Table:
    """Columns of whole numbers under the number of their row; they grow, and what is not there is all zeros."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = fields
        self._columns = [np.zeros(0, np.int32) for _ in fields]
        self.end = 0

    def put(self, rows: Iterator[Sequence[int]]) -> None:
        """Write rows, each its number and its fields."""
        while block := list(islice(rows, READ_AT_ONCE)):
            flat = np.fromiter(chain.from_iterable(block), np.int64, len(block) * (len(self._fields) + 1))
            values = flat.reshape(len(block), -1).T
            self.reach(int(values[0].max()) + 1)
            for column, given in zip(self._columns, values[1:], strict=True):
                column[values[0]] = given

    def column(self, field: str) -> Small:
        """All that are there of one field."""
        return self._columns[self._fields.index(field)][: self.end]

    def reach(self, end: int) -> None:
        """Have room up to there; what is not written is all zeros."""
        if end > len(self._columns[0]):
            room = max(end, len(self._columns[0]) * 5 // 4, 1024)
            self._columns = [np.concatenate((old, np.zeros(room - len(old), np.int32))) for old in self._columns]
        self.end = max(self.end, end)


class Moment:
    """The columns as one snapshot saw them; whatever came later is not in them."""

    def __init__(self, columns: Columns, connection: Connection, generation: int) -> None:
        self._columns = columns
        self._connection = connection
        self.generation = generation
        self.objects = {field: columns.objects.column(field) for field in _FIELDS}
        self.documents = columns.documents.column("object"), columns.documents.column("label")
        self.end = columns.objects.end
        self.fed = columns.fed
        self.domains = columns.domains[: self.end]
        self._confidences = columns.confidences.column("band"), columns.confidences.column("label")

    def bands(self, rows: Numbers, allowed: Allowed) -> dict[int, int]:
        """How many of these rows state a confidence of each band, by its number, as far as a reader may see that; 0 is none stated."""
        return numbered(self._confidence(allowed)[rows])

    def in_band(self, name: str, allowed: Allowed) -> Flags:
        """Of every row, whether the confidence that a reader sees of it is of this band."""
        return np.asarray(self._confidence(allowed) == (BANDS.index(name) if name in BANDS else -1))

    def _confidence(self, allowed: Allowed) -> Small:
        bands, labels = (column[: self.end] for column in self._confidences)
        return bands if allowed is None else np.where(among(labels, allowed), bands, 0)

    def between(self, first: int, end: int) -> Flags:
        """Of every row, whether it is from one on and before another."""
        flags = np.zeros(self.end, np.bool_)
        flags[first:end] = True
        return flags

    def numbers(self, rows: Flags) -> Numbers:
        """The numbers of these rows."""
        return np.flatnonzero(rows)

    def first_since(self, moment: int) -> int:
        """The first row that came in at a moment (microseconds) or later: moments rise with rows. The end where there is none."""
        return self._columns.first_since(self._connection, moment, self.end)

    def counted(self, allowed: Allowed, space: int, make: Callable[[], Counted]) -> Counted:
        """What is counted of all that a reader sees, once for all who see alike."""
        return self._columns.counted((allowed, space), self.generation, make)

    def visible(self, allowed: Allowed, space: int) -> Flags:
        """Of every row, whether a reader may see it."""
        return np.asarray((self.objects["shown"] == space + 1) & among(self.objects["least"], allowed))

    def current(self, allowed: Allowed, space: int) -> Flags:
        """Of every row, whether it is the newest of its id that a reader may see."""
        return self._columns.current(self, allowed, space)

    def holding(self, phrases: Sequence[str], allowed: Allowed) -> Flags:
        """Of every row, whether a document that the reader may see holds every one of these phrases."""
        objects, labels = self.documents
        found = self.matching(phrases)
        return self.rows(objects[found[among(labels[found], allowed)]])

    def matching(self, phrases: Sequence[str]) -> Numbers:
        """The documents that hold every one of these phrases, in order."""
        found = self._columns.hits(self._connection, tuple(phrases), len(self.documents[0]) - 1)
        return found[found < len(self.documents[0])]

    def positions(
        self, rows: Flags, phrases: Sequence[str] | None, allowed: Allowed, before: int | None
    ) -> Iterator[tuple[list[int], list[int]]]:
        """Positions and rows of what is among `rows`, newest first, some at a time: by document, where phrases are looked for."""
        if phrases is None:
            for end in range(min(self.end, before or self.end), 0, -READ_AT_ONCE):
                first = max(end - READ_AT_ONCE, 0)
                some = (np.flatnonzero(rows[first:end]) + first)[::-1].tolist()
                yield some, some
            return
        objects, labels = self.documents
        documents = self.matching(phrases)
        if before is not None:
            documents = documents[: np.searchsorted(documents, before)]
        for end in range(len(documents), 0, -READ_AT_ONCE):
            found = documents[max(end - READ_AT_ONCE, 0) : end][::-1]
            found = found[rows[objects[found]] & among(labels[found], allowed)]
            yield found.tolist(), objects[found].tolist()

    def rows(self, numbers: Sequence[int] | NDArray[Any]) -> Flags:
        """Of every row, whether it is one of these."""
        flags = np.zeros(self.end, np.bool_)
        wanted = np.asarray(numbers, np.int64)
        flags[wanted[wanted < self.end]] = True
        return flags

    def among(self, field: str, numbers: Iterable[int]) -> Flags:
        """Of every row, whether a field of it is one of these."""
        return among(self.objects[field], frozenset(n for n in numbers if n >= 0))

    def counts(self, field: str, rows: Flags | Numbers) -> dict[int, int]:
        """How many of these rows have each number in a field; 0 is none."""
        values = self.domains if field == "domain" else self.objects[field]
        return {value: count for value, count in numbered(values[rows]).items() if value}

    def of_domain(self, name: str) -> Flags:
        """Of every row, whether it is of a domain."""
        return np.asarray(self.domains == (DOMAINS.index(name) + 1 if name in DOMAINS else -1))

    def distinct(self, rows: Flags, field: str) -> dict[int, int]:
        """How many ids have rows of these, by each number in a field."""
        idents, values = self.objects["ident"][rows].astype(np.int64), self.objects[field][rows]
        pairs = np.unique((idents << 32) | values)
        found = np.bincount(pairs & 0xFFFF_FFFF)
        return {int(value): int(found[value]) for value in np.flatnonzero(found) if value}

    def latest(self, rows: Flags, field: str) -> dict[int, int]:
        """The last of these rows, by each number in a field; 0 is none."""
        numbers, values = np.flatnonzero(rows), self.objects[field][rows]
        last = np.zeros(int(values.max(initial=0)) + 1, np.int64)
        last[values] = numbers  # of those that share a place the last stays
        return {int(value): int(last[value]) for value in np.flatnonzero(last) if value}

    def follow_feeds(self) -> Hashable:
        """Have the feeds as they are in this snapshot; what it returns is another whenever something of them is."""
        return self.fed.follow(self._connection, self.end)

    def given(self, allowed: Allowed, field: str) -> dict[int, tuple[int, int]]:
        """By each number in a field: of the ids a reader is shown, how many have rows in any feed, and when one entered last.

        Not what is made for one partner, parts of objects and notices: that would tell of what it was made of.
        """
        entered = self.fed.anywhere(self.end)
        rows = (entered > 0) & (self.objects["shown"] > 0) & among(self.objects["least"], allowed)
        counts = self.distinct(rows, field)
        last = np.zeros(max(counts, default=0) + 1, np.int64)
        np.maximum.at(last, self.objects[field][rows], entered[rows])
        return {value: (count, int(last[value])) for value, count in counts.items()}

    def given_to(self, allowed: Allowed) -> dict[int, int]:
        """By recipient, how many rows of its feed a reader is shown."""
        seen = (self.objects["shown"] > 0) & among(self.objects["least"], allowed)
        return {n: int(np.count_nonzero(flags & seen)) for n, flags in self.fed.live(self.end).items()}


class Columns:
    """The columns of one store, for all readers of this process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.objects = Table(_FIELDS)
        self.documents = Table(("object", "label"))
        self.confidences = Table(("band", "label"))
        self.domains = np.zeros(0, np.int8)
        self.fed = Fed()
        self._several = Several()
        self._altered = -1
        self._generation = 0
        self._hits: OrderedDict[tuple[str, ...], tuple[int, Numbers]] = OrderedDict()
        self._current: OrderedDict[tuple[Allowed, int], tuple[int, Flags]] = OrderedDict()
        self._counted: OrderedDict[tuple[Allowed, int], tuple[int, Counted]] = OrderedDict()
        self._since: OrderedDict[int, int] = OrderedDict()

    def follow(self, connection: Connection) -> Moment:
        """Take in what was committed since the last time; the connection holds a snapshot, and no older one than those before."""
        with self._lock:
            newest, document, altered = (
                connection.execute(f"select max(n) from {table}").fetchone()[0] or 0
                for table in ("object", "doc", "altered")
            )
            before = (self.objects.end, self.documents.end, self._altered)
            if self._altered < 0:
                self._altered = altered
            if altered > self._altered:
                self._take_altered(connection, altered)
            if newest >= self.objects.end:
                self._take_objects(connection)
            if document >= self.documents.end:
                sql = "select n, object, label from doc where n>=? order by n"
                self.documents.put(connection.stream(sql, (self.documents.end,), at_once=READ_AT_ONCE))
            self._generation += before != (self.objects.end, self.documents.end, self._altered)
            return Moment(self, connection, self._generation)

    @property
    def loaded(self) -> bool:
        """Whether all has been read once."""
        return self._generation > 0

    def current(self, moment: Moment, allowed: Allowed, space: int) -> Flags:
        """Of every row, whether it is the newest of its id that a reader may see; worked out once for all who see alike."""
        key = (allowed, space)
        with self._lock:
            generation, found = self._current.get(key, (-1, None))
            if found is None or generation != moment.generation:
                found = self._several.newest(moment.visible(allowed, space), moment.objects["ident"])
                self._current[key] = (moment.generation, found)
            self._current.move_to_end(key)
            while len(self._current) > _KEPT:
                self._current.popitem(last=False)
            return found

    def counted(self, key: tuple[Allowed, int], generation: int, make: Callable[[], Counted]) -> Counted:
        """What `make` counts, kept until a row comes or changes."""
        with self._lock:
            at, known = self._counted.get(key, (-1, None))
        if known is None or at != generation:
            known = make()
            with self._lock:
                self._counted[key] = (generation, known)
                self._counted.move_to_end(key)
                while len(self._counted) > _KEPT:
                    self._counted.popitem(last=False)
        return known

    def first_since(self, connection: Connection, moment: int, end: int) -> int:
        """The first row of a moment or later, by halving; kept, since only later rows come behind it."""
        with self._lock:
            if (known := self._since.get(moment)) is not None:
                return known
        low, high = 0, end
        while low < high:
            middle = (low + high) // 2
            row = connection.execute(
                "select n, added from object where n>=? and n<? order by n limit 1", (middle, end)
            ).fetchone()
            if row is None or row[1] >= moment:
                high = middle
            else:
                low = row[0] + 1
        if low < end:
            with self._lock:
                self._since[moment] = low
                while len(self._since) > _MOMENTS:
                    self._since.popitem(last=False)
        return low

    def hits(self, connection: Connection, phrases: tuple[str, ...], newest: int) -> Numbers:
        """The documents that hold these phrases, up to one at least; of a question that was asked before only newer ones are looked for."""
        with self._lock:
            last, known = self._hits.get(phrases, (0, np.zeros(0, np.int64)))
        if newest > last:  # not under the lock: a common word takes a while
            text = connection.full_text.numbers(connection, phrases, last, newest)
            if text:
                known = np.concatenate((known, np.sort(np.fromstring(text, np.int64, sep=","))))
        with self._lock:
            self._hits[phrases] = max((last, known), (newest, known), key=lambda one: one[0])
            self._hits.move_to_end(phrases)
            while len(self._hits) > _KEPT:
                self._hits.popitem(last=False)
        return known

    def _take_objects(self, connection: Connection) -> None:
        first = self.objects.end
        self.objects.put(connection.stream(f"{_ROWS} where n>=? order by n", (first,), at_once=READ_AT_ONCE))
        self._several.note(connection, self.objects.column("ident"), first)
        sql = f"{_CONFIDENCES} where object>=? order by object"
        self.confidences.put(connection.stream(sql, (first,), at_once=READ_AT_ONCE))
        self.confidences.reach(self.objects.end)
        self._take_domains(connection, first)

    def _take_domains(self, connection: Connection, first: int) -> None:
        """Which domain the rows from one on are of; the first rule that fits counts, so it is asked last."""
        columns = {field: self.objects.column(field)[first:] for field in ("area", "type", "source")}
        found = np.zeros(self.objects.end - first, np.int8)
        for rule in reversed(RULES):
            fits = among(columns["area"], _numbers(connection, "area", rule.areas))
            if rule.types:
                fits &= among(columns["type"], _numbers(connection, "term", rule.types))
            if rule.sources:
                fits &= among(columns["source"], _numbers(connection, "source", rule.sources))
            found[fits] = DOMAINS.index(rule.domain) + 1
        self.domains = np.concatenate((self.domains[:first], found))

    def _take_altered(self, connection: Connection, altered: int) -> None:
        sql = "select distinct object from altered where n>? and object<?"
        changed = [n for (n,) in connection.execute(sql, (self._altered, self.objects.end))]
        self._altered = altered
        for some in (changed[at : at + READ_AT_ONCE] for at in range(0, len(changed), READ_AT_ONCE)):
            these = json.dumps(some)
            self.objects.column("shown")[some] = 0  # where it was purged
            sql = f"{_ROWS} where n in (select value from json_each(?))"
            self.objects.put(iter(connection.execute(sql, (these,)).fetchall()))
            self.confidences.column("band")[some] = 0
            sql = f"{_CONFIDENCES} where object in (select value from json_each(?))"
            self.confidences.put(iter(connection.execute(sql, (these,)).fetchall()))
            objects = self.documents.column("object")
            objects[np.isin(objects, some)] = 0
            sql = "select n, object, label from doc where object in (select value from json_each(?)) and n<?"
            self.documents.put(iter(connection.execute(sql, (these, self.documents.end)).fetchall()))


class Several:
    """Ids that have several rows, and in which order these are newer than one another (`view.newer`)."""

    def __init__(self) -> None:
        self._count = np.zeros(0, np.int32)  # rows by ident
        self._rank = np.zeros(0, np.int32)  # by row: rising with newness within an ident; 0 where it stands alone
        self._odd: dict[int, list[_Version]] = {}  # idents whose order depends on which of their rows are seen

    def note(self, connection: Connection, idents: Small, first: int) -> None:
        """Take in the rows from one on."""
        self._rank = _longer(self._rank, len(idents))
        fresh = idents[first:]
        fresh = fresh[fresh > 0]
        if not len(fresh):
            return
        counted = np.bincount(fresh).astype(np.int32)
        self._count = _longer(self._count, len(counted))
        self._count[: len(counted)] += counted
        touched = np.unique(fresh[self._count[fresh] > 1])
        for at in range(0, len(touched), READ_AT_ONCE):
            self._order(connection, touched[at : at + READ_AT_ONCE].tolist())

    def newest(self, seen: Flags, idents: Small) -> Flags:
        """Of the rows that are seen, those that are the newest of their ident."""
        rank = self._rank[: len(idents)]
        several = np.flatnonzero(seen & (rank > 0))
        if len(several):
            best = np.zeros(len(self._count), np.int32)
            np.maximum.at(best, idents[several], rank[several])
            seen = seen.copy()
            seen[several] = rank[several] == best[idents[several]]
            for rows in self._odd.values():
                self._settle(rows, several, seen)
        return seen

    def _settle(self, rows: list[_Version], several: Numbers, seen: Flags) -> None:
        """The newest version; of rows without one the first of each content that is seen counts, and the last of these."""
        numbers = [n for n, _, _ in rows]
        there = set(np.intersect1d(several, numbers).tolist())
        seen[numbers] = False
        first: dict[bytes, int] = {}
        for n, version, digest in rows:
            if n in there and version is None:
                first[digest] = min(n, first.get(digest, n))
        versions = [n for n, version, _ in rows if n in there and version is not None]
        newest = versions[-1] if versions else max(first.values(), default=None)
        if newest is not None:
            seen[newest] = True

    def _order(self, connection: Connection, idents: list[int]) -> None:
        sql = (
            "select ident, n, version, digest from object where ident in (select value from json_each(?)) "
            "order by ident, version is not null, version, digest desc, n desc"
        )
        rows = connection.execute(sql, (json.dumps(idents),))
        for ident, group in groupby(rows, lambda row: row[0]):
            ordered = [(n, version, bytes(digest)) for _, n, version, digest in group]
            plain = sorted((n, digest) for n, version, digest in ordered if version is None)
            contents = {digest for _, digest in plain}
            if len(contents) == len(plain):
                ordered[: len(plain)] = [(n, None, digest) for n, digest in plain]
            elif len(contents) > 1:
                self._odd[ident] = ordered
            for rank, (n, _, _) in enumerate(ordered, 1):
                self._rank[n] = rank


def numbered(values: NDArray[Any]) -> dict[int, int]:
    """How many there are of each number."""
    found = np.bincount(values)
    return {int(value): int(found[value]) for value in np.flatnonzero(found)}


def among(labels: Small, allowed: Allowed) -> Flags:
    """Of each label, whether it is allowed."""
    if allowed is None or not len(labels):
        return np.ones(len(labels), np.bool_)
    table = np.zeros(max(int(labels.max()), max(allowed, default=0)) + 1, np.bool_)
    table[list(allowed)] = True
    return np.asarray(table[labels])


def _numbers(connection: Connection, table: str, names: Sequence[str]) -> frozenset[int]:
    """The numbers of what is called so, as far as anything is."""
    sql = f"select n from {table} where name in (select atom from json_each(?))"
    return frozenset(n for (n,) in connection.execute(sql, (json.dumps(list(names)),)))


def _longer(array: Small, length: int) -> Small:
    if length <= len(array):
        return array
    return np.concatenate((array, np.zeros(max(length - len(array), len(array) // 4), np.int32)))
