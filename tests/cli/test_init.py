"""Making a node."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from kizuna.settings import load
from tests.builders import campaign
from tests.commands import bundle, kizuna

FLAGS = ("--name", "Riga", "--org", "CERT Riga", "--country", "lva")


def test_a_node_is_made_without_questions(tmp_path: Path) -> None:
    done = kizuna("init", "--data", tmp_path / "deep" / "node", *FLAGS, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.last() == {"name": "Riga", "organisation": "CERT Riga", "data": str(tmp_path / "deep" / "node")}
    settings = load(tmp_path / "deep" / "node")
    assert (settings.name, settings.organisation, settings.country) == ("Riga", "CERT Riga", "LVA")


def test_nothing_is_loaded(folder: Path) -> None:
    assert kizuna("stats", "--data", folder, "--json").last() == {"objects": 0, "versions": 0, "by_type": {}}


def test_every_file_is_for_its_user_alone(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"node.json", "node.sqlite"} <= {path.name for path in files}
    assert [path.name for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_a_second_init_is_refused_and_changes_nothing(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = kizuna("init", "--data", folder, "--name", "Other", "--org", "Other", "--country", "EST")
    assert done.code == 1
    assert "there is a node here already" in done.err
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("missing", ["--name", "--org", "--country"])
def test_what_is_missing_is_named_when_nobody_can_be_asked(tmp_path: Path, missing: str) -> None:
    kept = [part for i in range(0, 6, 2) if FLAGS[i] != missing for part in FLAGS[i : i + 2]]
    done = kizuna("init", "--data", tmp_path / "node", *kept)
    assert done.code == 2
    assert missing in done.err
    assert not (tmp_path / "node").exists()


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--country", "Latvia"),
        ("--country", "L1"),
        ("--country", "ＬＶ"),
        ("--name", "  "),
        ("--org", "a\x1bb"),
        ("--name", "x" * 201),
    ],
)
def test_senseless_answers_are_refused(tmp_path: Path, flag: str, value: str) -> None:
    flags = dict(zip(FLAGS[::2], FLAGS[1::2], strict=True)) | {flag: value}
    done = kizuna("init", "--data", tmp_path / "node", *(part for pair in flags.items() for part in pair))
    assert done.code == 2
    assert not (tmp_path / "node").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = kizuna("init", "--data", tmp_path / "node", *FLAGS)
    tmp_path.chmod(0o700)
    assert done.code == 1
    assert str(tmp_path / "node") in done.err


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "node").write_text("x")
    done = kizuna("init", "--data", tmp_path / "node", *FLAGS)
    assert done.code == 2
    assert (tmp_path / "node").read_text() == "x"


def test_a_store_without_settings_is_begun_anew_only_where_nothing_is_in_it(tmp_path: Path) -> None:
    node, made = tmp_path / "node", ("--name", "N", "--org", "N (fictional)", "--country", "JPN")
    assert kizuna("init", "--data", node, *made).code == 0
    (node / "node.json").rename(tmp_path / "kept")  # as if cut off before it
    assert kizuna("init", "--data", node, *made).code == 0
    assert kizuna("import", "-", "--data", node, input=bundle(campaign("one"))).code == 0
    (node / "node.json").unlink()
    assert "already" in kizuna("init", "--data", node, *made).err
    (node / "node.sqlite").write_bytes(b"something else")
    assert "already" in kizuna("init", "--data", node, *made).err
    assert (node / "node.sqlite").read_bytes() == b"something else"
    (node / "node.sqlite").unlink()
    with closing(sqlite3.connect(node / "node.sqlite")) as other:
        other.execute("create table t(x)")
    assert "already" in kizuna("init", "--data", node, *made).err
