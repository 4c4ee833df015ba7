"""A store whose node went on elsewhere, or never came here whole, says so, instead of living a second life."""

from __future__ import annotations

import secrets
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from kizuna.errors import InvalidInput
from kizuna.settings import Settings, load, write_private
from kizuna.store.database import Connection, Database, is_postgres, open_database, store_file
from kizuna.store.rows import get_meta, set_meta

if TYPE_CHECKING:
    from kizuna.store.store import Store

MOVED = "moved"
RESTORING = "restoring"
RESTORED = ".restored"
"""A file of the node's folder: what the store is marked with by the restore that put the two in place."""
MOVING = "moving"
MOVING_FILE = ".moving"
"""A file of the node's folder: what the store is marked with that the node is on its way to."""


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


def begin_anew(folder: Path, settings: Settings) -> str:
    """Take away what a move of this folder's node left in another store when it was cut off; gives the mark of the next move."""
    given = folder / MOVING_FILE
    if given.is_file():
        mark = given.read_text()

        def is_left(connection: Connection) -> bool:
            return get_meta(connection, MOVING) == mark

        if is_postgres(settings.store):
            from kizuna.store.postgres.databases import clear_schema

            clear_schema(str(settings.store), is_left)
        elif store_file(folder, settings.store).exists():
            with closing(open_database(folder, settings, read_only=True)) as database:
                left = "meta" in database.tables() and is_left(database.read())  # it may have been cut off before that
            if left:
                take_back(folder, str(settings.store))
    write_private(given, (mark := secrets.token_hex(16)).encode())
    return mark


def let_in(database: Database, folder: Path, url: str | None) -> None:
    """Take the mark of a restore or a move from a store whose folder is in place: with it either would begin anew in the store."""
    for mark, file in _settled(database.read(), folder, url):
        with database.write() as connection:
            connection.execute("delete from meta where key=?", (mark,))
        (folder / file).unlink(missing_ok=True)


def _settled(connection: Connection, folder: Path, url: str | None) -> list[tuple[str, str]]:
    """The marks of what came to its end but for taking them away, each with its file."""
    found = []
    for mark, file in ((RESTORING, RESTORED), (MOVING, MOVING_FILE)):
        value, place = get_meta(connection, mark), folder / file
        same = value is not None and place.is_file() and place.read_text() == value
        if same and (mark == RESTORING or load(folder).store == url):
            found.append((mark, file))
    return found


def must_not_have_moved(connection: Connection, place: str, folder: Path, url: str | None) -> None:
    """Raise InvalidInput where the node went on elsewhere, or never came here whole."""
    settled = [mark for mark, _ in _settled(connection, folder, url)]
    if RESTORING not in settled and get_meta(connection, RESTORING) is not None:
        raise InvalidInput("a restore into it was cut off; restore again", file=place)
    if MOVING not in settled and get_meta(connection, MOVING) is not None:
        raise InvalidInput("a move into it was cut off; move again", file=place)
    if (where := get_meta(connection, MOVED)) is not None:
        raise InvalidInput(f"this node went on in {where}", file=place)
