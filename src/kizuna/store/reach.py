"""What is out to a partner as far as one of one's own people sees: let out by a word, and so is everything it refers to.

What a feed holds rests on what the asker may not see, too: a row waits where its text names a hidden id, an hourly number is spent by
others, a rendition is made of hidden parts. So whether something is out is worked out here from the asker's view, the rules and what
people said. The feed itself is asked in one case only: no word lets a row out any more, but one did, and it stays. There it must not
tell of anything else, so the row counts only where all that it rests on is seen whole and mentions no ids in texts, and where a rule
without an hourly number, or people, let it out once.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.labels import Label, Principal, redact
from kizuna.stix import BUILTIN, edges, marking_refs
from kizuna.store.database import Connection
from kizuna.store.gate import Gate
from kizuna.store.outgoing import Held, Outgoing, SeenOutgoing
from kizuna.store.plan import Plan
from kizuna.store.recipients import Recipient
from kizuna.store.renditions import Made
from kizuna.store.standing import Rule, asked_by, classifications, every_rule
from kizuna.store.words import phrases

if TYPE_CHECKING:
    from kizuna.store.store import Store

Json = dict[str, Any]
_THESE = "(select value from json_each(?))"
_RENDITION = 2  # `hidden` of a row that is one
_RESTORED = "restored"  # why an approval is void that let something leave before


class Sight(SeenOutgoing):
    """What is held as the asker sees it, with what an outbox asks of it besides. References are read once."""

    def __init__(self, store: Store, connection: Connection, partner: str, asker: Principal) -> None:
        super().__init__(store, connection, partner, asker)
        self._known: dict[int, list[int]] = {}
        self.mentioning: set[int] = set()
        """Rows whose text holds an id, of those whose references were asked for."""

    def references(self, rows: Sequence[int]) -> dict[int, list[int]]:
        """As of any plan."""
        fresh = [n for n in rows if n not in self._known]
        if fresh:
            found = super().references(fresh)
            self._known |= {n: found.get(n, []) for n in fresh}
        return {n: targets for n in rows if (targets := self._known[n])}

    def _stored(self, rows: Sequence[int]) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
        named, mentioned = super()._stored(rows)
        self.mentioning |= mentioned.keys()
        return named, mentioned

    def entire(self, row: Held) -> bool:
        """Whether the asker sees all of a row."""
        return row.n not in self._parts

    def label(self, row: Held) -> Label:
        """The label of all that the asker sees of a row."""
        return self._label_of(row, whole=True)

    def area(self, row: Held) -> str | None:
        """The programme area that a row serves."""
        return self._area(row)

    def cut(self, row: Held) -> tuple[str, ...]:
        """Properties of which the asker is told that something is missing."""
        return () if self.entire(row) else redact(*Outgoing.read(self, row), self._sees).cut

    def digests(self, rows: Sequence[Held]) -> dict[int, bytes]:
        """By row, the SHA-256 of its bytes as the asker is shown them."""
        entire = json.dumps([row.n for row in rows if self.entire(row)])
        sql = f"select n, raw from body where n in {_THESE}"
        found = {n: _digest(raw) for n, raw in self._connection.stream(sql, (entire,), at_once=64)}
        return found | {row.n: _digest(msgspec.json.encode(self.read(row)[0])) for row in rows if not self.entire(row)}

    def speaks(self, row: Held, query: str) -> bool:
        """Whether what the asker sees of a row holds all words of a query, as the search finds them."""
        among = f"object=? and {self._store.mask(self._asker).sql(self._connection, 'label')}"
        first, last = self._connection.execute(f"select min(n), max(n) from doc where {among}", (row.n,)).fetchone()
        words = phrases(query)
        if first is None or not words:
            return False
        found = self._connection.full_text.numbers(self._connection, words, first - 1, last)
        sql = f"select 1 from doc where n in {_THESE} and {among} limit 1"
        return self._connection.execute(sql, (f"[{found or ''}]", row.n)).fetchone() is not None


class Leaving(msgspec.Struct):
    """A row that its label lets leave whole, or the rendition `made` of what does in part; `stored` are rows of its very bytes.

    `people` approved it as it is seen now, of the `asked` ones; `now` is whether they or a rule let it out now, `left` whether one did
    before and it stays. `out`: it is let out, and so is what it refers to.
    """

    row: Held
    made: Made | None = None
    targets: Collection[int] = ()
    digest: bytes = b""
    stored: tuple[int, ...] = ()
    people: list[str] = []
    asked: int = 1
    now: bool = False
    left: bool = False
    out: bool = False


class _Stated(NamedTuple):
    """What rules ask of something that no row states as it is seen."""

    row: Held
    label: Label
    data: Json


class Reach:
    """What some ids, and all they rest on, are to a partner at one moment."""

    def __init__(
        self, store: Store, connection: Connection, recipient: Recipient, sight: Sight, idents: Iterable[int], at: int
    ) -> None:
        self._store = store
        self._connection = connection
        self._recipient = recipient
        self._sight = sight
        self._at = at
        self.rows: dict[int, list[Held]] = {}
        self._targets: dict[int, list[int]] = {}
        asked = set(idents)
        self._load(asked)
        self.plan = Plan(sight, asked)
        found = store.maker.make(sight, self.plan, [row.ident for row in self.plan.in_part()])
        self._every = every_rule(connection)
        of_partner = [rule for rule in self._every if rule.is_for(recipient.partner.name)]
        counting = [rule for rule in of_partner if rule.counts(at)]
        self._sending = [rule for rule in counting if rule.terms.act == "send"]
        self._proposing = sorted(
            (rule for rule in counting if rule.terms.act == "propose"), key=lambda rule: rule.terms.approvers
        )
        self._gate = Gate(store, connection, recipient, counting, at)
        self.whole = {
            row.n: Leaving(row, targets=self._targets.get(row.n, ()))
            for rows in self.rows.values()
            for row in rows
            if row.whole and not row.theirs
        }
        self.parts = self._parts(found)
        self._ask_people()
        self.held = self._held()
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
        """Whether the partner had it once and has not now, where that tells of nothing else."""
        rows = [row for row in self.rows.get(ident, ()) if not row.theirs and self._sight.entire(row)]
        there = self._in_feed([row.n for row in rows])
        self._sight.references([row.n for row in rows])  # of what its label withholds nothing asked before
        gone = [row for row in rows if row.n in there and not there[row.n]]
        return self.settled(ident) and any(self._accounted(Leaving(row), labels=False) for row in gone)

    def settled(self, ident: int) -> bool:
        """Whether nothing that the asker does not see has a part in whether it is out, apart from what rules count by the hour."""
        return ident not in self._unsettled and not any(
            row.n in self._sight.mentioning for row in self.rows.get(ident, ())
        )

    def waits_for(self, one: Leaving) -> str | None:
        """The first id by its letters that something is not out without."""
        missing = [ident for ident in one.targets if not self._has(one, ident)]
        sql = f"select min(id) from ident where n in {_THESE}"
        found = self._connection.execute(sql, (json.dumps(missing),)).fetchone() if missing else (None,)
        return None if found[0] is None else str(found[0])

    def proposed_by(self, one: Leaving) -> Rule | None:
        """The rule that asks people to let it leave, the one that asks for the most."""
        fitting = [rule for rule in self._proposing if (one.made is None or rule.terms.parts) and self._fits(rule, one)]
        return fitting[-1] if fitting else None

    def _load(self, asked: set[int]) -> None:
        frontier = asked
        while frontier:
            self.rows |= {ident: [] for ident in frontier}
            for row in self._sight.rows(frontier):
                self.rows[row.ident].append(row)
            leaving = [row.n for ident in frontier for row in self.rows[ident] if _may_leave(row)]
            found = self._sight.references(leaving)
            self._targets |= found
            frontier = {target for targets in found.values() for target in targets} - self.rows.keys()

    def _parts(self, made: dict[int, Made]) -> dict[int, Leaving]:
        of = {str(one.data["id"]): ident for ident, one in made.items()}
        stored = self._stored({str(one.data["id"]): one.data for one in made.values()}, made, of)
        found = {}
        for ident, one in made.items():
            ours = {str(definition["id"]) for definition in one.definitions}
            named = [target for path, target in edges(one.data) if path != "created_by_ref"]
            named += [target for _, target in marking_refs(one.data) if target not in BUILTIN and target not in ours]
            others = self._sight.idents({target for target in named if target not in of})
            targets = {of.get(target) or others[target] for target in named if target in of or target in others}
            rows = stored.get(str(one.data["id"]), [])
            digest = rows[0][1] if rows else _digest(one.raw)
            same = tuple(n for n, known in rows if known == digest)
            found[ident] = Leaving(one.original, one, targets, digest, same)
        return found

    def _stored(
        self, wanted: dict[str, Json], made: dict[int, Made], of: dict[str, int]
    ) -> dict[str, list[tuple[int, bytes]]]:
        """By the id of a rendition, the rows and digests of its bytes, when they changed last left aside; what is sent now first."""
        sql = (
            "select i.id, o.n, b.raw, p.whole from ident i join object o on o.ident=i.n join body b on b.n=o.n "
            f"left join part p on p.recipient={self._recipient.n:d} and p.row=o.n where i.space=0 and o.hidden={_RENDITION} "
            "and i.id in (select atom from json_each(?)) order by o.n desc"
        )
        found: dict[str, list[tuple[bool, int, bytes]]] = defaultdict(list)
        for id, n, raw, whole in self._connection.execute(sql, (json.dumps(sorted(wanted)),)):
            if {**msgspec.json.decode(raw), "modified": 0} == {**wanted[id], "modified": 0}:
                sent = whole is not None and whole == made[of[id]].original.whole_label
                found[id].append((not sent, n, _digest(raw)))
        return {id: [(n, digest) for _, n, digest in sorted(rows, key=lambda row: row[0])] for id, rows in found.items()}

    def _ask_people(self) -> None:
        """Who approved each of these as it is seen now."""
        entire = [n for n, one in self.whole.items() if self._sight.entire(one.row)]
        for n, (people, asked) in self._gate.approvals(entire).items():
            self.whole[n].people, self.whole[n].asked = people, asked
        cut = [one for one in self.whole.values() if not self._sight.entire(one.row)]
        for n, digest in self._sight.digests([one.row for one in cut]).items():
            self.whole[n].digest, self.whole[n].stored = digest, (n,)
        unstated = [*cut, *self.parts.values()]
        by_row = self._approvals([n for one in unstated for n in one.stored])
        for one in unstated:
            for person, asked, digest, label, voided in (word for n in one.stored for word in by_row[n]):
                if voided or digest != one.digest or label != one.row.whole_label or person not in self._releasers:
                    continue
                if person not in one.people:
                    one.people = [*one.people, person]
                one.asked = max(one.asked, asked)
        for one in (*self.whole.values(), *self.parts.values()):
            label = one.made.label if one.made is not None else self._sight.label(one.row)
            one.asked = max(one.asked, asked_by(self._store.settings, classifications(label)))
            one.now = len(one.people) >= one.asked

    def _approvals(self, rows: Sequence[int]) -> dict[int, list[tuple[str, int, bytes, int, bool]]]:
        """By row, what people said of it: who, of how many asked, of which bytes and label, and whether that is void; not by a restore."""
        sql = (
            "select object, person, asked, digest, label, voided is not null and reason is distinct from ? from approval "
            f"where recipient=? and object in {_THESE} order by n"
        )
        found: dict[int, list[tuple[str, int, bytes, int, bool]]] = defaultdict(list)
        values = (_RESTORED, self._recipient.n, json.dumps(list(rows)))
        for n, person, asked, digest, label, void in self._connection.execute(sql, values):
            found[n].append((person, asked, bytes(digest), label, bool(void)))
        return found

    @cached_property
    def _releasers(self) -> frozenset[str]:
        rows = self._connection.execute("select name, roles from person where removed is null")
        return frozenset(name for name, roles in rows if "releaser" in msgspec.json.decode(roles))

    def _held(self) -> dict[int, tuple[str, str, int]]:
        """What people hold back, by whom, how and since when. As many as were asked for may have let it go, without it being so."""
        sql = f"select ident, person, act, at from hold where recipient=? and act in ('stopped','withdrawn') and ident in {_THESE}"
        rows = self._connection.execute(sql, (self._recipient.n, json.dumps(list(self.rows)))).fetchall()
        found = {ident: (person, act, at) for ident, person, act, at in rows}
        if found:
            sql = (
                f"select o.ident from object o join approval a on a.object=o.n and a.recipient=? where o.ident in {_THESE} and "
                "a.voided is null group by o.ident, a.object, a.digest, a.label having count(distinct a.person)>=max(a.asked)"
            )
            parts = {n: ident for ident, one in self.parts.items() for n in one.stored}
            ...
        return found
