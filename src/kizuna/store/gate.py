"""By whose word rows leave: what standing rules and people let out to one partner, at the moment of an act.

It only ever takes away from what labels and references let leave. What is in a feed stays there when its rule ends; what enters, and
what was given another label, is asked anew.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kizuna.store.database import Connection
from kizuna.store.standing import Rule, asked_by, classifications
from kizuna.store.words import phrases

if TYPE_CHECKING:
    from kizuna.store.recipients import Recipient
    from kizuna.store.store import Store

HOUR = 3_600_000_000  # microseconds
_THESE = "(select value from json_each(?))"


class Facts(NamedTuple):
    """What rules ask of a row without reading it."""

    n: int
    ident: int
    whole: int
    area: int | None
    type: int
    source: int


class _Said(msgspec.Struct):
    """What rules ask of an object itself."""

    confidence: int | None = None
    labels: tuple[str, ...] = ()


_said = msgspec.json.Decoder(_Said).decode
Limit = Callable[[Rule, list[Facts]], list[Facts]]


class Gate:
    """What may leave to one recipient by somebody's word. `rules` are those of the node (`standing.read_rules`)."""

    def __init__(
        self, store: Store, connection: Connection, recipient: Recipient, rules: Iterable[Rule], now: int
    ) -> None:
        self._store = store
        self._connection = connection
        self._recipient = recipient.n
        self._now = now
        counting = [rule for rule in rules if rule.counts(now) and rule.is_for(recipient.partner.name)]
        self._sending = sorted((r for r in counting if r.terms.act == "send"), key=lambda r: r.terms.hourly is not None)
        self._proposing = [rule for rule in counting if rule.terms.act == "propose"]
        self._any = any(rule.terms.unlimited for rule in self._sending)
        self._holding = self._has("hold")
        self.holds_finds = self._has("find")
        """Whether rows wait for people since withheld texts were found in them."""
        self.has_parts = self._has("part")
        """Whether something leaves to it in part, or may."""
        self.parting = any(rule.terms.parts for rule in counting)
        """Whether a rule asks for what leaves in part."""
        self._approving = (self.has_parts or self.holds_finds or not self._any) and self._has("approval")
        self._fits: dict[tuple[int, int, int | None, int, int], bool] = {}
        self._left: dict[int, int] = {}
        self._by: dict[int, int] = {}
        self._entire: dict[int, int] = {}  # renditions of which nothing is cut, and of which rows they were made
        self.over: set[int] = set()
        """Rows that would leave but for the hourly number of their rule."""

    def passing(self, objects: Sequence[int]) -> set[int]:
        """Which of these rows may enter now; what does is told by `entered`."""
        return self._through(objects, self._within)

    def covered(self, objects: Sequence[int]) -> set[int]:
        """Which of these rows may be in the feed, however many its rules let enter in an hour."""
        return self._through(objects, lambda _, rows: rows)

    def certain(self, objects: Sequence[int]) -> set[int]:
        """Which of these rows are in the feed as soon as labels and references let them."""
        return self._through(objects, lambda rule, rows: rows if rule.terms.hourly is None else [])

    def proposed(self, objects: Sequence[int]) -> dict[int, Rule]:
        """By row, the rule that asks people to let it leave, the one that asks for the most."""
        found: dict[int, Rule] = {}
        parts = self._parts(objects) if self._proposing and self.has_parts else {}
        rows = self.facts([n for n in objects if n not in parts]) if self._proposing else []
        cut = [row for row in parts.values() if row.n not in self._entire]
        rows += [row for row in parts.values() if row.n in self._entire]
        for rule in sorted(self._proposing, key=lambda rule: rule.terms.approvers):
            asked = [*rows, *cut] if rule.terms.parts else rows
            found |= dict.fromkeys((row.n for row in self._fitting(rule, asked)), rule)
        return found

    def parting_from(self, objects: Sequence[int]) -> set[int]:
        """Ids of these rows of which rules ask for what leaves in part."""
        rows = self.facts(objects)
        rules = [rule for rule in (*self._sending, *self._proposing) if rule.terms.parts]
        # What a part may say of confidence and tags is looked at when there is one.
        return {row.ident for row in rows if any(self._fits_facts(rule, row, labels=False) for rule in rules)}

    def asking_for(self, objects: Sequence[int]) -> set[int]:
        """Ids of these rows that rules let out, or ask people for, where nothing of them is cut."""
        rules = [*self._sending, *self._proposing]
        rows = self.facts(objects) if rules else []
        return {row.ident for row in rows if self._any or any(self._fits_facts(rule, row) for rule in rules)}

    def about(self, rule: Rule, objects: Sequence[int]) -> set[int]:
        """Which of these rows a rule is about."""
        return {row.n for row in self._fitting(rule, self.facts(objects))}

    def begin(self) -> None:
        """What passed before and did not enter takes no place of an hourly number any more."""
        self._by.clear()

    def entered(self, objects: Iterable[int]) -> None:
        """Count what entered by rules that have an hourly number."""
        spent: dict[int, int] = defaultdict(int)
        for n in objects:
            if (rule := self._by.pop(n, None)) is not None:
                spent[rule] += 1
        for number, count in spent.items():
            self._left[number] -= count
            hour = self._now // HOUR
            self._connection.execute(
                "insert into spent values (?,?,?,?) on conflict(rule, recipient) do update set objects=excluded.objects "
                "+ case when spent.hour=excluded.hour then spent.objects else 0 end, hour=excluded.hour",
                (number, self._recipient, hour, count),
            )

    def held(self, idents: Collection[int]) -> set[int]:
        """Which of these ids are held back by people."""
        if not self._holding:
            return set()
        sql = f"select ident from hold where recipient=? and ident in {_THESE}"
        return {ident for (ident,) in self._connection.execute(sql, (self._recipient, json.dumps(list(idents))))}

    def waiting(self, objects: Collection[int]) -> set[int]:
        """Which of these rows wait for people since withheld texts were found in them."""
        if not self.holds_finds:
            return set()
        sql = f"select distinct object from find where recipient=? and object in {_THESE}"
        return {n for (n,) in self._connection.execute(sql, (self._recipient, json.dumps(list(objects))))}

    def facts(self, objects: Sequence[int]) -> list[Facts]:
        """What rules ask of these rows, in their order of arrival."""
        sql = f"select n, ident, whole, area, type, source from object where n in {_THESE} order by n"
        return [Facts._make(row) for row in self._connection.execute(sql, (json.dumps(list(objects)),))]

    def asked(self, whole: int) -> int:
        """How many people are asked for what has this label."""
        return asked_by(self._store.settings, classifications(self._store.interned.label_of(self._connection, whole)))

    def approvals(self, objects: Sequence[int]) -> dict[int, tuple[list[str], int]]:
        """By row, who approved it as it is and is labelled now, and for how many that asked."""
        sql = (
            "select a.object, a.person, a.digest, a.asked, o.whole, b.raw from approval a "
            "join object o on o.n=a.object and o.whole=a.label join body b on b.n=o.n "
            f"where a.recipient=? and a.voided is null and o.hidden=0 and a.object in {_THESE} order by a.n"
        )
        found = self._approvals(sql, (self._recipient, json.dumps(list(objects))))
        if self.has_parts:
            sql = (
                "select a.object, a.person, a.digest, a.asked, o.whole, b.raw from approval a "
                "join part p on p.recipient=a.recipient and p.row=a.object and p.whole=a.label "
                f"join object o on o.n=p.row join body b on b.n=p.row "
                f"where a.recipient=? and a.voided is null and a.object in {_THESE} order by a.n"
            )
            found |= self._approvals(sql, (self._recipient, json.dumps(list(objects))))
        return found

    def _approvals(self, sql: str, values: tuple[int, str]) -> dict[int, tuple[list[str], int]]:
        found: dict[int, tuple[list[str], int]] = {}
        for n, person, digest, asked, whole, raw in self._connection.execute(sql, values):
            if person not in self._releasers or hashlib.sha256(raw).digest() != bytes(digest):
                continue
            people, most = found.get(n, ([], self.asked(whole)))
            found[n] = ([*people, person] if person not in people else people, max(most, asked))
        return found

    @cached_property
    def _releasers(self) -> frozenset[str]:
        """Who releases now: what others approved while they did counts no more."""
        rows = self._connection.execute("select name, roles from person where removed is null")
        return frozenset(name for name, roles in rows if "releaser" in msgspec.json.decode(roles))

    def _through(self, objects: Sequence[int], limit: Limit) -> set[int]:
        if not objects:
            return set()
        parts = self._parts(objects) if self.has_parts else {}
        objects = [n for n in objects if n not in parts] if parts else objects
        if self._any and not self._holding and not self.holds_finds:
            found = set(objects)
        else:
            found = self._let_out(self.facts(objects), [] if self._any else self._sending, limit, any=self._any)
        if parts:
            entire = [row for row in parts.values() if row.n in self._entire]
            found |= self._let_out(entire, [] if self._any else self._sending, limit, any=self._any)
            rows = [row for row in parts.values() if row.ident and row.n not in self._entire]
            found |= self._let_out(rows, [rule for rule in self._sending if rule.terms.parts], limit)
            found |= {row.n for row in parts.values() if not row.ident}  # definitions, offered with what they are for
        return found

    def _let_out(self, rows: list[Facts], rules: list[Rule], limit: Limit, *, any: bool = False) -> set[int]:
        held = self.held([row.ident for row in rows])
        rows = [row for row in rows if row.ident not in held]
        found = self._approved([row.n for row in rows]) if not any or self.holds_finds else set()
        if self.holds_finds:  # only people's word lets these out
            waiting = self.waiting([row.n for row in rows])
            rows = [row for row in rows if row.n not in waiting]
        if any:
            return found | {row.n for row in rows}
        over: set[int] = set()
        for rule in rules:
            fitting = self._fitting(rule, [row for row in rows if row.n not in found])
            let_out = {row.n for row in limit(rule, fitting)}
            over |= {row.n for row in fitting} - let_out
            found |= let_out
        self.over |= over - found
        return found

    def _parts(self, objects: Sequence[int]) -> dict[int, Facts]:
        """Of these rows, the renditions: by the label of what is in them, and as what they were made of otherwise."""
        sql = (
            "select p.row, p.ident, r.whole, o.area, r.type, coalesce(o.source, r.source), p.entire, p.original "
            "from part p join object r on r.n=p.row "
            f"left join object o on o.n=p.original where p.recipient=? and p.row in {_THESE} order by p.row"
        )
        rows = self._connection.execute(sql, (self._recipient, json.dumps(list(objects)))).fetchall()
        self._entire |= {n: original for n, *_, entire, original in rows if entire}
        return {row[0]: Facts._make(row[:-2]) for row in rows}

    def _approved(self, objects: Sequence[int]) -> set[int]:
        if not self._approving:
            return set()
        return {n for n, (people, asked) in self.approvals(objects).items() if len(people) >= asked}

    def _within(self, rule: Rule, rows: list[Facts]) -> list[Facts]:
        if rule.terms.hourly is None or not rows:
            return rows
        if rule.number not in self._left:
            sql = "select objects from spent where rule=? and recipient=? and hour=?"
            spent = self._connection.execute(sql, (rule.number, self._recipient, self._now // HOUR)).fetchone()
            self._left[rule.number] = rule.terms.hourly - (spent[0] if spent else 0)
        # What passed in this offer already takes its place, whether or not it has entered yet.
        passing = {n for n, number in self._by.items() if number == rule.number} - {row.n for row in rows}
        within = rows[: max(self._left[rule.number] - len(passing), 0)]
        self._by |= dict.fromkeys((row.n for row in within), rule.number)
        return within

    def _fitting(self, rule: Rule, rows: list[Facts]) -> list[Facts]:
        """The rows that a rule is about: first what is known of many at once, then what must be read."""
        fitting = [row for row in rows if self._fits_facts(rule, row)]
        terms = rule.terms
        if fitting and terms.query is not None:
            holding = self._holding_words(terms.query, fitting)
            fitting = [row for row in fitting if row.n in holding]
        if fitting and (terms.confidence is not None or terms.tags):
            sql = f"select n, raw from body where n in {_THESE}"
            bodies = self._connection.stream(sql, (json.dumps([row.n for row in fitting]),))
            saying = {n for n, raw in bodies if _fits_said(rule, raw)}
            fitting = [row for row in fitting if row.n in saying]
        return fitting

    def _fits_facts(self, rule: Rule, row: Facts, *, labels: bool = True) -> bool:
        key = (rule.number, row.whole if labels else -1, row.area, row.type, row.source)
        known = self._fits.get(key)
        if known is None:
            terms, name = rule.terms, self._store.interned.name_of
            label = self._store.interned.label_of(self._connection, row.whole)
            said = classifications(label)
            known = self._fits[key] = (
                (not terms.types or name(self._connection, "term", row.type) in terms.types)
                and (
                    not terms.areas
                    or (row.area is not None and name(self._connection, "area", row.area) in terms.areas)
                )
                and (not terms.labels or not labels or said <= set(terms.labels))
                and (not terms.sources or self._store.source_of(self._connection, row.source) in terms.sources)
            )
        return known

    def _holding_words(self, query: str, rows: list[Facts]) -> set[int]:
        """Which rows hold all words of a query, as the search finds them."""
        sql = f"select min(n), max(n) from doc where object in {_THESE}"
        of = {row.n: self._entire.get(row.n, row.n) for row in rows}  # renditions are not searched
        these = json.dumps(sorted(of.values()))
        first, last = self._connection.execute(sql, (these,)).fetchone()
        words = phrases(query)
        if first is None or not words:
            return set()
        found = self._connection.full_text.numbers(self._connection, words, first - 1, last)
        sql = f"select distinct object from doc where n in {_THESE} and object in {_THESE}"
        holding = {n for (n,) in self._connection.execute(sql, (f"[{found or ''}]", these))}
        return {n for n, original in of.items() if original in holding}

    def _has(self, table: str) -> bool:
        sql = f"select 1 from {table} where recipient=? limit 1"
        return self._connection.execute(sql, (self._recipient,)).fetchone() is not None


def hold(connection: Connection, recipient: int, idents: Sequence[int], at: int, by: str, what: str) -> None:
    """Hold ids back from a recipient, whatever rules say, and let no approval of them count any more."""
    connection.executemany(
        "insert into hold values (?,?,?,?,?) on conflict(recipient, ident) do update set at=excluded.at, "
        "person=excluded.person, act=excluded.act",
        [(recipient, ident, at, by, what) for ident in idents],
    )
    these = json.dumps(list(idents))
    sql = f"select n from object where ident in {_THESE} union select row from part where recipient=? and ident in {_THESE}"
    rows = json.dumps([n for (n,) in connection.execute(sql, (these, recipient, these))])
    connection.execute(
        f"update approval set voided=?, reason=? where recipient=? and voided is null and object in {_THESE}",
        (at, what, recipient, rows),
    )
    connection.execute(f"delete from proposal where recipient=? and object in {_THESE}", (recipient, rows))
    connection.execute(f"delete from find where recipient=? and ident in {_THESE}", (recipient, these))


def _fits_said(rule: Rule, raw: bytes) -> bool:
    try:
        said = _said(raw)
    except msgspec.ValidationError:  # of a pack that keeps an object with its problems
        return False
    if rule.terms.confidence is not None and (said.confidence is None or said.confidence < rule.terms.confidence):
        return False
    return not rule.terms.tags or not set(rule.terms.tags).isdisjoint(said.labels)
