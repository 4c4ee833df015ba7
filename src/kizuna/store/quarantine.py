"""Where refused items wait with their reasons: no view, feed or count reads here."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

import msgspec

from kizuna.labels import Label, format_label
from kizuna.stix import Problem, digest, version_problems
from kizuna.stix.validation import conflict
from kizuna.store.database import Connection
from kizuna.store.prepare import Prepared

if TYPE_CHECKING:
    from kizuna.store.store import Store

DAY = 86_400_000_000  # microseconds
BATCH = 1_000
"""Rows of one transaction: nobody who writes waits long."""
AT_ONCE = 100
"""Batches of one turn; what is left has the next."""
REST_SECONDS = 0.12  # as between transactions of retention
_OLD = "from source s join quarantine q on q.source=s.n where q.received<? and q.due is null limit"


class Waiting(msgspec.Struct, frozen=True):
    """How many items of one source wait for one reason, and since when (microseconds)."""

    source: str
    reason: str
    count: int
    since: int


class Quarantine:
    """What one source brought into one space and did not get in, inside a writing transaction.

    Bounded for each source: what is older than its days makes room, and above its bytes a refusal is told and not kept.
    """

    def __init__(self, store: Store, connection: Connection, now: int, space: int, source: int) -> None:
        self._connection = connection
        self._now = now
        self._space = space
        self._source = source
        self._most = store.settings.limits.quarantine
        self._days = store.settings.limits.quarantine_days
        self._cleared = False
        self.lost = 0
        """How many were not kept."""

    def keep(
        self,
        id: str | None,
        raw: bytes,
        problems: tuple[Problem, ...],
        *,
        area: str | None,
        joined: Label | None,
        due: int | None,
        version: int | None,
    ) -> bool:
        """Keep the bytes and the reasons of one item, once however often it comes. False where there is no room."""
        if not self._has_room(len(raw)):
            self.lost += 1
            return False
        self._connection.execute(
            "insert into quarantine"
            "(space,source,received,due,id,version,reason,area,default_label,digest,raw,problems) "
            "values (?,?,?,?,?,?,?,?,?,?,?,?) on conflict do nothing",
            (
                self._space, self._source, self._now, due, id, version, problems[0].rule if problems else "unknown", area,
                format_label(joined) if joined else None, hashlib.sha256(raw).digest(), raw, msgspec.json.encode(problems).decode(),
            ),
        )  # fmt: skip
        return True

    def contradicted(self, new: Prepared) -> tuple[Problem, ...]:
        """The versioning rules against what this source sent of an id that is another's.

        A partner may not see that id: whoever contradicts itself is told the same as if nobody else had it.
        """
        if new.version is None:
            return ()
        sql = (
            "select version, raw from quarantine where space=? and source=? and id=? and reason='foreign-version' "
            "and version>=? order by version {} limit 1"
        )
        key = (self._space, self._source, new.id)
        same = self._connection.execute(sql.format("asc"), (*key, new.version)).fetchone()
        if same is None:
            newest = self._connection.execute(sql.format("desc"), (*key, -(2**63))).fetchone()
            if newest is None:
                return ()
            found = version_problems(msgspec.json.decode(newest[1]), msgspec.json.decode(new.raw))
            return tuple(p for p in found if p.severity == "error")
        if same[0] == new.version and digest(msgspec.json.decode(same[1])) != new.digest:
            return (conflict(),)
        return ()

    def _has_room(self, size: int) -> bool:
        if not self._cleared:
            self._cleared = True
            self._connection.execute(
                "delete from quarantine where source=? and received<? and due is null",
                (self._source, self._now - self._days * DAY),
            )
        (kept,) = self._connection.execute("select kept from source where n=?", (self._source,)).fetchone()
        return bool(kept + size <= self._most)


def has_old(store: Store, at: int) -> bool:
    """Whether something refused was kept for longer than its days."""
    return store.database.read().execute(f"select 1 {_OLD} 1", (_oldest(store, at),)).fetchone() is not None


def clear(store: Store, at: int) -> int:
    """Destroy what was refused longer ago than it is kept, of whatever source, and return how many items; what waits for its date stays."""
    gone = 0
    for _ in range(AT_ONCE):
        with store.database.write() as connection:
            these = f"delete from quarantine where n in (select q.n {_OLD} {BATCH})"
            some = connection.execute(these, (_oldest(store, at),)).rowcount
        gone += some
        if some < BATCH:
            break
        time.sleep(REST_SECONDS)
    return gone


def _oldest(store: Store, at: int) -> int:
    return at - store.settings.limits.quarantine_days * DAY


def waiting(store: Store) -> list[Waiting]:
    """What waits, by source and reason, the most first: for the folder's keeper, for it tells of everybody's."""
    rows = store.database.read().execute(
        "select s.name, q.reason, count(*), min(q.received) from quarantine q join source s on s.n=q.source "
        "group by 1, 2 order by 3 desc, 1, 2"
    )
    return [Waiting(*row) for row in rows]
