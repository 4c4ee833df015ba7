"""Sources as a whole: bundles, lists, envelopes, single objects, and what is none of them."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from kizuna.stix import validate
from kizuna.stix.bundle import bundle_problems
from kizuna.stix.duplicates import Duplicates
from kizuna.stix.validation import reports
from tests.stix_examples import VALID, Object, changed, minimal, ref

BAD = changed("campaign", name=...)


def bundle(*objects: Object, **more: Any) -> Object:
    """A bundle of objects."""
    return {"type": "bundle", "id": ref("bundle"), "objects": list(objects), **more}


def told(data: Any) -> list[tuple[str, str]]:
    """Path and rule of the errors."""
    return [(one.path, one.rule) for one in validate(data) if one.severity == "error"]


def test_every_example_in_one_bundle() -> None:
    assert validate(bundle(*VALID.values())) == []
    assert validate(json.dumps(bundle(*VALID.values()), indent=1).encode()) == []


@pytest.mark.parametrize(
    ("source", "path"),
    [
        (BAD, "name"),
        (bundle(VALID["report"], BAD), "objects[1].name"),
        ({"objects": [BAD], "more": False}, "objects[0].name"),
    ],
)
def test_paths(source: Object, path: str) -> None:
    assert told(source) == [(path, "required")]
    assert told(json.dumps(source).encode()) == [(path, "required")]


def test_paths_in_a_list() -> None:
    assert told(json.dumps([VALID["report"], BAD]).encode()) == [("[1].name", "required")]


def test_problems_name_item_and_id() -> None:
    (problem,) = validate(bundle(VALID["report"], BAD))
    assert (problem.item, problem.id) == (1, BAD["id"])


def test_problems_of_the_bundle_itself() -> None:
    assert ("spec_version", "bundle-common") in told(bundle(VALID["report"], spec_version="2.1"))
    assert ("id", "identifier-type") in told(bundle(VALID["report"], id=ref("report")))


@pytest.mark.parametrize(
    ("changes", "path", "rule"),
    [
        ({"id": 5}, "id", "identifier"),
        ({"id": "bundle--1"}, "id", "identifier"),
        ({"objects": []}, "objects", "list-empty"),
        ({"objects": {}}, "objects", "list"),
        ({"created": "2026"}, "created", "bundle-common"),
        ({"x_null": None}, "x_null", "null-value"),
    ],
)
def test_bundle(changes: Object, path: str, rule: str) -> None:
    problems = bundle_problems({**bundle(VALID["report"]), **changes})
    assert (path, rule) in [(one.path, one.rule) for one in problems]


def test_bundle_needs_an_id() -> None:
    assert [one.path for one in bundle_problems({"type": "bundle"})] == ["id"]


def test_bundle_may_be_without_objects() -> None:
    assert bundle_problems({"type": "bundle", "id": ref("bundle")}) == []


def test_a_bad_item_does_not_hide_the_good_ones() -> None:
    text = b'{"type":"bundle","id":"%b","objects":[%b,{"type":"mutex","name":"a","name":"b"},%b]}'
    one = json.dumps(VALID["report"]).encode()
    made = list(reports(text % (ref("bundle").encode(), one, json.dumps(BAD).encode())))
    assert [(report.item, report.valid) for report in made] == [(0, True), (1, False), (2, False)]


def test_a_stream_is_read() -> None:
    stream = io.BytesIO(json.dumps(bundle(VALID["report"], BAD)).encode())
    assert [(report.item, report.id, report.valid) for report in reports(stream)] == [
        (0, VALID["report"]["id"], True),
        (1, BAD["id"], False),
    ]


@pytest.mark.parametrize(
    "source", [b"", b"nonsense", b"[", b'"text"', b"5", b"\x00", b"[" * 100_000, b'{"a":' * 100_000]
)
def test_what_is_no_stix_is_told_and_never_raised(source: bytes) -> None:
    assert any(not report.valid for report in reports(source))
    assert told(source)


@pytest.mark.parametrize("value", [{"a": object()}, {"a": b"x"}, {1j: 2}])
def test_what_is_no_json_is_told(value: Any) -> None:
    assert [one.rule for one in validate(value)] == ["not-an-object"]


def test_dictionaries_nested_without_end_are_told() -> None:
    value: Any = "x"
    for _ in range(100_000):
        value = [value]
    assert [one.rule for one in validate({"type": "x-own", "x": value})] == ["too-deep"]


def test_same_version_with_other_content_is_told_once() -> None:
    one = changed("campaign")
    assert told(
        bundle(one, one, {**one, "name": "other"}, changed("campaign", modified="2026-05-01T00:00:00.000Z"))
    ) == [("objects[2].id", "duplicate-version")]


def test_the_order_of_members_is_no_content() -> None:
    one = changed("campaign")
    assert told(bundle(one, dict(reversed(one.items())))) == []


def test_observables_have_no_versions() -> None:
    assert told(bundle(minimal("mutex"), {**minimal("mutex"), "x_other": 1})) == []


def test_marking_definitions_have_one_version() -> None:
    assert told(bundle(changed("marking-definition"), changed("marking-definition", name="other"))) == [
        ("objects[1].id", "duplicate-version")
    ]


def test_versions_are_remembered_beyond_the_kept_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kizuna.stix.duplicates._KEPT_VERSIONS", 10)
    monkeypatch.setattr("kizuna.stix.duplicates._SMALLEST_TABLE", 16)
    seen = Duplicates()
    objects = [changed("campaign", id=ref("campaign", number), name=str(number)) for number in range(200)]
    texts = [json.dumps(one).encode() for one in objects]
    assert not any(seen.conflicts(one, text) for one, text in zip(objects, texts, strict=True))
    assert seen.versions is None
    assert not any(seen.conflicts(one, b" " + text) for one, text in zip(objects, texts, strict=True))
    assert all(seen.conflicts({**one, "name": "other"}, b"{}") for one in objects)
