"""The outbox as it stands at one moment: each object for one partner, as the keeper of the folder sees it (others: `seen_outbox`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import msgspec

from kizuna.labels import Label, Reason
from kizuna.store.database import Connection
from kizuna.store.gate import Gate
from kizuna.store.outgoing import Outgoing
from kizuna.store.plan import Plan
from kizuna.store.recipients import Masks, Recipient
from kizuna.store.renditions import Made
from kizuna.store.standing import Rule, asked_by, classifications, read_rules

if TYPE_CHECKING:
    from kizuna.store.act import Act
    from kizuna.store.store import Store

State = Literal["withheld", "unproposed", "proposed", "waiting", "offered", "found", "stopped", "withdrawn", "ended"]
"""Where an object stands: its label withholds it; nobody proposed it; people are asked; it waits for what it refers to, or for the next
hour; it is in the feed; a withheld text was found in it; people stopped it before it left, or withdrew it after; or it was in the feed
and its label withholds it now."""

STATES: tuple[State, ...] = get_args(State)
_THESE = "(select value from json_each(?))"
_ROWS = (
    "select o.n, o.ident, o.id, o.version, o.whole, o.area, o.source, o.unstated from object o "
    f"where o.space=0 and o.hidden=0 and o.ident in {_THESE} order by o.n"
)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """The newest version of an object, for one partner.

    In the form `rendition` not all of it leaves, and something of the properties `redacted` is cut. `digest` is the SHA-256 of the bytes
    that would leave, `label` theirs; `approved` are who approved these under this label, of the `asked` people;
    `by` is the rule that proposes it, or the person who proposed or held it. Times are microseconds.
    """

    id: str
    version: int | None
    label: Label
    digest: bytes
    state: State
    form: Literal["whole", "rendition"] = "whole"
    redacted: tuple[str, ...] = ()
    approved: tuple[str, ...] = ()
    asked: int = 1
    by: str | None = None
    waits_for: str | None = None
    since: int | None = None


_BLANK = Item(id="", version=None, label=Label("", ()), digest=b"", state="withheld")


class _Moment(msgspec.Struct):
    """What people did, and what rules say, of some rows."""

    live: dict[int, list[tuple[int, int, int]]]
    held: dict[int, tuple[Any, ...]]
    by_hand: dict[int, tuple[Any, ...]]
    approvals: dict[int, tuple[list[str], int]] = {}
    proposing: dict[int, Rule] = {}
    passing: set[int] = set()
    found: set[int] = set()
    waits: dict[int, str] = {}


class OutRow(NamedTuple):
    """A stored row that somebody may act upon; `leaves` is the row that leaves of it, if any is stored, `bound` the label of all of it."""

    n: int
    ident: int
    id: str
    version: int | None
    whole: int
    area: int | None
    source: int
    unstated: int | None = 0
    leaves: int | None = None
    bound: int = 0

    @property
    def fact(self) -> tuple[int, int | None, int, int, int | None]:
        """What decides whether it may leave in its own bytes."""
        return self.whole, self.area, self.ident, self.n, self.unstated


def recipient_of(store: Store, connection: Connection, partner: str) -> Recipient:
    """A partner as its feed sees it. Raises NotFound."""
    name = store.partner(partner).name
    return next(recipient for recipient in store.recipients(connection) if recipient.partner.name == name)


class Outbox:
    """One moment of a store, for one partner."""

    def __init__(
        self,
        store: Store,
        connection: Connection,
        recipient: Recipient,
        *,
        at: int | None = None,
        rules: Sequence[Rule] | None = None,
    ) -> None:
        self._at = now = store.clock() if at is None else at
        self.recipient = recipient
        self._store = store
        self._connection = connection
        self._masks = Masks(connection, store.interned, store.holder(), recipient, now)
        self._gate = Gate(store, connection, recipient, read_rules(connection) if rules is None else rules, now)
        name = f"partner:{recipient.partner.name}"
        found = connection.execute("select n from source where name=?", (name,)).fetchone()
        self._theirs = found[0] if found else None

    def seen(self, ids: Sequence[str]) -> dict[str, int]:
        """Those of these ids that anything here has or names, with their integers."""
        sql = "select id, n from ident where space=0 and id in (select atom from json_each(?))"
        return dict(self._connection.execute(sql, (json.dumps(list(ids)),)).fetchall())

    def items(self, ids: Sequence[str]) -> list[Item]:
        """In the order of the ids."""
        return [item for _, item in self.rows_and_items(ids)]

    def rows_and_items(self, ids: Sequence[str]) -> list[tuple[OutRow, Item]]:
        """The newest row of each id that is held here and the partner did not bring, and where it stands."""
        newest = self._newest(ids)
        rows = list(newest.values())
        made = self._made([row.ident for row in rows])
        parts = self._parts([row.ident for row in rows if row.ident in made], made)
        moment = _Moment(
            live=self._feed_of([row.ident for row in rows]),
            held=self._told(
                "select ident, person, act, at from hold where recipient=? and ident in {}", [r.ident for r in rows]
            ),
            by_hand=self._told(
                "select object, person, at from proposal where recipient=? and object in {}", [r.n for r in rows]
            ),
        )
        leaving = [n for row in rows if (n := self._leaving(row, made, parts)) is not None]
        moment.approvals = self._gate.approvals(leaving)
        moment.proposing = self._gate.proposed(leaving)
        moment.passing = self._gate.covered(leaving)
        moment.waits = self._waits(leaving)
        moment.found = self._gate.waiting(leaving)
        digests = self._digests([row.n for row in rows] + [n for n, _ in parts.values()])
        found = []
        for id in ids:
            if (row := newest.get(id)) is None:
                continue
            leaves = self._leaving(row, made, parts)
            part = made.get(row.ident)
            if part is not None:
                stored = parts.get(row.ident)
                item = self._item(row, leaves, part.label, moment, msgspec.structs.replace(
                    _BLANK, form="rendition", redacted=part.cut,
                    digest=hashlib.sha256(part.raw).digest() if stored is None else digests[stored[0]],
                ))  # fmt: skip
                bound = part.original.whole_label
            else:
                label = self._store.interned.label_of(self._connection, row.whole)
                blank = msgspec.structs.replace(_BLANK, digest=digests[row.n])
                item, bound = self._item(row, leaves, label, moment, blank), row.whole
            found.append((row._replace(leaves=leaves, bound=bound), item))
        return found

    def _item(self, row: OutRow, leaves: int | None, label: Label, moment: _Moment, blank: Item) -> Item:
        n = -1 if leaves is None else leaves
        people, asked = moment.approvals.get(n, ([], 1))
        rule = moment.proposing.get(n)
        needed = asked_by(self._store.settings, classifications(label))
        if rule is not None:
            needed = max(needed, rule.terms.approvers)
        state, by, since = self._state(row, leaves, rule, moment, in_part=blank.form == "rendition")
        return msgspec.structs.replace(
            blank, id=row.id, version=row.version, label=label, state=state, approved=tuple(people), asked=max(asked, needed),
            by=by, since=since, waits_for=moment.waits.get(n) if state in ("waiting", "proposed") else None,
        )  # fmt: skip

    def _state(
        self, row: OutRow, leaves: int | None, rule: Rule | None, moment: _Moment, *, in_part: bool
    ) -> tuple[State, str | None, int | None]:
        there = moment.live.get(row.ident, [])
        for n, added, is_live in there:
            if n == leaves and is_live:
                return "offered", None, added
        if row.ident in moment.held:
            person, act, at = moment.held[row.ident]
            return ("withdrawn" if act == "withdrawn" else "stopped"), person, at
        if leaves in moment.found:
            return "found", None, None
        if not in_part and not self._masks(*row.fact):
            given = [added for _, added, _ in there]
            return ("ended", None, max(given)) if given else ("withheld", None, None)
        if leaves in moment.passing:
            return "waiting", None, None
        if row.n in moment.by_hand:
            person, at = moment.by_hand[row.n]
            return "proposed", person, at
        return ("proposed", rule.name, None) if rule is not None else ("unproposed", None, None)

    def _made(self, idents: Sequence[int]) -> dict[int, Made]:
        """What leaves in part of these ids."""
        outgoing = Outgoing(self._store, self._connection, self.recipient.partner.name, at=self._at)
        plan = Plan(outgoing, idents)
        return self._store.maker.make(plan, [ident for ident in idents if plan.in_part_of(ident) is not None])

    def _parts(self, idents: Sequence[int], made: dict[int, Made]) -> dict[int, tuple[int, int]]:
        """By ident, the stored row of its rendition and the label it was bound to, where it is what would be made now."""
        sql = f"select p.ident, p.row, p.whole, b.raw from part p join body b on b.n=p.row where p.recipient=? and p.ident in {_THESE}"
        found = {}
        for ident, n, whole, raw in self._connection.execute(sql, (self.recipient.n, json.dumps(list(idents)))):
            if {**msgspec.json.decode(raw), "modified": 0} == {**made[ident].data, "modified": 0}:
                found[ident] = (n, whole)
        return found

    def _leaving(self, row: OutRow, made: dict[int, Made], parts: dict[int, tuple[int, int]]) -> int | None:
        """The row that leaves of an id: its rendition, itself, or none."""
        if row.ident in made:
            return parts[row.ident][0] if row.ident in parts else None
        return row.n if self._masks(*row.fact) else None

    def about(self, rule: Rule) -> int:
        """How many objects a rule is about, of those that labels let leave."""
        found: set[int] = set()
        pairs = self._connection.execute(
            "select distinct whole, area from object where hidden=0 and space=0"
        ).fetchall()
        sql = (
            "select n, ident from object where hidden=0 and space=0 and source is distinct from ? "
            "and whole=? and area is not distinct from ?"
        )
        for whole, area in pairs:
            if not self._masks(whole, area):
                continue
            rows = dict(self._connection.execute(sql, (self._theirs, whole, area)).fetchall())
            found |= {rows[n] for n in self._gate.about(rule, list(rows))}
        return len(found)

    def is_live(self, ident: int) -> bool:
        """Whether a version of it is in the feed."""
        return ident in self.live([ident])

    def live(self, idents: Iterable[int]) -> set[int]:
        """Those of these ids of which a version, or a rendition, is in the feed."""
        found = self._feed_of(list(idents))
        return {ident for ident, rows in found.items() if any(live for _, _, live in rows)}

    def ever_live(self, ident: int) -> bool:
        """Whether a version of it was ever in the feed."""
        return bool(self._feed_of([ident]))

    def first_approval(self, row: OutRow, _: Item) -> int | None:
        """When what leaves of a row was first approved, by approvals that are not void."""
        sql = "select min(at) from approval where recipient=? and object=? and voided is null"
        (at,) = self._connection.execute(sql, (self.recipient.n, row.leaves)).fetchone()
        return None if at is None else int(at)

    def not_approvable(self, row: OutRow) -> Reason | None:
        """Why nobody approves a row: nothing of it leaves."""
        return Reason("object") if row.leaves is None else None

    def leaves(self, _: Act, row: OutRow) -> int:
        """The row whose bytes somebody approves."""
        return row.n if row.leaves is None else row.leaves

    def lets_go(self, *_: object) -> bool:
        """Whether the last word that a row asks for lets go of what people hold."""
        return True

    def newest_first(self, states: Sequence[State]) -> Iterator[list[str]]:
        """Ids, a thousand at a time, that may stand so: what was in the feed for some states, what the label lets leave for others."""
        asked = set(states)
        live = f"select object from feed where recipient={self.recipient.n:d} and live=1"
        where = "1=1"
        if asked <= {"proposed", "unproposed", "waiting"}:
            where = f"o.n not in ({live})"
        elif asked <= {"offered"}:
            where = f"o.n in ({live})"
        elif asked <= {"found"}:
            where = f"o.ident in (select ident from find where recipient={self.recipient.n:d})"
        elif asked <= {"stopped", "withdrawn"}:
            where = f"o.ident in (select ident from hold where recipient={self.recipient.n:d})"
        elif asked <= {"ended", "withdrawn"}:
            where = f"o.ident in (select ident from feed where recipient={self.recipient.n:d})"
        sql = (
            "select o.n, o.ident, o.id, o.least, o.area from object o where o.space=0 and o.hidden=0 "
            f"and {where} order by o.n desc"
        )
        by_label = asked <= {"proposed", "unproposed", "waiting", "offered"}
        some: dict[str, None] = {}
        given: set[str] = set()
        for n, ident, id, least, area in self._connection.stream(sql, ()):
            if id in given or (by_label and not self._masks(least, area, ident, n)):
                continue
            given.add(id)
            some[id] = None
            if len(some) == 1_000:
                yield list(some)
                some = {}
        if some:
            yield list(some)

    def _newest(self, ids: Sequence[str]) -> dict[str, OutRow]:
        idents = list(self.seen(ids).values())
        newest: dict[str, OutRow] = {}
        for row in [OutRow(*found) for found in self._connection.execute(_ROWS, (json.dumps(idents),)).fetchall()]:
            if row.source == self._theirs:
                continue
            known = newest.get(row.id)
            if known is None or self._order(row) > self._order(known):
                newest[row.id] = row
        return newest

    def _order(self, row: OutRow) -> tuple[bool, int, bool, int]:
        return row.version is not None, row.version or 0, self._masks(*row.fact), -row.n

    def _feed_of(self, idents: Sequence[int]) -> dict[int, list[tuple[int, int, int]]]:
        """By ident, rows of the feed: (row, when it entered, whether it is there still); renditions under the id they were made of."""
        whole = (
            f"select ident, object, added, live from feed indexed by feed_ident where recipient=? and ident in {_THESE}"
        )
        part = (
            "select o.ident, f.object, f.added, f.live from object o cross join rendition m on m.original=o.n "
            "cross join object r on r.n=m.row cross join feed f indexed by feed_ident on f.ident=r.ident and f.object=m.row "
            f"where f.recipient=? and o.ident in {_THESE}"
        )
        found: dict[int, list[tuple[int, int, int]]] = {}
        for sql in (whole, part):
            for ident, n, added, live in self._connection.execute(sql, (self.recipient.n, json.dumps(list(idents)))):
                found.setdefault(ident, []).append((n, added, live))
        return found

    def _waits(self, numbers: Sequence[int]) -> dict[int, str]:
        """By row, what it waits for; a rendition under the id it was made of."""
        sql = (
            "select w.object, i.id, min(o.id) from waiting w indexed by waiting_object cross join ident i on i.n=w.target and i.space=0 "
            "left join object r on r.ident=w.target and r.hidden=2 left join rendition m on m.row=r.n "
            f"left join object o on o.n=m.original where w.recipient=? and w.object in {_THESE} group by w.object, i.id"
        )
        rows = self._connection.execute(sql, (self.recipient.n, json.dumps(list(numbers))))
        return {n: of or id for n, id, of in rows}

    def _told(self, sql: str, numbers: Sequence[int]) -> dict[int, tuple[Any, ...]]:
        rows = self._connection.execute(sql.format(_THESE), (self.recipient.n, json.dumps(list(numbers))))
        return {n: tuple(rest) for n, *rest in rows}

    def _digests(self, numbers: Sequence[int]) -> dict[int, bytes]:
        sql = f"select n, raw from body where n in {_THESE}"
        bodies = self._connection.stream(sql, (json.dumps(list(numbers)),), at_once=64)
        return {n: hashlib.sha256(raw).digest() for n, raw in bodies}
