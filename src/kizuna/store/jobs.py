"""Jobs: imports, exports and polls that a served node does beside its requests, and that outlive whoever does them.

A job is a row of the store, written with its input in one transaction: a backup, a move to another database and every process that
serves the node have it by construction. Whoever works on it holds a lease; when that is over, another takes the job up again.
"""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from kizuna.errors import Conflict, NotFound, TooLarge
from kizuna.store.caller import Right
from kizuna.store.database import Connection
from kizuna.store.leases import Lost, new_holder, over_after, over_before, until
from kizuna.store.store import DAY, Store

Kind = Literal["import", "export", "poll"]
State = Literal["queued", "running", "done", "failed", "cancelled"]
KINDS: tuple[Kind, ...] = get_args(Kind)
STATES: tuple[State, ...] = get_args(State)
OPEN: tuple[State, ...] = ("queued", "running")
RIGHTS: dict[Kind, Right] = {"import": "write", "export": "read", "poll": "operate"}
"""What a person needs to ask for a job, and still has when it is done."""

MOST_ATTEMPTS = 5
MOST_OPEN = 20
"""Jobs of one asker that wait or run; more are refused until some have ended."""
PIECE = 256 << 10
_LEVEL = 1  # of zlib: JSON shrinks to an eighth at 100 MB/s
_COLUMNS = (
    "n, id, kind, asked, arguments, state, done, total, made, started, ended, attempt, holder, lease, cancelled, "
    "result, error, reason"
)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job. Moments are microseconds; `done` of `total` are bytes or objects, as its kind has it; `error` is a kind of failure."""

    n: int
    id: str
    kind: Kind
    asked: str
    arguments: dict[str, Any]
    state: State
    done: int
    total: int | None
    made: int
    started: int | None
    ended: int | None
    attempt: int
    holder: str | None
    lease: int | None
    cancelled: bool
    result: dict[str, Any] | None
    error: str | None
    reason: str | None

    @property
    def person(self) -> str | None:
        """The person of the node who asked, None for the keeper of the folder."""
        return None if self.asked.startswith("cli:") else self.asked


class Part(NamedTuple):
    """A piece of what a job made, and of which stored rows: those that were whole, and the digests of those that were cut."""

    raw: bytes
    whole: list[int]
    cut: dict[str, str]


class Jobs:
    """The jobs of one node."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Who asks

    def ask(self, kind: Kind, asked: str, arguments: dict[str, Any], text: bytes = b"") -> Job:
        """Put a job behind the others, with its input. Raises Conflict when the asker has too many, TooLarge."""
        if len(text) > self._store.settings.limits.split_above:
            raise TooLarge(f"the input is larger than {self._store.settings.limits.split_above} bytes")
        parts = [zlib.compress(text[at : at + PIECE], _LEVEL) for at in range(0, len(text), PIECE)]
        id = str(uuid.uuid4())
        with self._store.database.write() as connection:
            self._not_too_many(connection, asked)
            (n,) = connection.execute(
                "insert into job(id,kind,asked,arguments,state,total,made) values (?,?,?,?,'queued',?,?) returning n",
                (id, kind, asked, json.dumps(arguments), len(text) or None, self._store.clock()),
            ).fetchone()
            connection.executemany(
                "insert into job_part(job,part,raw) values (?,?,?)", [(n, i, raw) for i, raw in enumerate(parts)]
            )
        return self.find(id)

    def _not_too_many(self, connection: Connection, asked: str) -> None:
        sql = "select count(*) from job where asked=? and state in ('queued','running')"
        (count,) = connection.execute(sql, (asked,)).fetchone()
        if count >= MOST_OPEN:
            raise Conflict(f"{count} jobs of yours have not ended; wait, or cancel some")

    def cancel(self, id: str, *, by: str) -> Job:
        """End a job: at once when it waits, else at its next step. Raises NotFound, and Conflict when it has ended."""
        job = self.find(id)
        with self._store.database.write() as connection:
            waits = connection.execute(
                "update job set state='cancelled', cancelled=1, ended=? where n=? and state='queued'",
                (self._store.clock(), job.n),
            )
            runs = connection.execute("update job set cancelled=1 where n=? and state='running'", (job.n,))
            if not waits.rowcount and not runs.rowcount:
                raise Conflict("this job has ended")
            if waits.rowcount:
                connection.execute("delete from job_part where job=?", (job.n,))
            self._store.record(connection, by, "job.cancel", id, {"kind": job.kind, "of": job.asked})
        return self.find(id)

    # Who looks

    def find(self, id: str, *, asked: str | None = None) -> Job:
        """One job, only if that one asked for it where that is said. Raises NotFound, for another's as for none."""
        row = self._store.database.read().execute(f"select {_COLUMNS} from job where id=?", (id,)).fetchone()
        if row is None or (asked is not None and row[3] != asked):
            raise NotFound("no such job")
        return _job(row)

    def listed(
        self, limit: int, *, asked: str | None = None, before: int | None = None, states: Sequence[str] = ()
    ) -> list[Job]:
        """Jobs, the newest first: everybody's, or one asker's."""
        where = ["n<?"]
        values: list[Any] = [before if before is not None else 2**62]
        if asked is not None:
            where.append("asked=?")
            values.append(asked)
        if states:
            where.append("state in (select atom from json_each(?))")
            values.append(json.dumps(list(states)))
        sql = f"select {_COLUMNS} from job where {' and '.join(where)} order by n desc limit ?"
        return [_job(row) for row in self._store.database.read().execute(sql, (*values, limit))]

    def counts(self) -> dict[tuple[str, str], int]:
        """How many there are, by kind and state."""
        rows = self._store.database.read().execute("select kind, state, count(*) from job group by kind, state")
        return {(kind, state): count for kind, state, count in rows}

    def input(self, job: Job) -> bytes:
        """What a job was given."""
        return b"".join(part.raw for part in self.parts(job))

    def parts(self, job: Job) -> Iterator[Part]:
        """What a job was given or made, piece by piece."""
        part = 0
        while (
            row := self._store.database.read()
            .execute("select raw, rows from job_part where job=? and part=?", (job.n, part))
            .fetchone()
        ):
            whole, cut = json.loads(row[1]) if row[1] else ([], {})
            yield Part(zlib.decompress(row[0]), whole, cut)
            part += 1

    # Who works

    def claim(self) -> Job | None:
        """Take the first job that waits, or whose holder is gone; None when there is none. Jobs begun too often fail here."""
        while self._first(self._store.database.read()) is not None:  # without the writer's lock: mostly there is none
            with self._store.database.write() as connection:
                job = self._first(connection)
                if job is None:
                    return None
                if self._may_begin(connection, job):
                    return self._begun(connection, job)
        return None

    def _first(self, connection: Connection) -> Job | None:
        row = connection.execute(
            f"select {_COLUMNS} from job where state in ('queued','running') and (state='queued' or lease<? or lease>?) "
            "order by n limit 1",
            (over_before(self._store), over_after(self._store)),
        ).fetchone()
        return None if row is None else _job(row)

    def _may_begin(self, connection: Connection, job: Job) -> bool:
        if job.cancelled:
            self._end(connection, job, "cancelled")
        elif job.attempt >= MOST_ATTEMPTS:
            self._end(connection, job, "failed", error="internal", reason=f"broke off {job.attempt} times")
        else:
            return True
        return False

    def _begun(self, connection: Connection, job: Job) -> Job:
        if job.kind == "export":  # what was begun before is made anew
            connection.execute("delete from job_part where job=?", (job.n,))
        now, holder, lease = self._store.clock(), new_holder(), until(self._store)
        connection.execute(
            "update job set state='running', holder=?, lease=?, attempt=attempt+1, done=0, started=? where n=?",
            (holder, lease, now, job.n),
        )
        more: dict[str, Any] = {"state": "running", "holder": holder, "lease": lease, "started": now, "done": 0}
        return msgspec.structs.replace(job, attempt=job.attempt + 1, **more)

    def beat(self, job: Job, done: int, total: int | None) -> bool:
        """Hold a job for longer and say how far it is; whether it is to be cancelled. Raises Lost."""
        with self._store.database.write(durable=False) as connection:
            row = connection.execute(
                "update job set lease=?, done=?, total=? where n=? and holder=? and state='running' returning cancelled",
                (until(self._store), done, total, job.n, job.holder),
            ).fetchone()
        if row is None:
            raise Lost("another process has taken this job over")
        return bool(row[0])

    def put(self, job: Job, number: int, part: Part) -> int:
        """Keep a piece of what a job makes; the bytes that it takes. Raises Lost."""
        raw, rows = zlib.compress(part.raw, _LEVEL), json.dumps([part.whole, part.cut])
        with self._store.database.write(durable=False) as connection:
            self._must_hold(connection, job)
            connection.execute("insert into job_part values (?,?,?,?)", (job.n, number, raw, rows))
        return len(raw) + len(rows)

    def finish(
        self,
        job: Job,
        state: State,
        *,
        result: dict[str, Any] | None = None,
        error: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Write down how a job ended. Raises Lost."""
        with self._store.database.write() as connection:
            self._must_hold(connection, job)
            self._end(connection, job, state, result=result, error=error, reason=reason)

    def give_back(self, job: Job, *, counts: bool) -> None:
        """Let another begin it anew, at once; `counts` is whether this was an attempt. Nothing when it is not this holder's any more."""
        with self._store.database.write() as connection:
            connection.execute(
                "update job set state='queued', holder=null, lease=null, done=0, attempt=attempt-? "
                "where n=? and holder=? and state='running'",
                (0 if counts else 1, job.n, job.holder),
            )

    def tidy(self) -> None:
        """Forget jobs that ended long ago, with what they made."""
        before = self._store.clock() - self._store.settings.job_days * DAY
        sql = "select 1 from job where ended is not null and ended<? limit 1"
        if self._store.database.read().execute(sql, (before,)).fetchone():
            with self._store.database.write() as connection:
                connection.execute("delete from job where ended is not null and ended<?", (before,))

    def _must_hold(self, connection: Connection, job: Job) -> None:
        sql = "select 1 from job where n=? and holder=? and state='running'"
        if connection.execute(sql, (job.n, job.holder)).fetchone() is None:
            raise Lost("another process has taken this job over")

    def _end(
        self,
        connection: Connection,
        job: Job,
        state: State,
        *,
        result: dict[str, Any] | None = None,
        error: str | None = None,
        reason: str | None = None,
    ) -> None:
        if job.kind == "import" or state != "done":
            connection.execute("delete from job_part where job=?", (job.n,))
        told = None if result is None else msgspec.json.encode(result).decode()
        connection.execute(
            "update job set state=?, ended=?, holder=null, lease=null, result=?, error=?, reason=? where n=?",
            (state, self._store.clock(), told, error, reason, job.n),
        )


def _job(row: Sequence[Any]) -> Job:
    found = dict(zip(Job.__struct_fields__, row, strict=True))
    found["arguments"] = json.loads(found["arguments"])
    found["cancelled"] = bool(found["cancelled"])
    found["result"] = None if found["result"] is None else json.loads(found["result"])
    return Job(**found)
