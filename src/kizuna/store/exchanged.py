"""What went to and came from each partner, counted as one of one's own people may see it."""

from __future__ import annotations

import msgspec

from kizuna.labels import Principal
from kizuna.store.counting import Counting
from kizuna.store.store import Store


class Exchanged(msgspec.Struct, frozen=True):
    """Objects one partner may read here now, objects it sent, and when something last went or came (microseconds)."""

    given: int = 0
    got: int = 0
    last: int | None = None


def exchanged(store: Store, principal: Principal) -> dict[str, Exchanged]:
    """By partner's name: only objects the asker may see too are counted."""
    with store.database.snapshot() as reader:
        space = store.interned_space(reader, "real")
        given, rows = Counting(store, reader, store.mask(principal), space).exchanged()
        names = dict(reader.execute("select name, n from source where kind='partner'").fetchall())
        partners = reader.execute("select n, name, last_exchange from partner").fetchall()
    got = {name: rows.get(names.get(f"partner:{name}", -1), 0) for _, name, _ in partners}
    return {name: Exchanged(given.get(n, 0), got[name], last) for n, name, last in partners}
