"""Whether there is room to take more in. Reading, feeds, labels and purges go on without; what comes in stops before it hurts.

The disk of a PostgreSQL server is not ours to look at: it says itself when a table cannot grow, and that is told alike.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from kizuna.errors import DiskNearlyFull
from kizuna.store.database import is_postgres

if TYPE_CHECKING:
    from kizuna.store.store import Store


def free_bytes(store: Store) -> int:
    """Bytes that are left for us where the node's folder and its store are."""
    places = [store.folder]
    if not is_postgres(store.settings.store):
        places.append(Path(store.database.place).parent)
    found = [os.statvfs(place) for place in places]
    return min(one.f_bavail * one.f_frsize for one in found)


def has_room(store: Store) -> bool:
    """Whether something may come in."""
    return free_bytes(store) >= store.settings.disk_floor


def must_have_room(store: Store) -> None:
    """Raise DiskNearlyFull where nothing may come in for now."""
    if not has_room(store):
        raise DiskNearlyFull("there is too little room left, so nothing is taken in until there is more")
