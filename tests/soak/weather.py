"""What is done to the nodes while they are used: processes that die, a database that goes away, networks, bad neighbours, purges."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx

from kizuna.clock import now_us
from kizuna.store.accounts import DAY
from tests.builders import AMBER, campaign
from tests.commands import bundle, start
from tests.faults.conftest import corpus
from tests.faults.test_several_processes import as_somebody, post
from tests.faults.test_slow_neighbours import Place, flooding, neighbours, reading_nothing, trickling
from tests.postgres import Cluster
from tests.proxy import Proxy

from .ledger import Ledger
from .nodes import Node, Server

# The command has no other clock than the machine's, and a day is the least that a rule may say.
RETENTION = """
import sys
from pathlib import Path
from kizuna.store import open_store
from kizuna.store.retention import apply_retention
store = open_store(Path(sys.argv[1]))
apply_retention(store, int(sys.argv[2]))
store.close()
"""


class Scene:
    """Tallinn, two processes on PostgreSQL, and Riga, one on SQLite, which polls Tallinn; with what stands between them."""

    def __init__(self, tallinn: Node, riga: Node, cluster: Cluster, wire: Proxy, link: Proxy, ledger: Ledger) -> None:
        self.tallinn = tallinn
        self.riga = riga
        self.nodes = (tallinn, riga)
        self.cluster = cluster
        self.wire = wire
        self.link = link
        self.ledger = ledger
        self.chance = random.Random()

    def retain(self, seconds: float) -> None:
        """Destroy what came in longer ago, on both nodes."""
        cut = now_us() - int(seconds * 1_000_000)
        self.ledger.cut_off(cut)
        for process in [self.retention(node, cut) for node in self.nodes]:
            _, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors

    def retention(self, node: Node, cut: int) -> subprocess.Popen[str]:
        """The node's rules, applied as if a day had passed since that moment."""
        arguments = [sys.executable, "-c", RETENTION, str(node.folder), str(cut + DAY)]
        return subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )


Fault = Callable[[Scene], None]


def _again(server: Server) -> None:
    server.kill()
    server.start()


def kill_one_of_two(scene: Scene) -> None:
    """One process of the shared node dies."""
    with scene.tallinn.trouble():
        _again(scene.chance.choice(scene.tallinn.servers))


def kill_both(scene: Scene) -> None:
    """Both die at once."""
    with scene.tallinn.trouble():
        for server in scene.tallinn.servers:
            server.kill()
        for server in scene.tallinn.servers:
            server.start()


def kill_the_single(scene: Scene) -> None:
    """The node on a file dies."""
    with scene.riga.trouble():
        _again(scene.riga.servers[0])


def restart_in_turn(scene: Scene) -> None:
    """What an operator does who brings a new version."""
    for node in scene.nodes:
        with node.trouble():
            for server in node.servers:
                assert server.stop() == 0
                server.start()


def kill_the_database(scene: Scene) -> None:
    """As a power failure would."""
    with scene.tallinn.trouble():
        scene.cluster.kill()
        time.sleep(scene.chance.uniform(0, 2))
        scene.cluster.start()


def restart_the_database(scene: Scene) -> None:
    """As its operator would."""
    with scene.tallinn.trouble():
        scene.cluster.stop()
        time.sleep(scene.chance.uniform(0, 2))
        scene.cluster.start()


def cut_the_wire(scene: Scene) -> None:
    """Every connection to the database breaks, several times."""
    with scene.tallinn.trouble():
        for _ in range(3):
            scene.wire.cut()
            time.sleep(scene.chance.uniform(0, 0.5))


def refuse_the_wire(scene: Scene) -> None:
    """The database is there, and cannot be reached."""
    with scene.tallinn.trouble():
        scene.wire.refuses = True
        scene.wire.cut()
        time.sleep(scene.chance.uniform(0.5, 3))
        scene.wire.refuses = False


def stall_the_wire(scene: Scene) -> None:
    """Nothing comes through, and nothing says so."""
    with scene.tallinn.trouble():
        scene.wire.stall()
        time.sleep(scene.chance.uniform(0.5, 4))
        scene.wire.go_on()


def slow_the_wire(scene: Scene) -> None:
    """The database is far away. This excuses nothing."""
    scene.wire.delay = 0.01
    time.sleep(scene.chance.uniform(1, 4))
    scene.wire.delay = 0.0


def break_the_link(scene: Scene) -> None:
    """Riga does not reach Tallinn. This excuses nothing: polls are its own matter."""
    scene.link.refuses = True
    scene.link.cut()
    time.sleep(scene.chance.uniform(1, 5))
    scene.link.refuses = False
    scene.link.stall()
    time.sleep(scene.chance.uniform(1, 3))
    scene.link.go_on()
    scene.link.cut()


def flood(scene: Scene) -> None:
    """One partner asks for more than anybody can give. This excuses nothing."""
    node = scene.chance.choice(scene.nodes)
    server = scene.chance.choice(node.servers)
    with neighbours(Place("127.0.0.1", server.port), flooding(node.tokens["Oslo"]), 60):
        time.sleep(scene.chance.uniform(2, 5))


def half_open(scene: Scene) -> None:
    """Partners that send a byte at a time, and that take nothing of what they asked for. This excuses nothing."""
    node = scene.chance.choice(scene.nodes)
    place, token = Place("127.0.0.1", scene.chance.choice(node.servers).port), node.tokens["Oslo"]
    with neighbours(place, trickling(token), 40), neighbours(place, reading_nothing(token), 40):
        time.sleep(scene.chance.uniform(2, 5))


def kill_an_import(scene: Scene) -> None:
    """A command that stores for long dies."""
    node = scene.chance.choice(scene.nodes)
    file = node.folder.parent / f"{node.name}-large.json"
    file.write_bytes(bundle(*corpus(scene.chance.randrange(1 << 30), 2_400, f"large{now_us()}x")))
    _killed(start("import", file, "--data", node.folder, "--json"), scene.chance.uniform(0.5, 3))


def kill_a_backup(scene: Scene) -> None:
    """A backup dies: the one before is there whole, or the new one."""
    node = scene.chance.choice(scene.nodes)
    file = node.folder.parent / f"{node.name}-killed.backup"
    before = file.read_bytes()[:64] if file.exists() else b""
    _killed(start("backup", "-o", file, "--data", node.folder, "--json"), scene.chance.uniform(0.3, 2))
    assert not before or file.read_bytes()[:16] == before[:16]


def kill_retention(scene: Scene) -> None:
    """What destroys by rule dies; whoever comes next does the rest."""
    node = scene.chance.choice(scene.nodes)
    cut = now_us() - 40_000_000
    scene.ledger.cut_off(cut)
    _killed(scene.retention(node, cut), scene.chance.uniform(0.5, 1.5))


def purge(scene: Scene) -> None:
    """Two operators destroy an object; the second one's command dies now and then, and is given again. It is gone, and stays away."""
    node = scene.chance.choice(scene.nodes)
    url = node.servers[0].url
    one = campaign(f"purged{now_us()}", description="destroyed", object_marking_refs=[AMBER])
    assert post(url, node.tokens["owner"], one).status_code == 202
    given: dict[str, Any] = {"id": one["id"], "reason": "a test of it"}
    with httpx.Client(base_url=url, timeout=120) as client:
        first = as_somebody(node.tokens["first"])
        proposed = client.post("/api/v1/purges", json=given, headers=first)
        assert proposed.status_code == 200, proposed.text
        number = str(proposed.json()["number"])
        if scene.chance.random() < 0.5:
            token = node.folder / "second"
            confirm = start("purge", "confirm", number, "--token-file", token, "--data", node.folder, "--json")
            _killed(confirm, scene.chance.uniform(0.5, 1.5))
        done = client.post(f"/api/v1/purges/{number}/confirm", headers=as_somebody(node.tokens["second"]))
        assert done.status_code in (200, 409), done.text
        # Whoever did not see it is told what they would be told of a new one, so only looking tells.
        for _ in range(2):
            found = client.get(f"/api/v1/objects/{one['id']}", headers=as_somebody(node.tokens["owner"]))
            assert found.status_code == 404, found.text
            assert post(url, node.tokens["owner"], one).status_code == 202


def _killed(process: subprocess.Popen[str], seconds: float) -> None:
    """Kill a command at some moment, if it has not ended before."""
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


ENDING: tuple[Fault, ...] = (
    kill_one_of_two,
    kill_one_of_two,
    kill_both,
    kill_the_single,
    kill_the_single,
    restart_in_turn,
)
"""After these a process is a new one."""
LASTING: tuple[Fault, ...] = (
    kill_the_database, restart_the_database, cut_the_wire, refuse_the_wire, stall_the_wire, slow_the_wire, break_the_link, flood, half_open,
    kill_an_import, kill_a_backup, kill_retention, purge, purge,
)  # fmt: skip
"""These every process lives through."""
