"""A store whose node went on elsewhere says so, instead of living a second life."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kizuna.errors import InvalidInput
from kizuna.store.database import Connection, Database, is_postgres, store_file
from kizuna.store.rows import get_meta, set_meta

if TYPE_CHECKING:
    from kizuna.store.store import Store

MOVED = "moved"
RESTORING = "restoring"
RESTORED = ".restored"
"""A file of the node's folder: what the store is marked with by the restore that put the two in place."""


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


def let_in(database: Database, folder: Path) -> None:
    """Take the mark of a restore from a store whose folder is in place: with it a restore would begin anew in the store."""
    if _is_restored(database.read(), folder):
        with database.write() as connection:
            connection.execute("delete from meta where key=?", (RESTORING,))
        (folder / RESTORED).unlink(missing_ok=True)


def _is_restored(connection: Connection, folder: Path) -> bool:
    mark, file = get_meta(connection, RESTORING), folder / RESTORED
    return mark is not None and file.is_file() and file.read_text() == mark


def must_not_have_moved(connection: Connection, place: str, folder: Path) -> None:
    """Raise InvalidInput where the node went on elsewhere, or never came here whole."""
    if get_meta(connection, RESTORING) is not None and not _is_restored(connection, folder):
        raise InvalidInput("a restore into it was cut off; restore again", file=place)
    if (where := get_meta(connection, MOVED)) is not None:
        raise InvalidInput(f"this node went on in {where}", file=place)
