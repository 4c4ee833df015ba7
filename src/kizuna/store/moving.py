"""A store whose node went on elsewhere says so, instead of living a second life."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kizuna.errors import InvalidInput
from kizuna.store.database import Connection, is_postgres, store_file
from kizuna.store.rows import get_meta, set_meta

if TYPE_CHECKING:
    from kizuna.store.store import Store

MOVED = "moved"
RESTORING = "restoring"


def mark_moved(store: Store, place: str, *, by: str) -> None:
    """Note where the node went on; nobody opens this store any more."""
    with store.database.write() as connection:
        store.record(connection, by, "migrate", place)
        set_meta(connection, MOVED, place)


def take_back(folder: Path, url: str) -> None:
    """Take away what was copied into another store, since the node could not go there; whoever calls made sure that it was empty."""
    if is_postgres(url):
        from kizuna.store.postgres.databases import clear_schema

        clear_schema(url, lambda _: True)
        return
    file = store_file(folder, url)
    for ending in ("-wal", "-shm", ""):
        file.with_name(file.name + ending).unlink(missing_ok=True)


def must_not_have_moved(connection: Connection, place: str) -> None:
    """Raise InvalidInput where the node went on elsewhere, or never came here whole."""
    if get_meta(connection, RESTORING) is not None:
        raise InvalidInput("a restore into it was cut off; restore again", file=place)
    if (where := get_meta(connection, MOVED)) is not None:
        raise InvalidInput(f"this node went on in {where}", file=place)
