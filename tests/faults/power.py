"""What a disk may hold after the power has failed, from the log of what was done to it.

What was synced is there. Of what was written to a file since its last sync every sector is there or not. Names are made, changed and
taken away in the order of each folder: so many of the last ones since the folder was synced are lost as one likes. A file that was
synced is not yet named; a rename from one folder to another is there in both or in neither.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePath
from random import Random
from typing import Any

from tests.faults.disk import MARK, Record

SECTORS = (512, 4096)
MEMORY = "-shm"
"""How files end that are shared memory, nothing else."""


class Lost(StrEnum):
    """What is lost of that which was not synced: all of it, nothing, the bytes but no name, the names but no byte, or as chance will."""

    ALL = "all"
    NOTHING = "nothing"
    BYTES = "bytes"
    NAMES = "names"
    SOME = "some"


@dataclass(eq=False)
class File:
    """A file: what is safely on the disk, and what was done since, as (where, bytes) or (length, None)."""

    safe: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        """All that was done is safe."""
        for change in self.since:
            _do(self.safe, *change)
        self.since.clear()

    def after(self, chance: Random, lost: Lost) -> bytes:
        """What may be found in it."""
        found = bytearray(self.safe)
        for at, data in self.since:
            for piece in _kept(at, data, chance, lost):
                _do(found, *piece)
        return bytes(found)


@dataclass(eq=False)
class Folder:
    """A folder: what its names safely lead to, and what they lead to now."""

    safe: dict[str, File | Folder] = field(default_factory=dict)
    now: dict[str, File | Folder] = field(default_factory=dict)


Naming = list[tuple[Folder, str, "File | Folder | None"]]
"""Names that change together; None takes one away."""


class Disk:
    """A folder as it was, to which what was done later is done again."""

    def __init__(self, root: Path) -> None:
        self._files: dict[int, File] = {}
        self._root = self._read(root)
        self._since: list[Naming] = []

    def _read(self, folder: Path) -> Folder:
        made = Folder()
        for path in folder.iterdir():
            if path.is_dir():
                made.safe[path.name] = self._read(path)
            elif not path.name.endswith(MEMORY):
                made.safe[path.name] = self._files[path.stat().st_ino] = File(bytearray(path.read_bytes()))
        made.now = dict(made.safe)
        return made

    def do(self, record: Record) -> None:
        """Do again what was done."""
        match record.op:
            case "C":
                made = self._files[record.file] = File()
                if record.path:
                    self._name((*self._place(record.path), made))
            case "W":
                self._file(record).since.append((record.at, record.data))
            case "T":
                self._file(record).since.append((record.at, None))
            case "S" if record.path:
                self._sync(self._folder(record.path))
            case "S":
                self._file(record).sync()
            case "D":
                self._name((*self._place(record.path), Folder()))
            case "U":
                self._name((*self._place(record.path), None))
            case "L":
                self._name((*self._place(record.other), self._at(record.path)))
            case "R":
                assert not record.at  # flags: nobody exchanges names
                self._name((*self._place(record.path), None), (*self._place(record.other), self._at(record.path)))
            case "P":
                assert record.path.endswith(MEMORY), f"{record.path} is written through memory, which is not seen"
            case _:
                assert record.op == MARK

    def after(self, target: Path, chance: Random, lost: Lost) -> None:
        """Write into a new folder what may be found once there is power again."""
        view: dict[Folder, dict[str, File | Folder]] = {}
        cut: set[Folder] = set()
        for naming in self._since:
            folders = {folder for folder, _, _ in naming}
            if cut & folders or lost in (Lost.ALL, Lost.NAMES) or (lost is Lost.SOME and chance.random() < 0.3):
                cut |= folders
            else:
                for folder, name, led in naming:
                    _lead(view.setdefault(folder, dict(folder.safe)), name, led)
        self._write(self._root, target, view, chance, lost)

    def _write(
        self, folder: Folder, target: Path, view: dict[Folder, dict[str, File | Folder]], chance: Random, lost: Lost
    ) -> None:
        target.mkdir(mode=0o700)
        for name, found in view.get(folder, folder.safe).items():
            if isinstance(found, Folder):
                self._write(found, target / name, view, chance, lost)
            elif not name.endswith(MEMORY):
                (target / name).touch(mode=0o600)
                (target / name).write_bytes(found.after(chance, lost))

    def _file(self, record: Record) -> File:
        return self._files.setdefault(record.file, File())  # one without a name, or of shared memory

    def _folder(self, path: str) -> Folder:
        found = self._at(path)
        assert isinstance(found, Folder), path
        return found

    def _at(self, path: str) -> File | Folder:
        found: File | Folder = self._root
        for part in PurePath(path).parts:
            assert isinstance(found, Folder), path
            found = found.now[part]
        return found

    def _place(self, path: str) -> tuple[Folder, str]:
        return self._folder(os.path.dirname(path)), os.path.basename(path)

    def _name(self, *naming: tuple[Folder, str, File | Folder | None]) -> None:
        for folder, name, led in naming:
            _lead(folder.now, name, led)
        self._since.append(list(naming))

    def _sync(self, folder: Folder) -> None:
        """Its names are safe, and whatever came before in the folders that they moved from or to."""
        with_it, later = {folder}, []
        safe: list[Naming] = []
        for naming in reversed(self._since):
            folders = {one for one, _, _ in naming}
            if with_it & folders:
                with_it |= folders
                safe.append(naming)
            else:
                later.append(naming)
        for naming in reversed(safe):
            for one, name, led in naming:
                _lead(one.safe, name, led)
        self._since = later[::-1]


def _lead(names: dict[str, File | Folder], name: str, led: File | Folder | None) -> None:
    if led is None:
        names.pop(name, None)
    else:
        names[name] = led


def _do(held: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del held[at:]
    held.extend(bytes(max(at - len(held), 0)))
    if data is not None:
        held[at : at + len(data)] = data


def _kept(at: int, data: bytes | None, chance: Random, lost: Lost) -> Iterator[tuple[int, bytes | None]]:
    if lost in (Lost.ALL, Lost.BYTES):
        return
    if lost in (Lost.NOTHING, Lost.NAMES) or (fate := chance.randrange(3)) == 0:
        yield at, data
    elif fate == 1 and data is not None:
        sector = chance.choice(SECTORS)
        start = at
        while start < at + len(data):
            end = min(start - start % sector + sector, at + len(data))
            if chance.random() < 0.5:
                yield start, data[start - at : end - at]
            start = end


def ends(disk: Disk, records: Sequence[Record], cuts: Iterable[int]) -> Iterator[tuple[int, list[Any]]]:
    """Do again what was done up to each of so many records, the numbers rising; gives what was promised until then."""
    promised: list[Any] = []
    done = 0
    for cut in cuts:
        for record in records[done:cut]:
            disk.do(record)
            if record.op == MARK:
                promised.append(json.loads(record.data))
        done = max(done, cut)
        yield cut, list(promised)
