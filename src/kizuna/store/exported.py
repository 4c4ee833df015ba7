"""Bundles that jobs make: kept in pieces, and looked at again before each piece is given out.

Of each piece it is kept which stored rows it was made of. A row that was taken whole must still be one that the asker may see whole;
of one that was cut, the same must be left. What else happened to the store changes nothing, seen or unseen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from kizuna.errors import Outdated
from kizuna.labels import Principal
from kizuna.store.jobs import Job, Jobs, Part
from kizuna.store.model import Row
from kizuna.store.store import Store
from kizuna.store.view import View


def part_of(view: View, rows: Sequence[Row], number: int) -> Part:
    """A piece of a bundle, of rows as the view shows them."""
    first = b',"objects":[\n' if number == 0 else b",\n"
    whole = view.uncut([row.position for row in rows])
    cut = {str(row.position): _digest(row.raw) for row in rows if row.position not in whole}
    return Part(first + b",\n".join([row.raw for row in rows]), sorted(whole), cut)


def bundle_of(store: Store, job: Job, principal: Principal | None) -> Iterator[bytes]:
    """The bundle that a job made, piece by piece, for who asked for it; None is the keeper of the folder.

    Raises Outdated, before anything is given out, when the asker may not see all of it any more.
    """
    jobs = Jobs(store)
    view = None if principal is None else store.view(principal)
    for part in jobs.parts(job) if view is not None else ():
        _must_be_seen(view, part)
    return _given(jobs, job, view)


def _given(jobs: Jobs, job: Job, view: View | None) -> Iterator[bytes]:
    yield b'{"type":"bundle","id":"bundle--%b"' % job.id.encode()
    some = False
    for part in jobs.parts(job):
        _must_be_seen(view, part)  # once more: who reads slowly may read for hours
        some = True
        yield part.raw
    yield b"]}\n" if some else b"}\n"


def _must_be_seen(view: View | None, part: Part) -> None:
    if view is None:
        return
    seen = view.uncut(part.whole) == set(part.whole)
    if not (seen and all(_is_left(view, int(number), digest) for number, digest in part.cut.items())):
        raise Outdated("you may not see all of this any more; ask for a new export")


def _is_left(view: View, number: int, digest: str) -> bool:
    shown = view.shown(number)
    return shown is not None and _digest(shown) == digest


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
