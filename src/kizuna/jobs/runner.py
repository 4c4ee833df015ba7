"""The runner of a served node: takes one job after the other and watches over the process that does it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import msgspec

from kizuna.events import Job as Told
from kizuna.events import Said
from kizuna.jobs.child import MAIN, Order
from kizuna.store import Store
from kizuna.store.jobs import Job, Jobs

PAUSE_SECONDS = 0.5
WATCH_SECONDS = 0.05
TIDY_SECONDS = 3_600.0
# A process that is told to end has nothing to tidy up; this is for a machine that is very busy.
GRACE_SECONDS = 4


class Runner:
    """Takes jobs in the order they came, one at a time, while it is entered."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs = Jobs(store)
        self._ended = threading.Event()
        self._tidied = 0.0
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="runner", daemon=True)

    def __enter__(self) -> Runner:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._thread.join(GRACE_SECONDS)

    def end(self) -> None:
        """Begin no more jobs, and break off the one that runs: whoever serves the node next takes it up."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(PAUSE_SECONDS):
            try:
                self._turns()
                self._failing = False
            except Exception as error:  # of the database, mostly: it may be back at the next turn
                if not self._failing:
                    self._store.tell(Said("warning", "jobs wait", {"error": type(error).__name__}))
                self._failing = True

    def _turns(self) -> None:
        if time.monotonic() >= self._tidied:
            self._jobs.tidy()
            self._tidied = time.monotonic() + TIDY_SECONDS
        while not self._ended.is_set() and (job := self._jobs.claim()) is not None:
            self._turn(job)

    def _turn(self, job: Job) -> None:
        began = time.monotonic()
        try:
            self._watch(job)
        finally:
            # Whatever it did not come to write down: nothing, when it did.
            self._jobs.give_back(job, counts=not self._ended.is_set())
        after = self._jobs.find(job.id)
        if after.state == "running":  # somebody else has it by now
            return
        self._store.tell(Told(job.kind, after.state, job.attempt, time.monotonic() - began, after.error))

    def _watch(self, job: Job) -> None:
        """Let a process do it, and see it end."""
        order = Order(str(self._store.folder), os.getpid(), job.id, str(job.holder))
        with subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", MAIN],
            stdin=subprocess.PIPE,
            bufsize=0,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # an error that nobody foresaw may quote an object
        ) as process:
            assert process.stdin is not None  # noqa: S101
            try:
                process.stdin.write(msgspec.json.encode(order) + b"\n")
                while process.poll() is None and not self._ended.wait(WATCH_SECONDS):
                    pass
            except BrokenPipeError:
                pass
            finally:
                process.kill()
