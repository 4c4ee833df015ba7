"""The disk that the tests of power failures and of full disks make up is like a disk: it loses what is not synced, and only that."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.faults.disk import Full, How, Record, Watched
from tests.faults.power import Disk, Lost, ends

NAMED = "import os\ndef sync(n):\n f = os.open(n, os.O_RDONLY); os.fsync(f); os.close(f)\n"


def run(program: str, folder: Path, environment: dict[str, str]) -> str:
    """What a small program says that works in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", NAMED + program], cwd=folder, env={**os.environ, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def after(tmp_path: Path, library: Path, program: str, *, seeds: int = 20) -> list[dict[str, bytes]]:
    """Everything that power failures may leave of what a program did, in each way and at its end."""
    root = tmp_path / "disk"
    root.mkdir()
    (root / "old").write_bytes(b"old")
    watched, disk = Watched(root, library), Disk(root)
    run(program, root, watched.environment)
    records, found = watched.records(), []
    for _ in ends(disk, records, [len(records)]):
        for number in range(seeds):
            lost = list(Lost)[number] if number < len(Lost) else Lost.SOME
            there = tmp_path / f"after{number}"
            disk.after(there, Random(number), lost)
            found.append({path.name: path.read_bytes() for path in there.rglob("*") if path.is_file()})
    return found


def test_what_is_not_synced_may_be_lost(tmp_path: Path, disk_library: Path) -> None:
    found = after(tmp_path, disk_library, "open('new', 'wb').write(b'n' * 4096)", seeds=60)
    left = {one.get("new") for one in found}
    assert {None, b"", b"n" * 4096} <= left
    assert any(one and 0 < one.count(b"n") < 4096 for one in left)  # torn
    assert all(one["old"] == b"old" for one in found)


def test_what_is_synced_with_its_name_is_kept(tmp_path: Path, disk_library: Path) -> None:
    program = "f = open('new', 'wb', 0); f.write(b'n' * 4096); os.fsync(f); sync('.'); f.write(b'm')"
    found = after(tmp_path, disk_library, program)
    assert all(one["new"].startswith(b"n" * 4096) for one in found)
    assert {len(one["new"]) for one in found} == {4096, 4097}


def test_a_rename_without_a_sync_before_may_leave_an_empty_file(tmp_path: Path, disk_library: Path) -> None:
    found = after(tmp_path, disk_library, "open('new', 'wb').write(b'n' * 600); os.replace('new', 'old'); sync('.')")
    assert b"" in {one["old"] for one in found}
    assert all(set(one) == {"old"} for one in found)


def test_a_rename_may_come_undone_and_never_by_halves(tmp_path: Path, disk_library: Path) -> None:
    program = "os.mkdir('d'); f = open('new', 'wb', 0); f.write(b'n'); os.fsync(f); os.rename('new', 'd/new'); os.rename('old', 'd/old')"
    found = after(tmp_path, disk_library, program, seeds=60)
    assert {("old" in one, "new" in one) for one in found} == {(True, True), (True, False)}


def test_names_in_a_folder_come_in_order(tmp_path: Path, disk_library: Path) -> None:
    found = after(tmp_path, disk_library, "[open(str(n), 'wb').close() for n in range(9)]", seeds=60)
    counts = {len(one) - 1 for one in found}
    assert all(set(one) - {"old"} == {str(n) for n in range(len(one) - 1)} for one in found)
    assert len(counts) > 3


def test_what_is_written_is_what_is_read_back(tmp_path: Path, disk_library: Path) -> None:
    program = (
        "import shutil\n"
        "f = open('a', 'wb', 0); f.write(b'abc'); f.seek(9); f.write(b'z'); os.pwrite(f.fileno(), b'Q', 1); os.ftruncate(f.fileno(), 10)\n"
        "os.truncate('a', 8); g = open('a', 'ab', 0); g.write(b'end'); os.writev(g.fileno(), [b'1', b'2'])\n"
        "shutil.copyfile('a', 'b'); os.link('a', 'c'); os.mkdir('d'); os.rename('b', 'd/b'); os.unlink('a')\n"
        "os.posix_fallocate(g.fileno(), 0, 20); t = open('t', 'wb'); t.write(b't'); t.close(); shutil.rmtree('d'); open('t', 'w').close()"
    )
    found = after(tmp_path, disk_library, program, seeds=2)
    real = {path.name: path.read_bytes() for path in (tmp_path / "disk").rglob("*")}
    assert found[list(Lost).index(Lost.NOTHING)] == real
    assert real["c"] == b"aQc\0\0\0\0\0end12".ljust(20, b"\0")


def test_writing_through_memory_is_noticed(tmp_path: Path, disk_library: Path) -> None:
    program = "import mmap; f = open('old', 'r+b'); m = mmap.mmap(f.fileno(), 3); m[0] = 0"
    with pytest.raises(AssertionError, match="old is written through memory"):
        after(tmp_path, disk_library, program)


def test_marks_stand_between_what_was_done(tmp_path: Path, disk_library: Path) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    watched, disk = Watched(root, disk_library), Disk(root)
    run("open('a', 'wb').close()", root, watched.environment)
    watched.mark({"a": 1})
    run("open('b', 'wb').close()", root, watched.environment)
    assert [(one.op, one.path) for one in watched.records()] == [("C", "a"), ("M", ""), ("C", "b")]
    assert isinstance(watched.records()[0], Record)
    assert [promised for _, promised in ends(disk, watched.records(), [1, 3])] == [[], [{"a": 1}]]


WRITES = """
import errno
f = os.open('old', os.O_RDWR)
for _ in range(4):
    try:
        print(os.write(f, b'12345678'), end=' ')
    except OSError as error:
        print(errno.errorcode[error.errno], end=' ')
try:
    os.fsync(f)
except OSError as error:
    print(errno.errorcode[error.errno])
"""


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (How.EVER, "8 ENOSPC ENOSPC ENOSPC"),
        (How.ONCE, "8 ENOSPC 8 8"),
        (How.SHORT, "8 4 ENOSPC ENOSPC"),
        (How.SYNC_ONCE, "8 8 8 8"),
    ],
)
def test_a_full_disk(tmp_path: Path, disk_library: Path, how: How, said: str) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    (root / "old").write_bytes(b"")
    full = Full(root, disk_library)
    full.fails(2, how)
    assert run(WRITES, root, full.environment).strip() == said
    assert full.counted() == (4, 1)
    full.fails(1, How.SYNC_EVER)
    assert run(WRITES, root, full.environment).split() == ["8"] * 4 + [errno.errorcode[errno.EIO]]
    full.fails(1, How.EVER)
    made = "try:\n {}\nexcept OSError as error:\n print(error.errno)"
    for act in ("open('new', 'wb')", "os.mkdir('new')", "os.rename('old', 'new')", "os.truncate('old', 10**6)"):
        assert run(made.format(act), root, full.environment).strip() == str(errno.ENOSPC), act
    assert [path.name for path in root.iterdir()] == ["old"]
