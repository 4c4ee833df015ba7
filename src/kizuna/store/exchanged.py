"""What went to and came from each partner, counted as one of one's own people may see it."""

from __future__ import annotations

import msgspec

from kizuna.labels import Principal
from kizuna.store.counting import Counting
from kizuna.store.database import Connection
from kizuna.store.store import Store


class Exchanged(msgspec.Struct, frozen=True):
    """Objects one partner may read here now, objects it sent, and when something last went or came (microseconds)."""

    given: int = 0
    got: int = 0
    last: int | None = None


def exchanged(store: Store, principal: Principal) -> dict[str, Exchanged]:
    """By partner's name: only objects the asker may see too are counted."""
    with store.database.snapshot() as reader:
        mask = store.mask(principal).sql(reader, "o.least")
        given = dict(
            reader.execute(
                "select f.recipient, count(*) from feed f join object o on o.n=f.object "
                f"where f.live=1 and o.hidden=0 and {mask} group by 1"
            ).fetchall()
        )
        got = _got(store, reader, principal)
        partners = reader.execute("select n, name, last_exchange from partner").fetchall()
    return {name: Exchanged(given.get(n, 0), got.get(f"partner:{name}", 0), last) for n, name, last in partners}


def _got(store: Store, reader: Connection, principal: Principal) -> dict[str, int]:
    """By the name of a partner's source, the rows of it that the asker may see."""
    space = store.interned_space(reader, "real")
    counted = Counting(store, reader, store.mask(principal), space).rows_by_source()
    names = reader.execute("select n, name from source where kind='partner'").fetchall()
    return {name: counted.get(n, 0) for n, name in names}
