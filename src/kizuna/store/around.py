"""What lies around an object, step by step, as one reader may see it: objects, and the links between them.

A link is a property that names another object, or a relationship between two objects that are seen both: such a relationship is no
object on the way, but one link. Who names a relationship names both its ends. Ids that only stand in a text link nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kizuna.store.columns import Flags, Numbers, Small
from kizuna.store.database import Connection
from kizuna.store.extract import MENTION
from kizuna.store.masks import ViewMask

if TYPE_CHECKING:
    from kizuna.store.store import Store

MOST_NODES, MOST_LINKS = 20_000, 60_000
"""Objects and links that are walked to, the nearest and then the newest first."""
AT_ONCE = 500
"""Objects whose links are asked for in one question."""
ENDS = frozenset({"identity", "location", "marking-definition", "extension-definition"})
"""Whom everything names: the walk reaches them, and goes on from them only where it began there."""
KEPT = 8

_Edge = tuple[int, int, int]  # row, ident it names, path


class Link(NamedTuple):
    """A link between two rows: by this property of the first, or through a relationship, or both."""

    source: int
    target: int
    path: int  # 0: by a relationship that holds between the two
    via: int  # 0: through none


class Walk(NamedTuple):
    """What was reached, the nearest first, then what came last. `key` is all that it depends on; `more` that there is more of it.

    `links` has a line for each link: places of both ends in `rows`, the property (0: a relationship), the relationship (0: none).
    """

    key: Hashable
    rows: Numbers
    steps: Small
    types: Small
    labels: Small
    links: NDArray[np.int64]
    more: bool

    def narrowed(self, types: frozenset[int] | None, most: int) -> Walk:
        """Only links of which an end is of these types, and the nearest of their ends; the object itself stays."""
        kept = np.ones(len(self.links), np.bool_)
        nodes = np.ones(len(self.rows), np.bool_)
        if types is not None:
            wanted = np.isin(self.types, list(types))
            kept = wanted[self.links[:, 0]] | wanted[self.links[:, 1]]
            nodes = np.zeros(len(self.rows), np.bool_)
            nodes[self.links[kept, :2].ravel()] = True
            nodes[0] = True
        nodes &= np.cumsum(nodes) <= most
        kept &= nodes[self.links[:, 0]] & nodes[self.links[:, 1]]
        links = self.links[kept].copy()
        links[:, :2] = (np.cumsum(nodes) - 1)[links[:, :2]]
        key = (self.key, types, most)
        return Walk(key, self.rows[nodes], self.steps[nodes], self.types[nodes], self.labels[nodes], links, self.more)

    def counts(self) -> dict[int, int]:
        """How many objects of each type were reached besides the one itself, the most first."""
        types, found = np.unique(self.types[1:], return_counts=True)
        return {int(types[at]): int(found[at]) for at in np.argsort(-found, kind="stable")}


class Around:
    """The walks of one reader at one moment. `readable` says which of some rows that they see in part something is left of."""

    def __init__(
        self,
        store: Store,
        reader: Connection,
        mask: ViewMask,
        space: int,
        readable: Callable[[Sequence[int]], set[int]],
    ) -> None:
        self._reader, self._mask, self._readable = reader, mask, readable
        moment = store.columns.follow(reader)
        self._current: Flags = moment.current(mask.seen(reader), space)
        self._idents, self._types, self._labels = (moment.objects[field] for field in ("ident", "type", "label"))
        rows = np.flatnonzero(self._current)
        self._row_of = np.zeros(int(self._idents.max(initial=0)) + 1, np.int64)
        self._row_of[self._idents[rows]] = rows
        find = store.interned.find
        self._mention, self._relationship, self._from, self._to = (
            find(reader, "term", name) for name in (MENTION, "relationship", "source_ref", "target_ref")
        )
        self._ends = {find(reader, "term", name) for name in ENDS}
        self._interned = store.interned

    def walk(self, ident: int, steps: int, key: Hashable) -> Walk | None:
        """All that is at most so many steps from an object; None where the reader sees no such object."""
        if not (start := self._row(ident)):
            return None
        far = {start: 0}
        found: dict[Link, None] = {}
        frontier, more = [start], False
        for step in range(1, steps + 1):
            near, cut = self._near(frontier, start)
            more |= cut
            for link in sorted(near - found.keys(), key=self._order):
                fresh = {row for row in (link.source, link.target) if row not in far}
                if len(found) >= MOST_LINKS or len(far) + len(fresh) > MOST_NODES:
                    more = True
                    continue
                far.update(dict.fromkeys(fresh, step))
                found[link] = None
            frontier = sorted((row for row, at in far.items() if at == step), reverse=True)
        rows = np.array(sorted(far, key=lambda row: (far[row], -row)), np.int64)
        places = {row: place for place, row in enumerate(rows.tolist())}
        links = [(places[one.source], places[one.target], one.path, one.via) for one in found]
        return Walk(
            key,
            rows,
            np.array([far[row] for row in rows.tolist()], np.int32),
            self._types[rows],
            self._labels[rows],
            np.array(links, np.int64).reshape(-1, 4),
            more,
        )

    def _order(self, link: Link) -> tuple[int, str, int, int]:
        """What came last first; by nothing that depends on what is hidden, as the numbers of ids and terms do."""
        carrier = link.via if not link.path else link.source
        name = self._interned.name_of(self._reader, "term", link.path) if link.path else ""
        return -carrier, name, -link.target, -link.via

    def _near(self, frontier: Sequence[int], start: int) -> tuple[set[Link], bool]:
        """The links of some rows, and whether there are more."""
        found = set[Link]()
        leading = [row for row in frontier if row == start or int(self._types[row]) not in self._ends]
        for at in range(0, len(leading), AT_ONCE):
            if len(found) > MOST_LINKS:
                return found, True
            some = leading[at : at + AT_ONCE]
            out = self._edges("e.object", some)
            into = self._edges("e.target", self._idents[some].tolist())
            found.update(self._links(out[:MOST_LINKS], into[:MOST_LINKS], start))
            if max(len(out), len(into)) > MOST_LINKS:
                return found, True
        return found, False

    def _links(self, out: Sequence[_Edge], into: Sequence[_Edge], start: int) -> Iterator[Link]:
        naming = [(row, self._row(ident), path) for row, ident, path in out]
        named = [(row, self._row(ident), path) for row, ident, path in into if row < len(self._current)]
        named = [one for one in named if self._current[one[0]]]
        between = {
            row for row in (*(r for _, r, _ in naming), *(r for r, _, _ in named)) if self._links_two(row, start)
        }
        ends = self._both_ends(between)
        seen = {row for one in (*naming, *named) for row in one[:2]} | {row for two in ends.values() for row in two}
        gone = self._withheld(seen) | {0}
        for row, target, path in naming:
            if target not in between:
                yield from self._one(Link(row, target, path, 0), gone)
            elif target not in gone:
                for end in ends.get(target, ()):
                    if not self._links_two(end, start):
                        yield from self._one(Link(row, end, path, target), gone)
        for row, target, path in named:
            if row not in between:
                yield from self._one(Link(row, target, path, 0), gone)
            elif path in (self._from, self._to) and row not in gone:
                source, other = ends.get(row, (0, 0))
                if not (self._links_two(source, start) or self._links_two(other, start)):
                    yield from self._one(Link(source, other, 0, row), gone)

    def _one(self, link: Link, gone: set[int]) -> Iterator[Link]:
        if link.source != link.target and link.source not in gone and link.target not in gone:
            yield link

    def _links_two(self, row: int, start: int) -> bool:
        """Whether a row is a relationship, which is no object on the way but where the walk began at it."""
        return row != start and int(self._types[row]) == self._relationship

    def _both_ends(self, relationships: set[int]) -> dict[int, tuple[int, int]]:
        """Of each relationship the rows of its two ends, 0 for one that is not seen."""
        found: dict[int, list[int]] = {}
        sql = (
            "select e.object, e.target, e.path from edge e where e.object in (select value from json_each(?)) "
            f"and e.path in (?, ?) and {self._mask.sql(self._reader, 'e.label')}"
        )
        asked = (json.dumps(sorted(relationships)), self._from, self._to)
        for row, ident, path in self._reader.execute(sql, asked).fetchall() if relationships else ():
            found.setdefault(row, [0, 0])[path == self._to] = self._row(ident)
        return {row: (source, target) for row, (source, target) in found.items()}

    def _edges(self, column: str, numbers: Sequence[int]) -> list[_Edge]:
        """Edges out of rows or into idents, where the reader sees the property: one more than MOST_LINKS, where there are more."""
        among, these = self._reader.among(numbers)
        sql = (
            f"select e.object, e.target, e.path from edge e where {column} {among} and e.path<>? "
            f"and {self._mask.sql(self._reader, 'e.label')}"
        )
        asked = (these, self._mention, MOST_LINKS + 1)
        found = self._reader.execute(f"{sql} limit ?", asked).fetchall()
        if len(found) > MOST_LINKS:  # only then it matters which
            order = "e.object desc, (select min(p.id) from object p where p.ident=e.target)"
            found = self._reader.execute(f"{sql} order by {order} limit ?", asked).fetchall()
        return [(row, ident, path) for row, ident, path in found]

    def _withheld(self, rows: set[int]) -> set[int]:
        """Of rows that the reader sees in part those of which nothing is left."""
        among, these = self._reader.among(sorted(rows))
        sql = (
            f"select o.n from object o where o.n {among} and o.whole<>o.label "
            f"and not ({self._mask.sql(self._reader, 'o.whole')})"
        )
        in_part = [n for (n,) in self._reader.execute(sql, (these,)).fetchall()]
        return set(in_part) - self._readable(in_part) if in_part else set()

    def _row(self, ident: int) -> int:
        """The newest row of an id that the reader sees; 0 for none."""
        return int(self._row_of[ident]) if ident < len(self._row_of) else 0


__all__ = ["ENDS", "MOST_LINKS", "MOST_NODES", "Around", "Link", "Walk"]
