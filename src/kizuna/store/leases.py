"""Leases: who works on something says until when, and says so again while it lives.

Every moment is taken inside the writing transaction. Writers come one after the other, in whatever process, so of two that want the
same thing the second reads what the first has written. Clocks of two machines may differ by as much as `SLACK`.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from kizuna.errors import KizunaError

if TYPE_CHECKING:
    from kizuna.store.store import Store

SECOND = 1_000_000
SLACK = 2 * SECOND
"""Microseconds by which the clocks of two machines that serve one node may differ."""


class Lost(KizunaError):
    """Somebody else has taken over what this one worked on."""


def new_holder() -> str:
    """A name for whoever holds something, different each time."""
    return secrets.token_hex(8)


def until(store: Store) -> int:
    """The end of a lease that is taken or renewed now, in microseconds."""
    return store.clock() + int(store.settings.limits.lease_seconds * SECOND)


def over_after(store: Store) -> int:
    """A lease that ends after this moment was taken on a clock that has gone back since, in microseconds.

    Whoever holds it and lives renews it soon, or finds that it is lost; else it would be held for as long as the clock went back.
    """
    return until(store) + SLACK


def over_before(store: Store) -> int:
    """A lease that ends before this moment is over on every clock, in microseconds."""
    return store.clock() - SLACK


class Heartbeat:
    """Renews a lease by a thread of its own while it is entered; `renew` says whether it is still ours.

    `lost` is set when it is not: whoever works looks at it between two steps.
    """

    def __init__(self, renew: Callable[[], bool], seconds: float) -> None:
        self._renew = renew
        self._seconds = seconds
        self._ended = threading.Event()
        self.lost = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                if not self._renew():
                    self.lost.set()
                    return
            except Exception:  # noqa: S112  # the database may be back at the next beat, before the lease is over
                continue
