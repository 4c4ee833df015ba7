"""Retention: counted from the last version, by the newest row's label and area; hiding takes one word, destroying two."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from kizuna.errors import Conflict, NotFound, Refused, UsageError
from kizuna.labels import parse_label
from kizuna.store import Partner, Query, Store, retention
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.retention import Rules, apply_retention, label_key, would_go
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, campaign, items, named, report
from tests.conftest import Clock

A_DAY = 86_400.0


@pytest.fixture
def people(store: Store) -> Store:
    """A store with two operators and a partner that receives CLEAR."""
    for name in ("first", "second"):
        Accounts(store).add_user(name, ROLES, by="test")
    store.put_partner(Partner(name="Brussels", organisation="CERT B", country="BEL", receives=("TLP:CLEAR",)))
    return store


def put(store: Store, *objects: dict[str, Any], area: str | None = None) -> list[str]:
    return [outcome.status for outcome in store.writer(store.own_source(), area=area).add(items(*objects))]


def clear(name: str, **more: Any) -> dict[str, Any]:
    return campaign(name, object_marking_refs=[CLEAR], **more)


def destroys(store: Store, **rule: Any) -> None:
    """A rule of two operators."""
    rules = Rules(store)
    made = rules.set(rule.get("label"), rule.get("area"), rule["days"], "destroy", "the law", by="first")
    rules.confirm(made.number, by="second")


def here(store: Store) -> list[str]:
    return sorted(stored.id for stored in store.custodian().search(limit=100).items)


def test_days_are_counted_from_the_last_version(people: Store, clock: Clock) -> None:
    put(people, clear("a"), clear("b"))
    destroys(people, label="TLP:CLEAR", days=30)
    clock.forward(20 * A_DAY)
    put(people, clear("a", modified="2026-02-01T00:00:00.000Z"))
    clock.forward(11 * A_DAY)
    assert [(one.ids, one.versions) for one in apply_retention(people, clock.now)] == [(1, 1)]
    assert here(people) == [named("campaign", "a")]
    clock.forward(20 * A_DAY)
    assert [(one.ids, one.versions) for one in apply_retention(people, clock.now)] == [(1, 2)]
    assert here(people) == []
    assert list(verify(people)) == []


def test_the_newest_row_s_label_and_area_decide(people: Store, clock: Clock) -> None:
    put(people, clear("a"), campaign("b", object_marking_refs=[AMBER]), campaign("c"), area="cyber-defence")
    put(people, clear("d"), area="space-security")
    people.relabel(named("campaign", "a"), parse_label("TLP:AMBER", originator=people.organisation), by="t")
    clock.forward(2 * A_DAY)
    for label, area, wanted in (
        ("TLP:AMBER", None, 2), ("TLP:CLEAR", None, 1), ("OWN", None, 1), ("TLP:RED", None, 0), (None, "cyber-defence", 3),
        (None, "space-security", 1), ("TLP:AMBER", "space-security", 0), (None, "nothing", 0),
    ):  # fmt: skip
        rule = Rules(people).set(label, area, 1, "hide", "try", by="cli:x")
        assert would_go(people, rule, clock.now).ids == wanted, (label, area)
        Rules(people).remove(rule.number, by="cli:x")


def test_hiding_takes_one_word_and_destroying_two(people: Store, clock: Clock) -> None:
    put(people, clear("a"))
    clock.forward(2 * A_DAY)
    rules = Rules(people)
    with pytest.raises(Refused):
        rules.set("TLP:CLEAR", None, 1, "destroy", "x", by="cli:x")
    proposed = rules.set("TLP:CLEAR", None, 1, "destroy", "x", by="first")
    assert apply_retention(people, clock.now) == []
    with pytest.raises(Refused, match="another"):
        rules.confirm(proposed.number, by="first")
    Accounts(people).create_link("second", by="first")
    with pytest.raises(Refused, match="let second in"):
        rules.confirm(proposed.number, by="second")
    rules.remove(proposed.number, by="first")
    hides = rules.set("TLP:CLEAR", None, 1, "hide", "x", by="cli:x")
    with pytest.raises(Conflict):
        rules.confirm(hides.number, by="second")
    assert [(one.ids, one.versions) for one in apply_retention(people, clock.now)] == [(1, 1)]
    assert [(one.ids, one.versions) for one in apply_retention(people, clock.now)] == [(0, 0)]
    assert here(people) == []
    assert people.database.read().execute("select count(*) from body").fetchone()[0] == 1
    assert list(verify(people)) == []


def test_feeds_follow(people: Store, clock: Clock) -> None:
    put(people, one := clear("a"))
    clock.forward(2 * A_DAY)
    put(people, report("r", [one], object_marking_refs=[CLEAR]))
    Rules(people).set("TLP:CLEAR", None, 1, "hide", "x", by="cli:x")
    assert len(people.feed("Brussels").read(Query(), 0, 9).rows) == 2
    apply_retention(people, clock.now)
    assert people.feed("Brussels").read(Query(), 0, 9).rows == []
    assert list(verify(people)) == []


def test_what_comes_in_again_has_its_days_again(people: Store, clock: Clock) -> None:
    put(people, clear("a"))
    destroys(people, label="TLP:CLEAR", days=1)
    clock.forward(2 * A_DAY)
    apply_retention(people, clock.now)
    assert put(people, clear("a")) == ["imported"]
    assert [one.ids for one in apply_retention(people, clock.now)] == [0]


def test_many_go_in_batches(people: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    put(people, *(clear(f"c{n}", description=f"zzword{n}zz beacon") for n in range(10)))
    destroys(people, label="TLP:CLEAR", days=1)
    clock.forward(2 * A_DAY)
    went = [apply_retention(people, clock.now)[0] for _ in range(3)]
    assert [(one.ids, one.more) for one in went] == [(6, True), (4, False), (0, False)]
    assert here(people) == []
    assert list(verify(people)) == []
    trail = [entry for entry in people.audit_trail(20) if entry["act"] == "retention.destroy"]
    assert sum(entry["detail"]["ids"] for entry in trail) == 10


def test_who_writes_meanwhile_has_their_turn(people: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a connection of their own, as another process has it."""
    monkeypatch.setattr(retention, "BATCH", 20)
    put(people, *(clear(f"a{number}") for number in range(200)))
    destroys(people, label="TLP:CLEAR", days=30)
    clock.forward(31 * A_DAY)
    other, going, turns = Store(people.folder, people.settings, clock), threading.Event(), 0
    going.set()

    def write() -> None:
        nonlocal turns
        while going.is_set():
            with other.database.write():
                turns += going.is_set()
            time.sleep(0.01)

    thread = threading.Thread(target=write)
    with people.database.write():
        thread.start()  # it waits from the beginning
    apply_retention(people, clock.now)
    going.clear()
    thread.join()
    other.close()
    assert turns >= 5


def test_a_version_that_comes_in_meanwhile_saves_it(
    people: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(people, clear("a"))
    destroys(people, label="TLP:CLEAR", days=1)
    clock.forward(2 * A_DAY)
    asked = retention._due
    calls: list[int] = []

    def between(*given: Any, **more: Any) -> Any:
        found = asked(*given, **more)
        if not calls:
            calls.append(1)
            newer = threading.Thread(target=put, args=(people, clear("a", modified="2026-02-01T00:00:00.000Z")))
            newer.start()
            newer.join()
        return found

    monkeypatch.setattr(retention, "_due", between)
    assert [one.ids for one in apply_retention(people, clock.now)] == [0]
    assert here(people) == [named("campaign", "a")]


@pytest.mark.parametrize(
    ("label", "area", "days", "reason"),
    [
        (None, None, 1, "x"),
        ("TLP:PINK", None, 1, "x"),
        ("TLP:CLEAR", None, 0, "x"),
        ("TLP:CLEAR", None, 1, ""),
        ("", None, 1, "x"),
    ],
)
def test_what_makes_no_sense_is_refused(
    people: Store, label: str | None, area: str | None, days: int, reason: str
) -> None:
    with pytest.raises(UsageError):
        Rules(people).set(label, area, days, "hide", reason, by="cli:x")
    with pytest.raises(NotFound):
        Rules(people).remove(7, by="cli:x")


def test_a_label_is_compared_by_policy_and_level() -> None:
    assert [label_key(text) for text in ("tlp:amber", "PUBLIC", "own", "TLP:GREEN community=EU")] == [
        "TLP:AMBER", "PUBLIC:PUBLIC", "OWN:OWN", "TLP:GREEN",
    ]  # fmt: skip
