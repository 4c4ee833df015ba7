"""A node that moves to another database and back says the same to everybody by every exit, byte for byte."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest
from anyio.from_thread import BlockingPortal

from kizuna.settings import save
from kizuna.store import Store
from kizuna.store.database import open_database
from kizuna.store.transfer import copy_store
from kizuna.store.verify import verify
from tests.behaviour.asgi import asked, portal
from tests.behaviour.worlds import DRIVES, SECRET, Answers, World, made, plain, sweep
from tests.builders import AMBER, CLEAR, GREEN, RED, campaign, named, relationship
from tests.commands import bundle, kizuna

CALLERS = ("Brussels", "Kyiv", "colleague", "owner", None)
READS = ("GET", "STATUS")
KINDS = ("campaign", "report", "relationship")
IDS = [
    *(named(kind, name) for kind in KINDS for name in ("a", "b", "c")),
    named("ipv4-addr", "v"),
    named("campaign", "unknown"),
]


@pytest.fixture(scope="module")
def loop() -> Iterator[BlockingPortal]:
    """One event loop for all."""
    with portal() as started:
        yield started


def lived(world: World) -> None:
    """Something of everything: versions, marks in parts, waits, relabels, deletes, purges, refusals, jobs, scripts, what partners sent."""
    world.bring("owner", *(made("campaign", name, [], f"power plant 発電所 {name}", 1, CLEAR) for name in "abc"))
    world.clock.now += 1_000_000
    world.bring(
        "colleague", made("campaign", "a", [], "напад", 2, CLEAR), made("report", "a", ["b"], "\0 nul", 1, CLEAR)
    )
    world.clock.now += 1_000_000
    marked = campaign(
        "b", modified="2026-01-12T00:00:00.000Z", description=f"{SECRET} İ ß ｶﾀｶﾅ", object_marking_refs=[CLEAR],
        granular_markings=[{"marking_ref": AMBER, "selectors": ["description"]}],
    )  # fmt: skip
    world.bring(
        "owner",
        marked,
        made("relationship", "a", ["b"], "x", 1, GREEN),
        made("report", "b", ["unknown"], "waits", 1, CLEAR),
    )
    address = {"type": "ipv4-addr", "spec_version": "2.1", "id": named("ipv4-addr", "v"), "value": "198.51.100.7"}
    world.bring("owner", address, {**address, "defanged": True}, label="TLP:CLEAR")
    world.clock.now += 1
    world.post(
        "Brussels",
        "inbox",
        made("campaign", "from Brussels", [], "theirs", 1, GREEN),
        campaign("a", description="forged"),
    )
    world.post("Kyiv", "inbox", made("report", "c", ["c"], "theirs", 1), {"type": "campaign", "id": "no"})
    world.relabel("owner", named("campaign", "c"), "TLP:GREEN community=UKR")
    world.delete("owner", named("report", "b"))
    world.bring(
        "owner",
        campaign("gone", object_marking_refs=[RED]),
        relationship(campaign("gone"), "related-to", campaign("a")),
    )
    world.clock.now += 1_000_000
    world.purge(named("campaign", "gone"), "colleague", "owner")
    world.job("owner", "kind=export")
    world.job("colleague", "kind=import&label=TLP:CLEAR", bundle(made("campaign", "job", ["a"], "by a job", 3, CLEAR)))
    world.clock.now += 1_000_000


def moved(world: World, address: str) -> World:
    """The same node with its rows somewhere else."""
    settings = msgspec.structs.replace(world.store.settings, store=address)
    target = open_database(world.folder, settings)
    copy_store(world.store, target)
    target.close()
    other = copy.copy(world)
    save(world.folder, settings)
    other.store = Store(world.folder, settings, world.clock)
    return other


def said(world: World) -> dict[str | None, Answers]:
    """All that callers of every kind are answered."""
    return {who: sweep(world, who, IDS, READS) for who in CALLERS}


def written(world: World) -> list[tuple[tuple[str, ...], int, bytes]]:
    """All that the command line writes of objects and acts."""
    told = [
        "search power",
        "search 発電所 --as Kyiv",
        "search power --facets",
        "stats",
        "stats --as Brussels",
        "partner list",
    ]
    told += [
        "job list",
        "purge list",
        "user list",
        *(f"{verb} {id}" for id in IDS for verb in ("show", "label show")),
    ]
    told += [f"explain {id} --as {name}" for id in IDS for name in ("Brussels", "Kyiv")]
    # Of the trail, what was done by the world's clock: that somebody exports is written there by the true one.
    within = "--since 2026-11-23T00:00:00Z --until 2026-11-23T06:00:00Z"
    trails = [f"audit export {within}", f"audit export --format csv {within}"]
    plainly = ["export", "export --as Brussels", "export --as Kyiv", *trails]
    commands = [tuple(words.split()) for words in [*(f"{words} --json" for words in told), *plainly]]
    done = {words: kizuna(*words, "--data", world.folder) for words in commands}
    return [(words, one.code, plain(one.out.encode())) for words, one in done.items()]


@contextmanager
def reached(world: World, loop: BlockingPortal) -> Iterator[World]:
    """A node that can be asked."""
    with asked(world.store, loop) as world.client:
        yield world


def test_there_and_back_no_exit_says_another_byte(
    loop: BlockingPortal, make_database: Callable[[], str], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        world = World(tmp_path)
        stack.callback(world.close)
        with reached(world, loop):
            lived(world)
            said(world)  # when somebody last came is an answer, too: from now on that stands
            before = said(world)
        commands = written(world)
        assert set(before["owner"]) == {route for route in DRIVES if route[0] == "GET"}
        assert [words for words, code, _ in commands if code not in (0, 3)] == []
        for address in (make_database(), f"sqlite:///{tmp_path}/back.sqlite"):
            world = moved(world, address)
            stack.callback(world.close)
            with reached(world, loop):
                after = said(world)
            for who in CALLERS:
                for route, answers in before[who].items():
                    if route == ("GET", "/settings"):
                        continue  # it says where the node keeps what it holds
                    assert after[who][route] == answers, (who, route)
            assert written(world) == commands
            assert list(verify(world.store)) == []
