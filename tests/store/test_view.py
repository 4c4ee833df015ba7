"""Reading as somebody: the newest one may see, parts cut, neighbours, values, counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from kizuna.errors import Refused
from kizuna.labels import parse_label
from kizuna.store import Partner, Query, Store
from tests.builders import CLEAR, GREEN, RED, campaign, identity, items, relationship, report
from tests.counting import database_steps, lines_run
from tests.stores import SQLITE


def put(store: Store, *objects: dict[str, Any], **more: Any) -> None:
    """One's own import."""
    outcomes = list(store.writer(store.own_source(), **more).add(items(*objects)))
    assert all(o.status != "failed" for o in outcomes), outcomes


def test_the_newest_version_one_may_see_never_a_merge(store: Store) -> None:
    old = campaign("one", object_marking_refs=[CLEAR], description="old")
    new = {**old, "modified": "2026-02-01T00:00:00.000Z", "description": "new", "object_marking_refs": [RED]}
    put(store, old, new)
    reader = store.view(store.principal_of_person("reader")).get(old["id"])
    keeper = store.custodian().get(old["id"])
    assert reader is not None
    assert keeper is not None
    assert (json.loads(reader.raw)["description"], json.loads(keeper.raw)["description"]) == ("old", "new")
    assert len(store.custodian().history(old["id"]).items) == 2


def test_a_version_withheld_whole_hides_no_older_one(store: Store) -> None:
    old = campaign("one", object_marking_refs=[CLEAR], description="old")
    marks = [{"marking_ref": RED, "selectors": ["name"]}]
    new = {**old, "modified": "2026-02-01T00:00:00.000Z", "description": "new", "granular_markings": marks}
    put(store, old, new)
    view = store.view(store.principal_of_person("reader"))
    seen = view.get(old["id"])
    assert seen is not None
    assert json.loads(seen.raw)["description"] == "old"
    assert (view.stats().objects, view.stats().versions) == (1, 1)
    assert [row.raw for row in view.read(Query(), 0, 10).rows] == [seen.raw]
    assert store.custodian().stats().versions == 2


def test_reasons_tell_nothing_of_what_is_hidden(store: Store) -> None:
    marks = [{"marking_ref": RED, "selectors": ["x_own"]}]
    open_ = campaign("open", object_marking_refs=[CLEAR])
    part = campaign("part", object_marking_refs=[CLEAR], x_own="a", granular_markings=marks)
    put(store, open_, part)
    store.put_partner(Partner(name="Brussels", organisation="B", country="BEL"))
    brussels = store.principal_of_partner("Brussels")
    view, keeper = store.view(store.principal_of_person("reader")), store.custodian()
    assert view.explain(part["id"], brussels) == view.explain(open_["id"], brussels)
    assert keeper.explain(part["id"], brussels) != keeper.explain(open_["id"], brussels)


def test_of_two_contents_of_one_version_the_lower_digest_is_current(store: Store) -> None:
    one = campaign("one", object_marking_refs=[CLEAR])
    # Two frameworks have such objects; nobody else may (see test_writer).
    known = {one["id"]: "two texts of one version, as published"}
    put(store, {**one, "description": "a"}, {**one, "description": "b"}, known_problems=known)
    first = store.custodian().get(one["id"])
    rows = store.custodian().read(Query(versions=("all",)), 0, 10).rows
    assert first is not None
    assert [row.raw for row in rows] == [first.raw]


def test_parts_one_may_not_see_are_cut(store: Store) -> None:
    marks = [{"marking_ref": RED, "selectors": ["aliases.[1]", "description"]}]
    one = campaign(
        "one", aliases=["a", "secret", "c"], description="secret", object_marking_refs=[CLEAR], granular_markings=marks
    )
    put(store, one)
    seen = store.view(store.principal_of_person("reader")).get(one["id"])
    assert seen is not None
    assert b"secret" not in seen.raw
    assert json.loads(seen.raw)["aliases"] == ["a", "c"]
    assert seen.cut == ("aliases", "description")
    view = store.view(store.principal_of_person("reader"))
    assert view.search("secret").items == []
    assert [o.id for o in store.custodian().search("secret").items] == [one["id"]]


def test_neighbours_through_relationships_and_references(store: Store) -> None:
    who, one, two = identity("who"), campaign("one"), campaign("two")
    link = relationship(one, "related-to", two)
    about = report("about", [one])
    put(store, who, {**one, "created_by_ref": who["id"]}, two, link, about)
    found = {(n.id, n.path, n.direction) for n in store.custodian().neighbours(one["id"])}
    assert found == {
        (who["id"], "created_by_ref", "out"),
        (two["id"], "related-to", "out"),
        (about["id"], "object_refs[0]", "in"),
    }


def test_observed_values_are_found_in_any_spelling(store: Store) -> None:
    address = {
        "type": "domain-name",
        "spec_version": "2.1",
        "id": "domain-name--3c10e93f-798e-52a6-a0c1-08156efab7f5",
        "value": "Example.COM",
    }
    indicator = {
        **campaign("x"), "type": "indicator", "id": "indicator--6ba7b810-9dad-41d1-80b4-00c04fd430c8", "pattern_type": "stix",
        "pattern": "[domain-name:value = 'example.com']", "valid_from": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    put(store, address, indicator)
    view = store.custodian()
    assert {o.type for o in view.search(value="EXAMPLE.com").items} == {"domain-name", "indicator"}
    assert [o.type for o in view.search("x", value="EXAMPLE.com.").items] == ["indicator"]
    assert [o.type for o in view.search(value="example.com", types=("domain-name",)).items] == ["domain-name"]
    assert view.search(value="example.org") == view.search(value="") == view.search("nowhere", value="example.com")
    first = view.search(value="example.com", limit=1)
    assert first.cursor is not None
    second = view.search(value="example.com", limit=1, cursor=first.cursor)
    assert {o.type for o in first.items + second.items} == {"domain-name", "indicator"}


def test_search_by_type_area_and_page(store: Store) -> None:
    put(store, *(campaign(f"power {i}") for i in range(5)), area="cyber-defence")
    put(store, identity("power company"), area="space-security")
    view = store.custodian()
    assert [o.type for o in view.search("power", types=("identity",)).items] == ["identity"]
    assert len(view.search("power", area="cyber-defence").items) == 5
    first = view.search("power", limit=4)
    assert first.cursor is not None
    rest = view.search("power", limit=4, cursor=first.cursor)
    assert len({o.id for o in (*first.items, *rest.items)}) == 6
    assert rest.cursor is None


def test_traffic_counts_what_went_and_came(store: Store) -> None:
    store.put_partner(Partner(name="B", organisation="B", country="BEL", receives=("TLP:CLEAR",)))

    def last() -> tuple[tuple[int, int, int], int | None]:
        (area,) = store.custodian().traffic()
        assert area.area == "cyber-defence"
        return (area.held, area.given, area.got), area.last

    put(store, campaign("two"), area="cyber-defence")
    assert last() == ((1, 0, 0), None)
    put(store, campaign("one", object_marking_refs=[CLEAR]), area="cyber-defence")
    counts, gave = last()
    assert counts == (2, 1, 0)
    assert gave is not None
    list(store.writer(store.partner_source("B"), area="cyber-defence").add(items(campaign("theirs"), campaign("more"))))
    counts, got = last()
    assert counts == (4, 1, 2)
    assert got == max(
        store.custodian().search("theirs").items[0].added, store.custodian().search("more").items[0].added
    )
    assert got > gave
    put(store, campaign("three"), area="cyber-defence")  # goes nowhere
    assert last() == ((5, 1, 2), got)


def test_why_a_partner_may_not_see(store: Store) -> None:
    store.put_partner(Partner(name="B", organisation="B", country="BEL"))
    one = campaign("one", object_marking_refs=[GREEN])
    put(store, one)
    decision = store.custodian().explain(one["id"], store.principal_of_partner("B"))
    assert decision is not None
    assert [reason.code for reason in decision.reasons] == ["tlp-green-not-member"]
    assert store.custodian().explain(campaign("none")["id"], store.principal_of_partner("B")) is None


def test_what_others_own_is_only_tightened(make_store: Callable[..., Store]) -> None:
    store = make_store()
    store.put_partner(Partner(name="B", organisation="B", country="BEL"))
    one = campaign("one", object_marking_refs=[GREEN])
    list(store.writer(store.partner_source("B")).add(items(one)))
    with pytest.raises(Refused):
        store.relabel(one["id"], parse_label("TLP:CLEAR", originator=store.organisation), by="t")
    assert store.relabel(one["id"], parse_label("TLP:RED", originator=store.organisation), by="t").touched == 1
    assert store.view(store.principal_of_person("reader")).get(one["id"]) is None


def test_relabelling_moves_the_labels_of_every_index_row(store: Store) -> None:
    marks = [{"marking_ref": RED, "selectors": ["aliases"]}]
    one = campaign("one", aliases=["needle"], description="hay", object_marking_refs=[CLEAR], granular_markings=marks)
    put(store, one)
    reader = store.view(store.principal_of_person("reader"))
    assert reader.search("hay").items
    store.relabel(one["id"], parse_label("TLP:RED persons=somebody", originator=store.organisation), by="t")
    assert not reader.search("hay").items
    assert not store.view(store.principal_of_person("somebody")).search("needle").items
    assert store.view(store.principal_of_person("somebody")).search("hay").items
    store.relabel(one["id"], parse_label("TLP:CLEAR", originator=store.organisation), by="t")
    assert reader.search("hay").items
    assert not reader.search("needle").items


def test_what_a_text_mentions_is_no_neighbour(store: Store) -> None:
    one = campaign("one", object_marking_refs=[CLEAR])
    put(store, one, two := campaign("two", object_marking_refs=[CLEAR], description=f"see {one['id']}"))
    view = store.view(store.principal_of_person("reader"))
    assert view.neighbours(one["id"]) == view.neighbours(two["id"]) == []


@SQLITE
def test_relationships_to_what_is_not_here_are_not_read_one_by_one(store: Store) -> None:
    centre, far = campaign("centre", object_marking_refs=[CLEAR]), campaign("far", object_marking_refs=[CLEAR])
    view, reader = store.view(store.principal_of_person("reader")), store.database.read()

    def work() -> int:
        return lines_run(lambda: view.neighbours(centre["id"], limit=1))

    put(store, centre)
    work()
    before = work()
    for_nothing = [campaign(f"not here {i}") for i in range(300)]
    put(store, *(relationship(centre, "related-to", one, object_marking_refs=[CLEAR]) for one in for_nothing))
    assert work() < before + 300
    assert database_steps(reader, work) < 1_000
    put(store, far, relationship(far, "related-to", centre, object_marking_refs=[CLEAR]))
    assert [near.id for near in view.neighbours(centre["id"], limit=1)] == [far["id"]]


@SQLITE
def test_versions_are_read_in_one_pass_and_no_more_than_asked(store: Store) -> None:
    def work(number: int) -> int:
        one = campaign(f"of {number} versions", object_marking_refs=[CLEAR])
        put(store, *({**one, "modified": f"2026-02-01T00:{i // 60:02}:{i % 60:02}.000Z"} for i in range(number)))
        view = store.view(store.principal_of_person("reader"))
        assert len(view.history(one["id"], limit=5).items) == 5
        assert [row.version for row in view.history(one["id"]).items] == sorted(
            (row.version for row in view.history(one["id"]).items), reverse=True, key=lambda version: version or 0
        )
        assert len(view.history(one["id"]).items) == number
        return database_steps(store.database.read(), lambda: view.history(one["id"], limit=5).items)

    assert work(600) < 3 * work(300)
