"""STIX files as they lie on disks: plain or gzip, named or standard input, always within bounds."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from kizuna.errors import InvalidInput, KizunaError, NotFound, TooLarge
from kizuna.settings import Limits, MiB
from kizuna.stix import Container, Item, ReadLimits, Share, iter_objects, marking_definitions
from kizuna.stix.validation import container_problems
from kizuna.store import Outcome, Writer, apart

# Below this size a high ratio harms nobody: small files of repeated text compress 1000-fold.
RATIO_FREE = 16 * MiB
# From here on reading and checking in a second process pays for making it.
APART_ABOVE = 2 * MiB
MOST_DEFINITIONS = 20_000
_WHOLE = Share()
_GZIP = b"\x1f\x8b"


def read_file(name: str, limits: Limits, share: Share = _WHOLE) -> Iterator[Item]:
    """The items of one file, or a share of them; `-` is standard input. Raises NotFound, InvalidInput, TooLarge or OSError."""
    bounds = bounds_of(limits)
    if name == "-":
        yield from _items(sys.stdin.buffer, bounds, share)
        return
    path = Path(name)
    if not path.exists():
        raise NotFound("no such file", file=name)
    if path.is_dir():
        raise InvalidInput("is a folder", file=name)
    with path.open("rb") as handle:
        if handle.peek(2)[:2] != _GZIP:
            yield from _items(handle, bounds, share)
            return
        with Unpacked(handle, name, limits.compression_ratio) as unpacked:
            yield from _items(io.BufferedReader(unpacked), bounds, share)


def bounds_of(limits: Limits) -> ReadLimits:
    """What the settings say of one container and of each object in it."""
    return ReadLimits(object=limits.object, split_above=limits.split_above, depth=limits.depth)


def _items(source: bytes | BinaryIO, bounds: ReadLimits, share: Share) -> Iterator[Item]:
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
    text = _whole(name, limits)
    if text is None:
        size = Path(name).stat().st_size if name != "-" and Path(name).is_file() else 0
        yield from _bring_in(writer, lambda share: read_file(name, limits, share), size, name, readers=1)
        return
    yield from bring_in_text(writer, text, name, limits)


def bring_in_text(writer: Writer, text: bytes, name: str, limits: Limits) -> Generator[Outcome, None, None]:
    """Bring a container that is held as a whole into the store, as `bring_in` does; `name` is where it came from."""
    # More of them than a writer holds need not be held here, either.
    few = text.count(b'"marking-definition"') <= MOST_DEFINITIONS
    definitions = marking_definitions(text) if few else None
    writer.define(definitions or ())
    # Whoever reads a part of it alone must know every definition; processes share the text that is read already.
    readers = 1 if definitions is None else apart.READERS
    bounds = bounds_of(limits)
    yield from _bring_in(writer, lambda share: _items(text, bounds, share), len(text), name, readers=readers)


def _bring_in(
    writer: Writer, read: Callable[[Share], Iterator[Item]], size: int, name: str, *, readers: int
) -> Iterator[Outcome]:
    if size >= APART_ABOVE and apart.available():
        yield from writer.add_apart(read, file=name, readers=readers)
    else:
        yield from writer.add(read(_WHOLE), file=name)


def _whole(name: str, limits: Limits) -> bytes | None:
    """The text of a file, unpacked, where it is one that is held as a whole; what is wrong with another is told on reading it."""
    path = Path(name)
    if name == "-" or not path.is_file() or path.stat().st_size > limits.split_above:
        return None
    try:
        return plain(path.read_bytes(), name, limits)
    except KizunaError:
        return None


def plain(data: bytes, name: str, limits: Limits) -> bytes:
    """A text, unpacked where it is gzip. Raises TooLarge where it is not one to be held as a whole, InvalidInput when broken."""
    if data[:2] == _GZIP:
        with Unpacked(io.BytesIO(data), name, limits.compression_ratio) as unpacked:
            data = io.BufferedReader(unpacked).read(limits.split_above + 1)
    if len(data) > limits.split_above:
        raise TooLarge(f"unpacked it is larger than {limits.split_above} bytes", file=name)
    return data


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
