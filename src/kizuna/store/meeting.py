"""Where the reports of different countries meet: the same thing seen, the same value held, or one connected with another's.

Asked anew whenever something changed, over what one reader may see, among the newest that partners and one's own people reported. What
somebody only passes on is no report of theirs: an object is reported by the source of the first row that the reader sees of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

import numpy as np

from kizuna.store.database import Connection
from kizuna.store.masks import ViewMask
from kizuna.store.rows import state_of

if TYPE_CHECKING:
    from kizuna.store.store import Store

NEWEST, LEAST = 300, 20
"""Rows of one's own, and as many of all partners, each its share but at least a few, among which meetings are looked for."""
HOLDERS = 50
"""Objects that hold a value, beyond which it is a common one and connects nothing; and sightings of one object that are read."""
MOST, VALUES, VERSIONS = 20_000, 1_000, 500
"""References and values of the newest that are followed; and versions of all objects that hold a value, beyond which it is common."""
_SEEN = ("sighting_of_ref", "object_refs")
_LINKED = ("source_ref", "target_ref", "object_refs")
_SAW = frozenset({"sighting", "observed-data"})
_NOTHING = frozenset({"identity", "location", "marking-definition", "extension-definition", "language-content"})
_WHEN = ("first_seen", "first_observed")

Kind = Literal["seen", "reported", "value", "linked"]
"""Both saw it; one saw what the other reported; both hold the value; one connects what the other reported."""


class Report(NamedTuple):
    """What one source reported: the object, when it was seen there, else made or came in, and when it came in, in microseconds."""

    id: str
    type: str
    source: str
    at: int
    added: int


class Meeting(NamedTuple):
    """Two reports that meet: at an object of this id, or at a value. `later` came in last."""

    kind: Kind
    what: str
    earlier: Report
    later: Report


class _Row(NamedTuple):
    n: int
    ident: int
    id: str
    source: int
    type: int
    version: int | None
    added: int


class _Met(NamedTuple):
    kind: Kind
    what: str
    earlier: _Row
    later: _Row


def _met(kind: Kind, what: str, one: _Row, other: _Row) -> _Met:
    return _Met(kind, what, *((one, other) if one.n < other.n else (other, one)))


class Meetings:
    """Those of one reader at one moment. `place_of` names where a source stands, None where that is nowhere; only two places meet."""

    def __init__(
        self, store: Store, reader: Connection, mask: ViewMask, space: int, place_of: Callable[[str], str | None]
    ) -> None:
        self._store = store
        self._reader = reader
        self._mask = mask
        self._space = space
        self._names: Mapping[int, str] = dict(reader.execute("select n, name from source").fetchall())
        self._places = {n: place for n, name in self._names.items() if (place := place_of(name)) is not None}

    def newest(self, most: int) -> list[Meeting]:
        """The newest meetings, one for each pair of sources and thing, those that came last first; kept for all who see alike."""
        seen, state = self._mask.seen(self._reader), state_of(self._reader)
        key = ("meetings", seen, self._space, *state, *sorted(self._places.items()), most)
        return cast("list[Meeting]", self._store.answers.get(key, lambda: self._newest(most)))

    def _newest(self, most: int) -> list[Meeting]:
        rows = self._candidates()
        found: dict[tuple[str, frozenset[int]], _Met] = {}
        for met in (*self._by_reference(rows), *self._by_value(rows)):
            key = (met.what, frozenset((met.earlier.source, met.later.source)))
            if key not in found or found[key].later.n < met.later.n:
                found[key] = met
        newest = sorted(found.values(), key=lambda met: -met.later.n)[:most]
        when = self._seen_at([row.n for met in newest for row in (met.earlier, met.later)])
        return [
            Meeting(met.kind, met.what, self._report(met.earlier, when), self._report(met.later, when))
            for met in newest
        ]

    def _candidates(self) -> dict[int, _Row]:
        """By ident, the newest reports of each side, without what was only passed on."""
        moment = self._store.columns.follow(self._reader)
        seen = moment.current(self._mask.seen(self._reader), self._space)
        share = max(NEWEST // max(len(self._places) - 1, 1), LEAST)
        every = np.flatnonzero(seen)
        sources = moment.objects["source"][every]
        numbers: list[int] = []
        for n in self._places:
            newest = NEWEST if self._names[n] == "own" else share
            numbers += every[np.flatnonzero(sources == n)[-newest:]].tolist()
        rows = self._rows(numbers)
        firsts = self._first(row.ident for row in rows)
        return {row.ident: row for row in rows if firsts[row.ident].source == row.source}

    def _by_reference(self, rows: Mapping[int, _Row]) -> Iterator[_Met]:
        """Sightings of the same thing from two places, and what one connects with what another reported."""
        edges = list(self._edges([row.n for row in rows.values()]))
        targets = self._first({target for _, target, _ in edges})
        by_n = {row.n: row for row in rows.values()}
        links: list[_Met] = []
        sighted: dict[int, list[_Row]] = {}
        for n, target, path in edges:
            row, first = by_n[n], targets.get(target)
            if first is None or self._name("term", first.type) in _NOTHING:
                continue
            saw = self._name("term", row.type) in _SAW and path in _SEEN
            if saw:
                sighted.setdefault(target, []).append(row)
            if self._apart(row, first):
                links.append(_met("reported" if saw else "linked", first.id, first, row))
        for target, seen in sighted.items():
            newest = seen[-HOLDERS:]
            for place, row in enumerate(newest):
                yield from (
                    _met("seen", targets[target].id, one, row) for one in newest[:place] if self._apart(one, row)
                )
        yield from links  # of the same two sources, both having seen it says more

    def _by_value(self, rows: Mapping[int, _Row]) -> Iterator[_Met]:
        holding = self._holding([row.n for row in rows.values()])
        firsts = self._first({ident for idents in holding.values() for ident in idents})
        for value, idents in holding.items():
            told = sorted((firsts[ident] for ident in idents if ident in firsts), key=lambda row: row.n)
            for place, row in enumerate(told):
                yield from (
                    _met("value", value, one, row)
                    for one in told[:place]
                    if self._apart(one, row) and (one.ident in rows or row.ident in rows)
                )

    def _holding(self, numbers: Sequence[int]) -> dict[str, set[int]]:
        """By value that one of these rows holds, the objects, by ident, of which some version holds it; without common values."""
        seen = self._mask.sql(self._reader, "v.label")
        held = (
            "select distinct v.value from json_each(?) j cross join value v on v.object=j.value "
            f"where {seen} limit {VALUES}"
        )
        values = [value for (value,) in self._reader.execute(held, (json.dumps(numbers),)).fetchall()]
        counted = (
            "select j.atom, (select count(*) from (select 1 from value v where v.value=j.atom "
            f"and {seen} limit {VERSIONS + 1}) h) from (select atom from json_each(?)) j"
        )
        rare, left = [], MOST
        for value, count in self._reader.execute(counted, (json.dumps(values),)).fetchall():
            if 1 < count <= min(VERSIONS, left):
                rare.append(value)
                left -= count
        found: dict[str, set[int]] = {}
        sql = (
            "select v.value, o.ident from (select atom from json_each(?)) j cross join value v on v.value=j.atom "
            f"cross join object o on o.n=v.object where {seen}"
        )
        for value, ident in self._reader.execute(sql, (json.dumps(rare),)).fetchall():
            found.setdefault(value, set()).add(ident)
        return {value: idents for value, idents in found.items() if 1 < len(idents) <= HOLDERS}

    def _apart(self, one: _Row, other: _Row) -> bool:
        """Whether two rows were reported from two places."""
        places = self._places.get(one.source), self._places.get(other.source)
        return None not in places and places[0] != places[1]

    def _edges(self, numbers: Sequence[int]) -> Iterator[tuple[int, int, str]]:
        """(row, what it refers to, by which property), where the reader sees the property."""
        sql = (
            "select distinct e.object, e.target, e.path from json_each(?) j cross join edge e on e.object=j.value "
            f"where {self._mask.sql(self._reader, 'e.label')} limit {MOST}"
        )
        for n, target, path in self._reader.execute(sql, (json.dumps(numbers),)).fetchall():
            name = self._name("term", path).partition("[")[0]
            if name in _SEEN or name in _LINKED:
                yield n, target, name

    def _first(self, idents: Iterable[int]) -> dict[int, _Row]:
        """By ident, the first row that the reader sees of it."""
        among, these = self._reader.among(list(set(idents)))
        sql = (
            f"select min(o.n) from object o where o.ident {among} and o.space=? and o.hidden=0 "
            f"and {self._mask.sql(self._reader, 'o.least')} group by o.ident"
        )
        numbers = [n for (n,) in self._reader.execute(sql, (these, self._space)).fetchall()]
        return {row.ident: row for row in self._rows(numbers)}

    def _rows(self, numbers: Sequence[int]) -> list[_Row]:
        among, these = self._reader.among(numbers)
        sql = (
            f"select o.n, o.ident, o.id, o.source, o.type, o.version, o.added from object o where o.n {among} "
            f"and o.space=? and o.hidden=0 and {self._mask.sql(self._reader, 'o.least')} order by o.n"
        )
        return [_Row(*fields) for fields in self._reader.execute(sql, (these, self._space)).fetchall()]

    def _seen_at(self, numbers: Sequence[int]) -> dict[int, int]:
        """By row, when what it tells of was first seen, where it says so."""
        among, these = self._reader.among(numbers)
        paths = json.dumps([self._store.interned.find(self._reader, "term", name) for name in _WHEN])
        sql = (
            f"select t.object, min(t.first) from time t where t.object {among} and t.path in (select value from json_each(?)) "
            f"and {self._mask.sql(self._reader, 't.label')} group by t.object"
        )
        return dict(self._reader.execute(sql, (these, paths)).fetchall())

    def _report(self, row: _Row, when: Mapping[int, int]) -> Report:
        made = row.version if row.version is not None else row.added
        return Report(row.id, self._name("term", row.type), self._names[row.source], when.get(row.n, made), row.added)

    def _name(self, table: str, n: int) -> str:
        return self._store.interned.name_of(self._reader, table, n)
