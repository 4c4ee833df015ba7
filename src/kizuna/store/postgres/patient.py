"""Connections to PostgreSQL that wait for an answer as long as there is somebody who works on it, and somebody who waits for it.

Neither can be left to the network, nor to the server: a server that was stopped, or a proxy that lost its other side, acknowledges
every byte and says nothing, and a `statement_timeout` is looked at by the very server that has stopped.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, suppress
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import conninfo
from psycopg.waiting import READY_NONE

from kizuna import deadline

if TYPE_CHECKING:
    from psycopg.abc import PQGen

T = TypeVar("T")
SILENCE = 5.0
"""Seconds without an answer after which the server is asked, by another connection, whether it still works on it."""
PROBE_SECONDS = 5.0
LAST_SECONDS = 1.0
"""What was cancelled has so long to say so."""
_INTERVAL = 0.1
_TimeOver = psycopg.errors._WaitTimeout  # what `Connection.wait` says it raises


class Patient(psycopg.Connection[tuple[Any, ...]]):
    """A connection that is closed, and raises OperationalError, when nobody works on its statement any more.

    One that `reads` keeps the request's deadline, too: what is not found by then is cancelled, and raises QueryCanceled.
    """

    reads = False
    longest = inf  # seconds for one statement, whoever works on it
    pid = 0
    life: tuple[Any, ...] = ()

    def introduce(self) -> None:
        """Learn who answers: the number of the backend, as the server knows it, and the life of the server.

        That is another after a failover, and after a crash: what was seen before need not be there, and its numbers may be given again.
        """
        self.pid, *life = self.execute(
            "select pg_backend_pid(), pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time()"
        ).fetchone() or (0,)
        self.life = tuple(life)

    def wait(self, gen: PQGen[T], interval: float = _INTERVAL, timeout: float | None = None) -> T:
        """What psycopg lets every statement, and every piece of a COPY, wait by."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        left = deadline.left() if self.reads else None
        if left is not None and left <= 0:
            raise psycopg.errors.QueryCanceled("nobody waits for it any more")  # nothing was sent yet
        most = self.longest if left is None else min(left, self.longest)
        end = monotonic() + most
        try:
            return super().wait(gen, interval, min(most, SILENCE))
        except _TimeOver:
            pass
        while monotonic() < end and self._is_worked_on():
            try:
                return super().wait(_resumed(gen), interval, min(end - monotonic(), SILENCE))
            except _TimeOver:
                continue
        if self.reads and monotonic() >= end:
            # A writer's is never cancelled: a commit that waits for its standby would then say that it was done.
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=LAST_SECONDS)
        try:
            return super().wait(_resumed(gen), interval, LAST_SECONDS)
        except _TimeOver:
            self.close()  # an answer that still came would be taken for that to the next question
            raise psycopg.OperationalError("it has stopped in the middle of something") from None

    def _is_worked_on(self) -> bool:
        """Whether the server that this leads to knows of the statement: asked at that very address, whichever else there are."""
        info = self.info
        asked: dict[str, str | int] = {"connect_timeout": int(PROBE_SECONDS), "target_session_attrs": "any"}
        if info.password:
            asked["password"] = info.password
        if info.hostaddr:
            asked["hostaddr"] = info.hostaddr
        address = conninfo.make_conninfo(info.dsn, **asked)
        try:
            with closing(_Brief.connect(address, autocommit=True)) as other:
                found = other.execute("select state from pg_stat_activity where pid=%s", (self.pid,)).fetchone()
        except psycopg.OperationalError as error:
            return "FATAL" in str(error)  # it answers, but lets nobody in: it may be full
        return found is not None and not str(found[0]).startswith("idle")


class _Brief(psycopg.Connection[tuple[Any, ...]]):
    """A connection that asks one small question."""

    def wait(self, gen: PQGen[T], interval: float = _INTERVAL, timeout: float | None = None) -> T:
        return super().wait(gen, interval, PROBE_SECONDS if timeout is None else timeout)


def _resumed(gen: PQGen[T]) -> Generator[Any, Any, T]:
    """A wait that was broken off, from where it was: a generator takes no `next` in the middle."""
    try:
        state = gen.send(READY_NONE)
        while True:
            state = gen.send((yield state))
    except StopIteration as end:
        value: T = end.value
        return value
