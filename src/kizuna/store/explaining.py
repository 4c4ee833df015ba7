"""Who gets objects, and why or why not: of many objects and partners at once, what the release plan says and what is in the feed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from kizuna.labels import Form, Principal, Reason
from kizuna.store.database import Connection
from kizuna.store.outbox import Item, Outbox, State, recipient_of
from kizuna.store.outgoing import Held, Known, Outgoing, SeenOutgoing
from kizuna.store.plan import Plan, Verdict
from kizuna.store.renditions import Made
from kizuna.store.seen_outbox import SeenOutbox

if TYPE_CHECKING:
    from kizuna.store.store import Store

_AT_ONCE = 1_000
_WHY: dict[State, str] = {
    "waiting": "waits", "proposed": "not-let-out", "unproposed": "not-let-out", "found": "withheld-text",
    "stopped": "stopped", "withdrawn": "withdrawn",
}  # fmt: skip
"""Why what may leave whole is not in the feed, by where it stands."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """How an object may leave for one partner, whether it is in its feed, and why not whole, or not there.

    `allowed` is whether the label of all of it allows it, whatever it refers to and whoever is addressed.
    """

    id: str
    partner: str
    form: Form
    allowed: bool
    in_feed: bool
    reasons: tuple[Reason, ...]


class Looked(msgspec.Struct, frozen=True):
    """What is said of an object for one partner; where it stands, its row, and the rendition where not all of it leaves.

    Of what the partner brought there is only what is said.
    """

    said: Explained
    item: Item | None = None
    row: int | None = None
    made: Made | None = None


def explained(
    store: Store,
    connection: Connection,
    partners: Sequence[str],
    ids: Sequence[str],
    principal: Principal | None = None,
) -> list[Explained]:
    """What is said of each of these ids that is held here, for each partner, in the order of the ids and then of the partners.

    Of somebody's view alone when there is a principal: in the feed is then what their outbox tells as offered. Without one it is what
    the keeper is told, of every version. Raises NotFound, NodeBusy.
    """
    ids, known = list(dict.fromkeys(ids)), Known()
    by_partner = [
        _as_kept(store, connection, name, ids, known)
        if principal is None
        else _as_seen(store, connection, name, ids, principal)
        for name in partners
    ]
    return [told[id] for id in ids for told in by_partner if id in told]


def held(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Those of these ids that are held here, whoever is told."""
    sql = (
        "select id from ident i where space=0 and id in (select atom from json_each(?)) "
        "and exists (select 1 from object o where o.ident=i.n and o.hidden=0)"
    )
    return {id for (id,) in connection.execute(sql, (json.dumps(list(ids)),))}


def _as_kept(
    store: Store, connection: Connection, partner: str, ids: Sequence[str], known: Known
) -> dict[str, Explained]:
    outgoing = Outgoing(store, connection, partner, known=known)
    outbox = Outbox(store, connection, recipient_of(store, connection, partner))
    idents = outgoing.idents(ids)
    live = outbox.live(idents.values())
    there = {id for id, ident in idents.items() if ident in live}
    planned = _planned(outgoing, ids, idents)
    asked = [id for id, (verdict, _) in planned.items() if verdict.form is Form.WHOLE and id not in there]
    states = {item.id: item.state for some in _some(asked) for item in outbox.items(some)}
    return _told(outgoing, planned, there, states)


def looked_at(
    store: Store, connection: Connection, partner: str, ids: Sequence[str], principal: Principal
) -> dict[str, Looked]:
    """By id, what is said of each object for a partner as far as somebody sees, and what would leave of it. Raises NotFound, NodeBusy."""
    outgoing = SeenOutgoing(store, connection, partner, principal)
    outbox = SeenOutbox(store, connection, recipient_of(store, connection, partner), principal)
    rows = {item.id: (row, item) for row, item in outbox.rows_and_items(ids)}
    states = {id: item.state for id, (_, item) in rows.items()}
    there = {id for id, state in states.items() if state == "offered"}
    told = _told(outgoing, _planned(outgoing, ids, outgoing.idents(ids)), there, states)
    return {
        id: Looked(said) if id not in rows else Looked(said, rows[id][1], rows[id][0].n, outbox.rendition(rows[id][0]))
        for id, said in told.items()
    }


def _as_seen(
    store: Store, connection: Connection, partner: str, ids: Sequence[str], principal: Principal
) -> dict[str, Explained]:
    return {id: one.said for id, one in looked_at(store, connection, partner, ids, principal).items()}


def _planned(outgoing: Outgoing, ids: Sequence[str], idents: dict[str, int]) -> dict[str, tuple[Verdict, Held]]:
    """By id, the plan's verdict and the newest row of it."""
    plan = Plan(outgoing, idents.values())
    newest: dict[int, Held] = {}
    for row in outgoing.rows(idents.values()):
        if not row.hidden and (row.ident not in newest or _age(row) > _age(newest[row.ident])):
            newest[row.ident] = row
    return {
        id: (verdict, newest[ident])
        for id in ids
        if (ident := idents.get(id, -1)) in newest and (verdict := plan.verdict(id, ident)) is not None
    }


def _told(
    outgoing: Outgoing, planned: dict[str, tuple[Verdict, Held]], there: set[str], states: dict[str, State]
) -> dict[str, Explained]:
    found = {}
    for id, (verdict, row) in planned.items():
        reasons, in_feed = verdict.reasons, id in there
        # Of what the partner brought there is no state.
        if verdict.form is Form.WHOLE and not in_feed and (why := _WHY.get(states.get(id, "withheld"))) is not None:
            reasons = (Reason(why),)
        found[id] = Explained(
            id=id, partner=outgoing.partner, form=verdict.form, allowed=row.whole or outgoing.decided(row).allowed,
            in_feed=in_feed, reasons=reasons,
        )  # fmt: skip
    return found


def _age(row: Held) -> tuple[bool, int, bool, int]:
    return row.version is not None, row.version or 0, row.whole, -row.n


def _some(ids: Sequence[str]) -> Iterator[list[str]]:
    left = iter(ids)
    while some := list(islice(left, _AT_ONCE)):
        yield some
