"""However many markings an object names, its label stays small, and what is more than is weighed is for nobody."""

from __future__ import annotations

from functools import reduce
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.labels import (
    MOST_MARKINGS,
    MOST_SELECTORS,
    MOST_TEXT,
    Label,
    Marked,
    Principal,
    decide,
    join,
    join_all,
    mark,
    parse_label,
    property_label,
)
from kizuna.stix.builtin import LABEL_EXTENSION
from kizuna.store import Store
from tests.builders import CLEAR, campaign, items
from tests.counting import lines_run

HOLDER = Principal("A", "ann")
LABELS = st.builds(
    lambda originator, text: parse_label(text, originator=originator),
    st.sampled_from("ABC"),
    st.sampled_from(
        ["PUBLIC", "TLP:CLEAR", "TLP:GREEN community=EU", "TLP:AMBER to=JPN", "PUBLIC & TLP:RED persons=ann"]
    ),
)


def definition(number: int, **stated: Any) -> dict[str, Any]:
    """A marking definition of one category and one date of its own."""
    said = {
        "policy": "TLP",
        "classification": "CLEAR",
        "categories": [{"name": f"n{number}", "kind": "permissive", "values": [f"v{number}"]}],
        "until": 2_000_000_000_000_000 + number,
        **stated,
    }
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{number:08x}-1111-4111-8111-111111111111",
        "created": "2026-01-01T00:00:00.000Z",
        "extensions": {LABEL_EXTENSION: {"extension_type": "property-extension", **said}},
    }


def marked(data: dict[str, Any], *definitions: dict[str, Any]) -> Marked:
    return mark(data, {one["id"]: one for one in definitions}.get, originator="A")


def by_parts(definitions: list[dict[str, Any]]) -> dict[str, Any]:
    marks = [{"marking_ref": one["id"], "selectors": [f"aliases.[{i}]"]} for i, one in enumerate(definitions)]
    return campaign("parts", aliases=[f"a{i}" for i in range(len(marks))], granular_markings=marks)


@given(st.lists(LABELS, min_size=1, max_size=5))
def test_a_join_in_one_step_is_the_join_pair_by_pair(labels: list[Label]) -> None:
    assert set(join_all(labels).parts) == set(reduce(join, labels).parts)
    assert join_all(labels) == join_all(labels[::-1])


@pytest.mark.parametrize("number", [2, 20, MOST_MARKINGS + 1, 1_000])
def test_no_label_is_larger_than_the_bound(number: int) -> None:
    definitions = [definition(i) for i in range(number)]
    whole = campaign("whole", object_marking_refs=[one["id"] for one in definitions])
    for data in (whole, by_parts(definitions)):
        found = marked(data, *definitions)
        assert found.too_wide == (number > MOST_MARKINGS)
        assert len(msgspec.json.encode(found.whole)) < 4 * MOST_TEXT
        assert bool(decide(found.whole, HOLDER, holder=HOLDER, at=0)) == (not found.too_wide)


@pytest.mark.parametrize(
    "stated",
    [
        {"categories": [{"name": "n", "kind": "permissive", "values": [f"v{i}" for i in range(9_000)]}]},
        {"persons": ["p" * 20_000]},
        {"community": "c" * 20_000},
    ],
)
def test_long_definitions_are_for_nobody(stated: dict[str, Any]) -> None:
    long = definition(1, **stated)
    assert marked(campaign("one", object_marking_refs=[long["id"]]), long).too_wide
    assert marked(by_parts([long]), long).too_wide


def test_parts_stay_closed_whatever_the_object_is_labelled_later() -> None:
    definitions = [definition(i) for i in range(MOST_MARKINGS + 1)]
    found = marked(by_parts(definitions), *definitions).with_label(parse_label("PUBLIC", originator="A"))
    assert decide(property_label(found, "name"), HOLDER, holder=HOLDER, at=0)
    assert not decide(property_label(found, "aliases[3]"), HOLDER, holder=HOLDER, at=0)


def test_twice_the_marks_take_twice_the_work() -> None:
    def work(number: int) -> int:
        definitions = [definition(i) for i in range(number)]
        data = by_parts(definitions)
        return lines_run(lambda: marked(data, *definitions).whole)

    assert work(60) < 2.5 * work(30)


def test_an_object_marked_too_much_is_refused_with_the_reason(store: Store) -> None:
    wide = [definition(i) for i in range(MOST_MARKINGS + 1)]
    selectors = [f"aliases.[{i}]" for i in range(MOST_SELECTORS + 1)]
    objects = [
        *wide,
        campaign("wide", object_marking_refs=[one["id"] for one in wide]),
        campaign("parts", aliases=selectors, granular_markings=[{"marking_ref": CLEAR, "selectors": selectors}]),
        definition(2_000, persons=["p" * 20_000]),
        campaign("next", object_marking_refs=[wide[0]["id"]]),
    ]
    outcomes = list(store.writer(store.own_source()).add(items(*objects)))[len(wide) :]
    assert [[p.rule for p in one.problems] for one in outcomes] == [["too-many-markings"]] * 3 + [[]]
