"""What is on the disk once it was said to be: a file's bytes by fsync(2) on it, its name by fsync(2) on the folder that it is in."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

# What some file systems, and folders that may be written to but not read, answer: nothing better can be had there.
_NOT_POSSIBLE = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM)


def sync_folder(folder: Path) -> None:
    """Make durable what names a folder holds: files that were made, renamed and taken away in it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NOT_POSSIBLE:
            raise


@contextmanager
def whole(target: Path, part: Path, descriptor: int) -> Iterator[BinaryIO]:
    """Write into an open `part` beside a file what takes its place, durably, when all of it is there; else nothing is left."""
    try:
        with os.fdopen(descriptor, "wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def sync_tree(folder: Path) -> None:
    """The same for a folder and those inside of it; the files are synced by whoever wrote them."""
    for inside in folder.iterdir():
        if inside.is_dir() and not inside.is_symlink():
            sync_tree(inside)
    sync_folder(folder)


def make_folder(folder: Path) -> None:
    """Make a folder for its owner only where there is none, and those above it, durably."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for made in missing:
        sync_folder(made.parent)
