"""After something was destroyed: the store is written anew, so that unused parts of it hold nothing of it."""

from __future__ import annotations

from kizuna.store.destroying import SCRUB
from kizuna.store.rows import get_meta, set_meta
from kizuna.store.store import Store


def is_due(store: Store) -> bool:
    """Whether something was destroyed since the last time."""
    return get_meta(store.database.read(), SCRUB) is not None


def scrub(store: Store) -> None:
    """Do it; readers go on, writers wait. Raises DiskNearlyFull, NodeBusy, Unavailable; then it is due still."""
    store.database.scrub()
    with store.database.write() as connection:
        set_meta(connection, SCRUB, "")
