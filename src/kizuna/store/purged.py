"""What was purged does not come in again.

Of a purged id only a keyed digest is kept: the key is the node's, so that the store alone does not tell what was destroyed. An id of
an observable that follows from its value would else be a dictionary of that value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from kizuna.store.database import Connection
from kizuna.store.keys import derived_key

if TYPE_CHECKING:
    from kizuna.store.store import Store


class Marks:
    """Digests of ids under the node's key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key: bytes | None = None

    def __call__(self, id: str) -> str:
        """The digest, alike however the id is written. Raises InvalidInput without the node's key."""
        if self._key is None:
            self._key = derived_key(self._folder, "purge")
        return hashlib.blake2b(id.lower().encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).hexdigest()


def purged(store: Store, connection: Connection, ids: Iterable[str]) -> set[str]:
    """Which of these ids do not come in. One look where nothing was ever purged."""
    if connection.execute("select 1 from purge where state='done' limit 1").fetchone() is None:
        return set()
    marks = {id: store.marks(id) for id in ids}
    sql = "select mark from purge where state='done' and mark in (select atom from json_each(?))"
    found = {mark for (mark,) in connection.execute(sql, (json.dumps(list(marks.values())),))}
    return {id for id, mark in marks.items() if mark in found}
