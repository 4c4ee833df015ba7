"""Rows in PostgreSQL's binary COPY format (documentation of COPY, "Binary Format"), made column by column."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

import psycopg
from psycopg import sql

from kizuna.store.archive import PIECE_BYTES, Archive
from kizuna.store.rowwise import SIGNATURE, piece

_HEADER = SIGNATURE + struct.pack(">ii", 0, 0)
_TRAILER = struct.pack(">h", -1)
_NULL = struct.pack(">i", -1)
_LENGTH = struct.Struct(">i").pack
_WIDTH = struct.Struct(">h").pack
_INTEGER = struct.Struct(">ii").pack
_BIGINT = struct.Struct(">iq").pack
NUL = "␀"
"""Stands in texts for U+0000, which PostgreSQL keeps in no text."""

Encoder = Callable[[list[Any]], Iterable[bytes]]


def block(flat: list[Any], encoders: list[Encoder]) -> bytes:
    """Rows given one value behind the other, as many values each as there are encoders."""
    width = len(encoders)
    columns = [encode(flat[at::width]) for at, encode in enumerate(encoders)]
    rows = map(b"".join, zip(repeat(_WIDTH(width)), *columns))
    return b"".join((_HEADER, *rows, _TRAILER))


def _bigints(column: list[Any]) -> Iterable[bytes]:
    if None in column:
        return [_NULL if value is None else _BIGINT(8, value) for value in column]
    return map(_BIGINT, repeat(8), column)


def _integers(column: list[Any]) -> Iterable[bytes]:
    if None in column:
        return [_NULL if value is None else _INTEGER(4, value) for value in column]
    return map(_INTEGER, repeat(4), column)


def _bytes(column: list[Any]) -> Iterable[bytes]:
    return [_NULL if value is None else _LENGTH(len(value)) + value for value in column]


def _texts(column: list[Any]) -> Iterable[bytes]:
    return _bytes([None if value is None else storable(value).encode() for value in column])


def storable(text: str) -> str:
    """A text as PostgreSQL can keep it."""
    return text.replace("\0", NUL) if "\0" in text else text


ENCODERS: dict[str, Encoder] = {"bigint": _bigints, "integer": _integers, "bytea": _bytes, "text": _texts}
"""By the name of a column's type."""


def copy_out(raw: psycopg.Connection[Any], archive: Archive, table: str, columns: list[str]) -> int:
    """Put every row of a table that this connection sees into an archive, piece by piece; gives their number."""
    statement = sql.SQL("copy {} ({}) to stdout (format binary)").format(
        sql.Identifier(table), sql.SQL(",").join(map(sql.Identifier, columns))
    )
    held, number = bytearray(), 0
    with raw.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for block in copy:
                held += block
                if len(held) >= PIECE_BYTES:
                    archive.add(piece(table, number), bytes(held))
                    held, number = bytearray(), number + 1
        archive.add(piece(table, number), bytes(held))
        return cursor.rowcount
