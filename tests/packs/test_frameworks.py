"""The shipped frameworks: complete, valid but for the named problems, and ours only where we say so."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

import pytest

from kizuna.formats.pack import PACKED, available, load
from kizuna.stix import check

FRAMEWORKS = ["atlas", "attack-ics", "disarm", "sparta"]


def objects(name: str) -> list[dict[str, Any]]:
    return [thing for bundle in load(name).objects() for thing in json.loads(bundle)["objects"]]


@pytest.mark.parametrize(
    ("name", "count", "kinds"),
    [
        ("attack-ics", 1826, {"attack-pattern": 95, "course-of-action": 52, "malware": 30, "relationship": 1373}),
        ("atlas", 538, {"attack-pattern": 170, "course-of-action": 35, "relationship": 315}),
        ("disarm", 698, {"attack-pattern": 391, "relationship": 288}),
        ("sparta", 1240, {"attack-pattern": 258, "course-of-action": 268, "grouping": 9, "relationship": 703}),
    ],
)
def test_a_framework_is_complete(name: str, count: int, kinds: dict[str, int]) -> None:
    found = Counter(thing["type"] for thing in objects(name))
    assert found.total() == count
    assert {kind: found[kind] for kind in kinds} == kinds


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_object_is_valid_but_for_the_named_list(name: str) -> None:
    named = load(name).known_problems
    contents: dict[str, set[str]] = {}
    broken: dict[str, str] = {}
    for thing in objects(name):
        contents.setdefault(thing["id"], set()).add(json.dumps(thing, sort_keys=True))
        for problem in check(thing):
            if problem.severity == "error":
                broken[thing["id"]] = problem.rule
    broken |= {id: "duplicate-version" for id, texts in contents.items() if len(texts) > 1}
    assert broken == named


def test_the_named_problems_of_atlas_are_two_times_and_thirty_four_ids() -> None:
    assert Counter(load("atlas").known_problems.values()) == {"modified-before-created": 2, "duplicate-version": 34}


def test_disarm_is_corrected_where_it_was_wrong_and_nowhere_else() -> None:
    before = {thing["id"]: thing for thing in json.loads(load("disarm").read("disarm.json.gz"))["objects"]}
    after = {thing["id"]: thing for thing in objects("disarm")}
    assert before.keys() == after.keys()
    for id, thing in after.items():
        if thing["type"] != "attack-pattern":
            assert thing == before[id]
            continue
        assert {phase["kill_chain_name"] for phase in thing["kill_chain_phases"]} == {"disarm"}
        assert thing["external_references"][0]["source_name"] == "DISARM"
        assert "Changed in Kizuna's edition" in thing["external_references"][-1]["description"]
        same = before[id].keys() - {"kill_chain_phases", "external_references", "x_mitre_platforms"}
        assert thing.keys() - {"kill_chain_phases", "external_references"} == same
        assert all(thing[key] == before[id][key] for key in same)


def test_sparta_keeps_tactics_sub_techniques_and_attribution() -> None:
    things = {thing["id"]: thing for thing in objects("sparta")}
    jamming = next(t for t in things.values() if _external_id(t) == "EX-0016.03")
    assert jamming["kill_chain_phases"] == [{"kill_chain_name": "sparta", "phase_name": "execution"}]
    parents = [
        things[thing["target_ref"]]["name"]
        for thing in things.values()
        if thing["type"] == "relationship"
        and (thing["source_ref"], thing["relationship_type"]) == (jamming["id"], "subtechnique-of")
    ]
    assert parents == ["Jamming"]
    assert "Aerospace Corporation" in things[jamming["object_marking_refs"][0]]["definition"]["statement"]


def _external_id(thing: dict[str, Any]) -> Any:
    references = thing.get("external_references") or [{}]
    return references[0].get("external_id")


@pytest.mark.parametrize("name", [pack.name for pack in available()])
def test_every_pack_says_whose_it_is_and_stays_small(name: str) -> None:
    manifest = load(name).manifest
    assert all((manifest.licence, manifest.notice, manifest.source, manifest.title.en, manifest.title.ja))
    for file in (*manifest.files, *manifest.patch.values()):
        packed = (load(name).folder / file).read_bytes()
        assert len(packed) < PACKED
        # The bytes 4 to 8 of a gzip file are its time: none, so that the same content is the same file.
        assert not file.endswith(".gz") or (packed[4:8] == bytes(4) and gzip.decompress(packed))


def test_the_notice_names_every_pack() -> None:
    root = load("groups").folder.joinpath("..", "..")
    notice = root.joinpath("NOTICE").read_text(encoding="utf-8")
    assert [pack.name for pack in available() if f"packs/{pack.name}" not in notice] == []
