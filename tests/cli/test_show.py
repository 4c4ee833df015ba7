"""One object: its bytes, its versions, its neighbours; what is hidden is absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import relationship
from tests.cli.given import OBJECTS
from tests.commands import bundle, kizuna


def test_show_gives_the_bytes_as_they_came(served: Path) -> None:
    raw = kizuna("show", OBJECTS[0]["id"], "--raw", "--data", served).out
    assert json.loads(raw) == OBJECTS[0]
    shown = kizuna("show", OBJECTS[0]["id"], "--data", served, "--json").last()
    assert shown["object"] == OBJECTS[0]
    assert (shown["label"], shown["name"], shown["source"]) == ("TLP:CLEAR", "Aurora", "own")
    assert "Aurora" in kizuna("show", OBJECTS[0]["id"], "--data", served).out


def test_neighbours_are_shown(served: Path) -> None:
    link = relationship(OBJECTS[0], "related-to", OBJECTS[2])
    kizuna("import", "-", "--data", served, input=bundle(link))
    shown = kizuna("show", OBJECTS[0]["id"], "--data", served, "--json").last()
    assert {n["id"] for n in shown["neighbours"]} & {link["id"], OBJECTS[2]["id"]}


def test_hidden_is_shown_to_a_partner_as_absent(served: Path) -> None:
    hidden = kizuna("show", OBJECTS[1]["id"], "--as", "Kyiv", "--data", served)
    absent = kizuna(
        "show", OBJECTS[1]["id"].replace("campaign--", "campaign--0")[:-1], "--as", "Kyiv", "--data", served
    )
    assert hidden.code == absent.code == 3
    assert kizuna("search", "Borealis", "--as", "Kyiv", "--data", served).code == 3
    assert kizuna("search", "Aurora", "--as", "Kyiv", "--data", served).code == 0


@pytest.mark.parametrize("command", [["label", "show"], ["show"], ["explain"]])
def test_an_unknown_object_is_not_found(served: Path, command: list[str]) -> None:
    assert kizuna(*command, "campaign--00000000-0000-4000-8000-000000000000", "--data", served).code == 3
    assert kizuna(*command, "\x00'; drop table object", "--data", served).code == 3


def test_an_unknown_partner_is_not_found(served: Path) -> None:
    for command in (["export"], ["stats"], ["search", "x"], ["show", OBJECTS[0]["id"]], ["explain", OBJECTS[0]["id"]]):
        assert kizuna(*command, "--as", "Oslo", "--data", served).code == 3


def test_a_version_is_shown_by_its_moment(served: Path) -> None:
    newer = {**OBJECTS[0], "modified": "2026-11-01T00:00:00.000Z", "name": "Aurora II"}
    kizuna("import", "-", "--data", served, input=bundle(newer))
    shown = kizuna("show", newer["id"], "--data", served, "--json").last()
    assert (shown["name"], len(shown["versions"])) == ("Aurora II", 2)
    older = kizuna("show", newer["id"], "--version", shown["versions"][1], "--data", served, "--json").last()
    assert older["name"] == "Aurora"
    assert kizuna("show", newer["id"], "--version", "2026-11-02T00:00:00Z", "--data", served).code == 3
    assert kizuna("show", newer["id"], "--version", "soon", "--data", served).code == 2
