"""Every property of every table, one by one: of another type, null, missing, empty, pointing at the wrong type."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kizuna.stix.checker import CLEAN, check, errors_of
from kizuna.stix.common import META_TABLES, STRUCTS
from kizuna.stix.found import Found
from kizuna.stix.ids import sco_id
from kizuna.stix.objects import DOMAIN, RELATIONSHIP
from kizuna.stix.observables import OBSERVABLES, PREDEFINED, SCO_STRUCTS
from kizuna.stix.properties import Boolean, Extensions, Float, Integer, Kind, ListOf, Ref, Table, Timestamp
from kizuna.stix.rules import RULES
from kizuna.stix.tables import compile_struct
from tests.stix_examples import VALID, Object, changed, ref

TABLES = {**DOMAIN, **RELATIONSHIP, **META_TABLES, **OBSERVABLES}
PROPERTIES = [(kind, name) for kind, table in TABLES.items() for name in table.properties if name != "type"]
REQUIRED = [(kind, name) for kind, table in TABLES.items() for name in sorted(table.required) if name != "type"]
EMBEDDED = {**STRUCTS, **SCO_STRUCTS, **PREDEFINED}
MEMBERS = [(struct, name) for struct, table in EMBEDDED.items() for name in sorted(table.properties)]


def of_kind(wanted: type[Kind], tables: dict[str, Table] = TABLES) -> list[tuple[str, str]]:
    """The properties whose table gives them this kind of value."""
    return [
        (key, name)
        for key, table in tables.items()
        for name, kind in table.properties.items()
        if isinstance(kind, wanted)
    ]


def wrong(kind: Kind) -> Any:
    """A value of another JSON type than the kind has."""
    return "x" if isinstance(kind, Boolean | Integer | Float) else 5


def errors(data: Any) -> dict[str, set[str]]:
    """The rules broken, by path."""
    found: dict[str, set[str]] = {}
    for problem in check(data):
        if problem.severity == "error":
            found.setdefault(problem.path, set()).add(problem.rule)
    return found


@pytest.mark.parametrize(("kind", "name"), PROPERTIES)
def test_value_of_another_type(kind: str, name: str) -> None:
    assert name in errors(changed(kind, **{name: wrong(TABLES[kind].properties[name])}))


@pytest.mark.parametrize(("kind", "name"), PROPERTIES)
def test_null(kind: str, name: str) -> None:
    rules = errors(changed(kind, **{name: None}))[name]
    assert rules & {"null-value", "spec-version"}


@pytest.mark.parametrize(("kind", "name"), REQUIRED)
def test_required_property_missing(kind: str, name: str) -> None:
    assert errors(changed(kind, **{name: ...}))[name] == {"required"}


@pytest.mark.parametrize(("kind", "name"), of_kind(ListOf))
def test_empty_list(kind: str, name: str) -> None:
    assert errors(changed(kind, **{name: []}))[name] == {"list-empty"}


@pytest.mark.parametrize(("kind", "name"), of_kind(ListOf))
def test_element_of_another_type(kind: str, name: str) -> None:
    value = [*VALID[kind].get(name, []), 5]
    assert f"{name}[{len(value) - 1}]" in errors(changed(kind, **{name: value}))


@pytest.mark.parametrize(("kind", "name"), of_kind(Ref))
def test_reference_to_a_type_that_is_not_allowed(kind: str, name: str) -> None:
    assert errors(changed(kind, **{name: ref("bundle")}))[name] == {"reference-type"}


@pytest.mark.parametrize(("kind", "name"), of_kind(Timestamp))
def test_time_that_is_none(kind: str, name: str) -> None:
    assert errors(changed(kind, **{name: "2026-11-31T00:00:00.000Z"}))[name] == {"timestamp"}


@pytest.mark.parametrize(("kind", "name"), of_kind(Extensions))
def test_extensions_are_not_empty(kind: str, name: str) -> None:
    assert errors(changed(kind, **{name: {}}))[name] == {"dictionary-empty"}


@pytest.mark.parametrize(("struct", "name"), MEMBERS)
def test_member_of_another_type(struct: str, name: str) -> None:
    table = EMBEDDED[struct]
    found: list[Found] = []
    compile_struct(table)({name: wrong(table.properties[name])}, found)
    assert name in [path for _, path, _, _ in found]


@pytest.mark.parametrize("struct", EMBEDDED)
def test_structure_that_is_empty_or_no_object(struct: str) -> None:
    values: list[Any] = [{}, [], "x", None]
    for value in values:
        found: list[Found] = []
        compile_struct(EMBEDDED[struct])(value, found)
        assert found
        assert all(RULES[rule].severity == "error" for rule, *_ in found)


def test_all_problems_of_an_object_are_reported() -> None:
    data = changed("indicator", created="no", valid_from=None, labels=[], pattern=..., confidence=-1, revoked=1)
    assert errors(data).keys() == {
        "created",
        "valid_from",
        "labels",
        "pattern",
        "confidence",
        "revoked",
        *_selected(data),
    }


def _selected(data: Object) -> set[str]:
    """The mark on the label that is gone."""
    return {"granular_markings[0].selectors[0]"}


def test_paths_lead_into_lists_and_extensions() -> None:
    data = copy.deepcopy(VALID["file"])
    data["extensions"]["windows-pebinary-ext"]["sections"].append({"name": "b", "hashes": {"MD5": "x"}})
    assert errors(data) == {"extensions.windows-pebinary-ext.sections[1].hashes.MD5": {"hash-value"}}


def test_clean_objects_share_one_list() -> None:
    assert check(VALID["campaign"]) is CLEAN
    assert CLEAN == []


@pytest.mark.parametrize("kind", [None, 5, "", "a", [], {}, "x" * 300, "campaign\n"])
def test_any_type_is_answered(kind: Any) -> None:
    assert errors({"type": kind, "id": ref("campaign")})


def test_own_type_with_extension_is_clean() -> None:
    base = {"type": "x-acme-sensor", "id": ref("x-acme-sensor"), "spec_version": "2.1", "acme_rank": 5}
    definition = {ref("extension-definition"): {"extension_type": "new-sco"}}
    assert check({**base, "extensions": definition}) == []
    assert {one.rule for one in check(base)} == {"custom-object", "custom-property"}


def test_top_level_extension_defines_own_properties() -> None:
    definition = {ref("extension-definition"): {"extension_type": "toplevel-property-extension"}}
    assert check(changed("campaign", rank=5, extensions=definition)) == []
    assert errors(changed("campaign", rank=None, extensions=definition)) == {"rank": {"null-value"}}


def test_references_by_key_inside_embedded_observables() -> None:
    domain = {"type": "domain-name", "value": "example.com", "resolves_to_refs": ["1"]}
    address = {"type": "ipv4-addr", "value": "198.51.100.3"}
    objects: Object = {key: {**one, "id": sco_id(one)} for key, one in (("0", domain), ("1", address))}
    data = changed("observed-data", object_refs=..., objects=objects)
    assert errors(data) == {}
    objects["0"]["resolves_to_refs"] = ["0", "7"]
    assert errors(data) == {"objects.0.resolves_to_refs[1]": {"identifier"}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(VALID)), st.data())
def test_nothing_raises(kind: str, data: st.DataObject) -> None:
    one = copy.deepcopy(VALID[kind])
    names = [*TABLES[kind].properties, "x_own", "Own", "type"]
    for name in data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=4)):
        one[name] = data.draw(JSON)
    for problem in check(one):
        assert problem.rule in RULES
        assert problem.path
        assert problem.message


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_anything_is_answered(value: Any) -> None:
    assert any(problem.severity == "error" for problem in check(value))


@pytest.mark.parametrize(("kind", "name"), PROPERTIES)
def test_errors_are_what_check_finds_without_its_warnings(kind: str, name: str) -> None:
    values: tuple[Any, ...] = (None, 5, [], "x--", {"a": None})
    for value in values:
        data = changed(kind, **{name: value, "x_own": value})
        assert errors_of(data) == [one for one in check(data) if one.severity == "error"]
