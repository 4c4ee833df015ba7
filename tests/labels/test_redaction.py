"""Cutting a part of an object costs no more than the object is large, and what stays is still selected by what selected it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.labels import Label, format_label, least_label, parse_label, redact
from kizuna.labels.marks import Marked
from kizuna.labels.redaction import Redacted
from kizuna.stix.selectors import Unresolved, resolve
from tests.builders import CLEAR, GREEN, RED, campaign, identity, named, report, sdo
from tests.counting import lines_run

OPEN, CLOSED = (parse_label(text, originator="A") for text in ("TLP:CLEAR", "TLP:RED"))


def is_open(label: Label) -> bool:
    return label == OPEN


def marked_one_by_one(number: int) -> tuple[dict[str, Any], Marked]:
    """A list of which every second item is closed, each by a selector of its own, and the others marked open."""
    selectors = [f"aliases.[{i}]" for i in range(number)]
    marks = [{"marking_ref": RED, "selectors": selectors[::2]}, {"marking_ref": GREEN, "selectors": selectors[1::2]}]
    data = campaign("many", aliases=[f"a{i}" for i in range(number)], granular_markings=marks)
    return data, Marked(OPEN, tuple((s, OPEN if i % 2 else CLOSED) for i, s in enumerate(selectors)))


def test_twice_the_selectors_take_twice_the_work() -> None:
    def work(number: int) -> int:
        data, marked = marked_one_by_one(number)
        return lines_run(lambda: redact(data, marked, is_open))

    assert work(400) < 2.5 * work(200)


def test_every_selector_that_stays_selects_what_it_did() -> None:
    data, marked = marked_one_by_one(40)
    shown = redact(data, marked, is_open).data
    assert shown is not None
    (mark,) = shown["granular_markings"]
    assert [resolve(shown, selector) for selector in mark["selectors"]] == [f"a{i}" for i in range(1, 40, 2)]
    assert shown["aliases"] == [f"a{i}" for i in range(1, 40, 2)]


def test_what_is_emptied_goes_and_what_stood_behind_it_moves_up() -> None:
    marks = [
        {"marking_ref": RED, "selectors": ["x_deep.[0].inner.[0]", "x_deep.[0].inner.[1]", "x_deep.[2]"]},
        {"marking_ref": CLEAR, "selectors": ["x_deep.[0].inner", "x_deep.[1].inner.[1]", "x_deep.[2].inner"]},
    ]
    deep = [{"inner": ["a", "b"]}, {"inner": ["c", "d"]}, {"inner": ["e"]}]
    data = campaign("deep", x_deep=deep, granular_markings=marks)
    closed = tuple((selector, CLOSED) for selector in marks[0]["selectors"])
    shown = redact(data, Marked(OPEN, closed), is_open).data
    assert shown is not None
    assert shown["x_deep"] == [{"inner": ["c", "d"]}]
    assert shown["granular_markings"] == [{"marking_ref": CLEAR, "selectors": ["x_deep.[0].inner.[1]"]}]


def closing(data: dict[str, Any], *selectors: str) -> Redacted:
    """What is left of an object when these are closed; the object itself stays as it was."""
    before = copy.deepcopy(data)
    found = redact(data, Marked(OPEN, tuple((selector, CLOSED) for selector in selectors)), is_open)
    assert data == before
    return found


deep = st.recursive(
    st.integers(0, 9),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, min_size=1),
    max_leaves=8,
)
ways = st.lists(st.sampled_from(["a", "b", "[0]", "[1]", "[2]", "[9]"]), min_size=1, max_size=3)


def leaves(value: Any, selector: str) -> dict[str, Any]:
    """What stands in a value at the ends of all ways, by selector."""
    if not isinstance(value, list | dict):
        return {selector: value}
    members = value.items() if isinstance(value, dict) else ((f"[{i}]", one) for i, one in enumerate(value))
    return {at: leaf for name, one in members for at, leaf in leaves(one, f"{selector}.{name}").items()}


@given(st.lists(deep, min_size=1, max_size=3), st.lists(ways, min_size=1, max_size=4), st.data())
def test_exactly_what_is_closed_is_gone(value: list[Any], ways: list[list[str]], draw: st.DataObject) -> None:
    closed = [".".join(["x_deep", *way]) for way in ways]
    before = leaves(value, "x_deep")
    kept = {at: leaf for at, leaf in before.items() if not any(f"{at}.".startswith(f"{one}.") for one in closed)}
    shown = draw.draw(st.lists(st.sampled_from(sorted(before)), unique=True))
    marks = [{"marking_ref": GREEN, "selectors": shown}, {"marking_ref": CLEAR, "selectors": ["name"], "x_said": 1}]
    data = closing(campaign("deep", x_deep=value, granular_markings=marks), *closed).data
    assert data is not None
    after = leaves(data["x_deep"], "x_deep") if "x_deep" in data else {}
    assert list(after.values()) == list(kept.values())
    assert all(one not in ([], {}) for one in containers(data))
    selectors = [at for mark in data["granular_markings"] if mark["marking_ref"] == GREEN for at in mark["selectors"]]
    now_at = dict(zip(kept, after, strict=True))
    assert selectors == [now_at[at] for at in shown if at in kept]
    assert data["granular_markings"][-1] == marks[-1]


def containers(value: Any) -> list[Any]:
    """The lists and dictionaries in a value, itself among them."""
    if not isinstance(value, list | dict):
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [value, *(found for one in inner for found in containers(one))]


@pytest.mark.parametrize(
    "selector", ["x_list.[2]", "x_list.name", "x_map.[0]", "x_map.other", "x_text.[0]", "x_text.a", "x_none"]
)
def test_what_is_not_there_is_not_cut(selector: str) -> None:
    data = campaign("c", x_list=["a", "b"], x_map={"a": 1}, x_text="abc")
    assert closing(data, selector) == Redacted(data)


def test_a_place_within_what_is_cut_goes_with_it() -> None:
    data = campaign("c", x_map={"a": {"b": {"c": 1}, "d": 2}, "e": 3}, x_list=[[1, 2], [3]])
    for selectors in (
        ["x_map.a", "x_map.a.b.c", "x_list.[0]"],
        ["x_map.a.b.c", "x_list.[0].[1]", "x_map.a", "x_list.[0]"],
    ):
        shown = closing(data, *selectors).data
        assert shown is not None
        assert (shown["x_map"], shown["x_list"]) == ({"e": 3}, [[3]])


IPV4 = {"type": "ipv4-addr", "value": "198.51.100.3", "x_seen": "y", "x_deep": {"value": 1, "other": 2}}
PROCESS = {"type": "process", "pid": 3, "cwd": "/"}


@pytest.mark.parametrize(
    ("selector", "withheld"),
    [
        ("objects.0.value", "id-contributing-property"), ("objects.0", "id-contributing-property"), ("objects.0.x_seen", None),
        ("objects.0.x_deep.value", None),
        ("objects.1", None), ("objects.1.cwd", None), ("objects", "required-property"),
        ("objects.9", None), ("first_observed", "required-property"),
    ],
)  # fmt: skip
def test_what_makes_an_id_inside_observed_data_is_not_cut_out_of_it(selector: str, withheld: str | None) -> None:
    data = sdo(
        "observed-data", "o", first_observed="2026-01-01T00:00:00Z", last_observed="2026-01-01T00:00:00Z", number_observed=1,
        objects={"0": IPV4, "1": PROCESS},
    )  # fmt: skip
    del data["name"]
    assert closing(data, selector).withheld == withheld
    if selector.startswith("objects."):  # of another type they make no id
        assert closing(campaign("c", objects={"0": IPV4, "1": PROCESS}), selector).withheld is None


def test_odd_observed_data_ends_nothing() -> None:
    for objects in (
        [IPV4],
        "x",
        {"0": "x"},
        {"0": [IPV4]},
        None,
        {"0": {"value": "x"}},
        {"0": {"type": 3, "value": "x"}},
    ):
        for selector in ("objects", "objects.0", "objects.0.value", "objects.[0].value"):
            assert closing(campaign("c", objects=objects), selector).data is not None
            closing({**sdo("observed-data", "o"), "objects": objects}, selector)


@pytest.mark.parametrize("name", ["pattern", "id", "type", "spec_version", "object_marking_refs", "granular_markings"])
def test_some_properties_are_shown_or_nothing(name: str) -> None:
    assert closing(campaign("c", description="d"), "description", name).withheld == "indivisible-property"


def test_nothing_is_asked_of_what_nothing_is_closed_of() -> None:
    marks = [{"marking_ref": GREEN, "selectors": ["x_none"]}]
    for data in (identity("i"), campaign("c", granular_markings=marks), {"type": "location"}):
        for marked in (Marked(OPEN), Marked(OPEN, (("name", OPEN),))):
            assert redact(data, marked, is_open) == Redacted(data)


def test_why_an_object_is_withheld_and_what_of_it_would_have_gone() -> None:
    data = campaign("c", description="d", x_own="e")
    assert redact(data, Marked(CLOSED), is_open) == Redacted(None, (), "object")
    assert closing(data, "name", "description", "x_own") == Redacted(None, ("description", "name"), "required-property")
    assert closing(identity("i", description="d"), "description") == Redacted(None, ("description",), "whole-or-not")
    for kind in ("location", "marking-definition", "extension-definition"):
        assert closing({"type": kind, "id": named(kind, "x")}, "created") == Redacted(
            None, ("created",), "whole-or-not"
        )
    # Of a type that STIX does not know, what every object may have.
    own = sdo("x-own", "o", lang="en", value_seen="x")
    assert closing(own, "lang", "value_seen").cut == ("lang",)
    assert closing({**own, "type": 3}, "lang", "value_seen").cut == ("lang",)


def test_what_was_wrong_before_does_not_withhold() -> None:
    """A pack keeps objects with their problems."""
    odd = campaign("c", description="d", first_seen="some day")
    shown = closing(odd, "description")
    assert (shown.data, shown.withheld) == ({key: odd[key] for key in odd if key != "description"}, None)
    assert closing(odd, "name").withheld == "required-property"
    # What is only advised may go.
    indicator = sdo("malware", "m", is_family=False, malware_types=["worm"])
    assert closing(indicator, "malware_types").data is not None


def test_odd_markings_are_renumbered_as_far_as_they_say_anything() -> None:
    marks = [
        {"marking_ref": GREEN},
        {"marking_ref": GREEN, "selectors": []},
        {"marking_ref": GREEN, "selectors": ["x_none", "name"]},
    ]
    shown = closing(campaign("c", description="d", granular_markings=marks), "description").data
    assert shown is not None
    assert shown["granular_markings"] == [{"marking_ref": GREEN, "selectors": ["name"]}]
    with pytest.raises(Unresolved):
        resolve(shown, "description")


@given(
    st.lists(st.sampled_from(["TLP:GREEN", "TLP:AMBER", "TLP:AMBER to=B", "TLP:RED"]), min_size=1, max_size=4),
    st.booleans(),
)
def test_the_least_label_is_enough_to_see_some_and_little_less_is(texts: list[str], one_by_one: bool) -> None:
    """Whoever may see that sees some; who may see the label and nothing that is marked does only if that is the least."""
    refs = [named("campaign", str(n)) for n in range(len(texts))]
    data = report("r", refs)
    marks = tuple(
        (f"object_refs.[{n}]" if one_by_one or n else "name", parse_label(text, originator="A"))
        for n, text in enumerate(texts)
    )
    marked = Marked(OPEN, marks)
    least = least_label(data, marked)
    seen = redact(data, marked, lambda label: set(label.parts) <= set(least.parts)).data
    assert seen is not None
    assert (least == OPEN) == (redact(data, marked, is_open).data is not None)


@pytest.mark.parametrize(
    ("marks", "least"),
    [
        ({"object_refs.[0]": "TLP:RED", "name": "TLP:AMBER"}, "TLP:AMBER & TLP:CLEAR"),
        # Whoever may not see AMBER sees neither of the two, and whoever may sees at least one.
        ({"object_refs.[0]": "TLP:AMBER", "object_refs.[1]": "TLP:AMBER & TLP:RED"}, "TLP:AMBER & TLP:CLEAR"),
        ({"object_refs.[0]": "TLP:AMBER", "description": "TLP:RED"}, "TLP:CLEAR"),
        ({"description": "TLP:RED"}, "TLP:CLEAR"),
        ({}, "TLP:CLEAR"),
    ],
)
def test_the_least_label_asks_for_no_more_than_it_takes(marks: dict[str, str], least: str) -> None:
    data = report("r", [named("campaign", str(n)) for n in range(2)], description="d")
    granular = tuple((selector, parse_label(text, originator="A")) for selector, text in marks.items())
    assert format_label(least_label(data, Marked(OPEN, granular))) == least
