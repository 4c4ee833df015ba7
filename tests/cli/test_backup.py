"""`kizuna backup`, `restore`, `epoch` and `partner resume` as people call them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kizuna.store.archive import check
from tests.builders import CLEAR, campaign
from tests.cli.given import exported
from tests.commands import bundle, kizuna, start


def test_there_and_back(served: Path, tmp_path: Path) -> None:
    made = kizuna("backup", "--data", served, "-o", tmp_path / "b", "--json").last()
    assert (made["objects"], made["verified"], made["kind"], made["epoch"]) == (3, True, "sqlite", 1)
    assert made["rows"] == sum(made["tables"].values())
    done = kizuna("restore", tmp_path / "b", "--data", tmp_path / "there", "--json").last()
    assert (done["objects"], done["epoch"], done["stopped"], done["put_aside"]) == (3, 2, ["Kyiv"], None)
    assert exported(tmp_path / "there") == exported(served)
    assert kizuna("doctor", "--data", tmp_path / "there", "--full").code == 0
    row = kizuna("partner", "show", "Kyiv", "--data", tmp_path / "there", "--json").last()
    assert row["stopped"] is not None
    offered = kizuna("partner", "resume", "kyiv", "--data", tmp_path / "there", "--json").last()
    assert offered == {"name": "Kyiv", "offered": 1}
    assert kizuna("partner", "show", "Kyiv", "--data", tmp_path / "there", "--json").last()["stopped"] is None
    again = kizuna("partner", "resume", "Kyiv", "--data", tmp_path / "there")
    assert (again.code, "not stopped" in again.err) == (1, True)


def test_what_people_are_told(served: Path, tmp_path: Path) -> None:
    made = kizuna("backup", "--data", served, "-o", tmp_path / "b")
    assert made.out.startswith(f"3 versions written to {tmp_path / 'b'} and read back: ")
    lines = kizuna("restore", tmp_path / "b", "--data", tmp_path / "there").out.splitlines()
    assert lines[0].startswith("3 versions as of 20")
    assert lines[1:] == [
        "epoch 2 begins; 0 tokens, sessions and links ended",
        "stopped until you confirm it: kizuna partner resume Kyiv",
    ]
    assert kizuna("epoch", "show", "--data", tmp_path / "there").out == "epoch 2; stopped: Kyiv\n"
    resumed = kizuna("partner", "resume", "Kyiv", "--keep-positions", "--data", tmp_path / "there")
    assert resumed.out == "the exchange with Kyiv goes on; offered once more: 0\n"


def test_a_node_is_put_aside_by_force_only(served: Path, tmp_path: Path) -> None:
    assert kizuna("backup", "--data", served, "-o", tmp_path / "b").code == 0
    kizuna("import", "-", "--data", served, input=bundle(campaign("later", object_marking_refs=[CLEAR])))
    refused = kizuna("restore", tmp_path / "b", "--data", served)
    assert (refused.code, "--force" in refused.err) == (1, True)
    done = kizuna("restore", tmp_path / "b", "--data", served, "--force", "--json").last()
    assert len(exported(served)) == 3
    assert len(exported(served / done["put_aside"])) == 4


def test_not_under_a_node_that_is_served(served: Path, tmp_path: Path) -> None:
    assert kizuna("backup", "--data", served, "-o", tmp_path / "b").code == 0
    process = start("up", "--data", served, "--port", "0", "--json")
    try:
        assert process.stdout is not None
        process.stdout.readline()
        refused = kizuna("restore", tmp_path / "b", "--data", served, "--force")
        assert (refused.code, "already served" in refused.err) == (1, True)
        assert kizuna("backup", "--data", served, "-o", tmp_path / "c").code == 0
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def test_to_standard_output(served: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kizuna", "backup", "--data", str(served), "-o", "-"]
    with (tmp_path / "b").open("wb") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert check(tmp_path / "b").manifest.tables["object"] == 3
    assert kizuna("restore", tmp_path / "b", "--data", tmp_path / "there").code == 0
    assert [path.name for path in served.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("damage", ["cut", "text"])
def test_a_damaged_backup_is_one_line(served: Path, tmp_path: Path, damage: str) -> None:
    kizuna("backup", "--data", served, "-o", tmp_path / "b")
    data = (tmp_path / "b").read_bytes()
    (tmp_path / "b").write_bytes(data[: len(data) // 2] if damage == "cut" else b"hello\n" * 500)
    done = kizuna("restore", tmp_path / "b", "--data", tmp_path / "there")
    assert (done.code, done.err.count("\n"), done.out) == (1, 1, "")
    assert not (tmp_path / "there").exists()


def test_an_epoch_is_opened_where_the_database_went_back_by_itself(served: Path) -> None:
    made = kizuna("token", "create", "--user", "owner", "--data", served)
    assert made.code == 0, made.err
    opened = kizuna("epoch", "open", "--data", served, "--json").last()
    assert (opened["epoch"], opened["revoked"], opened["stopped"]) == (2, 1, ["Kyiv"])
    assert kizuna("epoch", "show", "--data", served, "--json").last() == {"epoch": 2, "stopped": ["Kyiv"]}


def test_between_kinds_of_store(served: Path, tmp_path: Path, make_database: object) -> None:
    url = make_database()  # type: ignore[operator]
    assert kizuna("backup", "--data", served, "-o", tmp_path / "b").code == 0
    done = kizuna("restore", tmp_path / "b", "--data", tmp_path / "shared", "--store", url, "--json").last()
    assert done["objects"] == 3
    assert json.loads((tmp_path / "shared" / "node.json").read_text())["store"] == url
    assert exported(tmp_path / "shared") == exported(served)
    made = kizuna("backup", "--data", tmp_path / "shared", "-o", tmp_path / "c", "--json").last()
    assert (made["kind"], made["epoch"]) == ("postgres", 2)
    elsewhere = tmp_path / "elsewhere.sqlite"
    done = kizuna(
        "restore", tmp_path / "c", "--data", tmp_path / "back", "--store", f"sqlite:///{elsewhere}", "--json"
    ).last()
    assert (done["epoch"], elsewhere.is_file(), (tmp_path / "back" / "node.sqlite").exists()) == (3, True, False)
    assert exported(tmp_path / "back") == exported(served)
    assert os.stat(elsewhere).st_mode & 0o777 == 0o600
    refused = kizuna("restore", tmp_path / "c", "--data", tmp_path / "more", "--store", f"sqlite:///{elsewhere}")
    assert (refused.code, "there already" in refused.err) == (1, True)
