"""STIX 2.0 becomes 2.1, and what was marked stays marked."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.stix.checker import check
from kizuna.stix.lift import is_20, lift, lift_all
from tests.counting import lines_run

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"


def observed(objects: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "observed-data",
        "id": "observed-data--b67d30ff-02ac-498a-92f9-32f845f448cf",
        "created": "2016-04-06T19:58:16.000Z",
        "modified": "2016-04-06T19:58:16.000Z",
        "first_observed": "2015-12-21T19:00:00Z",
        "last_observed": "2015-12-21T19:00:00Z",
        "number_observed": 1,
        "objects": objects,
        **more,
    }


def sdo(kind: str, **more: Any) -> dict[str, Any]:
    moment = "2016-04-06T19:58:16.000Z"
    return {
        "type": kind,
        "id": f"{kind}--b67d30ff-02ac-498a-92f9-32f845f448cf",
        "created": moment,
        "modified": moment,
        **more,
    }


def errors(data: dict[str, Any]) -> list[str]:
    return [f"{p.rule} {p.path}: {p.message}" for p in check(data) if p.severity == "error"]


VERSIONS = [
    ({"type": "indicator"}, True),
    ({"type": "indicator", "spec_version": "2.0"}, True),
    ({"type": "indicator", "spec_version": "2.1"}, False),
    ({"type": "ipv4-addr"}, False),
    ({"type": "grouping"}, False),
    ({"type": "x-own", "created": "2016-04-06T19:58:16.000Z"}, True),
    ({"type": "x-own"}, False),
    ({"type": ["indicator"]}, False),
    ({"type": ["indicator"], "spec_version": "2.0"}, False),
    ({}, False),
]


@pytest.mark.parametrize(("data", "expected"), VERSIONS)
def test_what_is_20(data: dict[str, Any], expected: bool) -> None:
    assert is_20(data) is expected


LIFTED = [
    (
        sdo("indicator", labels=["malicious-activity"], pattern="[a:b = 1]", valid_from="2016-01-01T00:00:00Z"),
        {"indicator_types": ["malicious-activity"], "pattern_type": "stix", "pattern_version": "2.0", "labels": None},
    ),
    (
        sdo("malware", name="m", labels=["trojan", "own"]),
        {"malware_types": ["trojan"], "labels": ["own"], "is_family": True},
    ),
    (sdo("tool", name="t", labels=["own"]), {"tool_types": None, "labels": ["own"]}),
    (sdo("threat-actor", name="t", labels=["hacker"]), {"threat_actor_types": ["hacker"]}),
    (
        sdo("report", name="r", labels=["campaign"], published="2016-01-01T00:00:00Z", object_refs=[sdo("tool")["id"]]),
        {"report_types": ["campaign"]},
    ),
    (sdo("identity", name="i", identity_class="group", labels=["responder"]), {"roles": ["responder"], "labels": None}),
    (sdo("x-own", property_of_mine="m"), {"property_of_mine": "m"}),
]


@pytest.mark.parametrize(("old", "expected"), LIFTED)
def test_properties_that_changed(old: dict[str, Any], expected: dict[str, Any]) -> None:
    before = copy.deepcopy(old)
    new = lift(old)
    assert old == before, "what is lifted is not changed"
    assert {name: new.get(name) for name in expected} == expected
    assert new["spec_version"] == "2.1"
    if new["type"] != "x-own":  # 2.1 wants own types declared by an extension
        assert errors(new) == []


def test_tlp_gets_its_name() -> None:
    old = {"type": "marking-definition", "id": GREEN, "created": "2017-01-20T00:00:00.000Z"}
    assert lift(old | {"definition_type": "tlp", "definition": {"tlp": "green"}})["name"] == "TLP:GREEN"


def test_observables_become_objects_with_deterministic_ids() -> None:
    new, *observables = lift_all(
        observed(
            {
                "0": {"type": "network-traffic", "src_ref": "1", "dst_ref": "2", "protocols": ["tcp"]},
                "1": {"type": "ipv4-addr", "value": "198.51.100.3"},
                "2": {"type": "domain-name", "value": "example.com", "resolves_to_refs": ["1"]},
            }
        )
    )
    assert new["object_refs"] == [one["id"] for one in observables]
    assert "objects" not in new
    traffic, address, domain = observables
    assert address["id"] == "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"
    assert traffic["src_ref"] == address["id"]
    assert domain["resolves_to_refs"] == [address["id"]]
    assert [errors(one) for one in (new, *observables)] == [[]] * 4
    assert lift_all(observed({"0": {"type": "ipv4-addr", "value": "198.51.100.3"}}))[1]["id"] == address["id"]


def test_observables_of_20_take_the_names_of_21() -> None:
    objects = {
        "0": {
            "type": "file",
            "name": "a",
            "hashes": {"ssdeep": "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C"},
            "created": "2016-12-21T19:00:00Z",
            "parent_directory_ref": "1",
        },
        "1": {"type": "directory", "path": "/tmp/a", "accessed": "2016-12-21T19:00:00Z"},
        "2": {"type": "process", "pid": 5, "name": "n", "created": "2016-12-21T19:00:00Z", "binary_ref": "0"},
        "3": {"type": "user-account", "user_id": "1", "password_last_changed": "2016-12-21T19:00:00Z"},
        "4": {"type": "windows-registry-key", "key": "HKEY_LOCAL_MACHINE\\a", "modified": "2016-12-21T19:00:00Z"},
        "5": {
            "type": "network-traffic",
            "protocols": ["http"],
            "src_ref": "6",
            "extensions": {
                "http-request-ext": {
                    "request_method": "get",
                    "request_value": "/",
                    "request_header": {"Host": "example.com"},
                }
            },
        },
        "6": {"type": "ipv4-addr", "value": "198.51.100.3"},
    }
    _, file, directory, process, account, key, traffic, _ = lift_all(observed(objects))
    assert file["ctime"] == "2016-12-21T19:00:00Z"
    assert list(file["hashes"]) == ["SSDEEP"]
    assert directory["atime"] == "2016-12-21T19:00:00Z"
    assert process["image_ref"] == file["id"]
    assert process["x_name"] == "n"
    assert account["credential_last_changed"] == "2016-12-21T19:00:00Z"
    assert key["modified_time"] == "2016-12-21T19:00:00Z"
    assert traffic["extensions"]["http-request-ext"]["request_header"] == {"Host": ["example.com"]}
    for one in (file, directory, process, account, key, traffic):
        assert errors(one) == []


def test_cycles_and_processes_get_the_same_ids_each_time() -> None:
    objects = {
        "0": {"type": "directory", "path": "/a", "contains_refs": ["1"]},
        "1": {"type": "file", "name": "f", "parent_directory_ref": "0"},
        "2": {"type": "process", "pid": 1},
    }
    first, second = lift_all(observed(objects)), lift_all(observed(objects))
    assert first == second
    _, directory, file, _ = first
    assert directory["contains_refs"] == [file["id"]]
    assert file["parent_directory_ref"] == directory["id"]


def test_a_chain_of_ten_thousand_references_is_no_recursion() -> None:
    objects = {str(i): {"type": "file", "name": "f", "parent_directory_ref": str(i + 1)} for i in range(10_000)}
    assert len(lift_all(observed(objects))) == 10_001


def test_marks_of_the_whole_cover_what_was_inside() -> None:
    objects = {"0": {"type": "ipv4-addr", "value": "198.51.100.3"}}
    assert lift_all(observed(objects, object_marking_refs=[RED]))[1]["object_marking_refs"] == [RED]


MARKS = [
    (["objects"], [RED], [RED], ["object_refs"]),
    (["objects.0"], [RED], None, ["object_refs.[0]"]),
    (["objects.7"], None, None, ["object_refs"]),
    (["first_observed"], None, None, ["first_observed"]),
]


@pytest.mark.parametrize(("selectors", "first", "second", "kept"), MARKS)
def test_granular_marks_follow_what_they_select(
    selectors: list[str], first: list[str] | None, second: list[str] | None, kept: list[str]
) -> None:
    objects = {"0": {"type": "ipv4-addr", "value": "198.51.100.3"}, "1": {"type": "mutex", "name": "m"}}
    new, one, other = lift_all(observed(objects, granular_markings=[{"marking_ref": RED, "selectors": selectors}]))
    assert one.get("object_marking_refs") == first
    assert other.get("object_marking_refs") == second
    assert new["granular_markings"] == [{"marking_ref": RED, "selectors": kept}]
    assert errors(new) == []


def test_granular_marks_inside_of_an_observable_move_with_their_property() -> None:
    marks = [{"marking_ref": RED, "selectors": ["objects.0.created", "objects.0.hashes.ssdeep", "objects.0.name"]}]
    file = {"type": "file", "name": "f", "created": "2016-12-21T19:00:00Z", "hashes": {"ssdeep": "3:a:b"}}
    new, lifted = lift_all(observed({"0": file}, granular_markings=marks))
    assert "granular_markings" not in new
    assert [mark["selectors"] for mark in lifted["granular_markings"]] == [["ctime"], ["name"]]
    assert lifted["object_marking_refs"] == [RED], "a mark whose property was respelled covers the whole object"


NAMES = st.sampled_from(
    """type id objects labels granular_markings object_marking_refs selectors marking_ref hashes extensions definition
    a_ref b_refs 0 spec_version request_header""".split()  # noqa: SIM905
)
TEXTS = st.sampled_from(
    ["observed-data", "file", "0", "objects.0", "objects.0.a_ref", "objects", RED, "2.0", "", "a.[0]"]
)
HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=30,
)


@given(st.dictionaries(NAMES, HOSTILE), HOSTILE, st.dictionaries(st.sampled_from("01"), HOSTILE), HOSTILE)
def test_nothing_raises_whatever_comes(data: dict[str, Any], marks: Any, objects: dict[str, Any], refs: Any) -> None:
    for one in (data, {**observed(objects), "granular_markings": marks, "object_marking_refs": refs}):
        before = json.dumps(one)
        is_20(one)
        assert lift_all(one)[0]["spec_version"] == "2.1"
        assert json.dumps(one) == before


def directories(number: int) -> dict[str, Any]:
    """Directories that each contain all of them, themselves too."""
    keys = [str(i) for i in range(number)]
    objects = {key: {"type": "directory", "path": f"p{key}", "contains_refs": keys} for key in keys}
    return {"type": "observed-data", "id": "observed-data--1", "created": "2026-01-01T00:00:00Z", "objects": objects}


def test_a_web_of_references_is_lifted_in_one_look_at_each() -> None:
    small, large = (lines_run(lambda n=n: lift_all(directories(n))) for n in (30, 60))  # type: ignore[misc]
    assert large < 5 * small  # four times the references


def test_marks_times_observables_are_not_multiplied_out() -> None:
    data = directories(150)
    for one in data["objects"].values():
        del one["contains_refs"]
    data["object_marking_refs"] = [f"marking-definition--{i}" for i in range(1_000)]
    assert lift_all(data) == [{**data, "spec_version": "2.1"}]
    del data["object_marking_refs"]
    data["granular_markings"] = [
        {"marking_ref": f"marking-definition--{i}", "selectors": ["objects"]} for i in range(1_000)
    ]
    assert lift_all(data) == [{**data, "spec_version": "2.1"}]
