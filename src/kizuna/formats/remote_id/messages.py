"""Open Drone ID messages decoded many at once, and encoded one by one; `blocks` encodes many (ASTM F3411-22a, section 5.4.5).

Messages are rows of an array of bytes, shape (n, 25). Decoding never fails: what a field cannot say reads as not-a-number or as an
empty text, and `faults` names what the standard does not allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from kizuna.formats.remote_id.blocks import FAST, FAST_FROM, NUMBERS, SLOW, Bytes, encode_many, pack_many
from kizuna.formats.remote_id.fields import FIELDS, ID_TYPES, MOST_PACKED, PACK, SIZE, Field, Message

Columns = dict[str, NDArray[Any]]

_TURN = 180.0
_PACK_HEAD = 3
SESSIONS = (ID_TYPES.index("utm-session"), ID_TYPES.index("specific-session"))
"""Kinds of names that are bytes: 16 of a UUID, and up to 20."""


def decode(message: Message, block: Bytes) -> Columns:
    """The fields of messages of one type as columns of n.

    Numbers are in their units (NaN where unknown), codes are integers, texts bytes, and data that is no text are rows of bytes.

    A location has `direction` (degrees clockwise from true north) and `speed` (m/s) instead of their raw parts. A place of 0° by 0° is
    what is written for an unknown one.
    """
    columns = {field.name: _column(field, block) for field in FIELDS[message]}
    if message == "location":
        _join_direction_and_speed(columns)
        _forget_nowhere(columns, "latitude", "longitude")
    elif message == "system":
        _forget_nowhere(columns, "operator_latitude", "operator_longitude")
    return columns


def _forget_nowhere(columns: Columns, latitude: str, longitude: str) -> None:
    nowhere = (columns[latitude] == 0) & (columns[longitude] == 0)
    columns[latitude][nowhere] = columns[longitude][nowhere] = np.nan


def _column(field: Field, block: Bytes) -> NDArray[Any]:
    if field.kind == "bits":
        raw = (block[:, field.at] >> field.shift) & ((1 << field.width) - 1)
        if not field.unit:
            return raw
    elif field.kind == "bytes":
        return block[:, field.at : field.at + field.size]
    elif field.kind == "text":
        part = np.ascontiguousarray(block[:, field.at : field.at + field.size])
        return part.view(f"S{field.size}")[:, 0]
    else:
        form = np.dtype(NUMBERS[field.kind])
        raw = np.ascontiguousarray(block[:, field.at : field.at + form.itemsize]).view(form)[:, 0]
        if field.scale == 1.0 and field.unknown is None:
            return raw
    # Divided, so that 0.1 of 9351 is the very number 935.1 that people write.
    value = (raw / round(1 / field.scale) if field.scale < 1 else raw * field.scale) + field.base
    if field.unknown is not None:
        value[raw == field.unknown] = np.nan
    return cast("NDArray[Any]", value)


def _join_direction_and_speed(columns: Columns) -> None:
    west, fast = columns.pop("west"), columns.pop("fast")
    turned, speed = columns.pop("direction_raw"), columns.pop("speed_raw")
    direction = turned + _TURN * west
    # Many round 359.5° and more up to 360, as the reference implementation does; 361 is unknown.
    columns["direction"] = np.where(direction > 2 * _TURN, np.nan, direction % (2 * _TURN))
    value = np.where(fast == 1, speed * FAST + FAST_FROM, speed * SLOW)
    columns["speed"] = np.where((fast == 1) & (speed == 255), np.nan, value)


def text(raw: bytes) -> str:
    """A text of a message: ASCII, filled up with zero bytes or spaces; what is no printable ASCII is shown as `\\xNN`."""
    kept = raw.partition(b"\0")[0].rstrip(b" ")
    return "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in kept)


def name_text(id_type: int, raw: bytes) -> str:
    """A name of this kind (`ID_TYPES`): of a session the bytes in hexadecimal, unless they are a text; of all others a text."""
    said = text(raw)
    if id_type not in SESSIONS or all(32 <= byte < 127 for byte in raw.rstrip(b"\0")):
        return said
    return raw.ljust(16 if id_type == SESSIONS[0] else 20, b"\0").hex()


def faults(message: Message, columns: Columns) -> dict[str, NDArray[np.bool_]]:
    """By field, which rows hold what the standard does not allow: a value out of range, a code without a meaning."""
    found: dict[str, NDArray[np.bool_]] = {}
    for field in FIELDS[message]:
        values = columns.get(field.name)
        if values is None:
            continue
        if field.low is not None and field.high is not None:
            with np.errstate(invalid="ignore"):
                wrong = (values < field.low) | (values > field.high)
        elif field.names or field.meant:
            wrong = values >= (len(field.names) or field.meant)
            if field.private is not None:
                wrong &= values < field.private
        else:
            continue
        if wrong.any():
            found[field.name] = wrong
    return found


def encode(message: Message, values: Mapping[str, Any], *, version: int = 2) -> bytes:
    """One message; what is left out is written as unknown. Raises InvalidInput for a value that its field cannot hold."""
    return encode_many(message, values, 1, version=version).tobytes()


class Unpacked(NamedTuple):
    """Messages, shape (m, 25), and of each the row of the transmission it is of.

    By transmission: its counter, whether it was refused as too short or no pack, and how many messages of its pack are not all there.
    """

    block: Bytes
    owner: NDArray[np.int64]
    counter: NDArray[np.int64]
    refused: NDArray[np.bool_]
    lost: NDArray[np.int64]


def unpack(data: bytes, at: NDArray[np.int64], end: NDArray[np.int64]) -> Unpacked:
    """The messages of transmissions that lie from `at` to `end`: each is a counter, then one message or a pack of them."""
    whole = np.frombuffer(data, np.uint8)
    room = end - at - 1
    long = room >= SIZE
    first = np.where(long, at + 1, 0)
    packed = long & (whole[first] >> 4 == PACK)
    head = np.where(packed, first, 0)
    stated = np.where(packed, whole[head + 2], long).astype(np.int64)
    refused = ~long | (packed & ((whole[head + 1] != SIZE) | (stated == 0) | (stated > MOST_PACKED)))
    there = np.where(packed, (room - _PACK_HEAD) // SIZE, 1)
    count = np.where(refused, 0, np.minimum(stated, there))
    owner = np.repeat(np.arange(len(at)), count)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    begin = first[owner] + np.where(packed[owner], _PACK_HEAD, 0) + SIZE * within
    block = whole[begin[:, None] + np.arange(SIZE)] if len(owner) else np.zeros((0, SIZE), np.uint8)
    counter = np.where(room >= 0, whole[np.minimum(at, len(whole) - 1)], 0).astype(np.int64)
    return Unpacked(block, owner, counter, refused, np.where(refused, 0, stated - count))


def pack(messages: list[bytes], *, version: int = 2) -> bytes:
    """A message pack: up to nine messages of 25 bytes behind three bytes of its own."""
    return pack_many([np.frombuffer(one, dtype=np.uint8)[None, :] for one in messages], version=version).tobytes()
