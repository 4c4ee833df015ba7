"""Any order of acts, and processes that end in the middle of one: what is held, shown and fed is what a simple model says."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kizuna.errors import Conflict, NotFound, Refused
from kizuna.labels import Group, Label, parse_label
from kizuna.settings import Settings, save
from kizuna.stix import sco_id
from kizuna.stix.builtin import RENDITION_EXTENSION
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.keys import make_key
from kizuna.store.model import Unstated
from kizuna.store.purging import Purges
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, GREEN, RED, campaign, items, named, relationship, report
from tests.conftest import Clock
from tests.store.crashing import Strike, opened_again, struck
from tests.store.model import OWN, Brought, Key, Model, Row, shown
from tests.stores import Databases

START = 1_795_392_000_000_000
ORGANISATION = "CERT Tokyo (fictional)"
COUNTRIES = {"Brussels": "BEL", "Kyiv": "UKR"}
NAMES = ("one", "two")
WORDS = ("beacon", "lamp", "灯台")
KINDS = ("campaign", "report", "relationship", "ipv4-addr")
VIEWERS = (None, "reader")

names = st.sampled_from(NAMES)
marks = st.sampled_from([CLEAR, CLEAR, CLEAR, AMBER, GREEN, RED, None])
unstated: st.SearchStrategy[Unstated] = st.sampled_from(["whole", "rendition"])
receives = st.sampled_from([
    (), ("TLP:CLEAR",), ("TLP:CLEAR", "TLP:AMBER"), ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER"), ("TLP:CLEAR", "space-security"),
    ("TLP:CLEAR", "TLP:GREEN", "cyber-defence"),
])  # fmt: skip
labels = st.sampled_from(["TLP:CLEAR"] * 3 + ["TLP:RED"] * 2
                         + ["TLP:GREEN", "TLP:AMBER", "TLP:AMBER to=BEL", "TLP:GREEN community=ENTENTE", "PUBLIC"])  # fmt: skip
areas = st.sampled_from([None, "space-security"])
strikes = st.none() | st.none() | st.builds(Strike, st.sampled_from([-1, -2]) | st.integers(0, 90), st.booleans())
members = st.sampled_from(["BEL", "UKR", "JPN"])
sources = st.sampled_from([OWN, OWN, "Kyiv", "Kyiv", "Brussels"])


def address(name: str) -> str:
    """The id of an address."""
    value = f"198.51.100.{NAMES.index(name) + 1}"
    made = sco_id({"type": "ipv4-addr", "value": value})
    assert made is not None
    return made


def id_of(kind: str, name: str) -> str:
    """The id of what is made of a kind and a name."""
    return address(name) if kind == "ipv4-addr" else named(kind, name)


ids = st.builds(id_of, st.sampled_from(KINDS), names)


@st.composite
def objects(draw: st.DrawFn) -> Brought:
    """An object of one of a few ids: of some version, marked, referring to something or speaking of it."""
    kind, name = draw(st.sampled_from(KINDS)), draw(names)
    more: dict[str, Any] = {} if (mark := draw(marks)) is None else {"object_marking_refs": [mark]}
    if kind == "ipv4-addr":
        plain = {
            "type": kind,
            "spec_version": "2.1",
            "id": address(name),
            "value": f"198.51.100.{NAMES.index(name) + 1}",
        }
        return Brought({**plain, **more, **({"defanged": True} if draw(st.booleans()) else {})})
    more["modified"] = f"2026-01-0{draw(st.integers(1, 4))}T00:00:00.000Z"
    spoken = draw(st.none() | st.none() | st.sampled_from([id_of(k, n) for k in ("campaign", "report") for n in NAMES]))
    own = id_of(kind, name)
    more["description"] = " ".join([draw(st.sampled_from(WORDS)), *([spoken] if spoken else [])])
    if mark != RED and draw(st.integers(0, 5)) == 0:
        more["granular_markings"] = [{"marking_ref": RED, "selectors": ["description"]}]
    if draw(st.integers(0, 9)) == 0:
        more["revoked"] = True
    if kind == "campaign":
        made, references = campaign(name, **more), []
    elif kind == "report":
        references = draw(st.lists(ids, min_size=1, max_size=2, unique=True))
        made = report(name, references, **more)
    else:
        ends = [campaign(name), campaign(draw(names))]
        made, references = (
            relationship(ends[0], "related-to", ends[1], **more) | {"id": own},
            [end["id"] for end in ends],
        )
    others = tuple(dict.fromkeys(r for r in references if r != own))
    return Brought(made, others, tuple({spoken} - {None, own, *references}))  # type: ignore[arg-type]


class Follower:
    """Who reads a partner's feed by pages and remembers how far it came."""

    def __init__(self) -> None:
        self.position = 0
        self.heard: dict[Key, int] = {}


class Node(RuleBasedStateMachine):
    """A node and the model of it."""

    databases: Databases

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.clock = Clock(START)
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        # The model knows labels, references and versions: what a scan holds rests on words (`test_finds`), and two objects that came
        # together may say the same one, cut in the one of them.
        told = Settings(
            name="Tokyo", organisation=ORGANISATION, country="JPN", identity="identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01",
            store=self.stack.enter_context(self.databases()), scan=False,
        )  # fmt: skip
        save(folder, told)
        make_key(folder)
        self.store = Store(folder, told, self.clock)
        for name in ("first", "second"):
            Accounts(self.store).add_user(name, ROLES, by="test")
        self.model = Model(ORGANISATION, "JPN", "TLP:AMBER")
        self.turn = 0
        self.entered: dict[str, dict[Key, int]] = {}
        self.followers: dict[str, list[Follower]] = {}
        self.disturbed = 0

    def teardown(self) -> None:
        try:
            for name in self.followers:
                for follower in self.followers[name]:
                    self.catch_up(name, follower)
            assert list(verify(self.store)) == []
        finally:
            self.store.close()
            self.stack.close()

    # Acts

    def act(self, strike: Strike | None, act: Callable[[Store], object], apply: Callable[[Model], object]) -> object:
        """Do something with the store and the same with the model; a process that ends in between has done it or has not."""
        self.turn += 1
        self.clock.forward(1)
        after = self.model.copy()
        expected = _outcome(lambda: apply(after))
        if strike is None:
            found = _outcome(lambda: act(self.store))
            assert found == expected
        else:
            with struck(self.store, strike) as told:
                found = _outcome(lambda: act(self.store))
                assert found == expected
            if told.fell:
                self.store = opened_again(self.store, killed=strike.killed) if strike.killed else self.store
                if not told.committed:
                    return None
        self.model = after
        return expected

    @initialize(begun=st.sampled_from([True, True, False]), unstated=unstated)
    def known(self, begun: bool, unstated: Unstated) -> None:
        """Two partners, and mostly something that refers to something they have: most histories need that."""
        self.put_partner("Brussels", ("TLP:CLEAR", "TLP:AMBER"), unstated, None)
        self.put_partner("Kyiv", ("TLP:CLEAR",), "whole", None)
        if begun:
            clear: dict[str, Any] = {"object_marking_refs": [CLEAR], "description": WORDS[0]}
            one, two = (campaign(name, **clear) for name in NAMES)
            about = report("one", [one["id"]], **clear)
            again = report("two", [about["id"], address("one")], **clear)
            plain = {"type": "ipv4-addr", "spec_version": "2.1", "id": address("one"), "value": "198.51.100.1"}
            some = [
                Brought(one), Brought(two), Brought(about, (one["id"],)), Brought(again, (about["id"], plain["id"])),
                Brought({**plain, "object_marking_refs": [CLEAR]}),
            ]  # fmt: skip
            self.bring(OWN, some, None, None)

    @rule(
        source=sources,
        brought=st.lists(objects(), min_size=1, max_size=4, unique_by=lambda one: one.id),
        area=areas,
        strike=strikes,
    )
    def bring(self, source: str, brought: list[Brought], area: str | None, strike: Strike | None) -> None:
        if source != OWN and source not in self.model.partners:
            return
        origin = source if source == OWN else f"partner:{source}"

        def act(store: Store) -> object:
            of = store.own_source() if source == OWN else store.partner_source(source)
            return [o.status for o in store.writer(of, area=area).add(items(*(one.data for one in brought)))]

        self.act(strike, act, lambda model: model.bring(origin, brought, area))

    @rule(data=st.data(), source=sources, area=areas, strike=strikes)
    @precondition(lambda self: self.model.rows)
    def bring_again(self, data: st.DataObject, source: str, area: str | None, strike: Strike | None) -> None:
        row: Row = data.draw(st.sampled_from(self.model.rows))
        self.bring(source, [row.brought], area, strike)

    @rule(source=sources, brought=objects(), strike=strikes)
    def bring_one(self, source: str, brought: Brought, strike: Strike | None) -> None:
        self.bring(source, [brought], None, strike)

    @rule(
        data=st.data(), to=st.lists(labels, min_size=1, max_size=2) | st.just(["TLP:RED", "TLP:CLEAR"]), strike=strikes
    )
    def relabel(self, data: st.DataObject, to: list[str], strike: Strike | None) -> None:
        id = self.some_id(data)
        for label in to:  # away and back, often
            self.relabel_once(id, parse_label(label, originator=ORGANISATION), strike)

    @rule(data=st.data(), act=st.sampled_from(["hide", "hide", "purge", "lift"]), strike=strikes)
    def take_away(self, data: st.DataObject, act: str, strike: Strike | None) -> None:
        if act == "lift" and self.model.purged:
            id = data.draw(st.sampled_from(sorted(self.model.purged)))
            number = Purges(self.store).of(id).number
            self.takes(
                strike,
                lambda store: Purges(store).lift(number, by="first") and None,
                lambda model: model.purged.discard(id),
            )
        elif act == "purge":
            self.purge(self.some_id(data), strike)
        else:
            id = self.some_id(data)
            self.takes(strike, lambda store: store.hide(id, by="test") and None, lambda model: model.hide(id))

    @rule(
        data=st.data(), who=st.sampled_from(["partner", "partner", "removed", "group", "time", "anew"]), strike=strikes
    )
    def others_change(self, data: st.DataObject, who: str, strike: Strike | None) -> None:
        name = data.draw(st.sampled_from(sorted(COUNTRIES)))
        if who == "partner":
            self.put_partner(name, data.draw(receives), data.draw(unstated), strike)
        elif who == "removed" and name in self.model.partners:
            self.takes(strike, lambda store: store.remove_partner(name), lambda model: model.remove_partner(name))
            if name not in self.model.partners:
                del self.followers[name], self.entered[name]
        elif who == "group":
            since, until = data.draw(st.integers(-5, 5)), data.draw(st.none() | st.integers(0, 9))
            dated = [None if one is None else self.clock.now + one * 1_000_000 for one in (since, until)]
            group = Group(name="ENTENTE", members=((data.draw(members), dated[0], dated[1]),))
            self.takes(
                strike, lambda store: store.put_group(group) and None, lambda model: model.groups.update(ENTENTE=group)
            )
        elif who == "time":
            self.clock.forward(data.draw(st.integers(1, 10)))
            self.takes(strike, lambda store: store.settle(), lambda model: None)
        else:
            self.store = opened_again(self.store, killed=False)

    @rule(data=st.data(), what=st.sampled_from(["page", "page", "counts", "counts", "whole"]))
    def look(self, data: st.DataObject, what: str) -> None:
        if what == "page" and self.followers:
            name = data.draw(st.sampled_from(sorted(self.followers)))
            self.read_page(name, data.draw(st.sampled_from(self.followers[name])), data.draw(st.integers(1, 4)))
        elif what == "whole":
            assert list(verify(self.store)) == []
        else:
            self.counted_and_found(data.draw(st.sampled_from([None, *NAMES, *WORDS])))

    def relabel_once(self, id: str, label: Label, strike: Strike | None) -> None:
        """Give all there is of an id another label."""
        self.takes(
            strike, lambda store: store.relabel(id, label, by="test") and None, lambda model: model.relabel(id, label)
        )

    def takes(self, strike: Strike | None, act: Callable[[Store], object], apply: Callable[[Model], object]) -> None:
        """An act that may take something away from somebody."""
        self.disturbed = self.turn + 1
        self.act(strike, act, apply)

    def put_partner(self, name: str, receives: tuple[str, ...], unstated: Unstated, strike: Strike | None) -> None:
        """Add a partner, or change what it receives."""
        partner = Partner(
            name=name,
            organisation=f"CERT {name} (fictional)",
            country=COUNTRIES[name],
            receives=receives,
            unstated=unstated,
            default_label="TLP:AMBER",
        )
        self.takes(
            strike,
            lambda store: store.put_partner(partner) and None,
            lambda model: model.partners.update({name: partner}),
        )
        if name in self.model.partners and name not in self.followers:
            self.followers[name], self.entered[name] = [Follower(), Follower()], {}

    def purge(self, id: str, strike: Strike | None) -> None:
        """By the word of two operators; a process that ends before it leaves the proposal, which is given up."""
        if id in self.model.purged:
            return
        number = Purges(self.store).propose(id, "because", by="first").number
        self.takes(
            strike, lambda store: Purges(store).confirm(number, by="second") and None, lambda model: model.purge(id)
        )
        if id not in self.model.purged:
            Purges(self.store).cancel(number, by="second")

    def some_id(self, data: st.DataObject) -> str:
        """An id that is held, or any other."""
        held = sorted({row.id for row in self.model.rows})
        return data.draw(st.sampled_from(held) | ids if held else ids)

    # What must hold

    def read_page(self, name: str, follower: Follower, size: int) -> bool:
        """Read one page of a feed; whether there are more."""
        page = self.store.feed(name).read(Query(versions=("all",)), follower.position, size)
        for row in page.rows:
            key = _key(row.id, row.version, row.raw)
            assert row.added > follower.position
            follower.position = row.position
            if _is_rendition(row.raw):
                continue
            assert key in self.entered[name], f"{name} is given what it may not have: {key}"
            # What it had already comes again only where something was taken away since.
            assert follower.heard.get(key, -1) < max(self.entered[name][key], self.disturbed), (
                f"{name} is given again: {key}"
            )
            follower.heard[key] = self.turn
        return page.more

    def catch_up(self, name: str, follower: Follower) -> None:
        """Read to the end; then nothing is missing."""
        while self.read_page(name, follower, 3):
            pass
        for key, since in self.entered[name].items():
            assert follower.heard.get(key, -1) >= since, f"{name} missed {key}"

    @invariant()
    def partners_have_what_they_may(self) -> None:
        for name in self.model.partners:
            wanted = self.model.feed(name, self.clock.now)
            self.model.note_left(name, wanted)
            feed = self.store.feed(name)
            rows = _all_pages(feed.read, Query(versions=("all",)))
            assert feed.count() == len(rows)
            keys = [_key(row.id, row.version, row.raw) for row in rows if not _is_rendition(row.raw)]
            assert Counter(keys) == Counter(wanted), name
            before = self.entered[name]
            self.entered[name] = {key: before.get(key, self.turn) for key in wanted}
            newest: dict[str, Key] = {}
            for key in keys:  # of versions the highest, without them the last to enter
                newest[key[0]] = (
                    max(newest.get(key[0], key), key, key=lambda one: _version(one) or 0) if _version(key) else key
                )
            last = [
                _key(row.id, row.version, row.raw)
                for row in _all_pages(feed.read, Query())
                if not _is_rendition(row.raw)
            ]
            assert sorted(last, key=str) == sorted(newest.values(), key=str), name

    @invariant()
    def people_see_what_they_may(self) -> None:
        now = self.clock.now
        for person in VIEWERS:
            view = self._view(person)
            wanted = {key: self.model.data(person, row, now) for key, row in self.model.one_each(person, now).items()}
            every = _all_pages(view.read, Query(versions=("all",)))
            assert Counter((row.id, row.version) for row in every) == Counter((key[0], _version(key)) for key in wanted)
            assert _texts(json.loads(row.raw) for row in every) == _texts(wanted.values())
            newest = self.model.newest(person, now)
            assert _texts(json.loads(row.raw) for row in _all_pages(view.read, Query())) == _texts(
                self.model.data(person, row, now) for row in newest.values()
            )
            for id in {row.id for row in self.model.rows}:
                got, row = view.get(id), newest.get(id)
                assert (got is None) == (row is None), id
                if got is not None and row is not None:
                    assert json.loads(got.raw) == self.model.data(person, row, now)
                    assert (got.source, got.area, shown(got.label)) == (row.source, row.area, shown(row.label))

    def counted_and_found(self, word: str | None) -> None:
        """A search and what is counted of it."""
        now = self.clock.now
        for person in VIEWERS:
            view = self._view(person)
            wanted = self.model.found(person, word, now)
            found, cursor, more = [], None, True
            while more:
                page = view.search(word, limit=2, cursor=cursor)
                found += page.items
                cursor, more = page.cursor, page.cursor is not None
            assert sorted(one.id for one in found) == sorted(row.id for row in wanted)
            facets, counts = view.facets(word), self.model.facets(person, word, now)
            assert facets.objects == len(wanted)
            assert {c.value: c.count for c in facets.types} == counts["types"]
            assert {c.value: c.count for c in facets.areas} == counts["areas"]
            assert {c.value: c.count for c in facets.sources} == counts["sources"]
            assert {shown(c.value): c.count for c in facets.labels} == counts["labels"]
            stats = view.stats()
            assert (stats.objects, stats.versions) == (
                len(self.model.newest(person, now)),
                len(self.model.visible(person, now)),
            )

    def _view(self, person: str | None) -> Any:
        store = self.store
        return store.custodian() if person is None else store.view(store.principal_of_person(person))


def _outcome(act: Callable[[], object]) -> object:
    """What an act gives, or how it was refused."""
    try:
        return act()
    except (NotFound, Refused, Conflict) as error:
        return type(error)


def _key(id: str, version: int | None, raw: bytes) -> Key:
    return (id, json.dumps(json.loads(raw), sort_keys=True) if version is None else version)


def _is_rendition(raw: bytes) -> bool:
    """Whether it is made of an object, or words the label of what is: what that should be `verify` works out anew."""
    data = json.loads(raw)
    return RENDITION_EXTENSION in data.get("extensions", {}) or data["type"] == "marking-definition"


def _version(key: Key) -> int | None:
    return key[1] if isinstance(key[1], int) else None


def _texts(found: Any) -> Counter[str]:
    return Counter(json.dumps(one, sort_keys=True) for one in found)


def _all_pages(read: Callable[..., Any], query: Query) -> list[Any]:
    """All rows of a shelf, their order rising."""
    rows, position, more = [], 0, True
    while more:
        page = read(query, position, 5)
        assert all(row.position > position for row in page.rows)
        rows += page.rows
        position, more = page.rows[-1].position if page.rows else position, page.more
    return rows


def run(databases: Databases, examples: int, steps: int) -> None:
    """Try so many histories of so many acts."""
    machine = type("NodeOfAStore", (Node,), {"databases": staticmethod(databases)})
    shrinking = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, phases=shrinking,
            suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
        ),
    )  # fmt: skip


def test_any_order_of_acts(databases: Databases) -> None:
    run(databases, 10 if databases is nullcontext else 4, 25)  # a database of a server takes a while to make


@pytest.mark.soak
def test_any_order_of_acts_at_length(databases: Databases) -> None:
    run(databases, 1_000, 60)
