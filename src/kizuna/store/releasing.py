"""The outbox: where each object stands for each partner, and what people do about it.

What rests on labels, references and rules is worked out whenever somebody looks. Rows are only what people did: they proposed,
approved, stopped or withdrew. An approval is for one row, one partner, these bytes and this label; when one of them is another, it is
no approval of that, and nobody needs to take it back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from kizuna.errors import Conflict, Refused
from kizuna.labels import Reason
from kizuna.store.act import Act
from kizuna.store.database import Connection
from kizuna.store.gate import hold
from kizuna.store.notices import Kind, had, send
from kizuna.store.outbox import Item, Outbox, OutRow, State
from kizuna.store.parting import Parting
from kizuna.store.recipients import Recipient
from kizuna.store.standing import Rule, asked_by, read_rule
from kizuna.store.two_people import is_releaser, let_in_since, reason_of, releaser

if TYPE_CHECKING:
    from kizuna.labels import Principal
    from kizuna.store.store import Store

AT_ONCE = 10_000
_THESE = "(select value from json_each(?))"


class Acted(msgspec.Struct, frozen=True, kw_only=True):
    """What an act did: each object as it stands now, what could not be done and why, and how many rows of the feed began or ended."""

    items: tuple[Item, ...]
    failed: tuple[tuple[str, Reason], ...] = ()
    opened: int = 0
    ended: int = 0


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people did about an object and a partner."""

    id: str
    partner: str
    at: int
    act: str
    person: str
    detail: dict[str, Any]


def set_digest(partner: str, items: Iterable[Item]) -> str:
    """What a person approves when they approve many: partner, ids, bytes and labels, in hexadecimal."""
    lines = sorted([item.id, item.digest.hex(), repr(item.label)] for item in items)
    return hashlib.sha256(msgspec.json.encode([partner, lines])).hexdigest()


class Releases:
    """What leaves to partners by people's word. `by` is who acts; `principal` as whom they see, None for the folder's keeper."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def items(self, partner: str, ids: Sequence[str], principal: Principal | None = None) -> list[Item]:
        """Where these objects stand, in their order; what is not held here, or hidden from the asker, is left out. Raises NotFound."""
        self._store.settle()
        with self._store.database.snapshot() as reader:
            outbox = Outbox(self._store, reader, self._recipient(reader, partner), principal=principal)
            return [item for some in _some(ids) for item in outbox.items(some)]

    def outbox(
        self,
        partner: str,
        states: Sequence[State] = ("proposed",),
        limit: int = 1_000,
        principal: Principal | None = None,
    ) -> tuple[list[Item], bool]:
        """What stands so for a partner, newest first, and whether there is more. Raises NotFound."""
        self._store.settle()
        found: list[Item] = []
        with self._store.database.snapshot() as reader:
            outbox = Outbox(self._store, reader, self._recipient(reader, partner), principal=principal)
            for some in outbox.newest_first(states):
                found += [item for item in outbox.items(some) if item.state in states]
                if len(found) > limit:
                    return found[:limit], True
        return found, False

    def propose(self, partner: str, ids: Sequence[str], *, by: str, principal: Principal | None = None) -> Acted:
        """Ask people to let objects leave that no rule proposes. Raises NotFound."""

        def one(act: Act, outbox: Outbox, row: OutRow, item: Item) -> Reason | None:
            if item.state in ("offered", "waiting"):
                return Reason("leaves-already")
            if item.state in ("withheld", "ended"):
                return Reason("object")
            values = (outbox.recipient.n, row.n, act.now, by)
            act.connection.execute("insert into proposal values (?,?,?,?) on conflict do nothing", values)
            return None

        return self._act("propose", partner, ids, by, principal, one)

    def approve(
        self, partner: str, ids: Sequence[str], *, by: str, shown: str | None = None, principal: Principal | None = None
    ) -> Acted:
        """Say that these objects may leave as they are. `by` is a person who has just shown who they are.

        With `shown`, the digest of the set they saw (`set_digest`), nothing is approved where it is another by now. What as many
        approved as it asks for enters the feed at once. Raises NotFound, Refused, Conflict.
        """
        by = releaser(self._store, by)
        returned: list[int] = []

        def check(items: list[Item], name: str) -> None:
            if shown is not None and set_digest(name, items) != shown:
                raise Conflict("what would leave is not what was shown any more; look again")

        def one(act: Act, outbox: Outbox, row: OutRow, item: Item) -> Reason | None:
            if item.state == "offered":
                return Reason("leaves-already")
            if item.state in ("withheld", "ended"):
                return Reason("object")
            if by in item.approved:
                return Reason("approved-already", (by,))
            if row.leaves is None:
                return Reason("object")
            first = outbox.first_approval(row.leaves)
            if first is not None and (let_in := let_in_since(act.connection, by, first)) is not None:
                return Reason("let-in", (by, let_in))
            act.connection.execute(
                "insert into approval(recipient,object,digest,label,asked,person,at) values (?,?,?,?,?,?,?)",
                (outbox.recipient.n, row.leaves, item.digest, row.bound, item.asked, by, act.now),
            )
            if len(item.approved) + 1 >= item.asked:
                held = "delete from hold where recipient=? and ident=? returning act"
                was = act.connection.execute(held, (outbox.recipient.n, row.ident)).fetchone()
                if was is not None and was[0] == "withdrawn":
                    returned.append(row.ident)
            return None

        def then(act: Act, recipient: Recipient, done: list[OutRow]) -> None:
            self._tell(act, recipient, "return", returned, by)

        return self._act("approve", partner, ids, by, principal, one, check=check, then=then)

    def stop(self, partner: str, ids: Sequence[str], *, by: str, principal: Principal | None = None) -> Acted:
        """Hold objects back that did not leave yet, whatever rules say, until people approve them anew. Raises NotFound."""

        def one(act: Act, outbox: Outbox, row: OutRow, item: Item) -> Reason | None:
            if item.state == "offered" or outbox.is_live(row.ident):
                return Reason("left-already")
            hold(act.connection, outbox.recipient.n, row.ident, act.now, by, "stopped")
            return None

        return self._act("stop", partner, ids, by, principal, one)

    def withdraw(
        self, partner: str, ids: Sequence[str], reason: str, *, by: str, principal: Principal | None = None
    ) -> Acted:
        """Take objects back that left, with what refers to them, until people approve them anew. Raises NotFound, UsageError."""
        reason = reason_of(reason)

        def one(act: Act, outbox: Outbox, row: OutRow, item: Item) -> Reason | None:
            if not outbox.ever_live(row.ident):
                return Reason("did-not-leave")
            hold(act.connection, outbox.recipient.n, row.ident, act.now, by, "withdrawn")
            return None

        def then(act: Act, recipient: Recipient, done: list[OutRow]) -> None:
            self._tell(act, recipient, "withdrawal", [row.ident for row in done], by, reason)

        return self._act("withdraw", partner, ids, by, principal, one, detail={"reason": reason}, then=then)

    def _tell(
        self, act: Act, recipient: Recipient, kind: Kind, idents: Sequence[int], by: str, reason: str | None = None
    ) -> None:
        """Tell a partner by a signed notice of what it had."""
        # What it knows of one object under two ids is not told in one notice.
        for about in had(act.connection, recipient.n, idents):
            send(self._store, act, recipient, kind, about, by=by, reason=reason)

    def history(self, ids: Sequence[str], partner: str | None = None, limit: int = 1_000) -> list[Happened]:
        """What people did about these objects, newest first."""
        which, values = "", [json.dumps(list(ids))]
        if partner is not None:
            which, values = "and p.name=? ", [*values, self._store.partner(partner).name]
        sql = (
            "select i.id, p.name, b.at, b.act, b.person, b.detail from outbox b join ident i on i.n=b.ident and i.space=0 "
            f"join partner p on p.n=b.recipient where i.id in (select atom from json_each(?)) {which}order by b.n desc limit ?"
        )
        rows = self._store.database.read().execute(sql, (*values, limit))
        return [
            Happened(id=id, partner=of, at=at, act=act, person=person, detail=msgspec.json.decode(detail))
            for id, of, at, act, person, detail in rows
        ]

    def grant(self, name: str, *, by: str) -> tuple[Rule, tuple[str, ...], int]:
        """Say that a rule may let leave what it is about; it counts from when as many said so as it asks for.

        Gives the rule, who granted it, and how many people it asks for. `by` is a person who has just shown who they are.
        Raises NotFound, Conflict, Refused.
        """
        by = releaser(self._store, by)
        with self._store.act() as act:
            rule = read_rule(act.connection, name)
            if rule.terms.act != "send":
                raise Conflict("this rule only proposes; there is nothing to grant")
            if rule.granted is not None and rule.stopped is None:
                raise Conflict("this rule is granted already")
            sql = "select person, at from approval where rule=? and digest=? and voided is null order by n"
            words = act.connection.execute(sql, (rule.number, rule.digest)).fetchall()
            before = [(person, at) for person, at in words if is_releaser(self._store, person)]
            if by in {person for person, _ in before}:
                raise Conflict("you granted it already; another person is asked for")
            if before and (let_in := let_in_since(act.connection, by, before[0][1])) is not None:
                raise Refused(f"since it was first granted somebody else let {by} in ({let_in})")
            asked = self.asked_for(rule)
            act.connection.execute(
                "insert into approval(rule,digest,asked,person,at) values (?,?,?,?,?)",
                (rule.number, rule.digest, asked, by, act.now),
            )
            people = (*(person for person, _ in before), by)
            self._store.record(act.connection, by, "rule.grant", name, {"version": rule.version, "asked": asked})
            if len(people) >= asked:
                act.connection.execute("update rule set granted=?, stopped=null where n=?", (act.now, rule.number))
                act.rules_changed()
        return rule, people, asked

    def would(self, rule: Rule) -> dict[str, int]:
        """How many objects of all that is held a rule is about, by partner: what labels let leave, in the feed or not."""
        found = {}
        with self._store.database.snapshot() as reader:
            for recipient in self._store.recipients(reader):
                if rule.is_for(recipient.partner.name):
                    outbox = Outbox(self._store, reader, recipient, rules=[rule])
                    found[recipient.partner.name] = outbox.about(rule)
        return found

    def asked_for(self, rule: Rule) -> int:
        """How many people must grant a rule: as many as the strictest of its labels asks for, where it names none, as RED."""
        return max(rule.terms.approvers, asked_by(self._store.settings, rule.terms.labels or ("TLP:RED",)))

    def _recipient(self, connection: Connection, partner: str) -> Recipient:
        name = self._store.partner(partner).name
        return next(r for r in self._store.recipients(connection) if r.partner.name == name)

    def _act(
        self,
        what: str,
        partner: str,
        ids: Sequence[str],
        by: str,
        principal: Principal | None,
        one: Any,
        *,
        check: Any = None,
        then: Any = None,
        detail: dict[str, Any] | None = None,
    ) -> Acted:
        ids = list(dict.fromkeys(ids))
        if len(ids) > AT_ONCE:
            raise Refused(f"at most {AT_ONCE:,} objects at once")
        with self._store.act() as act:
            recipient = self._recipient(act.connection, partner)
            parting = Parting(self._store, act, recipient)
            if what in ("propose", "approve"):
                parting.refresh(_idents(act.connection, ids), all_below=True)
            outbox = Outbox(self._store, act.connection, recipient, at=act.now, principal=principal)
            found = list(outbox.rows_and_items(ids))
            if check is not None:
                check([item for _, item in found], recipient.partner.name)
            known = {row.id for row, _ in found}
            failed = [(id, Reason("not-held")) for id in ids if id not in known]
            done: list[OutRow] = []
            for row, item in found:
                if (why := one(act, outbox, row, item)) is None:
                    done.append(row)
                    values = (recipient.n, row.ident, act.now, what, by, msgspec.json.encode(detail or {}).decode())
                    act.connection.execute(
                        "insert into outbox(recipient,ident,at,act,person,detail) values (?,?,?,?,?,?)", values
                    )
                else:
                    failed.append((row.id, why))
            rows = _rows_of(act.connection, [row.ident for row in done])
            if what in ("stop", "withdraw"):
                act.withheld(recipient, rows)
            else:
                act.released(recipient, rows)  # with older versions, which a hold kept back too
            parting.offer(row.ident for row in done)
            change = act.change(len(done))  # without the notice of it
            if then is not None:
                then(act, recipient, done)
            for row in done:
                self._store.record(act.connection, by, f"release.{what}", row.id, {"partner": recipient.partner.name})
            after = Outbox(self._store, act.connection, recipient, at=act.now, principal=principal)
            items = after.items([row.id for row in done])
        name = recipient.partner.name
        return Acted(
            items=tuple(items), failed=tuple(failed), opened=change.opened.get(name, 0), ended=change.ended.get(name, 0)
        )


def _idents(connection: Connection, ids: Sequence[str]) -> list[int]:
    sql = "select n from ident where space=0 and id in (select atom from json_each(?))"
    return [n for (n,) in connection.execute(sql, (json.dumps(list(ids)),))]


def _rows_of(connection: Connection, idents: Sequence[int]) -> list[int]:
    sql = f"select n from object where ident in {_THESE}"
    return [n for (n,) in connection.execute(sql, (json.dumps(list(idents)),))]


def _some(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), 1_000):
        yield ids[first : first + 1_000]
