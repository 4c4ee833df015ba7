"""Withheld texts as somebody sees them: found in what they see, whatever is held in truth."""

from __future__ import annotations

from typing import Any

import pytest

from kizuna.errors import NodeBusy, NotFound, Refused
from kizuna.labels import parse_label
from kizuna.store import Store
from kizuna.store.clearing import Clearing
from kizuna.store.seen_finds import SeenFinds
from tests.builders import AMBER, CLEAR, RED, campaign, report, sdo
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


def test_too_much_around_is_told(tokyo: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kizuna.store.seen_finds.MOST_AROUND", 3)
    one = telling()
    put(tokyo, one, *(report(f"n{n}", refs=[one["id"]], object_marking_refs=[CLEAR]) for n in range(4)))
    with pytest.raises(NodeBusy):
        finds(tokyo).found("Kyiv", [one["id"]])
