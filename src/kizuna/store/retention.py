"""Retention: what has a label or serves an area is hidden or destroyed so many days after its last version came in.

A rule that hides is one operator's word. One that destroys is the standing word of two, and keeps no mark: what comes in again is new
here, and has its days again.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import msgspec

from kizuna.errors import Conflict, NotFound, UsageError
from kizuna.labels import parse_label
from kizuna.store.accounts import DAY
from kizuna.store.database import Connection
from kizuna.store.destroying import destroy
from kizuna.store.rows import note_definitions
from kizuna.store.two_people import operator, reason_of, second_operator

if TYPE_CHECKING:
    from kizuna.store.act import Act
    from kizuna.store.store import Store

Then = Literal["hide", "destroy"]
BATCH = 100
"""Ids of one transaction: nobody who writes waits long."""

REST_SECONDS = 0.12
"""Between two transactions: who waits to write to SQLite looks again ten times a second, and has no other turn."""

AT_ONCE = 100
"""Batches of one turn; what is left has the next."""

MOST_DAYS = 36_500
MOST_RULES = 1_000
_ACTOR = "retention"
_COLUMNS = "n, label, area, days, act, reason, made, made_by, confirmed, confirmed_by"


class Rule(msgspec.Struct, frozen=True):
    """What is kept for how many days, and what happens `then`. `label` is POLICY:CLASSIFICATION; None means any. Times are microseconds."""

    number: int
    label: str | None
    area: str | None
    days: int
    then: Then
    reason: str
    made: int
    made_by: str
    confirmed: int | None
    confirmed_by: str | None

    @property
    def counts(self) -> bool:
        """Whether it is applied."""
        return self.then == "hide" or self.confirmed is not None


class Applied(NamedTuple):
    """What one rule did, or would do: ids and their versions. `more` says that a later turn goes on."""

    rule: Rule
    ids: int
    versions: int
    more: bool = False


class Rules:
    """The rules of one node. `by` is who acts: for what destroys, a person who has shown who they are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def listed(self) -> list[Rule]:
        """In the order they were made."""
        rows = self._store.database.read().execute(f"select {_COLUMNS} from retention order by n")
        return [_rule(row) for row in rows]

    def set(self, label: str | None, area: str | None, days: int, then: Then, reason: str, *, by: str) -> Rule:
        """Make a rule; one that destroys waits for its second word. Raises UsageError, Conflict, Refused."""
        if label is None and area is None:
            raise UsageError("say what it is for: a label, an area, or both")
        if not 0 < days <= MOST_DAYS:
            raise UsageError(f"between 1 and {MOST_DAYS} days")
        kept = (None if label is None else label_key(label), area, days, then, reason_of(reason))
        with self._store.database.write() as connection:
            by = operator(self._store, by) if then == "destroy" else by
            if connection.execute("select count(*) from retention").fetchone()[0] >= MOST_RULES:
                raise Conflict(f"there are {MOST_RULES} rules already")
            row = connection.execute(
                f"insert into retention(label, area, days, act, reason, made, made_by) values (?,?,?,?,?,?,?) returning {_COLUMNS}",
                (*kept, self._store.clock(), by),
            ).fetchone()
            made = _rule(row)
            detail = {"label": made.label, "area": area, "days": days, "then": then, "reason": made.reason}
            self._store.record(connection, by, "retention.set", str(made.number), detail)
        return made

    def confirm(self, number: int, *, by: str) -> Rule:
        """Another operator's word for a rule that destroys. Raises NotFound, Conflict, Refused."""
        with self._store.database.write() as connection:
            rule = self._found(connection, number)
            if rule.counts:
                raise Conflict("this rule counts already")
            proposal = ("retention.set", str(number))
            by = second_operator(self._store, connection, by, proposed_by=rule.made_by, proposal=proposal)
            row = connection.execute(
                f"update retention set confirmed=?, confirmed_by=? where n=? returning {_COLUMNS}",
                (self._store.clock(), by, number),
            ).fetchone()
            self._store.record(connection, by, "retention.confirm", str(number), {"made_by": rule.made_by})
        return _rule(row)

    def remove(self, number: int, *, by: str) -> Rule:
        """Let a rule count no more. Raises NotFound."""
        with self._store.database.write() as connection:
            rule = self._found(connection, number)
            connection.execute("delete from retention where n=?", (number,))
            self._store.record(connection, by, "retention.remove", str(number), {"then": rule.then})
        return rule

    def _found(self, connection: Connection, number: int) -> Rule:
        row = connection.execute(f"select {_COLUMNS} from retention where n=?", (number,)).fetchone()
        if row is None:
            raise NotFound("no such rule")
        return _rule(row)


def label_key(text: str) -> str:
    """What a rule for a label compares: its policy and classification, or OWN for what states none. Raises UsageError."""
    if text.upper() == "OWN":
        return "OWN:OWN"
    parts = parse_label(text, originator="-", community="-").parts
    if len(parts) != 1:
        raise UsageError("one policy and classification, such as TLP:AMBER")
    return f"{parts[0].policy}:{parts[0].classification}"


def would_go(store: Store, rule: Rule, at: int) -> Applied:
    """What a rule would do at a moment."""
    with store.database.snapshot() as reader:
        found = _due(store, reader, rule, at)
        sql = "select count(*) from object where ident in (select value from json_each(?))"
        (versions,) = reader.execute(sql, (json.dumps([ident for _, ident, _ in found]),)).fetchone()
    return Applied(rule, len(found), versions)


def apply_retention(store: Store, at: int) -> list[Applied]:
    """Do what every rule says for a moment, in transactions of few ids each; what one of them did stays when a later one fails."""
    return [_apply(store, rule, at) for rule in Rules(store).listed() if rule.counts]


def _apply(store: Store, rule: Rule, at: int) -> Applied:
    ids = versions = after = 0
    for _ in range(AT_ONCE):
        found = _due(store, store.database.read(), rule, at, after=after, most=BATCH)
        if not found:
            return Applied(rule, ids, versions)
        after = found[-1][0]
        with store.act() as act:
            # Asked again where nobody else writes: a version may have come in since.
            still = _due(store, act.connection, rule, at, among=[ident for _, ident, _ in found])
            if still:
                gone = _done(store, act, rule, still)
                detail = {"ids": len(still), "versions": gone}
                if rule.then == "hide":
                    store.record(act.connection, _ACTOR, "retention.hide", str(rule.number), detail)
                else:
                    store.record(act.connection, _ACTOR, "retention.destroy", str(rule.number), detail)
                ids, versions = ids + len(still), versions + gone
        if len(found) < BATCH:
            return Applied(rule, ids, versions)
        time.sleep(REST_SECONDS)
    return Applied(rule, ids, versions, more=True)


def _done(store: Store, act: Act, rule: Rule, found: list[tuple[int, int, str]]) -> int:
    if rule.then == "destroy":
        return destroy(store, act, [id for _, _, id in found], by=_ACTOR).versions
    idents = json.dumps([ident for _, ident, _ in found])
    these = "ident in (select value from json_each(?)) and hidden=0"
    rows = act.connection.execute(f"select n, id from object where {these}", (idents,)).fetchall()
    act.connection.execute(f"update object set hidden=1 where {these}", (idents,))
    if any(id.startswith("marking-definition--") for _, id in rows):
        note_definitions(act.connection)
    act.reconsider([n for n, _ in rows])
    return len(rows)


def _due(
    store: Store,
    connection: Connection,
    rule: Rule,
    at: int,
    *,
    after: int = 0,
    among: list[int] | None = None,
    most: int = -1,
) -> list[tuple[int, int, str]]:
    """(newest row, ident, id) of what a rule is for: the row that came in last decides, by its label, its area and when it came."""
    conditions, values = ["o.n>?", "o.added<?"], [after, at - rule.days * DAY]
    more: list[Any] = []
    if rule.label is not None:
        conditions.append("o.label in (select value from json_each(?))")
        more.append(json.dumps(_labels(store, connection, rule.label)))
    if rule.area is not None:
        conditions.append("o.area=?")
        more.append(store.interned.find(connection, "area", rule.area))
    if among is not None:
        conditions.append("o.ident in (select value from json_each(?))")
        more.append(json.dumps(among))
    if rule.then == "hide":
        conditions.append("exists (select 1 from object h where h.ident=o.ident and h.hidden=0)")
    sql = (
        f"select o.n, o.ident, o.id from object o where {' and '.join(conditions)} "
        "and not exists (select 1 from object p where p.ident=o.ident and p.n>o.n) order by o.n"
    )
    rows = connection.execute(f"{sql} limit {most}" if most >= 0 else sql, (*values, *more)).fetchall()
    return [(n, ident, id) for n, ident, id in rows]


def _labels(store: Store, connection: Connection, key: str) -> list[int]:
    return [
        n
        for n, label in store.interned.labels(connection)
        if any(f"{part.policy}:{part.classification}" == key for part in label.parts)
    ]


def _rule(row: object) -> Rule:
    return Rule(*cast("tuple[Any, ...]", row))
