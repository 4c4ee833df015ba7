"""Another label for many objects in one act, and what that changes for partners: done, or only tried before it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from kizuna.labels import Label
from kizuna.store.moves import Moved, Moves
from kizuna.store.outbox import Outbox

if TYPE_CHECKING:
    from kizuna.store.store import Store

_AT_ONCE = 1_000


class Relabelled(msgspec.Struct, frozen=True, kw_only=True):
    """What another label of some objects did: whose it is now, which only their owner may loosen, how many rows it is on.

    By partner, how much of its feed began and ended, what it may have fetched and may have no more, and each object of which it has
    another form than before.
    """

    done: tuple[str, ...]
    refused: tuple[str, ...]
    touched: int
    opened: dict[str, int]
    ended: dict[str, int]
    given: dict[str, tuple[str, ...]]
    changes: dict[str, tuple[Moved, ...]]


def relabel(store: Store, ids: Sequence[str], label: Label, *, by: str, dry: bool = False) -> Relabelled:
    """Set the label of all versions of many objects, for the folder's keeper; what moves because of them is told, too.

    In a dry run all of it is taken back again.
    """
    moves = Moves()
    with store.trial() if dry else store.act() as act:
        change, done, refused = store.relabel_many(ids, label, by=by, moves=moves)
        recipients = store.recipients(act.connection)
        changes = {one.partner.name: moves.of(act.connection, one) for one in recipients}
        given = {}
        for one in recipients:
            if change.ended.get(one.partner.name):
                outbox = Outbox(store, act.connection, one)
                some = (done[first : first + _AT_ONCE] for first in range(0, len(done), _AT_ONCE))
                items = [item for ids in some for item in outbox.items(ids)]
                given[one.partner.name] = tuple(item.id for item in items if item.state == "ended")
    return Relabelled(
        done=tuple(done), refused=tuple(refused), touched=change.touched, opened=change.opened, ended=change.ended, given=given,
        changes={name: moved for name, moved in changes.items() if moved},
    )  # fmt: skip
