"""References are found at any depth, whatever holds them."""

from __future__ import annotations

from typing import Any

from kizuna.stix.references import edges, marking_refs

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
