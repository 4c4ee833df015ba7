"""A store whose node went on elsewhere, or never came here whole, says so, instead of living a second life.

A move ends when node.json names the new store. Until then that is marked, and whoever begins the move anew takes it away; from then on
whoever opens it first takes the mark away and marks the store before, so that no moment leaves two lives or none.
"""

from __future__ import annotations

import logging
import secrets
from contextlib import closing
from pathlib import Path

import msgspec

from kizuna import clock
from kizuna.errors import InvalidInput, NodeBusy
from kizuna.settings import Settings, load, write_private
from kizuna.store.database import Connection, Database, is_postgres, open_database, shown_address, store_file
from kizuna.store.rows import get_meta, set_meta

log = logging.getLogger(__name__)

MOVED = "moved"
RESTORING = "restoring"
RESTORED = ".restored"
"""A file of the node's folder: what the store is marked with by the restore that put the two in place."""
MOVING = "moving"
MOVING_FILE = ".moving"
"""A file of the node's folder: the move that was begun last."""


class Move(msgspec.Struct, frozen=True):
    """What the new store is marked with, both addresses, and who moves the node."""

    mark: str
    before: str | None
    to: str
    by: str


def begin(folder: Path, before: str | None, to: str, by: str) -> str:
    """Note a move that is about to fill another store; gives the mark of that."""
    move = Move(secrets.token_hex(16), before, to, by)
    write_private(folder / MOVING_FILE, msgspec.json.encode(move))
    return move.mark


def clear(folder: Path, settings: Settings) -> None:
    """Take away what this folder's last move left in another store when it was cut off."""
    move = _last(folder)
    if move is None:
        return

    def is_left(connection: Connection) -> bool:
        return get_meta(connection, MOVING) == move.mark

    if is_postgres(settings.store):
        from kizuna.store.postgres.databases import clear_schema

        clear_schema(str(settings.store), is_left)
    elif store_file(folder, settings.store).exists():
        with closing(open_database(folder, settings, read_only=True)) as database:
            left = "meta" in database.tables() and is_left(database.read())  # it may have been cut off before that
        if left:
            take_back(folder, str(settings.store))


def take_back(folder: Path, url: str) -> None:
    """Take away what was copied into another store, since the node did not go there; whoever calls made sure that it is nothing else."""
    if is_postgres(url):
        from kizuna.store.postgres.databases import clear_schema

        clear_schema(url, lambda _: True)
        return
    file = store_file(folder, url).resolve()
    # A file without its log would be a damaged one; SQLite drops a log without its file.
    for ending in ("", "-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)


def let_in(database: Database, folder: Path, settings: Settings) -> None:
    """End what came to its end but for its marks: with them a restore or a move would begin anew in the store."""
    for mark in _settled(_marks(database.read()), folder, settings):
        with database.write() as connection:
            connection.execute("delete from meta where key=?", (mark,))
        if mark == RESTORING:
            (folder / RESTORED).unlink(missing_ok=True)
    move = _last(folder)
    if (
        move is not None
        and move.to == settings.store == load(folder, environment=False).store
        and _left(folder, settings, move)
    ):
        (folder / MOVING_FILE).unlink(missing_ok=True)


def mark_moved(connection: Connection, place: str, *, by: str) -> None:
    """Note where the node went on; nobody opens this store any more."""
    from kizuna.store.store import note_act

    if get_meta(connection, MOVED) is None:
        note_act(connection, clock.now_us(), by, "migrate", place)
        set_meta(connection, MOVED, place)


def must_live_here(where: str | None, place: str) -> None:
    """Raise InvalidInput where a store is marked with another place that the node went on in."""
    if where is not None:
        raise InvalidInput(f"this node went on in {where}", file=place)


def must_not_have_moved(connection: Connection, place: str, folder: Path, settings: Settings) -> None:
    """Raise InvalidInput where the node went on elsewhere, or never came here whole."""
    marks = _marks(connection)
    open_ends = marks.keys() - _settled(marks, folder, settings)
    if RESTORING in open_ends:
        raise InvalidInput("a restore into it was cut off; restore again", file=place)
    if MOVING in open_ends:
        raise InvalidInput("a move into it was cut off; move again", file=place)
    must_live_here(marks.get(MOVED), place)


def _marks(connection: Connection) -> dict[str, str]:
    return dict(
        connection.execute("select key, value from meta where key in (?,?,?)", (MOVED, MOVING, RESTORING)).fetchall()
    )


def _settled(marks: dict[str, str], folder: Path, settings: Settings) -> list[str]:
    """The marks of what came to its end but for taking them away."""
    found = []
    if RESTORING in marks and _text(folder / RESTORED) == marks[RESTORING]:
        found.append(RESTORING)
    # What node.json says, not a command line that names a store for once.
    if MOVING in marks and load(folder, environment=False).store == settings.store:
        found.append(MOVING)
    return found


def _left(folder: Path, settings: Settings, move: Move) -> bool:
    """Mark the store before; whether nothing is left to do for that: as long as somebody writes there it is tried again."""
    before = msgspec.structs.replace(settings, store=move.before)
    try:
        if is_postgres(move.before) or store_file(folder, move.before).exists():
            with closing(open_database(folder, before)) as database, database.write() as connection:
                if get_meta(connection, "node") == settings.identity:
                    mark_moved(connection, shown_address(move.to), by=move.by)
    except NodeBusy as error:
        log.warning("the store that the node came from is not marked yet: %s", error)
        return False
    except Exception as error:  # gone, frozen or damaged: that keeps nobody out of the new one
        log.warning("the store that the node came from could not be marked: %s", error)
    return True


def _last(folder: Path) -> Move | None:
    """The move that was begun last, if it is not at its end."""
    try:
        return msgspec.json.decode((folder / MOVING_FILE).read_bytes(), type=Move)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _text(file: Path) -> str | None:
    try:
        return file.read_text()
    except FileNotFoundError:
        return None
