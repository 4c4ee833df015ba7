"""Answers to requests that carried an Idempotency-Key, kept for a day so that a repeated request is answered alike."""

from __future__ import annotations

import hashlib

from kizuna.errors import Conflict
from kizuna.store.store import Store

KEPT = 24 * 3600 * 1_000_000
LARGEST = 256 * 1024
MOST = 10_000


class Answered:
    """The answers of one node, by caller and key."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, caller: str, key: str, request: bytes) -> bytes | None:
        """The answer given before. Raises Conflict when the key came with another request (`request` is its digest)."""
        row = (
            self._store.database.read()
            .execute("select request, answer, at from answered where key=?", (_key(caller, key),))
            .fetchone()
        )
        if row is None or row[2] < self._store.clock() - KEPT:
            return None
        if row[0] != request:
            raise Conflict("this Idempotency-Key came with another request before")
        return bytes(row[1])

    def remember(self, caller: str, key: str, request: bytes, answer: bytes) -> None:
        """Keep an answer; a very long one is not kept, since what may be repeated here changes nothing when done again."""
        if len(answer) > LARGEST:
            return
        now = self._store.clock()
        with self._store.database.write() as connection:
            connection.execute(
                "delete from answered where at<? or at<=(select at from answered order by at desc limit 1 offset ?)",
                (now - KEPT, MOST),
            )
            connection.execute(
                "insert into answered values (?,?,?,?) on conflict(key) do update "
                "set request=excluded.request, at=excluded.at, answer=excluded.answer",
                (_key(caller, key), request, now, answer),
            )


def _key(caller: str, key: str) -> bytes:
    return hashlib.sha256(f"{len(caller)} {caller} {key}".encode("utf-8", "surrogatepass")).digest()
