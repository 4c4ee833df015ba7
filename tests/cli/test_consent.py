"""`kizuna consent`: asked for and granted at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from kizuna.store import open_store
from kizuna.store.accounts import Accounts
from tests.cli.given import OBJECTS
from tests.commands import kizuna

ID = OBJECTS[0]["id"]


@pytest.fixture
def people(served: Path) -> Path:
    store = open_store(served)
    Accounts(store).add_user("aoki", ("releaser",), by="test")
    Accounts(store).set_password("aoki", "correct horse battery", by="test")
    store.close()
    return served


def test_grant_list_end(people: Path) -> None:
    said = ("--to", "Kyiv", "--for", "CERT Riga", "--data", people)
    empty = kizuna("consent", "list", "--data", people)
    assert empty.out == "no request and no consent\n"
    until = ("--until", "2030-01-01T00:00:00Z", "--by", "aoki")
    done = kizuna("consent", "grant", ID, *said, *until, "--json", input=b"correct horse battery\n")
    assert (done.code, done.last()["kind"], done.last()["objects"]) == (0, "consent", 1)
    assert done.last()["note"] in kizuna("export", "--as", "Kyiv", "--data", people).out
    assert kizuna("consent", "end", ID, *said).out.startswith("Kyiv has it with its next poll: note--")
    lines = kizuna("consent", "list", "--data", people, "--json").lines()
    assert [(line["kind"], line["way"], line["ids"], line["expires"]) for line in lines] == [
        ("consent-end", "sent", [ID], None), ("consent", "sent", [ID], "2030-01-01T00:00:00.000000Z"),
    ]  # fmt: skip
    assert kizuna("doctor", "--full", "--data", people).code == 0


def test_errors(people: Path) -> None:
    said = ("--for", "CERT Riga", "--data", people)
    wrong = kizuna("consent", "grant", ID, "--to", "Kyiv", *said, "--by", "aoki", input=b"wrong\n")
    assert wrong.code == 4
    unknown = ("consent", "grant", OBJECTS[2]["id"], "--to", "Kyiv", *said, "--by", "aoki")
    assert "Kyiv has none of these objects" in kizuna(*unknown, input=b"correct horse battery\n").err
    asked = kizuna("consent", "request", ID, "--from", "Kyiv", *said, "--reason", "x")
    assert (asked.code, asked.err) == (3, f"error: not here, or of somebody else: {ID}\n")
    asked = kizuna("consent", "request", ID, "--from", "Kyiv", *said, "--reason", "x", "--until", "soon")
    assert (asked.code, "RFC 3339" in asked.err) == (2, True)


def test_of_a_whole_label(people: Path) -> None:
    said = ("--label", "TLP:AMBER", "--for", "CERT Riga", "--data", people)
    done = kizuna("consent", "grant", *said, "--to", "Kyiv", "--by", "aoki", "--json", input=b"correct horse battery\n")
    assert (done.code, done.last()["label"], done.last()["kind"]) == (0, "TLP:AMBER", "consent")
    asked = kizuna("consent", "request", *said, "--from", "Kyiv", "--reason", "x", "--json")
    assert (asked.code, asked.last()["label"]) == (0, "TLP:AMBER")
    assert kizuna("consent", "end", *said, "--to", "Kyiv").code == 0
    lines = kizuna("consent", "list", "--data", people, "--json").lines()
    assert [(line["kind"], line["label"], line["ids"]) for line in lines] == [
        (kind, "TLP:AMBER", []) for kind in ("consent-end", "request", "consent")
    ]
    for ids, more in (((), ()), ((ID,), ("--label", "TLP:AMBER"))):
        wrong = kizuna("consent", "end", *ids, *more, "--to", "Kyiv", "--for", "CERT Riga", "--data", people)
        assert (wrong.code, "name objects, or a label" in wrong.err) == (2, True)
    wrong = kizuna("consent", "end", "--label", "TLP:GREEN", "--to", "Kyiv", "--for", "CERT Riga", "--data", people)
    assert (wrong.code, "TLP:AMBER+STRICT" in wrong.err) == (2, True)
