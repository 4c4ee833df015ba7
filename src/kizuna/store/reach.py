"""What is out to a partner as far as one of one's own people sees: let out by a word, and so is everything it refers to.

What a feed holds rests on what the asker may not see, too: a row waits where its text names a hidden id, an hourly number is spent by
others, a rendition is made of hidden parts. So whether something is out is worked out here from the asker's view, the rules and what
people said. The feed itself is asked in one case only: nothing lets a row out any more, but something did, and it stays. There it must
not tell of anything else, so the row counts only where all that it rests on is seen whole and names no ids in texts, and where people,
or a rule without an hourly number, let it out once. Where something of it is hidden without being told (a property that STIX does not
define), it stays as if it had been in the feed; that it was there before its label was raised is then not told, which is all that an
outbox tells of such a property.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from kizuna.labels import Form, Label
from kizuna.stix import BUILTIN, edges, marking_refs
from kizuna.stix.builtin import RENDITION_EXTENSION
from kizuna.stix.ids import type_of
from kizuna.store.database import Connection
from kizuna.store.gate import Gate
from kizuna.store.outgoing import Held
from kizuna.store.plan import Plan
from kizuna.store.recipients import Recipient
from kizuna.store.renditions import Made
from kizuna.store.sight import Sight
from kizuna.store.standing import MAKER, Rule, asked_by, classifications, every_rule

if TYPE_CHECKING:
    from kizuna.store.store import Store

Json = dict[str, Any]
_THESE = "(select value from json_each(?))"
_RENDITION = 2  # `hidden` of a row that is one


class Leaving(msgspec.Struct):
    """A row that its label lets leave whole, or the rendition `made` of one that leaves in part.

    `rows` are those of its very bytes, of which people say that they may leave; `people` who did, of the `asked` ones. `now` is whether
    they or a rule let it out, `left` whether one did before and it stays; `out` whether what it refers to is out as well.
    """

    row: Held
    targets: Collection[int] = ()
    made: Made | None = None
    digest: bytes | None = None
    rows: tuple[int, ...] = ()
    people: list[str] = []
    asked: int = 1
    now: bool = False
    left: bool = False
    out: bool = False


class Reach:
    """What some ids, and all that they rest on, are to a partner at the moment `at`."""

    def __init__(
        self, store: Store, connection: Connection, recipient: Recipient, sight: Sight, idents: Iterable[int], at: int
    ) -> None:
        self._store = store
        self._connection = connection
        self._recipient = recipient
        self._sight = sight
        self._at = at
        self._targets: dict[int, list[int]] = {}
        self.rows: dict[int, list[Held]] = {}
        asked = set(idents)
        self._load(asked)
        self.plan = Plan(sight, asked)
        rules = [rule for rule in every_rule(connection) if rule.is_for(recipient.partner.name)]
        self._counting = [rule for rule in rules if rule.counts(at)]
        self._rules = rules
        self._gate = Gate(store, connection, recipient, self._counting, at)
        self.whole = {
            row.n: Leaving(row, self._targets.get(row.n, ()), rows=(row.n,))
            for rows in self.rows.values()
            for row in rows
            if row.whole and not row.theirs
        }
        self.parts = self._in_part()
        self.held = self._held()
        self._ask_people()
        self._ask_rules()
        self._ask_the_feed()
        self._settle()

    def is_out(self, ident: int, *, whole: bool = False) -> bool:
        """Whether the partner has something of an id; with `whole`, itself."""
        rows = self.rows.get(ident, ())
        if any(row.theirs or (row.n in self.whole and self.whole[row.n].out) for row in rows):
            return True
        return not whole and ident in self.parts and self.parts[ident].out

    def was_out(self, ident: int) -> bool:
        """Whether any version of an id was ever in the feed, or anything of one, where that tells of nothing else.

        That a version was in it whole rests on no other version; of which one a rendition was made, on all.
        """
        rows = {row.n: row for row in self.rows[ident] if not row.theirs}
        of = {n: n for n, row in rows.items() if self._is_settled(row)}
        if ident not in self.unsettled and ident not in self._guessed:
            sql = f"select row, original from rendition where original in {_THESE}"
            of |= dict(self._connection.execute(sql, (json.dumps(list(rows)),)).fetchall())
        there = [Leaving(rows[of[n]], rows=(n,)) for n in self._in_feed(list(of))]
        return any(self._once_let_out(one, labels=False) for one in there)

    def _is_settled(self, row: Held) -> bool:
        """Whether the asker sees all of a row, and of what it rests on."""
        if row.n in self._sight.mentioning or not self._sight.entire(row):
            return False
        return not any(t in self.unsettled or t in self._guessed for t in self._targets.get(row.n, ()))

    def waits_for(self, one: Leaving) -> str | None:
        """The first id by its letters that something is not out without."""
        missing = [target for target in one.targets if not self._is_there(one, target)]
        sql = f"select id from ident where n in {_THESE}"
        return min((id for (id,) in self._connection.execute(sql, (json.dumps(missing),))), default=None)

    def proposed_by(self, one: Leaving) -> Rule | None:
        """The rule that asks people to let it leave, the one that asks for the most."""
        rules = sorted(self._rules_that("propose"), key=lambda rule: rule.terms.approvers)
        fitting = [rule for rule in rules if _is_for(rule, one) and self._fitting(rule, [one])]
        return fitting[-1] if fitting else None

    def about(self, rule: Rule, several: Sequence[Leaving]) -> list[Leaving]:
        """What of this a rule is about, whether or not it counts."""
        return self._fitting(rule, [one for one in several if _is_for(rule, one)])

    def may_leave(self, one: Leaving) -> bool:
        """Whether what it refers to lets it leave, too, as soon as somebody says so."""
        return one.made is not None or self.plan.form_of(one.row) is Form.WHOLE

    @cached_property
    def unsettled(self) -> set[int]:
        """Ids of which the asker knows not to see all, and whatever leads to one or to an id in a text: there may be more to it."""
        sight = self._sight
        return self._leading_to(
            ident
            for ident, rows in self.rows.items()
            if not rows or any(row.n in sight.mentioning or sight.cut(row) for row in rows)
        )

    @cached_property
    def _guessed(self) -> set[int]:
        """Ids of which the asker does not know that they do not see all, and whatever leads to one: they stay as if it were all."""
        return self._leading_to(
            ident for ident, rows in self.rows.items() if not all(self._sight.entire(row) for row in rows)
        )

    def _leading_to(self, idents: Iterable[int]) -> set[int]:
        found = set(idents)
        of = {row.n: ident for ident, rows in self.rows.items() for row in rows}
        referrers: dict[int, set[int]] = defaultdict(set)
        for n, targets in self._targets.items():
            for target in targets:
                referrers[target].add(of[n])
        frontier = list(found)
        while frontier:
            more = referrers[frontier.pop()] - found
            found |= more
            frontier += more
        return found

    def _load(self, asked: set[int]) -> None:
        frontier = asked
        while frontier:
            self.rows |= {ident: [] for ident in frontier}
            rows = self._sight.rows(frontier)
            for row in rows:
                self.rows[row.ident].append(row)
            found = self._sight.references([row.n for row in rows])
            self._targets |= found
            frontier = {target for targets in found.values() for target in targets} - self.rows.keys()

    def _in_part(self) -> dict[int, Leaving]:
        """By ident, the rendition of each id that leaves in part."""
        made = self._store.maker.make(self.plan, [row.ident for row in self.plan.in_part()])
        of = {str(one.data["id"]): ident for ident, one in made.items()}
        stored = self._stored(made)
        found = {}
        for ident, one in made.items():
            ours = {str(definition["id"]) for definition in one.definitions}
            named = {target for path, target in edges(one.data) if path != "created_by_ref"}
            named |= {target for _, target in marking_refs(one.data) if target not in BUILTIN and target not in ours}
            targets = {of[target] for target in named & of.keys()}
            targets |= set(self._sight.idents(named - of.keys()).values())
            rows = stored.get(ident, [])
            digest = rows[0][1] if rows else _digest(one.raw)
            same = tuple(n for n, known in rows if known == digest)
            found[ident] = Leaving(one.original, targets, one, digest, same)
        return found

    def _stored(self, made: dict[int, Made]) -> dict[int, list[tuple[int, bytes]]]:
        """By ident, rows of what would be made of it now, whenever that was, with their digests; what is sent first.

        Those before a last version, that named what took their place, are not sent again.
        """
        of = {str(one.data["id"]): ident for ident, one in made.items()}
        sql = (
            "select i.id, o.n, b.raw, p.whole from ident i join object o on o.ident=i.n join body b on b.n=o.n "
            f"left join part p on p.recipient=? and p.row=o.n where i.space=0 and o.hidden={_RENDITION} "
            "and i.id in (select atom from json_each(?)) order by o.version desc, o.n desc"
        )
        found: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        over: set[int] = set()
        for id, n, raw, whole in self._connection.execute(sql, (self._recipient.n, json.dumps(sorted(of)))):
            ident, data = of[id], msgspec.json.decode(raw)
            if data.get("revoked") and "successor" in data["extensions"].get(RENDITION_EXTENSION, {}):
                over.add(ident)
            elif ident not in over and {**data, "modified": 0} == {**made[ident].data, "modified": 0}:
                at = 0 if whole == made[ident].original.whole_label else len(found[ident])
                found[ident].insert(at, (n, _digest(raw)))
        return found

    def _held(self) -> dict[int, tuple[str, str, int]]:
        """By ident, who holds it back, how and since when. What a machine holds until somebody looks is nobody's to see."""
        sql = f"select ident, person, act, at from hold where recipient=? and act in ('stopped','withdrawn') and ident in {_THESE}"
        rows = self._connection.execute(sql, (self._recipient.n, json.dumps(list(self.rows))))
        return {ident: (person, act, at) for ident, person, act, at in rows}

    def _ask_people(self) -> None:
        """Who approved each of these as it is seen now; as many as it asks for let it out."""
        entire = [n for n, one in self.whole.items() if self._sight.entire(one.row)]
        for n, (people, asked) in self._gate.approvals(entire).items():
            self.whole[n].people, self.whole[n].asked = people, asked
        cut = [one for one in self.whole.values() if not self._sight.entire(one.row)]
        for n, digest in self._sight.digests([one.row for one in cut]).items():
            self.whole[n].digest = digest
        self._ask_people_of([*cut, *self.parts.values()])
        for one in self._all():
            one.asked = max(one.asked, asked_by(self._store.settings, classifications(self._label(one))))
            one.now = len(one.people) >= one.asked

    def _ask_people_of(self, several: Sequence[Leaving]) -> None:
        """Of what no row states as it is seen: an approval of other bytes, which lets those out, is none of these."""
        sql = (
            "select object, person, asked, digest, label from approval where recipient=? and voided is null "
            f"and object in {_THESE} order by n"
        )
        values = (self._recipient.n, json.dumps([n for one in several for n in one.rows]))
        words: dict[int, list[Any]] = defaultdict(list)
        for n, *word in self._connection.execute(sql, values):
            words[n].append(word)
        for one in several:
            for person, asked, digest, label in (word for n in one.rows for word in words[n]):
                if (bytes(digest), label) == (one.digest, one.row.whole_label) and person in self._releasers:
                    one.people = one.people if person in one.people else [*one.people, person]
                    one.asked = max(one.asked, asked)

    def _ask_rules(self) -> None:
        """What rules let out now, however many in an hour; of what is held back, nothing."""
        for rule in self._rules_that("send"):
            rest = [one for one in self._all() if not one.now and _is_for(rule, one)]
            for one in self._fitting(rule, rest):
                one.now = True
        for one in self._all():
            one.now = one.now and one.row.ident not in self.held

    def _ask_the_feed(self) -> None:
        """What is in the feed though nothing lets it out any more, where that tells of nothing else."""
        rest = [
            one
            for one in self._all()
            if not one.now and one.row.ident not in self.held and one.row.ident not in self.unsettled
        ]
        there = self._in_feed([n for one in rest for n in one.rows])
        for one in rest:
            guessed = one.row.ident in self._guessed
            one.left = (guessed or any(there.get(n) for n in one.rows)) and self._once_let_out(one, surely=guessed)

    def _settle(self) -> None:
        """Of what is let out, take back whatever refers to something that is not, in whatever order: the same is left."""
        needed_by: dict[int, list[Leaving]] = defaultdict(list)
        for one in self._all():
            one.out = one.now or one.left
            for target in one.targets:
                needed_by[target].append(one)
        looked_at = list(self._all())
        while looked_at:
            one = looked_at.pop()
            if one.out and not all(self._is_there(one, target) for target in one.targets):
                one.out = False
                looked_at += needed_by[one.row.ident]

    def _is_there(self, one: Leaving, target: int) -> bool:
        return self.is_out(target, whole=one.made is None)

    def _all(self) -> Iterator[Leaving]:
        yield from self.whole.values()
        yield from self.parts.values()

    def _in_feed(self, rows: Sequence[int]) -> dict[int, bool]:
        """Of these rows, those that were ever in the feed, and whether they are.

        What a scan took out again counts as being there: that it did rests on what the asker may not see.
        """
        sql = (
            "select f.object, max(f.live) from json_each(?) j cross join object o on o.n=j.value cross join feed f "
            "indexed by feed_ident on f.ident=o.ident and f.object=o.n where f.recipient=? group by f.object"
        )
        these = (json.dumps(list(rows)), self._recipient.n)
        found = self._connection.execute(sql, these).fetchall() if rows else []
        return {n: bool(live) for n, live in found} | dict.fromkeys(self._gate.waiting(rows), True)

    def _once_let_out(self, one: Leaving, *, labels: bool = True, surely: bool = False) -> bool:
        """Whether people, or a rule without an hourly number, let it out at some time; without `labels`, under whatever label.

        When a rule ended at the moment that something came in, it did not `surely`.
        """
        sql = (
            "select 1 from approval where recipient=? and (voided is null or reason='restored' or ?=0) and (label=? or ?=0) "
            f"and object in {_THESE} group by object, digest, label having count(distinct person)>=max(asked) limit 1"
        )
        values = (self._recipient.n, int(labels), one.row.whole_label, int(labels), json.dumps(list(one.rows)))
        if self._connection.execute(sql, values).fetchone() is not None:
            return True
        (added,) = self._connection.execute("select added from object where n=?", (one.row.n,)).fetchone()
        return any(
            self._fitting(rule if labels else _of_any_label(rule), [one])
            for rule in self._granted
            if _until(rule) >= added + surely and _is_for(rule, one)
        )

    @cached_property
    def _granted(self) -> list[Rule]:
        """Rules, and older versions of them, that ever let something out to the partner, however much in an hour."""
        sql = "select rule from approval where rule is not null group by rule having count(distinct person)>=max(asked)"
        granted = {n for (n,) in self._connection.execute(sql)}
        return [
            rule
            for rule in self._rules
            if rule.terms.act == "send"
            and rule.terms.hourly is None
            and (rule.granted is not None or rule.number in granted or rule.made_by == MAKER)
        ]

    @cached_property
    def _releasers(self) -> frozenset[str]:
        rows = self._connection.execute("select name, roles from person where removed is null")
        return frozenset(name for name, roles in rows if "releaser" in msgspec.json.decode(roles))

    def _rules_that(self, act: str) -> list[Rule]:
        return [rule for rule in self._counting if rule.terms.act == act]

    def _fitting(self, rule: Rule, several: Sequence[Leaving]) -> list[Leaving]:
        """What of this a rule is about, as far as the asker sees."""
        stated = {id(one) for one in several if one.made is None and self._sight.entire(one.row)}
        about = self._gate.about(rule, [one.row.n for one in several if id(one) in stated]) if stated else set()
        return [
            one
            for one in several
            if (one.row.n in about if id(one) in stated else self._fits(rule, self._said(one), one))
        ]

    def _fits(self, rule: Rule, said: Json, one: Leaving) -> bool:
        """As `Gate` asks of a row, of something that no row states as it is seen."""
        terms, labels = rule.terms, said.get("labels")
        tags = {tag for tag in labels if isinstance(tag, str)} if isinstance(labels, list) else set()
        confidence = said.get("confidence")
        return (
            (not terms.types or type_of(one.row.id) in terms.types)
            and (not terms.areas or self._sight.area(one.row) in terms.areas)
            and (not terms.labels or classifications(self._label(one)) <= set(terms.labels))
            and (not terms.sources or self._store.source_of(self._connection, one.row.source) in terms.sources)
            and (terms.confidence is None or (isinstance(confidence, int) and confidence >= terms.confidence))
            and (not terms.tags or not tags.isdisjoint(terms.tags))
            and (terms.query is None or (_is_entire(one) and self._sight.holds(one.row, terms.query)))
        )

    def _said(self, one: Leaving) -> Json:
        return self._sight.read(one.row)[0] if one.made is None else one.made.data

    def _label(self, one: Leaving) -> Label:
        return self._sight.label(one.row) if one.made is None else one.made.label


def _is_entire(one: Leaving) -> bool:
    return one.made is None or one.made.entire


def _is_for(rule: Rule, one: Leaving) -> bool:
    """Whether a rule is about what leaves so: only some are about what is cut."""
    return rule.terms.parts or _is_entire(one)


def _until(rule: Rule) -> int:
    """When a rule let nothing out any more."""
    return min(moment for moment in (rule.ended, rule.stopped, rule.terms.ends, 2**62) if moment is not None)


def _of_any_label(rule: Rule) -> Rule:
    # Under a number of its own: what fits a rule is remembered by that.
    return msgspec.structs.replace(rule, number=-1 - rule.number, terms=msgspec.structs.replace(rule.terms, labels=()))


def _digest(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()
