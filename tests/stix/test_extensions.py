"""Extensions in all their forms."""

from __future__ import annotations

from typing import Any

import pytest

from kizuna.stix.checker import check
from kizuna.stix.extensions import defines_properties, new_type
from kizuna.stix.observables import PREDEFINED
from tests.stix_examples import EXTENSION, OBSERVABLES, changed, edited, minimal, ref

OWNERS = {name: kind for kind, data in OBSERVABLES.items() for name in data.get("extensions", {})}


def told(data: Any) -> list[tuple[str, str]]:
    """Path and rule of what is wrong."""
    return [(one.path, one.rule) for one in check(data)]


def test_every_predefined_extension_has_an_owner() -> None:
    assert OWNERS.keys() == PREDEFINED.keys()


@pytest.mark.parametrize("name", PREDEFINED)
def test_predefined_only_on_its_own_type(name: str) -> None:
    assert (f"extensions.{name}", "extension-object") in told(minimal("mutex", extensions={name: {"a_b": 1}}))


@pytest.mark.parametrize("name", PREDEFINED)
def test_predefined_is_never_empty(name: str) -> None:
    problems = check(edited(OWNERS[name], lambda data: data["extensions"].update({name: {}})))
    assert {one.rule for one in problems} <= {"required", "at-least-one"}
    assert problems
    assert all(one.path.startswith(f"extensions.{name}") for one in problems)


@pytest.mark.parametrize(
    ("extension", "path", "rule"),
    [
        ({}, "", "dictionary-empty"),
        ([], "", "dictionary"),
        (None, "", "null-value"),
        ({"rank": 1}, ".extension_type", "required"),
        ({"extension_type": "own"}, ".extension_type", "enum"),
        ({"extension_type": ["new-sdo"]}, ".extension_type", "enum"),
        ({"extension_type": "property-extension", "Rank": 1}, ".Rank", "property-name"),
        ({"extension_type": "property-extension", "ranks": []}, ".ranks", "list-empty"),
        ({"extension_type": "property-extension", "own_hex": "abc"}, ".own_hex", "hex"),
        ({"extension_type": "property-extension", "own": {"a": [{"b": None}]}}, ".own.a[0].b", "null-value"),
    ],
)
def test_defined_extension(extension: Any, path: str, rule: str) -> None:
    assert (f"extensions.{EXTENSION}{path}", rule) in told(changed("campaign", extensions={EXTENSION: extension}))


@pytest.mark.parametrize("key", ["extension-definition--1", "own", "Own-ext", "-ext", "x" * 300 + "-ext", ""])
def test_key(key: str) -> None:
    problems = told(changed("campaign", extensions={key: {"extension_type": "property-extension"}}))
    assert {rule for _, rule in problems} & {"identifier", "extension-key"}


@pytest.mark.parametrize("kind", ["new-sdo", "new-sco", "new-sro"])
def test_new_types(kind: str) -> None:
    extensions = {EXTENSION: {"extension_type": kind}}
    assert new_type(extensions) == kind
    assert defines_properties(extensions)


@pytest.mark.parametrize(
    "value", [None, 5, [], {}, {"a": 5}, {"a": {"extension_type": []}}, {"a": {"extension_type": "property-extension"}}]
)
def test_what_defines_nothing(value: Any) -> None:
    assert new_type(value) is None
    assert not defines_properties(value)


def test_an_extension_makes_an_own_type_an_observable() -> None:
    data = {"type": "x-own", "id": ref("x-own"), "extensions": {EXTENSION: {"extension_type": "new-sco"}}}
    assert told(data) == []
    data["extensions"] = {EXTENSION: {"extension_type": "new-sdo"}}
    assert {path for path, rule in told(data) if rule == "required"} == {"created", "modified", "spec_version"}
