"""Where reports of different places meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kizuna.labels import parse_label
from kizuna.store import Partner, Store
from kizuna.store import meeting as module
from kizuna.store.meeting import Meeting
from tests.builders import campaign, identity, items, relationship, sdo

PLACES = {"own": "east", "partner:West": "west", "partner:Near": "east"}
THING = sdo("indicator", "thing", pattern="[domain-name:value = 'bad.example']", pattern_type="stix",
            valid_from="2026-11-01T00:00:00Z")  # fmt: skip


@pytest.fixture
def store(make_store: Callable[..., Store]) -> Store:
    made = make_store()
    for number, name in enumerate(("West", "Near"), 1):
        made.put_partner(Partner(name=name, organisation=f"CERT {name} (fictional)", country="BEL", added=number))
    return made


def put(store: Store, source: str, *objects: dict[str, Any], label: str = "TLP:CLEAR") -> None:
    of = store.own_source() if source == "own" else store.partner_source(source.partition(":")[2])
    stated = parse_label(label, originator=of.organisation)
    assert {one.status for one in store.writer(of, label=stated).add(items(*objects))} <= {"imported", "unchanged"}


def sighting(name: str, of: dict[str, Any], seen: str) -> dict[str, Any]:
    return sdo("sighting", name, sighting_of_ref=of["id"], first_seen=seen) | {"name": None}


def found(store: Store, most: int = 20) -> list[Meeting]:
    return store.view(store.principal_of_person("reader")).meetings(PLACES.get, most)


def told(store: Store) -> set[tuple[str, str, str, str]]:
    return {(one.kind, one.what, one.earlier.source, one.later.source) for one in found(store)}


def bare(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}


def test_two_who_saw_the_same_meet_with_the_time_between(store: Store) -> None:
    put(store, "own", THING, bare(sighting("ours", THING, "2026-11-02T00:00:00Z")))
    put(store, "partner:West", bare(sighting("theirs", THING, "2026-11-02T09:00:00Z")))
    (met,) = found(store)
    assert (met.kind, met.what) == ("seen", THING["id"])
    assert (met.earlier.source, met.later.source) == ("own", "partner:West")
    assert met.later.at - met.earlier.at == 9 * 3_600_000_000


def test_one_sees_what_the_other_reported(store: Store) -> None:
    put(store, "partner:West", THING)
    put(store, "own", bare(sighting("ours", THING, "2026-11-02T00:00:00Z")))
    assert told(store) == {("reported", THING["id"], "partner:West", "own")}


def test_within_one_place_and_with_packs_nothing_meets(store: Store) -> None:
    put(store, "own", THING)
    put(store, "partner:Near", bare(sighting("near", THING, "2026-11-02T00:00:00Z")))
    known = campaign("known")
    list(store.writer(store.pack_source("x", "Kizuna", parse_label("PUBLIC", originator="Kizuna"))).add(items(known)))
    theirs = campaign("theirs")
    put(store, "partner:West", theirs, relationship(theirs, "related-to", known))
    assert found(store) == []


def test_a_relationship_connects_what_another_reported_but_not_whom_it_names(store: Store) -> None:
    ours, who, theirs = campaign("ours"), identity("who"), campaign("theirs")
    put(store, "own", ours, who)
    put(store, "partner:West", theirs, relationship(theirs, "related-to", ours), relationship(theirs, "targets", who))
    assert told(store) == {("linked", ours["id"], "own", "partner:West")}


def test_the_same_value_in_two_objects_meets_but_an_echo_does_not(store: Store) -> None:
    address = {"type": "domain-name", "spec_version": "2.1", "value": "bad.example",
               "id": "domain-name--3f6a8b52-7d1f-5a54-9c2e-8d0f6f7c1a11"}  # fmt: skip
    put(store, "own", address)
    put(store, "partner:West", address)
    assert found(store) == []
    put(store, "partner:West", THING)
    assert told(store) == {("value", "bad.example", "own", "partner:West")}


def test_a_common_value_connects_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HOLDERS", 3)
    put(store, "own", THING)
    put(
        store, "partner:West", *(THING | {"id": f"indicator--11111111-1111-4111-8111-00000000000{k}"} for k in range(2))
    )
    assert {kind for kind, *_ in told(store)} == {"value"}
    put(store, "partner:West", THING | {"id": "indicator--11111111-1111-4111-8111-000000000009"})
    assert found(store) == []


@pytest.mark.parametrize("hidden", ["thing", "sighting"])
def test_what_a_reader_may_not_see_meets_nothing(store: Store, hidden: str) -> None:
    secret = "TLP:RED persons=somebody.else"
    put(store, "own", THING, label=secret if hidden == "thing" else "TLP:CLEAR")
    theirs = bare(sighting("theirs", THING, "2026-11-02T09:00:00Z"))
    put(store, "partner:West", theirs, label=secret if hidden == "sighting" else "TLP:CLEAR")
    assert found(store) == []


def test_the_newest_come_first_and_as_many_as_asked(store: Store) -> None:
    for k in range(4):
        thing = THING | {
            "id": f"indicator--11111111-1111-4111-8111-00000000000{k}",
            "pattern": f"[domain-name:value = '{k}.example']",
        }
        put(store, "own", thing)
        put(store, "partner:West", bare(sighting(f"s{k}", thing, "2026-11-02T09:00:00Z")))
    assert [one.what[-1] for one in found(store, 3)] == ["3", "2", "1"]


def test_versions_of_one_object_are_one_and_nobody_drowns_the_others(store: Store) -> None:
    address = {"type": "domain-name", "spec_version": "2.1", "value": "bad.example",
               "id": "domain-name--3f6a8b52-7d1f-5a54-9c2e-8d0f6f7c1a11"}  # fmt: skip
    put(store, "own", address)
    put(
        store,
        "partner:West",
        *(THING | {"modified": f"2026-02-01T00:00:{k:02}.000Z"} for k in range(module.HOLDERS + 5)),
    )
    put(store, "partner:Near", *(campaign(f"loud {k}") for k in range(module.NEWEST + 50)))
    assert told(store) == {("value", "bad.example", "own", "partner:West")}
