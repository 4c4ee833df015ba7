"""`kizuna purge`: two people prove who they are, and what was destroyed is in no file of the node."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kizuna.store import open_store
from kizuna.store.accounts import ROLES, Accounts
from tests.builders import campaign
from tests.cli.given import OBJECTS, exported
from tests.commands import Done, bundle, kizuna

ID = OBJECTS[0]["id"]
PASSWORD = {"first": "correct horse battery", "second": "another long password"}


@pytest.fixture
def people(served: Path) -> Path:
    """Two operators with passwords, and a reader with one."""
    store = open_store(served)
    for name in ("first", "second"):
        Accounts(store).add_user(name, ROLES, by="test")
        Accounts(store).set_password(name, PASSWORD[name], by="test")
    Accounts(store).add_user("reader", ["reader"], by="test")
    Accounts(store).set_password("reader", PASSWORD["first"], by="test")
    store.close()
    return served


def said(folder: Path, who: str, *words: str, password: str | None = None) -> Done:
    """A verb of purge by somebody's password."""
    given = (password or PASSWORD[who]).encode() + b"\n"
    return kizuna("purge", *words, "--as", who, "--data", folder, "--json", input=given)


def test_two_operators_destroy_an_object(people: Path) -> None:
    proposed = said(people, "first", "propose", ID, "--reason", "by order of the court")
    assert proposed.code == 0, proposed.err
    assert (proposed.last()["number"], proposed.last()["versions"], proposed.last()["id"]) == (1, 1, ID)
    done = said(people, "second", "confirm", "1")
    assert done.code == 0, done.err
    assert (done.last()["state"], done.last()["versions"], done.last()["scrubbed"]) == ("done", 1, True)
    assert ID not in exported(people)
    assert not [file.name for file in people.iterdir() if file.is_file() and b"Aurora" in file.read_bytes()]
    assert [line["id"] for line in kizuna("purge", "list", "--data", people, "--json").lines()] == [None]
    assert kizuna("doctor", "--data", people).code == 0


def test_one_operator_alone_does_not(people: Path) -> None:
    assert said(people, "first", "propose", ID, "--reason", "x").code == 0
    assert said(people, "first", "confirm", "1").code == 4
    assert said(people, "second", "confirm", "1", password=PASSWORD["first"]).code == 4
    assert kizuna("purge", "confirm", "1", "--data", people).code == 2  # the keeper of the folder is nobody here
    assert said(people, "reader", "confirm", "1", password=PASSWORD["first"]).code == 4
    assert ID in exported(people)


def test_the_keeper_s_new_password_for_the_second_is_noticed(people: Path) -> None:
    assert said(people, "first", "propose", ID, "--reason", "x").code == 0
    changed = kizuna("user", "password", "second", "--file", "-", "--data", people, input=b"made by the keeper\n")
    assert changed.code == 0
    done = said(people, "second", "confirm", "1", password="made by the keeper")
    assert (done.code, "let second in" in done.err) == (4, True)
    assert ID in exported(people)


def test_a_token_speaks_for_a_person(people: Path, tmp_path: Path) -> None:
    tokens = {}
    for scope in ("operate", "read"):
        made = kizuna("token", "create", "--user", "second", "--scope", scope, "--data", people, "--json")
        tokens[scope] = tmp_path / scope
        tokens[scope].write_text(made.last()["token"])
    assert said(people, "first", "propose", ID, "--reason", "x").code == 0
    for file, more, code in (("read", (), 4), ("operate", ("--as", "first"), 4), ("operate", (), 0)):
        done = kizuna("purge", "confirm", "1", "--token-file", tokens[file], *more, "--data", people)
        assert done.code == code, done.err
    assert ID not in exported(people)


def test_it_is_cancelled_and_lifted(people: Path) -> None:
    assert said(people, "first", "propose", ID, "--reason", "x").code == 0
    assert said(people, "second", "cancel", "1").last()["state"] == "cancelled"
    assert said(people, "second", "confirm", "1").code == 1
    assert said(people, "first", "propose", ID, "--reason", "x").code == 0
    assert said(people, "second", "confirm", "2").code == 0
    again = kizuna("import", "-", "--data", people, "--json", input=bundle(OBJECTS[0], campaign("new")))
    assert again.code == 6
    assert "destroyed" in again.lines()[0]["errors"][0]["message"]
    assert said(people, "first", "lift", ID).last()["state"] == "lifted"
    assert said(people, "first", "lift", ID).code == 1
    assert kizuna("import", "-", "--data", people, "--json", input=bundle(OBJECTS[0])).code == 0
    assert ID in exported(people)


def test_scrubbing_by_itself(people: Path) -> None:
    assert kizuna("purge", "scrub", "--if-due", "--data", people, "--json").last() == {"scrubbed": False}
    assert kizuna("purge", "scrub", "--data", people, "--json").last() == {"scrubbed": True}


@pytest.mark.parametrize(
    "words", [("propose", "x", "--reason", "x"), ("propose", ID, "--reason", "\x1b[1m"), ("confirm", "9")]
)
def test_what_makes_no_sense_is_one_clear_line(people: Path, words: tuple[str, ...]) -> None:
    done = said(people, "first", *words)
    assert done.code in (2, 3)
    assert json.dumps(done.err).count("error") == 1
