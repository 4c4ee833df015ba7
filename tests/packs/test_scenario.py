"""The picture the scenario is meant to show, on three real stores that exchange until nothing new comes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from kizuna.cli.pack import add_pack, groups_of
from kizuna.formats.pack import load
from kizuna.formats.scenario import Node, objects_by_area, read_scenario
from kizuna.labels import parse_label
from kizuna.settings import Settings
from kizuna.stix import check, iter_objects, sco_id
from kizuna.store import Partner, Query, Store, create_store

PACK = load("scenario")
SCENARIO = read_scenario(PACK)
NODES = {node.node: node for node in SCENARIO.nodes}
OBJECTS: dict[str, list[dict[str, Any]]] = {
    name: json.loads(PACK.bundle(node.bundle))["objects"] for name, node in NODES.items()
}
ALL = [thing for things in OBJECTS.values() for thing in things]
DOCUMENTATION = [ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]

Stores = dict[str, Store]


def named(name: str) -> str:
    """The id of the object whose name or abstract begins so."""
    return next(str(thing["id"]) for thing in ALL if str(thing.get("name") or thing.get("abstract")).startswith(name))


def own(node: str, type: str, number: int = 0) -> str:
    return [str(thing["id"]) for thing in OBJECTS[node] if thing["type"] == type][number]


def furnish(store: Store, node: Node) -> None:
    for group in groups_of(PACK):
        store.put_group(group)
    for name in node.packs:
        assert {outcome.status for outcome in add_pack(store, load(name))} <= {"imported", "unchanged"}
    for setting in node.partners:
        other = NODES[setting.node]
        store.put_partner(
            Partner(name=other.node, organisation=other.organisation, country=other.country, receives=setting.receives)
        )
    for area, objects in objects_by_area(PACK, node):
        outcomes = store.writer(store.own_source(), area=area).add(iter_objects(objects))
        assert {outcome.status for outcome in outcomes} == {"imported"}


def feed(stores: Stores, source: str, partner: str) -> dict[str, bytes]:
    page = stores[source].feed(partner).read(Query(versions=("all",)), 0, 100_000)
    return {row.id: row.raw for row in page.rows}


def exchange(stores: Stores) -> None:
    """Everybody polls everybody until nothing new comes."""
    for _ in range(5):
        news = 0
        for name, store in stores.items():
            for source in stores.keys() - {name}:
                rows = b"[" + b",".join(feed(stores, source, name).values()) + b"]"
                outcomes = store.writer(store.partner_source(source)).add(iter_objects(rows))
                news += sum(outcome.status == "imported" for outcome in outcomes)
        if not news:
            return
    raise AssertionError("the exchange does not end")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Made once: the only test that changes something changes what no other looks at."""
    with ExitStack() as stack:
        made = {}
        for name, node in NODES.items():
            settings = Settings(
                name=name,
                organisation=node.organisation,
                country=node.country,
                identity=node.identity,
                community=node.community,
            )
            made[name] = create_store(tmp_path_factory.mktemp(name), settings)
            stack.callback(made[name].close)
            furnish(made[name], node)
        exchange(made)
        yield made


@pytest.mark.parametrize("node", NODES)
def test_every_object_is_valid_and_has_the_id_of_its_content(node: str) -> None:
    for thing in OBJECTS[node]:
        assert [problem for problem in check(thing) if problem.severity == "error"] == [], thing["id"]
        assert sco_id(thing) in (None, thing["id"])


def test_ids_are_used_once_and_areas_name_objects_of_the_node() -> None:
    identifiers = [thing["id"] for thing in ALL]
    assert len(identifiers) == len(set(identifiers))
    for name, node in NODES.items():
        listed = {id for members in node.areas.values() for id in members}
        assert listed <= {thing["id"] for thing in OBJECTS[name]}
        assert node.identity == OBJECTS[name][0]["id"]


def test_areas_are_those_of_the_programme() -> None:
    known = {area.area for area in load("programme").programme().areas}
    assert {area for node in SCENARIO.nodes for area in (node.area, *node.areas)} <= known


def test_only_addresses_reserved_for_documentation_occur() -> None:
    text = json.dumps(ALL)
    for found in re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", text):
        assert any(ip_address(found) in net for net in DOCUMENTATION), found
    for thing in ALL:
        if thing["type"] in ("ipv6-addr", "ipv4-addr"):
            assert any(ip_address(thing["value"]) in net for net in DOCUMENTATION)
        if thing["type"] == "domain-name":
            assert thing["value"].endswith(".example")
        if thing["type"] == "autonomous-system":
            assert 64496 <= thing["number"] <= 64511


def test_three_languages_speak() -> None:
    said = {thing.get("lang", "en") for thing in ALL} | {
        lang for thing in ALL if thing["type"] == "language-content" for lang in thing["contents"]
    }
    assert said == {"en", "ja", "uk"}


def test_kyiv_gets_some_of_what_tokyo_made_and_brussels_more(stores: Stores) -> None:
    made = {thing["id"] for thing in OBJECTS["Tokyo"]}
    brussels, kyiv = (made & feed(stores, "Tokyo", partner).keys() for partner in ("Brussels", "Kyiv"))
    assert 0 < len(kyiv) < len(made) // 2 < len(brussels) < len(made)
    assert kyiv < brussels


def test_what_is_addressed_by_name_arrives_outside_the_group(stores: Stores) -> None:
    course = named("遠隔保守の経路を閉じ")
    assert course in feed(stores, "Tokyo", "Kyiv")


def test_amber_is_not_passed_on(stores: Stores) -> None:
    amber = named("制御系への書込みの試み")
    assert amber in feed(stores, "Tokyo", "Brussels")
    assert amber not in feed(stores, "Brussels", "Kyiv")
    assert stores["Brussels"].custodian().get(amber) is not None
    assert stores["Kyiv"].custodian().get(amber) is None


def test_nothing_amber_or_red_of_tokyo_is_in_kyiv_by_any_way(stores: Stores) -> None:
    held = {thing["id"] for thing in ALL if stores["Kyiv"].custodian().get(thing["id"]) is not None}
    for thing in OBJECTS["Tokyo"]:
        label = stores["Tokyo"].custodian().get(thing["id"])
        assert label is not None
        if any(part.classification in ("AMBER", "AMBER+STRICT", "RED") for part in label.label.parts):
            assert thing["id"] not in held


def test_the_report_with_an_amber_part_goes_whole_to_brussels_only(stores: Stores) -> None:
    report = named("「紙灯籠」の一週間")
    original = next(thing for thing in ALL if thing["id"] == report)
    assert json.loads(feed(stores, "Tokyo", "Brussels")[report]) == original
    assert report not in feed(stores, "Tokyo", "Kyiv")


def test_the_report_with_a_red_part_is_withheld_and_seen_with_different_eyes(stores: Stores) -> None:
    report = named("False Dusk: working report")
    assert report not in feed(stores, "Brussels", "Tokyo")
    store = stores["Brussels"]
    analyst = store.view(store.principal_of_person("analyst")).get(report)
    officer = store.view(store.principal_of_person("duty-officer")).get(report)
    assert analyst is not None
    assert officer is not None
    assert b"not involved" in officer.raw
    assert b"not involved" not in analyst.raw


def test_the_red_note_is_for_the_duty_officer(stores: Stores) -> None:
    store = stores["Tokyo"]
    note = named("連絡先と次の手順")
    assert store.view(store.principal_of_person("duty-officer")).get(note) is not None
    assert store.view(store.principal_of_person("analyst")).get(note) is None


def test_sightings_of_the_others_come_back(stores: Stores) -> None:
    tokyo = stores["Tokyo"].custodian()
    assert tokyo.get(own("Brussels", "sighting")) is not None
    assert tokyo.get(own("Kyiv", "sighting", 1)) is not None


def test_loosening_sends_the_object_and_what_waited_for_it(stores: Stores) -> None:
    loosen = SCENARIO.loosen
    store = stores[loosen.node]
    released = {loosen.id, *loosen.released}
    assert released.isdisjoint(feed(stores, loosen.node, loosen.partner))
    assert (loosen.released[0], loosen.id) in store.feed(loosen.partner).waiting()
    store.relabel(loosen.id, parse_label(loosen.label, originator=store.organisation), by="duty-officer")
    assert released <= feed(stores, loosen.node, loosen.partner).keys()
    assert released.isdisjoint(feed(stores, loosen.node, "Kyiv"))


def test_a_relationship_waits_for_kyiv(stores: Stores) -> None:
    loader = named("LanternLoader (fictional)")
    waiting = [by for by, target in stores["Tokyo"].feed("Kyiv").waiting() if target == loader]
    assert waiting
    assert loader not in feed(stores, "Tokyo", "Kyiv")
