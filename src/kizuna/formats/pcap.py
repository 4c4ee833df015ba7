"""Captures of radio and network traffic, pcap and pcapng (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng), read as they arrive.

`Reader.feed` takes bytes in pieces of any size, from a file, a pipe or a file that grows, and gives back tables of frames: offsets
into those bytes, so that frames nobody asks for cost one step of a loop each. A block whose length cannot be leaves no way to find
the next one: the capture ends there with InvalidInput that says where, and what was read before stands.
"""

from __future__ import annotations

import struct
from collections import Counter
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kizuna.errors import InvalidInput

LARGEST_BLOCK = 16 << 20
"""Bytes of one block or record; captures of radio hold frames of a few thousand at most."""
MOST_INTERFACES = 4_096
UNTIMED = -1
"""The time of a frame whose block states none, or none that can be."""

_SECTION, _INTERFACE, _ENHANCED, _SIMPLE, _OBSOLETE = 0x0A0D0D0A, 1, 6, 3, 2
_BETWEEN = (_SECTION, _INTERFACE, _SIMPLE)  # what ends a run of enhanced blocks that are read at once
_KNOWN = (*_BETWEEN, _ENHANCED, _OBSOLETE)
_LEAST_ENHANCED = 32
_TIME_RESOLUTION, _TIME_OFFSET = 9, 14
_CLASSIC = {b"\xd4\xc3\xb2\xa1": ("<", 1_000), b"\xa1\xb2\xc3\xd4": (">", 1_000)}
_CLASSIC |= {b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}
_NEXT_GENERATION = b"\x0a\x0d\x0d\x0a"
_LATEST = 1 << 62  # nanoseconds since 1970, in the year 2116


class Frames(NamedTuple):
    """Frames within `data`, one row each: where it starts, its captured bytes, when (ns since 1970), and the link type."""

    data: bytes
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    time: NDArray[np.int64]
    link: NDArray[np.int64]


class Interface(NamedTuple):
    """What a section says of one interface; a time of it is `ticks * numerator / denominator + offset` nanoseconds."""

    link: int
    numerator: int
    denominator: int
    offset: int


class Reader:
    """One capture, read piece by piece. `refused` counts what was left out, by reason."""

    def __init__(self, name: str = "-") -> None:
        self.name = name
        self.frames = 0
        self.refused: Counter[str] = Counter()
        self._rest = b""
        self._gone = 0  # bytes before the rest
        self._kind: Literal["pcap", "pcapng"] | None = None
        self._order = "<"
        self._tick = 1
        self._link = 0
        self._interfaces: list[Interface] = []

    def feed(self, data: bytes) -> Frames:
        """The frames that are complete with these bytes. Raises InvalidInput where the capture cannot be read on."""
        data = self._rest + data if self._rest else data
        if self._kind is None:
            data = self._opened(data)
        if self._kind is None:
            self._rest = data
            return _frames(data, [])
        found, end = self._classic(data) if self._kind == "pcap" else self._blocks(data)
        self._rest = data[end:]
        self._gone += end
        self.frames += len(found.start)
        return found

    def end(self) -> None:
        """Count what the capture breaks off within. Raises InvalidInput when it never was one."""
        if self._kind is None:
            raise InvalidInput("is no capture: neither pcap nor pcapng", file=self.name)
        if self._rest:
            self.feed(b"")  # a block that cannot be, behind those that were read
            self.refused["broken-off"] += 1

    def _opened(self, data: bytes) -> bytes:
        if data[:4] == _NEXT_GENERATION:
            self._kind = "pcapng"
        elif data[:4] in _CLASSIC:
            if len(data) < 24:
                return data
            self._kind = "pcap"
            self._order, self._tick = _CLASSIC[data[:4]]
            self._link = struct.unpack_from(f"{self._order}I", data, 20)[0] & 0xFFFF
            self._gone = 24
            return data[24:]
        elif len(data) >= 4:
            raise InvalidInput("is no capture: neither pcap nor pcapng", file=self.name)
        return data

    def _cannot(self, at: int, message: str) -> InvalidInput:
        return InvalidInput(message, file=self.name, path=f"byte {self._gone + at}")

    # pcap

    def _classic(self, data: bytes) -> tuple[Frames, int]:
        read = struct.Struct(f"{self._order}I").unpack_from
        starts: list[int] = []
        at, last = 0, len(data) - 16
        while at <= last:
            (captured,) = read(data, at + 8)
            end = at + 16 + captured
            if captured > LARGEST_BLOCK:
                if starts:
                    break  # first what was read before
                raise self._cannot(at, f"a frame of {captured} bytes cannot be; nothing behind it can be found")
            if end > len(data):
                break
            starts.append(at)
            at = end
        heads = _gathered(data, starts, 16).view(f"{self._order}u4")
        seconds, parts, lengths = (heads[:, column].astype(np.int64) for column in range(3))
        time = seconds * 1_000_000_000 + parts * self._tick
        rows = np.asarray(starts, np.int64)
        return Frames(data, rows + 16, lengths, time, np.full(len(rows), self._link, np.int64)), at

    # pcapng

    def _blocks(self, data: bytes) -> tuple[Frames, int]:
        """The frames of whole blocks, up to where a new section or interface changes how they are read."""
        tables: list[Frames] = []
        at, end = 0, len(data)
        starts: list[int] = []
        read = struct.Struct(f"{self._order}II").unpack_from
        while at + 12 <= end:
            kind, size = read(data, at)
            if kind in _BETWEEN and starts:
                tables.append(self._enhanced(data, starts))
                starts = []
            try:
                if kind == _SECTION:
                    size = self._section_size(data, at)
                    read = struct.Struct(f"{self._order}II").unpack_from
                if size < 12 or size & 3 or size > LARGEST_BLOCK:
                    raise self._cannot(at, f"a block of {size} bytes cannot be; nothing behind it can be found")
                if at + size > end:
                    break
                if kind == _ENHANCED and size >= _LEAST_ENHANCED:
                    starts.append(at)
                elif kind in _KNOWN:
                    tables.append(self._other(kind, data, at, size))
            except InvalidInput:
                if not at:
                    raise
                break  # first what was read before
            at += size
        tables.append(self._enhanced(data, starts))
        return _joined(data, tables), at

    def _section_size(self, data: bytes, at: int) -> int:
        for order in "<>":
            if struct.unpack_from(f"{order}I", data, at + 8)[0] == 0x1A2B3C4D:
                self._order = order
                return int(struct.unpack_from(f"{order}I", data, at + 4)[0])
        raise self._cannot(at, "a section header without a byte order")

    def _other(self, kind: int, data: bytes, at: int, size: int) -> Frames:
        if kind == _SECTION:
            self._interfaces = []
        elif kind == _INTERFACE:
            if len(self._interfaces) >= MOST_INTERFACES:
                raise self._cannot(at, f"more than {MOST_INTERFACES} interfaces in a section")
            self._interfaces.append(self._interface(data, at, size))
        elif kind == _SIMPLE and self._interfaces and size >= 16:
            (length,) = struct.unpack_from(f"{self._order}I", data, at + 8)
            link = self._interfaces[0].link
            return _frames(data, [(at + 12, min(length, size - 16), UNTIMED, link)])
        elif kind == _SIMPLE:
            self.refused["no-interface" if not self._interfaces else "longer-than-its-block"] += 1
        else:
            self.refused["obsolete-block" if kind == _OBSOLETE else "longer-than-its-block"] += 1
        return _frames(data, [])

    def _interface(self, data: bytes, at: int, size: int) -> Interface:
        if size < 20:
            raise self._cannot(at, "an interface description that is too short")
        (link,) = struct.unpack_from(f"{self._order}H", data, at + 8)
        numerator, denominator, offset = 1_000, 1, 0  # microseconds where nothing is said
        place, end = at + 16, at + size - 4
        while place + 4 <= end:
            code, length = struct.unpack_from(f"{self._order}HH", data, place)
            value = data[place + 4 : min(place + 4 + length, end)]
            if code == _TIME_RESOLUTION and value:
                base, power = (2, value[0] & 0x7F) if value[0] & 0x80 else (10, value[0])
                numerator, denominator = 1_000_000_000, base**power
            elif code == _TIME_OFFSET and len(value) == 8:
                offset = struct.unpack(f"{self._order}q", value)[0] * 1_000_000_000
            place += 4 + (length + 3 & ~3)
        return Interface(link, numerator, denominator, offset)

    def _enhanced(self, data: bytes, starts: list[int]) -> Frames:
        """Enhanced packet blocks: type, size, interface, time high and low, captured length, original length, the frame."""
        if not starts:
            return _frames(data, [])
        heads = _gathered(data, starts, 28).view(f"{self._order}u4").astype(np.int64)
        size, which, length = heads[:, 1], heads[:, 2], heads[:, 5]
        kept = (which < len(self._interfaces)) & (length <= size - 32)
        if not kept.all():
            lost = int((which >= len(self._interfaces)).sum())
            self.refused += Counter({"no-interface": lost, "longer-than-its-block": int((~kept).sum()) - lost})
        ticks = (heads[kept, 3].astype(np.uint64) << np.uint64(32)) | heads[kept, 4].astype(np.uint64)
        which = which[kept]
        time = np.full(len(which), UNTIMED, np.int64)
        link = np.zeros(len(which), np.int64)
        for number in np.unique(which).tolist():
            here, interface = which == number, self._interfaces[number]
            time[here] = _nanoseconds(ticks[here], interface)
            link[here] = interface.link
        start = np.asarray(starts, np.int64)[kept] + 28
        return Frames(data, start, length[kept], time, link)


def _nanoseconds(ticks: NDArray[np.uint64], interface: Interface) -> NDArray[np.int64]:
    _, numerator, denominator, offset = interface
    most = (_LATEST - abs(offset)) * denominator // numerator
    if most <= 0 or abs(offset) > _LATEST:
        return np.full(len(ticks), UNTIMED, np.int64)
    known = ticks <= min(most, (1 << 64) - 1)
    if denominator == numerator:
        value = ticks.astype(np.int64) + offset
    elif numerator % denominator == 0:
        value = np.where(known, ticks, 0).astype(np.int64) * (numerator // denominator) + offset
    else:  # rare resolutions: exactly, one by one
        value = np.array(
            [
                tick * numerator // denominator + offset if sure else UNTIMED
                for tick, sure in zip(ticks.tolist(), known.tolist(), strict=True)
            ],
            np.int64,
        )
    timed: NDArray[np.int64] = np.where(known & (value >= 0), value, UNTIMED)
    return timed


def _gathered(data: bytes, starts: list[int], size: int) -> NDArray[np.uint8]:
    """`size` bytes from each start on, as rows."""
    if not starts:
        return np.zeros((0, size), np.uint8)
    rows: NDArray[np.uint8] = np.frombuffer(data, np.uint8)[np.asarray(starts, np.int64)[:, None] + np.arange(size)]
    return rows


def _frames(data: bytes, rows: list[tuple[int, int, int, int]]) -> Frames:
    table = np.array(rows, np.int64).reshape(-1, 4)
    return Frames(data, table[:, 0], table[:, 1], table[:, 2], table[:, 3])


def _joined(data: bytes, tables: list[Frames]) -> Frames:
    tables = [table for table in tables if len(table.start)]
    if len(tables) == 1:
        return tables[0]
    if not tables:
        return _frames(data, [])
    columns = [np.concatenate([table[column] for table in tables]) for column in range(1, 5)]
    return Frames(data, *columns)
