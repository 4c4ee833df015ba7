"""A million objects under 300 labels, for a reader who may see 120 of them: import, pages, counts, memory, a backup while serving.

On SQLite, and moved from there to PostgreSQL. No peer imports a million STIX objects into an indexed store within an hour here,
so none stands beside it: OpenTAXII's and medallion's figures at 5,000 objects are in the rows of `import` and `taxii`.

    python -m benchmarks million
"""

from __future__ import annotations

import http.client
import json
import os
import re
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.clients import PAGE, Reader
from benchmarks.corpus import write
from benchmarks.data import Corpus, kizuna, once
from benchmarks.nodes import ROOT
from benchmarks.peers import Service
from benchmarks.table import Row
from kizuna.store import open_store
from kizuna.store.accounts import Accounts
from tests.postgres import Cluster

OBJECTS = 1_000_000
FIRST = 25_000
LAST = 100_000  # of 25,000 are two transactions and a half: whether one of them empties the log decides
SEES = (120, 300, "ann")
USERS = 20
SECONDS = 20.0
PAUSE = 1.0  # a user looks at what came before asking again
COMMON = "storm"
ASKED = (f"/api/v1/search?q={COMMON}&limit=50", f"/api/v1/search/facets?q={COMMON}")


class Served(NamedTuple):
    """A served node: its process, its address and the token of `ann`."""

    process: subprocess.Popen[str]
    url: str
    token: str

    def memory(self) -> float:
        """MB of resident memory at most up to now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    def asked(self, path: str) -> float:
        """Milliseconds of one question, by a connection of its own."""
        host = self.url.removeprefix("http://")
        began = time.perf_counter()
        connection = http.client.HTTPConnection(host, timeout=60)
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 200, (answer.status, path)
        return (time.perf_counter() - began) * 1000


def filled(folder: Path, count: int) -> tuple[float, float, float]:
    """Import so many objects: objects a second of the first 25,000 and of the last 100,000, and MB of memory at most."""
    file = once(f"labelled-{count}.json", lambda target: write(target, count, sees=SEES))
    base = [kizuna(), "init", "--data", str(folder), "--name", "B", "--org", "Bench", "--country", "JPN"]
    subprocess.run(base, check=True, stdout=subprocess.DEVNULL)
    command = [kizuna(), "import", str(file), "--data", str(folder), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    store = open_store(folder)
    marks, peak = [(0, time.perf_counter())], 0.0
    while process.poll() is None:
        time.sleep(0.2)
        newest = store.database.read().execute("select max(n) from object").fetchone()[0] or 0
        if newest > marks[-1][0]:
            marks.append((newest, time.perf_counter()))
        peak = max(peak, _resident(process.pid))
    store.close()
    begun = next(mark for mark in marks if mark[0] >= min(FIRST, count // 4))
    late = [mark for mark in marks if mark[0] <= count - min(LAST, count // 4)][-1]
    return _rate(marks[1], begun), _rate(late, marks[-1]), peak


def _rate(one: tuple[int, float], other: tuple[int, float]) -> float:
    return (other[0] - one[0]) / max(other[1] - one[1], 1e-6)


def _resident(pid: int) -> float:
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def reader(folder: Path) -> str:
    """A token of the reader."""
    store = open_store(folder)
    accounts = Accounts(store)
    accounts.add_user("ann", ["reader"], by="bench")
    token, _ = accounts.create_token(by="bench", user="ann", scopes=("read",))
    store.close()
    return token


@contextmanager
def up(folder: Path, token: str) -> Iterator[Served]:
    """The node served."""
    command = [kizuna(), "up", "--data", str(folder), "--port", "0", "--poll-seconds", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"KIZUNA_LOG": "off"})
    try:
        assert process.stdout is not None
        yield Served(process, json.loads(process.stdout.readline())["url"], token)
    finally:
        process.terminate()
        process.wait(30)


def users(served: Served, paths: Sequence[str], seconds: float = SECONDS) -> list[float]:
    """Milliseconds of every question of some users at once, each pausing after its answer."""
    found: list[float] = []
    until = time.monotonic() + seconds

    def one(number: int) -> None:
        time.sleep(PAUSE * number / USERS)
        turn = number
        while time.monotonic() < until:
            found.append(served.asked(paths[turn % len(paths)]))
            turn += 1
            time.sleep(PAUSE)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(USERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def p95(found: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(found, n=20)[18]


def pages(served: Served) -> tuple[float, float, float]:
    """Milliseconds of the first pages and of the last of everything that ann may see, medians of twenty; objects a second of all."""
    service, times = Service(f"{served.url}{ROOT}/everything/", f"Bearer {served.token}"), []
    began = time.perf_counter()
    for _ in Reader(service).everything():
        times.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
    full = times[:-1]
    return statistics.median(full[:20]), statistics.median(full[-20:]), len(full) * PAGE * 1000 / sum(full)


def moved(folder: Path, url: str) -> float:
    """Seconds to move the node to another store, proved equal there."""
    began = time.perf_counter()
    subprocess.run([kizuna(), "migrate", "--to", url, "--data", str(folder), "--json"], check=True, capture_output=True)
    return time.perf_counter() - began


def backed_up(folder: Path, served: Served, paths: Sequence[str]) -> tuple[float, float]:
    """Seconds of a backup while people read, and the 95th percentile of what they waited."""
    began = time.perf_counter()
    command = [kizuna(), "backup", "--data", str(folder), "-o", str(folder.with_suffix(".backup")), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    took: list[float] = []

    def wait() -> None:
        process.wait()
        took.append(time.perf_counter() - began)

    waiting = threading.Thread(target=wait)
    waiting.start()
    found = users(served, paths)
    waiting.join()
    return took[0], p95(found)


def read(served: Served, data: str) -> Iterator[Row]:
    """What readers wait for, and what the node holds in memory meanwhile."""
    served.asked("/api/v1/search/facets")  # what counting needs is there
    newest = [served.asked("/api/v1/search?limit=50") for _ in range(100)]
    yield Row("newest 50 for a viewer of 120 labels, a page", data, statistics.median(newest), "ms", 50)
    took = p95(users(served, ASKED))
    yield Row("search and facets, commonest word, 20 users, p95", data, took, "ms", 200)
    one, end, rate = pages(served)
    yield Row("last TAXII page beside the first", data, end / one, "times", 1.5, note=f"{one:.1f} and {end:.1f} ms")
    yield Row("TAXII GET of all that may be seen, plain", data, rate, "obj/s", 80_000)


def rows(_corpora: Sequence[Corpus], count: int = OBJECTS) -> Iterator[Row]:
    """Every line of a million objects."""
    data = f"seeded {count:,}, 300 labels"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "node"
        first, last, peak = filled(folder, count)
        yield Row("import into SQLite: the last 100,000", data, last, "obj/s", 9_000, note=f"the first: {first:,.0f}")
        yield Row("the same, of the rate of the first 25,000", data, 100 * last / first, "%/s", 50)
        yield Row("import, memory at most, RSS of the writer", data, peak, "MB", 400)
        token = reader(folder)
        with up(folder, token) as served:
            yield from read(served, f"{data}, SQLite")
            quiet = p95(users(served, ASKED))
            seconds, during = backed_up(folder, served, ASKED)
            yield Row("backup while serving", f"{data}, SQLite", seconds, "s", 60)
            note = f"{quiet:.1f} and {during:.1f} ms"
            yield Row(
                "p95 of pages during a backup beside without", f"{data}, SQLite", during / quiet, "times", 2, note=note
            )
            yield Row("a node serving it, RSS at most", f"{data}, SQLite", served.memory(), "MB", 400)
        cluster = Cluster(durable=True)
        try:
            cluster.start()
            seconds = moved(folder, cluster.make_database())
            yield Row("move from SQLite to PostgreSQL, proved equal", data, seconds, "s", 300)
            with up(folder, token) as served:
                yield from read(served, f"{data}, PostgreSQL")
                yield Row("a node serving it, RSS at most", f"{data}, PostgreSQL", served.memory(), "MB", 400)
        finally:
            cluster.remove()
