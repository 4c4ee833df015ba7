"""A served node applies the rules of retention every hour, and leaves nothing of what was destroyed in its file."""

from __future__ import annotations

import time

import pytest

from kizuna import keeping
from kizuna.errors import Unavailable
from kizuna.keeping import TURN, Keeper
from kizuna.store import Store
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.purging import Purges
from kizuna.store.quarantine import waiting
from kizuna.store.retention import Rules
from kizuna.store.schedule import Schedule
from kizuna.store.scrubbing import is_due
from tests.builders import CLEAR, campaign, items, named
from tests.conftest import Clock


def put(store: Store, *names: str) -> None:
    list(store.writer(store.own_source()).add(items(*(campaign(name, object_marking_refs=[CLEAR]) for name in names))))


def test_rules_are_applied_once_an_hour(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, "a")
    Rules(store).set("TLP:CLEAR", None, 1, "hide", "x", by="cli:x")
    clock.forward(2 * 86_400)
    keeper = Keeper(store)
    keeper.turn()
    assert store.custodian().stats().objects == 0
    put(store, "b")
    clock.forward(2 * 86_400)
    keeper.turn()
    assert store.custodian().stats().objects == 1  # days do not pass faster
    monkeypatch.setattr(keeper, "_next", 0.0)
    other = Schedule(store).claim(TURN, 60.0)
    assert other is not None
    keeper.turn()
    assert store.custodian().stats().objects == 1  # another process does it
    Schedule(store).done(TURN, other, 0)
    Keeper(store).turn()
    assert store.custodian().stats().objects == 0


def test_old_refused_items_go_without_any_rule(store: Store, clock: Clock) -> None:
    def refused() -> int:
        return sum(one.count for one in waiting(store))

    list(store.writer(store.own_source()).add(items({**campaign("a"), "created": 1})))
    keeper = Keeper(store)
    keeper.turn()
    assert refused() == 1
    clock.forward((store.settings.limits.quarantine_days + 1) * 86_400)
    keeper.turn()
    assert refused() == 1  # the clock jumped: nothing is destroyed for a day
    Keeper(store).turn()
    assert refused() == 0


def test_what_was_destroyed_is_scrubbed_where_that_is_quick(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("first", "second"):
        Accounts(store).add_user(name, ROLES, by="test")
    put(store, "a")
    purges = Purges(store)
    purges.confirm(purges.propose(named("campaign", "a"), "why", by="first").number, by="second")
    with monkeypatch.context() as patch:
        patch.setattr(keeping, "SMALL", 1)
        Keeper(store).turn()
        assert is_due(store)  # of a large one an operator says when
    Keeper(store).turn()
    assert not is_due(store)


def test_it_ends_at_once(store: Store) -> None:
    with Keeper(store, 60.0):
        pass


def test_a_database_that_is_away_is_no_surprise(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    turns = []

    def turn() -> None:
        turns.append(1)
        raise Unavailable("the database does not answer")

    keeper = Keeper(store, 0.01)
    monkeypatch.setattr(keeper, "turn", turn)
    with keeper:
        deadline = time.monotonic() + 10
        while len(turns) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(turns) >= 2  # it goes on
    assert {(one.levelname, one.exc_info) for one in caplog.records} == {("WARNING", None)}
    assert "the database does not answer" in caplog.text
