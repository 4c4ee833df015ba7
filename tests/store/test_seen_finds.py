"""Withheld texts as somebody sees them: found in what they see, whatever is held in truth."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kizuna.errors import NodeBusy, NotFound, Refused
from kizuna.labels import Group, parse_label
from kizuna.store import Store
from kizuna.store.clearing import Clearing, Found
from kizuna.store.finds import digest_of
from kizuna.store.releasing import Releases
from kizuna.store.seen_finds import SeenFinds
from kizuna.store.standing import Named, Rules
from tests.builders import AMBER, CLEAR, RED, campaign, items, named, report, sdo
from tests.store.test_finds import NAME, fed, put, secret, stands, telling, tokyo

__all__ = ["tokyo"]


def finds(store: Store, who: str = "aoki") -> SeenFinds:
    return SeenFinds(store, store.principal_of_person(who), by=who)


def told(
    store: Store, *objects: dict[str, Any], who: str = "aoki", partner: str = "Kyiv"
) -> list[tuple[str, list[str]]]:
    found = finds(store, who).found(partner, [one["id"] for one in objects])
    return [(one.text, [held.id for held in one.held]) for one in found]


def test_what_is_found_is_what_is_held(tokyo: Store) -> None:
    put(tokyo, secret(), one := telling(), other := telling("silent", "seen somewhere"))
    assert finds(tokyo).found("Kyiv", [one["id"], other["id"], secret()["id"]]) == Clearing(tokyo).found("Kyiv")
    assert told(tokyo, one, secret(), partner="Lyon") == []
    assert told(tokyo, other, secret()) == []


def test_what_stands_close_is_looked_at_too(tokyo: Store) -> None:
    one = telling()
    about = report("Outage", refs=[one["id"], secret()["id"]], object_marking_refs=[AMBER])
    put(tokyo, about, secret(), one)
    assert told(tokyo, one) == [(NAME, [one["id"]])]
    assert told(tokyo, secret()) == []


def test_what_is_cut_is_withheld_and_what_remains_is_not(tokyo: Store) -> None:
    marks = [{"marking_ref": AMBER, "selectors": ["description"]}]
    text = "It was first seen at the plant of Kansai Grid Operator in spring."
    put(tokyo, marked := campaign("marked", object_marking_refs=[CLEAR], description=text, granular_markings=marks))
    put(tokyo, one := telling(text=f"{text} More."))
    assert [ids for _, ids in told(tokyo, marked, one)] == [[one["id"]]]
    assert told(tokyo, marked) == []


def test_what_is_said_openly_is_no_secret(tokyo: Store) -> None:
    openly = sdo("infrastructure", NAME, object_marking_refs=[CLEAR])
    put(tokyo, secret(), one := telling(), openly)
    assert told(tokyo, one, openly, secret()) == []
    assert told(tokyo, one, secret()) == [(NAME, [one["id"]])]


def test_hidden_changes_nothing(tokyo: Store) -> None:
    """Neither what is withheld with what the asker does not see, nor who says it openly out of their sight, nor a hidden reference."""
    put(tokyo, secret(), one := telling())
    ids = [one["id"], secret()["id"]]
    before = finds(tokyo).found("Kyiv", ids)
    hidden = sdo("identity", "Chubu Water Works", object_marking_refs=[RED])
    openly = sdo("infrastructure", NAME, object_marking_refs=[CLEAR])
    tokyo_red = parse_label("TLP:RED persons=nobody", originator=tokyo.organisation)
    put(tokyo, hidden, openly)
    put(tokyo, report("hidden", refs=[one["id"], hidden["id"], openly["id"]], object_marking_refs=[RED]))
    for id in (hidden["id"], openly["id"]):
        tokyo.relabel(id, tokyo_red, by="test")
    put(tokyo, telling("telling", f"seen at {NAME}", modified="2026-02-01T00:00:00.000Z"))
    assert [(f.text, f.held) for f in finds(tokyo).found("Kyiv", [*ids, hidden["id"], openly["id"]])] == [
        (f.text, f.held) for f in before
    ]
    tokyo.relabel(secret()["id"], tokyo_red, by="test")
    assert finds(tokyo).found("Kyiv", ids) == []


def test_a_text_that_is_let_leaves_and_is_not_found_again(tokyo: Store) -> None:
    put(tokyo, secret(), one := telling(), two := telling("two"))
    ids = [one["id"], secret()["id"]]
    (found,) = finds(tokyo).found("Kyiv", ids)
    for wrong in ("0" * 64, found.digest[:11], ""):
        with pytest.raises(NotFound):
            finds(tokyo).clear("Kyiv", ids, [wrong])
    with pytest.raises(NotFound):
        finds(tokyo).clear("Kyiv", [secret()["id"]], [found.digest])
    with pytest.raises(Refused):
        finds(tokyo, "aoki.operates").clear("Kyiv", ids, [found.digest])
    assert stands(tokyo, one) == "found"
    assert finds(tokyo).clear("Kyiv", ids, [found.digest[:12]]) == [found]
    assert fed(tokyo) == ["telling", "two"]
    assert finds(tokyo).found("Kyiv", [*ids, two["id"]]) == []
    assert Clearing(tokyo).found("Kyiv") == []


def under(store: Store, label: str, *objects: dict[str, Any]) -> None:
    written = store.writer(store.own_source(), label=parse_label(label, originator=store.organisation))
    assert {outcome.status for outcome in written.add(items(*objects))} == {"imported"}


def let_by_a_decoy(store: Store, *ids: str) -> list[Found]:
    """A releaser lets the name in something of their own and in these, as withheld with something of their own; returns the answer."""
    bait, decoy = campaign("bait", description=f"seen at {NAME}"), sdo("identity", NAME, id=named("identity", "decoy"))
    under(store, "TLP:CLEAR", bait)
    under(store, CLOSED, decoy, report("of bait", refs=[decoy["id"], bait["id"], *ids]))
    (found,) = finds(store).found("Lyon", [bait["id"], *ids])
    assert {one.id for one in found.held} == {bait["id"], *ids}
    assert finds(store).clear("Lyon", [bait["id"], *ids], [found.digest]) == [found]
    assert finds(store).found("Lyon", [bait["id"], *ids]) == []
    return [msgspec.structs.replace(found, held=())]


CLOSED = "TLP:AMBER+STRICT"
COMPARTMENT = "restrictive:Cleared=NUCLEAR"


@pytest.fixture
def cleared(tokyo: Store) -> Store:
    """Lyon is cleared for a compartment, aoki is not."""
    tokyo.put_group(Group("NUCLEAR", (("FRA", None, None),)))
    return tokyo


def test_what_one_does_not_see_stays_held(cleared: Store) -> None:
    hidden = campaign("hidden", description=f"seen at {NAME}")
    with cleared.act():
        under(cleared, f"{CLOSED} {COMPARTMENT}", secret_ := sdo("identity", NAME))
        under(cleared, f"{CLOSED} {COMPARTMENT}", report("link", refs=[hidden["id"], secret_["id"]]))
        under(cleared, f"TLP:AMBER {COMPARTMENT}", hidden)
    aoki = cleared.view(cleared.principal_of_person("aoki"))
    assert (aoki.get(hidden["id"]), stands(cleared, hidden, "Lyon")) == (None, "found")
    let_by_a_decoy(cleared)
    assert stands(cleared, hidden, "Lyon") == "found"
    again = campaign("hidden", description=f"seen at {NAME} again", modified="2026-02-01T00:00:00.000Z")
    under(cleared, f"TLP:AMBER {COMPARTMENT}", again)
    assert stands(cleared, hidden, "Lyon") == "found"
    assert fed(cleared, "Lyon") == ["bait"]
    (found,) = Clearing(cleared).found("Lyon")
    Clearing(cleared).clear("Lyon", [found.digest], by="baba")  # the keeper lets it for all
    assert fed(cleared, "Lyon") == ["bait", "hidden", "hidden"]


def test_what_one_sees_stays_held_for_what_one_does_not_see(cleared: Store) -> None:
    """And the answer is the same as where nothing is held for it."""
    one = telling()
    with cleared.act():
        under(cleared, f"{CLOSED} {COMPARTMENT}", secret_ := sdo("identity", NAME))
        under(cleared, f"{CLOSED} {COMPARTMENT}", report("link", refs=[one["id"], secret_["id"]]))
        put(cleared, one)
    assert finds(cleared).found("Lyon", [one["id"]]) == []
    told = let_by_a_decoy(cleared, one["id"])
    assert (stands(cleared, one, "Lyon"), fed(cleared, "Lyon")) == ("found", ["bait"])
    assert [(found.text, found.of) for found in Clearing(cleared).found("Lyon")] == [(NAME, secret_["id"])]
    assert told == [Found(digest=digest_of(NAME).hex(), text=NAME, of=named("identity", "decoy"), held=())]


def test_more_decoys_than_are_kept_hide_no_secret(cleared: Store) -> None:
    one = telling()
    with cleared.act():
        under(cleared, f"{CLOSED} {COMPARTMENT}", secret_ := sdo("identity", NAME))
        under(cleared, f"{CLOSED} {COMPARTMENT}", report("link", refs=[one["id"], secret_["id"]]))
        put(cleared, one)
    decoys = [sdo("identity", NAME, id=named("identity", f"decoy {n}")) for n in range(5)]
    under(cleared, CLOSED, *decoys, report("links", refs=[one["id"], *(decoy["id"] for decoy in decoys)]))
    under(cleared, "TLP:CLEAR", telling("telling", f"at {NAME}", modified="2026-02-01T00:00:00.000Z"))
    let_by_a_decoy(cleared, one["id"])
    assert (stands(cleared, one, "Lyon"), fed(cleared, "Lyon")) == ("found", ["bait"])


def test_what_comes_later_under_the_same_labels_leaves_too(cleared: Store) -> None:
    let_by_a_decoy(cleared)
    later, other = telling("later"), telling("other", f"heard of {NAME}", object_marking_refs=[AMBER])
    with cleared.act():
        under(cleared, CLOSED, report("about", refs=[later["id"], other["id"], named("identity", "decoy")]))
        put(cleared, later, other)
    assert (fed(cleared, "Lyon"), stands(cleared, other, "Lyon")) == (["bait", "later"], "found")
    assert told(cleared, later, other, partner="Lyon") == [(NAME, [other["id"]])]


def test_what_leaves_in_part_is_let_under_the_label_of_all_of_it(tokyo: Store) -> None:
    Rules(tokyo).put([msgspec.convert({"name": "parts", "act": "send", "parts": True}, Named)], by="test")
    for by in ("aoki", "baba"):
        Releases(tokyo).grant("parts", by=by)
    marks = [{"marking_ref": AMBER, "selectors": ["aliases"]}]
    cut = telling("cut", aliases=["a secret alias of it"], granular_markings=marks)
    put(tokyo, secret(), cut)
    (found,) = finds(tokyo).found("Kyiv", [cut["id"], secret()["id"]])
    assert ([one.held for one in Clearing(tokyo).found("Kyiv")], fed(tokyo)) == ([found.held], [])
    finds(tokyo).clear("Kyiv", [cut["id"], secret()["id"]], [found.digest])
    assert fed(tokyo) == ["cut"]
    assert told(tokyo, cut, secret()) == []


def test_too_much_around_is_told(tokyo: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kizuna.store.seen_finds.MOST_AROUND", 3)
    one = telling()
    put(tokyo, one, *(report(f"n{n}", refs=[one["id"]], object_marking_refs=[CLEAR]) for n in range(4)))
    with pytest.raises(NodeBusy):
        finds(tokyo).found("Kyiv", [one["id"]])
