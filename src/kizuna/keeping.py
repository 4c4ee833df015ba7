"""What a served node does by itself with what it keeps: rules of retention, refused items that are old, and unused parts of the store
after something was destroyed.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from kizuna.errors import DiskNearlyFull, NodeBusy, Unavailable
from kizuna.store import Store, quarantine
from kizuna.store.leases import Heartbeat
from kizuna.store.retention import Rules, apply_retention
from kizuna.store.schedule import Schedule
from kizuna.store.scrubbing import is_due

log = logging.getLogger(__name__)

TURN = "keeping"
EVERY_SECONDS = 60.0
BETWEEN_SECONDS = 3600.0
"""Between two turns of the rules: days do not pass faster."""

SMALL = 1 << 30
"""A larger file is written anew only when an operator says so: writers wait meanwhile."""

GRACE_SECONDS = 5

EVEN_SECONDS = 86_400.0
"""A clock that jumped is believed again, by what destroys, after it went evenly for so long."""
JUMP_SECONDS = 600.0
"""What a clock may go apart from the time that passes before it counts as a jump."""


class Evenly:
    """Whether the node's clock goes as time passes: a jump, as of a machine that was told a wrong date, is no reason to destroy."""

    def __init__(self, clock: Callable[[], int], passed: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._passed = passed
        self._apart = self._now()
        self._until = 0.0

    def goes(self) -> bool:
        """Look at the clock; False for a day from when it was seen to jump."""
        apart = self._now()
        if abs(apart - self._apart) > JUMP_SECONDS:
            log.warning("the clock jumped by %+.0f s; rules of retention wait for a day", apart - self._apart)
            self._until = self._passed() + EVEN_SECONDS
        self._apart = apart
        return self._passed() >= self._until

    def _now(self) -> float:
        return self._clock() / 1_000_000 - self._passed()


class Keeper:
    """Looks after what is kept while it is entered, if this process does what is scheduled for the node."""

    def __init__(self, store: Store, seconds: float = EVERY_SECONDS) -> None:
        self._store = store
        self._schedule = Schedule(store)
        self._seconds = seconds
        self._next = 0.0
        self._evenly = Evenly(store.clock)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(GRACE_SECONDS)

    def turn(self) -> None:
        """Do what is due now."""
        store = self._store
        even = self._evenly.goes()
        hour = even and time.monotonic() >= self._next
        rules = hour and any(rule.counts for rule in Rules(store).listed())
        refused = hour and quarantine.has_old(store, store.clock())
        scrub = is_due(store) and (store.database.sizes().whole < SMALL)
        if not (rules or refused or scrub) or (holder := self._schedule.claim(TURN, self._seconds)) is None:
            return
        seconds = store.settings.limits.lease_seconds / 4
        with Heartbeat(lambda: self._schedule.renew(TURN, holder), seconds) as beat:
            if refused:
                quarantine.clear(store, store.clock())
            if rules or refused:
                applied = apply_retention(store, store.clock())
                if not any(one.more for one in applied):
                    self._next = time.monotonic() + BETWEEN_SECONDS
            if scrub and not beat.lost.is_set():
                self._scrub()
        self._schedule.done(TURN, holder, 0)

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                self.turn()
            except (DiskNearlyFull, NodeBusy, Unavailable) as error:  # the next turn tries again
                if not self._ended.is_set():
                    log.warning("what is kept could not be looked after: %s", error)
            except Exception:
                if not self._ended.is_set():
                    log.exception("what is kept could not be looked after")

    def _scrub(self) -> None:
        """In a process of its own, which has SQLite put what is large where the store is."""
        arguments = ["purge", "scrub", "--if-due", "--quiet", "--data", str(self._store.folder)]
        with subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "kizuna", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            while process.poll() is None:
                if self._ended.wait(0.1):
                    process.terminate()
                    process.wait()


__all__ = ["Keeper"]
