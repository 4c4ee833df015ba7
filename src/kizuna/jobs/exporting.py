"""An export as a job: a bundle of what its asker may see, kept in pieces, and looked at again before each piece is given out.

Of each piece it is kept which stored rows it was made of. A row that was taken whole must still be one that the asker may see whole;
of one that was cut, the same must be left. What else happened to the store changes nothing, seen or unseen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from kizuna.errors import Outdated, TooLarge
from kizuna.jobs.turn import Turn
from kizuna.labels import Principal
from kizuna.store import Query, Row, Store
from kizuna.store.caller import Caller
from kizuna.store.jobs import Job, Jobs, Part
from kizuna.store.shelf import Shelf
from kizuna.store.view import View

PAGE = 500


def export(turn: Turn, caller: Caller | None) -> dict[str, Any]:
    """Make the bundle, for the asker's eyes; counts. Raises Cancelled, Lost, and TooLarge beyond the node's bound."""
    view = turn.store.custodian() if caller is None else turn.store.view(caller.principal)
    count = size = 0
    for number, rows in enumerate(_pages(turn, view, caller)):
        separator = b',"objects":[\n' if number == 0 else b",\n"
        part = _part(view, rows, separator)
        size += turn.jobs.put(turn.job, number, part)
        if size > turn.store.settings.limits.export:
            raise TooLarge(f"the export is larger than {turn.store.settings.limits.export} bytes; take fewer types")
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


def _part(view: View, rows: list[Row], first: bytes) -> Part:
    raw = first + b",\n".join([row.raw for row in rows])
    whole = view.uncut([row.position for row in rows])
    cut = {str(row.position): _digest(row.raw) for row in rows if row.position not in whole}
    return Part(raw, sorted(whole), cut)


def bundle_of(store: Store, job: Job, principal: Principal | None) -> Iterator[bytes]:
    """The bundle that a job made, piece by piece; None is the keeper of the folder.

    Raises Outdated, before it gives anything out, when its asker may not see all of it any more.
    """
    view = None if principal is None else store.view(principal)
    jobs = Jobs(store)
    if view is not None:
        for part in jobs.parts(job):
            _must_be_seen(view, part)
    return _given(jobs, job, view)


def _given(jobs: Jobs, job: Job, view: View | None) -> Iterator[bytes]:
    yield b'{"type":"bundle","id":"bundle--%b"' % job.id.encode()
    some = False
    for part in jobs.parts(job):
        if view is not None:  # once more: who reads slowly may read for hours
            _must_be_seen(view, part)
        some = True
        yield part.raw
    yield b"]}\n" if some else b"}\n"


def _must_be_seen(view: View, part: Part) -> None:
    if view.uncut(part.whole) != set(part.whole):
        raise Outdated("you may not see all of this any more; ask for a new export")
    for number, digest in part.cut.items():
        shown = view.shown(int(number))
        if shown is None or _digest(shown) != digest:
            raise Outdated("you may not see all of this any more; ask for a new export")


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
