"""The release plan for one partner: as much as may leave, whole or in part, while every reference that stays leads somewhere.

What an object becomes rests on what it refers to. All begin as high as their labels allow; what falls takes its referrers down with
it, round by round, and nothing rises, so there is an end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Any

import msgspec

from kizuna.labels import WHOLE_OR_NOT, Form, Label, Marked, Reason, Rendered, render
from kizuna.stix import edges
from kizuna.store.outgoing import Ground, Held

_FEW_TARGETS = 16
_NOTHING = Rendered(None)
KEPT = 20_000
"""Rows of which it is kept what may leave of them."""


class Verdict(msgspec.Struct, frozen=True):
    """How an object leaves for one partner, and why not whole.

    `redacted` are properties of which something is cut; `cascade` is how many others that were asked for do not leave whole since this
    one does not, though their labels would let them.
    """

    id: str
    form: Form
    reasons: tuple[Reason, ...]
    redacted: tuple[str, ...] = ()
    cascade: int = 0


def verdicts(outgoing: Ground, ids: Iterable[str]) -> list[Verdict]:
    """A verdict for each of these ids that this node holds, in their order: of its newest version."""
    wanted = list(dict.fromkeys(ids))
    idents = outgoing.idents(wanted)
    made = Plan(outgoing, idents.values())
    return [verdict for id in wanted if id in idents and (verdict := made.verdict(id, idents[id])) is not None]


class Plan:
    """The plan of all that some ids rest on."""

    def __init__(self, outgoing: Ground, asked: Iterable[int]) -> None:
        self._outgoing = outgoing
        self._asked = set(asked)
        self._rows: dict[int, list[Held]] = {}
        self._targets: dict[int, list[int]] = {}
        self._referrers: dict[int, set[int]] = defaultdict(set)
        self._theirs: set[int] = set()
        self._stored: set[int] = set()
        self._by_id: dict[str, int | None] = {}
        self._load(self._asked)
        self._held = {row.n: row for rows in self._rows.values() for row in rows}
        self._form = {row.n: Form.WHOLE if row.whole else Form(row.part) for row in self._held.values()}
        self._rendered: dict[int, Rendered] = {}
        self._kept: dict[int, tuple[dict[str, Any], Marked, Rendered]] = {}  # as they were looked at last
        self._makers: dict[int, int | None] = {}  # by row, who made it, where nothing else in it refers to them
        self._settle()
        self.entire: set[int] = self._entire() if outgoing.restates else set()
        """Ids that leave as renditions of which nothing is cut, nor of what they refer to."""

    def _load(self, asked: Iterable[int]) -> None:
        """Everything that what is asked for rests on."""
        frontier = set(asked)
        while frontier:
            found: dict[int, list[Held]] = {ident: [] for ident in frontier}
            for row in self._outgoing.rows(frontier):
                self._by_id[row.id] = row.ident
                self._stored.add(row.ident)
                if row.theirs:
                    self._theirs.add(row.ident)
                elif not row.hidden:
                    found[row.ident].append(row)
            self._rows |= found
            references = self._outgoing.references([r.n for rows in found.values() for r in rows if r.whole or r.part])
            self._targets |= references
            frontier = set()
            for n, targets in references.items():
                for target in targets:
                    self._referrers[target].add(n)
                frontier.update(targets)
            frontier -= self._rows.keys()

    def _settle(self) -> None:
        """Take every row as far down as what it refers to does; in rounds, so that the order of rows decides nothing.

        A row that refers to much is looked at again when half of that fell, or when nothing else is left to look at: else a chain
        that falls link by link would have it looked at for each.
        """
        looked_at = {n for n, form in self._form.items() if form}
        fallen_of: dict[int, int] = defaultdict(int)
        later: set[int] = set()
        while looked_at or later:
            if not looked_at:
                looked_at, later = later, set()
            now = {n: min(self._form[n], self._now(self._held[n])) for n in looked_at}
            later -= now.keys()
            for n in now:
                fallen_of[n] = 0
            touched = {self._held[n].ident for n, form in now.items() if form < self._form[n]}
            before = {ident: self._of(ident) for ident in touched}
            self._form |= now
            looked_at = set()
            for ident in touched:
                if self._of(ident) < before[ident]:
                    for n in self._referrers[ident]:
                        fallen_of[n] += 1
                        few = len(self._targets[n]) <= _FEW_TARGETS or 2 * fallen_of[n] >= len(self._targets[n])
                        if self._form[n]:
                            (looked_at if few else later).add(n)
            later -= looked_at

    def _now(self, row: Held) -> Form:
        if row.whole and all(self._of(target) is Form.WHOLE for target in self._targets.get(row.n, ())):
            return Form.WHOLE
        data, marked = self._outgoing.read(row)
        made = self._render(row, data, marked)
        self._rendered[row.n] = Rendered(None, made.cut, made.withheld, made.entire)
        if made.entire and self.restates and (maker := _only_made_by(data)) is not None:
            self._makers[row.n] = self._outgoing.idents([maker]).get(maker)
        if row.n in self._kept or len(self._kept) < KEPT:  # more might fill the memory
            self._kept[row.n] = (data, marked, made)
        return Form.WITHHELD if made.data is None else Form.RENDITION

    def _entire(self) -> set[int]:
        """The greatest set of ids that leave as they are but for their labels, and refer to nothing that leaves otherwise."""
        rows = {row.ident: row for row in self.in_part() if row.whole or row.restated}
        found = {ident for ident, row in rows.items() if self._rendered.get(row.n, _NOTHING).entire}
        looked_at = set(found)
        while looked_at:
            fallen = {
                ident
                for ident in looked_at
                if not all(self._stays(rows[ident], target, found) for target in self._targets.get(rows[ident].n, ()))
            }
            found -= fallen
            referrers = {self._held[n].ident for ident in fallen for n in self._referrers[ident] if n in self._held}
            looked_at = referrers & found
        return found

    def _stays(self, row: Held, target: int, entire: set[int]) -> bool:
        """Whether what a row refers to is told by a rendition of it, entire as well.

        Who made it is not, since a rendition is this node's: that is no loss where it could not be told in any other way.
        """
        if target in entire or self._of(target) is Form.WHOLE:
            return True
        return self._makers.get(row.n) == target and (row.restated or any(one.restated for one in self._rows[target]))

    @property
    def restates(self) -> bool:
        """Whether what states less than its label leaves as a rendition that states it."""
        return self._outgoing.restates

    def stated(self, row: Held, marked: Marked) -> Label:
        """The label that a rendition of a row states: the object's, and those of its parts where its bytes do not."""
        if not marked.granular or not self.restates or self._outgoing.states_parts(row):
            return marked.label
        return self.remaining(row, marked)

    def remaining(self, row: Held, marked: Marked) -> Label:
        """The label of all that the partner may have of a row."""
        marks = tuple((selector, label) for selector, label in marked.granular if self.allows(label, row))
        return Marked(marked.label, marks).whole

    def _of(self, ident: int) -> Form:
        """How an id leaves: as the best of its rows, and whole where the partner brought it."""
        if ident in self._theirs:
            return Form.WHOLE
        return max((self._form[row.n] for row in self._rows.get(ident, ())), default=Form.WITHHELD)

    def standing(self, id: str) -> Form | None:
        """How the object of an id leaves; None when this node holds nothing of it."""
        if id not in self._by_id:
            self._by_id[id] = self._outgoing.idents([id]).get(id)
        ident = self._by_id[id]
        return None if ident is None or ident not in self._stored else self._of(ident)

    def allows(self, label: Label, row: Held) -> bool:
        """Whether the partner may have a part of a row that has this label."""
        return self._outgoing.allows(label, row)

    def rendered(self, row: Held) -> tuple[dict[str, Any], Marked, Rendered]:
        """A row, the labels of its parts, and what may leave of it, given what all it refers to leaves as."""
        if (kept := self._kept.get(row.n)) is not None:
            return kept
        data, marked = self._outgoing.read(row)
        return data, marked, self._render(row, data, marked)

    def _render(self, row: Held, data: dict[str, Any], marked: Marked) -> Rendered:
        if row.restated and data["type"] in WHOLE_OR_NOT:
            return Rendered(None, (), "whole-or-not")
        return render(data, marked, lambda label: self._outgoing.allows(label, row), self.standing)

    def in_part(self) -> Iterator[Held]:
        """Of each id that leaves in part and not whole, the newest row that does."""
        return (row for ident in self._rows if (row := self.in_part_of(ident)) is not None)

    def in_part_of(self, ident: int) -> Held | None:
        """The newest row of an id that leaves in part; None where it leaves whole, or not at all."""
        if self._of(ident) is not Form.RENDITION:
            return None
        rows = [row for row in self._rows.get(ident, ()) if self._form[row.n] is Form.RENDITION]
        return max(rows, key=self._age)

    def older_in_part(self, newest: Held) -> list[Held]:
        """The rows of its id before it that leave in part, too, newest first, as far as no other stands between."""
        rows = sorted((row for row in self._rows[newest.ident] if self._age(row) < self._age(newest)), key=self._age)
        return list(takewhile(lambda row: self._form[row.n] is Form.RENDITION, reversed(rows)))

    def form_of(self, row: Held) -> Form:
        """How a row that was looked at leaves."""
        return self._form[row.n]

    def whole_of(self, ident: int) -> Held | None:
        """The newest row of an id that leaves whole."""
        rows = [row for row in self._rows.get(ident, ()) if self._form[row.n] is Form.WHOLE]
        return max(rows, key=self._age, default=None)

    @staticmethod
    def _age(row: Held) -> tuple[bool, int, int]:
        return row.version is not None, row.version or 0, -row.n

    def verdict(self, id: str, ident: int) -> Verdict | None:
        """Of the newest version; None where nothing is held."""
        if not self._rows.get(ident):
            return Verdict(id, Form.WHOLE, (Reason("brought-by-partner"),)) if ident in self._theirs else None
        row = self._newest(ident)
        form = self._form[row.n]
        if form is Form.WHOLE:
            states = self.restates or self._outgoing.states(row)
            unstated = () if states else (Reason("label-not-stated"),)
            return Verdict(id, form, (Reason("allowed"), *unstated))
        made = self._rendered.get(row.n, Rendered(None))
        cut = made.cut if form is Form.RENDITION else ()
        return Verdict(id, form, tuple(self._reasons(row, made)), cut, self._cascade(ident))

    def _newest(self, ident: int) -> Held:
        return max(
            self._rows[ident], key=lambda one: (one.version is not None, one.version or 0, self._form[one.n], -one.n)
        )

    def _reasons(self, row: Held, made: Rendered) -> Iterable[Reason]:
        if row.restated:
            yield Reason("unstated")
        elif not row.whole:
            yield from self._outgoing.why_not(row, whole=row.part)
        if row.part or row.whole:
            fallen = [target for target in self._targets.get(row.n, ()) if self._of(target) is not Form.WHOLE]
            withheld = sum(self._of(target) is Form.WITHHELD for target in fallen)
            if withheld:
                yield Reason("refers-to-withheld", (str(withheld),))
            if len(fallen) > withheld:
                yield Reason("refers-to-renditions", (str(len(fallen) - withheld),))
            if made.withheld is not None:
                yield Reason(made.withheld)
        if self._of(row.ident) is Form.WHOLE:
            yield Reason("brought-by-partner" if row.ident in self._theirs else "older-version-whole")

    def _cascade(self, ident: int) -> int:
        """How many other ids asked for its own label lets leave whole, and this one takes down, by whatever way."""
        seen, frontier = {ident}, [ident]
        while frontier:
            one = frontier.pop()
            if self._of(one) is Form.WHOLE:  # by another version, so it takes nothing down
                continue
            for n in self._referrers[one]:
                row = self._held[n]
                if (
                    row.ident not in seen
                    and (row.whole or row.restated)
                    and self._form[n] is not Form.WHOLE
                    and row is self._newest(row.ident)
                ):
                    seen.add(row.ident)
                    frontier.append(row.ident)
        return len((seen - {ident}) & self._asked)


def _only_made_by(data: dict[str, Any]) -> str | None:
    """Who made an object, where it refers to them nowhere else."""
    maker = data.get("created_by_ref")
    if not isinstance(maker, str) or any(target == maker and path != "created_by_ref" for path, target in edges(data)):
        return None
    return maker
