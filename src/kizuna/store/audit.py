"""Reading the audit trail: all of it for the keeper of the folder, and for an operator what tells of no object.

Each entry of the whole trail carries a chain: the SHA-256 of the chain before it and of the entry. Two exports of one trail agree
in the chain of an entry exactly if they agree in everything up to it, so an older file proves that nothing was changed since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import msgspec

from kizuna.clock import to_text
from kizuna.store.store import Store

PAGE = 1_000
BEFORE_THE_FIRST = b"\0" * 32
# Acts on people, secrets, partners and rules. All others concern objects: that one happened may tell that there is something to hide.
ADMINISTRATION = (
    "user.add", "user.roles", "user.language", "user.password", "user.remove", "token.create", "token.revoke", "link.create",
    "link.revoke", "session.create", "session.revoke", "login.failed", "partner.add", "partner.set", "partner.remove",
    "partner.resume", "epoch.open", "backup", "restore",
    "retention.set", "retention.confirm", "retention.remove",
    "rule.put", "rule.grant", "rule.stop", "rule.remove",
)  # fmt: skip
_COLUMNS = "n, at, actor, act, subject, detail"
_encode = msgspec.json.Encoder().encode


class Entry(msgspec.Struct, frozen=True):
    """One act: when, by whom, what, on what, and its particulars. `chain` is given where the whole trail is read."""

    number: int
    at: int
    actor: str
    act: str
    subject: str
    detail: dict[str, Any]
    chain: str | None = None

    def row(self) -> dict[str, Any]:
        """As it is written down."""
        return {**msgspec.structs.asdict(self), "at": to_text(self.at)}


def trail(store: Store, *, since: int | None = None, until: int | None = None) -> Iterator[Entry]:
    """Every entry from a moment on and before another (microseconds), in the order they were made; few are in memory at a time."""
    chain = BEFORE_THE_FIRST
    for row in _rows(store):
        chain = hashlib.sha256(chain + _encode(row)).digest()
        if (since is None or row[1] >= since) and (until is None or row[1] < until):
            yield _entry(row, chain.hex())


def newest(store: Store, limit: int, *, act: str | None = None, actor: str | None = None) -> list[Entry]:
    """The last entries, newest first, for the keeper of the folder."""
    conditions = [f"{name}=:{name}" for name, value in (("act", act), ("actor", actor)) if value is not None]
    where = f"where {' and '.join(conditions)} " if conditions else ""
    rows = store.database.read().execute(
        f"select {_COLUMNS} from audit {where}order by n desc limit :limit",
        {key: value for key, value in (("limit", limit), ("act", act), ("actor", actor)) if value is not None},
    )
    return [_entry(row) for row in rows]


def shown(store: Store, who: str, limit: int, before: int | None) -> tuple[list[Entry], int | None]:
    """What an operator may read, newest first, and where it goes on: acts on people, secrets and partners, and the operator's own.

    An index leads to each; how many others lie between, nobody learns from the time it takes.
    """
    found: dict[int, Entry] = {}
    with store.database.snapshot() as reader:
        for column, value in (("actor", who), *(("act", act) for act in ADMINISTRATION)):
            rows = reader.execute(
                f"select {_COLUMNS} from audit where {column}=? and n<? order by n desc limit ?",
                (value, before or 2**62, limit + 1),
            ).fetchall()
            found.update((row[0], _entry(row)) for row in rows)
    entries = [found[number] for number in sorted(found, reverse=True)]
    return entries[:limit], entries[limit - 1].number if len(entries) > limit else None


def _rows(store: Store) -> Iterator[tuple[Any, ...]]:
    # By pages, each a snapshot of its own: one reader that lasts would keep the log from coming back into the file.
    last, more = 0, True
    while more:
        rows = (
            store.database.read()
            .execute(f"select {_COLUMNS} from audit where n>? order by n limit ?", (last, PAGE))
            .fetchall()
        )
        yield from (tuple(row) for row in rows)
        more = len(rows) == PAGE
        last = rows[-1][0] if rows else last


def _entry(row: tuple[Any, ...], chain: str | None = None) -> Entry:
    number, at, actor, act, subject, detail = row
    return Entry(number, at, actor, act, subject, json.loads(detail), chain)
