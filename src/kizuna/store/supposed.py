"""One moment of a store as it would be with one more version of an object: what leaves then is told before anything is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kizuna.labels import Label, Marked, Reason, least_label, own_label_of_definition
from kizuna.store.extract import MENTION, extract
from kizuna.store.outgoing import Held, Outgoing

Json = dict[str, Any]


class Supposed:
    """As `Outgoing`, with a version of the object of a row, and with the marking definitions of ours that word its labels.

    A row that is supposed has a number below zero, and so has an id that nothing here names. With `assumed` it stands in the place of the
    present one, its label is still to be given, and what bears that label may leave.
    """

    def __init__(
        self, outgoing: Outgoing, present: Held, version: int | None, data: Json, marked: Marked, definitions: Iterable[Json] = (),
        *, assumed: bool = False,
    ) -> None:  # fmt: skip
        self._outgoing = outgoing
        self._assumed = marked.label if assumed else None
        self._replaced = present.n if assumed else None
        self._idents: dict[str, int] = {}
        self._held: dict[int, tuple[Held, Json, Marked]] = {}
        self._references: dict[int, list[int]] = {}
        row = present._replace(n=-1, version=version, theirs=False, hidden=False, restated=False)
        whole = (
            all(self.allows(label, row) for _, label in marked.granular) if assumed else self.allows(marked.whole, row)
        )
        part = assumed or self.allows(least_label(data, marked), row)
        self._row = row = row._replace(whole=whole, part=part)
        self._held[row.ident] = (row, data, marked)
        for definition in definitions:
            self._define(definition, marked.label.originator)
        self._refer(row, data, marked)

    def _define(self, data: Json, originator: str) -> None:
        """Who may see what a definition marks may see the definition; one that is here already is as it is."""
        id = str(data["id"])
        ident = self._named([id])[id]
        label = own_label_of_definition(data, originator=originator)
        if ident in self._held or label is None or (ident > 0 and self._outgoing.rows([ident])):
            return
        row = self._row._replace(n=-1 - len(self._held), ident=ident, id=id, version=None)
        may = self._outgoing.allows(label, row)
        self._held[ident] = (row._replace(whole=may, part=may), data, Marked(label))

    def _refer(self, row: Held, data: Json, marked: Marked) -> None:
        links = extract(data, Marked(marked.label)).edges
        idents = self._named(target for target, _, _ in links)
        named = {idents[target] for target, path, _ in links if path != MENTION}
        mentioned = set(idents.values()) - named
        here = {held.ident for held in self._outgoing.rows(ident for ident in mentioned if ident > 0)}
        self._references[row.n] = sorted(named | here)

    def _named(self, ids: Iterable[str]) -> dict[str, int]:
        wanted = list(ids)
        found = self._outgoing.idents(wanted)
        for id in wanted:
            if id not in found:
                found[id] = self._idents.setdefault(id, -1 - len(self._idents))
        return found

    def idents(self, ids: Iterable[str]) -> dict[str, int]:
        """The integers of ids that anything here has or names, or would."""
        wanted = list(ids)
        return {id: self._idents[id] for id in wanted if id in self._idents} | self._outgoing.idents(wanted)

    def rows(self, idents: Iterable[int]) -> list[Held]:
        """Everything that is or would be stored of these ids."""
        wanted = set(idents)
        supposed = [self._held[ident][0] for ident in sorted(wanted) if ident in self._held]
        stored = self._outgoing.rows(ident for ident in wanted if ident > 0)
        return [*(row for row in stored if row.n != self._replaced), *supposed]

    def references(self, rows: Sequence[int]) -> dict[int, list[int]]:
        """By row, the ids it cannot leave whole without."""
        supposed = {n: self._references[n] for n in rows if n in self._references}
        return self._outgoing.references([n for n in rows if n > 0]) | supposed

    def read(self, row: Held) -> tuple[Json, Marked]:
        """An object and the labels of its parts."""
        if row.n > 0:
            return self._outgoing.read(row)
        _, data, marked = self._held[row.ident]
        return data, marked

    def allows(self, label: Label, row: Held) -> bool:
        """Whether the partner may have what is labelled so, in an object of this row's area."""
        return (row.n < 0 and label == self._assumed) or self._outgoing.allows(label, row)

    def states(self, row: Held) -> bool:
        """Whether the bytes of a row state all that its label asks; a draft is written so."""
        return row.n < 0 or self._outgoing.states(row)

    def states_parts(self, row: Held) -> bool:
        """Whether the granular marks in its bytes ask for all that its parts do, where something states its own label."""
        return row.n < 0 or self._outgoing.states_parts(row)

    @property
    def restates(self) -> bool:
        """Whether what states less than its label leaves to the partner as a rendition that states it."""
        return self._outgoing.restates

    def why_not(self, row: Held, *, whole: bool) -> tuple[Reason, ...]:
        """Why its label keeps all of a row from the partner, or every part of it."""
        if row.n > 0:
            return self._outgoing.why_not(row, whole=whole)
        _, data, marked = self._held[row.ident]
        if self._assumed is None:
            return self._outgoing.reasons(marked.whole if whole else least_label(data, marked), row)
        return ()
