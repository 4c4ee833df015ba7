"""The file of a backup: a tar whose last members are a manifest, which names every other with its size and SHA-256, and its digest.

Only plain files with plain names are in it, so any tar lists and unpacks it; what is read here is read by this module alone, which
takes nothing for granted: no links, no paths that lead elsewhere, no sizes beyond what is there.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import msgspec

from kizuna.errors import InvalidInput

FORMAT = 1
FIRST = "kizuna-backup.json"
MANIFEST = "manifest.json"
DIGEST = "manifest.sha256"
FOLDER = "node/"
DATABASE = "store/node.sqlite"
TABLES = "tables/"

MOST_FILES = 1_000
FILE_BYTES = 1 << 20
"""Of one file of the node's folder: settings, keys and tokens are small."""
PIECE_BYTES = 16 << 20
"""Of a piece of a table, after which the next begins."""
_LARGEST_PIECE = 1 << 28  # one row more than a piece: an object and its text before it was lifted
_MANIFEST_BYTES = 64 << 20
_BLOCK = 512
_READ = 1 << 20
_NAME = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._@+-]*/)*[A-Za-z0-9_][A-Za-z0-9._@+-]*")
LONGEST_NAME = 100

Kind = Literal["sqlite", "postgres"]
Write = Callable[[bytes], object]


class Listed(msgspec.Struct, frozen=True):
    """One member as the manifest names it."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is: of which node and moment (RFC 3339), of which kind of store, and everything in it.

    `columns`, each with its type, and `newest_document` are given where tables are kept row by row.
    """

    format: int
    kizuna: str
    made: str
    kind: Kind
    schema: int
    epoch: int
    node: str
    name: str
    organisation: str
    tables: dict[str, int]
    columns: dict[str, dict[str, str]] = {}
    newest_document: int = 0
    members: list[Listed] = []


class Member(NamedTuple):
    """Where the bytes of a member are."""

    offset: int
    size: int


class Checked(NamedTuple):
    """An archive that is whole: its file, its manifest and where each member is."""

    file: Path
    manifest: Manifest
    members: dict[str, Member]

    def read(self, name: str) -> bytes:
        """The bytes of a small member."""
        return b"".join(self.blocks(name))

    def blocks(self, name: str) -> Iterator[bytes]:
        """The bytes of a member, few at a time."""
        with self.file.open("rb") as handle:
            member = self.members[name]
            handle.seek(member.offset)
            yield from _blocks(handle, member.size, self.file)


class Archive:
    """Writes an archive from its beginning to its end, to whatever takes bytes."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._listed: list[Listed] = []
        self.size = 0
        self._member(FIRST, b'{"format":%d}\n' % FORMAT)

    def add(self, name: str, data: bytes) -> None:
        """Add a member."""
        self._listed.append(self._member(name, data))

    def add_file(self, name: str, file: Path) -> None:
        """Add a file as a member; it must not change meanwhile."""
        digest, size = hashlib.sha256(), file.stat().st_size
        self._put(_header(name, size))
        with file.open("rb") as handle:
            for block in _blocks(handle, size, file):
                digest.update(block)
                self._put(block)
        self._pad(size)
        self._listed.append(Listed(name, size, digest.hexdigest()))

    def finish(self, manifest: Manifest) -> Manifest:
        """Write the manifest, with the members named in it, and the end."""
        whole = msgspec.structs.replace(manifest, members=self._listed)
        text = msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"
        listed = self._member(MANIFEST, text)
        self._member(DIGEST, listed.sha256.encode() + b"\n")
        self._put(bytes(2 * _BLOCK))
        return whole

    def _member(self, name: str, data: bytes) -> Listed:
        self._put(_header(name, len(data)))
        self._put(data)
        self._pad(len(data))
        return Listed(name, len(data), hashlib.sha256(data).hexdigest())

    def _pad(self, size: int) -> None:
        self._put(bytes(-size % _BLOCK))

    def _put(self, data: bytes) -> None:
        self._write(data)
        self.size += len(data)


def is_plain_name(name: str) -> bool:
    """Whether a member may be called so."""
    return len(name) <= LONGEST_NAME and _NAME.fullmatch(name) is not None


def check(file: Path) -> Checked:
    """Read a whole archive and hold it against its manifest, changing nothing. Raises InvalidInput."""
    try:
        with file.open("rb") as handle:
            return _checked(handle, file)
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", file=str(file)) from None


def _checked(handle: BinaryIO, file: Path) -> Checked:
    found: dict[str, Member] = {}
    digests: list[Listed] = []
    manifest: Manifest | None = None
    for name, member in _members(handle, file):
        if name in found:
            raise _wrong(file, "is in it twice", name)
        if not found:
            _must_be_known(name, handle, member, file)
        found[name] = member
        handle.seek(member.offset)
        if name in (FIRST, MANIFEST, DIGEST):
            data = b"".join(_blocks(handle, member.size, file))
            if name == MANIFEST:
                manifest, stated = _manifest(data, file), hashlib.sha256(data).hexdigest()
            elif name == DIGEST and (manifest is None or data.strip() != stated.encode()):
                raise _wrong(file, "the manifest is not what it was when it was written")
        else:
            digests.append(_digest(name, handle, member, file))
    if manifest is None or list(found)[-2:] != [MANIFEST, DIGEST]:
        raise _wrong(file, "its end is missing")
    _compare(manifest.members, digests, file)
    return Checked(file, manifest, found)


def _must_be_known(name: str, handle: BinaryIO, member: Member, file: Path) -> None:
    """The first member says what the file is, before anything else is looked at."""
    handle.seek(member.offset)
    try:
        at = msgspec.json.decode(handle.read(min(member.size, 1000)), type=dict[str, int])["format"]
    except (msgspec.MsgspecError, UnicodeError, KeyError):
        at = 0
    if name != FIRST or at < 1:
        raise _wrong(file, "is no backup of Kizuna")
    if at > FORMAT:
        raise InvalidInput(
            f"made by a newer Kizuna (backup format {at}, this one knows {FORMAT}); upgrade Kizuna", file=str(file)
        )


def _manifest(data: bytes, file: Path) -> Manifest:
    try:
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidInput(f"the manifest is none: {error}", file=str(file)) from None


def _compare(listed: list[Listed], found: list[Listed], file: Path) -> None:
    for stated, there in zip(listed, found, strict=False):
        if stated != there:
            raise _wrong(file, "is not what it was when it was written", there.name)
    if len(listed) != len(found):
        raise _wrong(file, "has other members than its manifest names")


def _members(handle: BinaryIO, file: Path) -> Iterator[tuple[str, Member]]:
    """Every member in order, each within bounds; the archive ends where the tar does."""
    whole, at, files = file.stat().st_size, 0, 0
    while True:
        handle.seek(at)
        header = handle.read(_BLOCK)
        if not any(header) and len(header) == _BLOCK:
            if handle.read() != bytes(_BLOCK):
                raise _wrong(file, "something follows its end")
            return
        name, size = _read_header(header, file)
        files += name.startswith(FOLDER)
        if size > _bound(name) or files > MOST_FILES:
            raise _wrong(file, "is larger than anything that a backup holds", name)
        if at + _BLOCK + size > whole:
            raise _wrong(file, "ends in the middle", name)
        yield name, Member(at + _BLOCK, size)
        handle.seek(at + _BLOCK + size)
        if handle.read(-size % _BLOCK) != bytes(-size % _BLOCK):
            raise _wrong(file, "is not what it was when it was written", name)
        at += _BLOCK + size + -size % _BLOCK


def _read_header(header: bytes, file: Path) -> tuple[str, int]:
    try:
        info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeError, ValueError):
        what = (
            "is no backup of Kizuna" if file.stat().st_size < _BLOCK else "ends in the middle or is no backup of Kizuna"
        )
        raise _wrong(file, what) from None
    if info.type != tarfile.REGTYPE:
        raise _wrong(file, "is no plain file; nothing of it was used", info.name[:LONGEST_NAME])
    if not is_plain_name(info.name):
        raise _wrong(file, "has a name that a backup does not use; nothing of it was used", info.name[:LONGEST_NAME])
    return info.name, info.size


def _bound(name: str) -> int:
    if name.startswith(FOLDER):
        return FILE_BYTES
    if name.startswith(TABLES):
        return _LARGEST_PIECE
    return {DATABASE: 1 << 50, MANIFEST: _MANIFEST_BYTES, FIRST: 1000, DIGEST: 1000}.get(name, 0)


def _digest(name: str, handle: BinaryIO, member: Member, file: Path) -> Listed:
    digest = hashlib.sha256()
    for block in _blocks(handle, member.size, file):
        digest.update(block)
    return Listed(name, member.size, digest.hexdigest())


def _blocks(handle: BinaryIO, size: int, file: Path) -> Iterator[bytes]:
    while size:
        block = handle.read(min(size, _READ))
        if not block:
            raise _wrong(file, "ends in the middle")
        size -= len(block)
        yield block


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")


def _wrong(file: Path, what: str, member: str | None = None) -> InvalidInput:
    return InvalidInput(what, file=str(file), path=member)
