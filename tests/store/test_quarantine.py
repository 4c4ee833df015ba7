"""What is refused waits within bounds, by source, and is told of by source and reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from kizuna.settings import Limits
from kizuna.stix import iter_objects
from kizuna.store import Outcome, Partner, Store, quarantine
from kizuna.store.quarantine import DAY, Waiting, clear, has_old, waiting
from tests.builders import campaign, items
from tests.conftest import Clock

MOST = 20_000


@pytest.fixture
def small(make_store: Callable[..., Store]) -> Store:
    """A node with a small quarantine and two partners."""
    store = make_store(limits=Limits(quarantine=MOST, quarantine_days=2))
    for name in ("Brussels", "Kyiv"):
        store.put_partner(Partner(name=name, organisation=f"CERT {name} (fictional)", country="BEL"))
    return store


def send(store: Store, *objects: dict[str, Any], partner: str = "Brussels") -> list[Outcome]:
    """As a partner sends them."""
    return list(store.writer(store.partner_source(partner)).add(items(*objects)))


def bad(number: int) -> dict[str, Any]:
    """No two alike."""
    return {**campaign(f"bad {number}"), "created": number}


def kept(store: Store) -> dict[str, int]:
    """Bytes by source as the database counts them, and as they are."""
    connection = store.database.read()
    sql = (
        "select s.name, s.kept, coalesce(sum(length(q.raw) + length(q.problems) + 200), 0) from source s "
        "left join quarantine q on q.source=s.n group by s.n"
    )
    rows = connection.execute(sql).fetchall()
    assert all(told == found for _, told, found in rows), rows
    return {name: told for name, told, _ in rows}


def test_a_flood_fills_its_own_part_and_no_more(small: Store) -> None:
    outcomes = send(small, *(bad(number) for number in range(200)))
    assert {one.status for one in outcomes} == {"failed"}
    assert 0 < kept(small)["partner:Brussels"] <= MOST + 2_000
    send(small, bad(1), partner="Kyiv")
    assert kept(small)["partner:Kyiv"] > 0
    trail = [entry for entry in small.audit_trail() if entry["act"] == "quarantine-full"]
    assert len(trail) == 1
    assert trail[0]["detail"]["not kept"] == 200 - waiting(small)[0].count


def test_what_is_old_makes_room(small: Store, clock: Clock) -> None:
    send(small, *(bad(number) for number in range(200)))
    full = kept(small)["partner:Brussels"]
    clock.forward(3 * DAY / 1_000_000)
    send(small, bad(300))
    assert 0 < kept(small)["partner:Brussels"] < full / 5


def test_what_is_old_goes_though_its_source_is_silent(
    small: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "BATCH", 4)
    monkeypatch.setattr(quarantine, "REST_SECONDS", 0.0)
    late = campaign("late", created="2027-01-01T00:00:00.000Z", modified="2027-01-01T00:00:00.000Z")
    send(small, *(bad(number) for number in range(10)), late)
    send(small, bad(1), bad(2), partner="Kyiv")
    clock.forward(1.5 * DAY / 1_000_000)
    send(small, bad(3), partner="Kyiv")
    assert not has_old(small, clock.now)
    assert clear(small, clock.now) == 0
    clock.forward(DAY / 1_000_000)
    assert has_old(small, clock.now)
    assert clear(small, clock.now) == 12
    assert not has_old(small, clock.now)
    assert sorted((one.source, one.reason, one.count) for one in waiting(small)) == [
        ("partner:Brussels", "dated-ahead", 1),
        ("partner:Kyiv", waiting(small)[-1].reason, 1),
    ]
    kept(small)


def test_one_turn_of_clearing_ends(small: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "BATCH", 2)
    monkeypatch.setattr(quarantine, "AT_ONCE", 3)
    monkeypatch.setattr(quarantine, "REST_SECONDS", 0.0)
    send(small, *(bad(number) for number in range(10)))
    clock.forward(3 * DAY / 1_000_000)
    assert [clear(small, clock.now) for _ in range(3)] == [6, 4, 0]


def test_who_is_dated_ahead_and_does_not_wait_is_told(small: Store) -> None:
    late = campaign("late", created="2027-01-01T00:00:00.000Z", modified="2027-01-01T00:00:00.000Z")
    assert [p.rule for p in send(small, late)[0].problems] == ["dated-ahead"]
    send(small, *(bad(number) for number in range(200)))
    other = {**late, "name": "another"}
    assert [p.rule for p in send(small, other)[0].problems] == ["dated-ahead", "quarantine-full"]


def test_what_waits_is_told_by_source_and_reason(small: Store, clock: Clock) -> None:
    send(small, *(bad(number) for number in range(3)), partner="Kyiv")
    raw = json.dumps([{"type": "campaign"}, 5]).encode()
    list(small.writer(small.partner_source("Kyiv")).add(iter_objects(raw)))
    found = waiting(small)
    assert sum(one.count for one in found) == 5
    assert found[0] == Waiting("partner:Kyiv", "timestamp", 3, clock.now)
    assert msgspec.structs.asdict(found[-1])["source"] == "partner:Kyiv"
