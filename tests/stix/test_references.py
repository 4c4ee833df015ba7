"""References are found at any depth, whatever holds them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.stix.references import edges, marking_refs, mentions

DATA: dict[str, Any] = {
    "type": "email-message",
    "id": "email-message--1",
    "created_by_ref": "identity--1",
    "object_refs": ["a--1", "b--2", 5, "none"],
    "body_multipart": [{"body_raw_ref": "artifact--1"}, {"content_type": "a--b"}],
    "extensions": {"x-ext": {"deep": [{"contains_refs": ["file--1"]}], "own_ref": "file--2"}},
    "odd_ref": ["file--3"],
    "odd_refs": "file--4",
    "nested_refs": [["file--5"], {"x": "file--6"}],
    "external_references": [{"source_name": "a--b"}],
    "object_marking_refs": ["marking-definition--1"],
    "granular_markings": [{"marking_ref": "marking-definition--2", "selectors": ["name"]}, {"lang": "ja"}],
}


def test_edges_are_references_with_their_paths() -> None:
    assert edges(DATA) == [
        ("created_by_ref", "identity--1"),
        ("object_refs[0]", "a--1"),
        ("object_refs[1]", "b--2"),
        ("body_multipart[0].body_raw_ref", "artifact--1"),
        ("extensions.x-ext.deep[0].contains_refs[0]", "file--1"),
        ("extensions.x-ext.own_ref", "file--2"),
        ("odd_ref[0]", "file--3"),
        ("odd_refs", "file--4"),
        ("nested_refs[0][0]", "file--5"),
    ]


def test_markings_are_asked_for_apart() -> None:
    assert marking_refs(DATA) == [
        ("object_marking_refs[0]", "marking-definition--1"),
        ("granular_markings[0].marking_ref", "marking-definition--2"),
    ]


def test_depth_costs_no_frames() -> None:
    value: Any = {"a_ref": "file--1"}
    for _ in range(5_000):
        value = [value]
    assert [target for _, target in edges({"x": value})] == ["file--1"]


UUID = "8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01"
ID = f"malware--{UUID}"


def found(data: dict[str, Any]) -> list[str]:
    """Mentions in an object that names what `edges` finds and itself."""
    whole = {"id": "report--0d2b5c1e-9d4e-4f0a-9a3b-0d2b5c1e7a01", **data}
    named = [target for _, target in edges(whole)]
    return mentions(msgspec.json.encode(whole), [*named, whole["id"]])


@pytest.mark.parametrize(
    "data",
    [
        {"description": f"see {ID}."},
        {"external_references": [{"source_name": "x", "external_id": ID}]},
        {"x_linked": ID},
        {"x_map": {ID: "y"}},
        {"x_some_refs": {"a": ID}},
        {"x_some_ref": {"b": [ID]}},
        {"pattern": f"[x-own:id = '{ID}']"},
        {"description": f"-- none --{ID}--"},
        {"description": ID.upper()},
        {"description": f"報告{ID}参照"},
        {"description": f"not{ID}0"},
        {"x_linked": [[ID]], "a_ref": "a--b", "b_refs": ["a--b", "--"]},
    ],
)
def test_an_id_in_any_text_is_found(data: dict[str, Any]) -> None:
    assert ID in found(data)


def test_what_is_named_properly_is_no_mention() -> None:
    assert found({"x_ref": ID, "description": f"two -- hyphens, and {ID}, {ID} again"}) == []
    assert found({"description": "report--0d2b5c1e-9d4e-4f0a-9a3b-0d2b5c1e7a01"}) == []
    assert found({"description": UUID, "name": "--"}) == []


def test_another_type_with_the_same_uuid_is_another_id() -> None:
    assert found({"x_ref": ID, "description": f"tool--{UUID}"}) == [f"tool--{UUID}"]


def test_an_own_type_is_read_in_few_ways_and_thousands_in_one() -> None:
    kinds = "a-b-c-d-e-f-x-own"
    assert found({"description": f"{kinds}--{UUID}"}) == [
        f"{kind}--{UUID}" for kind in (kinds, "e-f-x-own", "f-x-own", "x-own", "own")
    ]
    many = "".join(f"a-b-see-own--{i:08x}{UUID[8:]} " for i in range(5_000))
    assert len(found({"description": many})) < 14_000


@pytest.mark.parametrize("before", ["\n", "\t", "\b", "\f", "\r", "\x01", '"', "\\", "\\n", "see\n", "x\\\n"])
@pytest.mark.parametrize("kind", ["x-foo", "own", "malware", "note", "tool"])
def test_what_is_escaped_in_json_is_no_letter_of_a_type(before: str, kind: str) -> None:
    assert f"{kind}--{UUID}" in found({"description": f"{before}{kind}--{UUID}"})


def test_proper_references_do_not_use_up_what_is_read_with_care() -> None:
    named = [f"malware--{i:08x}{UUID[8:]}" for i in range(1_500)]
    assert f"x-acme-tool--{UUID}" in found({"object_refs": named, "x_note": f"see x-acme-tool--{UUID}"})
    many = " ".join(f"other--{i:08x}{UUID[8:]}" for i in range(1_500))
    for kind in ("x-acme-tool", "malware"):
        assert f"{kind}--{UUID}" in found({"x_note": f"{many}\n{kind}--{UUID}"})
    assert f"malware--{UUID}" in found({"x_note": f"{many} seemalware--{UUID}"})


@given(st.text(alphabet='-ab9"\\\n ', max_size=60), st.text(alphabet="-ab9", max_size=20))
def test_nothing_around_it_hides_an_id(before: str, after: str) -> None:
    assert ID in found({"description": f"{before}{ID}{after}", "x_ref": "a--b"})
