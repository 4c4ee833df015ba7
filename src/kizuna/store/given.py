"""What one partner was given, as its people read it: newest first, one object, and what was taken back.

It is the partner's feed and nothing else. The feed was filled when an act made something visible; reading decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from kizuna.errors import NotFound
from kizuna.labels import Label
from kizuna.stix.ids import type_of
from kizuna.store.shelf import cut

if TYPE_CHECKING:
    from kizuna.store.database import Connection
    from kizuna.store.store import Store

MOST = 1_000
"""Objects that are looked up by their ids at once."""
_COLUMNS = "f.added, o.id, o.version, {raw}, b.n, o.whole"
_REST = "join object o on o.n=f.object join body b on b.n=f.object where f.recipient=? and f.live=1"
# From the ids or from the order of the feed, whichever is asked for: left to itself SQLite goes through all of a feed for one id.
_BY_ID, _IN_ORDER = f"from feed f indexed by feed_ident {_REST}", f"from feed f {_REST}"


class Given(NamedTuple):
    """One object as it stands in the feed, since `added`, and the label of all of it. Times are microseconds."""

    added: int
    id: str
    version: int | None
    raw: bytes
    label: Label


class TakenBack(NamedTuple):
    """A notice that objects are withdrawn, or given again: under the ids by which the partner knows them, and why."""

    number: int
    again: bool
    at: int
    about: tuple[str, ...]
    reason: str | None


class GivenTo:
    """The feed of one partner as its people read it. Raises NotFound for a partner that is gone."""

    def __init__(self, store: Store, partner: str) -> None:
        store.settle()
        found = [one for one in store.recipients() if one.partner.name == partner]
        if not found:
            raise NotFound(f"no partner named {partner}")
        self._store, self._recipient = store, found[0]

    def newest(self, limit: int, before: int | None = None) -> tuple[list[Given], int | None]:
        """The newest version of each object, what came last first, behind a position; and where it goes on, None at the end."""
        sql = f"select {_COLUMNS} {_IN_ORDER} and f.last=1 and o.space=0 and f.added<? order by f.added desc limit ?"
        while True:
            values = (self._recipient.n, 2**62 if before is None else before, limit + 1)
            found, full = cut(self._reader.with_bodies(sql, values, n=4, raw=3), raw=3)
            more = full or len(found) > limit
            before = found[:limit][-1][0] if more else None
            rows = [self._given(row) for row in found[:limit] if row[3]]  # else it was destroyed meanwhile
            if rows or before is None:
                return rows, before

    def get(self, id: str, version: int | None = None) -> Given | None:
        """The newest version, or the one asked for; None when the partner has none."""
        which = "f.last=1" if version is None else "coalesce(o.version, f.added)=?"
        sql = f"select {_COLUMNS} {_BY_ID} and f.ident=(select n from ident where space=0 and id=?) and {which}"
        values = (self._recipient.n, id, *(() if version is None else (version,)))
        rows = [self._given(row) for row in self._reader.with_bodies(sql, values, n=4, raw=3) if row[3]]
        return rows[0] if rows else None

    def versions(self, id: str, limit: int) -> list[tuple[int, int]]:
        """The moments of the newest versions of an object that the partner has, and when each came."""
        sql = (
            "select coalesce(o.version, f.added), f.added from feed f indexed by feed_ident join object o on o.n=f.object "
            "where f.recipient=? and f.live=1 and f.ident=(select n from ident where space=0 and id=?) order by 1 desc, 2 desc limit ?"
        )
        return [(version, added) for version, added in self._reader.execute(sql, (self._recipient.n, id, limit))]

    def those(self, ids: Iterable[str]) -> dict[str, bytes]:
        """By id, the newest versions of those of these objects that the partner has; at most MOST, and about as many as fit a page."""
        wanted = [id for id in dict.fromkeys(ids) if type_of(id) is not None][:MOST]
        these = "(select n from ident where space=0 and id in (select atom from json_each(?)))"
        sql = f"select {_COLUMNS} {_BY_ID} and f.last=1 and f.ident in {these}"
        rows, _ = cut(self._reader.with_bodies(sql, (self._recipient.n, json.dumps(wanted)), n=4, raw=3), raw=3)
        return {row[1]: row[3] for row in rows if row[3]}

    def taken_back(self, limit: int, before: int | None = None) -> tuple[list[TakenBack], int | None]:
        """What the partner was told is withdrawn, or given again, newest first, and where it goes on, None at the end."""
        sql = (
            "select n, kind, at, about, reason from notice where partner=? and sent=1 and kind in ('withdrawal','return') and n<? "
            "order by n desc limit ?"
        )
        values = (self._recipient.partner.name, 2**62 if before is None else before, limit + 1)
        rows = self._reader.execute(sql, values).fetchall()
        found = [
            TakenBack(n, kind == "return", at, tuple(json.loads(about)), reason)
            for n, kind, at, about, reason in rows[:limit]
        ]
        return found, found[-1].number if len(rows) > limit else None

    @property
    def _reader(self) -> Connection:
        return self._store.database.read()

    def _given(self, row: tuple[int, str, int | None, bytes, int, int]) -> Given:
        added, id, version, raw, _, whole = row
        return Given(added, id, version, raw, self._store.interned.label_of(self._reader, whole))
