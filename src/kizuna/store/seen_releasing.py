"""What one of one's own people asks of the outbox, and does about many labels, as far as they see (`releasing` for the rest)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from kizuna.labels import Label, Principal
from kizuna.stix.ids import type_of
from kizuna.store.database import Connection
from kizuna.store.moves import Had, Moved
from kizuna.store.outbox import Item, State, recipient_of
from kizuna.store.relabelling_many import Relabelled
from kizuna.store.seen_outbox import SeenOutbox

if TYPE_CHECKING:
    from kizuna.store.store import Store

AT_A_TIME = 200
LOOKED_AT = 2_000
"""Objects that are looked at for one page."""


def outbox_page(
    store: Store,
    partner: str,
    states: Sequence[State],
    limit: int,
    principal: Principal,
    before: int | None = None,
    *,
    most: int = LOOKED_AT,
) -> tuple[list[Item], int | None]:
    """What stands so for a partner behind a position, newest first, and where it goes on, None at the end.

    Among so many as are looked at at once, `most`, there may be none, and more behind them. Raises NotFound, NodeBusy.
    """
    store.settle()
    found: list[Item] = []
    looked = 0
    with store.database.snapshot() as reader:
        recipient = recipient_of(store, reader, partner)
        candidates = SeenOutbox(store, reader, recipient, principal).candidates(states, before)
        while looked < most:
            rows = list(islice(candidates, min(max(limit, looked), AT_A_TIME)))
            some = {id: n for n, id in rows if id is not None}
            if not rows:
                return found, None
            looked += len(some)
            for item in SeenOutbox(store, reader, recipient, principal).items(list(some)):
                if item.state in states and len(found) == limit:
                    return found, before
                before = some[item.id]
                if item.state in states:
                    found.append(item)
            before = rows[-1][0]
            if rows[-1][1] is None:  # enough was passed over for one page
                break
    return found, before


def relabel(
    store: Store, ids: Sequence[str], label: Label, *, by: str, principal: Principal, dry: bool = False
) -> Relabelled:
    """Set the label of all versions that somebody sees of many objects, in one act; told is what their outbox tells of these alone.

    In a dry run all of it is taken back again.
    """
    ids = [id for id in dict.fromkeys(ids) if type_of(id) is not None]
    with store.trial() if dry else store.act() as act:
        before = offered_forms(store, act.connection, ids, principal)
        change, done, refused = store.relabel_many(ids, label, by=by, principal=principal)
        after = offered_forms(store, act.connection, ids, principal)
    changes = {
        name: tuple(
            Moved(id, was.get(id), after[name].get(id)) for id in ids if was.get(id) != after[name].get(id)
        )
        for name, was in before.items()
    }  # fmt: skip
    opened = {name: sum(one.was is None for one in moved) for name, moved in changes.items()}
    given = {name: tuple(one.id for one in moved if one.now is None) for name, moved in changes.items()}
    return Relabelled(
        done=tuple(done),
        refused=tuple(refused),
        touched=change.touched,
        opened={name: count for name, count in opened.items() if count},
        ended={name: len(gone) for name, gone in given.items() if gone},
        given={name: gone for name, gone in given.items() if gone},
        changes={name: moved for name, moved in changes.items() if moved},
    )


def offered_forms(
    store: Store, connection: Connection, ids: Sequence[str], principal: Principal
) -> dict[str, dict[str, Had]]:
    """By partner, which of these are offered to it, and in which form."""
    found: dict[str, dict[str, Had]] = {}
    for recipient in store.recipients(connection):
        items = SeenOutbox(store, connection, recipient, principal).items(ids)
        found[recipient.partner.name] = {item.id: item.form for item in items if item.state == "offered"}
    return found
