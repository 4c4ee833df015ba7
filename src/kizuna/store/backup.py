"""A backup of a node: one file with everything it remembers, its settings, its key and its tokens, as of one moment.

It is made while the node serves, under another name first, and is there whole or not at all.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

from kizuna import __version__
from kizuna.clock import to_text
from kizuna.durable import sync_folder
from kizuna.errors import Conflict, InvalidInput, NodeBusy
from kizuna.store.archive import (
    FILE_BYTES,
    FIRST,
    FOLDER,
    FORMAT,
    MOST_FILES,
    Archive,
    Manifest,
    Write,
    check,
    is_plain_name,
)
from kizuna.store.database import is_postgres, store_file
from kizuna.store.store import Store

PART = ".kizuna-part"
COPY = ".kizuna-copy"
REPLACED = "replaced-"
"""What a folder that a restore put aside is called, before the moment it did."""
LOCK = "up.lock"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was made: what is in it, its size, its SHA-256, and files of the folder that are not in it."""

    manifest: Manifest
    size: int
    sha256: str
    left_out: tuple[str, ...]


def back_up(store: Store, target: Path, *, by: str) -> Kept:
    """Write a backup to a file, read it back and compare. Raises InvalidInput, Conflict, NodeBusy; then there is no such file."""
    _must_be_ours(target)
    part = target.with_name(f".{target.name}{PART}")
    try:
        with _alone(part) as handle:
            digest = hashlib.sha256()

            def write(data: bytes) -> None:
                digest.update(data)
                handle.write(data)

            made = _write(store, write, digest, target.with_name(f".{target.name}{COPY}"))
            handle.flush()
            os.fsync(handle.fileno())
            if check(part).manifest != made.manifest:
                raise InvalidInput("what was written is not what is read back; try another disk", file=str(target))
            os.replace(part, target)
            sync_folder(target.parent)
    except OSError as error:
        raise InvalidInput(f"cannot be written: {error.strerror}", file=str(target)) from None
    store.audit(by, "backup", str(target.absolute()), {"made": made.manifest.made, "sha256": made.sha256})
    return made


def stream(store: Store, out: IO[bytes], *, by: str) -> Kept:
    """Write a backup to a stream, which nobody can read back. Raises InvalidInput, NodeBusy."""
    digest = hashlib.sha256()

    def write(data: bytes) -> None:
        digest.update(data)
        out.write(data)

    with _alone(store.folder / f".stream{PART}"):
        made = _write(store, write, digest, store.folder / f".stream{COPY}")
    out.flush()
    store.audit(by, "backup", "-", {"made": made.manifest.made, "sha256": made.sha256})
    return made


def _write(store: Store, write: Write, digest: hashlib._Hash, scratch: Path) -> Kept:
    archive = Archive(write)
    scratch.unlink(missing_ok=True)  # of one that was killed
    settings = store.settings
    begun = Manifest(
        format=FORMAT, kizuna=__version__, made=to_text(store.clock()), kind="sqlite", schema=0, epoch=0,
        node=settings.identity, name=settings.name, organisation=settings.organisation, tables={},
    )  # fmt: skip
    whole = store.database.put_into(archive, begun, scratch)
    left_out = list(_add_folder(archive, store))
    manifest = archive.finish(whole)
    return Kept(manifest=manifest, size=archive.size, sha256=digest.hexdigest(), left_out=tuple(left_out))


def _add_folder(archive: Archive, store: Store) -> Iterator[str]:
    """Add the files of the node's folder; gives the names of those that are too many, too large, or no plain files."""
    added = 0
    for name, file in files_of(store.folder, store.settings.store):
        if file.is_symlink() or not file.is_file() or not is_plain_name(FOLDER + name) or added == MOST_FILES:
            yield name
            continue
        with file.open("rb") as handle:
            data = handle.read(FILE_BYTES + 1)
        if len(data) <= FILE_BYTES:
            archive.add(FOLDER + name, data)
            added += 1
        elif not data.startswith(FIRST.encode()):  # a backup in the folder needs no backup
            yield name


def files_of(folder: Path, url: str | None) -> Iterator[tuple[str, Path]]:
    """Files of a node's folder by their name in it: settings, key, tokens, whatever else; not its store, nor what begins with a dot."""
    store = None if is_postgres(url) else store_file(folder, url)
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        of_store = store is not None and path.parent == store.parent and path.name.startswith(store.name)
        if of_store or path.name == LOCK or inside.parts[0].startswith(REPLACED):
            continue
        if not any(part.startswith(".") for part in inside.parts) and (path.is_symlink() or not path.is_dir()):
            yield inside.as_posix(), path


def _must_be_ours(target: Path) -> None:
    """Nothing but another backup is written over. Raises Conflict, InvalidInput."""
    if target.is_symlink():
        raise InvalidInput("is a link; name the file itself", file=str(target))
    if target.is_dir():
        raise InvalidInput("is a folder", file=str(target))
    if not target.exists():
        return
    if not target.is_file():
        raise InvalidInput("is no file; - writes to standard output", file=str(target))
    with target.open("rb") as handle:
        if not handle.read(len(FIRST)) == FIRST.encode():
            raise Conflict("is there and no backup; nothing was changed", file=str(target))


@contextmanager
def _alone(part: Path) -> Iterator[IO[bytes]]:
    """A file of one's own beside the one that will be; whatever ends this, it is gone. Raises NodeBusy."""
    _sweep(part.parent)
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+b") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NodeBusy("another backup is being written to it", file=str(part)) from None
        try:
            handle.truncate()
            os.fchmod(descriptor, 0o600)
            yield handle
        finally:
            with suppress(OSError, ValueError):
                part.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Take away what backups that were killed have left: nobody holds it."""
    for part in folder.glob(f".*{PART}"):
        with suppress(OSError), part.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.with_name(part.name.removesuffix(PART) + COPY).unlink(missing_ok=True)
            part.unlink()
