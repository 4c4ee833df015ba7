"""Which rows stand live in which partner's feed, in memory: to count them in the database takes a second at a million rows.

It follows the database as the columns do: what is new stands behind the last moment of a feed, and what ended in the table `altered`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Hashable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from kizuna.store.database import Connection

if TYPE_CHECKING:
    from kizuna.store.columns import Flags, Numbers

T = TypeVar("T", bound=np.generic)

READ_AT_ONCE = 20_000


class Fed:
    """The feeds of one store, for all readers of this process; asked for rows up to an end, as a moment of the columns has them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._live: dict[int, Flags] = {}  # by recipient, of every row
        self._ends: dict[int, int] = {}  # by recipient, the last moment that was taken in
        self._last: Numbers = np.zeros(0, np.int64)  # of every row that is live anywhere, when it last entered a feed
        self._altered = -1

    def follow(self, connection: Connection, end: int) -> Hashable:
        """Take in what was committed since the last time; `end` is that of the rows in the snapshot.

        What it returns is another whenever something is. An older snapshot than the last one takes nothing back.
        """
        with self._lock:
            altered = connection.execute("select max(n) from altered").fetchone()[0] or 0
            self._reach(end)
            if altered > self._altered >= 0:
                self._take_altered(connection, end)
            sql = "select p.n, (select max(f.added) from feed f where f.recipient=p.n) from partner p"
            ends = {recipient: last or 0 for recipient, last in connection.execute(sql).fetchall()}
            if altered >= self._altered:
                for recipient, last in ends.items():
                    if last != (known := self._ends.get(recipient, 0)):  # before it where a partner came anew
                        self._take_new(connection, recipient, known if known < last else 0)
                        self._ends[recipient] = last
                for recipient in self._ends.keys() - ends.keys():
                    self._ends[recipient] = 0  # another may come under its number; what it had is noted as ended
                self._altered = altered
            return self._altered, end, tuple(sorted(self._ends.items()))

    def live(self, end: int) -> dict[int, Flags]:
        """By whose feed holds, or held, anything, of every row before an end, whether it is live in it."""
        with self._lock:
            return {recipient: flags[:end] for recipient, flags in self._live.items()}

    def anywhere(self, end: int) -> Numbers:
        """Of every row before an end, when (microseconds) it last entered a feed in which it is live; 0 where it is in none."""
        return self._last[:end]

    def _reach(self, end: int) -> None:
        if end > len(self._last):
            room = max(end, len(self._last) * 5 // 4, 1024)
            self._last = _longer(self._last, room)
            self._live = {recipient: _longer(flags, room) for recipient, flags in self._live.items()}

    def _take_new(self, connection: Connection, recipient: int, known: int) -> None:
        if recipient not in self._live:
            self._live[recipient] = np.zeros(len(self._last), np.bool_)
        sql = "select object, added from feed where recipient=? and added>? and live=1 order by added"
        self._set(recipient, connection.stream(sql, (recipient, known), at_once=READ_AT_ONCE))

    def _take_altered(self, connection: Connection, end: int) -> None:
        """Ask anew about rows that ended, or may have."""
        sql = "select distinct object from altered where n>? and object<?"
        changed = [n for (n,) in connection.execute(sql, (self._altered, end))]
        # By id: a feed has no order by row.
        there = (
            "select f.object, f.added from json_each(?) j cross join object o on o.n=j.value cross join feed f indexed by feed_ident "
            "on f.ident=o.ident and f.recipient=? and f.object=o.n where f.live=1"
        )
        for some in (changed[at : at + READ_AT_ONCE] for at in range(0, len(changed), READ_AT_ONCE)):
            self._last[some] = 0
            for recipient, flags in self._live.items():
                flags[some] = False
                self._set(recipient, iter(connection.execute(there, (json.dumps(some), recipient)).fetchall()))

    def _set(self, recipient: int, rows: Iterator[tuple[int, int]]) -> None:
        while block := list(islice(rows, READ_AT_ONCE)):
            numbers, added = np.fromiter(chain.from_iterable(block), np.int64, len(block) * 2).reshape(-1, 2).T
            self._live[recipient][numbers] = True
            np.maximum.at(self._last, numbers, added)


def _longer(array: NDArray[T], length: int) -> NDArray[T]:
    return np.concatenate((array, np.zeros(length - len(array), array.dtype)))
