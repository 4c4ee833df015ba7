"""A PostgreSQL that has stopped, and acknowledges every byte: each request ends, and the node goes on when the database does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from kizuna.store.postgres.database import READERS
from tests.builders import CLEAR, campaign
from tests.commands import free_port
from tests.postgres import Cluster
from tests.proxy import Proxy

from .conftest import Faulty, corpus, founded
from .test_several_processes import as_somebody, post, up
from .test_sudden_end import check

ANSWER_SECONDS = 3
BOUND = 60.0
"""Seconds in which everything asked must have been answered on the busiest machine; without bounds it never is."""
READS = ("/api/v1/stats", "/api/v1/search?q=beacon", "/api/v1/me", "/taxii2/real/collections/")
PAGES = {"/": 503, "/problems": 503, "/no-such-page": 404}


@contextmanager
def served(folder: Path, address: str, seconds: int = ANSWER_SECONDS) -> Iterator[tuple[Faulty, str, str, int]]:
    """A node that answers within few seconds: itself, where it is, where its metrics are, its process."""
    node = founded(folder, address)
    file = folder / "node.json"
    settings = json.loads(file.read_text())
    settings["limits"] = {"answer_seconds": seconds}
    settings["admin_port"] = free_port(neighbours=0)
    file.write_text(json.dumps(settings))
    with up(folder) as (url, process):
        yield node, url, f"http://127.0.0.1:{settings['admin_port']}/metrics", process.pid


def get(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers, timeout=BOUND)


def ready(url: str) -> None:
    until = time.monotonic() + BOUND
    while get(f"{url}/readyz").status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.05)


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def connections(address: str) -> int:
    with psycopg.connect(address) as other:
        sql = "select count(*) from pg_stat_activity where application_name='kizuna' and datname=current_database()"
        return int((other.execute(sql).fetchone() or (0,))[0])


def everything_is_answered(url: str, metrics: str, node: Faulty) -> None:
    """Ask everything a node is asked, much of it at once, while its database has stopped."""
    asking: list[Future[httpx.Response]] = []
    with ThreadPoolExecutor(40) as pool:
        for path in READS:
            accept = "application/taxii+json;version=2.1" if path.startswith("/taxii2") else "*/*"
            asking += [pool.submit(get, url + path, **as_somebody(node.owner), Accept=accept) for _ in range(2)]
        as_browser = {"Cookie": f"{_cookie(node)}=made-up", "Accept": "text/html", "Accept-Language": "ja"}
        pages = {path: pool.submit(get, url + path, **as_browser) for path in PAGES}
        writes = [pool.submit(post, url, node.owner, campaign(f"st{n}", object_marking_refs=[CLEAR])) for n in range(2)]
        told, whether = pool.submit(get, metrics), pool.submit(get, f"{url}/readyz")
        while not all(one.done() for one in (*asking, *pages.values(), *writes, told, whether)):
            assert get(f"{url}/healthz").status_code == 200
            time.sleep(0.1)
    for one in (*asking, *writes):
        assert one.result().status_code == 503, one.result().text
        reason = one.result().text
        assert "database does not answer" in reason or "no connection to" in reason or "too long" in reason, reason
    assert whether.result().status_code == 503
    assert "kizuna_store_readable 0.0" in told.result().text
    assert {path: one.result().status_code for path, one in pages.items()} == PAGES
    assert "応答しません" in pages["/"].result().text


def _cookie(node: Faulty) -> str:
    return "kizuna_" + str(json.loads((node.folder / "node.json").read_text())["identity"])[-12:]


def goes_on(url: str, node: Faulty, batch: int) -> list[dict[str, Any]]:
    """It is ready by itself, reads and takes things in."""
    ready(url)
    assert get(f"{url}/api/v1/stats", **as_somebody(node.owner)).status_code == 200
    objects = corpus(batch, 12, f"after{batch}x")
    answer = post(url, node.owner, *objects)
    assert answer.status_code == 202, answer.text
    failed = {entry["id"] for entry in answer.json()["failures"]}
    return [one for one in objects if one["id"] not in failed]


def test_a_server_that_is_stopped_and_goes_on(tmp_path: Path) -> None:
    cluster = Cluster(durable=True)
    try:
        cluster.start()
        address = cluster.make_database()
        with served(tmp_path / "node", address) as (node, url, metrics, pid):
            acknowledged = goes_on(url, node, 1)
            cluster.freeze()
            try:
                everything_is_answered(url, metrics, node)
            finally:
                cluster.thaw()
            acknowledged += goes_on(url, node, 2)
            most = threads(pid)
            assert connections(address) <= READERS + 3  # a writer, who asks about it, and whoever is just leaving
            assert most < 60
        check(node.folder, acknowledged)
    finally:
        cluster.thaw()
        cluster.remove()


def test_a_page_about_an_error_holds_up_nobody(make_database: Callable[[], str], tmp_path: Path) -> None:
    """It asks who reads it, and everybody else is answered while it waits for that."""
    address = make_database()
    with (
        Proxy(int(address.rpartition(":")[2].partition("/")[0])) as proxy,
        served(tmp_path / "node", proxy.url(address), int(BOUND)) as (node, url, _, _pid),
        ThreadPoolExecutor(1) as pool,
    ):
        ready(url)
        proxy.stall()
        page = pool.submit(get, f"{url}/no-such-page", Cookie=f"{_cookie(node)}=made-up", Accept="text/html")
        time.sleep(1.0)  # it has come
        assert get(f"{url}/healthz").status_code == 200
        time.sleep(0.5)  # whatever was answered before is here
        assert not page.done()
        proxy.go_on()
        assert page.result().status_code == 404


@pytest.mark.soak
@pytest.mark.parametrize("heard", [False, True], ids=["commit-lost", "answer-lost"])
def test_it_stops_at_the_very_commit(make_database: Callable[[], str], tmp_path: Path, heard: bool) -> None:
    """503: it may be there or not; sent again it is there once."""
    address = make_database()
    with (
        Proxy(int(address.rpartition(":")[2].partition("/")[0])) as proxy,
        served(tmp_path / "node", proxy.url(address)) as (node, url, _, _pid),
    ):
        objects = [campaign(f"c{number}", object_marking_refs=[CLEAR]) for number in range(5)]
        proxy.lets_it_through = heard
        proxy.stalls_at = b"commit\0"
        answer = post(url, node.owner, *objects)
        assert answer.status_code == 503, answer.text
        proxy.go_on()
        ready(url)
        assert post(url, node.owner, *objects).status_code == 202
        check(node.folder, objects)


@pytest.mark.soak
def test_who_refuses_is_told_of_at_once_and_comes_back(make_database: Callable[[], str], tmp_path: Path) -> None:
    address = make_database()
    with (
        Proxy(int(address.rpartition(":")[2].partition("/")[0])) as proxy,
        served(tmp_path / "node", proxy.url(address)) as (node, url, metrics, _),
    ):
        proxy.refuses = True
        proxy.cut()
        everything_is_answered(url, metrics, node)
        proxy.refuses = False
        check(node.folder, goes_on(url, node, 3))


@pytest.mark.soak
def test_a_slow_one_is_given_the_seconds_there_are(make_database: Callable[[], str], tmp_path: Path) -> None:
    """Each question takes 50 ms: what needs many is told that it took too long, by then, and no connection is lost for it."""
    address = make_database()
    with (
        Proxy(int(address.rpartition(":")[2].partition("/")[0])) as proxy,
        served(tmp_path / "node", proxy.url(address)) as (node, url, _, _pid),
    ):
        acknowledged = goes_on(url, node, 4)
        proxy.delay = 0.05
        answers: list[int] = []

        def read() -> None:
            for path in READS[:3]:
                answers.append(get(url + path, **as_somebody(node.owner)).status_code)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert set(answers) <= {200, 503}
        assert len(answers) == 9
        assert 200 in answers
        proxy.delay = 0.0
        check(node.folder, acknowledged + goes_on(url, node, 5))
