"""A command watched once, and the disk as it may be found after failures at many moments of that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from tests.commands import Done

from .disk import MARK, Record, Watched
from .power import MEMORY, Disk, Lost, ends

FEW, MANY = 5, 300
"""Moments of a failure, besides those right behind a promise: in every run, and under soak."""


class Failure(NamedTuple):
    """What is found after a power failure: the folder, what was promised before, how much of the rest is lost."""

    root: Path
    promised: list[Any]
    told: str


class Scene:
    """A folder that is watched from now on, with a node in it."""

    def __init__(self, root: Path, library: Path) -> None:
        self.root = root.resolve()
        self.watched = Watched(self.root, library)
        self._disk = Disk(self.root)

    def run(self, *words: str | Path, input: bytes = b"", code: int = 0) -> Done:
        """A command, watched."""
        done = subprocess.run(
            [sys.executable, "-m", "kizuna", *map(str, words)], input=input, capture_output=True, check=False, timeout=120,
            env={**os.environ, "KIZUNA_LOG": "off", **self.watched.environment},
        )  # fmt: skip
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def failures(self, moments: int, *, seed: int = 1) -> Iterator[Failure]:
        """The disk after failures at so many moments, and right behind each promise."""
        records, chance = self.watched.records(), Random(seed)
        assert len(records) > 5
        chosen = sorted(_chosen(records, moments, chance, thorough=moments >= MANY))
        target = self.root.with_name("after")
        for cut, promised in ends(self._disk, records, sorted({len(records), *(cut for cut, _ in chosen)})):
            for lost in [lost for at, lost in chosen if at == cut]:
                self._disk.after(target, chance, lost)
                yield Failure(target, promised, f"after {cut} of {len(records)} records, lost: {lost}")
                shutil.rmtree(target)
        # Nothing was done that was not seen: with nothing lost the disk is what it really is.
        self._disk.after(target, chance, Lost.NOTHING)
        assert contents(target) == contents(self.root)
        shutil.rmtree(target)


def contents(root: Path) -> dict[str, bytes]:
    """Every file of a folder, but those that are shared memory."""
    files = (path for path in root.rglob("*") if path.is_file() and not path.name.endswith(MEMORY))
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def _chosen(records: Sequence[Record], moments: int, chance: Random, *, thorough: bool) -> set[tuple[int, Lost]]:
    promises = [number + 1 for number, record in enumerate(records) if record.op == MARK]
    everywhere = list(range(len(records) + 1))
    # What was done just before a sync, and the names that change, are where something may be by halves.
    turns = [number for number, record in enumerate(records) if record.op in "SRUCDT"]
    wanted = chance.sample(turns, min(moments - moments // 3, len(turns)))
    wanted += chance.sample(everywhere, min(moments // 3, len(everywhere)))
    ways = [Lost.ALL, Lost.BYTES, Lost.NAMES, Lost.SOME, Lost.SOME]
    if thorough:
        behind = {(cut, lost) for cut in promises for lost in ways}
        return behind | {(cut, lost) for cut in wanted for lost in (Lost.SOME, chance.choice(ways))}
    behind = {(cut, lost) for cut in promises[-3:] for lost in (Lost.ALL, Lost.SOME)}
    return behind | {(cut, chance.choice(ways)) for cut in wanted}


HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("select count(*) from meta").fetchone()
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def somebody_reads(file: Path) -> Iterator[None]:
    """A process of its own has the store open, so its log stays and grows. (One's own lock on a file ends when one reads it otherwise.)"""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        yield
        process.kill()  # at an orderly end it would put the log away
