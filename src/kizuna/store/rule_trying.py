"""A rule tried before it is made: what it would be about as far as somebody sees, and what of that would leave to whom.

Nothing is stored, and nothing is asked of what the asker does not see: hidden and absent are the same here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from kizuna.labels import Label, Principal
from kizuna.store.model import Count
from kizuna.store.seen_outbox import SeenOutbox
from kizuna.store.standing import Named, Rule, classifications

if TYPE_CHECKING:
    from kizuna.store.model import Stored
    from kizuna.store.store import Store
    from kizuna.store.view import View

AT_A_TIME = 200
LOOKED_AT = 100_000
"""Objects that are looked at for one trial, the newest first."""
PATIENCE = 10.0
"""Seconds after which no more objects are looked at, and again after which no more of them is worked out for partners."""
_UNMADE = 0  # a number that no rule has

T = TypeVar("T")
Form = Literal["whole", "rendition"]


class Fitting(msgspec.Struct, frozen=True, kw_only=True):
    """An object that a rule is about: the label of all that the asker sees of it, and in which form each partner would get it."""

    id: str
    type: str
    label: Label
    gets: dict[str, Form]


class Leaving(msgspec.Struct, frozen=True):
    """How many objects would leave to a partner whole, in part, and not."""

    whole: int
    part: int
    withheld: int


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule would be about now.

    `looked` objects were looked at, all there are when it is `whole`; the rule is about `objects` of them, counted by type and label;
    `first` are the newest. What would leave was worked out for the newest `worked` of these.
    """

    objects: int
    looked: int
    whole: bool
    worked: int
    types: list[Count[str]]
    labels: list[Count[Label]]
    first: list[Fitting]
    partners: dict[str, Leaving]


def try_rule(store: Store, named: Named, principal: Principal, *, first: int = 50) -> Tried:
    """What a rule would be about and let leave, or propose, as far as somebody sees. Raises NodeBusy."""
    store.settle()
    trial = _Trial(store, named, principal)
    with store.database.snapshot():
        looked, whole = trial.look()
        worked = trial.work()
    return Tried(
        objects=len(trial.about),
        looked=looked,
        whole=whole,
        worked=worked,
        types=_most_first(Counter(type for type, _ in trial.about.values())),
        labels=_most_first(Counter(label for _, label in trial.about.values())),
        first=[
            Fitting(id=id, type=type, label=label, gets={name: gets[id] for name, gets in trial.gets.items() if id in gets})
            for id, (type, label) in list(trial.about.items())[:first]
        ],
        partners={name: trial.counted(name, worked) for name in trial.gets},
    )  # fmt: skip


class _Trial:
    """One rule, one moment, as one principal sees it."""

    def __init__(self, store: Store, named: Named, principal: Principal) -> None:
        self._store, self._terms, self._principal = store, named.terms, principal
        self._view: View = store.view(principal)
        self._rule = Rule(
            number=_UNMADE, name=named.name, version=0, terms=named.terms, made=0, made_by="", granted=None, stopped=None, ended=None
        )  # fmt: skip
        self.about: dict[str, tuple[str, Label]] = {}
        """By id, type and label of what the rule is about as it is seen, newest first."""
        self._others: list[tuple[int, str]] = []  # of which a part may fit, each with how many stand before it
        self.gets: dict[str, dict[str, Form]] = {
            partner.name: {} for partner in store.partners() if self._rule.is_for(partner.name)
        }

    def look(self) -> tuple[int, bool]:
        """Find what the rule is about; gives how many objects were looked at, and whether these were all."""
        began, looked, cursor = monotonic(), 0, None
        terms = self._terms
        while True:
            found = self._view.search(terms.query, types=terms.types, limit=AT_A_TIME, cursor=cursor)
            for stored in found.items:
                self._take(stored)
            looked, cursor = looked + len(found.items), found.cursor
            if cursor is None:
                return looked, True
            if looked >= LOOKED_AT or monotonic() - began > PATIENCE:
                return looked, False

    def _take(self, stored: Stored) -> None:
        terms = self._terms
        if (terms.areas and stored.area not in terms.areas) or (terms.sources and stored.source not in terms.sources):
            return
        label = self._view.whole_label(stored.id) or stored.label
        if (not terms.labels or classifications(label) <= set(terms.labels)) and self._says(stored):
            self.about[stored.id] = (stored.type, label)
        elif terms.parts:
            self._others.append((len(self.about), stored.id))

    def _says(self, stored: Stored) -> bool:
        """Whether the object itself says what is asked of it."""
        terms = self._terms
        if terms.confidence is None and not terms.tags:
            return True
        data = msgspec.json.decode(stored.raw)
        confidence, tags = data.get("confidence"), data.get("labels")
        if terms.confidence is not None and not (isinstance(confidence, int) and confidence >= terms.confidence):
            return False
        said = {tag for tag in tags if isinstance(tag, str)} if isinstance(tags, list) else set()
        return not terms.tags or not said.isdisjoint(terms.tags)

    def work(self) -> int:
        """Work out what would leave to each partner; gives for how many objects, the newest first."""
        began, worked = monotonic(), 0
        reader = self._store.database.read()
        recipients = [one for one in self._store.recipients(reader) if one.partner.name in self.gets]
        for ids, done in self._some():
            for recipient in recipients:
                outbox = SeenOutbox(self._store, reader, recipient, self._principal)
                self.gets[recipient.partner.name] |= outbox.fitting(self._rule, ids)
            worked = done
            if monotonic() - began > PATIENCE:
                break
        return worked

    def _some(self) -> Iterator[tuple[list[str], int]]:
        """Ids, some at a time, each time with how many of those that fit are then done."""
        fitting, others = list(self.about), iter(self._others)
        waits = next(others, None)
        for start in range(0, max(len(fitting), 1), AT_A_TIME):
            end = min(start + AT_A_TIME, len(fitting))
            some = fitting[start:end]
            while waits is not None and (waits[0] <= end or end == len(fitting)):
                some.append(waits[1])
                waits = next(others, None)
                if len(some) >= 2 * AT_A_TIME:
                    yield some, start
                    some = []
            yield some, end

    def counted(self, partner: str, worked: int) -> Leaving:
        """Of those that were worked out, how many would leave to a partner."""
        gets = self.gets[partner]
        forms = Counter(gets.values())
        leaving = sum(id in gets for id in list(self.about)[:worked])
        return Leaving(forms["whole"], forms["rendition"], worked - leaving)


def _most_first(counted: Counter[T]) -> list[Count[T]]:
    return [Count(value, count) for value, count in sorted(counted.items(), key=lambda one: (-one[1], str(one[0])))]
