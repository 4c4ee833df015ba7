"""What comes in: rows per source and content, ownership, quarantine, labels worked out late, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from kizuna.labels import format_label, own_only, parse_label
from kizuna.stix import BUILTIN, iter_objects, sco_id
from kizuna.store import Outcome, Partner, Query, Store, open_store
from kizuna.store.act import Act
from kizuna.store.writer import _gathered
from tests.builders import AMBER, CLEAR, RED, campaign, definition, identity, items, named
from tests.conftest import Clock


@pytest.fixture
def tokyo(store: Store) -> Store:
    """Tokyo with Brussels."""
    store.put_partner(Partner(name="Brussels", organisation="CERT Brussels (fictional)", country="BEL"))
    return store


def put(store: Store, *objects: dict[str, Any], partner: str | None = None, **more: Any) -> list[Outcome]:
    """Import as one's own, or as a partner's."""
    source = store.own_source() if partner is None else store.partner_source(partner)
    return list(store.writer(source, **more).add(items(*objects)))


def statuses(outcomes: list[Outcome]) -> list[str]:
    """Status or first rule."""
    return [o.problems[0].rule if o.status == "failed" else o.status for o in outcomes]


def label_of(store: Store, id: str) -> str:
    """The label as text."""
    found = store.custodian().get(id)
    assert found is not None
    return format_label(found.label)


def test_the_same_content_is_unchanged_whatever_its_text(tokyo: Store) -> None:
    one = campaign("one")
    assert statuses(put(tokyo, one)) == ["imported"]
    turned = json.dumps(dict(reversed(one.items())), indent=2).encode()
    assert [o.status for o in tokyo.writer(tokyo.own_source()).add(iter_objects(turned))] == ["unchanged"]
    assert tokyo.custodian().stats().versions == 1


def test_each_source_has_its_own_row_and_label(tokyo: Store) -> None:
    one = campaign("one", object_marking_refs=[AMBER])
    put(tokyo, one)
    put(tokyo, one, partner="Brussels")
    assert tokyo.custodian().stats().versions == 2
    assert tokyo.custodian().stats().objects == 1


def test_other_content_needs_another_version(tokyo: Store) -> None:
    one, two = campaign("one"), campaign("two")
    assert statuses(put(tokyo, one, {**one, "description": "b"}, two)) == ["imported", "duplicate-version", "imported"]
    assert statuses(put(tokyo, {**one, "description": "c"}, one)) == ["duplicate-version", "unchanged"]
    later = {**one, "modified": "2026-03-01T00:00:00.000Z", "description": "b"}
    assert statuses(put(tokyo, later)) == ["imported"]
    assert tokyo.custodian().stats().versions == 3


def test_only_its_owner_makes_versions(tokyo: Store) -> None:
    one = campaign("one")
    newer = {**one, "modified": "2026-03-01T00:00:00.000Z"}
    put(tokyo, one, partner="Brussels")
    assert statuses(put(tokyo, newer)) == ["foreign-version"]
    assert statuses(put(tokyo, one)) == ["imported"]
    assert statuses(put(tokyo, newer, partner="Brussels")) == ["imported"]
    found = tokyo.custodian().get(one["id"])
    assert found is not None
    assert json.loads(found.raw)["modified"] == newer["modified"]


def test_anybody_observes_a_value(tokyo: Store) -> None:
    address = {"type": "ipv4-addr", "id": "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4", "value": "198.51.100.3"}
    assert statuses(put(tokyo, address, partner="Brussels")) == ["imported"]
    assert statuses(put(tokyo, {**address, "defanged": True})) == ["imported"]


def test_a_version_dated_ahead_waits_until_then(tokyo: Store, clock: Clock) -> None:
    ahead = campaign("ahead", modified="2026-11-23T01:00:00.000Z")
    assert statuses(put(tokyo, ahead)) == ["dated-ahead"]
    assert tokyo.custodian().get(ahead["id"]) is None
    clock.forward(49 * 60)
    tokyo.settle()
    assert tokyo.custodian().get(ahead["id"]) is None
    clock.forward(61)
    tokyo.settle()
    assert tokyo.custodian().get(ahead["id"]) is not None


def test_what_breaks_a_rule_is_kept_where_nobody_reads(tokyo: Store) -> None:
    broken = {**campaign("broken"), "confidence": 101}
    good = campaign("good")
    assert [o.status for o in put(tokyo, broken, good)] == ["failed", "imported"]
    assert tokyo.custodian().get(broken["id"]) is None
    kept = tokyo.database.read().execute("select raw, problems from quarantine").fetchall()
    assert [json.loads(raw)["name"] for raw, _ in kept] == ["broken"]
    assert "confidence" in kept[0][1]


def test_a_packs_named_problem_is_stored_and_shown(tokyo: Store) -> None:
    odd = campaign("odd", modified="2025-01-01T00:00:00.000Z")
    source = tokyo.pack_source("frame", "Somebody (fictional)", None)
    writer = tokyo.writer(source, known_problems={odd["id"]: "modified-order"})
    assert [o.status for o in writer.add(items(odd))] == ["imported"]
    found = tokyo.custodian().get(odd["id"])
    assert found is not None
    assert found.problems


def test_above_the_ceiling_nothing_is_stored_and_the_spillage_is_noted(make_store: Callable[..., Store]) -> None:
    low = make_store(ceiling="TLP:AMBER")
    red = campaign("red", object_marking_refs=[RED])
    assert statuses(put(low, red)) == ["above-ceiling"]
    assert low.custodian().get(red["id"]) is None
    assert low.database.read().execute("select count(*) from quarantine").fetchone() == (0,)
    entry = low.audit_trail()[0]
    assert (entry["act"], entry["subject"]) == ("spillage", red["id"])


def test_no_label_means_own_organisation_only(tokyo: Store) -> None:
    one = campaign("one")
    put(tokyo, one)
    assert label_of(tokyo, one["id"]) == format_label(own_only(tokyo.organisation))


def test_a_label_given_at_import_joins_a_stated_one(tokyo: Store) -> None:
    stated, none = campaign("stated", object_marking_refs=[AMBER]), campaign("none")
    put(tokyo, stated, none, label=parse_label("TLP:GREEN community=EU", originator=tokyo.organisation))
    assert label_of(tokyo, stated["id"]) == "TLP:AMBER & TLP:GREEN community=EU"
    assert label_of(tokyo, none["id"]) == "TLP:GREEN community=EU"


def test_a_definition_that_comes_late_labels_what_named_it(tokyo: Store) -> None:
    green = definition("green", community="EU")
    one = campaign("one", object_marking_refs=[green["id"]])
    put(tokyo, one)
    assert label_of(tokyo, one["id"]) == "OWN"
    put(tokyo, green)
    assert label_of(tokyo, one["id"]) == "TLP:GREEN community=EU"


def test_one_of_ones_own_that_comes_late_labels_what_partners_sent(tokyo: Store) -> None:
    green = definition("green", community="EU")
    one, mentions = campaign("one", object_marking_refs=[green["id"]]), campaign("two", description=green["id"])
    parts = campaign("three", granular_markings=[{"marking_ref": green["id"], "selectors": ["name"]}])
    default = Partner(
        name="Brussels", organisation="CERT Brussels (fictional)", country="BEL", default_label="TLP:AMBER"
    )
    tokyo.put_partner(default)
    put(tokyo, one, mentions, parts, partner="Brussels")
    put(tokyo, definition("green", community="EU"))
    assert [label_of(tokyo, x["id"]) for x in (one, mentions, parts)] == [
        "TLP:GREEN community=EU",
        "TLP:AMBER",
        "TLP:AMBER",
    ]


@pytest.mark.parametrize("partner", [None, "Brussels"])
@pytest.mark.parametrize("by", [None, "Brussels"])
def test_a_definition_that_comes_while_others_write_labels_what_they_write(
    tokyo: Store, by: str | None, partner: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    green = definition("green", community="EU")
    one, two = (campaign(name, object_marking_refs=[green["id"]]) for name in ("one", "two"))
    beside = open_store(tokyo.folder)  # as another process has it
    begin = tokyo.act

    def begun_late() -> AbstractContextManager[Act]:
        monkeypatch.undo()
        put(beside, green, partner=by)  # between the labelling and the transaction
        return begin()

    writer = tokyo.writer(tokyo.own_source() if partner is None else tokyo.partner_source(partner))
    monkeypatch.setattr("kizuna.store.writer.BATCH", 1)
    monkeypatch.setattr(tokyo, "act", begun_late)
    assert statuses(list(writer.add(items(one, two)))) == ["imported", "imported"]
    wanted = "OWN" if by == "Brussels" and partner is None else "TLP:GREEN community=EU"
    assert (label_of(tokyo, one["id"]), label_of(tokyo, two["id"])) == (wanted, wanted)
    beside.close()


def test_a_definition_that_is_back_labels_what_came_without_it(tokyo: Store) -> None:
    green = definition("green", community="EU")
    put(tokyo, green)
    tokyo.hide(green["id"], by="owner")
    one = campaign("one", object_marking_refs=[green["id"]])
    put(tokyo, one)
    assert label_of(tokyo, one["id"]) == "OWN"
    put(tokyo, green)
    assert label_of(tokyo, one["id"]) == "TLP:GREEN community=EU"


@pytest.mark.parametrize("readers", [0, 1, 2])
@pytest.mark.parametrize("held", [0, 3_000, 8_000])
@pytest.mark.parametrize("last", [False, True])
def test_more_definitions_than_are_held_label_what_names_them(
    tokyo: Store, readers: int, held: int, last: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kizuna.store.writer.DEFINITION_BYTES", held)
    monkeypatch.setattr("kizuna.store.writer.BATCH", 16)
    monkeypatch.setattr("kizuna.store.parts.MOST", 16)
    monkeypatch.setattr("kizuna.store.intern.MOST", 5)
    definitions = [definition(f"d{n}", community=f"C{n}") for n in range(60)]
    named_by = [campaign(f"c{n}", object_marking_refs=[definitions[n % 60]["id"]]) for n in range(180)]
    objects = [*named_by, *definitions] if last else [*named_by[:90], *definitions, *named_by[90:]]
    put(tokyo, *definitions[:5])
    raw = json.dumps({"objects": objects}).encode()
    writer = tokyo.writer(tokyo.own_source())
    if readers > 1:  # who then must be told of all of them
        writer.define(definitions)
    apart = writer.add_apart(lambda share: iter_objects(raw, share=share), readers=readers)
    found = apart if readers else writer.add(iter_objects(raw))
    assert {outcome.status for outcome in found} == {"imported", "unchanged"}
    assert [label_of(tokyo, one["id"]) for one in named_by] == [f"TLP:GREEN community=C{n % 60}" for n in range(180)]
    assert len(tokyo.view(tokyo.principal_of_person("reader")).search("c7", types=("campaign",)).items) == 1


def test_labels_follow_definitions_that_come_and_go(tokyo: Store) -> None:
    green = definition("green", community="EU")
    beside = open_store(tokyo.folder)  # as another process has it

    def labelled(name: str, store: Store) -> str:
        one = campaign(name, object_marking_refs=[green["id"]])
        put(store, one)
        return label_of(tokyo, one["id"])

    for turn in range(2):
        assert {labelled(f"before {turn}", tokyo), labelled(f"before beside {turn}", beside)} == {"OWN"}
        put(tokyo, green)
        known = {labelled(f"known {turn}", tokyo), labelled(f"known beside {turn}", beside)}
        assert known == {"TLP:GREEN community=EU"}
        tokyo.hide(green["id"], by="owner")
    beside.close()


def test_what_one_writer_is_told_beforehand_is_not_known_to_others(tokyo: Store) -> None:
    green = definition("green", community="EU")
    one, two = (campaign(name, object_marking_refs=[green["id"]]) for name in ("one", "two"))
    writer = tokyo.writer(tokyo.own_source())
    writer.define([green])
    assert statuses(list(writer.add(items(one)))) == ["imported"]
    put(tokyo, two)
    assert (label_of(tokyo, one["id"]), label_of(tokyo, two["id"])) == ("TLP:GREEN community=EU", "OWN")


def test_many_markings_are_worked_out_each_time(tokyo: Store) -> None:
    marks = [definition(f"to {n}", policy="PUBLIC", classification="PUBLIC") for n in range(9)]
    put(tokyo, *marks)
    refs = [mark["id"] for mark in marks]
    wide, narrow = campaign("wide", object_marking_refs=refs), campaign("narrow", object_marking_refs=refs[:1])
    put(tokyo, wide, narrow)
    assert list(tokyo.known_labels(tokyo.own_source(), "real", None)) == [(refs[0],)]


def test_a_partner_cannot_word_anothers_label(tokyo: Store) -> None:
    secret = definition("secret")
    one = campaign("one", object_marking_refs=[secret["id"]])
    put(tokyo, one)
    put(tokyo, definition("secret", policy="PUBLIC", classification="PUBLIC"), partner="Brussels")
    assert label_of(tokyo, one["id"]) == "OWN"


def test_a_batch_is_one_transaction(tokyo: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_self: Act, _objects: list[int]) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Act, "offer", fails)
    with pytest.raises(OSError, match="no space"):
        put(tokyo, campaign("one", object_marking_refs=[CLEAR]))
    monkeypatch.undo()
    assert tokyo.custodian().stats().objects == 0
    assert statuses(put(tokyo, campaign("one", object_marking_refs=[CLEAR]))) == ["imported"]


@pytest.mark.parametrize("readers", [1, 2, 3])
def test_a_large_source_is_read_apart(tokyo: Store, readers: int) -> None:
    objects = [campaign(f"c{i}", object_marking_refs=[CLEAR]) for i in range(5_000)]
    bad = {**campaign("bad"), "created": 5}
    raw = json.dumps({"type": "bundle", "id": named("bundle", "b"), "objects": [*objects, bad]}).encode()
    outcomes = list(
        tokyo.writer(tokyo.own_source()).add_apart(lambda share: iter_objects(raw, share=share), readers=readers)
    )
    assert [o.status for o in outcomes] == ["imported"] * 5_000 + ["failed"]
    assert [o.index for o in outcomes] == list(range(5_001))
    assert tokyo.custodian().stats().objects == 5_000
    assert len(tokyo.custodian().search("c4999").items) == 1


def test_a_late_definition_keeps_the_label_given_at_import(tokyo: Store) -> None:
    green = definition("green", community="EU")
    one = campaign("one", object_marking_refs=[green["id"]])
    put(tokyo, one, label=parse_label("TLP:AMBER", originator=tokyo.organisation))
    put(tokyo, green)
    assert label_of(tokyo, one["id"]) == "TLP:AMBER & TLP:GREEN community=EU"


def test_a_copy_that_came_back_does_not_keep_the_owner_from_loosening(tokyo: Store) -> None:
    one = campaign("one", object_marking_refs=[AMBER])
    put(tokyo, one)
    put(tokyo, one, partner="Brussels")
    for label in ("TLP:RED persons=reader", "TLP:CLEAR"):
        assert tokyo.relabel(one["id"], parse_label(label, originator=tokyo.organisation), by="owner")
    assert label_of(tokyo, one["id"]) == "TLP:CLEAR"


def test_a_label_that_ends_by_date_leaves_the_feed(tokyo: Store, clock: Clock) -> None:
    tokyo.put_partner(Partner(name="Vilnius", organisation="CERT Vilnius", country="LTU", receives=("TLP:CLEAR",)))
    soon = "2026-11-23T00:01:00Z"
    put(tokyo, campaign("ends"), label=parse_label(f"TLP:CLEAR until={soon}", originator=tokyo.organisation))
    put(tokyo, campaign("begins"), label=parse_label(f"TLP:CLEAR from={soon}", originator=tokyo.organisation))
    put(tokyo, campaign("relabelled"))
    tokyo.relabel(named("campaign", "relabelled"), parse_label(f"TLP:CLEAR until={soon}", originator="x"), by="owner")

    def fed() -> set[str]:
        return {row.id for row in tokyo.feed("Vilnius").read(Query(), 0, 10).rows}

    assert fed() == {named("campaign", "ends"), named("campaign", "relabelled")}
    clock.forward(3600)
    assert fed() == {named("campaign", "begins")}


def test_a_definition_of_the_standard_is_as_the_standard_says(tokyo: Store) -> None:
    clear = {**BUILTIN[CLEAR]}
    assert statuses(put(tokyo, {**clear, "name": "TLP:RED"}, partner="Brussels")) == ["not-as-built-in"]
    assert statuses(put(tokyo, clear, partner="Brussels")) == ["imported"]


def test_another_sources_definition_keeps_nobody_from_wording_marks(tokyo: Store) -> None:
    open_one = definition("m", policy="PUBLIC", classification="PUBLIC")
    put(tokyo, open_one, partner="Brussels")
    assert statuses(put(tokyo, definition("m", classification="RED"))) == ["imported"]
    one = campaign("one", object_marking_refs=[open_one["id"]])
    put(tokyo, one)
    assert label_of(tokyo, one["id"]).startswith("TLP:RED")


def test_an_observable_whose_id_is_no_name_belongs_to_its_first_source(tokyo: Store) -> None:
    file = {"type": "file", "spec_version": "2.1", "id": "file--5a27d487-c542-4f97-a131-a8866b477b46", "name": "a.exe"}
    put(tokyo, file)
    assert statuses(put(tokyo, {**file, "name": "b.exe"}, partner="Brussels")) == ["foreign-version"]
    named_one = {"type": "ipv4-addr", "spec_version": "2.1", "value": "198.51.100.7"}
    named_one["id"] = sco_id(named_one) or ""
    put(tokyo, named_one)
    assert statuses(put(tokyo, {**named_one, "defanged": True}, partner="Brussels")) == ["imported"]


def test_identities_are_described_by_whose_they_are(tokyo: Store) -> None:
    pinned = identity("Riga")
    riga = Partner(name="Riga", organisation="CERT Riga", country="LVA", identity=pinned["id"])
    tokyo.put_partner(riga)
    ours = {**identity("ours"), "id": tokyo.settings.identity}
    assert statuses(put(tokyo, ours, pinned, partner="Brussels")) == ["foreign-version"] * 2
    assert statuses(put(tokyo, pinned, partner="Riga")) == ["imported"]
    assert statuses(put(tokyo, ours)) == ["imported"]


def test_ones_own_people_bring_newer_versions_of_what_a_pack_brought(tokyo: Store) -> None:
    one = campaign("one", object_marking_refs=[CLEAR])
    list(tokyo.writer(tokyo.pack_source("frame", "Frame", parse_label("PUBLIC", originator="Frame"))).add(items(one)))
    later = {**one, "modified": "2026-03-01T00:00:00.000Z", "name": "newer"}
    assert statuses(put(tokyo, later)) == ["imported"]
    assert statuses(put(tokyo, {**later, "modified": "2026-04-01T00:00:00.000Z"}, partner="Brussels")) == [
        "foreign-version"
    ]


def test_a_ceiling_holds_for_labels_worked_out_late(make_store: Callable[..., Store]) -> None:
    store = make_store(ceiling="TLP:GREEN")
    red = definition("late", classification="RED")
    one = campaign("one", object_marking_refs=[red["id"]])
    assert statuses(put(store, one)) == ["imported"]
    put(store, {**red, "object_marking_refs": [CLEAR]})
    assert store.custodian().get(one["id"]) is None
    assert [entry["act"] for entry in store.audit_trail()].count("spillage") == 1


def test_what_was_dated_ahead_comes_in_though_another_sender_is_gone(tokyo: Store, clock: Clock) -> None:
    tokyo.put_partner(Partner(name="Vilnius", organisation="CERT Vilnius", country="LTU"))
    later = "2026-11-24T00:00:00.000Z"
    one, two = campaign("one", modified=later), campaign("two", modified=later)
    for sent, partner in ((one, "Brussels"), (two, "Vilnius")):
        assert statuses(put(tokyo, sent, partner=partner)) == ["dated-ahead"]
    tokyo.remove_partner("Brussels")
    clock.forward(2 * 86_400)
    tokyo.settle()
    assert tokyo.custodian().get(one["id"]) is None
    assert tokyo.custodian().get(two["id"]) is not None
    assert tokyo.feed("Vilnius").count() == 0


def test_who_may_not_release_loosens_no_label_by_a_new_version(tokyo: Store) -> None:
    one = campaign("one", object_marking_refs=[AMBER])
    put(tokyo, one)
    later = {**one, "modified": "2026-03-01T00:00:00.000Z"}
    assert statuses(put(tokyo, {**later, "object_marking_refs": [CLEAR]}, may_release=False)) == ["looser-label"]
    assert statuses(put(tokyo, later, may_release=False)) == ["imported"]
    tighter = {**one, "modified": "2026-04-01T00:00:00.000Z", "object_marking_refs": [RED]}
    assert statuses(put(tokyo, tighter, may_release=False)) == ["imported"]
    latest = {**one, "modified": "2026-05-01T00:00:00.000Z", "object_marking_refs": [CLEAR]}
    assert statuses(put(tokyo, latest)) == ["imported"]


def test_who_may_not_release_takes_no_mark_off_a_part_that_stays(tokyo: Store) -> None:
    marks = [{"marking_ref": RED, "selectors": ["description"]}, {"marking_ref": RED, "selectors": ["objective"]}]
    one = campaign("one", object_marking_refs=[CLEAR], description="secret", objective="o", granular_markings=marks)
    put(tokyo, one)

    def later(month: int, **more: Any) -> list[str]:
        news = {**one, "modified": f"2026-{month:02}-01T00:00:00.000Z", **more}
        return statuses(put(tokyo, {key: value for key, value in news.items() if value is not None}, may_release=False))

    assert later(3, granular_markings=None) == ["looser-label"]
    assert later(3, granular_markings=marks[:1]) == ["looser-label"]
    assert later(3, name="other") == ["imported"]
    assert later(4, granular_markings=marks[:1], objective=None) == ["imported"]
    assert later(5, granular_markings=None, object_marking_refs=[AMBER]) == ["looser-label"]


def test_what_was_dated_ahead_loosens_nothing_and_stays_in_its_space(tokyo: Store, clock: Clock) -> None:
    one = campaign("one", object_marking_refs=[AMBER])
    put(tokyo, one)
    later = "2026-11-24T00:00:00.000Z"
    looser = {**one, "modified": later, "object_marking_refs": [CLEAR]}
    drill = campaign("drill", modified=later, object_marking_refs=[CLEAR])
    assert statuses(put(tokyo, looser, may_release=False)) == ["dated-ahead"]
    assert statuses(put(tokyo, drill, space="drill")) == ["dated-ahead"]
    clock.forward(2 * 86_400)
    tokyo.settle()
    assert label_of(tokyo, one["id"]) == "TLP:AMBER"
    assert tokyo.custodian().get(drill["id"]) is None
    assert tokyo.custodian(space="drill").get(drill["id"]) is not None


@pytest.mark.parametrize(
    ("least", "sizes", "expected"),
    [(8, [1] * 13, [2, 8, 3]), (1, [3, 4], [3, 4]), (8, [5, 9, 1], [5, 9, 1]), (8, [], []), (8, [1], [1])],
)
def test_the_first_turn_comes_early(least: int, sizes: list[int], expected: list[int]) -> None:
    batches: list[Any] = [[object()] * size for size in sizes]
    assert [len(some) for some in _gathered(iter(batches), least)] == expected


@pytest.mark.parametrize("moment", [5, True, {"a": 1}, ["x"], "2026"])
@pytest.mark.parametrize("key", ["modified", "created"])
def test_what_a_cyber_observable_calls_its_date_fails_by_itself(tokyo: Store, key: str, moment: Any) -> None:
    url: dict[str, Any] = {"type": "url", "spec_version": "2.1", "id": named("url", "x"), "value": "http://x.example/"}
    assert statuses(put(tokyo, campaign("one"), url | {key: moment})) == ["imported", "version-out-of-range"]
