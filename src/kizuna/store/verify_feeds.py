"""Whether every feed holds what its partner may have, and nothing else: the greatest fixpoint worked out afresh."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.store.act import NEVER
from kizuna.store.database import Connection
from kizuna.store.feeds import COUNTS
from kizuna.store.gate import Gate
from kizuna.store.outgoing import Outgoing
from kizuna.store.plan import Plan
from kizuna.store.recipients import Masks, Recipient
from kizuna.store.rows import get_meta
from kizuna.store.standing import read_rules

if TYPE_CHECKING:
    from kizuna.store.store import Store

Key = tuple[int, int | bytes]
"""What a feed holds once: an id and its version, or its content where it has none."""


class _Row(NamedTuple):
    n: int
    ident: int
    version: int | None
    digest: bytes
    whole: int
    area: int | None
    source: int
    unstated: int | None

    @property
    def key(self) -> Key:
        return self.ident, self.digest if self.version is None else self.version


def feed_faults(store: Store, connection: Connection) -> Iterator[tuple[str, str]]:
    """(partner, what is wrong) for every feed."""
    # Between two settlements nothing changes by date alone: any moment before the next one will do.
    at = min(store.clock(), int(get_meta(connection, "due") or NEVER) - 1)
    columns = "n, ident, version, digest, whole, area, source, unstated"
    rows = [_Row._make(row) for row in connection.execute(f"select {columns} from object where hidden=0")]
    references: dict[int, list[int]] = defaultdict(list)
    for n, target in connection.execute(f"select distinct e.object, e.target from edge e where {COUNTS}"):
        references[n].append(target)
    rules = read_rules(connection)
    for recipient in store.recipients(connection):
        masks = Masks(connection, store.interned, store.holder(), recipient, at)
        name = recipient.partner.name
        of = connection.execute("select n from source where name=?", (f"partner:{name}",)).fetchone()
        source = of[0] if of else None
        parts = _parts(connection, recipient)
        may = [r for r in rows if r.source != source and masks(r.whole, r.area, r.ident, r.n, r.unstated)] + list(parts)
        may = _let_out(connection, Gate(store, connection, recipient, rules, at), recipient, may)
        sent = {i for (i,) in connection.execute("select ident from object where source=?", (source,))}
        entered = _fixpoint(may, references, sent)
        yield from ((name, message) for message in _feed(connection, recipient, entered))
        held_back = [row for row in may if row.n not in entered]
        yield from ((name, message) for message in _renditions(store, connection, recipient, at))
        yield from ((name, message) for message in _waiting(connection, recipient, held_back, entered, sent))


def _parts(connection: Connection, recipient: Recipient) -> list[_Row]:
    """The renditions that a recipient may have now."""
    columns = "o.n, o.ident, o.version, o.digest, o.whole, o.area, o.source, 0"
    sql = f"select {columns} from part p join object o on o.n=p.row where p.recipient=? order by o.n"
    return [_Row._make(row) for row in connection.execute(sql, (recipient.n,))]


def _renditions(store: Store, connection: Connection, recipient: Recipient, at: int) -> Iterator[str]:
    """Whether what leaves in part is what would be made of it now."""
    sql = (
        "select p.ident, o.id, b.raw, p.entire from part p join object o on o.n=p.row join body b on b.n=p.row "
        "where p.recipient=? and p.ident<>0"
    )
    kept = {
        ident: (id, raw, bool(entire)) for ident, id, raw, entire in connection.execute(sql, (recipient.n,)).fetchall()
    }
    if not kept:
        return
    outgoing = Outgoing(store, connection, recipient.partner.name, at=at)
    made = store.maker.make(Plan(outgoing, kept), kept)
    for ident, (id, raw, entire) in kept.items():
        one = made.get(ident)
        if one is None or one.entire is not entire or _without_moment(one.raw) != _without_moment(raw):
            yield f"{id} is not what may leave in part of {_id(connection, ident)}"


def _without_moment(raw: bytes) -> dict[str, Any]:
    return {key: value for key, value in msgspec.json.decode(raw).items() if key != "modified"}


def _let_out(connection: Connection, gate: Gate, recipient: Recipient, may: list[_Row]) -> list[_Row]:
    """What rules and people let out, now or when it entered: what entered by a rule stays when that ends."""
    live = connection.execute("select object from feed where recipient=? and live=1", (recipient.n,)).fetchall()
    held = gate.held([row.ident for row in may])
    # What only comes along with something is asked about when that enters.
    along = {n for (n,) in connection.execute("select row from part where recipient=? and ident=0", (recipient.n,))}
    let_out = (gate.certain([row.n for row in may]) - along) | {n for (n,) in live}
    return [row for row in may if row.n in let_out and row.ident not in held]


def _fixpoint(may: list[_Row], references: dict[int, list[int]], sent: set[int]) -> dict[int, _Row]:
    """The greatest set of rows whose every reference points into the set or at what the partner itself sent."""
    kept = {row.n: row for row in may}
    standing: dict[int, int] = defaultdict(int)
    referrers: dict[int, list[int]] = defaultdict(list)
    for row in may:
        standing[row.ident] += 1
        for target in references.get(row.n, ()):
            referrers[target].append(row.n)
    lost = [target for target in referrers if not standing[target] and target not in sent]
    while lost:
        for n in referrers[lost.pop()]:
            if n not in kept:
                continue
            row = kept.pop(n)
            standing[row.ident] -= 1
            if not standing[row.ident] and row.ident not in sent:
                lost.append(row.ident)
    return kept


def _feed(connection: Connection, recipient: Recipient, entered: dict[int, _Row]) -> Iterator[str]:
    live: dict[Key, int] = {}
    newest: dict[int, tuple[int, int]] = {}
    marked: dict[int, list[int]] = defaultdict(list)
    sql = (
        "select f.added, f.object, f.last, f.ident, o.ident, o.version, o.digest, o.id from feed f join object o on o.n=f.object "
        "where f.recipient=? and f.live=1 order by f.added"
    )
    for added, n, last, ident, of, version, digest, id in connection.execute(sql, (recipient.n,)):
        key = (of, digest if version is None else version)
        if ident != of:
            yield f"{id} stands under another id"
        if key in live:
            yield f"{id} stands in it twice"
        if n not in entered:
            yield f"{id} stands in it and may not"
        live[key] = n
        newest[of] = max(newest.get(of, (-(2**63), 0)), (version if version is not None else -(2**62), added))
        if last:
            marked[of].append(added)
    for ident, (_, added) in newest.items():
        if marked[ident] != [added]:
            yield f"the newest version of {_id(connection, ident)} is not marked so"
    for ident, _ in {row.key for row in entered.values()} - live.keys():
        yield f"{_id(connection, ident)} may stand in it and does not"


def _waiting(
    connection: Connection,
    recipient: Recipient,
    held_back: list[_Row],
    entered: dict[int, _Row],
    sent: set[int],
) -> Iterator[str]:
    """A row that is held back waits on something the partner does not have: else it would never be looked at again."""
    visible = sent | {row.ident for row in entered.values()}
    waits: dict[int, list[int]] = defaultdict(list)
    for target, n in connection.execute("select target, object from waiting where recipient=?", (recipient.n,)):
        waits[n].append(target)
    for row in held_back:
        if not any(target not in visible for target in waits.get(row.n, ())):
            yield f"{_id(connection, row.ident)} is held back and waits on nothing"
    for n in waits.keys() & entered.keys():
        yield f"{_id(connection, entered[n].ident)} stands in it and waits still"


def _id(connection: Connection, ident: int) -> str:
    found = connection.execute("select id from ident where n=?", (ident,)).fetchone()
    return str(found[0]) if found else f"ident {ident}"
