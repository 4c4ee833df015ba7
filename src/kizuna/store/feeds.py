"""Filling partners' feeds: what enters, what waits, what ends, in the transaction of the act that caused it.

A row enters when the partner may have it and every reference in it points at something that partner has. The rows that
enter together are the greatest set for which this holds, so objects that refer to each other in a circle enter together.
Each row that stays out waits on *one* missing target; it is looked at again when that target enters. Because a row
waits on a target that failed before it, or that stood outside the looked-at set, waits never form a circle.

An id that only stands in a row's text is no reference: it counts while this node holds an object of that id, and when one
comes in later, rows that mention it are looked at again (`hold_back`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count, groupby
from operator import itemgetter
from typing import Any

from kizuna.store.database import Connection
from kizuna.store.extract import MENTION
from kizuna.store.gate import Gate
from kizuna.store.recipients import Masks, Recipient
from kizuna.store.rows import end_of_feed, keep_end_of_feed, note_ended

_WAITING = "waiting(recipient,target,object)"

COUNTS = (
    "(e.path is distinct from (select n from term where name='"
    + MENTION
    + "') or exists (select 1 from object h where h.ident=e.target))"
)
"""The condition on an edge `e` that what it points at must be there for its row to enter."""


def mentioned(connection: Connection, objects: Sequence[int]) -> list[tuple[int, int]]:
    """The rows whose text names one of these rows by its id, each with the ident it names."""
    term = connection.execute("select n from term where name=?", (MENTION,)).fetchone()
    if term is None:
        return []
    return connection.execute(
        "select distinct e.object, e.target from json_each(?) j join object o on o.n=j.value "
        "join edge e on e.target=o.ident and e.path=?",
        (json.dumps(list(objects)), term[0]),
    ).fetchall()


class Feeds:
    """The feed of one recipient inside a writing transaction at the moment `now`."""

    def __init__(
        self, connection: Connection, recipient: Recipient, masks: Masks, gate: Gate, source: int | None, now: int
    ):
        self._connection = connection
        self._gate = gate
        self._recipient = recipient.n
        self._allowed = masks
        self._source = source
        self._now = now
        self._repeated: set[int] = set()
        self._parts: set[int] = set()  # renditions among what was looked at
        self.moved: set[int] = set()
        """Ids of which something entered or ended."""
        self.entered: dict[int, int] = {}
        """Rows that entered, and when; they may have ended since."""
        self.before: dict[int, bool] = {}
        """Rows that entered or ended, in that order, and whether they were there before."""

    def offer(self, objects: Iterable[int]) -> int:
        """Let rows enter whose label allows it, with those that waited for them; returns how many entered."""
        self._gate.begin()
        looked_at = self._candidates(list(objects))
        self._wait_for_the_hour()
        if not looked_at:
            return 0
        references = self._references(looked_at)
        missing = self._missing(looked_at, references)
        entering = [n for n in looked_at if n not in missing]
        self._forget_waits(looked_at)
        self._connection.load((_WAITING, [x for n, t in missing.items() for x in (self._recipient, t, n)], 3))
        return self._enter(sorted(entering), looked_at)

    def end(self, objects: Iterable[int]) -> int:
        """End rows the recipient may no longer have, and every row that refers to what is now gone; returns how many."""
        gone = self._live_of(list(objects))
        self._forget_waits(objects)
        return self._end(gone, [])

    def take_back(self, objects: Sequence[int], entered: Mapping[int, int]) -> int:
        """Of what entered in this act, and when, take these rows out with what refers to them, as if they had not; returns how many."""
        ended = self._end(self._live_of(list(objects)), [])
        self._connection.execute(
            "delete from feed where recipient=? and live=0 and added in (select value from json_each(?))",
            (self._recipient, json.dumps(sorted(entered.values()))),
        )
        return ended

    def hold_back(self, mentions: Sequence[tuple[int, int]]) -> int:
        """End rows whose text names what has come in (`mentioned`) and the recipient may not have; returns how many."""
        targets = {target for _, target in mentions}
        lost = targets - self._visible(targets)
        naming = {n: target for n, target in mentions if target in lost}
        gone = self._live_of(list(naming))
        return self._end(gone, [(self._recipient, naming[n], n) for n, _, _ in gone])

    def destroy(self, idents: Iterable[int]) -> int:
        """Take every row of these ids out, before what they name is destroyed; returns how many were live.

        Who pages goes on by moments: what is taken out is not missed, and no moment is given twice.
        """
        these = (self._recipient, json.dumps(list(idents)))
        where = "indexed by feed_ident where recipient=? and ident in (select value from json_each(?))"
        rows = self._connection.execute(f"select object, live from feed {where}", these).fetchall()
        if rows:
            keep_end_of_feed(self._connection, self._recipient)
            self._connection.execute(f"delete from feed {where}", these)
            note_ended(self._connection, [n for n, _ in rows])
        return sum(live for _, live in rows)

    def lose(self, idents: Iterable[int]) -> int:
        """End what refers to ids of which nothing is left, and let it wait; returns how many ended."""
        referrers = self._live_referrers(set(idents))
        waiters = [(self._recipient, target, n) for n, _, _, target in referrers]
        return self._end(list({(n, ident, added) for n, ident, added, _ in referrers}), waiters)

    def _end(self, gone: list[tuple[int, int, int]], waiters: list[tuple[int, int, int]]) -> int:
        """End feed rows (object, ident, added) and what refers to them; `waiters` wait already."""
        ended, again = 0, set[int]()
        while gone:
            ended += len(gone)
            self._connection.executemany(
                "update feed set live=0, last=0 where recipient=? and added=?",
                [(self._recipient, a) for _, _, a in gone],
            )
            note_ended(self._connection, [n for n, _, _ in gone])
            idents = {ident for _, ident, _ in gone}
            self.moved |= idents
            for n, _, _ in gone:
                self.before.setdefault(n, True)
            self._mark_last(idents)
            lost = idents - self._visible(idents)
            again |= self._siblings(idents)
            referrers = self._live_referrers(lost)
            waiters += [(self._recipient, target, n) for n, _, _, target in referrers]
            gone = list({(n, ident, added) for n, ident, added, _ in referrers})
        self._connection.executemany("insert into waiting values (?,?,?) on conflict do nothing", waiters)
        if again:
            self.offer(again)
        return ended

    def _candidates(self, objects: list[int]) -> dict[int, int]:
        """The rows to look at (n → ident): those asked for and, transitively, those that wait for them."""
        found: dict[int, int] = {}
        arrived = set[int]()
        frontier = self._rows(
            "select n, ident, whole, area, source, unstated from object where hidden=0 and n in ({})", objects
        )
        frontier += self._renditions(objects)
        while frontier:
            fresh = {
                n: ident
                for n, ident, whole, area, source, unstated in frontier
                if n not in found
                and source != self._source
                and (n in self._parts or self._allowed(whole, area, ident, n, unstated))
            }
            passing = self._gate.passing(list(fresh))
            fresh = fresh if len(passing) == len(fresh) else {n: fresh[n] for n in fresh if n in passing}
            found |= fresh
            # What the recipient sent itself does not enter, but what waited for it may.
            theirs = {ident for _, ident, _, _, source, _ in frontier if source == self._source} - arrived
            arrived |= theirs
            arriving = list(theirs.union(fresh.values()))
            waiters = self._rows(
                "select w.target, o.n, o.ident, o.whole, o.area, o.source, o.unstated from waiting w join object o on o.n=w.object "
                "where o.hidden=0 and w.recipient=? and w.target in ({})",
                arriving,
                self._recipient,
            )
            waiters += self._waiting_renditions(arriving)
            frontier = [row for target, *row in waiters if row[0] in found or not self._waits_on(row[0], target)]
        return found

    def _renditions(self, objects: Sequence[int]) -> list[tuple[int, int, int, int | None, int, int]]:
        """Of these rows, the renditions that the recipient may have now."""
        if not self._gate.has_parts:
            return []
        sql = (
            "select o.n, o.ident, o.whole, o.area, o.source, 0 from part p join object o on o.n=p.row "
            "where p.recipient=? and p.row in ({})"
        )
        rows = self._rows(sql, objects, self._recipient)
        self._parts |= {n for n, *_ in rows}
        return rows

    def _waiting_renditions(self, arriving: Sequence[int]) -> list[tuple[int, int, int, int, int | None, int, int]]:
        if not self._gate.has_parts:
            return []
        sql = (
            "select w.target, o.n, o.ident, o.whole, o.area, o.source, 0 from waiting w join object o on o.n=w.object "
            "join part p on p.row=o.n and p.recipient=w.recipient where w.recipient=? and w.target in ({})"
        )
        rows = self._rows(sql, arriving, self._recipient)
        self._parts |= {row[1] for row in rows}
        return rows

    def _waits_on(self, n: int, arrived: int) -> bool:
        """Let a row wait on the next target that nothing here can bring, if there is one behind the one that arrived.

        Rows wait on their lowest missing target, so all that is looked at of a row while its targets arrive one by one is
        each of them once.
        """
        rows = self._connection.execute(
            f"select e.target, o.whole, o.area, o.source, o.hidden, o.n, o.unstated from edge e left join object o on o.ident=e.target "
            f"where e.object=? and e.target>? and {COUNTS} order by e.target",
            (n, arrived),
        )
        for target, held in groupby(rows, key=itemgetter(0)):
            if not any(self._may_stand(*row) for row in held) and not self._visible([target]):
                waits = "delete from waiting where recipient=? and target=? and object=?"
                self._connection.execute(waits, (self._recipient, arrived, n))
                waits = "insert into waiting values (?,?,?) on conflict do nothing"
                self._connection.execute(waits, (self._recipient, target, n))
                return True
        return False

    def _may_stand(
        self,
        ident: int,
        whole: int | None,
        area: int | None,
        source: int | None,
        hidden: int | None,
        n: int | None,
        unstated: int | None,
    ) -> bool:
        if whole is None or source == self._source:
            return whole is not None
        return not hidden and self._allowed(whole, area, ident, n, unstated)

    def _references(self, objects: Iterable[int]) -> dict[int, list[int]]:
        by_object: dict[int, list[int]] = {}
        for n, target in self._rows(
            f"select e.object, e.target from edge e where {COUNTS} and e.object in ({{}}) order by e.object, e.target",
            list(objects),
        ):
            by_object.setdefault(n, []).append(target)
        return by_object

    def _missing(self, looked_at: dict[int, int], references: dict[int, list[int]]) -> dict[int, int]:
        """For each row that cannot enter, one target it waits for; a row waits on what failed before it."""
        standing: dict[int, int] = {}  # ident → how many of the looked-at rows would bring it
        for ident in looked_at.values():
            standing[ident] = standing.get(ident, 0) + 1
        outside = {t for targets in references.values() for t in targets} - standing.keys()
        absent = outside - self._visible(outside)
        kept = self._visible(standing.keys())  # already in the feed by another version
        referrers: dict[int, list[int]] = {}
        missing: dict[int, int] = {}
        for n, targets in references.items():
            for target in targets:
                if target in absent:
                    missing.setdefault(n, target)
                elif target in standing and target not in kept:
                    referrers.setdefault(target, []).append(n)
        failed = list(missing)
        while failed:
            ident = looked_at[failed.pop()]
            standing[ident] -= 1
            if standing[ident] == 0 and ident not in kept:
                for n in referrers.get(ident, ()):
                    if n not in missing:
                        missing[n] = ident
                        failed.append(n)
        return missing

    def _enter(self, entering: Sequence[int], idents: dict[int, int]) -> int:
        """Append feed rows, one per (id, version or content): what is there already is not offered again."""
        if not entering:
            return 0
        have = self._offered({idents[n] for n in entering})
        rows = []
        ticks = count(max(self._now, end_of_feed(self._connection, self._recipient) + 1))
        for n, ident, version, digest in self._rows(
            "select n, ident, version, digest from object where n in ({}) order by n", entering
        ):
            key = (ident, digest if version is None else version)
            if key not in have:
                have.add(key)
                rows.append((self._recipient, next(ticks), n, ident, 1, 1))
        self._connection.load(("feed(recipient,added,object,ident,live,last)", list(chain.from_iterable(rows)), 6))
        self._gate.entered(row[2] for row in rows)
        self.moved.update(row[3] for row in rows)
        self.entered |= {row[2]: row[1] for row in rows}
        for row in rows:
            self.before.setdefault(row[2], False)
        several = {row[3] for row in rows} & self._repeated
        if len({row[3] for row in rows}) < len(rows) or several:
            self._mark_last({row[3] for row in rows})
        return len(rows)

    def _offered(self, idents: set[int]) -> set[tuple[int, int | bytes]]:
        found = self._rows(
            "select f.ident, o.version, o.digest from ({}) j cross join feed f indexed by feed_ident on f.ident=j.value "
            "cross join object o on o.n=f.object where f.recipient=? and f.live=1",
            list(idents),
            self._recipient,
        )
        self._repeated = {ident for ident, _, _ in found}
        return {(ident, digest if version is None else version) for ident, version, digest in found}

    def _mark_last(self, idents: Iterable[int]) -> None:
        """Among the live rows of each id, mark the newest version; without versions the latest to enter."""
        rows = self._rows(
            "select f.ident, o.version, f.added, f.last from ({}) j cross join feed f indexed by feed_ident on f.ident=j.value "
            "cross join object o on o.n=f.object where f.recipient=? and f.live=1",
            list(idents),
            self._recipient,
        )
        newest: dict[int, tuple[int, int]] = {}
        for ident, version, added, _ in rows:
            newest[ident] = max(newest.get(ident, (-(2**63), 0)), (version if version is not None else -(2**62), added))
        changes = [
            (int(added == newest[ident][1]), self._recipient, added)
            for ident, _, added, was in rows
            if was != (added == newest[ident][1])
        ]
        self._connection.executemany("update feed set last=? where recipient=? and added=?", changes)

    def _visible(self, idents: Iterable[int]) -> set[int]:
        """Which ids the recipient has: through this feed, or because it sent them itself."""
        wanted = list(idents)
        seen = {
            ident
            for (ident,) in self._rows(
                "select f.ident from ({}) j cross join feed f indexed by feed_ident on f.ident=j.value "
                "where f.recipient=? and f.live=1",
                wanted,
                self._recipient,
            )
        }
        if self._source is not None:
            seen |= {
                ident
                for (ident,) in self._rows(
                    "select ident from object where source=? and ident in ({})", wanted, self._source
                )
            }
        return seen

    def _live_of(self, objects: list[int]) -> list[tuple[int, int, int]]:
        return self._rows(
            "select f.object, f.ident, f.added from ({}) j cross join object o on o.n=j.value "
            "cross join feed f indexed by feed_ident on f.ident=o.ident and f.object=o.n where f.recipient=? and f.live=1",
            objects,
            self._recipient,
        )

    def _live_referrers(self, targets: set[int]) -> list[tuple[int, int, int, int]]:
        return self._rows(
            "select f.object, f.ident, f.added, e.target from ({}) j cross join edge e on e.target=j.value "
            "cross join object o on o.n=e.object cross join feed f indexed by feed_ident on f.ident=o.ident and f.object=o.n "
            f"where f.recipient=? and f.live=1 and {COUNTS}",
            list(targets),
            self._recipient,
        )

    def _siblings(self, idents: set[int]) -> set[int]:
        """Other rows of the same ids: the same content from another source may take an ended row's place."""
        return {n for (n,) in self._rows("select n from object where hidden=0 and ident in ({})", list(idents))}

    def _rows(self, sql: str, wanted: Sequence[int], *first: int) -> list[Any]:
        """Rows of `sql`, whose `{}` stands for `wanted`.

        Where `wanted` is looked up in a large table it stands first, by a cross join: else SQLite may read all of a feed.
        """
        if not wanted:
            return []
        text = sql.format("select value from json_each(?)")
        values = (*first, json.dumps(wanted)) if sql.index("{}") > sql.find("?") else (json.dumps(wanted), *first)
        return self._connection.execute(text, values).fetchall()

    def _wait_for_the_hour(self) -> None:
        """Note what would enter but for the number its rule lets out in an hour: it is offered again in the next."""
        rows = [(self._recipient, n) for n in sorted(self._gate.over)]
        self._connection.executemany("insert into capped values (?,?) on conflict do nothing", rows)
        self._gate.over.clear()

    def _forget_waits(self, objects: Iterable[int]) -> None:
        sql = "delete from waiting where recipient=? and object in (select value from json_each(?))"
        self._connection.execute(sql, (self._recipient, json.dumps(list(objects))))
