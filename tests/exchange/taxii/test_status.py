"""Statuses: complete, for their sender alone, and bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kizuna.errors import NotFound
from kizuna.exchange.taxii import status as module
from kizuna.exchange.taxii.status import Statuses, status_resource
from kizuna.store import Store
from kizuna.store.caller import Caller
from tests.builders import campaign, items
from tests.conftest import Clock


def caller(store: Store, name: str) -> Caller:
    """One of one's own people."""
    return Caller(kind="person", name=name, principal=store.principal_of_person(name))


def resource(store: Store, *objects: dict[str, Any]) -> dict[str, Any]:
    """What a POST of these objects tells."""
    return status_resource(store.writer(store.own_source()).add(items(*objects)), store.clock())


def test_every_object_is_told_of(store: Store) -> None:
    good, bad = campaign("good"), {**campaign("bad"), "modified": "never"}
    found = resource(store, good, bad)
    assert (found["total_count"], found["success_count"], found["failure_count"], found["pending_count"]) == (
        2,
        1,
        1,
        0,
    )
    assert found["successes"] == [{"id": good["id"], "version": "2026-01-01T00:00:00.000Z"}]
    (failure,) = found["failures"]
    assert failure["id"] == bad["id"]
    assert failure["message"].startswith("modified: ")
    assert found["status"] == "complete"


def test_the_lists_are_bounded_and_the_counts_complete(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    one = len(json.dumps({"id": campaign("c0")["id"], "version": "2026-01-01T00:00:00.000Z"}, separators=(",", ":")))
    monkeypatch.setattr(module, "LISTED_BYTES", 2 * (one + 1))
    found = resource(store, *(campaign(f"c{i}") for i in range(5)), *({} for _ in range(7)))
    assert (found["success_count"], len(found["successes"])) == (5, 2)
    assert (found["failure_count"], found["total_count"]) == (7, 12)
    assert len(json.dumps(found["failures"], separators=(",", ":"))) <= 2 * (one + 1) + 2


def test_one_failure_tells_little_whatever_it_was(store: Store) -> None:
    odd = {f"Bad property {i} {'x' * 200}": 1 for i in range(100)} | {"type": "campaign", "id": "c" * 100_000}
    (failure,) = resource(store, odd)["failures"]
    assert len(failure["id"]) <= 200
    assert 0 < len(failure["message"]) <= 2000


def test_a_status_is_its_senders(store: Store) -> None:
    statuses = Statuses(store)
    found = resource(store, campaign("one"))
    statuses.put(found, caller(store, "a"))
    assert statuses.get(found["id"], caller(store, "a")) == found
    for who, id in (("b", found["id"]), ("a", "absent")):
        with pytest.raises(NotFound, match="no such status"):
            statuses.get(id, caller(store, who))


def test_a_status_is_kept_a_day(store: Store, clock: Clock) -> None:
    statuses = Statuses(store)
    first = resource(store, campaign("one"))
    statuses.put(first, caller(store, "a"))
    clock.forward(86_401)
    statuses.put(resource(store, campaign("two")), caller(store, "a"))
    with pytest.raises(NotFound):
        statuses.get(first["id"], caller(store, "a"))
