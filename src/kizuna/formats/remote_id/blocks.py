"""Open Drone ID messages encoded, many of one type at once (ASTM F3411-22a, section 5.4.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kizuna.errors import InvalidInput
from kizuna.formats.remote_id.fields import FASTEST, FIELDS, MOST_PACKED, PACK, SIZE, TYPES, Field, Message

Bytes = NDArray[np.uint8]

NUMBERS = {"u8": "<u1", "i8": "<i1", "u16": "<u2", "i32": "<i4", "u32": "<u4"}
SLOW, FAST, FAST_FROM = 0.25, 0.75, 63.75
"""m/s: the steps of a speed below and above the one up to which the small ones reach."""
_TURN = 180
_NUMBER_OF = {name: number for number, name in TYPES.items()}


def encode_many(message: Message, columns: Mapping[str, ArrayLike | None], n: int, *, version: int = 2) -> Bytes:
    """n messages, shape (n, 25), of columns of n numbers or one value for all; NaN and what is left out are unknown.

    Texts are one for all. Raises InvalidInput for what a field cannot hold.
    """
    if not 0 <= version <= 15:
        raise InvalidInput(f"a version of {version} does not fit 4 bits")
    given: dict[str, Any] = dict(columns)
    if message == "location":
        _split_direction_and_speed(given, n)
    out = np.zeros((n, SIZE), dtype=np.uint8)
    out[:, 0] = _NUMBER_OF[message] << 4 | version
    for field in FIELDS[message]:
        _put(out, field, given.pop(field.name, None))
    if given:
        raise InvalidInput(f"a {message} message has no field {', '.join(sorted(given))}")
    return out


def _split_direction_and_speed(given: dict[str, Any], n: int) -> None:
    direction = _column(given.pop("direction", None), n)
    known = ~np.isnan(direction)
    turned = np.where(known, np.rint(np.where(known, direction, 0.0)) % 360, 361)
    given["west"] = (turned >= _TURN).astype(np.float64)
    given["direction_raw"] = turned - _TURN * given["west"]
    speed = _column(given.pop("speed", None), n)
    if ((speed < 0) | (speed > FASTEST)).any():
        raise InvalidInput(f"a speed is outside of 0 to {FASTEST} m/s")
    fast = ~(speed <= FAST_FROM)
    given["fast"] = fast.astype(np.float64)
    raw = np.where(fast, np.minimum(np.rint((speed - FAST_FROM) / FAST), 254), np.rint(speed / SLOW))
    given["speed_raw"] = np.where(np.isnan(speed), 255, raw)


def _column(value: Any, n: int) -> NDArray[np.float64]:
    return np.broadcast_to(np.asarray(np.nan if value is None else value, dtype=np.float64), (n,))


def _put(out: Bytes, field: Field, value: Any) -> None:
    if field.kind in ("text", "bytes"):
        data = _text(field, value)
        out[:, field.at : field.at + len(data)] = np.frombuffer(data, dtype=np.uint8)
        return
    raw = np.rint((_column(value, len(out)) - field.base) / field.scale)
    raw = np.where(np.isnan(raw), field.unknown or 0, raw)
    if field.kind == "bits":
        _check(field, raw, 0, (1 << field.width) - 1)
        out[:, field.at] |= raw.astype(np.uint8) << field.shift
        return
    form = np.dtype(NUMBERS[field.kind])
    _check(field, raw, int(np.iinfo(form).min), int(np.iinfo(form).max))
    parts = np.ascontiguousarray(raw.astype(np.int64).astype(form))
    out[:, field.at : field.at + form.itemsize] = parts.view(np.uint8).reshape(len(out), form.itemsize)


def _text(field: Field, value: Any) -> bytes:
    if isinstance(value, str) and not value.isascii():
        raise InvalidInput(f"{field.name} is not ASCII: {value!r}")
    data = value.encode() if isinstance(value, str) else bytes(value or b"")
    if len(data) > field.size:
        raise InvalidInput(f"{field.name} has at most {field.size} bytes, not {len(data)}")
    return data


def _check(field: Field, raw: NDArray[np.float64], low: int, high: int) -> None:
    outside = (raw < low) | (raw > high)
    if outside.any():
        value = raw[outside][0] * field.scale + field.base
        raise InvalidInput(
            f"{field.name} of {value:g} does not fit its {field.width or 8 * np.dtype(NUMBERS[field.kind]).itemsize} bits"
        )


def pack_many(messages: list[Bytes], *, version: int = 2) -> Bytes:
    """Packs of messages, shape (n, 3 + 25 m): the rows of each of m blocks of messages side by side, as `messages.pack` does one."""
    if not 0 < len(messages) <= MOST_PACKED:
        raise InvalidInput(f"a pack holds 1 to {MOST_PACKED} messages, not {len(messages)}")
    head = np.frombuffer(bytes((PACK << 4 | version, SIZE, len(messages))), dtype=np.uint8)
    return np.concatenate([np.broadcast_to(head, (len(messages[0]), 3)), *messages], axis=1)
