"""A plan as one of one's own people sees it: what they may not see changes nothing in it, and counts as absent."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest

from kizuna import deadline
from kizuna.errors import NodeBusy
from kizuna.labels import parse_label
from kizuna.release import Form, Verdict, verdicts
from kizuna.store import Partner, Store, outgoing
from kizuna.store.outgoing import Outgoing, SeenOutgoing
from tests.builders import AMBER, CLEAR, GREEN, RED, campaign, identity, items, named, relationship, report, sdo
from tests.stores import SQLITE

Json = dict[str, Any]
PARTNERS = ("Brussels", "Kyiv")
NEWER = "2026-02-01T00:00:00.000Z"
LATER = "2026-03-01T00:00:00.000Z"


@pytest.fixture
def tokyo(store: Store) -> Store:
    return with_partners(store)


def with_partners(store: Store) -> Store:
    """Brussels receives TLP:CLEAR; so does Kyiv, of which what it does not mark is for one of its persons."""
    for name, country in (("Brussels", "BEL"), ("Kyiv", "UKR")):
        store.put_partner(
            Partner(name=name, organisation=f"CERT {name} (fictional)", country=country, receives=("TLP:CLEAR",),
                    default_label="TLP:RED persons=chief" if name == "Kyiv" else None)
        )  # fmt: skip
    return store


def put(store: Store, *objects: Json, partner: str | None = None) -> None:
    source = store.own_source() if partner is None else store.partner_source(partner)
    outcomes = list(store.writer(source).add(items(*objects)))
    assert {outcome.status for outcome in outcomes} == {"imported"}, outcomes


def seen(store: Store, *ids: str, partner: str = "Brussels", asker: str = "analyst") -> dict[str, Verdict]:
    with store.database.snapshot() as reader:
        plan = verdicts(SeenOutgoing(store, reader, partner, store.principal_of_person(asker)), ids)
    return {verdict.id: verdict for verdict in plan}


def kept(store: Store, *ids: str, partner: str = "Brussels") -> dict[str, Verdict]:
    """As the folder's keeper is told."""
    with store.database.snapshot() as reader:
        return {verdict.id: verdict for verdict in verdicts(Outgoing(store, reader, partner), ids)}


def marked(kind: Json, *parts: tuple[str, str]) -> Json:
    """The object under TLP:CLEAR with marks on parts."""
    return _with({**kind, "object_marking_refs": [CLEAR]}, [_mark(marking, selector) for selector, marking in parts])


def test_what_is_hidden_is_not_there(tokyo: Store) -> None:
    hidden, unknown = campaign("hidden", object_marking_refs=[RED]), named("campaign", "unknown")
    put(tokyo, hidden)
    assert seen(tokyo, hidden["id"], unknown) == {}
    assert list(kept(tokyo, hidden["id"], unknown)) == [hidden["id"]]


def test_a_reference_to_what_is_hidden_leads_nowhere(tokyo: Store) -> None:
    hidden = campaign("hidden", object_marking_refs=[RED])
    to_hidden = report("a", [hidden], object_marking_refs=[CLEAR])
    to_none = report("b", [named("campaign", "unknown")], object_marking_refs=[CLEAR])
    put(tokyo, hidden, to_hidden, to_none)
    one, other = seen(tokyo, to_hidden["id"], to_none["id"]).values()
    assert (one.form, one.reasons, one.redacted) == (other.form, other.reasons, other.redacted)
    assert [reason.code for reason in one.reasons] == ["refers-to-withheld", "required-property"]


def test_what_the_partner_has_and_the_asker_does_not_see_carries_nothing(tokyo: Store) -> None:
    theirs = campaign("theirs")
    about = report("about", [theirs], object_marking_refs=[CLEAR])
    put(tokyo, theirs, partner="Kyiv")
    put(tokyo, about)
    assert kept(tokyo, about["id"], partner="Kyiv")[about["id"]].form is Form.WHOLE
    assert seen(tokyo, about["id"], partner="Kyiv")[about["id"]].form is Form.WITHHELD
    open_one = campaign("open", object_marking_refs=[CLEAR])
    put(tokyo, open_one, partner="Kyiv")
    assert [r.code for r in seen(tokyo, open_one["id"], partner="Kyiv")[open_one["id"]].reasons] == [
        "brought-by-partner"
    ]


def test_an_id_in_a_text_counts_where_the_asker_sees_something_of_it(tokyo: Store) -> None:
    hidden, shut = campaign("hidden", object_marking_refs=[RED]), campaign("shut", object_marking_refs=[AMBER])
    of_hidden = campaign("a", description=f"see {hidden['id']}", object_marking_refs=[CLEAR])
    of_shut = campaign("b", description=f"see {shut['id']}", object_marking_refs=[CLEAR])
    put(tokyo, hidden, shut, of_hidden, of_shut)
    one, other = seen(tokyo, of_hidden["id"], of_shut["id"]).values()
    assert (one.form, other.form, other.redacted) == (Form.WHOLE, Form.RENDITION, ("description",))
    assert [verdict.form for verdict in kept(tokyo, of_hidden["id"], of_shut["id"]).values()] == [Form.RENDITION] * 2


def test_a_hidden_part_is_not_there(tokyo: Store) -> None:
    shut = campaign("shut", object_marking_refs=[AMBER])
    put(tokyo, shut)
    one = marked(campaign("one", description="x", objective=f"see {shut['id']}"), ("objective", RED))
    two = marked(campaign("two", description="x", objective="y"), ("objective", RED), ("description", AMBER))
    three = report("three", [one, named("campaign", "unknown"), two, identity("nobody")])
    three = marked(three, ("object_refs.[1]", RED), ("object_refs.[2]", AMBER), ("object_refs.[3]", RED))
    put(tokyo, one, two, three)
    found = seen(tokyo, one["id"], two["id"], three["id"])
    assert [verdict.form for verdict in found.values()] == [Form.WHOLE, Form.RENDITION, Form.RENDITION]
    assert [verdict.redacted for verdict in found.values()] == [(), ("description",), ("object_refs",)]
    told = [[(reason.code, reason.parameters) for reason in verdict.reasons] for verdict in found.values()]
    assert told[0] == [("allowed", ())]
    # The item behind the hidden one is the one that is marked, and the hidden references are none.
    assert told[2] == [("not-receiving", ()), ("refers-to-renditions", ("1",))]
    assert [verdict.form for verdict in kept(tokyo, one["id"], two["id"]).values()] == [Form.RENDITION] * 2


def test_a_translation_of_a_hidden_part_is_not_there(tokyo: Store) -> None:
    one = marked(campaign("one", description="x"), ("description", RED))
    texts = {"ja": {"name": "い", "description": "ろ"}}
    spoken = sdo("language-content", "ja", object_ref=one["id"], contents=texts, object_marking_refs=[CLEAR])
    del spoken["name"]
    put(tokyo, one, spoken)
    assert seen(tokyo, spoken["id"])[spoken["id"]].form is Form.WHOLE
    assert kept(tokyo, spoken["id"])[spoken["id"]].form is Form.RENDITION


def test_a_hidden_version_decides_nothing(tokyo: Store) -> None:
    put(tokyo, campaign("one", object_marking_refs=[AMBER]), campaign("two", object_marking_refs=[CLEAR]))
    put(tokyo, campaign("two", object_marking_refs=[RED], modified=NEWER))
    found = seen(tokyo, named("campaign", "one"), named("campaign", "two"))
    assert [[reason.code for reason in verdict.reasons] for verdict in found.values()] == [
        ["not-receiving"], ["allowed"]
    ]  # fmt: skip


def test_what_was_deleted_here_is_not_there(tokyo: Store) -> None:
    gone = campaign("gone", object_marking_refs=[CLEAR])
    telling = campaign("telling", description=f"see {gone['id']}", object_marking_refs=[CLEAR])
    put(tokyo, gone, telling)
    tokyo.hide(gone["id"], by="x")
    found = seen(tokyo, gone["id"], telling["id"])
    assert [(verdict.id, verdict.form) for verdict in found.values()] == [(telling["id"], Form.WHOLE)]


def test_what_falls_for_the_asker_is_counted_among_what_they_see(tokyo: Store) -> None:
    shut = campaign("shut", object_marking_refs=[AMBER])
    about = report("about", [shut], object_marking_refs=[CLEAR])
    hidden = report("hidden", [shut], object_marking_refs=[RED])
    put(tokyo, shut, about, hidden)
    found = seen(tokyo, shut["id"], about["id"], hidden["id"])
    assert [verdict.cascade for verdict in found.values()] == [1, 0]


def test_what_rests_on_too_much_is_not_planned(tokyo: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [named("report", f"r{n}") for n in range(20)] + [named("malware", "nowhere")]
    put(tokyo, *(report(f"r{n}", [ids[n + 1]], object_marking_refs=[CLEAR]) for n in range(20)))
    assert len(seen(tokyo, *ids)) == 20
    monkeypatch.setattr(outgoing, "MOST", 20)
    assert len(seen(tokyo, *ids[-10:])) == 9
    with pytest.raises(NodeBusy, match="ask for less"):
        seen(tokyo, ids[0])


@SQLITE  # PostgreSQL gives nobody a connection who waits no more
def test_what_nobody_waits_for_is_not_planned(tokyo: Store) -> None:
    put(tokyo, campaign("one", object_marking_refs=[CLEAR]))
    with deadline.within(-1), pytest.raises(NodeBusy, match="ask for less"):
        seen(tokyo, named("campaign", "one"))


class Act(NamedTuple):
    """Something brought, deleted or tightened. `bare` is what is brought where nothing hidden is; None is nothing at all."""

    full: Json | None
    bare: Json | None
    gone: str | None = None
    tightened: str | None = None
    partner: str | None = None


def acts(rng: random.Random) -> list[Act]:
    """Objects that refer to each other at random, to hidden ones and to none; some with marks, hidden parts and hidden versions."""
    names = [f"o{n}" for n in range(rng.randrange(4, 12))]
    ids = [named("report", name) for name in names]
    hidden = [named("campaign", f"hidden {n}") for n in range(3)]
    anything = [*ids, *hidden, named("malware", "nowhere"), named("identity", "shown"), named("campaign", "theirs")]
    shown, theirs = identity("shown", object_marking_refs=[CLEAR]), campaign("theirs", object_marking_refs=[CLEAR])
    found = [Act(shown, shown), Act(theirs, theirs, partner="Brussels")]
    for name in names:
        author = {"created_by_ref": named("identity", "shown")} if rng.random() < 0.3 else {}
        found.append(Act(*_report(rng, name, anything, **author)))
        if rng.random() < 0.3:
            more = {"object_marking_refs": [RED], "modified": LATER, **author}
            found.append(Act(report(name, rng.sample(anything, 2), **more), None))
        if rng.random() < 0.2:
            found.append(Act(*_report(rng, name, anything, modified=NEWER, **author)))
    for n in range(3):
        who = rng.choice((None, "Brussels", "Kyiv"))
        marks = {} if who == "Kyiv" else {"object_marking_refs": [RED]}
        found.append(
            Act(campaign(f"hidden {n}", description=f"see {rng.choice(anything)}", **marks), None, partner=who)
        )
    rng.shuffle(found)
    found += [Act(None, None, gone=rng.choice(ids)) for _ in range(rng.randrange(2))]
    found += [Act(None, None, tightened=rng.choice(ids)) for _ in range(rng.randrange(2))]
    return found


def _report(rng: random.Random, name: str, anything: list[str], **more: Any) -> tuple[Json, Json]:
    """A report with hidden parts, and the same without."""
    common = {"object_marking_refs": [rng.choice((CLEAR, CLEAR, CLEAR, GREEN, AMBER))], **more}
    marks: list[Json] = []
    if rng.random() < 0.6:
        common["description"] = f"as {rng.choice(anything)} has it"
        if rng.random() < 0.5:
            marks.append(_mark(rng.choice((AMBER, CLEAR)), "description"))
    refs = rng.sample(anything, rng.randrange(1, 4))
    bare = report(name, refs, **common)
    full = report(name, refs, **common)
    hide: list[Json] = []
    place = len(refs)
    if rng.random() < 0.5:
        place = rng.randrange(len(refs) + 1)
        full["object_refs"] = [*refs[:place], rng.choice(anything), *refs[place:]]
        hide = [_mark(RED, f"object_refs.[{place}]")]
    if rng.random() < 0.4:
        full |= {"labels": [f"of {rng.choice(anything)}"], "confidence": 20}
        hide.append(_mark(RED, "labels", "confidence"))
    if len(refs) > 1 and rng.random() < 0.5:  # never all of them: who may not see these would see nothing
        picked = rng.randrange(len(refs))
        marks_in_full = [*marks, _mark(AMBER, f"object_refs.[{picked + (picked >= place)}]")]
        marks = [*marks, _mark(AMBER, f"object_refs.[{picked}]")]
    else:
        marks_in_full = marks
    return _with(full, [*hide[:1], *marks_in_full, *hide[1:]]), _with(bare, marks)


def _mark(marking: str, *selectors: str) -> Json:
    return {"marking_ref": marking, "selectors": [*selectors]}


def _with(made: Json, marks: list[Json]) -> Json:
    return made | ({"granular_markings": marks} if marks else {})


def perform(store: Store, script: Iterable[Act], *, with_hidden: bool) -> None:
    analyst = store.principal_of_person("analyst")
    for act in script:
        made = act.full if with_hidden else act.bare
        if made is not None:
            put(store, made, partner=act.partner)
        if act.gone is not None:
            store.hide(act.gone, by="x", principal=analyst)
        if act.tightened is not None and store.view(analyst).get(act.tightened) is not None:
            label = parse_label("TLP:AMBER+STRICT", originator=store.organisation)
            store.relabel(act.tightened, label, by="x", principal=analyst)


@pytest.mark.parametrize("seed", range(40))
def test_it_is_a_function_of_what_the_asker_sees(make_store: Callable[..., Store], seed: int) -> None:
    script = acts(random.Random(seed))
    full, bare = with_partners(make_store()), with_partners(make_store())
    perform(full, script, with_hidden=True)
    perform(bare, script, with_hidden=False)
    ids = sorted({made["id"] for act in script for made in (act.full, act.bare) if made is not None})
    for partner in PARTNERS:
        found = seen(full, *ids, partner=partner)
        assert found == seen(bare, *ids, partner=partner)
        # Where nothing is hidden from the asker, and nothing deleted, it is what the folder's keeper is told.
        if not any(act.gone for act in script):
            assert found == kept(bare, *ids, partner=partner)
        for id in ids:
            assert seen(full, id, partner=partner) == seen(bare, id, partner=partner)


def test_relationships_of_hidden_ends(tokyo: Store) -> None:
    clear, hidden = campaign("clear", object_marking_refs=[CLEAR]), campaign("hidden", object_marking_refs=[RED])
    link = relationship(clear, "related-to", hidden, object_marking_refs=[CLEAR])
    put(tokyo, clear, hidden, link)
    found = seen(tokyo, clear["id"], hidden["id"], link["id"])
    assert [(verdict.id, verdict.form, verdict.cascade) for verdict in found.values()] == [
        (clear["id"], Form.WHOLE, 0), (link["id"], Form.WITHHELD, 0)
    ]  # fmt: skip
