"""Rows of an archive: each table as PostgreSQL's binary COPY has it, cut into pieces, read back without PostgreSQL.

The format: documentation of COPY, "Binary Format": a signature, then for each row the number of its values and each with its length.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

import msgspec

from kizuna.errors import InvalidInput
from kizuna.store.archive import TABLES, Checked

Row = tuple[Any, ...]
SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEAD = len(SIGNATURE) + 8
_SHORT = struct.Struct(">h").unpack_from
_LONG = struct.Struct(">i").unpack_from
_MODULO = 1 << 128
_LARGEST = 1 << 30
_encode = msgspec.msgpack.Encoder().encode


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)


DECODERS: dict[str, Callable[[bytes], Any]] = {
    "bigint": _number, "integer": _number, "text": lambda data: data.decode(), "bytea": bytes,
}  # fmt: skip
"""By the name of a column's type."""


class Sum:
    """A digest of rows in whatever order: the sum of their digests."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Count rows in."""
        for row in rows:
            digest = hashlib.blake2b(_encode(row), digest_size=16).digest()
            self._sum = (self._sum + int.from_bytes(digest, "big")) % _MODULO
            self.rows += 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sum) and (self.rows, self._sum) == (other.rows, other._sum)

    __hash__ = None  # type: ignore[assignment]


def piece(table: str, number: int) -> str:
    """The name of a member that holds a part of a table."""
    return f"{TABLES}{table}/{number:06d}"


def rows_of(checked: Checked, table: str) -> Iterator[Row]:
    """Every row of a table in an archive. Raises InvalidInput for what is no such table."""
    decoders = [DECODERS[kind] for kind in checked.manifest.columns[table].values()]
    found = 0
    try:
        for row in _rows(_Bytes(_pieces(checked, table)), decoders):
            found += 1
            yield row
    except (struct.error, UnicodeDecodeError, ValueError):
        raise InvalidInput("holds rows that are none", file=str(checked.file), path=table) from None
    if found != checked.manifest.tables.get(table):
        raise InvalidInput("holds another number of rows than its manifest says", file=str(checked.file), path=table)


def _pieces(checked: Checked, table: str) -> Iterator[bytes]:
    for number in count():
        if (name := piece(table, number)) not in checked.members:
            return
        yield checked.read(name)


class _Bytes:
    """Bytes of pieces one after the other."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""
        self._at = 0

    def take(self, size: int) -> bytes:
        """The next so many. Raises ValueError where there are fewer, or nobody keeps so many."""
        if not 0 <= size <= _LARGEST:
            raise ValueError(size)
        while len(self._held) - self._at < size:
            more = next(self._pieces, None)
            if more is None:
                raise ValueError(size)
            self._held, self._at = self._held[self._at :] + more, 0
        self._at += size
        return self._held[self._at - size : self._at]


def _rows(data: _Bytes, decoders: list[Callable[[bytes], Any]]) -> Iterator[Row]:
    if not data.take(_HEAD).startswith(SIGNATURE):
        raise ValueError("no rows")
    width = len(decoders)
    while (values := _SHORT(data.take(2))[0]) != -1:
        if values != width:
            raise ValueError(values)
        yield tuple([_value(data, decode) for decode in decoders])


def _value(data: _Bytes, decode: Callable[[bytes], Any]) -> Any:
    size = _LONG(data.take(4))[0]
    return None if size == -1 else decode(data.take(size))
