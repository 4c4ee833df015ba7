"""`kizuna release sanitise`: suggestions, what would leave, and the version that is made when somebody says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kizuna.store import open_store
from tests.builders import AMBER, RED, campaign, identity, named, relationship
from tests.commands import Done, bundle, kizuna

VICTIM = identity("Harbour Board", object_marking_refs=[RED])
ONE = campaign(
    "Amber Lantern", description="Harbour Board first", objective="berth schedules", object_marking_refs=[AMBER]
)
CUT = ("--cut", "description", "--label", "TLP:CLEAR")


@pytest.fixture
def port(served: Path) -> Path:
    """A campaign against somebody whom the partner may not know."""
    link = relationship(ONE, "targets", VICTIM, object_marking_refs=[RED])
    kizuna("import", "-", "--data", served, input=bundle(VICTIM, ONE, link))
    return served


def sanitise(folder: Path, *words: str) -> Done:
    return kizuna("release", "sanitise", ONE["id"], "--as", "Kyiv", *words, "--data", folder)


def versions(folder: Path) -> int:
    store = open_store(folder)
    try:
        return len(store.custodian().history(ONE["id"]).items)
    finally:
        store.close()


def test_suggestions_and_what_remains(port: Path) -> None:
    done = sanitise(port)
    assert (done.code, done.err) == (0, "nothing was stored\n")
    assert done.out.splitlines() == [
        f"{ONE['id']}: TLP:AMBER; Kyiv does not get it whole (no category names the partner, and its setting does not receive this)",
        "  description: Harbour Board first (it is or names a victim; what is withheld elsewhere stands in it)",
        "cut: description",
        "then, if a label lets the rest leave: in part; what remains: type, spec_version, id, created, modified, name, objective, "
        "object_marking_refs",
        "which label is enough for the rest, people say: give it with --label",
    ]


def test_it_is_shown_then_made(port: Path) -> None:
    before = versions(port)
    told = sanitise(port, *CUT)
    assert told.code == 0
    assert told.err.endswith("nothing was stored\n")
    assert told.out.splitlines()[-2:] == [
        "TLP:CLEAR opens the rest for all whom it allows; partners who may have more than before: 1, less: 0",
        "Kyiv: withheld, then in part",
    ]
    assert versions(port) == before
    refused = sanitise(port, *CUT, "--apply")  # nobody is there to be asked
    assert (refused.code, versions(port)) == (2, before)
    assert "say --yes" in refused.err
    done = sanitise(port, "--cut-suggested", "--label", "TLP:CLEAR", "--apply", "--yes", "--json").last()
    assert (done["stored"], done["verdict"], versions(port)) == (True, "rendition", before + 1)
    kizuna("user", "add", "aoki", "--role", "releaser", "--data", port)
    item = kizuna("release", "outbox", ONE["id"], "--as", "Kyiv", "--data", port, "--json").last()
    assert (item["state"], item["form"], item["redacted"]) == ("unproposed", "rendition", ["description"])
    assert "Harbour" not in json.dumps(done["rendition"])
    acts = [line["act"] for line in kizuna("audit", "list", "--data", port, "--json").lines()]
    assert "sanitise" in acts
    assert kizuna("doctor", "--full", "--data", port).code == 0


def test_errors(port: Path) -> None:
    for words in (
        ("--apply",),
        ("--cut", "description", "--apply"),
        ("--yes",),
        ("--keep", "TLP:RED"),
        ("--cut", "nothing"),
    ):
        assert sanitise(port, *words).code == 2, words
    assert sanitise(port, "--cut", "description", "--label", "TLP:CLEAR", "--keep", "PUBLIC").code == 2
    assert sanitise(port, "--cut", "description", "--label", "TLP:AMBER", "--apply", "--yes").code == 4
    unknown = ("release", "sanitise", named("campaign", "unknown"), "--as")
    assert kizuna(*unknown, "Kyiv", "--data", port).code == 3
    assert kizuna("release", "sanitise", ONE["id"], "--as", "Nobody", "--data", port).code == 3
