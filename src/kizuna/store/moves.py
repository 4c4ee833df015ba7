"""What an act moves in feeds, object by object: what of each somebody had before it, and has after it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from kizuna.store.database import Connection

if TYPE_CHECKING:
    from kizuna.store.recipients import Recipient

Had = Literal["whole", "rendition"] | None
_THESE = "(select value from json_each(?))"


class Moved(msgspec.Struct, frozen=True):
    """An object of which a feed holds another form than before: whole, a rendition of it, or nothing."""

    id: str
    was: Had
    now: Had


class Moves:
    """The rows that entered or ended in the feeds while it is filled, and whether each was there before."""

    def __init__(self) -> None:
        self._before: dict[int, dict[int, bool]] = defaultdict(dict)

    def add(self, recipient: int, rows: Mapping[int, bool]) -> None:
        """Rows of one feed that moved, in the order of what happened, each with whether it was there before that."""
        for n, was in rows.items():
            self._before[recipient].setdefault(n, was)

    def of(self, connection: Connection, recipient: Recipient) -> tuple[Moved, ...]:
        """What moved in one feed, under the ids of what renditions were made of."""
        before = self._before.get(recipient.n, {})
        names, parts = _originals(connection, before)
        live = _live(connection, recipient.n, {ident for ident, _ in names.values()})
        was: dict[int, set[bool]] = defaultdict(set)
        now: dict[int, set[bool]] = defaultdict(set)
        for n, (ident, in_part) in live.items():
            now[ident].add(in_part)
            if n not in before:
                was[ident].add(in_part)
        for n, there in before.items():
            if there:
                was[names[n][0]].add(n in parts)
        ids = dict(names.values())
        moved = [Moved(id, _best(was[ident]), _best(now[ident])) for ident, id in ids.items()]
        return tuple(sorted((one for one in moved if one.was != one.now), key=lambda one: one.id))


def _best(parts: set[bool]) -> Had:
    return None if not parts else "whole" if False in parts else "rendition"


def _originals(connection: Connection, rows: Iterable[int]) -> tuple[dict[int, tuple[int, str]], set[int]]:
    """By row, the integer and the id of what it is of; and which rows are renditions."""
    sql = (
        "select o.n, coalesce(x.ident, o.ident), coalesce(x.id, o.id), m.row from object o left join rendition m on m.row=o.n "
        f"left join object x on x.n=m.original where o.n in {_THESE}"
    )
    found = connection.execute(sql, (json.dumps(list(rows)),)).fetchall()
    return {n: (ident, id) for n, ident, id, _ in found}, {n for n, _, _, made in found if made is not None}


def _live(connection: Connection, recipient: int, idents: Iterable[int]) -> dict[int, tuple[int, bool]]:
    """The rows of these ids, and of renditions of them, that are in a feed: each with the id it is of, and whether it is a rendition."""
    whole = f"select object, ident from feed indexed by feed_ident where recipient=? and live=1 and ident in {_THESE}"
    part = (
        "select f.object, o.ident from object o cross join rendition m on m.original=o.n cross join object r on r.n=m.row "
        "cross join feed f indexed by feed_ident on f.ident=r.ident and f.object=m.row "
        f"where f.recipient=? and f.live=1 and o.ident in {_THESE}"
    )
    values = (recipient, json.dumps(list(idents)))
    found = {n: (ident, False) for n, ident in connection.execute(whole, values)}
    return found | {n: (ident, True) for n, ident in connection.execute(part, values)}
