"""`kizuna user`: people, links, passwords, sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from kizuna.store import open_store
from kizuna.store.accounts import Accounts
from tests.commands import kizuna


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A node made on the command line."""
    where = tmp_path / "node"
    assert kizuna("init", "--name", "T", "--org", "CERT T (fictional)", "--country", "JP", "--data", where).code == 0
    assert kizuna("user", "add", "sato", "--role", "analyst", "--role", "reader", "--data", where).code == 0
    return where


def test_people_are_added_listed_and_removed(folder: Path) -> None:
    added = kizuna(
        "user",
        "add",
        "b.tanaka",
        "--role",
        "reader",
        "--language",
        "ja",
        "--clearance",
        "TLP:RED",
        "--data",
        folder,
        "--json",
    )
    assert (added.code, added.last()["roles"], added.last()["clearances"]) == (0, ["reader"], ["TLP:RED"])
    listed = kizuna("user", "list", "--data", folder, "--json").lines()
    assert [(row["name"], row["password"]) for row in listed if row["name"] != "owner"] == [
        ("b.tanaka", False),
        ("sato", False),
    ]
    assert "sato" in kizuna("user", "list", "--data", folder).out
    assert kizuna("user", "remove", "sato", "--data", folder, "--json").code == 0
    assert kizuna("user", "remove", "sato", "--data", folder).code == 3
    assert kizuna("user", "add", "sato", "--role", "reader", "--data", folder).code == 1


@pytest.mark.parametrize(
    "wrong",
    [["x"], ["x", "--role", "king"], ["a b", "--role", "reader"], ["x", "--role", "reader", "--clearance", "SECRET"]],
)
def test_what_cannot_be_added(folder: Path, wrong: list[str]) -> None:
    assert kizuna("user", "add", *wrong, "--data", folder).code == 2


def test_people_of_a_partner(folder: Path) -> None:
    partner = ("partner", "add", "Kyiv", "--org", "CERT K (fictional)", "--country", "UA", "--data", folder)
    assert kizuna(*partner).code == 0
    added = kizuna("user", "add", "olena", "--partner", "kyiv", "--data", folder, "--json")
    assert (added.code, added.last()["partner"], added.last()["roles"]) == (0, "Kyiv", [])
    listed = kizuna("user", "list", "--data", folder, "--json").lines()
    assert [(row["name"], row["partner"]) for row in listed] == [("owner", None), ("sato", None), ("olena", "Kyiv")]
    assert "/login/kzl_" in kizuna("user", "link", "olena", "--data", folder).out
    said = kizuna("user", "add", "petro", "--partner", "Kyiv", "--data", folder)
    assert "petro of Kyiv is added" in said.out
    assert kizuna("user", "add", "x", "--partner", "Nobody", "--data", folder).code == 3
    assert kizuna("user", "add", "x", "--data", folder).code == 2
    for more in (["--role", "reader"], ["--clearance", "TLP:RED"]):
        assert kizuna("user", "add", "x", "--partner", "Kyiv", *more, "--data", folder).code == 2
    assert kizuna("user", "roles", "olena", "--role", "operator", "--data", folder).code == 4
    assert kizuna("token", "create", "--user", "olena", "--data", folder).code == 2
    assert kizuna("partner", "remove", "Kyiv", "--data", folder).code == 0
    assert kizuna("user", "link", "olena", "--data", folder).code == 3


def test_they_are_told_of_in_japanese(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kizuna("partner", "add", "Kyiv", "--org", "CERT K", "--country", "UA", "--data", folder).code == 0
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    said = kizuna("user", "add", "olena", "--partner", "Kyiv", "--data", folder)
    assert "Kyivのolenaを追加しました" in said.out


def test_a_link_lets_in_once(folder: Path) -> None:
    url = kizuna("user", "link", "sato", "--data", folder, "--url", "https://node.example/", "--json").last()[
        "login_url"
    ]
    assert url.startswith("https://node.example/login/kzl_")
    assert kizuna("user", "link", "nobody", "--data", folder).code == 3
    assert kizuna("user", "link", "sato", "--hours", "0", "--data", folder).code == 2
    store = open_store(folder)
    user = Accounts(store).use_link(url.rpartition("/")[2])
    store.close()
    assert user is not None
    assert user.name == "sato"


def test_passwords_come_from_a_file_never_from_a_flag(folder: Path) -> None:
    done = kizuna("user", "password", "sato", "--file", "-", "--data", folder, input=b"correct horse battery\nmore\n")
    assert (done.code, "horse" in done.out + done.err) == (0, False)
    assert kizuna("user", "password", "sato", "--file", "-", "--data", folder, input=b"short\n").code == 2
    assert kizuna("user", "password", "sato", "--data", folder).code == 2
    store = open_store(folder)
    assert Accounts(store).check_password("sato", "correct horse battery") is not None
    store.close()


def test_sessions_are_listed_and_ended(folder: Path) -> None:
    store = open_store(folder)
    Accounts(store).open_session("sato", how="test", note="a browser")
    store.close()
    (session,) = kizuna("user", "sessions", "SATO", "--data", folder, "--json").lines()
    assert (session["note"], session["ended"]) == ("a browser", None)
    ended = kizuna("user", "sessions", "sato", "--end", str(session["number"]), "--data", folder, "--json").last()
    assert ended["ended"] is not None
    assert kizuna("user", "sessions", "sato", "--end", str(session["number"]), "--data", folder).code == 3


def test_the_last_operator_stays(folder: Path) -> None:
    store = open_store(folder)
    Accounts(store).owner(by="test")
    store.close()
    assert kizuna("user", "roles", "sato", "--role", "reader", "--data", folder, "--json").last()["roles"] == ["reader"]
    assert kizuna("user", "roles", "sato", "--role", "operator", "--data", folder).code == 0
    names = [
        row["name"] for row in kizuna("user", "list", "--data", folder, "--json").lines() if "operator" in row["roles"]
    ]
    *others, last = names
    for name in others:
        assert kizuna("user", "remove", name, "--data", folder).code == 0
    assert kizuna("user", "remove", last, "--data", folder).code == 4
