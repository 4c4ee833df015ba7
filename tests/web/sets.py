"""What pages are looked at over: nothing, the demo's node in Tokyo, and a lot; everywhere people of every role, and one of Brussels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec.structs import replace

from benchmarks.corpus import Corpus
from kizuna.cli.pack import add_pack
from kizuna.cli.scene import found, furnish, home, node_of
from kizuna.clock import from_text
from kizuna.formats.pack import load
from kizuna.formats.scenario import read_scenario
from kizuna.settings import Settings, save
from kizuna.stix import iter_objects
from kizuna.store import Store, open_store
from kizuna.store.accounts import ROLES
from kizuna.store.consents import Consents
from kizuna.store.keys import make_key
from kizuna.store.searches import Searches
from tests.packs.test_scenario import exchange
from tests.serving import served
from tests.web.conftest import OPEN, Node, filled, people

LARGE = 20_000
NOW = from_text("2026-11-23T20:00:00Z")
"""When it is another day in Tokyo: a moment takes the most room then."""
REPORT = "report--e0a4b6d8-9f13-4a57-8c26-1d7e5b3f9a04"
NOTE = "note--b7d19c52-60ea-4f3d-a8b4-2c9f7e1d5036"
"""Of the demo: what Kyiv gets in part, and what waits for a second person to approve it for Brussels."""
VISITOR = "visitor"
PEOPLE = (*ROLES, "owner", VISITOR)
"""Who there is on each: of each role one who has no other, one with all of them, and somebody of Brussels."""


@contextmanager
def empty(folder: Path, url: str | None = None) -> Iterator[Node]:
    """A node that has people and partners, and nothing else."""
    settings = Settings(
        name="Tokyo",
        organisation="CERT Tokyo (fictional)",
        country="JPN",
        identity="identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01",
        store=url,
    )
    save(folder, settings)
    make_key(folder)
    with _served(Store(folder, settings, lambda: NOW)) as node:
        people(node)
        yield _with_everybody(node)


@contextmanager
def large(folder: Path, url: str | None = None) -> Iterator[Node]:
    """A node with 20,000 objects of 36 types under 200 labels."""
    with empty(folder, url) as node:
        source = node.store.own_source()
        rows = json.dumps(list(Corpus().objects(LARGE))).encode()
        failed = [
            one
            for one in node.store.writer(source, area="cyber-defence").add(iter_objects(rows))
            if one.status == "failed"
        ]
        assert failed == []
        yield filled(node)


@contextmanager
def demo(folder: Path) -> Iterator[Node]:
    """The demo's node in Tokyo after an exchange, with the objects of other tests, a search and a consent."""
    found(folder, 18700, {})
    scenario = read_scenario(load("scenario"))
    with ExitStack() as stack:
        stores = {one.node: open_store(home(folder, one.node)) for one in scenario.nodes}
        tokyo, packs = stores["Tokyo"], node_of(scenario, "Tokyo").packs
        for name, store in stores.items():
            if store is not tokyo:
                stack.callback(store.close)
            furnish(store, replace(node_of(scenario, name), packs=()))
        exchange(stores)
        for name in packs:  # only now: partners get thousands of objects of them, which takes long
            list(add_pack(tokyo, load(name)))
        node = filled(_with_everybody(stack.enter_context(_served(tokyo))))
        Searches(tokyo, "owner").save("a search", "q=power")
        Consents(tokyo).grant("Brussels", [OPEN["id"]], "CERT Riga (fictional)", by="owner")
        yield node


@contextmanager
def _served(store: Store) -> Iterator[Node]:
    try:
        with served(store) as address:
            node = Node(store, address)
            yield node
            node.close()
    finally:
        store.close()


def _with_everybody(node: Node) -> Node:
    there = {one.name for one in node.accounts.users()}
    for role in ROLES:
        if role not in there:
            node.accounts.add_user(role, [role], by="test")
    node.accounts.add_person_of("Brussels", VISITOR, by="test")
    return node


SETS = {"empty": empty, "demo": demo, "large": large}
