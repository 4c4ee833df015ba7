"""Which labels a reader of one's own may see, kept while labels and memberships stand."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from kizuna.labels import Label, Principal, decide, label_changes, next_change
from kizuna.store.intern import Interned


class ViewMask:
    """The allowed labels of one principal. None is the folder's keeper, who is allowed all."""

    def __init__(
        self, interned: Interned, principal: Principal | None, holder: Principal, clock: Callable[[], int]
    ) -> None:
        self._interned = interned
        self._principal = principal
        self._holder = holder
        self._clock = clock
        self._until = 0
        self._newest = -1
        self._allowed: frozenset[int] = frozenset()
        self._sql: str | None = None

    def allows(self, label: Label) -> bool:
        """Ask about one label, interned or not."""
        if self._principal is None:
            return True
        return decide(label, self._principal, holder=self._holder, at=self._clock()).allowed

    def allowed(self, connection: sqlite3.Connection) -> frozenset[int]:
        """The interned labels this reader may see now."""
        self._refresh(connection)
        return self._allowed

    def sql(self, connection: sqlite3.Connection, column: str) -> str:
        """A condition on an integer label column; the integers are ours, so they stand in the text."""
        if self._principal is None:
            return "1"
        self._refresh(connection)
        if self._sql is None:
            self._sql = ",".join(map(str, sorted(self._allowed))) or "-1"
        # The + keeps SQLite from choosing a plan by label: with many labels it is the slower one.
        return f"+{column} in ({self._sql})"

    def _refresh(self, connection: sqlite3.Connection) -> None:
        now = self._clock()
        newest = connection.execute("select max(n) from label").fetchone()[0] or 0
        if now < self._until and newest == self._newest:
            return
        labels = self._interned.labels(connection)
        self._allowed = frozenset(n for n, label in labels.items() if self.allows(label))
        self._sql = None
        self._newest = newest
        changes = [c for label in labels.values() if (c := label_changes(label, now)) is not None]
        if self._principal is not None and (due := next_change(self._principal.memberships, now)) is not None:
            changes.append(due)
        self._until = min(changes, default=2**62)
