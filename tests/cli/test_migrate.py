"""`kizuna migrate` moves a node there and back; commands with `--store` work where they are told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from kizuna.cli.process import only_once
from tests.builders import CLEAR, campaign
from tests.commands import bundle, kizuna


def test_there_and_back(folder: Path, tmp_path: Path, make_database: Callable[[], str]) -> None:
    (tmp_path / "in.json").write_bytes(bundle(campaign("one", object_marking_refs=[CLEAR])))
    assert kizuna("import", tmp_path / "in.json", "--data", folder).code == 0
    before = kizuna("export", "--data", folder).out
    url = make_database()
    done = kizuna("migrate", "--to", url, "--data", folder, "--json")
    told = json.loads(done.out.splitlines()[-1])
    assert (done.code, told["objects"], told["equal"]) == (0, 1, True)
    assert json.loads(kizuna("config", "show", "--data", folder, "--json").out)["store"].count(":…@") == 1
    assert json.loads(kizuna("export", "--data", folder).out)["objects"] == json.loads(before)["objects"]
    again = kizuna("migrate", "--to", url, "--data", folder)
    assert (again.code, "already" in again.err) == (1, True)
    old = kizuna("stats", "--store", "sqlite:///node.sqlite", "--data", folder)
    assert (old.code, "went on in" in old.err, url in old.err) == (1, True, False)
    assert kizuna("migrate", "--to", "sqlite:///back.sqlite", "--data", folder).code == 0
    assert json.loads(kizuna("export", "--data", folder).out)["objects"] == json.loads(before)["objects"]
    assert kizuna("doctor", "--data", folder).code == 0


def test_two_at_once(folder: Path, make_database: Callable[[], str]) -> None:
    """Also of a node on PostgreSQL, which any number of processes may serve."""
    assert kizuna("migrate", "--to", make_database(), "--data", folder).code == 0
    with only_once(folder, shared=False):
        other = kizuna("migrate", "--to", "sqlite:///back.sqlite", "--data", folder)
        assert (other.code, "already" in other.err) == (1, True)
        assert not (folder / ".moving").exists()
    assert kizuna("migrate", "--to", "sqlite:///back.sqlite", "--data", folder).code == 0


def test_a_node_begins_on_postgresql(tmp_path: Path, make_database: Callable[[], str]) -> None:
    url, node = make_database(), tmp_path / "node"
    made = kizuna("init", "--data", node, "--name", "N", "--org", "N (fictional)", "--country", "JPN", "--store", url)
    assert made.code == 0, made.err
    assert {path.name for path in node.iterdir()} == {"node.json", "node.key"}
    (tmp_path / "in.json").write_bytes(bundle(campaign("one")))
    assert kizuna("import", tmp_path / "in.json", "--data", node, "--store", url).code == 0
    assert json.loads(kizuna("stats", "--data", node, "--json").out)["objects"] == 1
    assert kizuna("doctor", "--full", "--data", node).code == 0
    other = kizuna(
        "init",
        "--data",
        tmp_path / "other",
        "--name",
        "O",
        "--org",
        "O (fictional)",
        "--country",
        "JPN",
        "--store",
        url,
    )
    assert (other.code, "another node" in other.err) == (1, True)
    assert not (tmp_path / "other" / "node.json").exists()


def test_a_node_on_a_file_elsewhere(tmp_path: Path) -> None:
    node, file = tmp_path / "node", tmp_path / "elsewhere.sqlite"
    made = kizuna(
        "init",
        "--data",
        node,
        "--name",
        "N",
        "--org",
        "N (fictional)",
        "--country",
        "JPN",
        "--store",
        f"sqlite:///{file}",
    )
    assert (made.code, file.is_file(), (node / "node.sqlite").exists()) == (0, True, False)
    assert kizuna("stats", "--data", node).code == 0
    assert kizuna("doctor", "--data", node).code == 0
