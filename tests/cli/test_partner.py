"""`kizuna partner`: settings checked, keys pinned, feeds that follow, tokens that end."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from kizuna.store import open_store
from kizuna.store.keys import public_key_of
from tests.builders import CLEAR, campaign
from tests.commands import bundle, kizuna

KEY = "ed25519:" + base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A node."""
    where = tmp_path / "node"
    kizuna("init", "--name", "T", "--org", "CERT T (fictional)", "--country", "JP", "--data", where)
    return where


def add(folder: Path, *more: str, name: str = "Brussels") -> int:
    return kizuna(
        "partner", "add", name, "--org", "CERT B (fictional)", "--country", "BE", *more, "--data", folder
    ).code


def test_a_partner_with_everything(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("kzn_abc\n")
    (tmp_path / "key").write_text(public_key_of(folder))
    assert add(
        folder, "--key", f"@{tmp_path / 'key'}", "--receives", "tlp:green", "--receives", "cyber-defence", "--client", "ENISA",
        "--default-label", "TLP:AMBER to=JPN", "--url", "http://127.0.0.1:8800/taxii2/", "--token-file", str(tmp_path / "secret"),
        "--identity", "identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01",
    ) == 0  # fmt: skip
    shown = kizuna("partner", "show", "BRUSSELS", "--data", folder, "--json").last()
    assert (shown["country"], shown["receives"], shown["clients"]) == ("BEL", ["TLP:GREEN", "cyber-defence"], ["ENISA"])
    assert (shown["public_key"], shown["default_label"], shown["token"]) == (
        public_key_of(folder),
        "TLP:AMBER to=JPN",
        True,
    )
    kept = folder / "brussels.token"
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("kzn_abc", 0o600)
    assert "Brussels" in kizuna("partner", "show", "Brussels", "--data", folder).out


def test_what_does_not_state_its_label_is_restated_unless_it_is_said_otherwise(folder: Path, tmp_path: Path) -> None:
    given = ("--receives", "TLP:AMBER")
    assert add(folder, *given) == add(folder, *given, "--unstated", "whole", name="Rome") == 0
    (tmp_path / "one.json").write_bytes(bundle(one := campaign("one")))
    assert kizuna("import", tmp_path / "one.json", "--label", "TLP:AMBER", "--data", folder).code == 0

    def fed(name: str) -> list[str]:
        done = kizuna("export", "--as", name, "--data", folder)
        return [made["id"] for made in json.loads(done.out)["objects"]]

    assert (fed("Rome"), len(fed("Brussels")), fed("Brussels") == [one["id"]]) == ([one["id"]], 1, False)
    assert kizuna("partner", "show", "Brussels", "--data", folder, "--json").last()["unstated"] == "rendition"
    set_ = kizuna("partner", "set", "Brussels", "--unstated", "whole", "--data", folder, "--json").last()
    assert (set_["unstated"], set_["opened"]) == ("whole", 1)
    assert one["id"] in fed("Brussels")
    assert kizuna("partner", "set", "Brussels", "--unstated", "perhaps", "--data", folder).code == 2


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (["--key", "ed25519:AAAA"], 2),
        (["--key", "@/nowhere"], 3),
        (["--receives", "TLP:RED"], 2),
        (["--receives", "TLP:PINK"], 2),
        (["--receives", "Cyber Defence"], 2),
        (["--default-label", "TLP:PINK"], 2),
        (["--url", "ftp://x"], 2),
        (["--url", "http://user:secret@x/"], 2),
        (["--url", "http://[x/"], 2),
        (["--identity", "identity--x"], 2),
        (["--token-file", "/nowhere"], 3),
    ],
)
def test_settings_are_checked(folder: Path, wrong: list[str], code: int) -> None:
    assert add(folder, *wrong) == code
    assert kizuna("partner", "list", "--data", folder, "--json").lines() == []


@pytest.mark.parametrize("name", ["../x", "", "a b", "-x", "x" * 65])
def test_names_are_file_names(folder: Path, name: str) -> None:
    assert kizuna("partner", "add", "--org", "B", "--country", "BE", "--data", folder, "--", name).code == 2


def test_a_name_is_taken_once(folder: Path) -> None:
    assert (add(folder), add(folder, name="brussels")) == (0, 1)


def test_the_feed_follows(folder: Path) -> None:
    clear = {**campaign("open"), "object_marking_refs": [CLEAR]}
    kizuna("import", "-", "--data", folder, input=bundle(clear))
    assert (
        kizuna("partner", "add", "B", "--org", "B", "--country", "BE", "--data", folder, "--json").last()["opened"] == 0
    )
    assert kizuna("partner", "set", "B", "--receives", "TLP:CLEAR", "--data", folder, "--json").last()["opened"] == 1
    assert kizuna("partner", "set", "b", "--key", KEY, "--data", folder, "--json").last()["receives"] == ["TLP:CLEAR"]
    changed = kizuna("partner", "set", "B", "--receives", "", "--key", "", "--data", folder, "--json").last()
    assert (changed["ended"], changed["receives"], changed["public_key"]) == (1, [], None)
    assert kizuna("partner", "set", "nobody", "--data", folder).code == 3


def test_a_dry_run_tells_the_same_and_changes_nothing(folder: Path, tmp_path: Path) -> None:
    assert (
        kizuna("import", "-", "--data", folder, input=bundle(campaign("Aurora", object_marking_refs=[CLEAR]))).code == 0
    )
    token = tmp_path / "token"
    token.write_text("a" * 32)
    new = [
        "Brussels",
        "--org",
        "CERT Brussels",
        "--country",
        "BE",
        "--receives",
        "TLP:CLEAR",
        "--token-file",
        str(token),
    ]
    command = ["partner", "add", *new, "--data", str(folder), "--json"]
    trial = kizuna(*command, "--dry-run")
    assert trial.code == 0, trial.err
    assert trial.last()["opened"] == 1
    assert kizuna("partner", "list", "--data", folder, "--json").out == ""
    assert not list(folder.rglob("*Brussels*"))
    now = kizuna(*command).last()
    assert {**trial.last(), "added": now["added"]} == now
    kizuna("partner", "set", "Brussels", "--receives", "", "--dry-run", "--data", folder)
    assert kizuna("partner", "list", "--data", folder, "--json").last()["receives"] == now["receives"]


def test_removing_ends_feed_and_tokens(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("kzn_abc")
    add(folder, "--token-file", str(tmp_path / "secret"))
    kizuna("token", "create", "--partner", "Brussels", "--data", folder)
    assert kizuna("partner", "remove", "brussels", "--data", folder).code == 0
    assert kizuna("partner", "show", "Brussels", "--data", folder).code == 3
    assert not (folder / "brussels.token").exists()
    assert kizuna("token", "list", "--data", folder, "--json").last()["ended"] is not None
    store = open_store(folder)
    acts = [entry["act"] for entry in store.audit_trail(3)]
    store.close()
    assert acts == ["partner.remove", "token.create", "partner.add"]
