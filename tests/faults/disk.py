"""A disk that is watched or full, for the programs that a test starts: `disk.c` preloaded, its log and its control (Linux)."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

import pytest

SOURCE = Path(__file__).with_name("disk.c")
_RECORD = struct.Struct("<IIQQQII")
_CONTROL = struct.Struct("<QQQQ")
_MAGIC = 0x4B444B31
MARK = "M"


def compiler() -> str | None:
    """The C compiler of this machine."""
    return shutil.which("cc") or shutil.which("gcc")


def built(folder: Path) -> Path:
    """The library, made in a folder; without a compiler the test is skipped, or fails where all must run."""
    program, why = compiler(), "no C compiler on this machine"
    library = folder / "disk.so"
    if program is not None and sys.platform == "linux":
        given = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-U_FORTIFY_SOURCE"]
        command: list[str | Path] = [program, *given, "-o", library, SOURCE, "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return library
        why = f"the C compiler of this machine does not make disk.c: {done.stderr[-500:]}"
    if os.environ.get("KIZUNA_NEED_CC"):
        pytest.fail(f"{why}, and KIZUNA_NEED_CC is set")
    pytest.skip(f"{why}; `KIZUNA_APT=1 make test` installs one")


class Record(NamedTuple):
    """Something that was done to the disk: to a file (its inode), at an offset, by a path relative to the folder."""

    op: str
    file: int
    at: int
    path: str
    other: str
    data: bytes


class Watched:
    """A folder of which every change is written down, in order, with marks of what was promised to whom in between."""

    def __init__(self, root: Path, library: Path) -> None:
        self.root = root.resolve()
        self.log = self.root.with_name(f"{root.name}.log")
        self.log.write_bytes(b"")
        self._library = library

    @property
    def environment(self) -> dict[str, str]:
        """What a program is started with to be watched."""
        return {"LD_PRELOAD": str(self._library), "KIZUNA_DISK_ROOT": str(self.root), "KIZUNA_DISK_LOG": str(self.log)}

    def mark(self, promised: Any) -> None:
        """Note that by now something was promised."""
        data = json.dumps(promised).encode()
        with self.log.open("ab") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            log.write(_RECORD.pack(_MAGIC, ord(MARK), 0, 0, len(data), 0, 0) + data)

    def records(self) -> list[Record]:
        """What was done so far."""
        return list(_records(self.log.read_bytes(), str(self.root)))


def _records(held: bytes, root: str) -> Iterator[Record]:
    at = 0
    while at < len(held):
        magic, op, file, offset, size, path, other = _RECORD.unpack_from(held, at)
        assert magic == _MAGIC
        at += _RECORD.size
        ends = (at + path, at + path + other, at + path + other + size)
        names = [os.fsdecode(held[start:end]) for start, end in ((at, ends[0]), (ends[0], ends[1]))]
        here, there = (name and os.path.relpath(name, root) for name in names)
        yield Record(chr(op), file, offset, here, there, held[ends[1] : ends[2]])
        at = ends[2]


class How(IntEnum):
    """What fails: all writes from one on, that one alone, half of it and all others, or a sync with EIO, once or from then on."""

    EVER = 1
    ONCE = 2
    SHORT = 3
    SYNC_ONCE = 4
    SYNC_EVER = 5


class Full:
    """A folder whose disk has no room from some write on, and may get room again."""

    def __init__(self, root: Path, library: Path) -> None:
        self.root = root.resolve()
        self.control = self.root.with_name(f"{self.root.name}.control")
        self._library = library
        self.room()

    @property
    def environment(self) -> dict[str, str]:
        """What a program is started with to feel it."""
        return {
            "LD_PRELOAD": str(self._library),
            "KIZUNA_DISK_ROOT": str(self.root),
            "KIZUNA_DISK_CONTROL": str(self.control),
        }

    def room(self) -> None:
        """Let everything be written, and count from nothing."""
        self._put(0, 0, 0, 0)

    def fails(self, number: int, how: How) -> None:
        """From the write (or sync) of this number on, counted from now and from 1."""
        self._put(0, 0, number, how)

    def counted(self) -> tuple[int, int]:
        """Writes and syncs that were asked for since."""
        writes, syncs, *_ = _CONTROL.unpack(self.control.read_bytes())
        return writes, syncs

    @contextmanager
    def _held(self) -> Iterator[int]:
        descriptor = os.open(self.control, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def _put(self, *values: int) -> None:
        with self._held() as descriptor:
            os.pwrite(descriptor, _CONTROL.pack(*values), 0)
