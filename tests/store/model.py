"""What a store ought to hold and to show, in plain Python: rows in a list, and everything worked out anew when it is asked for.

The words of labels are the product's own (`decide`, `join`), which have tests of laws of their own; what is modelled is what a store
does with them: versions and owners, what is hidden and destroyed, what waits for what, and who gets what in which order.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from kizuna.clock import from_text
from kizuna.errors import NotFound, Refused
from kizuna.labels import (
    Group,
    Label,
    Principal,
    addressed,
    decide,
    exceeds,
    format_label,
    join,
    join_all,
    memberships_of,
    parse_label,
    restricts,
)  # fmt: skip
from kizuna.store import Partner
from kizuna.store.areas import DEFAULT
from tests.builders import AMBER, CLEAR, GREEN, RED

OWN = "own"
LEVELS = {CLEAR: "TLP:CLEAR", GREEN: "TLP:GREEN", AMBER: "TLP:AMBER", RED: "TLP:RED"}

Key = tuple[str, int | str]
"""What a feed gives once: an id with its version, or with its content where it has none."""


class Brought(NamedTuple):
    """An object that comes in, and what the model knows of it: ids it refers to and ids that stand in its text."""

    data: dict[str, Any]
    references: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.data["id"])

    @property
    def version(self) -> int | None:
        """Its version in microseconds."""
        return from_text(self.data["modified"]) if "modified" in self.data else None

    @property
    def content(self) -> str:
        """Equal where the content is."""
        return json.dumps(self.data, sort_keys=True)


@dataclass(frozen=True)
class Row:
    """One stored version of one source."""

    n: int
    source: str
    brought: Brought
    label: Label
    whole: Label
    area: str
    hidden: bool = False
    relabelled: bool = False

    @property
    def id(self) -> str:
        """Its id."""
        return self.brought.id

    @property
    def key(self) -> Key:
        """What a feed knows it by."""
        return (self.id, self.brought.content if self.brought.version is None else self.brought.version)


@dataclass
class Model:
    """A node: what it holds, whom it knows, what was destroyed."""

    organisation: str
    country: str
    default: str
    rows: list[Row] = field(default_factory=list)
    partners: dict[str, Partner] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    purged: set[str] = field(default_factory=set)
    left: dict[str, set[str]] = field(default_factory=dict)
    """By partner, the ids that were ever in its feed; whoever tries the model keeps it (`note_left`)."""
    _last: int = 0

    def copy(self) -> Model:
        """The same, to try something on."""
        made = replace(
            self, rows=list(self.rows), partners=dict(self.partners), groups=dict(self.groups), purged=set(self.purged),
            left={name: set(ids) for name, ids in self.left.items()},
        )  # fmt: skip
        made._last = self._last
        return made

    # Acts

    def bring(self, source: str, brought: Iterable[Brought], area: str | None) -> list[str]:
        """What becomes of objects that come in together, all of them different ids."""
        return [self._bring(source, one, area) for one in brought]

    def _bring(self, source: str, new: Brought, area: str | None) -> str:
        if new.id in self.purged:
            return "failed"
        held = self._of(new.id)
        own_rows = [row for row in held if row.source == source]
        again = next((row for row in own_rows if row.brought.content == new.content), None)
        if again is not None:
            if again.hidden and source == OWN:
                self._replace(again, replace(again, hidden=False))
            return "unchanged"
        foreign = held and held[0].source != source and all(row.brought.content != new.content for row in held)
        if foreign and new.version is not None:  # an observable's id is the name of its value: anybody may observe it
            return "failed"
        if new.version is not None and any(row.brought.version == new.version for row in own_rows):
            return "failed"
        if new.version is not None and own_rows:
            newest = max(own_rows, key=lambda row: row.brought.version or 0).brought
            if newest.data.get("revoked") and new.version > (newest.version or 0):
                return "failed"
        self._last += 1
        label, whole = self._stated(source, new.data)
        sender = source.partition(":")[2]
        left = {name for name in self.partners if new.id in self.left.get(name, ())}
        if left if new.version is not None else sender in left:
            alike = [row for row in held if row.source != source and row.brought.version == new.version]
            alike = [row for row in alike if source != OWN or row.relabelled]
            before = [row.label if row.brought.content == new.content else row.whole for row in alike]
            if closed := [one for one in before if format_label(one) not in ("TLP:CLEAR", "PUBLIC")]:
                label = join_all((label, *closed))
                whole = self._whole(source, new.data, label)
        where = area or (held[-1].area if held else DEFAULT)
        self.rows.append(Row(self._last, source, new, label, whole, where))
        return "imported"

    def relabel(self, id: str, label: Label) -> None:
        """Another label for all there is of an id. Raises as the store does."""
        rows = self._shown(id)
        owned = any(row.source == OWN for row in rows)
        changed: list[tuple[Row, Row]] = []
        for row in rows:
            wanted = label
            if row.source != OWN:
                wanted = join(row.label, label)
                if exceeds(row.label, label) or (wanted == row.label and label != row.label):
                    if not owned:
                        raise Refused("only its owner may loosen it")
                    continue
            whole = self._whole(row.source, row.brought.data, wanted)
            changed.append((row, replace(row, label=wanted, whole=whole, relabelled=True)))
        for old, new in changed:
            self._replace(old, new)

    def hide(self, id: str) -> None:
        """Delete here. Raises NotFound."""
        for row in self._shown(id):
            self._replace(row, replace(row, hidden=True))

    def purge(self, id: str) -> None:
        """Destroy everything of an id; it does not come in again."""
        self.rows = [row for row in self.rows if row.id != id]
        self.purged.add(id)
        for ids in self.left.values():
            ids.discard(id)

    def note_left(self, name: str, keys: Iterable[Key]) -> None:
        """What is in a partner's feed has left this node."""
        self.left.setdefault(name, set()).update(id for id, _ in keys)

    def remove_partner(self, name: str) -> None:
        """Forget a partner and its feed."""
        self.partners.pop(name)
        self.left.pop(name, None)

    # What partners have

    def feed(self, name: str, now: int) -> set[Key]:
        """What a partner has in its own bytes: the most rows of which each refers only to what the partner has so or sent."""
        stand = {row.n: row for row in self.rows if self._may_have(name, row, now)}
        sent = {row.id for row in self.rows if row.source == f"partner:{name}"}
        held = {row.id for row in self.rows}
        while True:
            have = sent | {row.id for row in stand.values()}
            fallen = [
                row.n
                for row in stand.values()
                if not have.issuperset(row.brought.references)
                or any(id in held and id not in have for id in row.brought.mentions)
            ]
            if not fallen:
                return {row.key for row in stand.values()}
            for n in fallen:
                del stand[n]

    def _may_have(self, name: str, row: Row, now: int) -> bool:
        partner = self.partners[name]
        if row.hidden or row.source == f"partner:{name}":
            return False
        principal = self.principal(partner.organisation, partner.country)
        if not addressed(row.whole, principal, now, receives=partner.receives, area=row.area):
            return False
        if partner.unstated == "rendition" and not self._states(row):
            return False
        return decide(row.whole, principal, holder=self.principal(self.organisation, self.country), at=now).allowed

    def _states(self, row: Row) -> bool:
        """Whether its bytes state its label: else it leaves as a rendition, which is no object of the model's."""
        if not restricts(row.label):
            return True
        stated, _ = self._stated(row.source, row.brought.data)
        return bool(row.brought.data.get("object_marking_refs")) and join(stated, row.label) == stated

    def principal(self, organisation: str, country: str) -> Principal:
        """An organisation without a person."""
        groups = memberships_of(organisation, country, [self.groups[name] for name in sorted(self.groups)])
        return Principal(organisation, None, country, (), groups, ())

    # What one's own people see; without a person everything

    def visible(self, person: str | None, now: int) -> list[Row]:
        """The rows of which a person sees something, in order of arrival."""
        return [row for row in self.rows if not row.hidden and self.allows(person, row.label, now)]

    def allows(self, person: str | None, label: Label, now: int) -> bool:
        """Whether a person sees what has a label."""
        if person is None:
            return True
        holder = self.principal(self.organisation, self.country)
        return decide(label, replace_person(holder, person), holder=holder, at=now).allowed

    def one_each(self, person: str | None, now: int) -> dict[Key, Row]:
        """One row for each version that a person sees: the first."""
        found: dict[Key, Row] = {}
        for row in self.visible(person, now):
            found.setdefault(row.key, row)
        return found

    def newest(self, person: str | None, now: int) -> dict[str, Row]:
        """The newest row of each id that a person sees."""
        found: dict[str, Row] = {}
        for row in self.one_each(person, now).values():
            old = found.get(row.id)
            if old is None or (row.brought.version or 0, row.n) > (old.brought.version or 0, old.n):
                found[row.id] = row
        return found

    def data(self, person: str | None, row: Row, now: int) -> dict[str, Any]:
        """What a person sees of a row."""
        if self.allows(person, row.whole, now):
            return row.brought.data
        return {k: v for k, v in row.brought.data.items() if k not in ("description", "granular_markings")}

    def found(self, person: str | None, word: str | None, now: int) -> list[Row]:
        """What a person finds by a word."""
        rows = self.newest(person, now).values()
        return [row for row in rows if word is None or word in _words(self.data(person, row, now))]

    def facets(self, person: str | None, word: str | None, now: int) -> dict[str, Counter[str]]:
        """How many a person finds, by what."""
        rows = self.found(person, word, now)
        return {
            "types": Counter(row.brought.data["type"] for row in rows),
            "areas": Counter(row.area for row in rows),
            "sources": Counter(row.source for row in rows),
            "labels": Counter(shown(row.label) for row in rows),
        }

    # How

    def _of(self, id: str) -> list[Row]:
        return [row for row in self.rows if row.id == id]

    def _shown(self, id: str) -> list[Row]:
        rows = [row for row in self._of(id) if not row.hidden]
        if not rows:
            raise NotFound(id)
        return rows

    def _replace(self, old: Row, new: Row) -> None:
        self.rows[self.rows.index(old)] = new

    def _stated(self, source: str, data: dict[str, Any]) -> tuple[Label, Label]:
        organisation = self._organisation(source)
        marks = data.get("object_marking_refs", ())
        if marks:
            label = parse_label(LEVELS[marks[0]], originator=organisation)
        elif source != OWN:
            label = parse_label(self.default, originator=organisation)
        else:
            label = parse_label("OWN", originator=organisation)
        return label, self._whole(source, data, label)

    def _whole(self, source: str, data: dict[str, Any], label: Label) -> Label:
        for mark in data.get("granular_markings", ()):
            label = join(label, parse_label(LEVELS[mark["marking_ref"]], originator=self._organisation(source)))
        return label

    def _organisation(self, source: str) -> str:
        return self.organisation if source == OWN else f"CERT {source.partition(':')[2]} (fictional)"


def replace_person(principal: Principal, person: str) -> Principal:
    """One of an organisation's people."""
    return Principal(principal.organisation, person, principal.country, (), principal.memberships, ())


def shown(label: Label) -> str:
    """A label as it can be compared."""
    return f"{format_label(label)} of {label.originator}"


def _words(data: dict[str, Any]) -> Iterator[str]:
    for name in ("name", "description", "value"):
        yield from str(data.get(name, "")).split()
