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
from kizuna.store.history import ON_A_ROW, Happened, happened
from kizuna.store.notices import Kind, had, send
from kizuna.store.outbox import Item, Outbox, OutRow, State, recipient_of
from kizuna.store.parting import Parting
from kizuna.store.recipients import Recipient
from kizuna.store.seen_outbox import SeenOutbox
from kizuna.store.standing import Rule, asked_by, read_rule
from kizuna.store.two_people import is_releaser, let_in_since, reason_of, releaser

if TYPE_CHECKING:
    from kizuna.labels import Principal
    from kizuna.store.store import Store

AT_ONCE = 10_000
Look = Outbox | SeenOutbox
_UNSEEN = "unseen"
"""How what was held is held when somebody let it go who does not see all that would leave: they are shown it let go."""

_THESE = "(select value from json_each(?))"


class Acted(msgspec.Struct, frozen=True, kw_only=True):
    """What an act did: each object as it stands now, what could not be done and why, and how many rows of the feed began or ended."""

    items: tuple[Item, ...]
    failed: tuple[tuple[str, Reason], ...] = ()
    opened: int = 0
    ended: int = 0


def set_digest(partner: str, items: Iterable[Item]) -> str:
    """What a person approves when they approve many: partner, ids, bytes and labels, in hexadecimal."""
    lines = sorted({(item.id, item.digest.hex(), repr(item.label)) for item in items})
    return hashlib.sha256(msgspec.json.encode([partner, lines])).hexdigest()


class Releases:
    """What leaves to partners by people's word. `by` is who acts; `principal` as whom they see, None for the folder's keeper."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def items(self, partner: str, ids: Sequence[str], principal: Principal | None = None) -> list[Item]:
        """Where these objects stand, in their order; what is not held here, or hidden from the asker, is left out. Raises NotFound."""
        self._store.settle()
        with self._store.database.snapshot() as reader:
            outbox = self._look(reader, recipient_of(self._store, reader, partner), principal)
            return [item for some in _some(ids) for item in outbox.items(some)]

    def outbox(
        self, partner: str, states: Sequence[State] = ("proposed",), limit: int = 1_000
    ) -> tuple[list[Item], bool]:
        """What stands so for a partner, newest first, and whether there is more. Raises NotFound."""
        self._store.settle()
        found: list[Item] = []
        with self._store.database.snapshot() as reader:
            outbox = Outbox(self._store, reader, recipient_of(self._store, reader, partner))
            for some in outbox.newest_first(states):
                found += [item for item in outbox.items(some) if item.state in states]
                if len(found) > limit:
                    return found[:limit], True
        return found, False

    def propose(self, partner: str, ids: Sequence[str], *, by: str, principal: Principal | None = None) -> Acted:
        """Ask people to let objects leave that no rule proposes. Raises NotFound."""

        def one(act: Act, outbox: Look, row: OutRow, item: Item) -> Reason | None:
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

        def one(act: Act, outbox: Look, row: OutRow, item: Item) -> Reason | None:
            if item.state == "offered":
                return Reason("leaves-already")
            if item.state in ("withheld", "ended"):
                return Reason("object")
            if by in item.approved:
                return Reason("approved-already", (by,))
            if (why := outbox.not_approvable(row)) is not None:
                return why
            first = outbox.first_approval(row, item)
            if first is not None and (let_in := let_in_since(act.connection, by, first)) is not None:
                return Reason("let-in", (by, let_in))
            leaves = outbox.leaves(act, row)
            act.connection.execute(
                "insert into approval(recipient,object,digest,label,asked,person,at) values (?,?,?,?,?,?,?)",
                (outbox.recipient.n, leaves, item.digest, row.bound, item.asked, by, act.now),
            )
            if len(item.approved) + 1 >= item.asked and _let_go(act, outbox, row, leaves) == "withdrawn":
                returned.append(row.ident)
            return None

        def then(act: Act, recipient: Recipient, done: list[OutRow]) -> None:
            self._tell(act, recipient, "return", returned, by)

        return self._act("approve", partner, ids, by, principal, one, check=check, then=then)

    def stop(self, partner: str, ids: Sequence[str], *, by: str, principal: Principal | None = None) -> Acted:
        """Hold objects back that did not leave yet, whatever rules say, until people approve them anew. Raises NotFound."""

        def one(act: Act, outbox: Look, row: OutRow, item: Item) -> Reason | None:
            if item.state == "offered" or outbox.is_live(row.ident):
                return Reason("left-already")
            _hold(act, outbox.recipient, row.ident, by, "stopped")
            return None

        return self._act("stop", partner, ids, by, principal, one)

    def withdraw(
        self, partner: str, ids: Sequence[str], reason: str, *, by: str, principal: Principal | None = None
    ) -> Acted:
        """Take objects back that left, with what refers to them, until people approve them anew. Raises NotFound, UsageError."""
        reason = reason_of(reason)

        def one(act: Act, outbox: Look, row: OutRow, item: Item) -> Reason | None:
            if not outbox.ever_live(row.ident):
                return Reason("did-not-leave")
            _hold(act, outbox.recipient, row.ident, by, "withdrawn")
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

    def history(
        self,
        ids: Sequence[str],
        partner: str | None = None,
        limit: int = 1_000,
        *,
        principal: Principal | None = None,
        before: int | None = None,
    ) -> list[Happened]:
        """What people did about these objects before an entry, newest first, as far as the asker sees them. Raises NotFound."""
        name = None if partner is None else self._store.partner(partner).name
        with self._store.database.snapshot() as reader:
            if principal is None:
                return happened(reader, ids, name, limit, before=before)
            first = next(iter(self._store.recipients(reader)), None)  # what is seen is the same for each
            seen = {} if first is None else SeenOutbox(self._store, reader, first, principal).rows(ids)
            rows = {n for some in seen.values() for n in some}
            return happened(reader, list(seen), name, limit, before=before, rows=rows)

    def grant(self, name: str, *, by: str, version: int | None = None) -> tuple[Rule, tuple[str, ...], int]:
        """Say that a rule may let leave what it is about; it counts from when as many said so as it asks for.

        Gives the rule, who granted it, and how many people it asks for. `by` is a person who has just shown who they are. With `version`
        it is that one or none. Raises NotFound, Conflict, Refused.
        """
        by = releaser(self._store, by)
        with self._store.act() as act:
            rule = read_rule(act.connection, name)
            if version is not None and rule.version != version:
                raise Conflict("this rule says something else by now; look again")
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

    def granted_by(self, rule: Rule) -> tuple[str, ...]:
        """Who granted this version of a rule, as far as that is not void."""
        sql = "select person from approval where rule=? and digest=? and voided is null order by n"
        rows = self._store.database.read().execute(sql, (rule.number, rule.digest))
        return tuple(person for (person,) in rows)

    def asked_for(self, rule: Rule) -> int:
        """How many people must grant a rule: as many as the strictest of its labels asks for, where it names none, as RED."""
        return max(rule.terms.approvers, asked_by(self._store.settings, rule.terms.labels or ("TLP:RED",)))

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
            recipient = recipient_of(self._store, act.connection, partner)
            parting = Parting(self._store, act, recipient)
            outbox = self._look(act.connection, recipient, principal, at=act.now)
            if check is not None:  # as it was shown: what is made of it now may have another moment
                check(outbox.items(ids), recipient.partner.name)
            made_anew = outbox.seen(ids).values() if what in ON_A_ROW else ()
            parting.refresh(made_anew, all_below=True)
            found = outbox.rows_and_items(ids)
            known = {row.id for row, _ in found}
            failed = [(id, Reason("not-held")) for id in ids if id not in known]
            done: list[OutRow] = []
            for row, item in found:
                if (why := one(act, outbox, row, item)) is None:
                    done.append(row)
                    told = {"row": row.n} if what in ON_A_ROW else detail
                    values = (recipient.n, row.ident, act.now, what, by, msgspec.json.encode(told or {}).decode())
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
            parting.offer([*made_anew, *(row.ident for row in done)])
            change = act.change(len(done))  # without the notice of it
            if then is not None:
                then(act, recipient, done)
            for row in done:
                self._store.record(act.connection, by, f"release.{what}", row.id, {"partner": recipient.partner.name})
            after = self._look(act.connection, recipient, principal, at=act.now)
            items = after.items([row.id for row in done])
        name = recipient.partner.name
        opened, ended = change.opened.get(name, 0), change.ended.get(name, 0)
        if principal is not None:  # how many rows began or ended tells of what entered and ended besides
            opened, ended = _moved([item for _, item in found], items)
        return Acted(items=tuple(items), failed=tuple(failed), opened=opened, ended=ended)

    def _look(
        self, connection: Connection, recipient: Recipient, principal: Principal | None, *, at: int | None = None
    ) -> Look:
        if principal is None:
            return Outbox(self._store, connection, recipient, at=at)
        return SeenOutbox(self._store, connection, recipient, principal, at=at)


def _moved(before: Sequence[Item], after: Sequence[Item]) -> tuple[int, int]:
    """How many of these objects began to be offered, and how many ended."""
    was, now = ({item.id for item in items if item.state == "offered"} for items in (before, after))
    told = {item.id for item in after}
    return len(now - was), len((was & told) - now)


def _let_go(act: Act, outbox: Look, row: OutRow, leaves: int) -> str | None:
    """How people held what may leave from now on, None where nobody did."""
    mine = (outbox.recipient.n, row.ident)
    if not outbox.lets_go(row, leaves):
        act.connection.execute("update hold set act=? where recipient=? and ident=?", (_UNSEEN, *mine))
        return None
    act.connection.execute("delete from find where recipient=? and object=?", (outbox.recipient.n, leaves))
    was = act.connection.execute("delete from hold where recipient=? and ident=? returning act", mine).fetchone()
    return None if was is None else str(was[0])


def _hold(act: Act, recipient: Recipient, ident: int, by: str, what: str) -> None:
    hold(act.connection, recipient.n, [ident], act.now, by, what)
    # Besides the renditions that may be sent now, others of these rows that people approved, as somebody sees them or from before.
    act.connection.execute(
        "update approval set voided=?, reason=? where recipient=? and voided is null and object in (select m.row from "
        "rendition m join object o on o.n=m.original where o.ident=?)",
        (act.now, what, recipient.n, ident),
    )


def _rows_of(connection: Connection, idents: Sequence[int]) -> list[int]:
    sql = f"select n from object where ident in {_THESE}"
    return [n for (n,) in connection.execute(sql, (json.dumps(list(idents)),))]


def _some(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), 1_000):
        yield ids[first : first + 1_000]
