"""Radio frames that may carry Remote ID: which of many do, who sent them, how strong, and where in them the messages are.

Most frames are something else. So the bytes of a whole table of frames are searched at once for what every carrier has, and only
frames with a hit are read: IEEE 802.11 beacons (vendor element FA-0B-BC, type 0D), Wi-Fi Aware service discovery (service
`org.opendroneid.remoteid`) and Bluetooth LE advertisements (service data FFFA, application 0D), as ASTM F3411-22a sections 5.4.6 to
5.4.9 have them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kizuna.formats.pcap import Frames
from kizuna.formats.remote_id.bluetooth import advertised
from kizuna.formats.remote_id.radiotap import UNKNOWN_SIGNAL, Heads, radiotap

Carrier = Literal["beacon", "nan", "bluetooth"]
CARRIERS: tuple[Carrier, ...] = ("beacon", "nan", "bluetooth")
BEACON, NAN, BLUETOOTH = range(3)

RADIOTAP, WIFI, LOW_ENERGY, LOW_ENERGY_HEADED = 127, 105, 251, 256
"""Link types (tcpdump.org's registry) that are read; frames of others are counted and passed over."""

UNKNOWN = -1

_SIGNS = (b"\xfa\x0b\xbc\x0d", b"\x88\x69\x19\x9d\x92\x09", b"\x16\xfa\xff\x0d")
_BEACON_FRAME, _ACTION_FRAMES = 0x80, (0xD0, 0xE0)
_HEADER, _FIXED = 24, 12  # bytes: of a management frame; of a beacon before its elements
_RATES, _VENDOR = 1, 221
_MOST_ELEMENTS = 256
_ACTION = b"\x04\x09\x50\x6f\x9a\x13"  # public, vendor specific, Wi-Fi Alliance, Wi-Fi Aware
_DESCRIPTOR = 3
_SERVICE_INFO = 10  # bytes of a descriptor before its information: service, two ids, control, length


class Heard(NamedTuple):
    """Transmissions that carry Remote ID, one row each; `at` to `end` in the data of the table are a counter and messages.

    `time` is nanoseconds since 1970 by the receiver, `signal` dBm, `clock` the transmitter's own microseconds, `sequence` its number of
    the frame; -1 where nothing says (127 for the signal). `rates`: it names the rates it supports, as every access point does.
    """

    frame: NDArray[np.int64]
    carrier: NDArray[np.int64]
    time: NDArray[np.int64]
    transmitter: NDArray[np.int64]
    signal: NDArray[np.int64]
    clock: NDArray[np.int64]
    sequence: NDArray[np.int64]
    rates: NDArray[np.bool_]
    at: NDArray[np.int64]
    end: NDArray[np.int64]


class Search(NamedTuple):
    """What was heard, how many frames were beacons with Remote ID or of link types that are not read, and what was refused, by reason."""

    heard: Heard
    beacons: int
    unread: int
    refused: Counter[str]


def search(frames: Frames) -> Search:
    """Every transmission in a table of frames that carries Remote ID, in order."""
    readable = np.isin(frames.link, (RADIOTAP, WIFI, LOW_ENERGY, LOW_ENERGY_HEADED))
    rows = _with_a_sign(frames)
    rows = rows[readable[rows]]
    refused: Counter[str] = Counter()
    parts: list[Heard] = []
    if len(rows):
        link = frames.link[rows]
        wifi = np.isin(link, (RADIOTAP, WIFI))
        if wifi.any():
            parts += _wifi(frames, rows[wifi], refused)
        if not wifi.all():
            parts.append(_bluetooth(frames, rows[~wifi], refused))
    heard = _joined(parts)
    beacons = len(np.unique(heard.frame[heard.carrier == BEACON]))
    return Search(heard, beacons, int((~readable).sum()), refused)


def _with_a_sign(frames: Frames) -> NDArray[np.int64]:
    """The rows in which the bytes of some carrier stand."""
    places = np.array([at for sign in _SIGNS for at in _places(frames.data, sign)], np.int64)
    if not len(places) or not len(frames.start):
        return np.zeros(0, np.int64)
    rows = np.searchsorted(frames.start, places, "right") - 1
    inside = (rows >= 0) & (places < frames.start[rows] + frames.length[rows])
    return np.unique(rows[inside])


def _places(data: bytes, sign: bytes) -> Iterator[int]:
    at = data.find(sign)
    while at >= 0:
        yield at
        at = data.find(sign, at + 1)


def _wifi(frames: Frames, rows: NDArray[np.int64], refused: Counter[str]) -> list[Heard]:
    """Beacons and service discovery among IEEE 802.11 frames."""
    start = frames.start[rows]
    bare = Heads(start, start + frames.length[rows], np.full(len(rows), UNKNOWN_SIGNAL), np.ones(len(rows), bool))
    headed = frames.link[rows] == RADIOTAP
    heads = bare
    if headed.any():
        of = radiotap(frames, rows)
        heads = Heads(
            np.where(headed, of.start, bare.start), np.where(headed, of.end, bare.end),
            np.where(headed, of.signal, bare.signal), ~headed | of.good,
        )  # fmt: skip
    if not heads.good.all():
        refused["radiotap"] += int((~heads.good).sum())
    kept = heads.good & (heads.end - heads.start >= _HEADER + _FIXED)
    if (lost := int((heads.good & ~kept).sum())) != 0:
        refused["cut-short"] += lost
    rows, heads = rows[kept], heads.of(kept)
    kind = np.frombuffer(frames.data, np.uint8)[heads.start]
    beacons, actions = kind == _BEACON_FRAME, np.isin(kind, _ACTION_FRAMES)
    found = [_beacons(frames, rows[beacons], heads.of(beacons), refused)]
    if actions.any():
        found.append(_discoveries(frames, rows[actions], heads.of(actions), refused))
    return found


def _beacons(frames: Frames, rows: NDArray[np.int64], heads: Heads, refused: Counter[str]) -> Heard:
    """All beacons step through their elements together."""
    whole = np.frombuffer(frames.data, np.uint8)
    at = heads.start + _HEADER + _FIXED
    rates = np.zeros(len(rows), bool)
    broken = np.zeros(len(rows), bool)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
    going = np.arange(len(rows))
    for _ in range(_MOST_ELEMENTS):
        going = going[at[going] + 2 <= heads.end[going]]
        if not len(going):
            break
        place = at[going]
        kind, size = whole[place], whole[place + 1].astype(np.int64)
        behind = place + 2 + size
        fits = behind <= heads.end[going]
        broken[going[~fits]] = True
        rates[going[fits & (kind == _RATES)]] = True
        maybe = np.flatnonzero(fits & (kind == _VENDOR) & (size >= 5))
        if len(maybe):
            sign = whole[place[maybe][:, None] + np.arange(2, 6)]
            maybe = maybe[(sign == np.frombuffer(_SIGNS[0], np.uint8)).all(axis=1)]
            found.append((going[maybe], place[maybe] + 6, behind[maybe]))
        at[going] = behind
        going = going[fits]
    which = np.concatenate([one for one, _, _ in found]) if found else np.zeros(0, np.int64)
    lost = np.setdiff1d(np.flatnonzero(broken), which)
    if len(lost):
        refused["element-too-long"] += len(lost)
    begin = np.concatenate([one for _, one, _ in found]) if found else which
    end = np.concatenate([one for _, _, one in found]) if found else which
    return _heard(frames, rows, heads, which, BEACON, rates[which], begin, end)


def _discoveries(frames: Frames, rows: NDArray[np.int64], heads: Heads, refused: Counter[str]) -> Heard:
    """Service descriptors of the Remote ID service; few, so one by one."""
    data, places = frames.data, []
    for index, (start, end) in enumerate(zip(heads.start.tolist(), heads.end.tolist(), strict=True)):
        at = start + _HEADER
        if data[at : at + 6] != _ACTION:
            continue
        at += 6
        while at + 3 <= end:
            kind, size = data[at], int.from_bytes(data[at + 1 : at + 3], "little")
            behind = at + 3 + size
            if behind > end:
                refused["element-too-long"] += 1
                break
            if kind == _DESCRIPTOR and size > _SERVICE_INFO and data[at + 3 : at + 9] == _SIGNS[1]:
                length = data[at + 3 + _SERVICE_INFO - 1]
                info = at + 3 + _SERVICE_INFO
                places.append((index, info, min(info + length, behind)))
            at = behind
    table = np.array(places, np.int64).reshape(-1, 3)
    which = table[:, 0]
    return _heard(frames, rows, heads, which, NAN, np.ones(len(which), bool), table[:, 1], table[:, 2])


def _heard(
    frames: Frames, rows: NDArray[np.int64], heads: Heads, which: NDArray[np.int64], carrier: int, rates: NDArray[np.bool_],
    at: NDArray[np.int64], end: NDArray[np.int64],
) -> Heard:  # fmt: skip
    """What the header of each frame says of who sent it, and when."""
    whole = np.frombuffer(frames.data, np.uint8)
    start = heads.start[which]
    address = np.zeros((len(which), 8), np.uint8)
    address[:, 2:] = whole[start[:, None] + np.arange(10, 16)]
    sequence = whole[start + 22].astype(np.int64) >> 4 | whole[start + 23].astype(np.int64) << 4
    if carrier == BEACON:
        clock = np.ascontiguousarray(whole[start[:, None] + np.arange(24, 32)]).view("<i8")[:, 0]
    else:
        clock = np.full(len(which), UNKNOWN, np.int64)
    row = rows[which]
    return Heard(
        row, np.full(len(which), carrier, np.int64), frames.time[row], address.view(">i8")[:, 0].astype(np.int64), heads.signal[which],
        clock, sequence, rates, at, end,
    )  # fmt: skip


def _bluetooth(frames: Frames, rows: NDArray[np.int64], refused: Counter[str]) -> Heard:
    found = []
    for row in rows.tolist():
        start = int(frames.start[row])
        frame = frames.data[start : start + int(frames.length[row])]
        for one in advertised(frame, refused, headed=int(frames.link[row]) == LOW_ENERGY_HEADED):
            found.append((row, one.transmitter, one.signal, start + one.at, start + one.end))
    table = np.array(found, np.int64).reshape(-1, 5)
    row, nothing = table[:, 0], np.full(len(table), UNKNOWN, np.int64)
    return Heard(
        row, np.full(len(table), BLUETOOTH, np.int64), frames.time[row], table[:, 1], table[:, 2], nothing, nothing,
        np.ones(len(table), bool), table[:, 3], table[:, 4],
    )  # fmt: skip


def _joined(parts: list[Heard]) -> Heard:
    if len(parts) == 1:
        one = parts[0]
    elif parts:
        one = Heard._make(np.concatenate(columns) for columns in zip(*parts, strict=True))
    else:
        none = np.zeros(0, np.int64)
        return Heard(none, none, none, none, none, none, none, none.astype(bool), none, none)
    order = np.lexsort((one.at, one.frame))
    return one if (order[1:] > order[:-1]).all() else Heard._make(column[order] for column in one)
