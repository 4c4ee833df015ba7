"""Which labels a reader of one's own may see, kept while labels and memberships stand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from kizuna.labels import Label, Principal, decide, label_changes, next_change
from kizuna.store.database import Connection
from kizuna.store.intern import Interned

FEW = 500
"""Labels that stand in the text of a question; a longer text takes longer to read than a table to look into."""
_numbers = count()


class _Decided(NamedTuple):
    """What was decided of all labels up to `newest`, good until `until`. `number` is another after each new beginning."""

    number: int
    until: int
    newest: int
    allowed: frozenset[int]
    ordered: list[int]
    text: str


class ViewMask:
    """The allowed labels of one principal. None is the folder's keeper, who is allowed all."""

    def __init__(
        self, interned: Interned, principal: Principal | None, holder: Principal, clock: Callable[[], int]
    ) -> None:
        self._interned = interned
        self._principal = principal
        self._holder = holder
        self._clock = clock
        self._prefix = f"mask_{next(_numbers)}"
        self._decided = _Decided(0, 0, -1, frozenset(), [], "-1")

    def allows(self, label: Label) -> bool:
        """Ask about one label, interned or not."""
        if self._principal is None:
            return True
        return decide(label, self._principal, holder=self._holder, at=self._clock()).allowed

    def allowed(self, connection: Connection) -> frozenset[int]:
        """The interned labels this reader may see now."""
        return self._refreshed(connection).allowed

    def seen(self, connection: Connection) -> frozenset[int] | None:
        """The interned labels this reader may see now; None is every one."""
        return None if self._principal is None else self.allowed(connection)

    def sql(self, connection: Connection, column: str) -> str:
        """A condition on an integer label column; the integers are ours, so few stand in the text and many in a table."""
        if self._principal is None:
            return "1=1"
        decided = self._refreshed(connection)
        # The + keeps the database from choosing a plan by label: with many labels it is the slower one.
        allowed = (
            f"({decided.text})" if decided.text else connection.many(self._prefix, decided.number, decided.ordered)
        )
        return f"+{column} in {allowed}"

    def forget(self) -> None:
        """Decide anew: a transaction that made labels is taken back, and others may get their numbers."""
        self._decided = _Decided(self._decided.number, 0, -1, frozenset(), [], "-1")

    def _refreshed(self, connection: Connection) -> _Decided:
        newest = connection.execute("select max(n) from label").fetchone()[0] or 0
        # Only then what was decided: of labels that are there now it was, not of such as were taken back before they came.
        now, last = self._clock(), self._decided
        if now < last.until and newest <= last.newest:  # an older snapshot holds none of the newer labels
            return last
        if now >= last.until:  # else what was decided stands, and only the new labels are asked about
            last = _Decided(last.number + 1, self._membership_change(now), 0, frozenset(), [], "")
        fresh, until = set[int](), last.until
        for n, label in self._interned.labels(connection, above=last.newest):
            if self.allows(label):
                fresh.add(n)
            if (change := label_changes(label, now)) is not None:
                until = min(until, change)
        allowed = last.allowed | fresh
        ordered = sorted(allowed)
        text = "" if len(ordered) > FEW else ",".join(map(str, ordered)) or "-1"
        self._decided = _Decided(last.number, until, newest, allowed, ordered, text)
        return self._decided

    def _membership_change(self, now: int) -> int:
        due = None if self._principal is None else next_change(self._principal.memberships, now)
        return 2**62 if due is None else due
