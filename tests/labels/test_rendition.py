"""What of one object may leave in part."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kizuna.labels import Label, Marked, parse_label
from kizuna.release import Form, Rendered, render
from kizuna.stix import check
from kizuna.stix.builtin import LABEL_EXTENSION
from tests.builders import CLEAR, RED, campaign, identity, named, relationship, report, sdo

OPEN = parse_label("TLP:CLEAR", originator="T")
SHUT = parse_label("TLP:RED", originator="T")
OTHER = named("malware", "other")
THIRD = named("malware", "third")
EXTENSION = named("extension-definition", "e")


def cut(
    data: dict[str, Any], forms: dict[str, Form | None] | None = None, marks: tuple[tuple[str, Label], ...] = ()
) -> Rendered:
    """For a reader of what is open; what `forms` does not name is held by nobody."""
    found = render(data, Marked(OPEN, marks), lambda label: label == OPEN, lambda id: (forms or {}).get(id))
    if found.data is not None:
        assert [p for p in check(found.data) if p.severity == "error"] == []
    return found


def test_what_nothing_is_wrong_with_stays_as_it_is() -> None:
    data = report("r", [OTHER], object_marking_refs=[CLEAR])
    assert cut(data, {OTHER: Form.WHOLE}) == Rendered(data, entire=True)
    assert cut(data, {OTHER: Form.RENDITION}) == Rendered(
        data, entire=True
    )  # it gets the id of the rendition when it is sent


@pytest.mark.parametrize("form", [Form.WITHHELD, None])
def test_a_reference_to_what_does_not_leave_is_cut(form: Form | None) -> None:
    data = report("r", [THIRD, OTHER])
    found = cut(data, {OTHER: form, THIRD: Form.WHOLE})
    assert found.data is not None
    assert (found.data["object_refs"], found.cut) == ([THIRD], ("object_refs",))


def test_a_required_reference_takes_the_object_with_it() -> None:
    assert cut(report("r", [OTHER]), {OTHER: Form.WITHHELD}).withheld == "required-property"
    assert cut(relationship({"id": OTHER}, "uses", {"id": THIRD}), {OTHER: Form.WHOLE}).withheld == "required-property"


def test_who_made_it_and_its_marking_are_stated_anew() -> None:
    made = identity("maker")
    data = campaign("c", created_by_ref=made["id"], object_marking_refs=[named("marking-definition", "theirs")])
    assert cut(data, {made["id"]: Form.WITHHELD}) == Rendered(data, entire=True)


@pytest.mark.parametrize("form", [Form.WITHHELD, Form.RENDITION])
@pytest.mark.parametrize("told", [OTHER, OTHER.upper(), f"<{OTHER}>", f"file-{OTHER}s"])
def test_a_text_that_tells_an_id_that_does_not_leave_goes(form: Form, told: str) -> None:
    data = campaign("c", description=f"as {told} did", objective="kept")
    found = cut(data, {OTHER: form})
    assert found.data is not None
    assert "description" not in found.data
    assert (found.data["objective"], found.cut) == ("kept", ("description",))
    assert OTHER.lower() not in msgspec.json.encode(found.data).decode().lower()


def test_a_text_that_tells_an_id_that_leaves_or_that_nobody_holds_stays() -> None:
    data = campaign("c", description=f"as {OTHER} and {THIRD} did")
    assert cut(data, {OTHER: Form.WHOLE}) == Rendered(data, entire=True)


def test_an_id_that_is_replaced_does_not_stand_in_a_text_beside() -> None:
    data = report("r", [OTHER, THIRD], description=f"{OTHER} came first")
    found = cut(data, {OTHER: Form.RENDITION, THIRD: Form.WHOLE})
    assert found.data is not None
    assert found.data["object_refs"] == [OTHER, THIRD]
    assert "description" not in found.data


def test_its_own_id_stays_in_no_text() -> None:
    own = named("campaign", "c")
    for told in (f"I am {own}", f"uuid {own[10:]}", own.upper()):
        found = cut(campaign("c", description=told, objective="x"), {own: Form.RENDITION}, (("objective", SHUT),))
        assert found.data is not None
        assert own[10:] not in msgspec.json.encode({**found.data, "id": ""}).decode().lower()


def test_nothing_but_what_the_standard_knows_stays_in_a_granular_marking() -> None:
    marks = [{"lang": "en", "selectors": ["name"], "x_note": f"see {OTHER}", "x_ref": OTHER, "x_refs": [THIRD]}]
    found = cut(campaign("c", granular_markings=marks), {OTHER: Form.WITHHELD})
    assert found.data is not None
    assert found.data["granular_markings"] == [{"lang": "en", "selectors": ["name"]}]


@pytest.mark.parametrize("odd", [["x"], {"a": 1}, "x", 3])
def test_what_a_pack_keeps_with_its_problems_ends_nothing(odd: object) -> None:
    for key in ("granular_markings", "extensions", "object_marking_refs"):
        render(campaign("c", **{key: odd}), Marked(OPEN), lambda _: True, lambda _: None)


@pytest.mark.parametrize("selectors", [3, "name", [3], ["name", 3], {"a": 1}, None])
def test_odd_selectors_end_nothing(selectors: object) -> None:
    marks = [{"marking_ref": named("marking-definition", "theirs"), "selectors": selectors}]
    render(campaign("c", granular_markings=marks), Marked(OPEN), lambda _: True, lambda _: Form.WITHHELD)


def test_what_no_selector_reaches_takes_the_object_with_it() -> None:
    odd = campaign("c", **{"x.y_ref": OTHER})
    found = render(odd, Marked(OPEN), lambda label: label == OPEN, lambda _: Form.WITHHELD)
    assert (found.data, found.withheld) == (None, "indivisible-property")


def test_thousands_of_references_take_their_own_time() -> None:
    ids = [f"malware--{n:08x}-9d4e-4f0a-9a3b-0d2b5c1e7a01" for n in range(3_000)]
    data = report("r", ids, description=" ".join(ids[::2]))
    standing: dict[str, Form | None] = dict.fromkeys(ids, Form.WITHHELD)
    found = cut(data, standing | {ids[0]: Form.WHOLE})
    assert found.data is not None
    assert found.data["object_refs"] == ids[:1]
    assert "description" not in found.data


def test_a_name_that_tells_an_id_takes_the_object_with_it() -> None:
    assert cut(campaign(f"after {OTHER}"), {OTHER: Form.WITHHELD}).withheld == "required-property"


def test_marks_and_references_are_cut_together() -> None:
    sources = [{"source_name": name, "description": "x"} for name in "abc"]
    marks = [{"marking_ref": CLEAR, "selectors": ["external_references.[2]"]}]
    data = report("r", [OTHER, THIRD], external_references=sources, granular_markings=marks)
    found = cut(data, {THIRD: Form.WHOLE}, (("external_references.[0]", SHUT),))
    assert found.data is not None
    assert [one["source_name"] for one in found.data["external_references"]] == ["b", "c"]
    assert found.data["object_refs"] == [THIRD]
    assert found.data["granular_markings"] == [{"marking_ref": CLEAR, "selectors": ["external_references.[1]"]}]
    assert found.cut == ("external_references", "object_refs")


def test_what_is_marked_by_what_does_not_leave_goes() -> None:
    marking = named("marking-definition", "theirs")
    marks = [{"marking_ref": marking, "selectors": ["description"]}]
    data = campaign("c", description="x", granular_markings=marks)
    for form in (Form.WITHHELD, Form.RENDITION, None):
        found = cut(data, {marking: form})
        assert found.data is not None
        assert "description" not in found.data
        assert marking not in msgspec.json.encode(found.data).decode()
    assert cut(data, {marking: Form.WHOLE}) == Rendered(data, entire=True)


def test_a_whole_object_marked_for_others_is_nothing_here() -> None:
    found = render(campaign("c", object_marking_refs=[RED]), Marked(SHUT), lambda label: label == OPEN, lambda _: None)
    assert (found.data, found.withheld) == (None, "object")


def test_identities_and_patterns_are_not_cut() -> None:
    assert cut(identity("i", description=f"of {OTHER}"), {OTHER: Form.WITHHELD}).withheld == "whole-or-not"
    pattern = sdo(
        "indicator", "i", pattern=f"[x-a:ref = '{OTHER}']", pattern_type="stix", valid_from="2026-01-01T00:00:00Z"
    )
    assert cut(pattern, {OTHER: Form.WITHHELD}).withheld == "indivisible-property"


def test_an_extension_whose_definition_does_not_leave_goes() -> None:
    data = campaign("c", extensions={EXTENSION: {"extension_type": "property-extension", "rank": 3}})
    found = cut(data, {EXTENSION: Form.WITHHELD})
    assert found.data is not None
    assert "extensions" not in found.data


def test_a_uuid_alone_tells_the_id_that_is_replaced() -> None:
    form = Form.RENDITION
    data = report("r", [OTHER, THIRD], description=f"that is {OTHER[-36:].upper()}", lang="en")
    found = cut(data, {OTHER: form, THIRD: Form.WHOLE})
    assert found.data == {key: data[key] for key in data if key != "description"}
    assert cut(report("r", [OTHER, THIRD], description=THIRD[-36:]), {OTHER: form, THIRD: Form.WHOLE}).cut == ()


def test_what_is_built_in_stays_whoever_holds_it() -> None:
    extensions = {LABEL_EXTENSION: {"extension_type": "property-extension"}, "x-own-ext": {"rank": 1}}
    marks = [{"marking_ref": CLEAR, "selectors": ["name"]}]
    data = report("r", [CLEAR], extensions=extensions, granular_markings=marks, object_marking_refs=[RED])
    for form in (None, *Form):
        found = render(data, Marked(OPEN), lambda label: label == OPEN, lambda _, form=form: form)  # type: ignore[misc]
        assert found == Rendered(data, entire=True)


@pytest.mark.parametrize("form", [None, *Form])
def test_an_extension_stays_only_with_the_whole_of_its_definition(form: Form | None) -> None:
    extensions = {EXTENSION: {"extension_type": "property-extension", "rank": 3}, "x-own-ext": {"rank": 1}}
    found = cut(campaign("c", extensions=extensions), {EXTENSION: form})
    assert found.data is not None
    assert (EXTENSION in found.data["extensions"]) == (form is Form.WHOLE)
    assert "x-own-ext" in found.data["extensions"]


def test_an_id_that_is_referred_to_is_told_where_it_stands_once_more() -> None:
    told = {"other_ref": OTHER, "note": f"see {OTHER}"}
    beside = {
        "third_ref": THIRD,
        "note": f"see {OTHER}",
    }  # what leaves whole and is referred to stands for nothing else
    data = campaign(
        "c", x_told=told, x_beside=beside, x_named={"other_ref": OTHER}, x_twice=[{"a_ref": OTHER}, {"a_ref": OTHER}]
    )
    found = cut(data, {OTHER: Form.RENDITION, THIRD: Form.WHOLE})
    assert found.data == {key: data[key] for key in data if key not in ("x_told", "x_beside")}


def test_what_does_not_leave_is_cut_for_whoever_may_see_all() -> None:
    data = report("r", [OTHER, THIRD], description="d", confidence=3)
    marks = (("description", SHUT), ("confidence", OPEN), ("lang", SHUT))
    found = render(data, Marked(OPEN, marks), lambda _: True, {THIRD: Form.WHOLE}.get)
    assert found.data == {**data, "object_refs": [THIRD]}
    shut = render(data, Marked(OPEN, marks), lambda label: label == OPEN, {THIRD: Form.WHOLE}.get)
    assert shut.data == {key: data[key] for key in data if key != "description"} | {"object_refs": [THIRD]}


def test_a_reference_deep_in_an_object_goes_alone() -> None:
    data = campaign("c", x_deep=[{"a_ref": OTHER, "b": 1}, {"b_refs": [THIRD, OTHER], "c": 2}])
    found = cut(data, {THIRD: Form.WHOLE})
    assert found.data == {**data, "x_deep": [{"b": 1}, {"b_refs": [THIRD], "c": 2}]}
