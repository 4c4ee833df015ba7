"""Reading as somebody of one's own: there is no other way to read objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.labels import Decision, Label, Marked, Principal, decide, format_label, redact
from kizuna.stix import every_form
from kizuna.store.around import Around, Walk
from kizuna.store.confidence import band_of
from kizuna.store.counting import Counting
from kizuna.store.database import Connection
from kizuna.store.domains import domain_of
from kizuna.store.extract import MENTION
from kizuna.store.keyed import keyed
from kizuna.store.meeting import Meeting, Meetings
from kizuna.store.model import (
    AreaTraffic,
    Facets,
    Found,
    Neighbour,
    Page,
    Query,
    Reported,
    Row,
    Span,
    Stats,
    Stored,
    Within,
)
from kizuna.store.rows import state_of
from kizuna.store.shelf import PAGE_BYTES, conditions, version_condition
from kizuna.store.translations import marked_row
from kizuna.store.words import phrases

if TYPE_CHECKING:
    from kizuna.store.store import Store

_COLUMNS = "o.n, o.added, o.id, o.version, b.raw, o.label, o.whole, o.type, o.source, o.area, b.problems"
_PAGED = _COLUMNS.replace("b.raw", "{raw}")
_REPEATED = (
    "((p.version=o.version and (p.digest<o.digest or (p.digest=o.digest and p.n<o.n))) "
    "or (o.version is null and p.digest=o.digest and p.n<o.n))"
)
_OLDER = "(p.version<o.version or (o.version is null and p.n<o.n))"

_ANYTHING = Within()
MOST_EDGES = 20_000
"""Edges into or out of one object that are looked at for its neighbours, the newest first."""


class _Seen(NamedTuple):
    n: int
    added: int
    id: str
    version: int | None
    raw: bytes
    label: int
    whole: int
    type: int
    source: int
    area: int | None
    problems: str | None
    cut: tuple[str, ...] = ()


class View:
    """Objects as one principal may see them: rows whose label allows it, parts that do not are cut."""

    def __init__(self, store: Store, principal: Principal | None, space: str) -> None:
        self._store = store
        self._principal = principal
        self._space = space
        self._mask = store.mask(principal)

    def read(self, query: Query, position: int, limit: int) -> Page:
        """At most `limit` rows behind `position`, in order of arrival, one per (id, version); fewer when they are large."""
        reader = self._reader
        types = [self._store.interned.find(reader, "term", name) for name in query.types]
        where, values = conditions(query, types, added="o.added", ident="o.ident", space=self._space_n)
        which, exact = version_condition(
            query, first=self._none(_OLDER), last=self._none(self._newer()), added="o.added"
        )
        where += [which, self._none(_REPEATED) if "all" in query.versions or exact else "1=1"]
        found: list[Row] = []
        left = PAGE_BYTES
        while True:
            wanted, read = limit + 1 - len(found), 0
            # One row at a time: what is withheld whole must neither be held nor end a page by its size.
            for row in self._select(" and ".join(where), [*values, *exact], position, wanted):
                position, read = row.n, read + 1
                if not row.raw or (seen := self._redacted(row)) is None:  # destroyed meanwhile, or withheld
                    continue
                left -= len(seen.raw)
                if len(found) == limit or (left < 0 and found):
                    return Page(found, True)
                found.append(Row(seen.n, seen.added, seen.id, seen.version, seen.raw))
            if read < wanted:
                return Page(found, False)

    def versions(self, id: str, query: Query, position: int, limit: int) -> Page:
        """Every version of one id that this reader may see."""
        wanted = Query(ids=(id,), versions=("all",), spec_versions=query.spec_versions, after=query.after)
        return self.read(wanted, position, limit)

    def get(self, id: str, version: int | None = None) -> Stored | None:
        """The newest version, or the one asked for; None when there is none this reader may see."""
        versions: tuple[int | str, ...] = ("last",) if version is None else (version,)
        page = self._seen_of(id, versions)
        return self._stored(page[0]) if page else None

    def history(self, id: str, limit: int = 1_000, cursor: int | None = None) -> Found:
        """The versions this reader may see, newest first: at most `limit`, and about as many as fit a page."""
        found: list[Stored] = []
        left, last = PAGE_BYTES, 0
        for n in self._versions_of(id, behind=cursor):
            for row in self._reader.execute(
                f"select {_COLUMNS} from object o join body b on b.n=o.n where o.n=?", (n,)
            ):
                if (seen := self._redacted(_Seen(*row))) is None:
                    continue  # that it is there is not told by a page behind this one either
                if len(found) == limit or left < 0:
                    return Found(found, last)
                left, last = left - len(seen.raw), n
                found.append(self._stored(seen))
        return Found(found, None)

    def reported(self, id: str, limit: int = 50) -> list[Reported]:
        """Who brought an object, row by row, the latest first: each source's rows stay its own, also where they say the same."""
        sql = (
            f"select {_COLUMNS} from ident i join object o on o.ident=i.n join body b on b.n=o.n where i.space=? and i.id=? "
            f"and o.hidden=0 and {self._labels('o.least')} order by o.n desc"
        )
        reader, interned = self._reader, self._store.interned
        rows = (_Seen(*row) for row in reader.stream(sql, (self._space_n, id), at_once=8))
        seen = (row for row in rows if self._redacted(row) is not None)
        return [
            Reported(
                self._store.source_of(reader, row.source), row.version, row.added, interned.label_of(reader, row.label)
            )
            for row in islice(seen, limit)
        ]

    def _versions_of(self, id: str, *, behind: int | None = None) -> list[int]:
        """Rows of one id, newest first, one per version: of several the lowest digest, of one content the first to arrive.

        Only those behind one of them, which need not be there any more, when it is given.
        """
        rows = self._reader.execute(
            "select o.version, o.digest, o.n, o.added from ident i join object o on o.ident=i.n where i.space=? and i.id=? "
            f"and o.hidden=0 and {self._labels('o.least')} order by o.digest, o.n",
            (self._space_n, id),
        )
        best: dict[tuple[bool, object], tuple[bool, int, int]] = {}
        for version, digest, n, added in rows:
            key = (version is None, digest if version is None else version)
            best.setdefault(key, (version is not None, added if version is None else version, -n))
        ordered = sorted(best.values(), reverse=True)
        if behind is not None:
            row = self._reader.execute("select version, added from object where n=?", (behind,)).fetchone()
            version, added = row or (None, 0)
            last = (version is not None, added if version is None else version, -behind)
            ordered = [one for one in ordered if one < last]
        return [-n for _, _, n in ordered]

    def rests_on_unseen(self, id: str) -> bool:
        """Whether an object this reader sees names an id of which they see nothing: what waits for it would tell of it."""
        seen = self._labels("p.least")
        return (
            self._reader.execute(
                "select 1 from ident i join object o on o.ident=i.n join edge e on e.object=o.n "
                f"where i.space=? and i.id=? and o.hidden=0 and {self._labels('o.least')} and not exists "
                f"(select 1 from object p where p.ident=e.target and p.hidden=0 and {seen}) limit 1",
                (self._space_n, id),
            ).fetchone()
            is not None
        )

    def search(
        self,
        text: str | None = None,
        *,
        value: str | None = None,
        types: Sequence[str] = (),
        area: str | None = None,
        source: str | None = None,
        label: str | None = None,
        domain: str | None = None,
        countries: Sequence[str] | None = None,
        confidence: str | None = None,
        since: int | None = None,
        until: int | None = None,
        limit: int = 50,
        cursor: int | None = None,
    ) -> Found:
        """Objects that hold all words of `text`, newest first; without text the newest objects.

        With `value`, only those in which it was observed or is looked for (an address, a domain, a hash …), however it is spelled.
        The rest is as in `Within`.
        """
        within = Within(
            types=tuple(types), area=area, source=source, label=label, domain=domain,
            countries=None if countries is None else tuple(countries), confidence=confidence, since=since, until=until,
        )  # fmt: skip
        match = phrases(text) if text else None
        if text and not match:
            return Found([], None)
        found: list[Stored] = []
        have: set[str] = set()
        last = None
        hits = iter(self._hits(match, value, within, cursor))
        while some := list(islice(hits, limit - len(found))):
            rows = self._current([n for _, n in some], within)
            last = some[-1][0]
            for row in (row for _, n in some if (row := rows.get(n)) is not None and row.id not in have):
                have.add(row.id)
                found.append(self._stored(row))
        return Found(found, last if len(found) == limit and next(hits, None) is not None else None)

    def facets(
        self,
        text: str | None = None,
        *,
        value: str | None = None,
        types: Sequence[str] = (),
        area: str | None = None,
        source: str | None = None,
        label: str | None = None,
        domain: str | None = None,
        countries: Sequence[str] | None = None,
        confidence: str | None = None,
        since: int | None = None,
        until: int | None = None,
        spans: Sequence[Span] = (),
    ) -> Facets:
        """How many objects `search` finds in all, and how many by each field, and by when they came in.

        Each is counted whatever it is narrowed to itself: so a reader sees what else to choose.
        """
        within = Within(
            types=tuple(types), area=area, source=source, label=label, domain=domain,
            countries=None if countries is None else tuple(countries), confidence=confidence, since=since, until=until,
        )  # fmt: skip
        with self._store.database.snapshot() as reader:
            return Counting(self._store, reader, self._mask, self._space_n).facets(text, value, within, spans)

    def neighbours(self, id: str, limit: int = 100) -> list[Neighbour]:
        """Objects one step away: what it refers to, what refers to it, and the far ends of relationships."""
        found: dict[tuple[str, str, str], Neighbour] = {}
        for near in self._steps(id):
            if near.type == "relationship":
                for far in self._out(near.id):
                    if far.id != id and far.path in ("source_ref", "target_ref"):
                        direction = "out" if near.path == "source_ref" else "in"
                        kind = self._relationship_type(near.id)
                        found[(far.id, near.id, kind)] = Neighbour(far.id, far.type, near.id, kind, direction)  # type: ignore[arg-type]
            else:
                found[(near.id, near.via, near.path)] = near
            if len(found) >= limit:
                break
        return list(found.values())[:limit]

    def around(self, id: str, steps: int) -> Walk | None:
        """All that is at most so many steps from an object; None where it is nothing. It is kept for who asks, while nothing changes."""
        with self._store.database.snapshot() as reader:
            found = reader.execute("select n from ident where space=? and id=?", (self._space_n, id)).fetchone()
            if found is None:
                return None
            key = (self._principal, self._mask.seen(reader), self._space_n, *state_of(reader), found[0], steps)

            def walked() -> Walk | None:
                around = Around(self._store, reader, self._mask, self._space_n, self._readable)
                return around.walk(found[0], steps, key)

            return self._store.walks.get(key, walked)

    def labels_of(self, walk: Walk) -> list[Label]:
        """The labels of all that a walk has reached, each once."""
        reader, links = self._reader, walk.links
        among, these = reader.among(sorted({int(n) for n in links[:, 3] if n}))
        rows = reader.execute(f"select distinct o.label from object o where o.n {among}", (these,)).fetchall()
        return [
            self._store.interned.label_of(reader, n) for n in sorted({n for (n,) in rows} | set(walk.labels.tolist()))
        ]

    def ids_of(self, rows: Sequence[int]) -> dict[int, str]:
        """The ids of rows of a walk, by their number."""
        among, these = self._reader.among(rows)
        sql = f"select o.n, o.id from object o where o.n {among} and o.hidden=0 and {self._labels('o.least')}"
        return dict(self._reader.execute(sql, (these,)).fetchall())

    def terms(self, numbers: Iterable[int]) -> dict[int, str]:
        """What types and properties of a walk are called, by their number."""
        return {n: self._store.interned.name_of(self._reader, "term", n) for n in set(numbers)}

    def stats(self) -> Stats:
        """Distinct ids, rows, and ids by type."""
        with self._store.database.snapshot() as reader:
            return Counting(self._store, reader, self._mask, self._space_n).stats()

    def traffic(self) -> list[AreaTraffic]:
        """What is held, went out and came in, by programme area; ordered by name."""
        with self._store.database.snapshot() as reader:
            return Counting(self._store, reader, self._mask, self._space_n).traffic()

    def arrivals(self, spans: Sequence[Span]) -> list[dict[str, int]]:
        """Of each span, how many objects came in, by the name of their source."""
        with self._store.database.snapshot() as reader:
            return Counting(self._store, reader, self._mask, self._space_n).arrivals(spans)

    def meetings(self, place_of: Callable[[str], str | None], most: int) -> list[Meeting]:
        """The newest places where reports from two places meet; `place_of` says where a source stands."""
        with self._store.database.snapshot() as reader:
            return Meetings(self._store, reader, self._mask, self._space_n, place_of).newest(most)

    def export(self, types: Sequence[str] = ()) -> Iterator[bytes]:
        """The bytes of every object this reader may see, newest versions only, in order of arrival."""
        position, more = 0, True
        while more:
            page = self.read(Query(types=tuple(types)), position, 1000)
            yield from (row.raw for row in page.rows)
            more = page.more
            position = page.rows[-1].position if page.rows else position

    def uncut(self, numbers: Sequence[int]) -> set[int]:
        """Of stored rows, by their number: those that this reader may see whole."""
        sql = (
            f"select o.n from object o where o.n in (select value from json_each(?)) and o.hidden=0 "
            f"and {self._labels('o.least')} and (o.whole=o.label or {self._labels('o.whole')})"
        )
        return {n for (n,) in self._reader.execute(sql, (json.dumps(list(numbers)),))}

    def shown(self, number: int) -> bytes | None:
        """A stored row, by its number, as this reader may see it; None when that is nothing."""
        sql = f"select {_COLUMNS} from object o join body b on b.n=o.n where o.n=? and o.hidden=0 and {self._labels('o.least')}"
        row = self._reader.execute(sql, (number,)).fetchone()
        seen = None if row is None else self._redacted(_Seen(*row))
        return None if seen is None else seen.raw

    def explain(self, id: str, recipient: Principal) -> Decision | None:
        """Why a recipient may or may not have all that the asker sees of an object; None when that is nothing."""
        whole = self.whole_label(id)
        if whole is None:
            return None
        return decide(whole, recipient, holder=self._store.holder(), at=self._store.clock())

    def whole_label(self, id: str) -> Label | None:
        """The label of all that the asker sees of an object, granular marks and all; None when that is nothing."""
        rows = self._seen_of(id, ("last",))
        if not rows:
            return None
        row = rows[0]
        if not self._whole(row):  # reasons that lie in what is hidden would tell of it
            return self._marked(row, msgspec.json.decode(row.raw)).whole
        return self._store.interned.label_of(self._reader, row.whole)

    # How

    @property
    def _reader(self) -> Connection:
        return self._store.database.read()

    @property
    def _space_n(self) -> int:
        return self._store.interned_space(self._reader, self._space)

    def _labels(self, column: str) -> str:
        return self._mask.sql(self._reader, column)

    def _newer(self) -> str:
        """Whether row `p` is newer than `o` of the same id: by version; same version, by the lower digest.

        Of rows without a version the first of each content that is seen counts, and the last of these is the newest.
        """
        return (
            "(p.version>o.version or (p.version=o.version and (p.digest<o.digest or (p.digest=o.digest and p.n<o.n))) "
            "or (o.version is null and (p.version is not null or (p.digest=o.digest and p.n<o.n) "
            "or (p.digest<>o.digest and p.n>o.n and not exists (select 1 from object q where q.ident=p.ident "
            f"and q.digest=p.digest and q.n<p.n and q.hidden=0 and {self._labels('q.least')})))))"
        )

    def _none(self, rival: str) -> str:
        """That no row `p` of the same id which this reader may see is such a rival of `o`."""
        # With the offset PostgreSQL asks it of one row after the other, by its id, and joins nothing with every row there is.
        return (
            f"not exists (select 1 from object p where p.ident=o.ident and p.hidden=0 and {self._labels('p.least')} "
            f"and {rival} limit 1 offset 0)"
        )

    def _select(self, where: str, values: Sequence[Any], position: int, limit: int) -> Iterator[_Seen]:
        sql = (
            f"select {_PAGED} from object o join body b on b.n=o.n where o.n>? and o.space=? and o.hidden=0 "
            f"and {self._labels('o.least')} and {where} order by o.n limit ?"
        )
        for row in self._reader.with_bodies(sql, (position, self._space_n, *values, limit), n=0, raw=4):
            yield _Seen(*row)

    def _seen_of(self, id: str, versions: tuple[int | str, ...]) -> list[_Seen]:
        """Rows of one id, straight from its ident."""
        which, exact = version_condition(
            Query(versions=versions), first="1=1", last=self._none(self._newer()), added="o.added"
        )
        repeated = "1=1" if versions == ("last",) else self._none(_REPEATED)
        sql = (
            f"select {_COLUMNS} from ident i join object o on o.ident=i.n join body b on b.n=o.n where i.space=? and i.id=? "
            f"and o.hidden=0 and {self._labels('o.least')} and {which} and {repeated} order by o.n"
        )
        rows = [_Seen(*row) for row in self._reader.execute(sql, (self._space_n, id, *exact))]
        return [seen for row in rows if (seen := self._redacted(row)) is not None]

    def _redacted(self, row: _Seen) -> _Seen | None:
        """The row as this reader may see it: whole, with parts cut, or not at all."""
        if self._whole(row):
            return row
        data = msgspec.json.decode(row.raw)
        marked = self._marked(row, data)
        whole = self._store.interned.label_of(self._reader, row.whole)
        if marked.whole != whole:
            # What worded these marks when they came in cannot be read any more: then the whole says what each may hide.
            marked = Marked(marked.label, tuple((selector, whole) for selector, _ in marked.granular))
        shown = redact(data, marked, self._mask.allows)
        if shown.data is None:
            return None
        return row._replace(raw=msgspec.json.encode(shown.data), cut=tuple(shown.cut))

    def _whole(self, row: _Seen) -> bool:
        """Whether this reader may see all of a row."""
        return row.whole == row.label or self._principal is None or row.whole in self._mask.allowed(self._reader)

    def _marked(self, row: _Seen, data: dict[str, Any]) -> Marked:
        return marked_row(self._store, self._reader, data, label=row.label, source=row.source, space=self._space_n)

    def _stored(self, row: _Seen) -> Stored:
        reader, interned = self._reader, self._store.interned
        problems = msgspec.json.decode(row.problems) if row.problems else []
        return Stored(
            id=row.id,
            type=interned.name_of(reader, "term", row.type),
            version=row.version,
            added=row.added,
            raw=row.raw,
            label=interned.label_of(reader, row.label),
            source=self._store.source_of(reader, row.source),
            area=None if row.area is None else interned.name_of(reader, "area", row.area),
            cut=row.cut,
            problems=tuple(problem["message"] for problem in problems),
        )

    def _hits(
        self, match: list[str] | None, value: str | None, within: Within, cursor: int | None
    ) -> Iterator[tuple[int, int]]:
        """(position, row) newest first, among which are all that are looked for.

        Where columns are in memory they tell which; else documents that match, rows that hold the value, or every row.
        """
        if self._store.counts:
            with self._store.database.snapshot() as reader:
                counting = Counting(self._store, reader, self._mask, self._space_n)
                return counting.newest(match, value, within, cursor)
        return self._streamed(match, value, cursor)

    def _streamed(self, match: list[str] | None, value: str | None, cursor: int | None) -> Iterator[tuple[int, int]]:
        asked: dict[str, Any] = {"before": cursor if cursor is not None else 2**62}
        holding = ""
        if value is not None:
            asked["forms"] = json.dumps(sorted({keyed(form) for form in every_form(value)}))
            holding = (
                "(select v.object from value v where v.value in (select atom from json_each(:forms)) "
                f"and {self._labels('v.label')})"
            )
        if not match:
            sql = (
                f"select o.n, o.n from object o where o.n<:before {f'and o.n in {holding}' if holding else ''} "
                f"and o.hidden=0 and {self._labels('o.least')} order by o.n desc"
            )
        else:
            matching = self._reader.full_text.matching(match)
            asked |= matching.parameters
            sql = (
                f"select {matching.number}, d.object from {matching.tables} where {matching.condition} "
                f"and {matching.number}<:before {f'and d.object in {holding}' if holding else ''} "
                f"and {self._labels('d.label')} order by {matching.number} desc"
            )
        yield from self._reader.stream(sql, asked)

    def _current(self, numbers: Sequence[int], within: Within) -> dict[int, _Seen]:
        """Of these rows those that are the newest their reader may see of their id, and what a search is narrowed to."""
        among, these = self._reader.among(numbers)
        sql = (
            f"select {_COLUMNS} from object o join body b on b.n=o.n where o.n {among} and o.space=? and o.hidden=0 "
            f"and {self._labels('o.least')} and {self._none(self._newer())}"
        )
        found: dict[int, _Seen] = {}
        countries = {} if within.countries is None else self._store.countries()
        for fields in self._reader.execute(sql, (these, self._space_n)).fetchall():
            row = _Seen(*fields)
            if not self._is_of(row, within, countries) or (seen := self._redacted(row)) is None:
                continue
            if within.confidence is None or band_of(msgspec.json.decode(seen.raw)) == within.confidence:
                found[row.n] = seen
        return found

    def _readable(self, numbers: Sequence[int]) -> set[int]:
        return set(self._current(numbers, _ANYTHING))

    def _is_of(self, row: _Seen, within: Within, countries: Mapping[str, str]) -> bool:
        """Whether a row is what a search is narrowed to, but for its confidence; `countries` are those of sources."""
        interned, reader = self._store.interned, self._reader
        if (within.since is not None and row.added < within.since) or (
            within.until is not None and row.added >= within.until
        ):
            return False
        if (
            within.countries is not None
            and countries.get(self._store.source_of(reader, row.source)) not in within.countries
        ):
            return False
        if within.domain is not None:
            area = None if row.area is None else interned.name_of(reader, "area", row.area)
            kind, source = interned.name_of(reader, "term", row.type), self._store.source_of(reader, row.source)
            if domain_of(area, kind, source) != within.domain:
                return False
        if within.types and interned.name_of(reader, "term", row.type) not in within.types:
            return False
        if within.area is not None and (row.area is None or interned.name_of(reader, "area", row.area) != within.area):
            return False
        if within.source is not None and self._store.source_of(reader, row.source) != within.source:
            return False
        return within.label is None or format_label(interned.label_of(reader, row.label)) == within.label

    def _steps(self, id: str) -> Iterator[Neighbour]:
        """Edges out of and into an object, both ends visible. What only stands in a text is none."""
        yield from self._out(id)
        yield from self._into(id)

    def _out(self, id: str) -> Iterator[Neighbour]:
        for row in self._seen_of(id, ("last",)):
            sql = (
                "select distinct e.path, p.id from (select * from edge e where e.object=:n and e.path<>:mention "
                f"and {self._labels('e.label')} order by e.target, e.path limit :most) e join object p on p.ident=e.target "
                f"where p.hidden=0 and {self._labels('p.least')} order by e.path, p.id"
            )
            for path, target in self._reader.execute(sql, self._known(id) | {"n": row.n}):
                yield from self._neighbour(target, row.id, path, "out")

    def _into(self, id: str) -> Iterator[Neighbour]:
        # A relationship leads on only where its other end is here: that is asked before the relationship is read.
        sql = (
            "select e.path, o.n from (select e.path, e.object, e.target from ident i join edge e on e.target=i.n "
            f"where i.space=:space and i.id=:id and e.path<>:mention and {self._labels('e.label')} "
            "order by e.object desc, e.path limit :most) e join object o on o.n=e.object "
            f"where o.hidden=0 and {self._labels('o.least')} and (o.type<>:relationship or exists ("
            "select 1 from edge f join object p on p.ident=f.target where f.object=o.n and f.path in (:from, :to) "
            f"and f.target<>e.target and {self._labels('f.label')} and p.hidden=0 and {self._labels('p.least')})) "
            "order by o.n desc, e.path"
        )
        for path, n in self._reader.execute(sql, self._known(id)):
            current = self._current([n], _ANYTHING).get(n)
            if current is not None:
                kind = self._store.interned.name_of(self._reader, "term", current.type)
                name = self._store.interned.name_of(self._reader, "term", path)
                yield Neighbour(current.id, kind, current.id, name, "in")

    def _known(self, id: str) -> dict[str, int | str]:
        """What questions about the edges of an object need."""
        reader, find = self._reader, self._store.interned.find
        names = {"mention": MENTION, "relationship": "relationship", "from": "source_ref", "to": "target_ref"}
        terms = {key: find(reader, "term", name) for key, name in names.items()}
        return {**terms, "space": self._space_n, "id": id, "most": MOST_EDGES}

    def _neighbour(self, id: str, via: str, path: int, direction: str) -> Iterator[Neighbour]:
        for target in self._seen_of(id, ("last",)):
            kind = self._store.interned.name_of(self._reader, "term", target.type)
            yield Neighbour(target.id, kind, via, self._store.interned.name_of(self._reader, "term", path), direction)  # type: ignore[arg-type]

    def _relationship_type(self, id: str) -> str:
        rows = self._seen_of(id, ("last",))
        return str(msgspec.json.decode(rows[0].raw).get("relationship_type", "")) if rows else ""
