"""What comes round again on a node: each turn is claimed by one of all the processes that serve it, and passes on when that one dies."""

from __future__ import annotations

from kizuna.store.database import Connection
from kizuna.store.leases import SECOND, new_holder, over_after, over_before, until
from kizuna.store.store import Store


class Schedule:
    """The turns of one node, by name."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(self, name: str, every: float) -> str | None:
        """Take a turn that is due: the holder's name, None while it is not due or another has it. `every` is in seconds."""
        if not self._is_free(self._store.database.read(), name, every):  # without the writer's lock: mostly it is not
            return None
        with self._store.database.write() as connection:
            if not self._is_free(connection, name, every):
                return None
            holder = new_holder()
            connection.execute(
                "insert into schedule values (?,?,?,?) on conflict(name) do update "
                "set holder=excluded.holder, lease=excluded.lease",
                (name, self._store.clock(), holder, until(self._store)),
            )
        return holder

    def renew(self, name: str, holder: str) -> bool:
        """Hold it for longer; whether it is still this holder's."""
        with self._store.database.write(durable=False) as connection:
            changed = connection.execute(
                "update schedule set lease=? where name=? and holder=?", (until(self._store), name, holder)
            )
            return changed.rowcount == 1

    def done(self, name: str, holder: str, every: float) -> None:
        """The turn is over; the next is due after so many seconds, 0 for at once."""
        with self._store.database.write(durable=False) as connection:
            connection.execute(
                "update schedule set holder=null, lease=null, due=? where name=? and holder=?",
                (self._store.clock() + int(every * SECOND), name, holder),
            )

    def _is_free(self, connection: Connection, name: str, every: float) -> bool:
        found = connection.execute("select due, holder, lease from schedule where name=?", (name,)).fetchone()
        if found is None:
            return True
        due, holder, lease = found
        if holder is not None and over_before(self._store) <= lease <= over_after(self._store):
            return False
        now = self._store.clock()
        # Due later than a whole pause from now: the pause was made shorter, or the clock went back.
        return bool(due <= now or due > now + every * SECOND)
