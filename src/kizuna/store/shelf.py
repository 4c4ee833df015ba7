"""What TAXII and export read: rows in order, by query, page by page. A partner's feed and a person's view both are one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from kizuna.store.model import Page, Query

PAGE_BYTES = 32 << 20
"""A page ends when it holds this much, whatever was asked for: 1,000 objects of 15 MB fit no memory."""


class Shelf(Protocol):
    """Rows in a stable order; `position` is exclusive and 0 means from the start.

    A page holds at least one row if there is one, and about `PAGE_BYTES` at most: then `more` says that others follow.
    """

    def read(self, query: Query, position: int, limit: int) -> Page:
        """At most `limit` rows behind `position`."""

    def versions(self, id: str, query: Query, position: int, limit: int) -> Page:
        """All versions of one id, oldest added first."""


def cut(rows: Iterable[tuple[Any, ...]], raw: int) -> tuple[list[tuple[Any, ...]], bool]:
    """Rows until they hold `PAGE_BYTES` in column `raw`, and whether more may follow; the rest is never fetched."""
    taken: list[tuple[Any, ...]] = []
    left = PAGE_BYTES
    for row in rows:
        left -= len(row[raw])
        if left < 0 and taken:
            return taken, True
        taken.append(row)
    return taken, False


def conditions(
    query: Query, types: Sequence[int], *, added: str, ident: str, space: int
) -> tuple[list[str], list[int | str]]:
    """SQL conditions on `o` (object) for everything in a query but labels and the words first and last."""
    where: list[str] = []
    values: list[int | str] = []
    if query.after is not None:
        where.append(f"{added}>?")
        values.append(query.after)
    if query.ids:
        where.append(f"{ident} in (select n from ident where space={space:d} and id in ({_marks(query.ids)}))")
        values.extend(query.ids)
    if query.types:
        where.append(f"o.type in ({_marks(types)})")
        values.extend(types)
    if query.spec_versions and "2.1" not in query.spec_versions:
        where.append("1=0")  # everything stored is 2.1: what came as 2.0 was lifted
    return where, values


def version_condition(query: Query, *, first: str, last: str, added: str) -> tuple[str, list[int]]:
    """The condition that `match[version]` means: first, last, all and exact moments, united."""
    words = [v for v in query.versions if isinstance(v, str)]
    if "all" in words:
        return "1=1", []
    exact = [v for v in query.versions if isinstance(v, int)]
    united = [{"first": first, "last": last}[word] for word in words]
    if exact:
        # An object without versions has the moment it was added as its version.
        united.append(f"coalesce(o.version, {added}) in ({_marks(exact)})")
    return f"({' or '.join(united)})" if united else "1=0", exact


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
