"""What was dated ahead comes in when its time has come."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kizuna.errors import NotFound
from kizuna.labels import parse_label
from kizuna.stix import Item
from kizuna.store.database import Connection

if TYPE_CHECKING:
    from kizuna.store.act import Act
    from kizuna.store.store import Store

AT_ONCE = 1_000


class _Ripe(NamedTuple):
    n: int
    raw: bytes
    source: str
    space: str
    area: str | None
    label: str | None


def settle(store: Store, act: Act) -> None:
    """Take in what fell due, as many rows as one transaction should have, and note when the next does."""
    ripe = act.connection.execute(
        "select q.n, q.raw, s.name, p.name, q.area, q.default_label from quarantine q join source s on s.n=q.source "
        "join space p on p.n=q.space where q.due<=? order by s.name, p.name, q.area, q.default_label, q.n limit ?",
        (act.now, AT_ONCE),
    ).fetchall()
    for _, rows in groupby(map(_Ripe._make, ripe), key=lambda row: row[2:]):
        _ripen(store, act.connection, list(rows))
    act.note_due()


def _ripen(store: Store, connection: Connection, rows: list[_Ripe]) -> None:
    """Take in rows of one source; what a partner sent that is gone by now stays where it is."""
    first = rows[0]
    numbers = [(row.n,) for row in rows]
    try:
        source = store.source_named(first.source)
    except NotFound:
        connection.executemany("update quarantine set due=null where n=?", numbers)
        return
    connection.executemany("delete from quarantine where n=?", numbers)
    joined = parse_label(first.label, originator=source.organisation) if first.label else None
    items = [Item(index=None, raw=row.raw, data=msgspec.json.decode(row.raw), problems=()) for row in rows]
    # Who brought it is not known any more, so for one's own it is as if by somebody who may not release. It is here already, and
    # takes no more room than it did.
    released = source.kind == "partner"
    list(
        store.writer(source, space=first.space, area=first.area, label=joined, may_release=released, always=True).add(
            items
        )
    )
