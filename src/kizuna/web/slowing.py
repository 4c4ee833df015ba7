"""Slowed log-ins: every failure doubles the pause before the next try, per account and per remote address.

An account's own pause starts later than an address's, so that a stranger who knows a name does not lock its owner out so easily; a one-time
link from the command line always works.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator

SECOND = 1_000_000
LONGEST = 15 * 60 * SECOND
FORGOTTEN = 60 * 60 * SECOND
REMEMBERED = 10_000
FREE = {"remote": 3, "account": 10}


class Slowing:
    """A bounded table of recent failures; `clock` gives microseconds."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, account: str, remote: str) -> int:
        """Seconds until the next try is looked at; 0 is now."""
        now = self._clock()
        with self._lock:
            pauses = [self._pause(key, now) for key in _keys(account, remote)]
        return max(0, -(-max(pauses) // SECOND))

    def begin(self, account: str, remote: str) -> None:
        """Count a try as failed until it succeeds, so that many at once gain nothing. A full table forgets its oldest entry."""
        now = self._clock()
        with self._lock:
            for key in _keys(account, remote):
                count, last = self._failures.pop(key, (0, 0))
                self._failures[key] = (count + 1 if now - last < FORGOTTEN else 1, now)
            while len(self._failures) > REMEMBERED:
                self._failures.popitem(last=False)

    def succeeded(self, account: str, remote: str) -> None:
        """Forget the account's failures and this one try; the address keeps the others, since it may be trying more accounts."""
        with self._lock:
            self._failures.pop(_keys_of("account", account), None)
            key = _keys_of("remote", remote)
            count, last = self._failures.pop(key, (0, 0))
            if count > 1:
                self._failures[key] = (count - 1, last)

    def _pause(self, key: tuple[str, str], now: int) -> int:
        count, last = self._failures.get(key, (0, 0))
        beyond = count - FREE[key[0]]
        if beyond < 0:
            return 0
        whole = min(LONGEST, SECOND << min(beyond, 20))
        return min(whole, last + whole - now)  # a clock that went back makes no pause longer


def _keys(account: str, remote: str) -> Iterator[tuple[str, str]]:
    yield _keys_of("account", account)
    yield _keys_of("remote", remote)


def _keys_of(kind: str, name: str) -> tuple[str, str]:
    # Cut, so that the table's size is bounded in bytes too.
    return kind, name.casefold()[:80]
