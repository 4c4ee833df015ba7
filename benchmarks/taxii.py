"""TAXII 2.1: a partner reading its feed and posting to its inbox, one object by id, a feed of ten among many.

The node runs as a process of its own, `kizuna up`, and is asked over loopback. Peers are measured by the same client in the
same run when they are given as `--peer NAME=DISCOVERY_URL --user U --password P` (each with an empty, writable collection).

    python -m benchmarks.taxii [--peer OpenTAXII=http://127.0.0.1:9000/taxii2/ --user admin --password admin]
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from benchmarks.data import attack_enterprise, corpus_file, kizuna
from kizuna.formats.stix import bring_in
from kizuna.labels import parse_label
from kizuna.settings import Settings, save
from kizuna.stix import iter_objects
from kizuna.store import Partner, Query, Store, create_store
from kizuna.store.accounts import Accounts
from kizuna.store.keys import make_key

TAXII = "application/taxii+json;version=2.1"
FEED = "/taxii2/real/collections/feed"
RUNS = 3
LEVELS = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER")
_CAMPAIGN = {
    "type": "campaign", "spec_version": "2.1", "name": "one of ten",
    "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
}  # fmt: skip
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_NEXT = re.compile(rb'"next":"([^"]+)"')


class Row(NamedTuple):
    """One line of the table."""

    work: str
    figure: str
    target: str


class Reader:
    """A plain reader: one connection, bytes in, nothing parsed but the token of the next page."""

    def __init__(self, url: str, token: str, *, gzip: bool = False) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}", "Accept": TAXII}
        self._headers["Accept-Encoding"] = "gzip" if gzip else "identity"

    def get(self, path: str) -> bytes:
        """A body, unpacked."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body[:300]
        return zlib.decompress(body, wbits=31) if answer.headers.get("content-encoding") == "gzip" else body

    def everything(self, limit: int = 1000) -> Iterator[bytes]:
        """Every page of the feed."""
        token = b""
        while True:
            body = self.get(f"{FEED}/objects/?limit={limit}" + (f"&next={token.decode()}" if token else ""))
            yield body
            found = _NEXT.search(body, 0, 300)
            if found is None:
                return
            token = found[1]


class Node(NamedTuple):
    """A served node: its address, its partner's token, the objects in the partner's feed and the id of one of them."""

    url: str
    token: str
    objects: int
    id: str


def make(
    folder: Path, file: Path | None, *, receives: tuple[str, ...] = LEVELS, label: str | None = "TLP:CLEAR"
) -> tuple[Store, str]:
    """A node with one partner and a file imported under a label."""
    settings = Settings(
        name="Bench", organisation="Bench", country="JPN", identity="identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01"
    )
    save(folder, settings)
    make_key(folder)
    store = create_store(folder, settings)
    store.put_partner(Partner(name="Reader", organisation="Reader", country="BEL", receives=receives))
    token, _ = Accounts(store).create_token(by="bench", partner="Reader", scopes=("read", "write"))
    if file is not None:
        joined = parse_label(label, originator="Bench") if label else None
        for _ in bring_in(store.writer(store.own_source(), label=joined), str(file), settings.limits):
            pass
    return store, token


@contextmanager
def up(folder: Path, store: Store, token: str, **environment: str) -> Iterator[Node]:
    """The node served by `kizuna up`."""
    rows = store.feed("Reader").read(Query(), 0, 1).rows
    command = [kizuna(), "up", "--data", str(folder), "--port", "0", "--poll-seconds", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        yield Node(url, token, store.feed("Reader").count(), rows[0].id if rows else "")
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def node(file: Path | None, *, label: str | None = "TLP:CLEAR", **environment: str) -> Iterator[Node]:
    """A fresh node, served."""
    with tempfile.TemporaryDirectory() as name:
        store, token = make(Path(name), file, label=label)
        try:
            with up(Path(name), store, token, **environment) as served:
                yield served
        finally:
            store.close()


def best(work: Callable[[], int], runs: int = RUNS) -> float:
    """Objects a second, the best of some runs."""
    rates = []
    for _ in range(runs):
        began = time.perf_counter()
        count = work()
        rates.append(count / (time.perf_counter() - began))
    return max(rates)


def plain(served: Node, *, gzip: bool = False) -> float:
    """Reading everything as bytes; the objects are counted once, outside the clock."""
    reader = Reader(served.url, served.token, gzip=gzip)
    found = sum(len(json.loads(page)["objects"]) for page in reader.everything())
    return best(lambda: found if all(reader.everything()) else 0)


def through_client(url: str, user: str, password: str) -> float:
    """Reading everything with taxii2-client, pages of 1,000."""
    from taxii2client.v21 import Server, as_pages

    def read() -> int:
        with Server(url, user=user, password=password) as server:
            collection = next(c for c in server.api_roots[0].collections if c.can_read)
            return sum(len(page["objects"]) for page in as_pages(collection.get_objects, per_request=1000))

    return best(read)


def post(url: str, user: str, password: str, objects: list[dict[str, Any]]) -> float:
    """Posting with taxii2-client, 500 a batch; the client's encoding is within the clock."""
    from taxii2client.v21 import Server

    with Server(url, user=user, password=password) as server:
        collection = next(c for c in server.api_roots[0].collections if c.can_write)
        began = time.perf_counter()
        for start in range(0, len(objects), 500):
            collection.add_objects({"objects": objects[start : start + 500]})
        return len(objects) / (time.perf_counter() - began)


def latencies(served: Node, count: int, path: str) -> list[float]:
    """Milliseconds of single requests over one kept connection."""
    reader = Reader(served.url, served.token)
    found = []
    for _ in range(count):
        began = time.perf_counter()
        reader.get(path)
        found.append((time.perf_counter() - began) * 1000)
    return found


def crowd(served: Node, path: str, clients: int = 8, count: int = 300) -> float:
    """The 99th percentile in milliseconds when some clients ask at once, each as soon as it has its answer.

    They are connections of one event loop: threads of this process would wait for each other more than for the node.
    """
    parts = urlsplit(served.url)
    request = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {served.token}\r\nAccept: {TAXII}\r\n\r\n"

    async def one() -> list[float]:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        found = []
        for _ in range(count):
            began = time.perf_counter()
            writer.write(request.encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            await reader.readexactly(int(_LENGTH.search(head)[1]))  # type: ignore[index]
            found.append((time.perf_counter() - began) * 1000)
        writer.close()
        return found

    async def all_of_them() -> list[float]:
        return [moment for found in await asyncio.gather(*(one() for _ in range(clients))) for moment in found]

    return min(statistics.quantiles(asyncio.run(all_of_them()), n=100)[98] for _ in range(RUNS))


def reading(name: str, file: Path, label: str) -> Iterator[Row]:
    """Rows of one corpus."""
    with node(file, label=label) as served:
        yield Row(f"GET {name}, {served.objects:,} objects, plain", f"{plain(served):,.0f} obj/s", "180,000")
        client = through_client(f"{served.url}/taxii2/", "token", served.token)
        yield Row(f"GET {name}, taxii2-client", f"{client:,.0f} obj/s", "50,000")
        path = f"{FEED}/objects/{served.id}/"
        latencies(served, 50, path)
        yield Row(f"one by id, {name}", f"{statistics.median(latencies(served, 300, path)):.2f} ms", "1 ms")
        yield Row("one by id, p99 of 8 clients", f"{crowd(served, path):.2f} ms", "5 ms")
    with node(file, label=label, KIZUNA_COMPRESS="always") as served:
        yield Row(f"GET {name}, gzip", f"{plain(served, gzip=True):,.0f} obj/s", "40,000")


def few_of_many(file: Path) -> Iterator[Row]:
    """The first page of a feed that holds ten of 100,000."""
    with tempfile.TemporaryDirectory() as name:
        store, token = make(Path(name), file, receives=("TLP:CLEAR",), label="TLP:AMBER")
        label = parse_label("TLP:CLEAR", originator="Bench")
        ten = [{**_CAMPAIGN, "id": f"campaign--{i:08d}-0000-4000-8000-000000000000"} for i in range(10)]
        list(store.writer(store.own_source(), label=label).add(iter_objects(json.dumps(ten).encode())))
        with up(Path(name), store, token) as served:
            found = statistics.median(latencies(served, 200, f"{FEED}/objects/"))
            yield Row(f"first page of a feed with {served.objects} of 100,000", f"{found:.2f} ms", "5 ms")
        store.close()


def posting(name: str, file: Path, peers: list[str], user: str, password: str) -> Iterator[Row]:
    """POST to the inbox here and to every peer given, and reading back from the peers."""
    objects = json.loads(file.read_bytes())["objects"]
    rates = []
    for _ in range(RUNS):
        with node(None) as served:
            rates.append(post(f"{served.url}/taxii2/", "token", served.token, objects))
    yield Row(f"POST {name}, 500 a batch, taxii2-client", f"{max(rates):,.0f} obj/s", "10,000")
    for peer in peers:
        title, _, url = peer.partition("=")
        rate = post(url, user, password, objects[:5_000])
        yield Row(f"POST to {title}, 5,000 objects", f"{rate:,.0f} obj/s", f"we: {max(rates) / rate:.1f}×")
        rate = through_client(url, user, password)
        yield Row(f"GET from {title}", f"{rate:,.0f} obj/s", "")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", default="admin")
    given = parser.parse_args()
    print("| TAXII 2.1 over loopback | measured | target |\n|---|---|---|")
    attack = attack_enterprise()
    for rows in (
        reading("ATT&CK Enterprise", attack, "TLP:CLEAR"),
        reading("seeded corpus", corpus_file(), "TLP:CLEAR"),
        few_of_many(corpus_file()),
        posting("ATT&CK Enterprise", attack, given.peer, given.user, given.password),
    ):
        for row in rows:
            print(f"| {row.work} | {row.figure} | {row.target} |", flush=True)


if __name__ == "__main__":
    main()
