"""What leaves for one partner: the part that leaves whole is its feed, and what falls takes what refers to it along."""

from __future__ import annotations

import random
from typing import Any

import pytest

from kizuna.errors import NotFound
from kizuna.labels import parse_label
from kizuna.release import Form, Rendered, Verdict, render, verdicts
from kizuna.store import Partner, Query, Store
from kizuna.store.outgoing import Outgoing
from tests.builders import (
    AMBER,
    CLEAR,
    GREEN,
    RED,
    campaign,
    definition,
    identity,
    items,
    named,
    relationship,
    report,
    sdo,
)

BRUSSELS = Partner(name="Brussels", organisation="CERT Brussels (fictional)", country="BEL", receives=("TLP:CLEAR",))


@pytest.fixture
def tokyo(store: Store) -> Store:
    """Tokyo with one partner that receives TLP:CLEAR."""
    store.put_partner(BRUSSELS)
    return store


def put(store: Store, *objects: dict[str, Any], partner: str | None = None) -> None:
    source = store.own_source() if partner is None else store.partner_source(partner)
    assert {outcome.status for outcome in store.writer(source).add(items(*objects))} <= {"imported", "unchanged"}


def planned(store: Store, *ids: str, partner: str = "Brussels") -> dict[str, Verdict]:
    with store.database.snapshot() as reader:
        return {verdict.id: verdict for verdict in verdicts(Outgoing(store, reader, partner), ids)}


def fed(store: Store) -> set[str]:
    return {row.id for row in store.feed("Brussels").read(Query(versions=("all",)), 0, 1_000).rows}


def forms(store: Store, *objects: dict[str, Any]) -> list[Form]:
    found = planned(store, *(one["id"] for one in objects))
    return [found[one["id"]].form for one in objects]


def test_whole_in_part_and_withheld(tokyo: Store) -> None:
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    whole = campaign("whole", object_marking_refs=[CLEAR])
    part = campaign("part", description="victim", object_marking_refs=[CLEAR], granular_markings=marks)
    shut = campaign("shut", object_marking_refs=[AMBER])
    put(tokyo, whole, part, shut)
    found = planned(tokyo, part["id"], whole["id"], shut["id"], named("campaign", "unknown"))
    assert list(found) == [part["id"], whole["id"], shut["id"]]
    assert [one.form for one in found.values()] == [Form.RENDITION, Form.WHOLE, Form.WITHHELD]
    assert [one.redacted for one in found.values()] == [("description",), (), ()]
    codes = [[reason.code for reason in one.reasons] for one in found.values()]
    assert codes == [["tlp-red-not-named"], ["allowed"], ["not-receiving"]]


def test_what_falls_takes_what_refers_to_it_along(tokyo: Store) -> None:
    hidden = campaign("hidden", object_marking_refs=[RED])
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    part = campaign("part", description="x", object_marking_refs=[CLEAR], granular_markings=marks)
    clear = campaign("clear", object_marking_refs=[CLEAR])
    of_part = relationship(clear, "related-to", part, object_marking_refs=[CLEAR])
    of_hidden = relationship(clear, "related-to", hidden, object_marking_refs=[CLEAR])
    about = report("about", [of_part, of_hidden, clear], object_marking_refs=[CLEAR])
    beside = report("beside", [about, clear], object_marking_refs=[CLEAR])
    put(tokyo, hidden, part, clear, of_part, of_hidden, about, beside)
    everything = [hidden, part, clear, of_part, of_hidden, about, beside]
    withheld, rendition = Form.WITHHELD, Form.RENDITION
    assert forms(tokyo, *everything) == [withheld, rendition, Form.WHOLE, rendition, withheld, rendition, rendition]
    found = planned(tokyo, *(one["id"] for one in everything))
    assert [found[one["id"]].cascade for one in everything] == [3, 3, 0, 2, 2, 1, 0]
    assert found[about["id"]].redacted == ("object_refs",)
    assert [(r.code, r.parameters) for r in found[about["id"]].reasons] == [
        ("refers-to-withheld", ("1",)),
        ("refers-to-renditions", ("1",)),
    ]
    assert [r.code for r in found[of_hidden["id"]].reasons] == ["refers-to-withheld", "required-property"]
    # Who falls is asked for in each, whatever else is.
    assert forms(tokyo, beside) == [rendition]


def test_a_circle_stands_or_falls_together(tokyo: Store) -> None:
    first, second = named("report", "first"), named("report", "second")
    put(
        tokyo,
        report("first", [second], object_marking_refs=[CLEAR]),
        report("second", [first], object_marking_refs=[CLEAR]),
    )
    both = [{"id": first}, {"id": second}]
    assert forms(tokyo, *both) == [Form.WHOLE, Form.WHOLE]
    put(
        tokyo,
        report("second", [first, named("malware", "nowhere")], object_marking_refs=[CLEAR], modified="2026-02-01T00:00:00.000Z"),
    )  # fmt: skip
    # The older version still leaves whole, so the id does; the newer one in part.
    assert forms(tokyo, *both) == [Form.WHOLE, Form.RENDITION]


def test_what_the_partner_brought_it_has(tokyo: Store) -> None:
    theirs = campaign("theirs", object_marking_refs=[RED])
    ours = report("ours", [theirs], object_marking_refs=[CLEAR])
    put(tokyo, theirs, partner="Brussels")
    put(tokyo, ours)
    assert forms(tokyo, theirs, ours) == [Form.WHOLE, Form.WHOLE]
    assert [r.code for r in planned(tokyo, theirs["id"])[theirs["id"]].reasons] == ["brought-by-partner"]


def test_a_mention_counts_while_this_node_holds_it(tokyo: Store) -> None:
    hidden = campaign("hidden", object_marking_refs=[RED])
    telling = campaign("telling", description=f"see {hidden['id']}", object_marking_refs=[CLEAR])
    put(tokyo, telling)
    assert forms(tokyo, telling) == [Form.WHOLE]
    put(tokyo, hidden)
    found = planned(tokyo, telling["id"])[telling["id"]]
    assert (found.form, found.redacted) == (Form.RENDITION, ("description",))


def test_a_label_that_somebody_tightened_counts(tokyo: Store) -> None:
    one = campaign("one", object_marking_refs=[CLEAR])
    put(tokyo, one)
    tokyo.relabel(one["id"], parse_label("TLP:RED", originator=tokyo.organisation), by="x")
    assert forms(tokyo, one) == [Form.WITHHELD]


def test_what_a_mark_on_a_part_addresses_is_not_all_of_it(store: Store) -> None:
    store.put_partner(Partner(name="Brussels", organisation="CERT Brussels (fictional)", country="BEL"))
    category = {"name": "Releasable To", "kind": "permissive", "values": ["BEL"]}
    addressing = definition("belgium", classification="CLEAR", categories=[category])
    marks = [{"marking_ref": addressing["id"], "selectors": ["description"]}]
    one = report(
        "one", [named("malware", "nowhere")], description="x", object_marking_refs=[CLEAR], granular_markings=marks
    )
    two = report("two", [one], object_marking_refs=[addressing["id"]])
    put(store, addressing, one, two)
    assert fed(store) == {addressing["id"]}
    assert Form.WHOLE not in forms(store, one, two)


def test_what_was_deleted_here_is_told_to_nobody(tokyo: Store) -> None:
    gone = campaign("gone", object_marking_refs=[CLEAR])
    telling = campaign("telling", description=f"see {gone['id']}", object_marking_refs=[CLEAR])
    put(tokyo, gone, telling)
    tokyo.hide(gone["id"], by="x")
    found = planned(tokyo, telling["id"])[telling["id"]]
    assert (found.form, found.redacted) == (Form.RENDITION, ("description",))


def test_an_older_version_that_leaves_is_told_and_takes_nothing_along(tokyo: Store) -> None:
    put(tokyo, campaign("one", object_marking_refs=[CLEAR]))
    newer = campaign("one", object_marking_refs=[RED], modified="2026-02-01T00:00:00.000Z")
    about = report("about", [newer, named("malware", "nowhere")], object_marking_refs=[CLEAR])
    put(tokyo, newer, about)
    found = planned(tokyo, newer["id"], about["id"])
    assert [reason.code for reason in found[newer["id"]].reasons] == ["tlp-red-not-named", "older-version-whole"]
    assert (found[newer["id"]].form, found[newer["id"]].cascade) == (Form.WITHHELD, 0)
    assert found[about["id"]].form is Form.RENDITION


def test_a_chain_that_falls_is_looked_at_few_times(tokyo: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [named("report", f"r{n}") for n in range(150)] + [named("malware", "nowhere")]
    chain = [report(f"r{n}", [ids[n + 1]], object_marking_refs=[CLEAR]) for n in range(150)]
    hub = report("hub", ids[:-1], object_marking_refs=[CLEAR])
    put(tokyo, *chain, hub)
    cuts = []

    def counted(*arguments: Any) -> Rendered:
        cuts.append(1)
        return render(*arguments)

    monkeypatch.setattr("kizuna.store.plan.render", counted)
    assert set(forms(tokyo, *chain, hub)) == {Form.WITHHELD}
    assert len(cuts) < 2 * 150 + 20


def test_nobody_is_no_partner(tokyo: Store) -> None:
    with pytest.raises(NotFound):
        planned(tokyo, partner="Nowhere")


def world(rng: random.Random) -> list[dict[str, Any]]:
    """Objects that refer to each other at random, and to some that are nowhere; some marked in part."""
    names = [f"o{n}" for n in range(rng.randrange(4, 14))]
    ids = [named("report", name) for name in names] + [named("malware", "nowhere")]
    made = []
    for name in names:
        more: dict[str, Any] = {"object_marking_refs": [rng.choice((CLEAR, CLEAR, CLEAR, GREEN, RED))]}
        if rng.random() < 0.3:
            marking = rng.choice((RED, CLEAR, named("marking-definition", "belgium")))
            more |= {"description": "x", "granular_markings": [{"marking_ref": marking, "selectors": ["description"]}]}
        elif rng.random() < 0.2:
            more["description"] = f"as {rng.choice(ids)}"
        if rng.random() < 0.3:
            more["created_by_ref"] = named("identity", rng.choice(("shown", "shut")))
        made.append(report(name, rng.sample(ids, rng.randrange(1, 3)), **more))
    made += [
        identity("shown", object_marking_refs=[CLEAR]),
        identity("shut", object_marking_refs=[RED]),
        sdo("tool", "t", object_marking_refs=[CLEAR]),
        definition("belgium", categories=[{"name": "Releasable To", "kind": "permissive", "values": ["BEL"]}]),
    ]
    rng.shuffle(made)
    return made


@pytest.mark.parametrize("seed", range(12))
def test_what_leaves_whole_is_the_feed(tokyo: Store, seed: int) -> None:
    objects = world(random.Random(seed))
    for one in objects:
        put(tokyo, one)
    gone = random.Random(seed).choice(objects)["id"]
    if seed % 2:
        tokyo.hide(gone, by="x")
    found = planned(tokyo, *(one["id"] for one in objects))
    assert {id for id, verdict in found.items() if verdict.form is Form.WHOLE} == fed(tokyo)
    assert len(found) == len(objects) - seed % 2
    # Each asked for by itself is told the same: what it rests on is looked at, asked for or not.
    for id, verdict in found.items():
        alone = planned(tokyo, id)[id]
        assert (alone.form, alone.reasons, alone.redacted) == (verdict.form, verdict.reasons, verdict.redacted)
