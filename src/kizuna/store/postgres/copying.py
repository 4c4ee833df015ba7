"""Rows in PostgreSQL's binary COPY format (documentation of COPY, "Binary Format"), made column by column."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain, repeat
from typing import Any

import psycopg
from psycopg import sql

from kizuna.store.archive import PIECE_BYTES, Archive
from kizuna.store.rowwise import SIGNATURE, piece

_HEADER = SIGNATURE + struct.pack(">ii", 0, 0)
_TRAILER = struct.pack(">h", -1)
_NULL = struct.pack(">i", -1)
_LENGTH = struct.Struct(">i").pack
_WIDTH = "h"
_SIZES = {"bigint": ("q", 8), "integer": ("i", 4)}
NUL = "␀"
"""Stands in texts for U+0000, which PostgreSQL keeps in no text."""


def block(flat: list[Any], types: Sequence[str]) -> bytes:
    """Rows given one value behind the other, as many values each as there are types of columns."""
    width = len(types)
    pieces: list[Iterable[bytes]] = []
    # Numbers that stand beside each other are packed together, the number of values before the first of them.
    form = _WIDTH
    arguments: list[Iterable[int]] = [repeat(width)]
    for at, type in enumerate(types):
        column = flat[at::width]
        if type in _SIZES and None not in column:
            letter, size = _SIZES[type]
            form += f"i{letter}"
            arguments += [repeat(size), column]
            continue
        if form:
            pieces.append(map(struct.Struct(f">{form}").pack, *arguments))
            form, arguments = "", []
        pieces += _ENCODERS[type](column)
    if form:
        pieces.append(map(struct.Struct(f">{form}").pack, *arguments))
    if len(pieces) == 1:
        return b"".join((_HEADER, *pieces[0], _TRAILER))
    # Joined once, every value by itself: bodies and texts are long.
    return b"".join((_HEADER, *chain.from_iterable(zip(*pieces, strict=False)), _TRAILER))


def _integers(form: str, column: list[Any]) -> list[Iterable[bytes]]:
    pack, size = struct.Struct(f">i{form}").pack, struct.calcsize(f">{form}")
    return [[_NULL if value is None else pack(size, value) for value in column]]


def _bytes(column: list[Any]) -> list[Iterable[bytes]]:
    return [[_NULL if value is None else _LENGTH(len(value)) for value in column], [value or b"" for value in column]]


def _texts(column: list[Any]) -> list[Iterable[bytes]]:
    return _bytes([None if value is None else storable(value).encode() for value in column])


def storable(text: str) -> str:
    """A text as PostgreSQL can keep it."""
    return text.replace("\0", NUL) if "\0" in text else text


_ENCODERS: dict[str, Callable[[list[Any]], list[Iterable[bytes]]]] = {
    "bigint": partial(_integers, "q"), "integer": partial(_integers, "i"), "bytea": _bytes, "text": _texts,
}  # fmt: skip


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
