"""Purging: two operators destroy everything of an id, and what has that id is refused from then on (`purged`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

import msgspec

from kizuna.errors import Conflict, NotFound, Refused, UsageError
from kizuna.stix import BUILTIN
from kizuna.stix.ids import type_of
from kizuna.store.database import Connection
from kizuna.store.destroying import Destroyed, destroy
from kizuna.store.two_people import EXPIRES, operator, reason_of, second_operator

if TYPE_CHECKING:
    from kizuna.store.store import Store

State = Literal["proposed", "done", "cancelled", "expired", "lifted"]
LISTED = 1_000
MOST_PENDING = 1_000
_COLUMNS = "n, state, id, reason, proposed, proposed_by, ended, ended_by, lifted, lifted_by"


class Purge(msgspec.Struct, frozen=True):
    """What was proposed, by whom and why, and what became of it; `id` while it is proposed. Times are microseconds."""

    number: int
    state: State
    id: str | None
    reason: str
    proposed: int
    proposed_by: str
    ended: int | None
    ended_by: str | None
    lifted: int | None
    lifted_by: str | None


class Purges:
    """The purges of one node. `by` is the person who acts, known by a secret of their own: the caller has made sure of that."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def listed(self) -> list[Purge]:
        """The newest first."""
        sql = f"select {_COLUMNS} from purge order by n desc limit ?"
        return [self._purge(row) for row in self._store.database.read().execute(sql, (LISTED,))]

    def propose(self, id: str, reason: str, *, by: str) -> Purge:
        """Propose to destroy everything of an id, whether or not there is anything. Raises UsageError, Conflict, Refused."""
        reason = reason_of(reason)
        if type_of(id) is None:
            raise UsageError(f"not the id of an object: {id[:80]!r}")
        if id in BUILTIN:
            raise Refused("it is a definition of the standard, which every node knows")
        with self._store.database.write() as connection:
            by = operator(self._store, by)
            self._end_expired(connection)
            self._must_be_new(connection, mark := self._store.marks(id))
            row = connection.execute(
                f"insert into purge(state, id, mark, reason, proposed, proposed_by) values ('proposed',?,?,?,?,?) returning {_COLUMNS}",
                (id, mark, reason, self._store.clock(), by),
            ).fetchone()
            self._store.record(connection, by, "purge.propose", mark, {"number": row[0], "reason": reason})
        return self._purge(row)

    def confirm(self, number: int, *, by: str) -> tuple[Purge, Destroyed]:
        """Destroy what another operator proposed. Raises NotFound, Conflict, Refused."""
        store = self._store
        with store.act() as act:
            connection = act.connection
            one = self._pending(connection, number)
            mark = self._mark(connection, number)
            by = second_operator(store, connection, by, proposed_by=one.proposed_by, proposal=("purge.propose", mark))
            destroyed = destroy(store, act, [one.id or ""], by=by)
            row = self._end(connection, number, "done", by)
            detail = {"number": number, "reason": one.reason, "proposed_by": one.proposed_by}
            store.record(connection, by, "purge.confirm", mark, detail)
        store.database.empty_log()
        return self._purge(row), destroyed

    def cancel(self, number: int, *, by: str) -> Purge:
        """Give a proposal up. Raises NotFound, Conflict, Refused."""
        with self._store.database.write() as connection:
            by = operator(self._store, by)
            self._pending(connection, number)
            row = self._end(connection, number, "cancelled", by)
            self._store.record(connection, by, "purge.cancel", self._mark(connection, number), {"number": number})
        return self._purge(row)

    def lift(self, number: int, *, by: str) -> Purge:
        """Let what has this id come in again. Raises NotFound, Conflict, Refused."""
        with self._store.database.write() as connection:
            by = operator(self._store, by)
            if self._found(connection, number).state != "done":
                raise Conflict("there is nothing to lift: only what was purged is refused")
            row = connection.execute(
                f"update purge set state='lifted', lifted=?, lifted_by=? where n=? returning {_COLUMNS}",
                (self._store.clock(), by, number),
            ).fetchone()
            self._store.record(connection, by, "purge.lift", self._mark(connection, number), {"number": number})
        return self._purge(row)

    def of(self, id: str) -> Purge:
        """The newest purge of an id. Raises NotFound."""
        sql = f"select {_COLUMNS} from purge where mark=? order by n desc limit 1"
        row = self._store.database.read().execute(sql, (self._store.marks(id),)).fetchone()
        if row is None:
            raise NotFound("no purge of this id")
        return self._purge(row)

    def _pending(self, connection: Connection, number: int) -> Purge:
        found = self._found(connection, number)
        if found.state != "proposed":
            raise Conflict(f"this purge is {found.state} already")
        return found

    def _found(self, connection: Connection, number: int) -> Purge:
        row = connection.execute(f"select {_COLUMNS} from purge where n=?", (number,)).fetchone()
        if row is None:
            raise NotFound("no such purge")
        return self._purge(row)

    def _end(self, connection: Connection, number: int, state: State, by: str) -> tuple[object, ...]:
        row = connection.execute(
            f"update purge set state=?, id=null, ended=?, ended_by=? where n=? returning {_COLUMNS}",
            (state, self._store.clock(), by, number),
        ).fetchone()
        return cast("tuple[object, ...]", row)

    def _end_expired(self, connection: Connection) -> None:
        now = self._store.clock()
        connection.execute(
            "update purge set state='expired', id=null, ended=? where state='proposed' and proposed<?",
            (now, now - EXPIRES),
        )

    def _must_be_new(self, connection: Connection, mark: str) -> None:
        sql = "select state from purge where mark=? and state in ('proposed', 'done')"
        if (found := connection.execute(sql, (mark,)).fetchone()) is not None:
            raise Conflict("this id is purged already" if found[0] == "done" else "this is proposed already")
        (pending,) = connection.execute("select count(*) from purge where state='proposed'").fetchone()
        if pending >= MOST_PENDING:
            raise Conflict(f"{MOST_PENDING} proposals wait already; confirm or cancel some")

    def _mark(self, connection: Connection, number: int) -> str:
        (mark,) = connection.execute("select mark from purge where n=?", (number,)).fetchone()
        return str(mark)

    def _purge(self, row: object) -> Purge:
        found = Purge(*cast("tuple[object, ...]", row))  # type: ignore[arg-type]
        if found.state == "proposed" and found.proposed < self._store.clock() - EXPIRES:
            return msgspec.structs.replace(found, state="expired", id=None, ended=found.proposed + EXPIRES)
        return found
