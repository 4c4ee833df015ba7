"""Killed at any moment, or with no room left, a backup is whole or not there, and a restore has made a node or none."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kizuna.store.archive import check
from kizuna.store.backup import COPY, PART
from tests.commands import bundle, kizuna
from tests.faults.conftest import EVERYWHERE, Faulty, corpus
from tests.faults.test_sudden_end import check as look
from tests.faults.test_sudden_end import kill, start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


def filled(node: Faulty, count: int = 1_500) -> Faulty:
    """With objects in it."""
    assert kizuna("import", "-", "--data", node.folder, input=bundle(*corpus(7, count, "b"))).code == 0
    return node


@EVERYWHERE
def test_a_backup_that_is_killed(faulty: Faulty, tmp_path: Path) -> None:
    filled(faulty)
    choice, target = random.Random(5), tmp_path / "out" / "b"
    target.parent.mkdir()
    for _ in range(5):
        process = start("backup", "--data", faulty.folder, "-o", target, "--json")
        time.sleep(choice.uniform(0.2, 1.0))
        kill(process)
        if target.exists():
            check(target)
    assert kizuna("backup", "--data", faulty.folder, "-o", target).code == 0
    check(target)
    assert [path.name for path in target.parent.iterdir()] == ["b"]
    look(faulty.folder, [])


@EVERYWHERE
def test_a_restore_that_is_killed(faulty: Faulty, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    filled(faulty)
    shared = request.node.callspec.params["faulty"] == "postgres"
    more = ["--store", request.getfixturevalue("make_database")()] if shared else []
    assert kizuna("backup", "--data", faulty.folder, "-o", tmp_path / "b").code == 0
    choice, folder = random.Random(6), tmp_path / "there"
    for _ in range(6):
        process = start("restore", tmp_path / "b", "--data", folder, *more)
        time.sleep(choice.uniform(0.2, 1.5))
        kill(process)
        if (folder / "node.json").exists():
            break
    if not (folder / "node.json").exists():
        done = kizuna("restore", tmp_path / "b", "--data", folder, *more)
        assert done.code == 0, done.err
    look(folder, [])
    assert not (folder / ".restore").exists()


def test_a_backup_while_an_import_runs(faulty: Faulty, tmp_path: Path) -> None:
    file = tmp_path / "bundle.json"
    file.write_bytes(bundle(*corpus(8, 4_000, "i")))
    done = []
    thread = threading.Thread(target=lambda: done.append(subprocess.run(
        [sys.executable, "-m", "kizuna", "import", str(file), "--data", str(faulty.folder)], capture_output=True)))  # fmt: skip
    thread.start()
    number = 0
    while thread.is_alive() and number < 20:
        assert kizuna("backup", "--data", faulty.folder, "-o", tmp_path / f"b{number}").code == 0
        number += 1
    thread.join()
    assert done[0].returncode == 0
    for one in {0, number // 2, number - 1}:
        assert kizuna("restore", tmp_path / f"b{one}", "--data", tmp_path / f"there{one}").code == 0
        look(tmp_path / f"there{one}", [])


@EVERYWHERE
@pytest.mark.parametrize("share", [0.1, 0.6, 0.95])
def test_without_room(faulty: Faulty, tmp_path: Path, share: float) -> None:
    """A limit on the size of files stands for a disk that is full: writing beyond it fails alike."""
    filled(faulty, 600)
    out = tmp_path / "out"
    out.mkdir()
    assert kizuna("backup", "--data", faulty.folder, "-o", out / "b").code == 0
    size = (out / "b").stat().st_size
    before = (out / "b").read_bytes()

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(size * share), int(size * share)))

    commands = (
        ["backup", "--data", str(faulty.folder), "-o", str(out / "b")],
        ["backup", "--data", str(faulty.folder), "-o", str(out / "c")],
        ["restore", str(out / "b"), "--data", str(tmp_path / "there")],
    )
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "kizuna", *command], capture_output=True, text=True, preexec_fn=limited, timeout=120
        )
        if command[0] == "restore" and done.returncode == 0:
            continue  # rows of PostgreSQL take less room as a file
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1, done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "there").exists()
    assert (out / "b").read_bytes() == before
    assert [path.name for path in out.iterdir()] == ["b"]
    assert [path for path in faulty.folder.iterdir() if path.name.endswith((PART, COPY))] == []
    look(faulty.folder, [])
