"""What the TAXII peers do with a corpus: storing, reading and finding; measured once a run and set beside several rows.

They slow down as they grow (medallion reads in quadratic time), so each gets a slice that it masters in a minute, which favours
it. OpenTAXII stores only objects that have `modified`, so its slice is of those.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, NamedTuple

from benchmarks.clients import Reader, by_id, plain, post, through_client
from benchmarks.data import Corpus
from benchmarks.peers import Service, Unavailable, medallion, opentaxii


class Peer(NamedTuple):
    """A server to be measured: so many objects are posted, so many are there to be read, so often; only dated ones?"""

    name: str
    serve: Callable[[], AbstractContextManager[Service]]
    posted: int
    read: int
    runs: int
    dated: bool


class Figures(NamedTuple):
    """Objects a second, milliseconds by id, and notes for the table; no figures when the peer could not be run."""

    posted: float | None
    client: float | None
    plain: float | None
    by_id: float | None
    note_of_post: str
    note: str


OPENTAXII = Peer("OpenTAXII 0.9.3, SQLite", opentaxii, 5_000, 5_000, 3, True)
MEDALLION = Peer("medallion 3.0.0, memory", medallion, 5_000, 2_000, 1, False)
PEERS = (OPENTAXII, MEDALLION)


@cache
def figures(peer: Peer, corpus: Corpus) -> Figures:
    """The peer's figures; the same call gives the same figures, measured once."""
    usable = [one for one in corpus.objects() if "modified" in one or not peer.dated]
    posted, read = usable[: peer.posted], usable[: peer.read]
    try:
        with peer.serve() as service:
            rate = post(service, posted)
        with peer.serve() as service:
            post(service, read)
            service.analyze()
            found = statistics.median(Reader(service).latencies(by_id([one["id"] for one in read])))
            client, bare = through_client(service, peer.runs), plain(service, peer.runs)
        return Figures(rate, client, bare, found, _note(peer, posted), _note(peer, read))
    except Unavailable as error:
        return Figures(None, None, None, None, str(error), str(error))


def _note(peer: Peer, objects: list[dict[str, Any]]) -> str:
    return f"{peer.name.split()[0]} with {len(objects):,} objects"
