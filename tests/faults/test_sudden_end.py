"""Killed at any moment, a node has everything it acknowledged, and nothing by halves."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from kizuna.settings import load
from kizuna.store import open_store
from tests.commands import bundle, kizuna

from .conftest import EVERYWHERE, Faulty, corpus

TAXII = "application/taxii+json;version=2.1"
BATCH = 120
SOUGHT = 1_000


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    """A command as leader of a group of its own, so that whatever it leaves behind can be found."""
    return subprocess.Popen(
        [sys.executable, "-m", "kizuna", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[str]) -> None:
    """Kill the process, not its children, and see them end by themselves."""
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 60
    while left := alive(process.pid):
        assert time.monotonic() < deadline, f"still alive: {left}"
        time.sleep(0.02)


def alive(group: int) -> list[int]:
    """Processes of a group that run; a zombie nobody collects does not."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, of = entry.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(of) == group and state not in "ZX":
            found.append(int(entry.parent.name))
    return found


def sound(folder: Path) -> None:
    """Nothing is wrong with the store."""
    # Of the indices it works everything out afresh (`kizuna.store.verify`).
    doctor = {line["check"]: line for line in kizuna("doctor", "--data", folder, "--full", "--json").lines()}
    assert (doctor["store"]["state"] != "failed", doctor["indices"]["state"]) == (True, "ok"), doctor


def check(folder: Path, acknowledged: list[dict[str, Any]]) -> set[str]:
    """Nothing is wrong with the store, and what was acknowledged is there and found; the ids of all there is."""
    sound(folder)
    store = open_store(folder)
    try:
        view = store.custodian()
        have = {json.loads(raw)["id"] for raw in view.export()}
        assert [one["id"] for one in acknowledged if one["id"] not in have] == []
        named = [one for one in acknowledged if "name" in one]
        for one in named[:: 1 + len(named) // SOUGHT]:
            assert one["id"] in {found.id for found in view.search(one["name"]).items}
        for partner in ("Brussels", "Kyiv"):
            feed_is_gapless(store, partner)
        return have
    finally:
        store.close()


def feed_is_gapless(store: Any, partner: str) -> None:
    """Read in small pages a feed gives each version once, its dates rising."""
    from kizuna.store import Query

    feed, position, more = store.feed(partner), 0, True
    seen: set[tuple[str, int | None]] = set()
    while more:
        page = feed.read(Query(versions=("all",)), position, 97)
        for row in page.rows:
            assert row.added > position
            assert (row.id, row.version) not in seen
            position = row.added
            seen.add((row.id, row.version))
        more = page.more
    assert len(seen) == feed.count()


def kill_up(node: Faulty, choice: random.Random, number: int) -> list[dict[str, Any]]:
    """Serve the node, send batches from both sides, kill it at some moment; what it acknowledged until then."""
    process = start("up", "--data", node.folder, "--port", "0", "--poll-seconds", "0", "--json")
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    acknowledged: list[dict[str, Any]] = []

    def send(token: str, collection: str) -> None:
        address = f"{url}/taxii2/real/collections/{collection}/objects/"
        headers = {"Authorization": f"Bearer {token}", "Accept": TAXII, "Content-Type": TAXII}
        for batch in range(1_000):
            objects = corpus(batch, BATCH, f"{collection[0]}{number}x{batch}x")
            try:
                answer = httpx.post(address, content=json.dumps({"objects": objects}), headers=headers, timeout=60)
            except httpx.TransportError:
                return
            assert (answer.status_code, answer.json()["status"]) == (202, "complete")
            failed = {entry["id"] for entry in answer.json()["failures"]}
            acknowledged.extend(one for one in objects if one["id"] not in failed)

    threads = [threading.Thread(target=send, args=to) for to in ((node.brussels, "inbox"), (node.owner, "everything"))]
    for thread in threads:
        thread.start()
    time.sleep(choice.uniform(0.1, 1.5))
    kill(process)
    for thread in threads:
        thread.join()
    return acknowledged


def kill_import(node: Faulty, file: Path, choice: random.Random, most: float) -> None:
    """Import a file and kill that at some moment, if it has not ended before."""
    process = start("import", file, "--data", node.folder, "--json")
    time.sleep(choice.uniform(0.3, most))
    kill(process)


def killed_ups(node: Faulty, seed: int, kills: int) -> None:
    """Kill a served node so many times, each time looking at what it has."""
    choice = random.Random(seed)
    acknowledged: list[dict[str, Any]] = []
    for number in range(kills):
        acknowledged += kill_up(node, choice, number)
        check(node.folder, acknowledged)
    assert acknowledged


def killed_imports(node: Faulty, folder: Path, seed: int, kills: int, count: int, most: float) -> None:
    """Kill imports of one file, then let one end."""
    choice = random.Random(seed)
    objects = corpus(seed, count, "k")
    file = folder / "bundle.json"
    file.write_bytes(bundle(*objects))
    assert file.stat().st_size > 2 << 20  # large enough for readers of their own
    order = [one["id"] for one in objects]
    before = check(node.folder, [])
    for _ in range(kills):
        kill_import(node, file, choice, most)
        have = check(node.folder, [])
        stored = [id for id in order if id in have]
        assert stored == order[: len(stored)]  # whole batches, in order
        assert before <= have
        before = have
    done = kizuna("import", file, "--data", node.folder, "--json")
    assert done.code == 0, done.out
    assert done.last()["imported"] + done.last()["unchanged"] == len(objects)
    check(node.folder, objects)


def killed_moves(node: Faulty, places: Sequence[str], seed: int, kills: int, count: int) -> None:
    """Kill moves to one place after the other, each time looking at what is where the node says that it lives, then let one end."""
    choice = random.Random(seed)
    objects = corpus(seed, count, "v")
    assert kizuna("import", "-", "--data", node.folder, "--json", input=bundle(*objects)).code in (0, 3)
    have = check(node.folder, [])
    for place in places:
        for _ in range(kills):
            process = start("migrate", "--to", place, "--data", node.folder, "--json")
            time.sleep(choice.uniform(0.2, 1.5))
            kill(process)
            assert check(node.folder, []) == have
        if load(node.folder).store != place:
            done = kizuna("migrate", "--to", place, "--data", node.folder, "--json")
            assert done.code == 0, done.err
        assert load(node.folder).store == place
        assert check(node.folder, []) == have


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
class TestKill:
    """Kill -9 of the two commands that write for long."""

    @EVERYWHERE
    def test_a_served_node(self, faulty: Faulty) -> None:
        killed_ups(faulty, seed=1, kills=2)

    @EVERYWHERE
    def test_an_import(self, faulty: Faulty, tmp_path: Path) -> None:
        killed_imports(faulty, tmp_path, seed=2, kills=3, count=2_400, most=1.2)

    @EVERYWHERE
    def test_a_reader_that_dies_is_one_clear_error(self, faulty: Faulty, tmp_path: Path) -> None:
        file = tmp_path / "bundle.json"
        file.write_bytes(bundle(*corpus(3, 6_000, "r")))
        process = start("import", file, "--data", faulty.folder, "--json")
        children: list[int] = []
        while not children and process.poll() is None:
            children = [pid for pid in alive(process.pid) if pid != process.pid]
        assert children
        os.kill(children[0], signal.SIGKILL)
        out, _ = process.communicate(timeout=60)
        failure, counts = [json.loads(line) for line in out.splitlines()]
        assert "reading process ended early" in failure["errors"][0]["message"]
        assert counts["failed"] == 1
        assert alive(process.pid) == []
        check(faulty.folder, [])

    def test_a_move(self, faulty: Faulty, make_database: Callable[[], str]) -> None:
        killed_moves(faulty, [make_database(), "sqlite:///back.sqlite"], seed=4, kills=3, count=240)

    @pytest.mark.soak
    @pytest.mark.parametrize("seed", range(10))
    def test_a_move_often(self, faulty: Faulty, make_database: Callable[[], str], seed: int) -> None:
        places = [make_database(), "sqlite:///back.sqlite", make_database()]
        killed_moves(faulty, places, seed=300 + seed, kills=10, count=1_200)

    @pytest.mark.soak
    @pytest.mark.parametrize("seed", range(20))
    def test_a_served_node_often(self, faulty: Faulty, seed: int) -> None:
        killed_ups(faulty, seed=100 + seed, kills=5)

    @pytest.mark.soak
    @pytest.mark.parametrize("seed", range(20))
    def test_an_import_often(self, faulty: Faulty, tmp_path: Path, seed: int) -> None:
        killed_imports(faulty, tmp_path, seed=200 + seed, kills=10, count=12_000, most=3.0)
