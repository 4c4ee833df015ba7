"""What comes back never loosens, through whatever client it went: here python-stix2, which writes it anew, and strips it of its marks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from stix2 import parsing

from kizuna.labels import format_label, parse_label
from kizuna.stix.ids import sco_id
from kizuna.store import Partner, Query, Store
from kizuna.store.model import Source
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, GREEN, RED, campaign, items

EVERYTHING = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER")
BRUSSELS = Partner(name="Brussels", organisation="CERT Brussels (fictional)", country="BEL", receives=EVERYTHING)
LYON = Partner(name="Lyon", organisation="CERT Lyon (fictional)", country="FRA", receives=("TLP:CLEAR",))
ADDRESS: dict[str, Any] = {"type": "ipv4-addr", "spec_version": "2.1", "value": "198.51.100.7"}
ADDRESS["id"] = sco_id(ADDRESS)


@pytest.fixture
def tokyo(store: Store) -> Store:
    store.put_partner(BRUSSELS)
    store.put_partner(LYON)
    return store


def own(store: Store, *objects: dict[str, Any]) -> None:
    outcomes = store.writer(store.own_source()).add(items(*objects))
    assert {outcome.status for outcome in outcomes} <= {"imported", "unchanged"}


def back(store: Store, *objects: dict[str, Any], partner: Partner = BRUSSELS) -> list[str]:
    """What a partner sends, and what became of each."""
    source = Source(f"partner:{partner.name}", "partner", partner.organisation)
    return [outcome.status for outcome in store.writer(source).add(items(*objects))]


def rewritten(one: dict[str, Any], *, strip: bool = False, marks: list[str] | None = None) -> dict[str, Any]:
    """An object as python-stix2 writes it."""
    told = {key: value for key, value in one.items() if not (strip and key == "object_marking_refs")}
    if marks is not None:
        told["object_marking_refs"] = marks
    written: dict[str, Any] = json.loads(parsing.parse(told, allow_custom=True).serialize(pretty=True))
    return written


def fed(store: Store, partner: str) -> list[str]:
    assert list(verify(store)) == []
    return [row.id for row in store.feed(partner).read(Query(versions=("all",)), 0, 1_000).rows]


def labels(store: Store, one: dict[str, Any]) -> list[str]:
    """The labels of all that is held of an id, in order of arrival."""
    rows = store.database.read().execute("select whole from object where id=? order by n", (one["id"],)).fetchall()
    return [format_label(store.interned.label_of(store.database.read(), n)) for (n,) in rows]


def test_a_stripped_copy_makes_no_version_and_loosens_nothing(tokyo: Store) -> None:
    one = campaign("one", object_marking_refs=[AMBER])
    own(tokyo, one)
    assert fed(tokyo, "Brussels") == [one["id"]]
    assert back(tokyo, rewritten(one, strip=True)) == ["failed"]
    assert back(tokyo, rewritten(one, marks=[CLEAR])) == ["failed"]
    assert len(labels(tokyo, one)) == 1
    assert fed(tokyo, "Lyon") == []


def test_a_copy_with_the_same_content_does_not_go_on_when_its_label_was_raised_here(tokyo: Store) -> None:
    one = campaign("one", object_marking_refs=[CLEAR])
    own(tokyo, one)
    assert fed(tokyo, "Brussels") == fed(tokyo, "Lyon") == [one["id"]]
    tokyo.relabel(one["id"], parse_label("TLP:AMBER+STRICT", originator=tokyo.organisation), by="aoki")
    assert fed(tokyo, "Lyon") == []
    assert back(tokyo, rewritten(one)) == ["imported"]
    assert fed(tokyo, "Lyon") == []
    assert back(tokyo, rewritten(one), partner=LYON) == ["imported"]
    assert fed(tokyo, "Brussels") == fed(tokyo, "Lyon") == []


def test_a_value_that_left_and_comes_back_unmarked_or_looser_does_not_go_on(tokyo: Store) -> None:
    own(tokyo, {**ADDRESS, "object_marking_refs": [AMBER]})
    assert fed(tokyo, "Brussels") == [ADDRESS["id"]]
    assert back(tokyo, {**ADDRESS, "object_marking_refs": [CLEAR]}) == ["imported"]
    assert fed(tokyo, "Lyon") == []


def test_what_another_originated_does_not_loosen_either(tokyo: Store) -> None:
    one = campaign("theirs", object_marking_refs=[GREEN])
    own(tokyo)
    assert back(tokyo, one, partner=BRUSSELS) == ["imported"]
    tokyo.relabel(one["id"], parse_label("TLP:AMBER+STRICT", originator=BRUSSELS.organisation), by="aoki")
    before = labels(tokyo, one)
    assert back(tokyo, rewritten(one, strip=True), partner=LYON) == ["failed"]
    assert labels(tokyo, one) == before
    assert fed(tokyo, "Lyon") == []


def test_what_never_left_is_labelled_by_each_source_for_itself(tokyo: Store) -> None:
    one = campaign("one", object_marking_refs=[RED])
    own(tokyo, one)
    source = Source("partner:Brussels", "partner", BRUSSELS.organisation)
    writer = tokyo.writer(source)
    assert [outcome.status for outcome in writer.add(items(one))] == ["imported"]
    first, second = labels(tokyo, one)
    assert (tokyo.organisation in first, BRUSSELS.organisation in second) == (False, False)
    assert "RED" in first
    assert "RED" in second


@pytest.mark.parametrize("marks", [[CLEAR], [GREEN], [AMBER], [CLEAR, AMBER], None], ids=str)
@pytest.mark.parametrize("raised", ["TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED persons=aoki"])
def test_whatever_comes_back_goes_on_to_nobody_who_may_not_have_it_here(
    tokyo: Store, marks: list[str] | None, raised: str
) -> None:
    one = campaign("one", object_marking_refs=[CLEAR])
    own(tokyo, one)
    tokyo.relabel(one["id"], parse_label(raised, originator=tokyo.organisation), by="aoki")
    back(tokyo, rewritten(one, strip=marks is None, marks=marks))
    assert fed(tokyo, "Lyon") == []


def test_what_anybody_may_have_seen_is_no_copy_unless_it_was_given(tokyo: Store) -> None:
    riga = Partner(name="Riga", organisation="CERT Riga (fictional)", country="LVA", receives=EVERYTHING)
    tokyo.put_partner(riga)
    tokyo.put_partner(Partner(name="Brussels", organisation="x", country="BEL", receives=("TLP:CLEAR",)))
    own(tokyo, {**ADDRESS, "object_marking_refs": [AMBER]})
    assert (fed(tokyo, "Riga"), fed(tokyo, "Brussels")) == ([ADDRESS["id"]], [])
    assert back(tokyo, {**ADDRESS, "object_marking_refs": [CLEAR]}) == ["imported"]
    assert fed(tokyo, "Lyon") == [ADDRESS["id"]]  # Brussels saw it for itself, and tells so


def test_who_imports_a_copy_does_not_loosen_what_was_raised_here(tokyo: Store) -> None:
    one = campaign("theirs", object_marking_refs=[CLEAR])
    assert back(tokyo, one) == ["imported"]
    assert fed(tokyo, "Lyon") == [one["id"]]
    tokyo.relabel(one["id"], parse_label("TLP:AMBER+STRICT", originator=tokyo.organisation), by="aoki")
    assert fed(tokyo, "Lyon") == []
    own(tokyo, one)
    assert fed(tokyo, "Lyon") == []


def test_what_left_to_a_partner_that_is_gone_does_not_loosen_either(tokyo: Store) -> None:
    one, riga = campaign("one", object_marking_refs=[CLEAR]), Partner(
        name="Riga", organisation="CERT Riga (fictional)", country="LVA", receives=EVERYTHING
    )  # fmt: skip
    own(tokyo, one, {**ADDRESS, "object_marking_refs": [AMBER]})
    assert len(fed(tokyo, "Brussels")) == 2
    tokyo.relabel(one["id"], parse_label("TLP:AMBER+STRICT", originator=tokyo.organisation), by="aoki")
    tokyo.remove_partner("Brussels")
    tokyo.remove_partner("Lyon")
    tokyo.put_partner(LYON)
    tokyo.put_partner(riga)
    assert back(tokyo, rewritten(one), partner=riga) == ["imported"]
    assert fed(tokyo, "Lyon") == []
    tokyo.put_partner(BRUSSELS)  # once more, and what it was given before it gives back
    assert back(tokyo, {**ADDRESS, "object_marking_refs": [CLEAR]}) == ["imported"]
    assert fed(tokyo, "Lyon") == []


def test_who_is_gone_says_nothing_of_what_was_never_theirs(tokyo: Store) -> None:
    own(tokyo, campaign("other", object_marking_refs=[CLEAR]), one := campaign("one", object_marking_refs=[RED]))
    tokyo.remove_partner("Brussels")
    assert back(tokyo, {**one, "object_marking_refs": [RED]}, partner=LYON) == ["imported"]
    assert len(set(labels(tokyo, one))) == 1
