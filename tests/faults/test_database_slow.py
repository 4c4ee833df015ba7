"""A PostgreSQL behind a bad network: slow, silent, cut off in the middle of writes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.builders import CLEAR, campaign
from tests.proxy import Proxy

from .conftest import corpus, founded
from .test_several_processes import as_somebody, post, up
from .test_sudden_end import check

CUTS = 25


def _ready(url: str) -> None:
    deadline = time.monotonic() + 120
    while httpx.get(f"{url}/readyz", timeout=120).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_connections_are_cut_in_the_middle_of_writes(make_database: Callable[[], str], tmp_path: Path) -> None:
    """What was answered 503 may be there or not; sent again it is there once."""
    address = make_database()
    choice = random.Random(7)
    acknowledged: list[dict[str, Any]] = []
    refused: list[tuple[int, str]] = []
    ended = threading.Event()
    with Proxy(int(address.rpartition(":")[2].partition("/")[0])) as proxy:
        node = founded(tmp_path / "node", proxy.url(address))
        with up(node.folder) as (url, process):

            def write() -> None:
                batch = 0
                while not ended.is_set():
                    objects = corpus(batch, 20, f"c{batch}x")
                    answer = post(url, node.owner, *objects)
                    if answer.status_code == 202:
                        failed = {entry["id"] for entry in answer.json()["failures"]}
                        acknowledged.extend(one for one in objects if one["id"] not in failed)
                        batch += 1
                    else:
                        refused.append((answer.status_code, answer.text))

            def read() -> None:
                while not ended.is_set():
                    answer = httpx.get(f"{url}/api/v1/stats", headers=as_somebody(node.owner), timeout=120)
                    if answer.status_code != 200:
                        refused.append((answer.status_code, answer.text))

            threads = [threading.Thread(target=write), threading.Thread(target=read)]
            for thread in threads:
                thread.start()
            for _ in range(CUTS):
                time.sleep(choice.uniform(0.02, 0.4))
                proxy.cut()
            before, deadline = len(acknowledged), time.monotonic() + 120
            while len(acknowledged) == before and time.monotonic() < deadline:
                time.sleep(0.05)
            ended.set()
            for thread in threads:
                thread.join()
            assert process.poll() is None
            _ready(url)
        assert [one for one in refused if one[0] != 503] == []
        assert len(acknowledged) > before
        check(node.folder, acknowledged)


def test_a_slow_one_loses_nothing(make_database: Callable[[], str], tmp_path: Path) -> None:
    address = make_database()
    with Proxy(int(address.rpartition(":")[2].partition("/")[0])) as proxy:
        node = founded(tmp_path / "node", proxy.url(address))
        with up(node.folder) as (url, _):
            proxy.delay = 0.1
            objects = corpus(1, 10, "s")
            answer = post(url, node.owner, *objects)
            assert answer.status_code in (202, 503), answer.text
            assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200
            proxy.delay = 0.0
            _ready(url)
            assert post(url, node.owner, *objects).status_code == 202
        check(node.folder, [one for one in objects if one["type"] != "relationship"])


def test_what_was_cut_while_nobody_used_it_is_no_matter(make_database: Callable[[], str], tmp_path: Path) -> None:
    """Nothing was asked of those connections yet, so nobody is told to come later."""
    address = make_database()
    with Proxy(int(address.rpartition(":")[2].partition("/")[0])) as proxy:
        node = founded(tmp_path / "node", proxy.url(address))
        with (
            up(node.folder) as (url, _),
            httpx.Client(base_url=url, headers=as_somebody(node.owner), timeout=60) as client,
        ):
            for turn in range(4):
                sent = post(url, node.owner, campaign(f"turn{turn}", object_marking_refs=[CLEAR]))
                assert sent.status_code == 202, sent.text
                for path in ("/api/v1/search/facets?q=turn", "/api/v1/stats"):  # in a snapshot, and out of one
                    assert client.get(path).status_code == 200
                    proxy.cut()
                    answer = client.get(path)
                    assert answer.status_code == 200, answer.text
                proxy.cut()
