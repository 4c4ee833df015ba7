"""Epochs: the lives of a store. One ends when an older state of it is brought back, and then nothing goes on by itself.

What was revoked since is not known to the store any more, nor what was relabelled, withdrawn or given. So a new epoch knows no token,
session or link of the one before, takes no position that it gave out, and exchanges with no partner before somebody says so.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from kizuna.errors import Conflict, Stopped
from kizuna.store.database import Connection
from kizuna.store.rows import get_meta, set_meta
from kizuna.store.standing import MAKER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kizuna.store.store import Store

NUMBER = "epoch"
TAG = "epoch_tag"
FIRST = 1


class Epoch(msgspec.Struct, frozen=True):
    """Which life of the store it is. `tag` is random: the same backup restored twice begins two epochs of one number."""

    number: int
    tag: str


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A new epoch: how many tokens, sessions and links it ended, and which partners it stopped."""

    epoch: int
    revoked: int
    stopped: tuple[str, ...]


def read_epoch(connection: Connection) -> Epoch:
    """The epoch of a store; every store begins in the first."""
    return Epoch(int(get_meta(connection, NUMBER) or FIRST), get_meta(connection, TAG) or "")


def begin_epoch(connection: Connection, now: int) -> Opened:
    """Begin a new epoch inside a transaction, at the moment `now` in microseconds."""
    number = read_epoch(connection).number + 1
    set_meta(connection, NUMBER, str(number))
    set_meta(connection, TAG, secrets.token_hex(16))
    revoked = connection.execute("update credential set ended=? where ended is null", (now,)).rowcount
    connection.execute("update partner set stopped=? where stopped is null", (now,))
    # What people approved since may have been withdrawn since: their word is for the life it was given in. What needed it waits anew.
    connection.execute("update approval set voided=?, reason='restored' where voided is null", (now,))
    connection.execute("update rule set granted=null where ended is null and made_by<>?", (MAKER,))
    # So is a consent to all of a label: what came under it since may have been taken out again.
    connection.execute("update consent_given set ended=? where ended is null", (now,))
    stopped = connection.execute("select name from partner order by n").fetchall()
    return Opened(epoch=number, revoked=revoked, stopped=tuple(name for (name,) in stopped))


def open_epoch(store: Store, *, by: str) -> Opened:
    """Begin a new epoch of a store whose database went back in time by its own means."""
    with store.database.write() as connection:
        opened = begin_epoch(connection, store.clock())
        store.record(connection, by, "epoch.open", str(opened.epoch), told(opened))
    return opened


def told(opened: Opened) -> Mapping[str, object]:
    """What the audit trail says of it."""
    return {"epoch": opened.epoch, "revoked": opened.revoked, "stopped": len(opened.stopped)}


def stopped_partners(connection: Connection) -> dict[str, int]:
    """Partners that wait for `resume`, by name, with the moment they were stopped in microseconds."""
    return dict(connection.execute("select name, stopped from partner where stopped is not null order by n").fetchall())


def must_go_on(store: Store, name: str) -> None:
    """Raise Stopped where the exchange with a partner waits to be confirmed, in words for one's own people."""
    partner = store.partner(name).name
    if partner in stopped_partners(store.database.read()):
        raise Stopped(f"the exchange with {partner} is stopped; confirm it: kizuna partner resume {partner}")


def resume(store: Store, name: str, *, by: str, again: bool = True) -> int:
    """Confirm the exchange with a partner; gives how many rows of its feed are offered again.

    By default that is all of them, in their order under new dates: what a partner read of before is not known any more, and
    of what was relabelled or deleted here since, and is back now, a position behind it would never tell. Raises NotFound, Conflict.
    """
    partner = store.partner(name).name
    with store.act() as act:
        sql = "select n, stopped from partner where name=?"
        n, stopped = act.connection.execute(sql, (partner,)).fetchone()
        if stopped is None:
            raise Conflict(f"the exchange with {partner} is not stopped")
        rows = _offer_again(act.connection, n, act.now) if again else 0
        act.connection.execute("update partner set stopped=null where n=?", (n,))
        store.record(act.connection, by, "partner.resume", partner, {"again": again})
    return rows


def _offer_again(connection: Connection, recipient: int, now: int) -> int:
    """Give every live row of a feed a new date behind all there were, a microsecond apart."""
    (last,) = connection.execute("select max(added) from feed where recipient=?", (recipient,)).fetchone()
    ordered = "select added as old, row_number() over (order by added) as k from feed where recipient=:n and live=1"
    sql = f"update feed set added=:base+r.k from ({ordered}) r where feed.recipient=:n and feed.added=r.old"
    return connection.execute(sql, {"n": recipient, "base": max(now, last or 0)}).rowcount
