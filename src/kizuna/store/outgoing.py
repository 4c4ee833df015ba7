"""What the node holds as a release plan asks for it: rows and what they refer to, with what one partner may have of each by its label."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.labels import Decision, Label, Marked, Reason, addressed, decide
from kizuna.store.database import Connection
from kizuna.store.feeds import COUNTS
from kizuna.store.recipients import Masks, Recipient, may_have
from kizuna.store.translations import marks_of

if TYPE_CHECKING:
    from kizuna.store.store import Store

_ROWS = (
    "select o.n, o.ident, o.id, o.version, o.label, o.least, o.whole, o.area, o.source, o.hidden from object o "
    "where o.ident in (select value from json_each(?)) order by o.n"
)


class Held(NamedTuple):
    """A stored row. `whole`: the partner may have all of it by its label; `part`: something of it.

    `theirs`: the partner brought it; `hidden`: it was deleted here, and nobody may be told that it ever was.
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


class Outgoing:
    """One moment of a store, for one partner. Raises NotFound when there is no such partner."""

    def __init__(self, store: Store, connection: Connection, partner: str) -> None:
        self._store = store
        self._connection = connection
        self._at = store.clock()
        name = store.partner(partner).name
        self._recipient: Recipient = next(r for r in store.recipients(connection) if r.partner.name == name)
        self._holder = store.holder()
        self._masks = Masks(connection, store.interned, self._holder, self._recipient, self._at)
        self._allowed: dict[tuple[int, int | None], tuple[Label, bool]] = {}
        found = connection.execute("select n from source where name=?", (f"partner:{name}",)).fetchone()
        self._theirs = found[0] if found else None

    def idents(self, ids: Iterable[str]) -> dict[str, int]:
        """The integers of ids that anything here has or names."""
        sql = "select i.id, i.n from ident i join space p on p.n=i.space where p.name='real' and i.id in (select atom from json_each(?))"
        return dict(self._connection.execute(sql, (json.dumps(list(ids)),)).fetchall())

    def rows(self, idents: Iterable[int]) -> list[Held]:
        """Everything that is stored of these ids."""
        rows = self._connection.execute(_ROWS, (json.dumps(list(idents)),)).fetchall()
        return [
            Held(
                n, ident, id, version, self._masks(whole, area), self._masks(least, area), label, least, area, source, whole,
                source == self._theirs, bool(hidden),
            )
            for n, ident, id, version, label, least, whole, area, source, hidden in rows
        ]  # fmt: skip

    def references(self, rows: Sequence[int]) -> dict[int, list[int]]:
        """By row, the ids it cannot leave whole without: what it refers to, and what it mentions and this node holds."""
        sql = f"select distinct e.object, e.target from edge e where {COUNTS} and e.object in (select value from json_each(?))"
        found: dict[int, list[int]] = {}
        for n, target in self._connection.execute(sql, (json.dumps(list(rows)),)):
            found.setdefault(n, []).append(target)
        return found

    def read(self, row: Held) -> tuple[dict[str, Any], Marked]:
        """An object and the labels of its parts."""
        (raw,) = self._connection.execute("select raw from body where n=?", (row.n,)).fetchone()
        data = msgspec.json.decode(raw)
        space = self._store.interned_space(self._connection, "real")
        marked = marks_of(self._store, self._connection, data, label=row.label, source=row.source, space=space)
        whole = self._label(row.whole_label)
        if marked.whole != whole:
            # What worded these marks cannot be read any more, or somebody else tightened them: the whole says what each may hide.
            marked = Marked(marked.label, tuple((selector, whole) for selector, _ in marked.granular))
        return data, marked

    def allows(self, label: Label, row: Held) -> bool:
        """Whether the partner may have what is labelled so, in an object of this row's area."""
        key = (id(label), row.area)  # to hash a label takes longer than all else here; held, it lives
        if key not in self._allowed:
            self._allowed[key] = (label, may_have(label, self._area(row), self._recipient, self._holder, self._at))
        return self._allowed[key][1]

    @property
    def stopped(self) -> bool:
        """Whether nothing at all is exchanged with the partner for now."""
        return self._recipient.stopped is not None

    def why_not(self, row: Held, *, whole: bool) -> tuple[Reason, ...]:
        """Why its label keeps all of a row from the partner, or every part of it."""
        label = self._label(row.whole_label if whole else row.least)
        partner, principal = self._recipient.partner, self._recipient.principal
        decision: Decision = decide(label, principal, holder=self._holder, at=self._at)
        if decision.allowed and not addressed(
            label, principal, self._at, receives=partner.receives, area=self._area(row)
        ):
            return (Reason("not-receiving"),)
        return () if decision.allowed else decision.reasons

    def _label(self, n: int) -> Label:
        return self._store.interned.label_of(self._connection, n)

    def _area(self, row: Held) -> str | None:
        return None if row.area is None else self._store.interned.name_of(self._connection, "area", row.area)
