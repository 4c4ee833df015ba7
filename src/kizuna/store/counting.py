"""Counts over what a reader may see: never over more, and never from a number that was worked out for somebody else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from kizuna.stix import every_form
from kizuna.store.database import Connection
from kizuna.store.keyed import keyed
from kizuna.store.masks import ViewMask
from kizuna.store.model import AreaTraffic, Count, Facets, Stats
from kizuna.store.words import phrases

if TYPE_CHECKING:
    from kizuna.store.columns import Flags
    from kizuna.store.store import Store

T = TypeVar("T")


class Counting:
    """Counts of one reader at one moment: `reader` is a snapshot."""

    def __init__(self, store: Store, reader: Connection, mask: ViewMask, space: int) -> None:
        self._store = store
        self._reader = reader
        self._mask = mask
        self._columns = store.columns.follow(reader)
        self._allowed = mask.seen(reader)
        self._space = space
        self._current = self._columns.current(self._allowed, space)

    def facets(self, text: str | None, value: str | None, types: Sequence[str], area: str | None) -> Facets:
        """Of what is found: by type, area, source and label, the most first."""
        found = self._found(text, value)
        typed = self._only(found, "type", "term", types)
        placed = self._only(found, "area", "area", () if area is None else (area,))
        both = typed & placed
        label_of, source_of = self._store.interned.label_of, self._store.source_of
        return Facets(
            objects=int(both.sum()),
            types=_most_first(self._named("type", "term", placed)),
            areas=_most_first(self._named("area", "area", typed)),
            sources=_most_first((source_of(self._reader, n), k) for n, k in self._counts("source", both).items()),
            labels=_most_first((label_of(self._reader, n), k) for n, k in self._counts("label", both).items()),
        )

    def newest(
        self, match: list[str] | None, value: str | None, types: Sequence[str], area: str | None, before: int | None
    ) -> Iterator[tuple[int, int]]:
        """(position, row) of what is found, newest first: by row, or by document where words are looked for."""
        rows = self._only(self._held(value), "type", "term", types)
        rows = self._only(rows, "area", "area", () if area is None else (area,))
        positions = self._columns.positions(rows, match, self._allowed, before)
        return (pair for some in positions for pair in zip(*some, strict=True))

    def stats(self) -> Stats:
        """Distinct ids, rows, and ids by type."""
        by_type = dict(sorted(self._named("type", "term", self._current)))
        return Stats(sum(by_type.values()), int(self._visible().sum()), by_type)

    def traffic(self) -> list[AreaTraffic]:
        """What is held, went out and came in, by programme area; ordered by name."""
        reader, name_of = self._reader, self._store.interned.name_of
        partners = [n for (n,) in reader.execute("select n from source where kind='partner'")]
        got = self._columns.distinct(self._visible() & self._columns.among("source", partners), "area")
        rows = reader.execute(
            "select o.area, count(distinct f.object), max(f.added) from feed f join object o on o.n=f.object "
            f"where f.live=1 and {self._mask.sql(reader, 'o.least')} group by o.area"
        )
        given = {area: (objects, last) for area, objects, last in rows}
        traffic = []
        for area, held in self._counts("area", self._current).items():
            objects, last = given.get(area, (0, None))
            traffic.append(AreaTraffic(name_of(reader, "area", area), held, objects, got.get(area, 0), last))
        return sorted(traffic, key=lambda one: one.area)

    def _visible(self) -> Flags:
        return self._columns.visible(self._allowed, self._space)

    def _found(self, text: str | None, value: str | None) -> Flags:
        found = self._held(value)
        if not text:
            return found
        match = phrases(text)
        return found & (self._columns.holding(match, self._allowed) if match else self._columns.rows([]))

    def _held(self, value: str | None) -> Flags:
        return self._current if value is None else self._current & self._columns.rows(self._holders(value))

    def _holders(self, value: str) -> list[int]:
        """Rows in which the reader may see the value, however it is spelled."""
        forms = json.dumps(sorted({keyed(form) for form in every_form(value)}))
        rows = self._reader.execute(
            "select v.object from value v where v.value in (select atom from json_each(?)) "
            f"and {self._mask.sql(self._reader, 'v.label')}",
            (forms,),
        )
        return [n for (n,) in rows]

    def _only(self, rows: Flags, field: str, table: str, names: Sequence[str]) -> Flags:
        """Of some rows, those with one of these names in a field; without names all of them."""
        if not names:
            return rows
        find = self._store.interned.find
        return rows & self._columns.among(field, [find(self._reader, table, name) for name in names])

    def _counts(self, field: str, rows: Flags) -> Mapping[int, int]:
        return self._columns.counts(field, rows)

    def _named(self, field: str, table: str, rows: Flags) -> Iterable[tuple[str, int]]:
        name_of = self._store.interned.name_of
        return [(name_of(self._reader, table, n), k) for n, k in self._counts(field, rows).items()]


def _most_first(counted: Iterable[tuple[T, int]]) -> list[Count[T]]:
    return [Count(value, count) for value, count in sorted(counted, key=lambda one: (-one[1], str(one[0])))]
