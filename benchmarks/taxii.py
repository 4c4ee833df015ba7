"""TAXII 2.1 over loopback: a partner reading its feed and posting to its inbox, one object by id, a feed of ten among many.

The node runs as a process of its own, `kizuna up`. The peers are real servers that the same two readers ask in the same run.

    python -m benchmarks taxii
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.clients import TAXII, Reader, by_id, plain, post, through_client
from benchmarks.data import Corpus
from benchmarks.nodes import make, node, up
from benchmarks.peer_figures import PEERS, Figures, figures
from benchmarks.peers import Service
from benchmarks.table import Row
from kizuna.labels import parse_label
from kizuna.stix import iter_objects

RUNS = 3
_CAMPAIGN = {
    "type": "campaign", "spec_version": "2.1", "name": "one of ten",
    "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
}  # fmt: skip
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def crowd(service: Service, paths: Sequence[str], clients: int = 8, count: int = 300) -> float:
    """The 99th percentile in milliseconds when some clients ask at once, each as soon as it has its answer.

    They are connections of one event loop: threads of this process would wait for each other more than for the node.
    """
    parts = urlsplit(service.collection)
    asked = [_request(service, path) for path in paths]

    async def one() -> list[float]:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        found = []
        for request in islice(cycle(asked), count):
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            await reader.readexactly(int(_LENGTH.search(head)[1]))  # type: ignore[index]
            found.append((time.perf_counter() - began) * 1000)
        writer.close()
        return found

    async def all_of_them() -> list[float]:
        return [moment for found in await asyncio.gather(*(one() for _ in range(clients))) for moment in found]

    return min(statistics.quantiles(asyncio.run(all_of_them()), n=100)[98] for _ in range(RUNS))


def _request(service: Service, path: str) -> bytes:
    parts = urlsplit(service.collection)
    lines = (
        f"GET {parts.path}{path} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Authorization: {service.authorization}",
        f"Accept: {TAXII}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def beside(row: Row, corpus: Corpus, field: str) -> Iterator[Row]:
    """A line for each peer, with the peer's figure of that name."""
    for peer in PEERS:
        found: Figures = figures(peer, corpus)
        note = found.note_of_post if field == "posted" else found.note
        yield row._replace(peer=peer.name, theirs=getattr(found, field), note=note)


def posting(corpus: Corpus) -> Iterator[Row]:
    """POST to the inbox."""
    objects, rates = corpus.objects(), []
    for _ in range(RUNS):
        with node(None) as served:
            rates.append(post(served.inbox, objects))
    row = Row("TAXII POST, 500 a batch, taxii2-client", corpus.name, max(rates), "obj/s", 10_000)
    yield from beside(row, corpus, "posted")


def reading(corpus: Corpus) -> Iterator[Row]:
    """GET of everything and of one object; gzip has no peer, neither compresses."""
    with node(corpus.file) as served:
        name, reader = corpus.name, Reader(served.feed)
        row = Row(
            "TAXII GET of everything, pages of 1,000, plain reader", name, plain(served.feed, RUNS), "obj/s", 180_000
        )
        yield from beside(row, corpus, "plain")
        row = Row("the same, taxii2-client", name, through_client(served.feed, RUNS), "obj/s", 50_000)
        yield from beside(row, corpus, "client")
        paths = by_id([one["id"] for page in reader.everything() for one in json.loads(page)["objects"]])
        row = Row("one object by id", name, statistics.median(reader.latencies(paths * 10)), "ms", 1)
        yield from beside(row, corpus, "by_id")
        yield Row("one object by id, p99 of 8 clients", name, crowd(served.feed, paths), "ms", 5)
    with node(corpus.file, KIZUNA_COMPRESS="always") as served:
        yield Row("TAXII GET of everything, gzip", corpus.name, plain(served.feed, RUNS, gzip=True), "obj/s", 40_000)


def few_of_many(corpus: Corpus) -> Iterator[Row]:
    """The first page of a feed that holds ten objects of a whole corpus."""
    with tempfile.TemporaryDirectory() as name:
        store, token = make(Path(name), corpus.file, receives=("TLP:CLEAR",), label="TLP:AMBER")
        label = parse_label("TLP:CLEAR", originator="Bench")
        ten = [{**_CAMPAIGN, "id": f"campaign--{i:08d}-0000-4000-8000-000000000000"} for i in range(10)]
        list(store.writer(store.own_source(), label=label).add(iter_objects(json.dumps(ten).encode())))
        with up(Path(name), store, token) as served:
            found = statistics.median(Reader(served.feed).latencies(["objects/"] * 200))
            yield Row(f"first page of a feed of {served.objects}", corpus.name, found, "ms", 5)
        store.close()


def rows(corpora: Sequence[Corpus]) -> Iterator[Row]:
    """Every line of TAXII; the few of many are asked of the last corpus."""
    for corpus in corpora:
        yield from posting(corpus)
        yield from reading(corpus)
    yield from few_of_many(corpora[-1])
