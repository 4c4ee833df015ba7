"""What the node holds as a release plan asks for it: rows and what they refer to, with what one partner may have of each by its label.

All of it for the folder's keeper; for one of one's own people only what they see.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import msgspec

from kizuna import deadline
from kizuna.errors import NodeBusy
from kizuna.labels import (
    Decision,
    Label,
    Marked,
    Principal,
    Reason,
    addressed,
    decide,
    least_label,
    redact,
    restricts,
    states,
    states_parts,
)
from kizuna.store.database import Connection
from kizuna.store.extract import MENTION, extract
from kizuna.store.feeds import COUNTS
from kizuna.store.recipients import Masks, Recipient, may_have
from kizuna.store.relabelling import marked_as_stored
from kizuna.store.translations import marks_of

if TYPE_CHECKING:
    from kizuna.store.store import Store

_ROWS = (
    "select o.n, o.ident, o.id, o.version, o.label, o.least, o.whole, o.area, o.source, o.hidden, o.unstated from object o "
    "where o.ident in (select value from json_each(?)) order by o.n"
)

Known = dict[int, tuple[dict[str, Any], Marked]]
"""Objects that were read at the same moment, with the labels of their parts, by row; whoever asks for several partners shares them."""

KNOWN = 20_000
MOST = 200_000
"""Rows and references that a plan for one of one's own people may rest on: what is looked at for a request has an end."""


class Held(NamedTuple):
    """A stored row. `whole`: the partner may have all of it by its label; `part`: something of it.

    `theirs`: the partner brought it; `hidden`: it was deleted here, and nobody may be told that it ever was. `restated`: its label lets
    all of it leave, but only as a rendition that states it.
    """

    n: int
    ident: int
    id: str
    version: int | None
    whole: bool
    part: bool
    label: int
    least: int
    area: int | None
    source: int
    whole_label: int
    theirs: bool
    hidden: bool
    restated: bool = False


class Ground(Protocol):
    """What a plan rests on: `Outgoing`, or what is supposed about one."""

    def idents(self, ids: Iterable[str]) -> dict[str, int]:
        """The integers of ids that anything here has or names."""

    def rows(self, idents: Iterable[int]) -> list[Held]:
        """Everything that is stored of these ids."""

    def references(self, rows: Sequence[int]) -> dict[int, list[int]]:
        """By row, the ids it cannot leave whole without."""

    def read(self, row: Held) -> tuple[dict[str, Any], Marked]:
        """An object and the labels of its parts."""

    def allows(self, label: Label, row: Held) -> bool:
        """Whether the partner may have what is labelled so, in an object of this row's area."""

    def why_not(self, row: Held, *, whole: bool) -> tuple[Reason, ...]:
        """Why its label keeps all of a row from the partner, or every part of it."""

    def states(self, row: Held) -> bool:
        """Whether the bytes of a row state all that its label asks: who gets them knows nothing else of it."""

    def states_parts(self, row: Held) -> bool:
        """Whether the granular marks in its bytes ask for all that its parts do, where something states its own label."""

    @property
    def restates(self) -> bool:
        """Whether what states less than its label leaves to the partner as a rendition that states it."""


class Outgoing:
    """One moment of a store, for one partner. Raises NotFound when there is no such partner."""

    def __init__(
        self,
        store: Store,
        connection: Connection,
        partner: str | Recipient,
        *,
        at: int | None = None,
        known: Known | None = None,
    ) -> None:
        self._read_before: Known = {} if known is None else known
        self._store = store
        self._connection = connection
        self._at = store.clock() if at is None else at
        if isinstance(partner, str):
            name = store.partner(partner).name
            partner = next(r for r in store.recipients(connection) if r.partner.name == name)
        self._recipient: Recipient = partner
        self.partner = name = partner.partner.name
        self._holder = store.holder()
        self._masks = Masks(connection, store.interned, self._holder, self._recipient, self._at)
        self._allowed: dict[tuple[int, int | None, int | None], tuple[Label, bool]] = {}
        self._stating: dict[tuple[int, int, tuple[str, ...]], tuple[Label, bool]] = {}
        found = connection.execute("select n from source where name=?", (f"partner:{name}",)).fetchone()
        self._theirs = found[0] if found else None

    def idents(self, ids: Iterable[str]) -> dict[str, int]:
        """The integers of ids that anything here has or names."""
        sql = "select i.id, i.n from ident i join space p on p.n=i.space where p.name='real' and i.id in (select atom from json_each(?))"
        return dict(self._connection.execute(sql, (json.dumps(list(ids)),)).fetchall())

    def rows(self, idents: Iterable[int]) -> list[Held]:
        """Everything that is stored of these ids."""
        rows = self._connection.execute(_ROWS, (json.dumps(list(idents)),)).fetchall()
        found = []
        for n, ident, id, version, label, least, whole, area, source, hidden, unstated in rows:
            lets = self._masks(whole, area, ident, n)
            as_it_is = lets and self._masks(whole, area, ident, n, unstated)
            found.append(
                Held(
                    n, ident, id, version, as_it_is, lets or self._masks(least, area, ident, n), label, least, area, source, whole,
                    source == self._theirs, bool(hidden), lets and not as_it_is,
                )
            )  # fmt: skip
        return found

    @property
    def restates(self) -> bool:
        """Whether what states less than its label leaves to the partner as a rendition that states it."""
        return self._recipient.restates

    def references(self, rows: Sequence[int]) -> dict[int, list[int]]:
        """By row, the ids it cannot leave whole without: what it refers to, and what it mentions and this node holds."""
        sql = f"select distinct e.object, e.target from edge e where {COUNTS} and e.object in (select value from json_each(?))"
        found: dict[int, list[int]] = {}
        for n, target in self._connection.execute(sql, (json.dumps(list(rows)),)):
            found.setdefault(n, []).append(target)
        return found

    def linking(self, ident: int, after: str, limit: int) -> list[tuple[str, int]]:
        """The relationships and sightings that name an id, by their ids after another."""
        sql = (
            "select distinct i.id, o.ident from edge e join object o on o.n=e.object join term t on t.n=o.type "
            "join ident i on i.n=o.ident where e.target=? and t.name in ('relationship', 'sighting') and i.id>? order by i.id limit ?"
        )
        return [(id, n) for id, n in self._connection.execute(sql, (ident, after, limit))]

    def of_own(self, rows: Iterable[Held]) -> set[int]:
        """Which rows this organisation's own people and tools brought."""
        own = {n for (n,) in self._connection.execute("select n from source where kind='own'")}
        return {row.n for row in rows if row.source in own}

    def read(self, row: Held) -> tuple[dict[str, Any], Marked]:
        """An object and the labels of its parts."""
        if (known := self._read_before.get(row.n)) is not None:
            return known
        (raw,) = self._connection.execute("select raw from body where n=?", (row.n,)).fetchone()
        data = msgspec.json.decode(raw)
        space = self._store.interned_space(self._connection, "real")
        marked = marks_of(self._store, self._connection, data, label=row.label, source=row.source, space=space)
        whole = self._label(row.whole_label)
        if marked.whole != whole:
            # What worded these marks cannot be read any more, or somebody else tightened them: the whole says what each may hide.
            marked = Marked(marked.label, tuple((selector, whole) for selector, _ in marked.granular))
        if len(self._read_before) < KNOWN:
            self._read_before[row.n] = (data, marked)
        return data, marked

    def allows(self, label: Label, row: Held) -> bool:
        """Whether the partner may have what is labelled so, in an object of this row's area."""
        consents = self._masks.consents(row.ident, row.n)
        # To hash a label takes longer than all else here; held, it lives.
        key = (id(label), row.area, row.n if consents.consents else None)
        if key not in self._allowed:
            may = may_have(label, self._area(row), self._recipient, self._holder, self._at, consents)
            self._allowed[key] = (label, may)
        return self._allowed[key][1]

    @property
    def stopped(self) -> int | None:
        """Since when nothing at all is exchanged with the partner, in microseconds."""
        return self._recipient.stopped

    def why_not(self, row: Held, *, whole: bool) -> tuple[Reason, ...]:
        """Why its label keeps all of a row from the partner, or every part of it."""
        return self.reasons(self._label_of(row, whole=whole), row)

    def states(self, row: Held) -> bool:
        """Whether the bytes of a row state all that its label asks: who gets them knows nothing else of it."""
        if not restricts(self._label_of(row, whole=True)):
            return True
        data, marked = self.read(row)
        refs = tuple(data.get("object_marking_refs") or ())
        alone = bool(marked.granular) or "granular_markings" in data or data["type"] == "marking-definition"
        key = (row.source, id(marked.label), refs)
        if alone or key not in self._stating:
            said = states(data, marked, self._worded(row, data))
            if alone:
                return said
            self._stating[key] = (marked.label, said)
        return self._stating[key][1]

    def states_parts(self, row: Held) -> bool:
        """Whether the granular marks in its bytes ask for all that its parts do, where something states its own label."""
        data, marked = self.read(row)
        return not marked.granular or states_parts(marked, self._worded(row, data))

    def _worded(self, row: Held, data: dict[str, Any]) -> Marked:
        name, organisation = self._source(row.source)
        return marked_as_stored(self._store, self._connection, data, organisation, name)

    def _source(self, n: int) -> tuple[str, str]:
        name, organisation = self._connection.execute(
            "select name, organisation from source where n=?", (n,)
        ).fetchone()
        return str(name), str(organisation)

    def reasons(self, label: Label, row: Held) -> tuple[Reason, ...]:
        """Why the partner may not have what is labelled so, in an object of this row's area."""
        partner, principal = self._recipient.partner, self._recipient.principal
        decision = decide(label, principal, holder=self._holder, at=self._at)
        if decision.allowed and not addressed(
            label, principal, self._at, receives=partner.receives, area=self._area(row)
        ):
            return (Reason("not-receiving"),)
        return () if decision.allowed else decision.reasons

    def decided(self, row: Held, *, whole: bool = True) -> Decision:
        """What its label says to the partner, of all of a row or of any part of it, whoever is addressed."""
        label = self._label_of(row, whole=whole)
        return decide(label, self._recipient.principal, holder=self._holder, at=self._at)

    def _label_of(self, row: Held, *, whole: bool) -> Label:
        return self._label(row.whole_label if whole else row.least)

    def _label(self, n: int) -> Label:
        return self._store.interned.label_of(self._connection, n)

    def _area(self, row: Held) -> str | None:
        return None if row.area is None else self._store.interned.name_of(self._connection, "area", row.area)


class _Part(NamedTuple):
    """What somebody sees of a row that they see in part: the label of anything of it, of all of it, and the ids in it."""

    least: Label
    whole: Label
    named: set[int]
    mentioned: set[int]


class SeenOutgoing(Outgoing):
    """The same as one of one's own people sees it: a plan over it is a function of their view, and tells of nothing beside it.

    What they do not see is as if it were not stored: rows whose label is not for them, parts that their view cuts, with the references
    and marks in these, and what was deleted here. So a reference to it leads nowhere, as to what is absent, and its id in a text is
    none that is held. What leaves in truth may be more or less than such a plan says: it says what does as far as they can see.
    Raises NodeBusy where a plan rests on too much, and when nobody waits for it any more.
    """

    def __init__(self, store: Store, connection: Connection, partner: str, asker: Principal) -> None:
        super().__init__(store, connection, partner)
        self._asker = asker
        self._seen = store.mask(asker).allowed(connection)
        self._space = store.interned_space(connection, "real")
        self._by_ident: dict[int, list[Held]] = {}
        self._parts: dict[int, _Part] = {}
        self._left = MOST

    def rows(self, idents: Iterable[int]) -> list[Held]:
        """Everything that the asker sees of these ids."""
        _still_waited_for()
        wanted = sorted(set(idents))
        fresh = [ident for ident in wanted if ident not in self._by_ident]
        self._by_ident |= {ident: [] for ident in fresh}
        for row in super().rows(fresh):
            if (seen := self._as_seen(row)) is not None:
                self._by_ident[row.ident].append(seen)
                self._spend()
        return [row for ident in wanted for row in self._by_ident[ident]]

    def references(self, rows: Sequence[int]) -> dict[int, list[int]]:
        """By row, the ids that what is seen of it cannot leave whole without: in its text, those of which the asker sees something."""
        named, mentioned = self._stored([n for n in rows if n not in self._parts])
        parts = {n: self._parts[n] for n in rows if n in self._parts}
        named |= {n: part.named for n, part in parts.items()}
        mentioned |= {n: part.mentioned for n, part in parts.items()}
        here = {row.ident for row in self.rows(target for targets in mentioned.values() for target in targets)}
        found = {n: named.get(n, set()) | (mentioned.get(n, set()) & here) for n in rows}
        return {n: sorted(targets) for n, targets in found.items() if targets}

    def read(self, row: Held) -> tuple[dict[str, Any], Marked]:
        """What is seen of an object and the labels of its parts."""
        _still_waited_for()
        if row.n not in self._parts:
            return super().read(row)
        data = cast("dict[str, Any]", self._shown(row))  # `rows` found something of it, at the same moment
        return data, self._marks(row, data)

    def _as_seen(self, row: Held) -> Held | None:
        if row.hidden or row.least not in self._seen:
            return None
        if row.whole_label == row.label or row.whole_label in self._seen:
            return row
        if (data := self._shown(row)) is None:
            return None
        marked = self._marks(row, data)
        part = self._parts[row.n] = _Part(least_label(data, marked), marked.whole, *self._read_out(data, marked))
        self._spend(len(part.named) + len(part.mentioned))
        lets = self.allows(part.whole, row)
        as_it_is = lets and (not self.restates or self.states(row))
        least = lets or self.allows(part.least, row)
        return row._replace(whole=as_it_is, part=least, restated=lets and not as_it_is)

    def _shown(self, row: Held) -> dict[str, Any] | None:
        """An object as a view cuts it; None where nothing of it is left."""
        _still_waited_for()
        return redact(*super().read(row), self._sees).data

    def _sees(self, label: Label) -> bool:
        return decide(label, self._asker, holder=self._holder, at=self._at).allowed

    def _marks(self, row: Held, data: dict[str, Any]) -> Marked:
        """The labels of what is left of an object."""
        return marks_of(self._store, self._connection, data, label=row.label, source=row.source, space=self._space)

    def _label_of(self, row: Held, *, whole: bool) -> Label:
        part = self._parts.get(row.n)
        if part is None:
            return super()._label_of(row, whole=whole)
        return part.whole if whole else part.least

    def _read_out(self, data: dict[str, Any], marked: Marked) -> tuple[set[int], set[int]]:
        """What is left of an object refers to, and what only stands in its text."""
        links = extract(data, Marked(marked.label)).edges
        named = {target for target, path, _ in links if path != MENTION}
        idents = self.idents(target for target, _, _ in links)  # all have one: they stand in the whole of it, too
        mentioned = {ident for target, ident in idents.items() if target not in named}
        return set(idents.values()) - mentioned, mentioned

    def _stored(self, rows: Sequence[int]) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
        """By row, what it refers to, and what only stands in its text."""
        mention = self._store.interned.find(self._connection, "term", MENTION)
        sql = (
            "select distinct e.object, e.target, case when e.path=? then 1 else 0 end from edge e "
            "where e.object in (select value from json_each(?))"
        )
        found: tuple[dict[int, set[int]], dict[int, set[int]]] = ({}, {})
        for n, target, only in self._connection.stream(sql, (mention, json.dumps(list(rows)))):
            found[only].setdefault(n, set()).add(target)
            self._spend()
        return found

    def _spend(self, count: int = 1) -> None:
        self._left -= count
        if self._left < 0:
            raise NodeBusy("what was asked for rests on too many objects; ask for less")


def _still_waited_for() -> None:
    if deadline.passed():
        raise NodeBusy("the answer took too long to find; ask for less")
