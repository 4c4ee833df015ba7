"""An export as a job: a bundle of what its asker may see, or, for the keeper of the folder, of everything or of a partner's feed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kizuna.errors import TooLarge
from kizuna.jobs.turn import Turn
from kizuna.store import Query, Row
from kizuna.store.caller import Caller
from kizuna.store.exported import part_of
from kizuna.store.shelf import Shelf
from kizuna.store.view import View

PAGE = 500


def export(turn: Turn, caller: Caller | None) -> dict[str, Any]:
    """Make the bundle, for the asker's eyes; counts. Raises Cancelled, Lost, and TooLarge beyond the node's bound."""
    view = turn.store.custodian() if caller is None else turn.store.view(caller.principal)
    count = size = 0
    most = turn.store.settings.limits.export
    for number, rows in enumerate(_pages(turn, view, caller)):
        size += turn.jobs.put(turn.job, number, part_of(view, rows, number))
        if size > most:
            raise TooLarge(f"the export is larger than {most} bytes; take fewer types")
        count += len(rows)
        turn.at(count)
    return {"objects": count}


def _pages(turn: Turn, view: View, caller: Caller | None) -> Iterator[list[Row]]:
    types = tuple(turn.job.arguments.get("types", ()))
    partner = turn.job.arguments.get("partner") if caller is None else None
    shelf: Shelf = view if partner is None else turn.store.feed(partner)
    query = Query(types=types) if partner is None else Query(types=types, versions=("all",))
    position, more = 0, True
    while more:
        page = shelf.read(query, position, PAGE)
        if page.rows:
            yield page.rows
            position = page.rows[-1].position
        more = page.more and bool(page.rows)
