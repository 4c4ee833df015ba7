"""Invariant 1 over HTTP: what an observer may not see changes no byte of any registered exit, whatever the observer does."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from anyio.from_thread import BlockingPortal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kizuna.domains.air.holding import record
from kizuna.domains.air.sensors import Sensor
from kizuna.exchange.taxii import server as taxii_server
from kizuna.exchange.taxii.collections import ROOT
from kizuna.web.exits import EXITS, SILENT
from tests.behaviour.asgi import asked, portal
from tests.behaviour.worlds import (
    DRIVES,
    LAST,
    ORDER,
    PASSWORD,
    SECRET,
    TAXII,
    WITHHELD,
    Answers,
    World,
    made,
    plain,
    sweep,
    withheld,
)
from tests.builders import CLEAR, GREEN, campaign, named, relationship
from tests.commands import bundle, kizuna
from tests.domains.air.given import flying, heard
from tests.stores import Databases

OBSERVERS = ("Brussels", "visitor", "colleague", None)
BRINGING = ("Brussels", "colleague")
HIDDEN = "TLP:RED persons=owner"
NAMES = ("a", "b", "c")
REGISTERED = {(exit.method, exit.path) for exit in EXITS} | SILENT

Act = tuple[Any, ...]
# None by the hour: for the command line, whose clock is another, the next one has come.
RULES: tuple[dict[str, Any], ...] = (
    {"act": "send", "labels": ["TLP:CLEAR", "TLP:GREEN"]}, {"act": "send", "labels": ["TLP:CLEAR"], "parts": True},
    {"act": "propose", "approvers": 2, "parts": True}, {"act": "send", "query": "power", "labels": ["TLP:CLEAR"]},
)  # fmt: skip
releases = st.sampled_from(["propose", "approve", "stop", "withdraw"])
consents = st.sampled_from(["request", "grant", "end"])
partners = st.sampled_from(["Brussels", "Kyiv"])
kinds = st.sampled_from(["campaign", "report", "relationship"])
names = st.sampled_from(NAMES)
anything = names | names.map(lambda name: f"hidden {name}")
sent = names.map(lambda name: f"from Brussels {name}")
words = st.sampled_from(["power plant", "発電所", "напад"])
visible = st.one_of(
    st.tuples(st.just("import"), kinds, names, st.lists(anything, max_size=2), words, st.integers(1, 4)),
    st.tuples(st.just("import"), kinds, names, st.lists(anything, max_size=2), words, st.integers(1, 4)),
    st.tuples(st.just("post"), kinds, sent, st.lists(anything, max_size=2), words, st.integers(1, 4)),
    st.tuples(st.just("label"), kinds, anything, st.sampled_from(["TLP:GREEN", "TLP:CLEAR", "TLP:AMBER to=BEL", "TLP:AMBER+STRICT"])),
    st.tuples(st.just("delete"), kinds, anything),
    st.tuples(st.just("job"), st.sampled_from(["kind=export", "kind=export&type=report"])),
    st.tuples(st.just("purge"), kinds, anything),
    st.tuples(st.just("wait"), st.integers(1, 4_000_000)),
    st.tuples(st.just("release"), releases, partners, kinds, anything),
    st.tuples(st.just("release"), releases, partners, kinds, anything),
    st.tuples(st.just("consent"), consents, partners, kinds, anything | sent),
    st.tuples(st.just("rule"), st.sampled_from(["as-labelled", "some"]), st.sampled_from(RULES)),
)  # fmt: skip
# Objects of their own, and versions of visible ones: of days on which nobody else makes one.
hidden = st.one_of(
    st.tuples(st.just("hidden import"), kinds, anything, st.lists(anything, max_size=2), words, st.integers(11, 14)),
    st.tuples(st.just("hidden import"), kinds, anything, st.lists(anything, max_size=2), words, st.integers(11, 14)),
    st.tuples(st.just("hidden label"), kinds, names, st.sampled_from([HIDDEN, "TLP:RED persons=owner,x"])),
    st.tuples(st.just("hidden delete"), kinds, names),
    st.tuples(st.just("hidden search"), words),
    st.tuples(st.just("hidden release"), releases, partners, kinds, names),
    st.tuples(st.just("hidden consent"), consents, partners, kinds, names),
    st.tuples(st.just("hidden job"), kinds, anything, st.lists(anything, max_size=2), words, st.integers(11, 14)),
)
inboxes = st.tuples(st.just("hidden post"), kinds, names, st.lists(anything, max_size=2), words, st.integers(11, 14))
scripts = st.lists(st.one_of(visible, hidden, inboxes), min_size=3, max_size=12)


@pytest.fixture(scope="module")
def loop() -> Iterator[BlockingPortal]:
    """One event loop for all."""
    with portal() as started:
        yield started


@contextmanager
def worlds(loop: BlockingPortal, databases: Databases, count: int = 2) -> Iterator[list[World]]:
    """So many equal nodes."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            world = World(Path(folder), stack.enter_context(databases()))
            stack.callback(world.close)
            world.client = stack.enter_context(asked(world.store, loop))
            found.append(world)
        yield found


def perform(world: World, act: Act, *, with_hidden: bool) -> bytes | None:
    """Do one act at its moment; the answer, if somebody got it who may not see everything."""
    world.clock.now += act[1] if act[0] == "wait" else 1_000_000
    match act:
        case ("import", *what):
            reply = world.bring("colleague", made(*what, CLEAR))
        case ("post", *what):
            reply = world.post("Brussels", "inbox", made(*what, GREEN))
        case ("label", kind, name, label):
            reply = world.relabel("colleague", named(kind, name), label)
        case ("delete", kind, name):
            reply = world.delete("colleague", named(kind, name))
        case ("job", query):
            reply = world.job("colleague", query)
        case ("release", verb, partner, kind, name):
            reply = world.release("colleague", verb, partner, named(kind, name))
        case ("consent", verb, partner, kind, name):
            reply = world.consent("colleague", verb, partner, named(kind, name))
        case ("rule", name, said):
            body = json.dumps([{"name": name, **said}]).encode()
            world.ask("colleague", "PUT", "/api/v1/release/rules", body, {"Content-Type": "application/json"})
            reply = world.post_json("colleague", f"/api/v1/release/rules/{name}/approve", {"password": PASSWORD})
        case ("hidden job", kind, name, refs, text, day):
            # That somebody asked for something is seen by who operates the node; what it was about is not.
            hidden = [made(kind, name, refs, f"{text} {SECRET}", day)] if with_hidden else []
            world.job("owner", f"kind=import&{urlencode({'label': HIDDEN})}", bundle(*hidden))
            world.job("owner", "kind=export")
            return None
        case ("purge", kind, name):
            # Two operators' word on an id; whether there is anything of it, one of them does not see and nobody is told.
            reply = world.purge(named(kind, name), "colleague", "owner")
        case ("hidden post", kind, name, *rest):
            # That a partner spoke is seen by everybody here; what it said is not.
            world.post("Kyiv", "inbox", *([made(kind, f"hidden Kyiv {name}", *rest)] if with_hidden else []))
            return None
        case _:
            if with_hidden:
                _perform_hidden(world, act)
            return None
    return b"%d %b" % (reply.status, plain(reply.body))


def _perform_hidden(world: World, act: Act) -> None:
    match act:
        case ("hidden import", kind, name, refs, text, day):
            world.bring("owner", made(kind, name, refs, f"{text} {SECRET}", day), label=HIDDEN)
        case ("hidden label", kind, name, label):
            world.relabel("owner", named(kind, f"hidden {name}"), label)
        case ("hidden delete", kind, name):
            world.delete("owner", named(kind, f"hidden {name}"))
        case ("hidden release", verb, partner, kind, name):
            world.release("owner", verb, partner, named(kind, f"hidden {name}"))
        case ("hidden consent", verb, partner, kind, name):
            world.consent("owner", verb, partner, named(kind, f"hidden {name}"))
        case ("hidden search", word):
            world.ask("owner", "GET", f"/api/v1/search?q={word}&limit=1")


def ids_of(script: list[Act]) -> list[str]:
    """Every id that the script speaks of, and one that nobody has."""
    found = {named("campaign", "unknown")}
    for act in script:
        if len(act) > 2 and act[0] != "rule":
            kind, name = act[3:] if act[0].endswith(("release", "consent")) else act[1:3]
            name = f"hidden Kyiv {name}" if act[0] == "hidden post" else str(name)
            found |= {named(kind, name), named(kind, f"hidden {name}")}
    return sorted(found)


def alike(script: list[Act], loop: BlockingPortal, databases: Databases) -> None:
    """Assert that no observer tells a node where hidden things were done from one where they were not."""
    with worlds(loop, databases) as (full, bare):
        for act in script:
            assert perform(full, act, with_hidden=True) == perform(bare, act, with_hidden=False), act
        assert exported(full) == exported(bare)
        ids = ids_of(script)
        for who in OBSERVERS:
            compare(sweep(full, who, ids, ORDER), sweep(bare, who, ids, ORDER))
        for who in OBSERVERS:
            # Nobody brings what another has just brought.
            campaigns = [id for id in ids if id.startswith("campaign--")]
            brought = campaigns[BRINGING.index(who) :: 2] if who in BRINGING else ids
            compare(sweep(full, who, brought, LAST), sweep(bare, who, brought, LAST))


def compare(one: Answers, other: Answers) -> None:
    """Assert that all answers are equal, and tell nothing hidden."""
    assert set(one) == set(other)
    for route, answers in one.items():
        for left, right in zip(answers, other[route], strict=True):
            assert left == right, route
            assert SECRET.encode() not in left, route


def exported(world: World) -> bytes:
    """What the command line writes for Brussels."""
    done = kizuna("export", "--as", "Brussels", "--data", world.folder)
    assert done.code == 0, done.err
    return plain(done.out.encode())


@pytest.mark.timeout(900)  # every exit is asked twice, by everybody, for each script
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=scripts)
def test_hidden_answers_as_absent(script: list[Act], loop: BlockingPortal, databases: Databases) -> None:
    alike(script, loop, databases)


@pytest.mark.soak
@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=scripts)
def test_hidden_answers_as_absent_at_length(script: list[Act], loop: BlockingPortal, databases: Databases) -> None:
    alike(script, loop, databases)


@pytest.mark.parametrize("who", ["Brussels", "colleague", "visitor"])
def test_the_detector_sees_what_is_visible_at_each_exit(who: str, loop: BlockingPortal, databases: Databases) -> None:
    seen, readers = named("campaign", "a"), {"Brussels": "partner", "colleague": "person", "visitor": "visitor"}
    with worlds(loop, databases) as (more, less):
        for world in (more, less):
            world.bring("colleague", made("campaign", "b", [], "power plant", 1, CLEAR))
            world.clock.now += 10_000_000
        telling = campaign("c", object_marking_refs=[CLEAR], description=f"near {WITHHELD}")
        more.bring("colleague", made("campaign", "a", [], "power plant 発電所", 1, CLEAR), telling,
                   made("relationship", "a", ["b"], "", 1, CLEAR))  # fmt: skip
        more.bring("colleague", *withheld(telling))
        # What crosses regions, and what is seen in the air, have exits of their own.
        more.post("Brussels", "inbox", campaign("d", object_marking_refs=[CLEAR]),
                  relationship(campaign("d"), "related-to", campaign("b"), object_marking_refs=[CLEAR]))  # fmt: skip
        (flight,) = heard(*flying(60)).values()
        record(more.store, [flight], Sensor(name="roof", latitude=35.3, longitude=139.5, label="TLP:CLEAR"))
        assert exported(more) != exported(less)
        if who == "visitor":
            more.release("colleague", "withdraw", "Brussels", named("campaign", "c"))
        one, other = (
            sweep(world, who, [seen, named("campaign", "unknown"), named("campaign", "c")]) for world in (more, less)
        )
    for exit in EXITS:
        if readers[who] in exit.readers:
            assert one[exit.method, exit.path] != other[exit.method, exit.path], exit.name
    for route in SILENT:
        assert one[route] == other[route], route


def test_every_exit_and_every_silent_route_is_driven(loop: BlockingPortal, databases: Databases) -> None:
    assert set(DRIVES) == REGISTERED
    with worlds(loop, databases, 1) as (world,):
        telling = campaign("b", object_marking_refs=[CLEAR], description=f"near {WITHHELD}")
        world.bring("colleague", campaign("a", object_marking_refs=[CLEAR]), telling)
        world.bring("colleague", *withheld(telling))
        heard: dict[str | None, Answers] = {
            who: sweep(world, who, [named("campaign", name) for name in "ab"]) for who in OBSERVERS
        }
    for answers in heard.values():
        assert set(answers) == REGISTERED
        assert all(answers.values())
    # Each way out lets something out, and nobody unknown gets anything.
    for exit in EXITS:
        route = (exit.method, exit.path)
        for reader in exit.readers:
            assert _is_told(
                heard[{"partner": "Brussels", "person": "colleague", "visitor": "visitor"}[reader]][route]
            ), exit.name
        assert not _is_told(heard[None][route]), exit.name


def _is_told(answers: list[bytes]) -> bool:
    """Whether there is an answer; a form that is refused answers with its page."""
    return any(
        answer.startswith((b"20", b"400\n")) and (answer[:2] == b"20" or b"<form" in answer) for answer in answers
    )


def test_every_route_of_the_application_is_registered(loop: BlockingPortal, databases: Databases) -> None:
    with worlds(loop, databases, 1) as (world,):
        inner: Any = world.client.app._inner
        found = {
            (method, route.path.replace(":str", ""))
            for route in inner.routes
            for method in route.methods
            if method != "OPTIONS"
        }
        assert found == {route for route in REGISTERED if not route[1].startswith("/taxii2/")}


def test_every_route_of_taxii_is_registered(loop: BlockingPortal, databases: Databases) -> None:
    words = sorted(_words_of_the_router() | {ROOT})
    assert {"status", "collections", "objects", "manifest", "versions"} < set(words)
    id = named("campaign", "a")
    known = {id: "{id}", "everything": "{collection}"}
    answered = set()
    with worlds(loop, databases, 1) as (world,):
        world.bring("owner", campaign("a"), label="PUBLIC")
        world.post("owner", "everything", campaign("b"))
        known[world.statuses["owner"][0]] = "{status}"
        places = [*itertools.chain(*(itertools.product([*words, *known], repeat=count) for count in range(4)))]
        below = itertools.chain(*(itertools.product([*words, *known], repeat=count) for count in (1, 2, 3)))
        places += [(ROOT, "collections", "everything", *more) for more in below]
        for method, pieces in itertools.product(("GET", "POST", "PATCH"), places):
            reply = world.ask("owner", method, "/".join(["/taxii2", *pieces, ""]), headers={"Accept": TAXII})
            if reply.status not in (404, 405):
                answered.add((method, "/".join(["/taxii2", *(known.get(piece, piece) for piece in pieces), ""])))
        if world.delete("owner", id).status == 200:
            answered.add(("DELETE", "/taxii2/real/collections/{collection}/objects/{id}/"))
    assert answered == {route for route in REGISTERED if route[1].startswith("/taxii2/")}


def _words_of_the_router() -> set[str]:
    """The words in the patterns of paths that TAXII's server knows."""
    return {
        node.value.value
        for node in ast.walk(ast.parse(inspect.getsource(taxii_server)))
        if isinstance(node, ast.MatchValue)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }
