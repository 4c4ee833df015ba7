"""The outbox as one of one's own people sees it: what they do not see changes nothing in it, and counts as absent.

It says of each object what it would be if all there is were what the asker sees; an asker who sees everything is told what the keeper
is (`outbox`), but for what an hourly number holds back, and when something left. What of it leaves in truth may be more, or less: never
by the word of somebody who does not see all of what leaves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from kizuna.labels import Label, Principal, Reason
from kizuna.store.act import Act
from kizuna.store.database import Connection
from kizuna.store.outbox import Item, OutRow, State
from kizuna.store.outgoing import Held
from kizuna.store.parting import Parting
from kizuna.store.reach import Leaving, Reach
from kizuna.store.recipients import Masks, Recipient
from kizuna.store.renditions import Made
from kizuna.store.sight import Sight
from kizuna.store.standing import Rule, asked_by, classifications, read_rules

if TYPE_CHECKING:
    from kizuna.store.store import Store

PASSED = 5_000
"""Objects that are left out by their labels while one page is made."""
_BY_LABEL: frozenset[State] = frozenset({"proposed", "unproposed", "waiting", "offered"})
_BY_HOLD: frozenset[State] = frozenset({"stopped", "withdrawn"})


class SeenOutbox:
    """One moment of a store, for one partner, as somebody sees it. Raises NodeBusy where too much is rested on."""

    def __init__(
        self,
        store: Store,
        connection: Connection,
        recipient: Recipient,
        principal: Principal,
        *,
        at: int | None = None,
    ) -> None:
        self.recipient = recipient
        self._at = store.clock() if at is None else at
        self._store = store
        self._connection = connection
        self._principal = principal
        self._sight = Sight(store, connection, recipient.partner.name, principal)
        self._reach: Reach | None = None
        self._leaving: dict[int, Leaving | None] = {}  # by ident

    def seen(self, ids: Sequence[str]) -> dict[str, int]:
        """Those of these ids of which the asker sees something, with their integers."""
        idents = self._sight.idents(ids)
        held = {row.ident for row in self._sight.rows(idents.values())}
        return {id: ident for id, ident in idents.items() if ident in held}

    def held(self, ids: Sequence[str]) -> dict[str, list[Held]]:
        """By id, the rows of which the asker sees something, the partner's own among them; others are left out."""
        found: dict[str, list[Held]] = {}
        for row in self._sight.rows(self._sight.idents(ids).values()):
            found.setdefault(row.id, []).append(row)
        return found

    def is_cut(self, row: Held) -> bool:
        """Whether the asker is told that they do not see all of a row."""
        return bool(self._sight.cut(row))

    def rows(self, ids: Sequence[str]) -> dict[str, set[int]]:
        """By id, the rows of which the asker sees something; others are left out."""
        return {id: {row.n for row in rows} for id, rows in self.held(ids).items()}

    def items(self, ids: Sequence[str]) -> list[Item]:
        """In the order of the ids."""
        return [item for _, item in self.rows_and_items(ids)]

    def rows_and_items(self, ids: Sequence[str]) -> list[tuple[OutRow, Item]]:
        """The newest row of each id that the asker sees and the partner did not bring, and where it stands."""
        idents = self._sight.idents(ids)
        self._reach = reach = Reach(
            self._store, self._connection, self.recipient, self._sight, idents.values(), self._at
        )
        newest = {
            id: max(rows, key=_age)
            for id, ident in idents.items()
            if (rows := [row for row in reach.rows[ident] if not row.theirs])
        }
        by_hand = self._proposals([row.n for row in newest.values()])
        whole = self._sight.digests([row for row in newest.values() if row.ident not in reach.parts])
        found = []
        for id in ids:
            if (row := newest.get(id)) is None:
                continue
            one = self._leaving[row.ident] = reach.parts.get(row.ident) or reach.whole.get(row.n)
            bound = row.whole_label if one is None else one.row.whole_label
            digest = whole[row.n] if one is None or one.digest is None else one.digest
            leaves = one.rows[0] if one is not None and one.rows else None
            out = OutRow(row.n, row.ident, id, row.version, row.whole_label, row.area, row.source, 0, leaves, bound)
            found.append((out, self._item(reach, row, one, by_hand, digest)))
        return found

    def fitting(self, rule: Rule, ids: Sequence[str]) -> dict[str, Literal["whole", "rendition"]]:
        """By id, in which form that may leave which a rule is about, whether or not it counts; whatever else there is is left out."""
        rows = {row.ident: item for row, item in self.rows_and_items(ids)}
        may = [one for ident in rows if (one := self._leaving[ident]) is not None and self._reached.may_leave(one)]
        return {rows[one.row.ident].id: rows[one.row.ident].form for one in self._reached.about(rule, may)}

    def rendition(self, row: OutRow) -> Made | None:
        """The rendition that would leave of a row, as the asker sees it; None where it leaves whole or not at all."""
        one = self._leaving.get(row.ident)
        return None if one is None else one.made

    def leaving(self, id: str, *, out: bool = False) -> dict[str, Any] | None:
        """What would leave of an id, or with `out` does, as the asker sees it, of those whose items were asked for; None for nothing."""
        one = self._leaving.get(self._sight.idents([id]).get(id, -1))
        if one is None or not (one.out if out else self._reached.may_leave(one)):
            return None
        return one.made.data if one.made is not None else self._sight.read(one.row)[0]

    def label_and_area(self, id: str) -> tuple[Label, str | None] | None:
        """Of what would leave of an id, of those whose items were asked for, as far as the asker sees it; None for nothing."""
        one = self._leaving.get(self._sight.idents([id]).get(id, -1))
        return None if one is None else self._under(one.row)

    def closed(self, id: str) -> list[tuple[dict[str, Any], tuple[Label, str | None]]]:
        """The versions of an id that the partner may not have whole by their label, with label and area.

        Those alone of which the asker sees everything.
        """
        rows = self._reached.rows.get(self._sight.idents([id]).get(id, -1), ())
        closed = (row for row in rows if not (row.theirs or row.whole or row.restated) and self._sight.entire(row))
        return [(self._sight.read(row)[0], self._under(row)) for row in closed]

    def is_live(self, ident: int) -> bool:
        """Whether the partner has something of it, as far as the asker sees."""
        return self._reached.is_out(ident)

    def ever_live(self, ident: int) -> bool:
        """Whether it may have had something of it: where the asker cannot tell, it may."""
        held = self._reached.held.get(ident)
        return (
            self.is_live(ident)
            or (held is not None and held[1] == "withdrawn")
            or ident in self._reached.unsettled
            or self._reached.was_out(ident)
        )

    def first_approval(self, row: OutRow, item: Item) -> int | None:
        """When what the asker is shown of a row was first approved, by approvals that are not void."""
        sql = "select min(at) from approval where recipient=? and object=? and digest=? and label=? and voided is null"
        values = (self.recipient.n, row.leaves, item.digest, row.bound)
        (at,) = self._connection.execute(sql, values).fetchone()
        return None if at is None else int(at)

    def not_approvable(self, row: OutRow) -> Reason | None:
        """Why the asker does not approve a row: they are told that they do not see all of it, or nothing of it leaves."""
        one = self._leaving.get(row.ident)
        if one is None:
            return Reason("object")
        return Reason("seen-in-part") if self._sight.cut(one.row) else None

    def leaves(self, act: Act, row: OutRow) -> int:
        """The row whose bytes somebody approves: of a rendition as they see it one that is stored now, whatever is sent in truth."""
        if row.leaves is not None:
            return row.leaves
        one = self._leaving[row.ident]
        made = None if one is None else one.made
        return row.n if made is None else Parting(self._store, act, self.recipient).row(made)

    def lets_go(self, row: OutRow, leaves: int) -> bool:
        """Whether what the asker sees of a row is what leaves of it: else their word lets go of nothing that people hold."""
        one = self._leaving[row.ident]
        if one is not None and one.made is None:
            return self._sight.entire(one.row)
        sql = "select 1 from part where recipient=? and row=? and whole=?"
        return self._connection.execute(sql, (self.recipient.n, leaves, row.bound)).fetchone() is not None

    def candidates(self, states: Sequence[State], before: int | None) -> Iterator[tuple[int, str | None]]:
        """Positions and ids of what may stand so, newest first, behind a position.

        Each is left out for what the asker sees of it alone: how many are looked at tells nothing else. After PASSED that are left out
        the last one's position comes without an id, and nothing more: whoever asks goes on behind it another time.
        """
        asked, reader, sees = set(states), self._connection, self._store.mask(self._principal)
        where = "1=1"
        if asked <= _BY_HOLD:
            where = f"o.ident in (select ident from hold where recipient={self.recipient.n:d})"
        elif asked <= {"proposed"} and not self._any_proposes():
            proposed = (
                f"select x.ident from proposal p join object x on x.n=p.object where p.recipient={self.recipient.n:d}"
            )
            where = f"o.ident in ({proposed} and {sees.sql(reader, 'x.least')})"
        sql = (
            "select o.n, o.ident, o.id, o.label, o.area from object o where o.space=0 and o.hidden=0 and o.n<? "
            f"and {sees.sql(reader, 'o.least')} and not exists (select 1 from object p where p.ident=o.ident and p.n>o.n "
            f"and p.hidden=0 and {sees.sql(reader, 'p.least')}) and {where} order by o.n desc"
        )
        masks = Masks(reader, self._store.interned, self._store.holder(), self.recipient, self._at)
        passed = 0
        for n, ident, id, label, area in reader.stream(sql, (2**62 if before is None else before,)):
            if asked <= _BY_LABEL and not masks(label, area, ident, n):
                passed += 1
                if passed == PASSED:
                    yield n, None
                    return
                continue
            yield n, id

    def _under(self, row: Held) -> tuple[Label, str | None]:
        return self._sight.label(row), self._sight.area(row)

    @property
    def _reached(self) -> Reach:
        if self._reach is None:
            raise AssertionError("ask for items first")
        return self._reach

    def _any_proposes(self) -> bool:
        name = self.recipient.partner.name
        rules = read_rules(self._connection)
        return any(rule.terms.act == "propose" and rule.counts(self._at) and rule.is_for(name) for rule in rules)

    def _proposals(self, rows: Sequence[int]) -> dict[int, tuple[str, int]]:
        """By row, who proposed it and when."""
        sql = "select object, person, at from proposal where recipient=? and object in (select value from json_each(?))"
        found = self._connection.execute(sql, (self.recipient.n, json.dumps(list(rows))))
        return {n: (person, at) for n, person, at in found}

    def _item(
        self, reach: Reach, row: Held, one: Leaving | None, by_hand: dict[int, tuple[str, int]], digest: bytes
    ) -> Item:
        made = None if one is None else one.made
        label = self._sight.label(row) if made is None else made.label
        asked = asked_by(self._store.settings, classifications(label)) if one is None else one.asked
        rule = None if one is None else reach.proposed_by(one)
        item = Item(
            id=row.id, version=row.version, label=label, digest=digest, state="withheld",
            approved=() if one is None else tuple(one.people), asked=asked if rule is None else max(asked, rule.terms.approvers),
            form="whole" if made is None else "rendition", redacted=() if made is None else made.cut,
        )  # fmt: skip
        state: State
        by = since = waits_for = None
        if row.ident in reach.held:
            by, act, since = reach.held[row.ident]
            state = "withdrawn" if act == "withdrawn" else "stopped"
        elif one is None:
            state = "ended" if reach.was_out(row.ident) else "withheld"
        elif one.out:
            state = "offered"
        elif one.now:
            state, waits_for = "waiting", reach.waits_for(one)
        elif row.n in by_hand:
            state, (by, since) = "proposed", by_hand[row.n]
        elif rule is not None:
            state, by = "proposed", rule.name
        else:
            state = "unproposed"
        return msgspec.structs.replace(item, state=state, by=by, since=since, waits_for=waits_for)


def _age(row: Held) -> tuple[bool, int, bool, int]:
    return row.version is not None, row.version or 0, row.whole, -row.n
