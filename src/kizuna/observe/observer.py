"""Whoever listens to a served node: each event is kept where it happens, and told to all of them by a thread of their own.

So a request costs a microsecond or two, and a terminal or pipe that nobody reads holds up nothing but the log.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable

from kizuna.clock import now_us
from kizuna.events import Event, Said, Told
from kizuna.trace import current

Hearer = Callable[[Told], object]

# Beyond this many untold events new ones are counted and not kept.
WAITING = 20_000
# What comes within this is told at once.
PAUSE_SECONDS = 0.1
# So many are told at a stretch; then whoever answers requests has Python's lock. A rest of no time would take it back at once.
STRETCH = 8
REST_SECONDS = 0.0001
END_SECONDS = 2.0


class Observer:
    """A listener that hands on to hearers. `metrics_url` is where the metrics are, None where nothing listens."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet  # whether nothing but errors is logged
        self.metrics_url: str | None = None
        self._hearers: list[Hearer] = []
        self._flushes: list[Callable[[], object]] = []
        self._waiting: deque[Told] = deque()
        self._dropped = 0
        self._some = threading.Event()
        self._telling = threading.Lock()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)

    def add(self, hearer: Hearer, flush: Callable[[], object] | None = None) -> None:
        """Let somebody hear; `flush` is called when all that waited was told."""
        self._hearers.append(hearer)
        if flush is not None:
            self._flushes.append(flush)

    def __call__(self, event: Event) -> None:
        """Keep an event to be told soon."""
        if len(self._waiting) >= WAITING:
            self._dropped += 1
            return
        self._waiting.append(Told(now_us(), current(), event))
        if not self._some.is_set():
            self._some.set()

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def close(self) -> None:
        """Tell what is left, if it can be told."""
        self._ended = True
        self._some.set()
        self._thread.join(END_SECONDS)

    def settle(self) -> None:
        """Tell all that happened up to now; not if another thread is held up while it tells."""
        if not self._telling.acquire(timeout=END_SECONDS):
            return
        try:
            for count in range(1, len(self._waiting) + 1):
                self._tell(self._waiting.popleft())
                if not count % STRETCH:
                    time.sleep(REST_SECONDS)
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                self._tell(Told(now_us(), None, Said("warning", "events dropped", {"count": dropped})))
            for flush in self._flushes:
                flush()
        finally:
            self._telling.release()

    def _run(self) -> None:
        while not (self._ended and not self._waiting):
            self._some.wait()
            if not self._ended:
                time.sleep(PAUSE_SECONDS)
            self._some.clear()
            self.settle()

    def _tell(self, told: Told) -> None:
        for hearer in self._hearers:
            try:
                hearer(told)
            except Exception as error:
                # Not by way of the log, which may be the one that failed.
                print(f"{type(hearer).__name__} failed: {type(error).__name__}", file=sys.stderr)
