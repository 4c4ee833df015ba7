"""STIX files as they lie on disks: plain or gzip, named or standard input, always within bounds."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from kizuna.errors import InvalidInput, NotFound, TooLarge
from kizuna.settings import Limits, MiB
from kizuna.stix import Container, Item, ReadLimits, Share, iter_objects, marking_definitions
from kizuna.stix.validation import container_problems
from kizuna.store import Outcome, Writer, apart

# Below this size a high ratio harms nobody: small files of repeated text compress 1000-fold.
RATIO_FREE = 16 * MiB
# From here on reading and checking in a second process pays for making it.
APART_ABOVE = 2 * MiB
_WHOLE = Share()


def read_file(name: str, limits: Limits, share: Share = _WHOLE) -> Iterator[Item]:
    """The items of one file, or a share of them; `-` is standard input. Raises NotFound, InvalidInput, TooLarge or OSError."""
    bounds = ReadLimits(object=limits.object, split_above=limits.split_above, depth=limits.depth)
    if name == "-":
        yield from _items(sys.stdin.buffer, bounds, share)
        return
    path = Path(name)
    if not path.exists():
        raise NotFound("no such file", file=name)
    if path.is_dir():
        raise InvalidInput("is a folder", file=name)
    with path.open("rb") as handle:
        if handle.peek(2)[:2] != b"\x1f\x8b":
            yield from _items(handle, bounds, share)
            return
        with Unpacked(handle, name, limits.compression_ratio) as unpacked:
            yield from _items(io.BufferedReader(unpacked), bounds, share)


def _items(source: BinaryIO, bounds: ReadLimits, share: Share) -> Iterator[Item]:
    """The items; a container that holds none because it is broken is an error of the whole."""
    containers: list[Container] = []
    empty = True
    for item in iter_objects(source, limits=bounds, on_container=containers.append, share=share):
        empty = False
        yield item
    errors = [p for c in containers for p in container_problems(c) if p.severity == "error"]
    if errors and empty and share.has(None):
        raise InvalidInput(errors[0].message, path=errors[0].path)


def bring_in(writer: Writer, name: str, limits: Limits) -> Iterator[Outcome]:
    """Bring one file into the store; its marking definitions are known from the start, wherever they stand."""
    path = Path(name)
    size = path.stat().st_size if name != "-" and path.is_file() else None
    known = size is not None and size <= limits.split_above
    if known:
        writer.define(marking_definitions(path.read_bytes()))
    if size is not None and size >= APART_ABOVE and apart.available():
        readers = apart.READERS if known else 1
        yield from writer.add_apart(lambda share: read_file(name, limits, share), file=name, readers=readers)
    else:
        yield from writer.add(read_file(name, limits), file=name)


class Unpacked(io.RawIOBase):
    """A gzip file read within a compression ratio. Raises TooLarge at the first excess, InvalidInput when broken."""

    def __init__(self, packed: BinaryIO, name: str, ratio: int) -> None:
        self._packed = packed
        self._name = name
        self._ratio = ratio
        self._plain = gzip.GzipFile(fileobj=packed, mode="rb")
        self._given = 0

    def readable(self) -> bool:
        """Yes: this stream is for reading."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill the buffer, as io.RawIOBase asks."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        try:
            block = self._plain.read(min(len(view), MiB))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InvalidInput(f"broken gzip: {error}", file=self._name) from None
        self._given += len(block)
        if self._given > RATIO_FREE and self._given > self._ratio * max(self._packed.tell(), 1):
            raise TooLarge(f"unpacks to more than {self._ratio} times its size", file=self._name)
        view[: len(block)] = block
        return len(block)
