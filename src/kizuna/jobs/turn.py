"""One turn of a job: it says how far it is, holds its lease, and is told between two steps when to stop."""

from __future__ import annotations

import threading
from types import TracebackType

from kizuna.errors import KizunaError
from kizuna.store import Store
from kizuna.store.jobs import Job, Jobs
from kizuna.store.leases import Heartbeat, Lost

MOST_SECONDS = 1.0


class Cancelled(KizunaError):
    """Somebody cancelled the job."""


class Turn:
    """What a job sees of whoever runs it; entered while it is worked on."""

    def __init__(self, store: Store, job: Job) -> None:
        self.store = store
        self.job = job
        self.jobs = Jobs(store)
        self._done = job.done
        self._total = job.total
        self._cancelled = threading.Event()
        seconds = min(MOST_SECONDS, store.settings.limits.lease_seconds / 4)
        self._heartbeat = Heartbeat(self._beat, seconds)

    def __enter__(self) -> Turn:
        self._heartbeat.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._heartbeat.__exit__()

    def at(self, done: int, total: int | None = None) -> None:
        """The job is so far, and goes on. Raises Cancelled, Lost."""
        self._done = done
        self._total = self._total if total is None else total
        if self._heartbeat.lost.is_set():
            raise Lost("another process has taken this job over")
        if self._cancelled.is_set():
            raise Cancelled("cancelled")

    def write_down(self) -> None:
        """Write down how far it is, now."""
        if not self._beat():
            raise Lost("another process has taken this job over")

    def _beat(self) -> bool:
        try:
            if self.jobs.beat(self.job, self._done, self._total):
                self._cancelled.set()
        except Lost:
            return False
        return True
