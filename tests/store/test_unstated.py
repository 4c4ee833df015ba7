"""What states less than its label: to partners that are told labels by the objects alone it leaves as a rendition that states it."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kizuna.errors import NotFound
from kizuna.labels import parse_label
from kizuna.settings import Settings, save
from kizuna.stix import check, sco_id
from kizuna.stix.builtin import RENDITION_EXTENSION
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import Accounts
from kizuna.store.explaining import Explained, explained
from kizuna.store.keys import make_key
from kizuna.store.model import Unstated
from kizuna.store.outbox import Item
from kizuna.store.outgoing import Outgoing
from kizuna.store.plan import Verdict, verdicts
from kizuna.store.releasing import Releases
from kizuna.store.standing import FIRST, Named, Rules
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, RED, campaign, identity, items, named, relationship, report
from tests.stores import Databases

SETTINGS = Settings(
    name="Tokyo", organisation="CERT Tokyo (fictional)", country="JPN", identity="identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01"
)  # fmt: skip


def partner(name: str, *receives: str, unstated: Unstated = "rendition", country: str = "UKR") -> Partner:
    return Partner(
        name=name, organisation=f"CERT {name} (fictional)", country=country, receives=receives or ("TLP:CLEAR", "TLP:AMBER"),
        unstated=unstated,
    )  # fmt: skip


@pytest.fixture
def tokyo(store: Store) -> Store:
    """Tokyo with a partner that is told labels by the objects alone, and one that knows them otherwise."""
    store.put_partner(partner("Kyiv"))
    store.put_partner(partner("Seoul", unstated="whole", country="KOR"))
    for name in ("aoki", "baba"):
        Accounts(store).add_user(name, ("releaser", "operator"), by=name)
    return store


def put(store: Store, *objects: dict[str, Any], label: str | None = None) -> list[str]:
    given = None if label is None else parse_label(label, originator=store.organisation)
    return [o.status for o in store.writer(store.own_source(), label=given).add(items(*objects))]


def fed(store: Store, name: str = "Kyiv") -> list[dict[str, Any]]:
    """What a partner has, each the newest version; the store is sound, and all of it is valid."""
    assert list(verify(store)) == []
    found = [json.loads(row.raw) for row in store.feed(name).read(Query(), 0, 1_000).rows]
    found = [one for one in found if one["type"] not in ("note", "marking-definition")]
    for one in found:
        assert [problem for problem in check(one) if problem.severity == "error"] == []
    return found


def now(store: Store, name: str = "Kyiv") -> list[dict[str, Any]]:
    return [one for one in fed(store, name) if not one.get("revoked")]


def planned(store: Store, one: dict[str, Any], name: str = "Kyiv") -> Verdict:
    with store.database.snapshot() as reader:
        (verdict,) = verdicts(Outgoing(store, reader, name), [one["id"]])
    return verdict


def stands(store: Store, one: dict[str, Any], name: str = "Kyiv") -> Item:
    (item,) = Releases(store).items(name, [one["id"]])
    return item


def told(store: Store, one: dict[str, Any], name: str = "Kyiv") -> Explained:
    with store.database.snapshot() as reader:
        (found,) = explained(store, reader, [name], [one["id"]])
    return found


def relabel(store: Store, one: dict[str, Any], label: str) -> None:
    store.relabel(one["id"], parse_label(label, originator=store.organisation), by="test")


def test_it_leaves_as_a_rendition_that_states_its_label(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", description="all of it"), label="TLP:AMBER")
    (sent,) = fed(tokyo)
    assert sent["id"] != one["id"]
    assert sent["created_by_ref"] == tokyo.settings.identity
    assert sent["object_marking_refs"] == [AMBER]
    assert (sent["name"], sent["description"], sent["modified"]) == ("one", "all of it", one["modified"])
    assert sent["extensions"] == {RENDITION_EXTENSION: {"extension_type": "property-extension"}}
    assert fed(tokyo, "Seoul") == [one]


def test_preview_outbox_and_explain_say_so(tokyo: Store) -> None:
    put(tokyo, one := campaign("one"), label="TLP:AMBER")
    verdict = planned(tokyo, one)
    assert (verdict.form.name, [reason.code for reason in verdict.reasons]) == ("RENDITION", ["unstated"])
    whole = planned(tokyo, one, "Seoul")
    assert (whole.form.name, [reason.code for reason in whole.reasons]) == ("WHOLE", ["allowed", "label-not-stated"])
    item = stands(tokyo, one)
    assert (item.state, item.form, item.redacted) == ("offered", "rendition", ())
    found = told(tokyo, one)
    assert (found.form.name, found.allowed, found.in_feed) == ("RENDITION", True, True)
    assert [reason.code for reason in found.reasons] == ["unstated"]


@pytest.mark.parametrize("label", ["TLP:CLEAR", "PUBLIC"])
def test_what_keeps_nothing_from_anybody_needs_no_words(tokyo: Store, label: str) -> None:
    put(tokyo, one := campaign("one"), label=label)
    assert fed(tokyo) == [one]


def test_what_states_its_label_leaves_whole(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[AMBER]), label="TLP:AMBER")
    put(tokyo, two := campaign("two", object_marking_refs=[AMBER]))
    assert fed(tokyo) == [one, two]
    assert planned(tokyo, two).form.name == "WHOLE"


def test_what_states_less_than_it_was_given(tokyo: Store) -> None:
    put(tokyo, campaign("one", object_marking_refs=[CLEAR]), label="TLP:AMBER")
    assert [one["object_marking_refs"] for one in fed(tokyo)] == [[AMBER, CLEAR]]


def test_it_follows_a_relabel(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]))
    assert fed(tokyo) == [one]
    relabel(tokyo, one, "TLP:AMBER")
    (sent,) = fed(tokyo)
    assert (sent["object_marking_refs"], sent["id"] != one["id"]) == ([AMBER], True)
    assert fed(tokyo, "Seoul") == [one]
    relabel(tokyo, one, "TLP:RED")
    assert fed(tokyo) == []
    relabel(tokyo, one, "TLP:AMBER")
    assert now(tokyo) == [sent]
    relabel(tokyo, one, "TLP:CLEAR")
    assert now(tokyo) == [one]
    (last,) = [o for o in fed(tokyo) if o.get("revoked")]
    assert last["extensions"][RENDITION_EXTENSION]["successor"] == one["id"]


def test_many_relabelled_alike(tokyo: Store) -> None:
    many = [campaign(f"number {n}", object_marking_refs=[CLEAR]) for n in range(20)]
    put(tokyo, *many)
    label = parse_label("TLP:AMBER", originator=tokyo.organisation)
    tokyo.relabel_many([one["id"] for one in many], label, by="test")
    assert [one["object_marking_refs"] for one in now(tokyo)] == [[AMBER]] * 20


def test_new_versions_follow(tokyo: Store) -> None:
    put(tokyo, campaign("one"), label="TLP:AMBER")
    (first,) = fed(tokyo)
    put(tokyo, one := campaign("one", modified="2026-01-02T00:00:00.000Z", description="more"), label="TLP:AMBER")
    (second,) = fed(tokyo)
    assert (second["id"], second["description"], second["modified"]) == (first["id"], "more", one["modified"])
    put(tokyo, one := campaign("one", modified="2026-01-03T00:00:00.000Z", object_marking_refs=[AMBER]))
    assert now(tokyo) == [one]


def test_what_refers_to_it_follows(tokyo: Store) -> None:
    one, two = campaign("one"), campaign("two", object_marking_refs=[CLEAR])
    link = relationship(one, "related-to", two, object_marking_refs=[CLEAR])
    about = report("about", [link], object_marking_refs=[AMBER])
    put(tokyo, two, link, about)
    assert fed(tokyo) == [two]
    put(tokyo, one, label="TLP:AMBER")
    sent = {o["type"]: o for o in fed(tokyo) if o["id"] != two["id"]}
    assert sent["relationship"]["source_ref"] == sent["campaign"]["id"]
    assert sent["relationship"]["target_ref"] == two["id"]
    assert sent["report"]["object_refs"] == [sent["relationship"]["id"]]
    assert sent["relationship"]["object_marking_refs"] == [CLEAR]
    assert (stands(tokyo, about).state, planned(tokyo, about).reasons[0].code) == ("offered", "refers-to-renditions")
    relabel(tokyo, one, "TLP:CLEAR")
    assert {o["id"] for o in now(tokyo)} == {one["id"], two["id"], link["id"], about["id"]}


def test_what_comes_later_lets_in_what_waited(tokyo: Store) -> None:
    """The later object leaves whole; what waited for it states less than its label."""
    late = campaign("late", object_marking_refs=[CLEAR])
    link = relationship(campaign("other"), "related-to", late)
    put(tokyo, campaign("other"), link, label="TLP:AMBER")
    assert [o["type"] for o in fed(tokyo)] == ["campaign"]
    put(tokyo, late)
    assert sorted(o["type"] for o in fed(tokyo)) == ["campaign", "campaign", "relationship"]


def test_circles(tokyo: Store) -> None:
    first, second = report("first", [], object_marking_refs=[CLEAR]), report("second", [])
    first["object_refs"], second["object_refs"] = [second["id"]], [first["id"]]
    put(tokyo, first)
    put(tokyo, second, label="TLP:AMBER")
    sent = {o["name"]: o for o in fed(tokyo)}
    assert sent["first"]["object_refs"] == [sent["second"]["id"]]
    assert sent["second"]["object_refs"] == [sent["first"]["id"]]


def test_identities_leave_whole_or_not_at_all(tokyo: Store) -> None:
    who = identity("who")
    by = campaign("by", created_by_ref=who["id"])
    link = relationship(by, "attributed-to", who)
    put(tokyo, who, by, link, label="TLP:AMBER")
    (sent,) = fed(tokyo)
    assert (sent["type"], sent["created_by_ref"]) == ("campaign", tokyo.settings.identity)
    verdict = planned(tokyo, who)
    assert verdict.form.name == "WITHHELD"
    assert [reason.code for reason in verdict.reasons] == ["unstated", "whole-or-not"]
    assert stands(tokyo, who).state == "withheld"
    assert len(fed(tokyo, "Seoul")) == 3


def test_what_is_stated_leaves_without_a_maker_that_cannot_be_restated(tokyo: Store) -> None:
    who = identity("who")
    by = campaign("by", created_by_ref=who["id"], object_marking_refs=[CLEAR])
    put(tokyo, by)
    assert fed(tokyo) == []  # it waits for who made it, as it would for anybody
    put(tokyo, who, label="TLP:AMBER")
    (sent,) = fed(tokyo)
    assert (sent["created_by_ref"], sent["object_marking_refs"]) == (tokyo.settings.identity, [CLEAR])
    relabel(tokyo, who, "TLP:CLEAR")
    assert {o["id"] for o in now(tokyo)} == {who["id"], by["id"]}


def test_an_observable_gets_an_id_of_its_own(tokyo: Store) -> None:
    value: dict[str, Any] = {"type": "domain-name", "spec_version": "2.1", "value": "example.org"}
    value["id"] = sco_id(value)
    put(tokyo, value, label="TLP:AMBER")
    (sent,) = fed(tokyo)
    assert (sent["value"], sent["object_marking_refs"]) == ("example.org", [AMBER])
    assert sent["id"] != value["id"]


def test_a_rule_for_whole_objects_sends_it_and_nothing_that_is_cut(tokyo: Store) -> None:
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    cut = campaign("cut", description="x", object_marking_refs=[CLEAR], granular_markings=marks)
    one = campaign("one")
    both = report("both", [one, cut], object_marking_refs=[CLEAR])
    put(tokyo, cut, both)
    put(tokyo, one, label="TLP:AMBER")
    assert [o["name"] for o in fed(tokyo)] == ["one"]
    assert stands(tokyo, both).state == "unproposed"
    Releases(tokyo).approve("Kyiv", [cut["id"], both["id"]], by="aoki")
    assert sorted(o["name"] for o in fed(tokyo)) == ["both", "cut", "one"]


def sends(store: Store, **said: Any) -> None:
    Rules(store).put(
        [msgspec.convert({"name": "some", "act": "send", "labels": ["TLP:AMBER"], **said}, Named)], by="test"
    )
    Releases(store).grant("some", by="aoki")


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"types": ["campaign"]},
        {"query": "wanted"},
        {"confidence": 50},
        {"tags": ["good"]},
        {"areas": ["cyber-defence"]},
        {"hourly": 5},
    ],
)
def test_rules_ask_of_it_what_they_ask_of_the_whole(tokyo: Store, terms: dict[str, Any]) -> None:
    Rules(tokyo).remove(FIRST, by="test")
    sends(tokyo, **terms)
    put(tokyo, campaign("wanted", confidence=80, labels=["good"]), campaign("other", confidence=10), label="TLP:AMBER")
    for name in ("Kyiv", "Seoul"):
        some = {"query", "confidence", "tags"} & terms.keys()
        assert {o["name"] for o in fed(tokyo, name)} == ({"wanted"} if some else {"wanted", "other"})


def test_an_hourly_number_counts_it(tokyo: Store) -> None:
    Rules(tokyo).remove(FIRST, by="test")
    sends(tokyo, hourly=2)
    put(tokyo, *(campaign(f"number {n}") for n in range(5)), label="TLP:AMBER")
    assert len(fed(tokyo)) == 2


def test_people_approve_it_where_no_rule_lets_it_out(tokyo: Store) -> None:
    Rules(tokyo).remove(FIRST, by="test")
    put(tokyo, one := campaign("one"), label="TLP:AMBER")
    assert (fed(tokyo), stands(tokyo, one).state) == ([], "unproposed")
    Releases(tokyo).approve("Kyiv", [one["id"]], by="aoki")
    assert [o["object_marking_refs"] for o in fed(tokyo)] == [[AMBER]]
    Rules(tokyo).put([msgspec.convert({"name": "ask"}, Named)], by="test")
    put(tokyo, two := campaign("two"), label="TLP:AMBER")
    item = stands(tokyo, two)
    assert (item.state, item.by, item.form) == ("proposed", "ask", "rendition")


def test_the_switch(tokyo: Store) -> None:
    one, who = campaign("one"), identity("who")
    link = relationship(one, "attributed-to", who)
    put(tokyo, one, who, link, label="TLP:AMBER")
    put(tokyo, two := campaign("two", object_marking_refs=[CLEAR]))
    tokyo.put_partner(partner("Seoul", country="KOR"))
    assert {o["id"] for o in now(tokyo, "Seoul")} == {o["id"] for o in now(tokyo)}
    tokyo.put_partner(partner("Seoul", country="KOR", unstated="whole"))
    assert {o["id"] for o in now(tokyo, "Seoul")} == {one["id"], two["id"], who["id"], link["id"]}
    tokyo.put_partner(partner("Kyiv", unstated="whole"))
    assert {o["id"] for o in now(tokyo)} == {one["id"], two["id"], who["id"], link["id"]}


def test_it_is_asked_of_older_stores_when_somebody_wants_to_know(store: Store) -> None:
    store.put_partner(partner("Kyiv", unstated="whole"))
    marks = [{"marking_ref": AMBER, "selectors": ["description"]}]
    put(store, campaign("one"), campaign("marked", object_marking_refs=[AMBER]), label="TLP:AMBER")
    put(store, campaign("parts", description="x", granular_markings=marks), label="TLP:CLEAR")
    sql = "select n, unstated from object where hidden=0 order by n"
    known = store.database.read().execute(sql).fetchall()
    with store.database.write() as connection:
        connection.execute("update object set unstated=null where hidden=0")
    store.put_partner(partner("Kyiv"))
    assert store.database.read().execute(sql).fetchall() == known
    assert [unstated for _, unstated in known] == [1, 0, 0]
    assert len(now(store)) == 3


def test_a_new_partner_gets_what_is_there(tokyo: Store) -> None:
    put(tokyo, campaign("one"), label="TLP:AMBER")
    tokyo.put_partner(partner("Rome", country="ITA"))
    assert fed(tokyo, "Rome") == fed(tokyo)


def test_parts_that_are_stated_stay_so_and_others_are_stated_for_all_of_it(tokyo: Store) -> None:
    tokyo.put_partner(partner("Kyiv", "TLP:CLEAR", "TLP:AMBER"))
    marks = [{"marking_ref": AMBER, "selectors": ["description"]}]
    put(tokyo, one := campaign("one", description="x", granular_markings=marks), label="TLP:CLEAR")
    assert fed(tokyo) == [one]
    put(tokyo, campaign("two", description="x", granular_markings=marks), label="TLP:AMBER to=UKR")
    (sent,) = [o for o in fed(tokyo) if o["name"] == "two"]
    assert (len(sent["object_marking_refs"]), sent["granular_markings"]) == (1, marks)


def test_stop_withdraw_and_delete(tokyo: Store) -> None:
    one, two, three = (campaign(name) for name in ("one", "two", "three"))
    put(tokyo, one, two, three, label="TLP:AMBER")
    Releases(tokyo).withdraw("Kyiv", [one["id"]], "told in error", by="aoki")
    tokyo.hide(two["id"], by="test")
    assert [o["name"] for o in now(tokyo)] == ["three"]
    assert stands(tokyo, one).state == "withdrawn"
    Releases(tokyo).approve("Kyiv", [one["id"]], by="aoki")
    assert sorted(o["name"] for o in now(tokyo)) == ["one", "three"]


def test_what_comes_back_is_known(tokyo: Store) -> None:
    put(tokyo, campaign("one"), label="TLP:AMBER")
    (sent,) = fed(tokyo)
    (outcome,) = tokyo.writer(tokyo.partner_source("Kyiv")).add(items(sent))
    assert outcome.status == "unchanged"
    assert tokyo.custodian().stats().objects == 1


def test_a_definition_that_comes_later_may_state_it(tokyo: Store) -> None:
    """The object was relabelled before what words its marking was here."""
    definition = {
        "type": "marking-definition", "spec_version": "2.1", "id": "marking-definition--6d2b1c1e-8a5f-4f0d-9a51-000000000001",
        "created": "2026-01-01T00:00:00.000Z", "name": "TLP:AMBER",
        "extensions": {"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {
            "extension_type": "property-extension", "tlp_2_0": "amber"}},
    }  # fmt: skip
    put(tokyo, one := campaign("one", object_marking_refs=[definition["id"]]))
    relabel(tokyo, one, "TLP:AMBER")
    assert (planned(tokyo, one).form.name, fed(tokyo)) == ("RENDITION", [])  # what it is marked with would be cut
    put(tokyo, definition)
    assert now(tokyo) == [one]


names = st.sampled_from(["one", "two", "three"])
brings = st.tuples(
    st.just("bring"), st.sampled_from(["campaign", "report", "relationship"]), names, st.lists(names, min_size=2, max_size=2),
    st.sampled_from([[CLEAR], [AMBER], []]), st.sampled_from(["TLP:AMBER", "TLP:CLEAR", None]),
)  # fmt: skip
relabels = st.tuples(
    st.just("relabel"), st.sampled_from(["campaign", "report"]), names, st.sampled_from(["TLP:CLEAR", "TLP:AMBER", "TLP:RED"])
)  # fmt: skip
hides = st.tuples(st.just("hide"), st.sampled_from(["campaign", "report"]), names)


def brought(kind: str, name: str, refs: list[str], marks: list[str]) -> dict[str, Any]:
    more: dict[str, Any] = {"object_marking_refs": marks} if marks else {}
    if kind == "campaign":
        return campaign(name, **more)
    if kind == "report":
        return report(name, [named("campaign", refs[0]), named("report", refs[1])], **more)
    return relationship(campaign(refs[0]), "related-to", campaign(refs[1]), **more)


def originals(store: Store, name: str) -> set[str]:
    """The ids of which a partner has something that is not revoked."""
    sql = "select o.id from rendition m join object r on r.n=m.row join object o on o.n=m.original where r.id=?"
    found = set()
    for one in now(store, name):
        row = store.database.read().execute(sql, (one["id"],)).fetchone()
        found.add(one["id"] if row is None else row[0])
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=st.lists(st.one_of(brings, brings, relabels, hides), min_size=3, max_size=12))
def test_what_leaves_restated_is_what_would_leave_whole(script: list[tuple[Any, ...]], databases: Databases) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        told = msgspec.structs.replace(SETTINGS, store=stack.enter_context(databases()))
        save(folder, told)
        make_key(folder)
        store = Store(folder, told)
        stack.callback(store.close)
        store.put_partner(partner("Kyiv"))
        store.put_partner(partner("Seoul", unstated="whole", country="KOR"))
        for act in script:
            with suppress(NotFound):
                match act:
                    case ("bring", kind, name, refs, marks, label):
                        put(store, brought(kind, name, refs, marks), label=label)
                    case ("relabel", kind, name, label):
                        relabel(store, {"id": named(kind, name)}, label)
                    case (_, kind, name):
                        store.hide(named(kind, name), by="test")
            assert originals(store, "Kyiv") == originals(store, "Seoul"), act
            with store.database.snapshot() as reader:
                plan = Outgoing(store, reader, "Kyiv")
                ids = [one["id"] for one in now(store)]
                assert all(
                    plan.states(row) for row in plan.rows(plan.idents(ids).values()) if row.version and row.whole
                )
        store.put_partner(partner("Seoul", country="KOR"))
        assert [one for one in now(store) if one not in now(store, "Seoul")] == []
