"""Taking objects in: each batch is one durable transaction that also fills the feeds."""

from __future__ import annotations

import gc
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import msgspec

from kizuna.clock import to_text
from kizuna.events import Batch as Stored
from kizuna.events import nobody
from kizuna.labels import Label, exceeds, format_label, join, parse_label
from kizuna.stix import Item, Problem, ReadLimits, Share, iter_objects, marking_definitions, sco_id, version_problems
from kizuna.stix.builtin import NOTICE_EXTENSION
from kizuna.stix.validation import conflict
from kizuna.store import aside
from kizuna.store.apart import prepared_apart
from kizuna.store.areas import DEFAULT
from kizuna.store.database import Connection
from kizuna.store.model import Outcome, Source
from kizuna.store.notices import heed
from kizuna.store.parts import Batch, Gone, Here, Part, Parts
from kizuna.store.prepare import Labelling, Prepared, Refused, definitions_from, prepare
from kizuna.store.purged import purged
from kizuna.store.quarantine import Quarantine
from kizuna.store.room import must_have_room
from kizuna.store.rows import DEFINITIONS, Names, New, RowWriter, end_of_rows, get_meta

if TYPE_CHECKING:
    from kizuna.store.store import Store

BATCH = 2_000
BATCH_BYTES = 16 << 20
PART_BYTES = 4 << 20
DEFINITION_BYTES = 8 << 20
"""What is held of a source's marking definitions, of each its JSON and what it costs besides; beyond it the store knows them."""
_DEFINITION = 200
_FEWER_FIRST = 4
_NOTICE = NOTICE_EXTENSION.partition("--")[2].encode()


class Writer:
    """Brings items of one source into one space."""

    def __init__(
        self,
        store: Store,
        source: Source,
        *,
        space: str,
        label: Label | None,
        area: str | None,
        known_problems: Mapping[str, str],
        may_release: bool,
        always: bool,
    ) -> None:
        self._store = store
        self._kept = store.database.read().full_text.kept
        self._always = always
        self._may_release = may_release
        self._source = source
        self._space = space
        self._joined = label
        self._area = area
        self._known_problems = known_problems
        self._definitions: dict[str, dict[str, Any]] = {}
        self._definitions_size = 0
        self._crowded = False  # whether there were more of them than are held
        self._met = 0  # bytes of definitions, or at least as many, in what was read ahead
        self._known_since: dict[str, int] = {}
        self._apart = False
        # Before the first label is worked out: whatever comes or goes later, its labels may be without.
        self._definitions_at = get_meta(store.database.read(), DEFINITIONS)
        self._ahead = False  # whether labels are worked out while what came before them is still to be written
        self.taken = 0  # bytes of objects worked off so far
        self._labelling = Labelling(
            source.organisation,
            definitions_from(self._definitions, self._stored_definition),
            default=source.default,
            joined=label,
            community=store.settings.community,
            known=store.known_labels(source, space, label),
        )
        ceiling = store.settings.ceiling
        self._ceiling = parse_label(ceiling, originator=store.organisation) if ceiling else None

    def define(self, definitions: Iterable[dict[str, Any]]) -> None:
        """Make marking definitions known that come later in the same source."""
        fresh = [data for data in definitions if data.get("id") not in self._definitions]
        if not fresh:
            return
        # Rows up to here were labelled without knowing them (see Act.relabelled).
        newest = 0 if self._apart else self._newest()
        for data in fresh:
            if self._hold(data):
                self._known_since[str(data.get("id"))] = newest
        self._labelling.forget()

    def _hold(self, data: dict[str, Any]) -> bool:
        size = _DEFINITION + len(msgspec.json.encode(data))
        if self._definitions_size + size > DEFINITION_BYTES:
            self._crowded = True
            return False
        self._definitions_size += size
        self._definitions[str(data.get("id"))] = data
        return True

    def add(self, items: Iterable[Item], *, file: str | None = None) -> Iterator[Outcome]:
        """Take items in; an outcome for each, in order, after the transaction that holds it is durable."""
        iterator = iter(items)
        while outcomes := self._batch(iterator, file):
            yield from outcomes
            self._store.database.tidy()

    def add_apart(
        self, read: Callable[[Share], Iterable[Item]], *, file: str | None = None, readers: int = 1
    ) -> Iterator[Outcome]:
        """As `add`, for a large source: `read` runs in processes of their own and is checked there while this one writes.

        More than one reader needs every definition of the source to be known before (`define`).
        """
        for data in self._every_stored_definition():
            if data["id"] not in self._definitions and not self._hold(data):
                break

        def prepared(share: Share) -> Iterator[Part]:
            self._apart = True
            return self._prepare_blocks(read(share), share)

        self._ahead, self._met = True, self._definitions_size
        with uncollected(), prepared_apart(prepared, readers) as parts:
            yield from self._commit_all(parts, file)

    def add_text(self, text: bytes, limits: ReadLimits, *, file: str | None = None) -> Iterator[Outcome]:
        """As `add`, of a container held as a whole: a process beside this one, if there is one, reads most of a large one."""
        given = 0
        if len(text) in aside.SIZES:
            with suppress(Gone):
                for outcome in self._add_beside(text, limits, file):
                    given += 1
                    yield outcome
                return
        # By itself; what was stored before the other process went is the same once more, and told already.
        yield from islice(self.add(iter_objects(text, limits=limits), file=file), given, None)

    def prepared(self, text: bytes, limits: ReadLimits, share: Share) -> Iterator[Part]:
        """A share of a container, read, checked and labelled: parts in order."""
        self.define(marking_definitions(text) or ())
        return self._prepare_blocks(iter_objects(text, limits=limits, share=share), share)

    def _add_beside(self, text: bytes, limits: ReadLimits, file: str | None) -> Iterator[Outcome]:
        question = aside.Question(
            text, limits, self._source, self._space, self._joined, self._area, dict(self._known_problems)
        )
        self._ahead = True
        with self._store.aside.asked(question) as there, uncollected():
            here = Here(self.prepared(text, limits, aside.HERE))
            parts = Parts([there if other else here for other in aside.TURNS])
            yield from self._commit_all(parts, file)

    def _batch(self, items: Iterator[Item], file: str | None) -> list[Outcome]:
        with uncollected():
            prepared = self._prepare(items)
            outcomes = self._commit([prepared], file) if prepared else []
            del prepared  # before collection goes on, which would look through all of it
        return outcomes

    def _prepare(self, items: Iterator[Item], size: int = BATCH_BYTES) -> list[Prepared | Refused]:
        batch = list(_next_batch(items, size))
        self.define(
            i.data
            for i in batch
            if i.data is not None and not i.problems and i.data.get("type") == "marking-definition"
        )
        return [p for item in batch for p in prepare(item, self._labelling, self._known_problems, self._kept)]

    def _prepare_blocks(self, items: Iterable[Item], share: Share) -> Iterator[Part]:
        with uncollected():
            for _, block in groupby(items, lambda item: (item.index or 0) // share.block):
                while prepared := self._prepare(block, PART_BYTES):
                    yield prepared, False
                yield [], True

    def _commit_all(self, parts: Parts, file: str | None) -> Iterator[Outcome]:
        while parts.more():
            yield from self._commit(parts.ready(), file)
            self._store.database.tidy()

    def _commit(self, batches: Iterable[list[Prepared | Refused]], file: str | None) -> list[Outcome]:
        """Write batches in one transaction, each as it comes, and tell how it went."""
        began = time.perf_counter()
        outcomes = self._written(batches, file)
        if self._store.tell is not nobody:
            became = Counter(outcome.status for outcome in outcomes)
            counts = (became["imported"], became["unchanged"], became["failed"])
            self._store.say(Stored(self._source.kind, *counts, time.perf_counter() - began))
        return outcomes

    def _written(self, batches: Iterable[list[Prepared | Refused]], file: str | None) -> list[Outcome]:
        if not self._always:
            must_have_room(self._store)
        outcomes: list[Outcome] = []
        with self._store.act() as act:
            commit = _Commit(self._store, act.connection, act.now, self, file)
            for batch in _gathered(batches, act.connection.worthwhile):
                self.taken += sum(len(entry.raw) for entry in batch)
                outcomes += commit.run(batch)
                if self._ahead:
                    self._met += sum(_DEFINITION + len(entry.raw) for entry in batch if _may_define(entry))
            commit.finish()
            act.offer(commit.entered + commit.returned)
            if commit.notices:
                heed(self._store, act, self._source.name.partition(":")[2], commit.notices)
            if commit.waiting:
                act.note_due()
            # What a reader apart learned, this process does not know the moment of: any row of the batch may have come before.
            newest = commit.entered[-1] if commit.entered else 0
            others = get_meta(act.connection, DEFINITIONS) != self._definitions_at
            if (others or self._forgot()) and commit.entered:
                act.labelled_too_early(commit.entered[0], self._source, self._definitions)
            act.relabelled([(ident, self._known_since.get(id, newest)) for ident, id in commit.defined], self._source)
            after = get_meta(act.connection, DEFINITIONS)
        if not (others and self._ahead):
            self._definitions_at = after
        if others or self._crowded:
            self._labelling.forget()
        return outcomes

    def _forgot(self) -> bool:
        """Whether labels may have been worked out ahead without definitions that are stored by now."""
        return self._ahead and (self._crowded or self._met > DEFINITION_BYTES // 2)

    def _newest(self) -> int:
        return self._store.database.read().execute("select max(n) from object").fetchone()[0] or 0

    def _every_stored_definition(self) -> Iterator[dict[str, Any]]:
        rows = self._store.database.read().stream(
            "select b.raw from term t join object o on o.type=t.n join body b on b.n=o.n join source s on s.n=o.source "
            "where t.name='marking-definition' and (s.name=? or s.kind != 'partner') and o.hidden=0 order by o.n",
            (self._source.name,),
        )
        return (msgspec.json.decode(raw) for (raw,) in rows)

    def _stored_definition(self, id: str) -> dict[str, Any] | None:
        """A stored definition counts if it came from the same source, from a pack or from here: no partner words another's label."""
        if self._apart:
            return None  # a forked process leaves the parent's connections alone; it was given all of them
        row = (
            self._store.database.read()
            .execute(
                "select b.raw from ident i join object o on o.ident=i.n join body b on b.n=o.n join source s on s.n=o.source "
                "where i.space=? and i.id=? and (s.name=? or s.kind != 'partner') and o.hidden=0 order by o.n limit 1",
                (self._store.interned_space(self._store.database.read(), self._space), id, self._source.name),
            )
            .fetchone()
        )
        return msgspec.json.decode(row[0]) if row else None


class _Commit:
    """One batch inside its transaction."""

    def __init__(self, store: Store, connection: Connection, now: int, writer: Writer, file: str | None) -> None:
        self._store = store
        self._connection = connection
        self._now = now
        # A file's name need not be text, what is stored of it is.
        self._file = None if file is None else file.encode("utf-8", "replace").decode()
        self._source = writer._source
        self._writer = writer
        self._space = store.space(connection, writer._space)
        self._source_n = store.source_number(connection, writer._source)
        self._rows = RowWriter(connection, store.interned, self._space)
        self._quarantine = Quarantine(store, connection, now, self._space, self._source_n)
        self._areas = Names(connection, store.interned, "area")
        self._reserved = self._identities_of_others()
        self._latest = now + store.settings.limits.clock_ahead_seconds * 1_000_000
        self.entered: list[int] = []
        self.returned: list[int] = []
        self.waiting = False
        self.notices: list[dict[str, Any]] = []
        self.defined: list[tuple[int, str]] = []
        self._last, self._added = self._end_of_rows()

    def run(self, batch: list[Prepared | Refused]) -> list[Outcome]:
        """Write what is new of one batch; returns an outcome per entry."""
        prepared = [p for p in batch if isinstance(p, Prepared)]
        named = dict.fromkeys(p.id for p in prepared)
        idents = self._rows.idents(named | dict.fromkeys(edge[0] for p in prepared for edge in p.rows.edges))
        held = self._held(sorted([n for id in named if (n := idents[id]) < self._rows.unknown_from]))
        fresh: dict[int, Prepared] = {}
        outcomes, news = [], []
        ours = self._renditions(held)
        gone = purged(self._store, self._connection, dict.fromkeys(entry.id for entry in batch if entry.id is not None))
        self._rows.index_texts()  # all was asked
        for entry in batch:
            if entry.id in gone:  # not even kept with what was refused
                outcomes.append(
                    Outcome(entry.index, entry.id, "failed", (self._placed(_PURGED, entry),), entry.version)
                )
                continue
            if isinstance(entry, Refused):
                outcomes.append(self._refuse(entry.index, entry.id, entry.raw, entry.problems, None, entry.version))
                continue
            if entry.id in self._reserved:
                outcomes.append(self._refuse(entry.index, entry.id, entry.raw, (_FOREIGN,), None, entry.version))
                continue
            ident = idents[entry.id]
            if ident in ours:  # what this node made of an object of its own, and got back
                outcomes.append(Outcome(entry.index, entry.id, "unchanged", version=entry.version))
                continue
            if ident not in held:
                if ident not in fresh and self._is_plain(
                    entry
                ):  # by far the most: the first of its id, as it should be
                    fresh[ident] = entry
                    outcomes.append(Outcome(entry.index, entry.id, "imported", entry.problems, entry.version))
                    news.append(entry)
                    continue
                held[ident] = _Held(None)
                if ident in fresh:
                    self._hold(fresh[ident], held[ident])
            outcome = self._admit(entry, held[ident])
            outcomes.append(outcome)
            if outcome.status == "imported":
                news.append(entry)
        self._insert(news, idents, held)
        return outcomes

    def finish(self) -> None:
        """Write what is left, and record once what of all batches found no room in quarantine."""
        self._rows.finish()
        if self._quarantine.lost:
            detail = {"not kept": self._quarantine.lost}
            self._store.record(self._connection, self._source.name, "quarantine-full", self._file or "", detail)

    def _placed(self, problem: Problem, entry: Prepared | Refused) -> Problem:
        return msgspec.structs.replace(problem, file=self._file, item=entry.index, id=entry.id)

    def _is_plain(self, new: Prepared) -> bool:
        return self._writer._ceiling is None and (new.version is None or new.version <= self._latest)

    def _hold(self, new: Prepared, held: _Held) -> None:
        held.keys[(new.digest, self._source_n)] = (0, False)
        held.digests.add(new.digest)
        held.owner = held.owner or self._source_n
        held.versions.add(new.version)

    def _area(self, new: Prepared, held: _Held | None) -> int:
        """As told, else as the same id has it, else as the object says, else the default."""
        if self._writer._area is None and held is not None and held.area is not None:
            return held.area
        return self._areas[self._writer._area or new.area or DEFAULT]

    def _insert(self, news: list[Prepared], idents: dict[str, int], held: dict[int, _Held]) -> None:
        rows = [
            New(n, ident := idents[p.id], self._added, self._area(p, held.get(ident)), p)
            for n, p in enumerate(news, self._last + 1)
        ]
        self._rows.insert(rows, idents, self._source_n)
        self._last += len(rows)
        if self._source.kind == "partner":
            notes = [row.prepared.raw for row in rows if row.prepared.type == "note" and _NOTICE in row.prepared.raw]
            self.notices += [msgspec.json.decode(raw) for raw in notes]
        self.entered += [row.n for row in rows]
        self.defined += [(row.ident, row.prepared.id) for row in rows if row.prepared.type == "marking-definition"]

    def _end_of_rows(self) -> tuple[int, int]:
        """The newest row, and the one moment at which all of this transaction enters.

        A moment per row, or per batch, would tell how many hidden rows stand between two visible ones.
        """
        newest, added = end_of_rows(self._connection)
        return newest, max(self._now, added + 1)

    def _held(self, idents: list[int]) -> dict[int, _Held]:
        """What the store has of these ids already."""
        found: dict[int, _Held] = {}
        rows = self._connection.execute(
            "select ident, digest, source, version, n, hidden, area from object "
            "where ident in (select value from json_each(?)) order by n",
            (json.dumps(idents),),
        )
        for ident, digest, source, version, n, hidden, area in rows:
            held = found.get(ident)
            if held is None:  # the first row of an id is its owner's
                held = found[ident] = _Held(source)
            held.area = area
            held.digests.add(digest)
            held.keys[(digest, source)] = (n, bool(hidden))
            if source == self._source_n:
                held.versions.add(version)
            if source == self._source_n and version is not None and (held.newest is None or version > held.newest[0]):
                held.newest = (version, n)
        return found

    def _renditions(self, held: Mapping[int, _Held]) -> set[int]:
        """Which of these ids are renditions of this node: nobody else can make one, and none is taken in as an object."""
        sql = (
            "select distinct o.ident from rendition r join object o on o.n=r.row "
            "where o.hidden=2 and r.original is not null and o.ident in (select value from json_each(?))"
        )
        return {ident for (ident,) in self._connection.execute(sql, (json.dumps(list(held)),))} if held else set()

    def _admit(self, new: Prepared, held: _Held) -> Outcome:
        known = held.keys.get((new.digest, self._source_n))
        if known is not None:
            return self._again(new, *known)
        ceiling = self._writer._ceiling
        if ceiling is not None and exceeds(new.whole, ceiling):
            return self._spill(new)
        problems = self._ahead(new) or self._foreign(new, held)
        if problems == (_FOREIGN,):
            problems = self._quarantine.contradicted(new) or problems
        problems = problems or self._contradicts(new, held) or self._loosens(new, held)
        if problems:
            return self._refuse(new.index, new.id, new.raw, problems, self._due(new, problems), new.version)
        self._hold(new, held)
        return Outcome(new.index, new.id, "imported", new.problems, new.version)

    def _again(self, new: Prepared, n: int, hidden: bool) -> Outcome:
        """The same content once more changes nothing, unless one's own people bring back what they deleted."""
        if not hidden or self._source.kind != "own":
            return Outcome(new.index, new.id, "unchanged", version=new.version)
        self._connection.execute("update object set hidden=0 where n=?", (n,))
        if new.type == "marking-definition":
            self.defined.append((self._rows.idents([new.id])[new.id], new.id))
        self.returned.append(n)
        return Outcome(new.index, new.id, "unchanged", version=new.version)

    def _foreign(self, new: Prepared, held: _Held) -> tuple[Problem, ...]:
        if held.owner in (None, self._source_n) or new.digest in held.digests:
            return ()
        # Packs are brought in by one's own people. How a source words a marking is between it and its own objects.
        if new.type == "marking-definition" or (self._source.kind != "partner" and held.owner in self._ours()):
            return ()
        # An id that follows from the content is the name of a value: anybody may observe it.
        if new.version is None and sco_id(msgspec.json.decode(new.raw)) == new.id:
            return ()
        return (_FOREIGN,)

    def _identities_of_others(self) -> set[str]:
        """The identities of this node and of its partners that this source may not describe."""
        if self._source.kind != "partner":
            return set()
        pinned = {p.identity for p in self._store.partners() if p.identity and f"partner:{p.name}" != self._source.name}
        return pinned | {self._store.settings.identity}

    def _ours(self) -> set[int]:
        """The sources of one's own people."""
        return {n for (n,) in self._connection.execute("select n from source where kind != 'partner'")}

    def _ahead(self, new: Prepared) -> tuple[Problem, ...]:
        if new.version is None or new.version <= self._latest:
            return ()
        text = f"dated {to_text(new.version)}, more than {self._store.settings.limits.clock_ahead_seconds} s ahead; it waits until then"
        return (_problem("dated-ahead", "modified", text),)

    def _contradicts(self, new: Prepared, held: _Held) -> tuple[Problem, ...]:
        """The versioning rules, against the versions this source gave (STIX 2.1 section 3.6)."""
        if new.version is not None and new.version in held.versions and new.id not in self._writer._known_problems:
            return (conflict(),)
        if held.newest is None or new.version is None or new.version <= held.newest[0] or held.newest[1] == 0:
            return ()
        (raw,) = self._connection.execute("select raw from body where n=?", (held.newest[1],)).fetchone()
        problems = version_problems(msgspec.json.decode(raw), msgspec.json.decode(new.raw))
        return tuple(p for p in problems if p.severity == "error")

    def _loosens(self, new: Prepared, held: _Held) -> tuple[Problem, ...]:
        """Who may not release brings no version that more people may see than may see the one before."""
        if self._writer._may_release or held.newest is None or held.newest[1] == 0:
            return ()
        n, m = self._connection.execute("select label, whole from object where n=?", (held.newest[1],)).fetchone()
        old = self._store.interned.label_of(self._connection, n)
        tight = new.label == old or join(old, new.label) == new.label or exceeds(new.label, old)
        if tight and (
            n == m or self._keeps_marks(new, held.newest[1], self._store.interned.label_of(self._connection, m))
        ):
            return ()
        text = "a new version under a looser label than the one before needs the right to release"
        return (_problem("looser-label", "object_marking_refs", text),)

    def _keeps_marks(self, new: Prepared, before: int, whole: Label) -> bool:
        """Whether what was marked by itself in the version before is still so, or gone, or the object is as strict as all of it was."""
        if join(whole, new.label) == new.label:
            return True
        (raw,) = self._connection.execute("select raw from body where n=?", (before,)).fetchone()
        old, data = msgspec.json.decode(raw), msgspec.json.decode(new.raw)
        marks, kept = _marks(old), _marks(data)
        return all(selector.partition(".")[0] not in data for _, selector in marks - kept)

    def _due(self, new: Prepared, problems: tuple[Problem, ...]) -> int | None:
        if problems[0].rule != "dated-ahead" or new.version is None:
            return None
        return new.version - self._store.settings.limits.clock_ahead_seconds * 1_000_000

    def _spill(self, new: Prepared) -> Outcome:
        self._store.record(self._connection, self._source.name, "spillage", new.id, {"label": format_label(new.whole)})
        problem = _problem(
            "above-ceiling",
            "object_marking_refs",
            f"labelled {format_label(new.whole)}, above this node's ceiling; not stored",
        )
        return Outcome(new.index, new.id, "failed", (problem,), new.version)

    def _refuse(
        self,
        index: int | None,
        id: str | None,
        raw: bytes,
        problems: tuple[Problem, ...],
        due: int | None = None,
        version: int | None = None,
    ) -> Outcome:
        """Keep the bytes and the reasons, and tell of them."""
        self.waiting |= due is not None
        placed = tuple(msgspec.structs.replace(p, file=self._file, item=index, id=id) for p in problems)
        area, joined = self._writer._area, self._writer._joined
        kept = self._quarantine.keep(id, raw, placed, area=area, joined=joined, due=due, version=version)
        if due is not None and not kept:  # of the others nobody was told that they wait
            placed += (msgspec.structs.replace(_FULL, file=self._file, item=index, id=id),)
        return Outcome(index, id, "failed", placed, version)


class _Held:
    """What is stored of one id: its owner, contents, and the versions of the writing source."""

    __slots__ = ("area", "digests", "keys", "newest", "owner", "versions")

    def __init__(self, owner: int | None) -> None:
        self.area: int | None = None
        self.owner = owner
        self.digests: set[bytes] = set()
        self.keys: dict[tuple[bytes, int], tuple[int, bool]] = {}
        self.newest: tuple[int, int] | None = None
        self.versions: set[int | None] = set()


def _marks(data: dict[str, Any]) -> set[tuple[str, str]]:
    """(marking, selector) of each part that is marked by itself."""
    return {
        (marking["marking_ref"], selector)
        for marking in data.get("granular_markings", ())
        if "marking_ref" in marking
        for selector in marking["selectors"]
    }


def _problem(rule: str, path: str, message: str) -> Problem:
    return Problem(rule, "error", path, message, "Kizuna")


_PURGED = _problem("purged", "id", "two operators had it destroyed here; it does not come in again")
_FULL = _problem("quarantine-full", "$", "the quarantine of its source is full, so it does not wait: send it again")
_FOREIGN = _problem("foreign-version", "id", "only its owner makes versions of this object; it waits in quarantine")


@contextmanager
def uncollected() -> Iterator[None]:
    """No cycle collection meanwhile: a batch makes many objects and no cycles, and looking for them costs a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _gathered(batches: Iterable[Batch], least: int) -> Iterator[Batch]:
    """The batches of a transaction, as many together as are worth a turn of statements; fewer at first: the database waits for them."""
    some: Batch = []
    enough = max(least // _FEWER_FIRST, 1)
    for batch in batches:
        some = some + batch if some else batch
        if len(some) >= enough:
            yield some
            some, enough = [], least
    if some:
        yield some


def _may_define(entry: Prepared | Refused) -> bool:
    """Whether a reader may have taken an entry for a marking definition."""
    return isinstance(entry, Refused) or entry.type == "marking-definition"


def _next_batch(items: Iterator[Item], most: int) -> Iterator[Item]:
    """The next items that fit together, of little more than `most` bytes."""
    size = 0
    for item in islice(items, BATCH):
        yield item
        size += len(item.raw)
        if size > most:
            return
