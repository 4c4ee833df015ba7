"""A PostgreSQL that fails over to its standby: what was acknowledged is there, and the node goes on without being touched."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import httpx
import psycopg
import pytest

from kizuna.errors import Unavailable
from kizuna.store import open_store
from kizuna.store.postgres import PostgresDatabase
from tests.commands import kizuna
from tests.postgres import Cluster
from tests.proxy import Proxy

from .conftest import Faulty, corpus, founded
from .test_several_processes import as_somebody, post, up
from .test_sudden_end import TAXII, check

PATIENCE = 180.0


class Pair(NamedTuple):
    """A server, the one that follows it, and a database of both."""

    primary: Cluster
    standby: Cluster
    name: str

    @property
    def address(self) -> str:
        """Where the node finds whichever may be written to, as libpq understands it."""
        url = self.primary.url(self.name)
        both = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        return f"{url.replace(f'127.0.0.1:{self.primary.port}', both)}?target_session_attrs=read-write"


@pytest.fixture
def pair() -> Iterator[Pair]:
    made: list[Cluster] = []
    try:
        made.append(primary := Cluster())
        primary.start()
        name = primary.make_database().rpartition("/")[2]
        made.append(standby := Cluster.standby_of(primary))
        standby.start()
        primary.wait_for_standby()
        yield Pair(primary, standby, name)
    finally:
        for cluster in made:
            cluster.remove()


class Traffic:
    """Writers to every process, a partner who pages its feed, and somebody who asks for counts, while it is entered."""

    def __init__(self, node: Faulty, urls: list[str]) -> None:
        self.node = node
        self.acknowledged: list[dict[str, Any]] = []
        self.seen: list[str] = []
        self.refused: list[tuple[int, str]] = []
        self._urls = urls
        self._taken = dict.fromkeys(urls, 0)
        self._ended = threading.Event()
        self._written = threading.Event()
        self._writing = [threading.Thread(target=self._write, args=(url, n)) for n, url in enumerate(urls)]
        self._reading = [threading.Thread(target=read, args=(urls[-1],)) for read in (self._page, self._count)]

    def __enter__(self) -> Traffic:
        for thread in (*self._writing, *self._reading):
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._writing:
            thread.join()
        self._written.set()
        for thread in self._reading:
            thread.join()

    def everybody_writes(self) -> None:
        """Wait until each process has taken something in from now on."""
        before = dict(self._taken)
        until(lambda: all(self._taken[url] > before[url] + 1 for url in self._urls))

    def _write(self, url: str, number: int) -> None:
        for batch in range(100_000):
            if self._ended.is_set():
                return
            objects = corpus(batch, 20, f"w{number}x{batch}x")
            answer = post(url, self.node.owner, *objects)
            if answer.status_code == 202:
                failed = {entry["id"] for entry in answer.json()["failures"]}
                self.acknowledged += [one for one in objects if one["id"] not in failed]
                self._taken[url] += 1
            else:
                self.refused.append((answer.status_code, answer.text))
                time.sleep(0.05)

    def _count(self, url: str) -> None:
        while not self._ended.wait(0.1):
            answer = httpx.get(f"{url}/api/v1/stats", headers=as_somebody(self.node.owner), timeout=120)
            if answer.status_code != 200:
                self.refused.append((answer.status_code, answer.text))

    def _page(self, url: str) -> None:
        after, last = "2020-01-01T00:00:00.000000Z", False
        headers = {**as_somebody(self.node.brussels), "Accept": TAXII}
        with httpx.Client(headers=headers, timeout=120) as client:
            while True:
                last = self._written.is_set()
                asked = {"added_after": after, "limit": "25", "match[version]": "all"}
                answer = client.get(f"{url}/taxii2/real/collections/feed/objects/", params=asked)
                if answer.status_code != 200:
                    self.refused.append((answer.status_code, answer.text))
                    time.sleep(0.05)
                    continue
                found = answer.json().get("objects", [])
                self.seen += [item["id"] for item in found]
                after = answer.headers.get("X-TAXII-Date-Added-Last", after)
                if not found and last:
                    return


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def two_processes(node: Faulty) -> Iterator[tuple[str, str]]:
    with up(node.folder) as (one, first), up(node.folder) as (other, second):
        yield one, other
        assert (first.poll(), second.poll()) == (None, None)


def all_is_there(traffic: Traffic) -> None:
    """Only 503 was ever answered but what is right; nothing is lost, nothing by halves, and the feed came once and whole."""
    assert [one for one in traffic.refused if one[0] != 503] == []
    check(traffic.node.folder, traffic.acknowledged)
    store = open_store(traffic.node.folder)
    try:
        assert len(traffic.seen) == len(set(traffic.seen)) == store.feed("Brussels").count() > 0
    finally:
        store.close()


def export(url: str, node: Faulty) -> str:
    """Ask for a job; its address."""
    answer = httpx.post(f"{url}/api/v1/jobs?kind=export", headers=as_somebody(node.owner), timeout=120)
    assert answer.status_code == 202, answer.text
    return f"{url}/api/v1/jobs/{answer.json()['id']}"


def state(job: str, node: Faulty) -> str:
    answer = httpx.get(job, headers=as_somebody(node.owner), timeout=120)
    return str(answer.json()["state"]) if answer.status_code == 200 else ""


def test_an_address_of_two_servers(pair: Pair, tmp_path: Path) -> None:
    """The primary dies; the node finds the standby when that has been promoted."""
    node = founded(tmp_path / "node", pair.address)
    with two_processes(node) as urls:
        with Traffic(node, list(urls)) as traffic:
            traffic.everybody_writes()
            job = export(urls[0], node)
            pair.primary.kill()
            until(lambda: traffic.refused)
            pair.standby.promote()
            traffic.everybody_writes()
            until(lambda: state(job, node) == "done")
            until(lambda: state(export(urls[1], node), node) in ("queued", "running", "done"))
        assert {httpx.get(f"{url}/readyz", timeout=60).status_code for url in urls} == {200}
    all_is_there(traffic)


@pytest.mark.soak
def test_a_proxy_that_is_turned_to_the_standby_before_its_time(pair: Pair, tmp_path: Path) -> None:
    """Nobody writes to it, and who asks is told why, until it has been promoted; the old connections are left to the old one."""
    with Proxy(pair.primary.port) as proxy:
        node = founded(tmp_path / "node", proxy.url(pair.primary.url(pair.name)))
        with two_processes(node) as urls, Traffic(node, list(urls)) as traffic:
            traffic.everybody_writes()
            proxy.target = pair.standby.port
            traffic.everybody_writes()  # by the connections there are
            proxy.cut()
            until(lambda: any("standby" in text for _, text in traffic.refused))
            assert httpx.get(f"{urls[0]}/api/v1/stats", headers=as_somebody(node.owner)).status_code == 200
            pair.primary.kill()
            pair.standby.promote()
            traffic.everybody_writes()
        all_is_there(traffic)


@pytest.mark.soak
def test_old_connections_to_an_old_primary_that_lives_on(pair: Pair, tmp_path: Path) -> None:
    """What is written there waits for a standby that has gone: it is given up, and written to the new one."""
    with Proxy(pair.primary.port) as proxy:
        node = founded(tmp_path / "node", proxy.url(pair.primary.url(pair.name)))
        with two_processes(node) as urls, Traffic(node, list(urls)) as traffic:
            traffic.everybody_writes()
            proxy.target = pair.standby.port
            pair.standby.promote()
            traffic.everybody_writes()
        all_is_there(traffic)


def test_a_commit_whose_standby_nobody_waited_for_is_none(pair: Pair) -> None:
    """An operator cancels what hangs: the server says that all is well, with a warning."""
    database = PostgresDatabase(pair.primary.url(pair.name))
    failed: list[Exception] = []

    def write() -> None:
        try:
            with database.write() as writer:
                writer.execute("insert into meta values ('a', '1')")
        except Unavailable as error:
            failed.append(error)

    write()
    assert failed == []
    with database.write() as writer:
        writer.execute("delete from meta where key='a'")
    pair.standby.stop()
    thread = threading.Thread(target=write)
    thread.start()
    with psycopg.connect(pair.primary.url(pair.name), autocommit=True) as other:
        sql = "select pg_cancel_backend(pid) from pg_stat_activity where wait_event='SyncRep' and query='commit'"
        until(lambda: other.execute(sql).fetchone())
    thread.join()
    assert ["may not have kept it" in str(error) for error in failed] == [True]
    database.close()


def test_the_doctor_tells_of_a_standby_that_no_commit_waits_for(pair: Pair, tmp_path: Path) -> None:
    node = founded(tmp_path / "node", pair.address)

    def told() -> str:
        lines = kizuna("doctor", "--data", node.folder, "--json").lines()
        return str(next(line["message"] for line in lines if line["check"] == "store"))

    assert "standby" not in told()
    with psycopg.connect(pair.primary.url(), autocommit=True) as other:
        other.execute("alter system reset synchronous_standby_names")
        other.execute("select pg_reload_conf()")
    until(lambda: "synchronous_standby_names is empty" in told())
    pair.standby.stop()
    until(lambda: "standby" not in told())


@pytest.mark.soak
def test_what_was_lost_with_a_server_is_not_remembered(pair: Pair, tmp_path: Path) -> None:
    """A standby that nobody waited for lacks what was seen last: its numbers are given to other things, and the node knows."""
    node = founded(tmp_path / "node", pair.address)
    with up(node.folder) as (url, _):

        def take_in(seed: int, count: int, area: str) -> list[dict[str, Any]]:
            objects = corpus(seed, count, f"{area}{seed}x")
            to = f"{url}/api/v1/import?area={area}"
            answer = httpx.post(to, content=json.dumps(objects), headers=as_somebody(node.owner), timeout=120)
            assert answer.status_code == 200, answer.text
            return objects

        def counted() -> Any:
            answer = httpx.get(f"{url}/api/v1/stats", headers=as_somebody(node.owner), timeout=120)
            return answer.json() if answer.status_code == 200 else None

        kept = take_in(1, 30, "cyber")
        with psycopg.connect(pair.primary.url(), autocommit=True) as other:
            other.execute("alter system reset synchronous_standby_names")
            other.execute("select pg_reload_conf()")
        until(lambda: _caught_up(pair))
        pair.standby.stop()
        take_in(2, 30, "space")
        before = counted()
        pair.primary.kill()
        pair.standby.start()
        pair.standby.promote()
        until(lambda: counted() is not None)
        assert counted() != before
        kept += take_in(3, 17, "air") + take_in(4, 24, "space")
        after = counted()
    have = check(node.folder, kept)
    assert not {one["id"] for one in corpus(2, 30, "space2x")} & have
    with up(node.folder) as (url, _):
        assert counted() == after  # as one counts that never knew the other


def _caught_up(pair: Pair) -> bool:
    with psycopg.connect(pair.primary.url(), autocommit=True) as other:
        sql = "select pg_current_wal_lsn() <= replay_lsn from pg_stat_replication"
        return other.execute(sql).fetchone() == (True,)


def test_a_server_that_crashed_begins_another_life() -> None:
    """It counts transactions from where its log ended; what was seen of it before is told apart, also where the postmaster lives on."""
    cluster = Cluster()
    try:
        cluster.start()
        database = PostgresDatabase(cluster.make_database())
        met: list[int] = []
        database.replaced = lambda: met.append(1)
        with database.write() as writer:
            victim = writer.raw.pid
        before = list(cast("tuple[object, ...]", database.version()))
        assert (list(cast("tuple[object, ...]", database.version())), met) == (before, [])
        os.kill(victim, signal.SIGKILL)
        until(lambda: _answers(database))
        assert list(cast("tuple[object, ...]", database.version()))[1:] != before[1:]
        assert met
        database.close()
    finally:
        cluster.remove()


def _answers(database: PostgresDatabase) -> bool:
    try:
        with database.write():
            return True
    except Unavailable:
        return False
