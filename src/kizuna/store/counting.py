"""Counts over what a reader may see: never over more, and never from a number that was worked out for somebody else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from kizuna.labels import format_label
from kizuna.stix import every_form
from kizuna.store.confidence import BANDS
from kizuna.store.database import Connection
from kizuna.store.domains import DOMAINS
from kizuna.store.keyed import keyed
from kizuna.store.masks import ViewMask
from kizuna.store.model import AreaTraffic, Count, Facets, Span, Stats, Within
from kizuna.store.rows import state_of
from kizuna.store.words import phrases

if TYPE_CHECKING:
    from kizuna.store.columns import Counted, Flags, Numbers
    from kizuna.store.store import Store

T = TypeVar("T")
_FACETS = ("type", "area", "source", "label", "domain", "country", "confidence")


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
        self._countries = store.countries()

    def facets(self, text: str | None, value: str | None, within: Within, spans: Sequence[Span] = ()) -> Facets:
        """Of what is found: by each field, the most first; each of them whatever it is narrowed to itself."""
        found, only = self._found(text, value), self._narrowed(within)
        if text or value is not None or only:
            counted = self._count(found, only)
        else:
            counted = self._columns.counted(self._allowed, self._space, lambda: self._count(found, {}))
        name_of, reader = self._store.interned.name_of, self._reader
        label_of, source_of = self._store.interned.label_of, self._store.source_of
        countries: Counter[str] = Counter()
        for n, k in counted["country"].items():
            if (country := self._countries.get(source_of(reader, n))) is not None:
                countries[country] += k
        came = _all_of(found, (flags for field, flags in only.items() if field != "time"))
        return Facets(
            objects=counted["objects"][0],
            types=_most_first((name_of(reader, "term", n), k) for n, k in counted["type"].items()),
            areas=_most_first((name_of(reader, "area", n), k) for n, k in counted["area"].items()),
            sources=_most_first((source_of(reader, n), k) for n, k in counted["source"].items()),
            labels=_most_first((label_of(reader, n), k) for n, k in counted["label"].items()),
            domains=_most_first((DOMAINS[n - 1], k) for n, k in counted["domain"].items()),
            countries=_most_first(countries.items()),
            confidences=_most_first((BANDS[n], k) for n, k in counted["confidence"].items()),
            spans=[self._within_span(came, span) for span in spans],
        )

    def _count(self, found: Flags, only: Mapping[str, Flags]) -> Counted:
        """By field, how many rows have each number; fields that nothing is narrowed to are counted over the same rows."""
        every = self._columns.numbers(_all_of(found, only.values()))
        counted: dict[str, Mapping[int, int]] = {"objects": {0: len(every)}}
        for field in _FACETS:
            rows = every
            if field in only:
                others = (flags for other, flags in only.items() if other != field)
                rows = self._columns.numbers(_all_of(found, others))
            if field == "confidence":
                counted[field] = self._columns.bands(rows, self._allowed)
            else:
                counted[field] = self._counts("source" if field == "country" else field, rows)
        return counted

    def _within_span(self, rows: Flags, span: Span) -> int:
        first, end = self._bounds(span)
        return int(rows[first:end].sum())

    def arrivals(self, spans: Sequence[Span]) -> list[dict[str, int]]:
        """Of each span, how many of the objects that the reader sees came in, by the name of their source."""
        found = []
        for first, end in map(self._bounds, spans):
            rows = np.flatnonzero(self._current[first:end]) + first
            found.append({self._store.source_of(self._reader, n): k for n, k in self._counts("source", rows).items()})
        return found

    def _bounds(self, span: Span) -> tuple[int, int]:
        """The first row of a span, and the one behind its last."""
        since, until = span
        first = 0 if since is None else self._columns.first_since(since)
        return first, self._columns.end if until is None else self._columns.first_since(until)

    def newest(
        self, match: list[str] | None, value: str | None, within: Within, before: int | None
    ) -> Iterator[tuple[int, int]]:
        """(position, row) of what is found, newest first: by row, or by document where words are looked for."""
        rows = _all_of(self._held(value), self._narrowed(within).values())
        positions = self._columns.positions(rows, match, self._allowed, before)
        return (pair for some in positions for pair in zip(*some, strict=True))

    def stats(self) -> Stats:
        """Distinct ids, rows, and ids by type."""

        def counted() -> Stats:
            by_type = dict(sorted(self._named("type", "term", self._current)))
            return Stats(sum(by_type.values()), int(self._visible().sum()), by_type)

        return self._kept("stats", None, counted)

    def exchanged(self) -> tuple[Mapping[int, int], Mapping[int, int]]:
        """By a partner's number, how many rows of its feed are seen; by that of a source, how many rows of it are."""

        def counted() -> tuple[Mapping[int, int], Mapping[int, int]]:
            return self._columns.given_to(self._allowed), self._counts("source", self._visible())

        return self._kept("exchanged", self._columns.follow_feeds(), counted)

    def traffic(self) -> list[AreaTraffic]:
        """What is held, went out and came in, by programme area; ordered by name."""
        return self._kept("traffic", self._columns.follow_feeds(), self._traffic)

    def _traffic(self) -> list[AreaTraffic]:
        reader, name_of = self._reader, self._store.interned.name_of
        partners = [n for (n,) in reader.execute("select n from source where kind='partner'")]
        brought = self._visible() & self._columns.among("source", partners)
        got, newest = self._columns.distinct(brought, "area"), self._columns.latest(brought, "area")
        among, these = reader.among(list(newest.values()))
        came = dict(reader.execute(f"select o.n, o.added from object o where o.n {among}", (these,)).fetchall())
        given = self._columns.given(self._allowed, "area")
        traffic = []
        for area, held in self._counts("area", self._current).items():
            objects, last = given.get(area, (0, 0))
            last = max(last, came.get(newest.get(area, 0), 0))
            traffic.append(AreaTraffic(name_of(reader, "area", area), held, objects, got.get(area, 0), last or None))
        return sorted(traffic, key=lambda one: one.area)

    def _kept(self, name: str, more: Hashable, make: Callable[[], T]) -> T:
        """What was counted of all that a reader sees, once for all who see alike, until something changes."""
        # The columns may be newer than this snapshot, and of another server's store than those that count next.
        of = (self._columns.fed, self._columns.generation, *state_of(self._reader))
        key = (name, self._allowed, self._space, *of, more)
        return cast("T", self._store.answers.get(key, make))

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

    def _narrowed(self, within: Within) -> dict[str, Flags]:
        """By field, the rows that a search is narrowed to; of what it is not narrowed to nothing."""
        reader, find = self._reader, self._store.interned.find
        wanted: dict[str, list[int]] = {}
        if within.types:
            wanted["type"] = [find(reader, "term", name) for name in within.types]
        if within.area is not None:
            wanted["area"] = [find(reader, "area", within.area)]
        if within.source is not None:
            wanted["source"] = sources_named(reader, within.source)
        if within.label is not None:
            wanted["label"] = labels_worded(self._store, reader, within.label)
        only = {field: self._columns.among(field, numbers) for field, numbers in wanted.items()}
        if within.countries is not None:
            named = reader.execute("select n, name from source")
            there = [n for n, name in named if self._countries.get(name) in within.countries]
            only["country"] = self._columns.among("source", there)
        if within.domain is not None:
            only["domain"] = self._columns.of_domain(within.domain)
        if within.confidence is not None:
            only["confidence"] = self._columns.in_band(within.confidence, self._allowed)
        if within.since is not None or within.until is not None:
            only["time"] = self._columns.between(*self._bounds((within.since, within.until)))
        return only

    def _counts(self, field: str, rows: Flags | Numbers) -> Mapping[int, int]:
        return self._columns.counts(field, rows)

    def _named(self, field: str, table: str, rows: Flags) -> Iterable[tuple[str, int]]:
        name_of = self._store.interned.name_of
        return [(name_of(self._reader, table, n), k) for n, k in self._counts(field, rows).items()]


def sources_named(reader: Connection, name: str) -> list[int]:
    """The numbers of the sources of a name."""
    return [n for (n,) in reader.execute("select n from source where name=?", (name,))]


def labels_worded(store: Store, reader: Connection, text: str) -> list[int]:
    """The numbers of all labels that have one text form, whoever made them."""
    return [n for n, label in store.interned.labels(reader) if format_label(label) == text]


def _all_of(rows: Flags, others: Iterable[Flags]) -> Flags:
    return reduce(and_, others, rows)


def _most_first(counted: Iterable[tuple[T, int]]) -> list[Count[T]]:
    return [Count(value, count) for value, count in sorted(counted, key=lambda one: (-one[1], str(one[0])))]
