"""A rule that is tried: of what somebody sees, what it is about and what would leave to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from kizuna.labels import Group, parse_label
from kizuna.store import Partner, Store
from kizuna.store import rule_trying as trying
from kizuna.store.accounts import Accounts
from kizuna.store.rule_trying import Tried, try_rule
from kizuna.store.standing import Named, Rules
from tests.builders import campaign, items, report

STRICT = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"  # TLP:AMBER+STRICT


@pytest.fixture
def store(make_store: Callable[..., Store]) -> Store:
    """Two partners, a person who sees little, and objects under three labels."""
    made = make_store()
    for name, receives in (("Brussels", ("TLP:CLEAR",)), ("Kyiv", ("TLP:CLEAR", "TLP:GREEN"))):
        made.put_partner(Partner(name=name, organisation=f"CERT {name}", country="BEL", receives=receives, added=1))
    made.put_group(Group(name="EU", members=(("BEL", None, None),)))
    accounts = Accounts(made)
    for name in ("owner", "reader"):
        accounts.add_user(name, ["reader"], by="test")
    put(
        made,
        campaign("clear", confidence=80, labels=["botnet"]),
        report("report", [campaign("clear")]),
        label="TLP:CLEAR",
    )
    put(made, campaign("green", confidence=20), label="TLP:GREEN community=EU", area="space-security")
    put(made, campaign("red"), label="TLP:RED persons=owner")
    return made  # fmt: skip


def put(store: Store, *objects: dict[str, Any], label: str, area: str | None = None) -> None:
    stated = parse_label(label, originator=store.organisation)
    assert {one.status for one in store.writer(store.own_source(), label=stated, area=area).add(items(*objects))} == {
        "imported"
    }


def tried(store: Store, who: str = "owner", **terms: Any) -> Tried:
    return try_rule(store, msgspec.convert({"name": "tried", **terms}, Named), store.principal_of_person(who, ()))


def numbers(found: Tried) -> dict[str, tuple[int, int, int]]:
    return {name: (one.whole, one.part, one.withheld) for name, one in found.partners.items()}


def test_it_tells_what_leaves_to_whom(store: Store) -> None:
    found = tried(store)
    assert (found.objects, found.looked, found.whole, found.worked) == (4, 4, True, 4)
    assert {one.value: one.count for one in found.types} == {"campaign": 3, "report": 1}
    assert sorted(one.count for one in found.labels) == [1, 1, 2]
    assert numbers(found) == {"Brussels": (2, 0, 2), "Kyiv": (3, 0, 1)}
    assert [(one.id, one.gets) for one in found.first[:2]] == [
        (campaign("red")["id"], {}),
        (campaign("green")["id"], {"Kyiv": "whole"}),
    ]


@pytest.mark.parametrize(
    ("terms", "names"),
    [
        ({"types": ["report"]}, ["report"]),
        ({"areas": ["space-security"]}, ["green"]),
        ({"labels": ["TLP:GREEN", "TLP:RED"]}, ["red", "green"]),
        ({"tags": ["botnet", "x"]}, ["clear"]),
        ({"confidence": 20}, ["green", "clear"]),
        ({"confidence": 21}, ["clear"]),
        ({"query": "green"}, ["green"]),
        ({"sources": ["partner:Kyiv"]}, []),
        ({"types": ["campaign"], "labels": ["TLP:CLEAR"]}, ["clear"]),
    ],
)
def test_every_term_must_fit(store: Store, terms: dict[str, Any], names: list[str]) -> None:
    found = tried(store, **terms)
    assert [one.id.partition("--")[0] for one in found.first] == [
        "report" if name == "report" else "campaign" for name in names
    ]
    assert [one.id for one in found.first if one.type == "campaign"] == [
        campaign(name)["id"] for name in names if name != "report"
    ]
    assert sum(one.count for one in found.labels) == found.objects == len(names)


def test_what_is_hidden_is_not_there(store: Store) -> None:
    before = tried(store, "reader")
    assert before.objects == before.looked == 3
    put(store, campaign("another"), label="TLP:RED persons=owner")
    assert tried(store, "reader") == before
    assert tried(store).objects == 5


def test_parts_leave_by_rules_about_parts_only(store: Store) -> None:
    marked = campaign("marked", description="for us alone", confidence=90)
    marked["granular_markings"] = [{"marking_ref": STRICT, "selectors": ["description"]}]
    put(store, marked, label="TLP:CLEAR")
    assert numbers(tried(store, confidence=90))["Brussels"] == (0, 0, 1)
    assert numbers(tried(store, confidence=90, parts=True))["Brussels"] == (0, 1, 0)
    # The whole is AMBER+STRICT, so that it does not fit; the part is CLEAR and does.
    of_part = tried(store, labels=["TLP:CLEAR"], parts=True, confidence=90)
    assert (of_part.objects, numbers(of_part)["Brussels"]) == (0, (0, 1, 0))
    assert numbers(tried(store, labels=["TLP:CLEAR"], confidence=90))["Brussels"] == (0, 0, 0)


def test_only_its_partners_are_asked_and_nothing_is_kept(store: Store) -> None:
    version = store.database.version()
    assert list(tried(store, partners=["kyiv"], act="send").partners) == ["Kyiv"]
    assert [rule.name for rule in Rules(store).listed()] == ["as-labelled"]
    assert store.database.version() == version


def test_a_trial_ends_and_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "AT_A_TIME", 1)
    monkeypatch.setattr(trying, "PATIENCE", -1.0)
    found = tried(store)
    assert (found.looked, found.whole, found.objects, found.worked) == (1, False, 1, 1)
    monkeypatch.setattr(trying, "PATIENCE", 60.0)
    monkeypatch.setattr(trying, "LOOKED_AT", 3)
    found = tried(store)
    assert (found.looked, found.whole, found.worked) == (3, False, 3)
    assert numbers(found)["Kyiv"] == (2, 0, 1)


def test_the_keeper_is_told_the_same_where_somebody_sees_all(store: Store) -> None:
    from kizuna.store.releasing import Releases

    (rule,) = Rules(store).put([msgspec.convert({"name": "x", "types": ["campaign"]}, Named)], by="test")
    told = {name: one.whole for name, one in tried(store, types=["campaign"]).partners.items()}
    assert told == Releases(store).would(rule)
