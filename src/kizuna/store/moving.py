"""A store whose node went on elsewhere says so, instead of living a second life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kizuna.errors import InvalidInput
from kizuna.store.database import Connection
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


def must_not_have_moved(connection: Connection, place: str) -> None:
    """Raise InvalidInput where the node went on elsewhere, or never came here whole."""
    if get_meta(connection, RESTORING) is not None:
        raise InvalidInput("a restore into it was cut off; restore again", file=place)
    if (where := get_meta(connection, MOVED)) is not None:
        raise InvalidInput(f"this node went on in {where}", file=place)
