"""`kizuna token`: made once, listed without its secret, ended at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import kizuna


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A node with a person and a partner."""
    where = tmp_path / "node"
    kizuna("init", "--name", "T", "--org", "CERT T (fictional)", "--country", "JP", "--data", where)
    kizuna("user", "add", "sato", "--role", "analyst", "--data", where)
    kizuna("partner", "add", "Brussels", "--org", "CERT B (fictional)", "--country", "BE", "--data", where)
    return where


def test_tokens(folder: Path) -> None:
    made = kizuna(
        "token",
        "create",
        "--user",
        "sato",
        "--scope",
        "read",
        "--scope",
        "write",
        "--expires",
        "12h",
        "--note",
        "script",
        "--data",
        folder,
        "--json",
    ).last()
    assert made["token"].startswith("kzn_")
    assert (made["user"], made["partner"], made["scopes"]) == ("sato", None, ["read", "write"])
    plain = kizuna("token", "create", "--partner", "brussels", "--data", folder)
    assert plain.out.startswith("kzn_")
    assert len(plain.out.split()) == 1
    listed = kizuna("token", "list", "--data", folder, "--json")
    assert [(row["user"], row["partner"], row["ended"]) for row in listed.lines()] == [
        ("sato", None, None),
        (None, "Brussels", None),
    ]
    assert made["token"] not in listed.out
    assert [
        row["partner"] for row in kizuna("token", "list", "--partner", "BRUSSELS", "--data", folder, "--json").lines()
    ] == ["Brussels"]
    assert kizuna("token", "revoke", str(made["number"]), "--data", folder).code == 0
    assert kizuna("token", "revoke", str(made["number"]), "--data", folder).code == 3
    assert kizuna("token", "list", "--user", "sato", "--data", folder, "--json").last()["ended"] is not None


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ([], 2),
        (["--user", "sato", "--partner", "Brussels"], 2),
        (["--user", "nobody"], 3),
        (["--partner", "nobody"], 3),
        (["--user", "sato", "--scope", "everything"], 2),
        (["--partner", "Brussels", "--scope", "release"], 2),
        (["--user", "sato", "--expires", "0d"], 2),
        (["--user", "sato", "--expires", "99999w"], 2),
        (["--user", "sato", "--expires", "soon"], 2),
    ],
)
def test_what_is_no_token(folder: Path, wrong: list[str], code: int) -> None:
    done = kizuna("token", "create", *wrong, "--data", folder)
    assert (done.code, done.out) == (code, "")
