"""A PostgreSQL that is killed, restarted or cut off while a node serves: what was acknowledged is there, and the node goes on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.postgres import Cluster

from .conftest import corpus, founded
from .test_several_processes import as_somebody, post, up
from .test_sudden_end import check


@pytest.fixture
def durable() -> Iterator[Cluster]:
    """A server of one's own that keeps what it says it keeps."""
    made = Cluster(durable=True)
    try:
        made.start()
        yield made
    finally:
        made.remove()


def test_a_server_that_is_killed_again_and_again(durable: Cluster, tmp_path: Path) -> None:
    node = founded(tmp_path / "node", durable.make_database())
    acknowledged: list[dict[str, Any]] = []
    refused: list[int] = []
    ended = threading.Event()

    with up(node.folder) as (url, process):

        def write() -> None:
            for batch in range(10_000):
                if ended.is_set():
                    return
                objects = corpus(batch, 40, f"b{batch}x")
                answer = post(url, node.owner, *objects)
                if answer.status_code == 202:
                    failed = {entry["id"] for entry in answer.json()["failures"]}
                    acknowledged.extend(one for one in objects if one["id"] not in failed)
                else:
                    refused.append(answer.status_code)
                    time.sleep(0.05)

        thread = threading.Thread(target=write)
        thread.start()
        for _ in range(3):
            time.sleep(0.7)
            durable.kill()
            time.sleep(0.2)
            durable.start()
        deadline = time.monotonic() + 60
        before = len(acknowledged)
        while len(acknowledged) == before and time.monotonic() < deadline:
            time.sleep(0.05)
        ended.set()
        thread.join()
        assert process.poll() is None
        ready = httpx.get(f"{url}/readyz")
        assert ready.status_code == 200
    assert acknowledged
    assert set(refused) <= {503}
    check(node.folder, acknowledged)


def test_while_the_server_is_away_the_node_says_so(durable: Cluster, tmp_path: Path) -> None:
    node = founded(tmp_path / "node", durable.make_database())
    with up(node.folder) as (url, _):
        assert httpx.get(f"{url}/api/v1/stats", headers=as_somebody(node.owner)).status_code == 200
        durable.stop()
        assert httpx.get(f"{url}/healthz").status_code == 200
        assert httpx.get(f"{url}/readyz", timeout=60).status_code == 503
        answer = httpx.get(f"{url}/api/v1/stats", headers=as_somebody(node.owner), timeout=60)
        assert (answer.status_code, json.loads(answer.content)["type"]) == (503, "/problems/unavailable")
        assert "password" not in answer.text
        durable.start()
        deadline = time.monotonic() + 60
        while httpx.get(f"{url}/readyz", timeout=60).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert httpx.get(f"{url}/api/v1/stats", headers=as_somebody(node.owner)).status_code == 200
