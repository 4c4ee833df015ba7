from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kizuna.errors import InvalidInput
from kizuna.formats.galaxy import Conversion, convert, decode_cluster
from kizuna.stix.checker import check

IDENTITY = {"type": "identity", "id": "identity--4a2f0c53-0b5e-4d0c-9e0b-7b1c9a63d1f4"}
MARKING = {"type": "marking-definition", "id": "marking-definition--b2cb6a3a-53a5-4a57-9a43-5f6a3b0f6a0e"}
DAY = "2026-08-06T00:00:00.000Z"
HOW = Conversion(
    name="DEMO",
    types={"techniques": "attack-pattern", "mitigations": "course-of-action", "tactics": "grouping"},
    identity=IDENTITY,
    marking=MARKING,
    created=DAY,
    linked=r"https://demo\.example/threats/(SV-\d+)",
    dropped=frozenset({"https://demo.example/nan"}),
)
PARENT, CHILD, THREAT, CURE, TACTIC = (str(uuid.UUID(int=n << 96 | 4 << 76 | 8 << 60)) for n in range(1, 6))


def cluster(type: str, *values: dict[str, Any]) -> bytes:
    return json.dumps({"type": type, "name": type, "source": "demo", "values": list(values)}).encode()


TECHNIQUES = cluster(
    "techniques",
    {
        "uuid": PARENT,
        "value": "Jam",
        "description": "['Raises the noise floor.']",
        "meta": {
            "external_id": "EX-1",
            "kill_chain": ["demo:execution"],
            "refs": [
                "https://demo.example/technique/EX-1/",
                "https://demo.example/threats/SV-1",
                "A. Author. A paper, 1999.",
            ],
        },
    },
    {"uuid": CHILD, "value": "Jam the uplink", "meta": {"external_id": "EX-1.01", "kill_chain": ["demo:execution"]}},
    {
        "uuid": THREAT,
        "value": "SV-1",
        "meta": {
            "external_id": "SV-1",
            "refs": ["https://capec.mitre.org/data/definitions/559.html", "https://demo.example/nan"],
        },
    },
)
MITIGATIONS = cluster(
    "mitigations", {"uuid": CURE, "value": "Hop", "related": [{"dest-uuid": PARENT, "type": "mitigates"}]}
)
TACTICS = cluster("tactics", {"uuid": TACTIC, "value": "Execution", "meta": {"shortname": "execution"}})


def objects() -> list[dict[str, Any]]:
    return list(convert([decode_cluster(data, file="x") for data in (TACTICS, TECHNIQUES, MITIGATIONS)], HOW))


def one(identifier: str) -> dict[str, Any]:
    return next(thing for thing in objects() if thing["id"] == identifier)


def test_identity_and_marking_come_first() -> None:
    assert objects()[:2] == [IDENTITY, MARKING]


def test_a_technique_keeps_its_uuid_and_its_tactic_becomes_a_phase() -> None:
    made = one(f"attack-pattern--{PARENT}")
    assert made["kill_chain_phases"] == [{"kill_chain_name": "demo", "phase_name": "execution"}]
    assert (made["created"], made["modified"], made["created_by_ref"]) == (DAY, DAY, IDENTITY["id"])
    assert made["object_marking_refs"] == [MARKING["id"]]


def test_a_description_written_as_a_list_is_taken_out_and_a_paper_stays_in_the_text() -> None:
    assert one(f"attack-pattern--{PARENT}")["description"] == "Raises the noise floor.\n\nA. Author. A paper, 1999."


def test_references_name_the_framework_first_then_the_galaxy_then_the_web() -> None:
    assert one(f"attack-pattern--{PARENT}")["external_references"] == [
        {"source_name": "DEMO", "external_id": "EX-1", "url": "https://demo.example/technique/EX-1/"},
        {"source_name": "misp-galaxy", "external_id": PARENT},
        {"source_name": "demo.example", "url": "https://demo.example/threats/SV-1"},
    ]


def test_a_reference_to_capec_is_named_as_the_standard_asks_and_a_dead_one_is_dropped() -> None:
    assert one(f"attack-pattern--{THREAT}")["external_references"][2:] == [
        {
            "source_name": "capec",
            "external_id": "CAPEC-559",
            "url": "https://capec.mitre.org/data/definitions/559.html",
        }
    ]


def test_a_tactic_groups_its_techniques() -> None:
    tactic = one(f"grouping--{TACTIC}")
    assert tactic["object_refs"] == [f"attack-pattern--{PARENT}", f"attack-pattern--{CHILD}"]
    assert tactic["external_references"][0] == {"source_name": "DEMO", "external_id": "execution"}


def test_relationships_are_those_stated_those_of_dotted_ids_and_those_of_linked_references() -> None:
    found = {
        (thing["source_ref"], thing["relationship_type"], thing["target_ref"])
        for thing in objects()
        if thing["type"] == "relationship"
    }
    assert found == {
        (f"course-of-action--{CURE}", "mitigates", f"attack-pattern--{PARENT}"),
        (f"attack-pattern--{CHILD}", "subtechnique-of", f"attack-pattern--{PARENT}"),
        (f"attack-pattern--{PARENT}", "related-to", f"attack-pattern--{THREAT}"),
    }


def test_the_same_clusters_give_the_same_objects() -> None:
    assert objects() == objects()
    identifiers = [thing["id"] for thing in objects()]
    assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b"[1]", "$"),
        (b"{", "$"),
        (b"[" * 100_000, "$"),
        (cluster("techniques", {"uuid": "../../x", "value": "x"}), "$.values[0].uuid"),
        (cluster("techniques", {"uuid": PARENT, "value": 7}), "$.values[0].value"),
    ],
)
def test_what_is_no_cluster_is_one_error_with_file_and_path(data: bytes, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_cluster(data, file="galaxy.json")
    assert (caught.value.file, caught.value.path) == ("galaxy.json", path)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode_cluster(b"\x00" + data, file="x")


@given(
    refs=st.lists(
        st.text(max_size=40) | st.text(max_size=20).map(lambda text: f"https://demo.example/{text}"), max_size=5
    ),
    name=st.text(min_size=1, max_size=20),
)
@example(
    refs=["https://demo.example/100%", "https://[demo", "https://demo.example/#a#b", "https://例え.example/"], name="x"
)
def test_whatever_the_references_are_the_object_is_valid_stix(refs: list[str], name: str) -> None:
    data = cluster("techniques", {"uuid": PARENT, "value": name, "meta": {"refs": refs}})
    made = list(convert([decode_cluster(data, file="x")], HOW))[2]
    assert [problem for problem in check(made) if problem.severity == "error"] == []
    addresses = [reference.get("url") for reference in made["external_references"]]
    plain = [ref for ref in refs if not ref.startswith("http") and ref.strip()]
    assert all(ref.strip() in made["description"] for ref in plain)
    assert ("https://demo.example/" in refs) == ("https://demo.example/" in addresses)
