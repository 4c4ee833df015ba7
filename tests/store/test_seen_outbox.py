"""The outbox as one of one's own people sees it: the keeper's for who sees everything, and for everybody else a function of their view."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kizuna.errors import KizunaError
from kizuna.labels import Principal, parse_label
from kizuna.settings import Settings, save, write_private
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import Accounts
from kizuna.store.keys import FILE
from kizuna.store.model import Unstated
from kizuna.store.outbox import STATES, Item
from kizuna.store.releasing import Acted, Releases, set_digest
from kizuna.store.seen_releasing import outbox_page, relabel
from kizuna.store.standing import FIRST, Named, Rules
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, GREEN, RED, campaign, items, named, relationship, report
from tests.conftest import Clock
from tests.stores import Databases

Json = dict[str, Any]
START = 1_795_392_000_000_000
# Alike in all: the ids of renditions are made under it.
KEY = b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
PARTNERS = ("Brussels", "Kyiv")
PEOPLE = ("aoki", "baba")
SECRET = "zzsecretzz"
NAMES = ("one", "two", "three")
HIDDEN = "hidden"
NEWER = "2026-02-01T00:00:00.000Z"


def node(folder: Path, clock: Clock, url: str | None = None, unstated: Unstated = "whole") -> Store:
    """Tokyo with two partners and two who release."""
    told = Settings(
        name="Tokyo", organisation="CERT Tokyo (fictional)", country="JPN", store=url, approvers={"TLP:AMBER": 2},
        identity="identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01",
    )  # fmt: skip
    save(folder, told)
    write_private(folder / FILE, KEY)
    store = Store(folder, told, clock)
    for name, country in zip(PARTNERS, ("BEL", "UKR"), strict=True):
        store.put_partner(
            Partner(name=name, organisation=f"CERT {name} (fictional)", country=country,
                    receives=("TLP:CLEAR", "TLP:AMBER") if name == "Brussels" else ("TLP:CLEAR",),
                    unstated=unstated, default_label="TLP:RED persons=owner", added=START)
        )  # fmt: skip
    for name in (*PEOPLE, "owner"):
        Accounts(store).add_user(name, ("releaser",), by=name)
    return store


@pytest.fixture
def tokyo(tmp_path: Path, clock: Clock, new_database: Callable[[], str | None]) -> Iterator[Store]:
    """A node on which nothing leaves by its label alone."""
    store = node(tmp_path, clock, new_database())
    Rules(store).remove(FIRST, by="test")
    yield store
    assert list(verify(store)) == []
    store.close()


def who(store: Store, name: str = "aoki") -> Principal:
    return store.principal_of_person(name)


def put(store: Store, *objects: Json, **more: Any) -> None:
    outcomes = store.writer(store.own_source(), **more).add(items(*objects))
    assert {outcome.status for outcome in outcomes} <= {"imported", "unchanged"}


def stands(store: Store, one: Json, partner: str = "Brussels", name: str = "aoki") -> Item | None:
    found = Releases(store).items(partner, [one["id"]], who(store, name))
    return found[0] if found else None


def state(store: Store, one: Json, partner: str = "Brussels") -> tuple[str, str | None]:
    item = stands(store, one, partner)
    return ("absent", None) if item is None else (item.state, item.waits_for)


def approve(store: Store, by: str, *objects: Json, partner: str = "Brussels", shown: str | None = None) -> Acted:
    return Releases(store).approve(
        partner, [one["id"] for one in objects], by=by, principal=who(store, by), shown=shown
    )


def rule(store: Store, *people: str, **said: Any) -> None:
    Rules(store).put([msgspec.convert({"name": "some", "act": "send", **said}, Named)], by="test")
    for by in people:
        Releases(store).grant("some", by=by)


def fed(store: Store, partner: str = "Brussels") -> list[str]:
    rows = store.feed(partner).read(Query(versions=("all",)), 0, 1_000).rows
    objects = [json.loads(row.raw) for row in rows]
    return [one.get("name", one["id"]) for one in objects if one["type"] != "note"]


def why(acted: Acted) -> list[str]:
    return [reason.code for _, reason in acted.failed]


# What is hidden


def test_hidden_is_absent(tokyo: Store) -> None:
    put(tokyo, secret := campaign("secret", object_marking_refs=[RED]))
    releases, aoki = Releases(tokyo), who(tokyo)
    unknown = campaign("unknown")
    assert [item.id for item in releases.items("Brussels", [secret["id"], unknown["id"]])] == [secret["id"]]
    assert releases.items("Brussels", [secret["id"], unknown["id"]], aoki) == []
    assert outbox_page(tokyo, "Brussels", STATES, 10, aoki) == ([], None)
    acts: list[Callable[[list[str]], Acted]] = [
        lambda ids: releases.propose("Brussels", ids, by="aoki", principal=aoki),
        lambda ids: releases.approve("Brussels", ids, by="aoki", principal=aoki, shown=set_digest("Brussels", [])),
        lambda ids: releases.stop("Brussels", ids, by="aoki", principal=aoki),
        lambda ids: releases.withdraw("Brussels", ids, "x", by="aoki", principal=aoki),
    ]
    for act in acts:
        for id in (secret["id"], unknown["id"], "x", "campaign--\0", "\ud800"):
            acted = act([id])
            assert (acted.items, why(acted), acted.opened, acted.ended) == ((), ["not-held"], 0, 0)
    # Nothing was done about it either.
    assert releases.history([secret["id"]]) == []
    assert stands(tokyo, secret, name="owner") is None
    (item,) = releases.items("Brussels", [secret["id"]])
    assert item.state == "withheld"


def test_a_hidden_version_is_none(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]))
    before = stands(tokyo, one)
    put(tokyo, campaign("one", modified=NEWER, description=SECRET), label=parse("TLP:RED persons=owner"))
    assert stands(tokyo, one) == before
    assert Releases(tokyo).items("Brussels", [one["id"]])[0].state == "withheld"
    acted = approve(tokyo, "aoki", one)
    assert ([item.state for item in acted.items], acted.opened, fed(tokyo)) == (["offered"], 1, ["one"])
    # What its keeper did about the version that is hidden tells that there is one.
    Releases(tokyo).approve("Brussels", [one["id"]], by="owner", principal=who(tokyo, "owner"))
    assert [one.person for one in Releases(tokyo).history([one["id"]], principal=who(tokyo))] == ["aoki"]


def parse(label: str) -> Any:
    return parse_label(label, originator="CERT Tokyo (fictional)")


def test_a_reference_to_what_is_hidden_is_one_to_what_is_absent(tokyo: Store) -> None:
    put(tokyo, secret := campaign("secret", object_marking_refs=[RED]), campaign("one", object_marking_refs=[CLEAR]))
    absent = named("campaign", "absent")
    rule(tokyo, "aoki", labels=["TLP:CLEAR"])
    told = []
    for target in (secret["id"], absent):
        put(tokyo, link := relationship_to(target))
        item = stands(tokyo, link)
        assert item is not None
        assert (item.state, item.waits_for) == ("waiting", target)
        told.append(msgspec.structs.replace(item, id="", digest=b"", waits_for=None))
        put(tokyo, about := report(f"about {target}", [target, relationship_to(target)], object_marking_refs=[CLEAR]))
        item = stands(tokyo, about)
        assert item is not None
        told.append(msgspec.structs.replace(item, id="", digest=b"", waits_for=None))
        assert why(approve(tokyo, "aoki", link)) == []
    assert told[:2] == told[2:]
    assert fed(tokyo) == ["one"]


def relationship_to(target: str) -> Json:
    return relationship(campaign("one"), "related-to", {"id": target}, object_marking_refs=[CLEAR])


@pytest.mark.parametrize("mention", ["secret", "absent"])
def test_an_id_in_a_text_keeps_nothing_back_that_the_asker_sees(tokyo: Store, mention: str) -> None:
    """In truth the one that names a hidden id waits; that it does would tell that it is here."""
    put(tokyo, campaign("secret", object_marking_refs=[RED]))
    rule(tokyo, "aoki", labels=["TLP:CLEAR"])
    text = f"as {named('campaign', mention)} does"
    put(tokyo, telling := campaign("telling", description=text, object_marking_refs=[CLEAR]))
    put(tokyo, about := report("about", [telling], object_marking_refs=[CLEAR]))
    assert (state(tokyo, telling), state(tokyo, about)) == (("offered", None),) * 2
    assert bool(fed(tokyo)) == (mention == "absent")
    Rules(tokyo).remove("some", by="test")
    # Of what left once nothing is told: whether it did rests on what the asker does not see.
    assert (state(tokyo, telling), state(tokyo, about)) == (("unproposed", None),) * 2
    releases, aoki = Releases(tokyo), who(tokyo)
    acted = releases.withdraw("Brussels", [telling["id"]], "x", by="aoki", principal=aoki)
    assert (why(acted), [item.state for item in acted.items], fed(tokyo)) == ([], ["withdrawn"], [])


@pytest.mark.parametrize("mention", ["secret", "absent"])
def test_an_hourly_number_tells_nothing_of_what_else_left(tokyo: Store, mention: str) -> None:
    put(tokyo, campaign("secret", object_marking_refs=[RED]))
    rule(tokyo, "aoki", labels=["TLP:CLEAR"], hourly=1)
    text = f"as {named('campaign', mention)} does"
    put(tokyo, campaign("telling", description=text, object_marking_refs=[CLEAR]))
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]))
    assert fed(tokyo) == (["one"] if mention == "secret" else ["telling"])
    assert state(tokyo, one) == ("offered", None)
    Rules(tokyo).remove("some", by="test")
    assert state(tokyo, one) == ("unproposed", None)


# Who does not see all of it


MARKS = [{"marking_ref": RED, "selectors": ["description"]}]


def test_nobody_approves_what_they_see_in_part(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", description=SECRET, object_marking_refs=[CLEAR], granular_markings=MARKS))
    acted = approve(tokyo, "aoki", one)
    assert (why(acted), fed(tokyo)) == (["seen-in-part"], [])
    Releases(tokyo).propose("Brussels", [one["id"]], by="aoki", principal=who(tokyo))
    assert state(tokyo, one) == ("proposed", None)
    Releases(tokyo).stop("Brussels", [one["id"]], by="aoki", principal=who(tokyo))
    assert state(tokyo, one) == ("stopped", None)


def acts(store: Store, one: Json, *what: tuple[str, str]) -> list[Any]:
    """What people are told who do this about an object, one after the other."""
    heard = []
    for act, by in what:
        args = ["Brussels", [one["id"]], *(["x"] if act == "withdraw" else [])]
        acted = getattr(Releases(store), act)(*args, by=by, principal=who(store, by))
        heard.append((why(acted), acted.opened, acted.ended, [(i.state, i.approved, i.form) for i in acted.items]))
    return heard


def test_a_word_about_what_is_not_told_to_be_in_parts_lets_nothing_out(tokyo: Store) -> None:
    """Of a property of one's own it is not told that something is cut: so it is approved as if that were not there, and does not leave."""
    marks = [{"marking_ref": RED, "selectors": ["x_own"]}]
    part = campaign("part", x_own=SECRET, object_marking_refs=[CLEAR], granular_markings=marks)
    whole = campaign("whole", object_marking_refs=[CLEAR])
    put(tokyo, part, whole)
    one, other = (acts(tokyo, it, ("stop", "baba"), ("approve", "aoki"), ("approve", "aoki")) for it in (part, whole))
    assert one == other
    assert one[1] == ([], 1, 0, [("offered", ("aoki",), "whole")])
    assert fed(tokyo) == ["whole"]
    (kept,) = Releases(tokyo).items("Brussels", [part["id"]])
    assert (kept.state, kept.form, kept.approved) == ("stopped", "rendition", ())


def test_who_sees_all_of_it_lets_a_rendition_leave(tokyo: Store) -> None:
    marks = [{"marking_ref": GREEN, "selectors": ["description"]}]
    put(tokyo, one := campaign("one", description="x", object_marking_refs=[CLEAR], granular_markings=marks))
    item = stands(tokyo, one)
    assert item is not None
    assert (item.form, item.redacted, item.state) == ("rendition", ("description",), "unproposed")
    acted = approve(tokyo, "aoki", one, shown=set_digest("Brussels", [item]))
    assert ([i.state for i in acted.items], acted.opened, fed(tokyo)) == (["offered"], 1, ["one"])
    assert acted.items[0].digest == item.digest
    assert Releases(tokyo).items("Brussels", [one["id"]])[0].approved == ("aoki",)


def test_a_rendition_that_is_another_in_truth_does_not_leave(tokyo: Store) -> None:
    """Its text names a hidden id, so more of it is cut than the asker knows."""
    marks = [{"marking_ref": GREEN, "selectors": ["description"]}]
    put(tokyo, secret := campaign("secret", object_marking_refs=[RED]))
    heard = []
    for name, id in (("truly", secret["id"]), ("cut", named("campaign", "absent"))):
        more: Json = {"object_marking_refs": [CLEAR], "granular_markings": marks}
        put(tokyo, one := campaign(name, description="x", objective=f"as {id}", **more))
        heard.append(acts(tokyo, one, ("stop", "baba"), ("approve", "aoki"), ("withdraw", "baba"), ("approve", "aoki")))
    assert heard[0] == heard[1]
    assert heard[0][1] == ([], 1, 0, [("offered", ("aoki",), "rendition")])
    assert fed(tokyo) == ["cut"]


@pytest.mark.parametrize("hides", [True, False])
def test_a_version_that_was_in_the_feed_is_told_whatever_a_newer_one_names(tokyo: Store, hides: bool) -> None:
    """The newer one rests on what the asker does not see; that the older one left does not."""
    two = campaign("two", object_marking_refs=[RED])
    rule(tokyo, "aoki", labels=["TLP:CLEAR"])
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]), *([two] if hides else []))
    put(tokyo, report("r", [one["id"]], object_marking_refs=[CLEAR]))
    assert fed(tokyo) == ["one", "r"]
    marks = [{"marking_ref": GREEN, "selectors": ["description"]}]
    newer = report("r", [two["id"], one["id"]], modified=NEWER, description="x", object_marking_refs=[CLEAR])
    put(tokyo, newer | {"granular_markings": marks})
    assert state(tokyo, newer) == ("ended", None)
    (kept,) = Releases(tokyo).items("Brussels", [newer["id"]])
    assert kept.state == "ended"


@pytest.mark.parametrize("asks", [True, False])
def test_a_rendition_that_comes_back_is_approved_as_it_was_shown(tokyo: Store, asks: bool) -> None:
    """It is newer than its last version, so what is made of it has a moment that nobody was shown."""
    marks = [{"marking_ref": AMBER, "selectors": ["description"]}]
    put(tokyo, one := campaign("one", description="x", object_marking_refs=[CLEAR], granular_markings=marks))
    partner, releases = tokyo.partner("Kyiv"), Releases(tokyo)
    forms = []
    less, more = ("TLP:CLEAR",), ("TLP:CLEAR", "TLP:AMBER")
    for receives in (more, less, more, less):
        tokyo.put_partner(msgspec.structs.replace(partner, receives=receives))
        tokyo.clock.now += 1  # type: ignore[attr-defined]
        for by in PEOPLE:
            principal = who(tokyo, by) if asks else None
            items = releases.items("Kyiv", [one["id"]], principal)
            acted = releases.approve("Kyiv", [one["id"]], by=by, principal=principal, shown=set_digest("Kyiv", items))
            forms += [item.form for item in acted.items if item.state == "offered"]
    assert forms == ["whole", "rendition", "rendition"]
    assert fed(tokyo, "Kyiv")[-1] == "one"


# Scripts


kinds = st.sampled_from(["campaign", "report"])
names = st.sampled_from(NAMES)
people = st.sampled_from(PEOPLE)
partners = st.sampled_from(PARTNERS)
labels = st.sampled_from(["TLP:CLEAR", "TLP:CLEAR", "TLP:AMBER", "TLP:GREEN", "TLP:RED"])
marks_of = {"TLP:CLEAR": CLEAR, "TLP:AMBER": AMBER, "TLP:GREEN": GREEN, "TLP:RED": RED}
rules = st.fixed_dictionaries(
    {"act": st.sampled_from(["send", "send", "propose"])},
    optional={
        "labels": st.just(["TLP:CLEAR", "TLP:AMBER"]), "types": st.just(["campaign"]), "parts": st.just(True),
        "approvers": st.integers(1, 2), "partners": st.just(["Kyiv"]), "query": st.just("power"), "confidence": st.just(50),
    },
)  # fmt: skip
ids = st.lists(st.tuples(kinds, names), min_size=1, max_size=3)
people_act = st.one_of(
    st.tuples(st.sampled_from(["propose", "approve", "approve", "approve", "stop", "withdraw"]), people, partners, ids),
    st.tuples(st.just("rule"), st.sampled_from(["a", "b"]), rules),
    st.tuples(st.just("grant"), st.sampled_from(["a", "b"]), people),
    st.tuples(st.just("end"), st.sampled_from(["a", "b", FIRST]), st.sampled_from(["remove", "stop"])),
)
bring = st.tuples(
    st.just("bring"), kinds, names, st.lists(names, max_size=2), st.integers(1, 3), labels, st.sampled_from([None, None, GREEN, AMBER]),
)  # fmt: skip
relabels = st.tuples(st.just("relabel"), kinds, names, st.sampled_from(["TLP:CLEAR", "TLP:AMBER", "TLP:GREEN"]))


def made(
    kind: str, name: str, refs: list[str], day: int, label: str, mark: str | None, *, text: str = "power plant"
) -> Json:
    """An object of the scripts. Half of them are sure of themselves; some have a part under a label of its own."""
    more: Json = {
        "modified": f"2026-01-{day:02}T00:00:00.000Z",
        "object_marking_refs": [marks_of[label]],
        "description": text,
    }
    if day % 2:
        more["confidence"] = 80
    if mark is not None:
        more["granular_markings"] = [{"marking_ref": mark, "selectors": ["description"]}]
    if kind == "report":
        return report(name, [named("campaign", ref) for ref in [*refs, name]], **more)
    return campaign(name, **more)


def perform(store: Store, act: tuple[Any, ...], principal: bool = True) -> Any:
    """Do an act; what its person is told."""
    match act:
        case ("bring", *what):
            put_raw(store, made(*what))
        case ("relabel", kind, name, label):
            return relabel(store, [named(kind, name)], parse(label), by="aoki", principal=who(store))
        case ("rule", name, said):
            try:
                Rules(store).put([msgspec.convert({"name": name, **said}, Named)], by="test")
            except KizunaError as error:  # one that asks for words of what leaves in part
                return str(error)
        case ("grant" | "end", name, how):
            try:
                if act[0] == "grant":
                    Releases(store).grant(name, by=how)
                else:
                    getattr(Rules(store), how)(name, by="test")
            except KizunaError as error:
                return str(error)
        case (what, by, partner, several):
            more: Json = {"by": by, "principal": who(store, by) if principal else None}
            asked = [named(kind, name) for kind, name in several]
            if what == "approve":
                more["shown"] = set_digest(partner, Releases(store).items(partner, asked, more["principal"]))
            args = [partner, asked, *(["x"] if what == "withdraw" else [])]
            return getattr(Releases(store), what)(*args, **more)
    return None


def put_raw(store: Store, one: Json, label: str | None = None) -> None:
    """As it would be shown where part of it is cut."""
    from kizuna.stix import iter_objects

    stated = None if label is None else parse(label)
    list(store.writer(store.own_source(), label=stated).add(iter_objects(msgspec.json.encode(one))))


@contextmanager
def nodes(databases: Databases, count: int, unstated: Unstated) -> Iterator[list[tuple[Store, Clock]]]:
    """So many equal nodes."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            folder, clock = Path(stack.enter_context(tempfile.TemporaryDirectory())), Clock(START)
            store = node(folder, clock, stack.enter_context(databases()), unstated)
            stack.callback(store.close)
            found.append((store, clock))
        yield found


EVERY = [named(kind, name) for kind in ("campaign", "report") for name in NAMES]


@pytest.mark.parametrize("unstated", ["whole", "rendition"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=st.lists(st.one_of(bring, bring, relabels, people_act, people_act), min_size=4, max_size=16))
def test_who_sees_everything_is_told_what_the_keeper_is(
    script: list[tuple[Any, ...]], databases: Databases, unstated: Unstated
) -> None:
    with nodes(databases, 1, unstated) as ((store, clock),):
        for act in script:
            clock.forward(1)
            perform(store, visible(act))
            for partner in PARTNERS:
                kept = Releases(store).items(partner, EVERY)
                seen = Releases(store).items(partner, EVERY, who(store))
                assert [alike(item) for item in seen] == [alike(item) for item in kept], (act, partner)


def visible(act: tuple[Any, ...]) -> tuple[Any, ...]:
    """An act that hides nothing. What a new rule proposes in part is there when it is touched next, so none does."""
    match act:
        case ("rule", name, {"act": "propose", **said}):
            said.pop("parts", None)
            return "rule", name, {"act": "propose", **said}
    return tuple("TLP:AMBER" if part == "TLP:RED" else part for part in act)


def alike(item: Item) -> Item:
    """Without when it left, and which of several it waits for."""
    told = item.state in ("stopped", "withdrawn", "proposed")
    waits = item.state == "waiting" and item.waits_for is not None
    return msgspec.structs.replace(item, since=item.since if told else None, waits_for="something" if waits else None)


hidden_names = names | names.map(lambda name: f"{HIDDEN} {name}")
texts = st.sampled_from(
    ["power plant", "power", *(f"as {named('campaign', f'{HIDDEN} {name}')} does" for name in NAMES)]
)
told_bring = st.tuples(
    st.just("bring"), kinds, names, st.lists(hidden_names, max_size=2), st.integers(1, 3), labels,
    st.sampled_from([None, None, None, GREEN, AMBER]), texts,
)  # fmt: skip
# Of one's own, of other days than anybody else's: versions of what all see, and objects nobody else sees.
hidden_bring = st.tuples(
    st.just("hidden bring"), kinds, hidden_names, st.lists(hidden_names, max_size=2), st.integers(11, 14), labels
)
hidden_act = st.tuples(st.sampled_from(["hidden approve", "hidden stop", "hidden withdraw"]), partners, kinds, names)
hourly = st.tuples(
    st.just("rule"), st.sampled_from(["a", "b"]),
    st.fixed_dictionaries({"act": st.just("send"), "hourly": st.integers(1, 2), "labels": st.just(["TLP:CLEAR", "TLP:AMBER"])}),
)  # fmt: skip
scripts = st.lists(
    st.one_of(told_bring, told_bring, hidden_bring, hidden_bring, hidden_act, relabels, people_act, people_act, people_act, hourly),
    min_size=4, max_size=18,
)  # fmt: skip


def hide(store: Store, act: tuple[Any, ...]) -> None:
    """What the owner does, that the others do not see."""
    match act:
        case ("hidden bring", kind, name, refs, day, label):
            one = made(kind, name, refs, day, label, None, text=f"power {SECRET}")
            put_raw(store, one, "TLP:RED persons=owner")
        case (what, partner, kind, name):
            more: Json = {"by": "owner"}
            args = [partner, [named(kind, f"{HIDDEN} {name}")], *(["x"] if what == "hidden withdraw" else [])]
            getattr(Releases(store), what.removeprefix("hidden "))(*args, **more)


def perform_seen(store: Store, act: tuple[Any, ...], *, with_hidden: bool, parts: bool) -> Any:
    """Do an act of a script; a hidden part of an object is there or not, if there may be any."""
    if act[0].startswith("hidden "):
        if with_hidden:
            hide(store, act)
        return None
    if act[0] != "bring":
        return perform(store, act)
    _, kind, name, refs, day, label, mark, text = act
    one = made(kind, name, refs, day, label, mark, text=text)
    if parts and with_hidden and len(refs) % 2:
        one["x_own"] = SECRET
        one["granular_markings"] = [*one.get("granular_markings", []), {"marking_ref": RED, "selectors": ["x_own"]}]
    put_raw(store, one)
    return None


def everything(store: Store, by: str) -> Any:
    """All that the outbox tells somebody."""
    releases, asker, found = Releases(store), who(store, by), []
    every = [*EVERY, *(named(kind, f"{HIDDEN} {name}") for kind in ("campaign", "report") for name in NAMES)]
    for partner in PARTNERS:
        found.append(releases.items(partner, every, asker))
        for states in (STATES, ("proposed",), ("stopped", "withdrawn"), ("ended",), ("unproposed", "offered")):
            found += pages(store, partner, states, asker)
        found.append([one.detail.get("reason") or one for one in told(releases, every, partner, asker)])
    return found


def told(releases: Releases, ids: list[str], partner: str, asker: Principal) -> list[Any]:
    found = releases.history(ids, partner, principal=asker)
    return [
        msgspec.structs.replace(one, number=0, detail={k: v for k, v in one.detail.items() if k != "row"})
        for one in found
    ]


def pages(store: Store, partner: str, states: Any, asker: Principal, limit: int = 2) -> list[Any]:
    """All pages."""
    found, before = [], None
    while True:
        items, before = outbox_page(store, partner, states, limit, asker, before)
        found.append(items)
        if before is None:
            return found


def same(script: list[tuple[Any, ...]], databases: Databases, unstated: Unstated) -> None:
    """Assert that nobody tells a node with what is hidden from one without it."""
    parts = all(act[0] != "relabel" for act in script)  # what was in the feed before it was relabelled tells of them
    with nodes(databases, 2, unstated) as ((full, one), (bare, other)):
        for act in script:
            one.forward(1)
            other.forward(1)
            heard = perform_seen(full, act, with_hidden=True, parts=parts)
            assert heard == perform_seen(bare, act, with_hidden=False, parts=parts), act
            for by in PEOPLE:
                assert everything(full, by) == everything(bare, by), act
        assert SECRET not in str(everything(full, "aoki"))
        assert list(verify(full)) == []


@pytest.mark.parametrize("unstated", ["whole", "rendition"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=scripts)
def test_what_is_hidden_changes_nothing(
    script: list[tuple[Any, ...]], databases: Databases, unstated: Unstated
) -> None:
    same(script, databases, unstated)


@pytest.mark.soak
@pytest.mark.parametrize("unstated", ["whole", "rendition"])
@settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=scripts)
def test_what_is_hidden_changes_nothing_at_length(
    script: list[tuple[Any, ...]], databases: Databases, unstated: Unstated
) -> None:
    same(script, databases, unstated)
