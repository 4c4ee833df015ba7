"""Everything at once for long: two nodes on two databases are used and ill-treated, and everybody has what they were promised.

Both at the same time, not one after the other: so each has the whole time to grow in, and the one polls the other.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kizuna.clock import now_us
from kizuna.settings import load, save, write_private
from kizuna.store import Partner, Query, open_store
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.retention import Rules
from tests.builders import AMBER, CLEAR, GREEN
from tests.faults.conftest import Faulty, founded
from tests.faults.test_sudden_end import check, sound
from tests.postgres import Cluster, programs
from tests.proxy import Proxy

from .ledger import Eye, Ledger, Version, version
from .load import EVERYTHING, FEED, Clerk, Follower, Nonsense, Person, Program, Searcher, Worker, Writer
from .nodes import PATIENCE, Node, Sample, Server, steady
from .weather import ENDING, LASTING, Fault, Scene, kill_one_of_two, kill_the_database, kill_the_single

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="several addresses of one's own, /proc")
ALL, SHARED, OPEN = frozenset({CLEAR, GREEN, AMBER}), frozenset({CLEAR, GREEN}), frozenset({CLEAR})
KEPT_SECONDS = 60.0
"""So long objects are kept, so that there are never more than some thousand."""
REST_SECONDS = 4.0
MORE_MEMORY = 16 << 20
HEADER = "server,seconds,memory,files,threads\n"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Both nodes, served."""
    if programs() is None:
        pytest.skip("no PostgreSQL server on this machine")
    with ExitStack() as stack:
        cluster = Cluster(durable=True)
        stack.callback(cluster.remove)
        cluster.start()
        wire = stack.enter_context(Proxy(cluster.port))
        tallinn = _founded(tmp_path / "tallinn", "Tallinn", "BEL", wire.url(cluster.make_database()))
        riga = _founded(tmp_path / "riga", "Riga", "BEL", None)
        nodes = []
        for name, faulty, count, poll in (("Tallinn", tallinn, 2, 0.0), ("Riga", riga, 1, 2.0)):
            servers = []
            for number in range(count):
                server = Server(faulty.folder, tmp_path / f"{name}-{number}.log", poll)
                stack.callback(server.process_ended)
                servers.append(server)
            nodes.append(Node(name, faulty, servers))
        for node in nodes:
            _people(node)
        link = stack.enter_context(Proxy(nodes[0].servers[0].port))
        _polls(nodes[1], nodes[0], f"http://127.0.0.1:{link.port}/taxii2/")
        yield Scene(nodes[0], nodes[1], cluster, wire, link, Ledger())


def _founded(folder: Path, name: str, country: str, store_url: str | None) -> Faulty:
    folder.mkdir()
    made = founded(folder / "node", store_url, name, country)
    save(made.folder, msgspec.structs.replace(load(made.folder), community="BEL"))  # whom TLP:GREEN is for
    return made


def _people(node: Node) -> None:
    """Two operators, a partner that behaves badly, and rules under which everything goes after a day."""
    store = open_store(node.folder)
    accounts = Accounts(store)
    store.put_partner(
        Partner(
            name="Oslo", organisation="CERT Oslo", country="NOR", receives=("TLP:CLEAR",), default_label="TLP:CLEAR"
        )
    )
    for name in ("Oslo", "Kyiv"):
        node.tokens[name], _ = accounts.create_token(by="test", partner=name, scopes=("read", "write"))
    for name in ("first", "second"):
        accounts.add_user(name, ROLES, by="test")
        node.tokens[name], _ = accounts.create_token(by="test", user=name, scopes=("read", "operate"))
        write_private(node.folder / name, node.tokens[name].encode())
    rules = Rules(store)
    for label in ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:RED", "OWN"):
        rules.confirm(rules.set(label, None, 1, "destroy", "room", by="first").number, by="second")
    store.close()


def _polls(who: Node, whom: Node, url: str) -> None:
    """One node polls the other."""
    store = open_store(whom.folder)
    store.put_partner(
        Partner(name=who.name, organisation=f"CERT {who.name}", country="BEL", receives=("TLP:CLEAR", "TLP:GREEN"))
    )
    token, _ = Accounts(store).create_token(by="test", partner=who.name, scopes=("read",))
    store.close()
    write_private(who.folder / "tallinn.token", token.encode())
    store = open_store(who.folder)
    store.put_partner(
        Partner(
            name=whom.name,
            organisation=f"CERT {whom.name}",
            country="BEL",
            url=url,
            token="tallinn.token",
            default_label="TLP:AMBER",
        )
    )
    store.close()


class Soak:
    """One run: who works, what is done to the nodes, and what came of it."""

    def __init__(self, scene: Scene, seed: int, memory: Path) -> None:
        self.scene = scene
        self.seed = seed
        self.faults: Counter[str] = Counter()
        self.times: dict[str, list[float]] = {}
        self._memory = memory
        self._chance = scene.chance = random.Random(seed)
        self._retained = time.monotonic()
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self.followers: list[Follower] = []
        self.workers: list[Worker] = []
        self.writers: list[Writer] = []

    def begin(self) -> None:
        """Let everybody work."""
        ledger, (tallinn, riga) = self.scene.ledger, self.scene.nodes
        for node, eyes in (
            (tallinn, {"owner": {"Tallinn": ALL}, "Brussels": {"Tallinn": SHARED}, "Kyiv": {"Tallinn": OPEN}}),
            (riga, {"owner": {"Riga": ALL, "Tallinn": SHARED}, "Brussels": {"Riga": SHARED}, "Kyiv": {"Riga": OPEN}}),
        ):
            seed = f"{self.seed}{node.name}"
            for name, marks in eyes.items():
                path = EVERYTHING if name == "owner" else FEED
                self.followers.append(Follower(node, Eye(name, marks), ledger, path, 0.5, f"{seed}{name}f"))
            self.writers += [Writer(node, name, ledger, 0.6, f"{seed}{name}w") for name in ("owner", "Brussels")]
            owner = node.tokens["owner"]
            self.workers += [
                Searcher(node, owner, 0.7, seed), Person(node, "", 1.0, seed), Program(node, owner, 15.0, seed),
                Clerk(node, owner, 8.0, seed), Nonsense(node, node.tokens["Oslo"], 1.0, seed),
            ]  # fmt: skip
        self._sampler.start()

    def go_on(self, seconds: float, faults: tuple[Fault, ...]) -> None:
        """Do these things to the nodes in an order that the seed decides, and look after each whether all is well."""
        deadline, left = time.monotonic() + seconds, list[Fault]()
        while time.monotonic() < deadline:
            time.sleep(self._chance.uniform(0, 2 * REST_SECONDS))
            left = left or self._chance.sample(faults, len(faults))  # each has its turn
            self.do(left.pop())
            if time.monotonic() - self._retained > KEPT_SECONDS / 4:
                self.retain(KEPT_SECONDS)
            if self.faults.total() % 15 == 0:
                self.look()

    def do(self, fault: Fault) -> None:
        """Do this, and see that all is well afterwards."""
        self.faults[fault.__name__] += 1
        print(f"{time.strftime('%H:%M:%S')} {fault.__name__}", file=sys.stderr, flush=True)
        with self._timed(fault.__name__):
            fault(self.scene)
        self.settle()

    def retain(self, seconds: float) -> None:
        """Destroy what is older."""
        with self._timed("retention"):
            self.scene.retain(seconds)
        self._retained = time.monotonic()

    def settle(self) -> None:
        """All that was acknowledged until now is shown to everybody who may see it, and is there once."""
        due = {follower: self.scene.ledger.due(follower.eye) for follower in self.followers}
        deadline = time.monotonic() + PATIENCE
        with self._timed("feeds"):
            while lacking := {
                follower: lacks for follower in self.followers if (lacks := follower.lacks(due[follower]))
            }:
                self.nothing_wrong()
                told = {f"{f.node.name} {f.eye.name}": (len(lacks), sorted(lacks)[:3]) for f, lacks in lacking.items()}
                assert time.monotonic() < deadline, f"acknowledged and not shown: {told}"
                time.sleep(0.2)
        with self._timed("stores"):
            for node in self.scene.nodes:
                self._held(node)
        self.nothing_wrong()

    def look(self) -> None:
        """The indices are what a rebuild would make of them."""
        with self._timed("doctor"):
            for node in self.scene.nodes:
                sound(node.folder)

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.times.setdefault(what, []).append(time.monotonic() - began)

    def nothing_wrong(self) -> None:
        """No answer was one that may not be, and no process met what it did not expect."""
        for node in self.scene.nodes:
            assert node.wrong == [], f"{node.name}: {node.wrong[:5]}"
            for server in node.servers:
                said = server.log.read_text()
                assert "Traceback" not in said, said[-5_000:]
                assert '"frames":' not in said, said[-5_000:]

    def end(self) -> dict[str, Any]:
        """Let everybody come to an end, look at everything once more, and tell what happened."""
        for writer in self.writers:
            writer.end()
        for writer in self.writers:
            writer.join()
        self.settle()
        self.stop()
        ledger = self.scene.ledger
        for node in self.scene.nodes:
            for server in node.servers:
                assert server.stop() == 0
            check(node.folder, ledger.bodies(node.name))
        self.nothing_wrong()
        return self.report()

    def stop(self) -> None:
        """Let everybody end."""
        everybody: list[Worker] = [*self.writers, *self.followers, *self.workers]
        for worker in everybody:
            worker.end()
        self._ended.set()
        for worker in everybody:
            worker.join()

    def report(self) -> dict[str, Any]:
        """What was done and what came of it."""
        acts = Counter[str]()
        for worker in [*self.writers, *self.followers, *self.workers]:
            acts[f"{worker.node.name} {type(worker).__name__}"] += worker.turns
        return {
            "seed": self.seed,
            "acts": acts,
            "faults": self.faults,
            "seconds_each": {what: told_of(each) for what, each in self.times.items()},
            "acknowledged": self.scene.ledger.count,
            "shown": {f"{f.node.name} {f.eye.name}": f.shown for f in self.followers},
            "answers": {node.name: dict(sorted(node.answers.items())) for node in self.scene.nodes},
            "wrong": [wrong for node in self.scene.nodes for wrong in node.wrong[:10]],
            "steady": {
                f"{node.name} {number}": steady(server.samples, MORE_MEMORY)
                for node in self.scene.nodes
                for number, server in enumerate(node.servers)
            },
        }  # fmt: skip

    def _held(self, node: Node) -> None:
        """What it must have it has, and no version twice."""
        bodies = {version(one) for one in self.scene.ledger.bodies(node.name)}
        have, position, more = Counter[Version](), 0, True
        store = open_store(node.folder)
        try:
            while more:
                page = store.custodian().read(Query(versions=("all",)), position, 1_000)
                have.update(version(json.loads(row.raw)) for row in page.rows)
                position, more = page.rows[-1].position if page.rows else position, page.more
        finally:
            store.close()
        assert bodies - have.keys() == set()
        assert [one for one, times in have.items() if times > 1] == []

    def _sample(self) -> None:
        with self._memory.open("w") as file:
            file.write(HEADER)
            while not self._ended.wait(2):
                for node in self.scene.nodes:
                    for number, server in enumerate(node.servers):
                        server.sample()
                        if server.samples:
                            at, *rest = server.samples[-1]
                            file.write(f"{node.name}-{number},{at:.0f},{','.join(map(str, rest))}\n")
                file.flush()


def told_of(seconds: list[float]) -> dict[str, float]:
    """How often something was done, and how long it took, mostly and at most."""
    return {"times": len(seconds), "median": round(statistics.median(seconds), 1), "most": round(max(seconds), 1)}


@contextmanager
def soaking(scene: Scene, seed: int) -> Iterator[Soak]:
    """A run that is told of, however it ends."""
    told = os.environ.get("KIZUNA_SOAK_REPORT")
    place = Path(told) if told else scene.tallinn.folder.parent.parent / "soak.json"
    soak = Soak(scene, seed, place.with_suffix(".csv"))
    print(f"KIZUNA_SOAK_SEED={seed}", file=sys.stderr, flush=True)
    soak.begin()
    began = time.monotonic()
    try:
        yield soak
    finally:
        soak.stop()
        report = {"seconds": round(time.monotonic() - began), **soak.report()}
        place.write_text(json.dumps(report, indent=1) + "\n")
        print(json.dumps(report), file=sys.stderr, flush=True)


def test_what_is_flat_and_what_is_not() -> None:
    def lived(*memory: int) -> list[Sample]:
        return [Sample(0.0, one << 20, 30, 20) for one in memory for _ in range(20)]

    assert steady(lived(50, 100, 110, 120), MORE_MEMORY)["flat"]
    assert not steady(lived(50, 100, 110, 130), MORE_MEMORY)["flat"]


def test_a_moment(scene: Scene) -> None:
    """The long run in short, so that it does not rot."""
    with soaking(scene, seed=1) as soak:
        time.sleep(1)
        for fault in (kill_one_of_two, kill_the_single, kill_the_database):
            soak.do(fault)
        soak.retain(2)
        report = soak.end()
    assert report["acknowledged"] > 100


@pytest.mark.soak
def test_an_hour(scene: Scene) -> None:
    """In the second half every process lives on, so that what it holds can be judged."""
    seconds = float(os.environ.get("KIZUNA_SOAK_SECONDS", "3600"))
    seed = int(os.environ.get("KIZUNA_SOAK_SEED", str(now_us() % 100_000)))
    with soaking(scene, seed) as soak:
        soak.go_on(seconds / 2, ENDING + LASTING)
        soak.go_on(seconds / 2, LASTING)
        report = soak.end()
    assert all(life["flat"] for life in report["steady"].values()), report["steady"]
