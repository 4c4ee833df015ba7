"""What was given to whom, counted in memory: as counted in the database, whatever was done before."""

from __future__ import annotations

import random
import threading
from contextlib import suppress
from typing import Any

import pytest

from kizuna.errors import NotFound, Refused
from kizuna.labels import parse_label
from kizuna.store import Partner, Store
from kizuna.store.destroying import destroy
from kizuna.store.epochs import resume
from kizuna.store.exchanged import exchanged
from kizuna.store.notices import send
from tests.builders import AMBER, CLEAR, GREEN, campaign, items, relationship

CERT = "CERT Tokyo (fictional)"
LABELS = ("TLP:CLEAR", "TLP:GREEN", "TLP:RED persons=ann", "TLP:AMBER")
WHO = ("ann", "bob", None)


class Happening:
    """A store to which all sorts of things happen, partners that come and go among them."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.random = store, random.Random(seed)
        self.ids: list[str] = []

    def step(self) -> None:
        """Something happens."""
        acts = (
            self._bring,
            self._bring,
            self._bring,
            self._partner,
            self._relabel,
            self._hide,
            self._destroy,
            self._again,
        )
        with suppress(NotFound, Refused):
            self.random.choice(acts)()

    def _bring(self) -> None:
        pick = self.random.choice
        made = [
            campaign(f"c{pick('123456789')}", modified=f"2026-0{pick('123')}-01T00:00:00.000Z",
                     object_marking_refs=[pick((CLEAR, CLEAR, GREEN, AMBER))])
            for _ in range(3)
        ]  # fmt: skip
        made.append(relationship(made[0], "related-to", made[1]) | {"object_marking_refs": [CLEAR]})
        sources = [self.store.own_source(), *(self.store.partner_source(one.name) for one in self.store.partners())]
        area = pick((None, "cyber-defence", "space-security"))
        list(self.store.writer(pick(sources), area=area).add(items(*made)))
        self.ids += [one["id"] for one in made]

    def _partner(self) -> None:
        pick = self.random.choice
        name, country = pick((("Brussels", "BEL"), ("Kyiv", "UKR"), ("Oslo", "NOR")))
        if name in {one.name for one in self.store.partners()} and pick((True, False)):
            self.store.remove_partner(name)
        else:
            receives = pick((("TLP:CLEAR",), ("TLP:CLEAR", "TLP:GREEN"), ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER")))
            self.store.put_partner(Partner(name=name, organisation=name, country=country, receives=receives))

    def _relabel(self) -> None:
        label = parse_label(self.random.choice(LABELS), originator=CERT)
        self.store.relabel(self._one(), label, by="ann")

    def _hide(self) -> None:
        self.store.hide(self._one(), by="ann")

    def _destroy(self) -> None:
        with self.store.act() as act:
            destroy(self.store, act, [self._one()], by="ann")

    def _again(self) -> None:
        with self.store.database.write() as connection:
            connection.execute("update partner set stopped=1")
        for one in self.store.partners():
            resume(self.store, one.name, by="ann")

    def _one(self) -> str:
        if not self.ids:
            raise NotFound("nothing is there yet")
        return self.random.choice(self.ids)


def asked(store: Store, who: str | None) -> Any:
    """The same, asked of the database."""
    view = store.view(store.principal_of_person(who))
    with store.database.snapshot() as reader:
        mask = store.mask(store.principal_of_person(who)).sql(reader, "o.least")
        feed = f"from feed f join object o on o.n=f.object where f.live=1 and o.hidden=0 and {mask}"
        given = dict(reader.execute(f"select o.area, count(distinct o.ident) {feed} group by o.area").fetchall())
        last = dict(reader.execute(f"select o.area, max(f.added) {feed} group by o.area").fetchall())
        to = dict(reader.execute(f"select f.recipient, count(*) {feed} group by f.recipient").fetchall())
        areas = dict(reader.execute("select name, n from area").fetchall())
        partners = reader.execute("select n, name from partner").fetchall()
    for one in view.traffic():
        n = areas[one.area]
        assert one.given == given.get(n, 0)
        assert (one.last or 0) >= (last.get(n) or 0)
        assert one.got or (one.last or 0) == (last.get(n) or 0)
    return {name: to.get(n, 0) for n, name in partners}


@pytest.mark.parametrize("seed", range(6))
def test_what_was_given_is_counted_as_in_the_database(store: Store, seed: int) -> None:
    happening = Happening(store, seed)
    seen = set[int]()
    for _ in range(25):
        happening.step()
        for who in WHO:
            counted = {name: one.given for name, one in exchanged(store, store.principal_of_person(who)).items()}
            assert counted == asked(store, who)
            seen |= set(counted.values())
    assert len(seen) > 2, "something went out, and other than always the same"


def test_what_is_kept_of_the_whole_store_is_of_who_asks(store: Store) -> None:
    store.put_partner(Partner(name="B", organisation="B", country="BEL", receives=("TLP:CLEAR",)))
    bring = store.writer(
        store.own_source(), label=parse_label("TLP:RED persons=ann", originator=CERT), area="space-security"
    )
    list(bring.add(items(campaign("hidden"))))
    views = {who: store.view(store.principal_of_person(who)) for who in ("ann", "bob")}
    for _ in range(2):  # the second time it is kept
        assert [one.held for one in views["ann"].traffic()] == [1]
        assert views["bob"].traffic() == []
        assert (views["ann"].stats().objects, views["bob"].stats().objects) == (1, 0)


def test_an_older_snapshot_leaves_nothing_to_newer_ones(store: Store) -> None:
    store.put_partner(Partner(name="B", organisation="B", country="BEL", receives=("TLP:CLEAR",)))

    def bring(name: str) -> None:
        writer = store.writer(store.partner_source("B"), area="space-security")
        assert [one.status for one in writer.add(items(campaign(name, object_marking_refs=[CLEAR])))] == ["imported"]

    bring("first")
    view = store.custodian()
    view.traffic()
    opened, brought = threading.Event(), threading.Event()

    def in_an_older_snapshot() -> None:
        with store.database.snapshot() as reader:
            reader.execute("select max(n) from object").fetchone()
            opened.set()
            assert brought.wait(30)
            view.traffic()

    old = threading.Thread(target=in_an_older_snapshot)
    old.start()
    assert opened.wait(30)
    bring("second")
    view.stats()  # so the columns are newer than that snapshot
    brought.set()
    old.join()
    kept = view.traffic()
    store.answers.clear()
    assert kept == view.traffic()
    assert kept[0].last == view.search(limit=1).items[0].added


def test_what_is_made_for_one_partner_is_not_counted(store: Store) -> None:
    store.put_partner(Partner(name="B", organisation="B", country="BEL", receives=("TLP:CLEAR",)))
    list(
        store.writer(store.own_source(), area="cyber-defence").add(items(campaign("open", object_marking_refs=[CLEAR])))
    )
    view = store.view(store.principal_of_person("bob"))
    before = view.traffic()
    with store.act() as act:
        (recipient,) = act.recipients
        send(store, act, recipient, "request", [campaign("open")["id"]], by="ann", third_party="C")
    assert store.feed("B").count() == 2, "the request is in the feed"
    assert view.traffic() == before
