"""What a receiver heard of unmanned aircraft: captures in, reports out, one for each transmission that carries Remote ID.

All that is done many at once is done here (`formats.pcap`, `formats.remote_id`); what comes after knows neither bytes nor frames.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache, partial
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kizuna.formats.pcap import Reader
from kizuna.formats.remote_id.fields import EPOCH_2019, ID_TYPES, RESERVED, TYPES, VERSIONS, Message
from kizuna.formats.remote_id.messages import Unpacked, decode, faults, name_text, text, unpack
from kizuna.formats.remote_id.radio import Search, search

SERIAL, REGISTRATION = ID_TYPES.index("serial-number"), ID_TYPES.index("registration")

QUIRKS = ("version", "range", "code", "reserved", "pack-cut-short", "no-rates")
"""What the format does not allow or nobody honest sends; a report has a bit for each, in this order."""
_VERSION, _RANGE, _CODE, _RESERVED, _SHORT, _NO_RATES = (1 << number for number in range(len(QUIRKS)))

_PLACES = (("latitude", "longitude"), ("operator_latitude", "operator_longitude"))


class Named(NamedTuple):
    """A Basic ID: the kind of its name (`ID_TYPES`), the kind of aircraft (`AIRCRAFT`), and the name."""

    id_type: int
    aircraft: int
    id: str


class Located(NamedTuple):
    """A Location: degrees, metres, m/s, seconds after the hour; NaN where it says nothing. Codes as in `remote_id.fields`."""

    status: int
    height_reference: int
    vertical_speed: float
    latitude: float
    longitude: float
    pressure_altitude: float
    altitude: float
    height: float
    vertical_accuracy: int
    horizontal_accuracy: int
    second: float
    direction: float
    speed: float


class Operated(NamedTuple):
    """A System message: where the operator is and how that is known, and when it was said (seconds since 1970, 0 where it does not say)."""

    place: int
    latitude: float
    longitude: float
    altitude: float
    stated: int


class Report(NamedTuple):
    """One transmission: by whom and how it was heard, and what it said. Times in seconds since 1970, -1 where the capture states none."""

    time: float
    carrier: int
    transmitter: int
    signal: int
    clock: int
    sequence: int
    counter: int
    quirks: int
    names: tuple[Named, ...]
    located: Located | None
    operated: Operated | None
    operator_id: str


# What `Report(*fields)` does, without a step of Python for each.
_REPORT: Callable[[tuple[Any, ...]], Report] = partial(tuple.__new__, Report)
_LOCATED: Callable[[tuple[Any, ...]], Located] = partial(tuple.__new__, Located)


class Counts(NamedTuple):
    """What came by so far."""

    frames: int
    beacons: int
    transmissions: int
    messages: int
    by_type: Counter[str]
    refused: Counter[str]


class Receiver:
    """One capture of one sensor. `feed` raises InvalidInput where the capture cannot be read on; what was reported before stands."""

    def __init__(self, name: str = "-") -> None:
        self.name = name
        self._reader = Reader(name)
        self._beacons = self._transmissions = 0
        self._by_type: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()

    def feed(self, data: bytes) -> list[Report]:
        """What was heard in the frames that are complete with these bytes."""
        frames = self._reader.feed(data)
        found = search(frames)
        self._beacons += found.beacons
        self._refused += found.refused
        if found.unread:
            self._refused["link-type"] += found.unread
        return self._reports(frames.data, found) if len(found.heard.at) else []

    def end(self) -> None:
        """There is no more. Raises InvalidInput where it never was a capture."""
        self._reader.end()

    @property
    def counts(self) -> Counts:
        """What came by so far."""
        messages = sum(self._by_type.values())
        refused = self._refused + self._reader.refused
        return Counts(self._reader.frames, self._beacons, self._transmissions, messages, self._by_type, refused)

    def _reports(self, data: bytes, found: Search) -> list[Report]:
        heard = found.heard
        unpacked = unpack(data, heard.at, heard.end)
        self._transmissions += len(heard.at)
        if (refused := int(unpacked.refused.sum())) != 0:
            self._refused["no-message"] += refused
        if (lost := int(unpacked.lost.sum())) != 0:
            self._refused["pack-cut-short"] += lost
        count = len(heard.at)
        said = _Said(count)
        quirks = (_SHORT * (unpacked.lost > 0) + _NO_RATES * ~heard.rates).astype(np.int64)
        self._read(unpacked, said, quirks)
        time = np.where(heard.time < 0, -1.0, heard.time / 1e9)
        of = (
            time,
            heard.carrier,
            heard.transmitter,
            heard.signal,
            heard.clock,
            heard.sequence,
            unpacked.counter,
            quirks,
        )
        words = (said.names, said.located, said.operated, said.operator_id)
        reports = map(_REPORT, zip(*(column.tolist() for column in of), *words, strict=True))
        return list(compress(reports, (~unpacked.refused).tolist()))

    def _read(self, unpacked: Unpacked, said: _Said, quirks: NDArray[np.int64]) -> None:
        kinds = unpacked.block[:, 0] >> 4
        versions = unpacked.block[:, 0] & 0xF
        strange = ~np.isin(versions, VERSIONS)
        quirks[unpacked.owner[strange]] |= _VERSION
        for number in np.unique(kinds).tolist():
            rows = np.flatnonzero(kinds == number)
            if number not in TYPES:
                self._refused["message-type"] += len(rows)
                quirks[unpacked.owner[rows]] |= _CODE
                continue
            kind = TYPES[number]
            self._by_type[kind] += len(rows)
            if kind in said.readers:
                self._one(kind, unpacked.block[rows], unpacked.owner[rows], said, quirks)

    def _one(
        self, kind: Message, block: NDArray[np.uint8], owner: NDArray[np.int64], said: _Said, quirks: NDArray[np.int64]
    ) -> None:
        columns = decode(kind, block)
        for field, wrong in faults(kind, columns).items():
            ranged = columns[field].dtype.kind == "f"
            quirks[owner[wrong]] |= _RANGE if ranged else _CODE
            if ranged:
                columns[field][wrong] = np.nan
        for latitude, longitude in _PLACES:
            if latitude in columns:
                nowhere = np.isnan(columns[latitude]) | np.isnan(columns[longitude])
                columns[latitude][nowhere] = columns[longitude][nowhere] = np.nan
        if RESERVED[kind]:
            quirks[owner[(block[:, RESERVED[kind]] != 0).any(axis=1)]] |= _RESERVED
        said.readers[kind](columns, owner.tolist())


class _Said:
    """By transmission, what its messages say; of several of one type the last, but of names all."""

    def __init__(self, count: int) -> None:
        self.names: list[tuple[Named, ...]] = [()] * count
        self.located: list[Located | None] = [None] * count
        self.operated: list[Operated | None] = [None] * count
        self.operator_id: list[str] = [""] * count
        self.readers = {
            "basic-id": self._name,
            "location": self._locate,
            "system": self._operate,
            "operator-id": self._operator,
        }

    def _name(self, columns: dict[str, NDArray[Any]], owner: list[int]) -> None:
        for row, id_type, aircraft, raw in zip(
            owner, columns["id_type"].tolist(), columns["aircraft"].tolist(), columns["id"].tolist(), strict=True
        ):
            named, before = _named(id_type, aircraft, raw), self.names[row]
            self.names[row] = before + named if before else named

    def _locate(self, columns: dict[str, NDArray[Any]], owner: list[int]) -> None:
        columns["altitude"] = columns.pop("geodetic_altitude")
        fields = zip(*(columns[name].tolist() for name in Located._fields), strict=True)
        for row, one in zip(owner, map(_LOCATED, fields), strict=True):
            self.located[row] = one

    def _operate(self, columns: dict[str, NDArray[Any]], owner: list[int]) -> None:
        stated = np.where(np.isnan(columns["stated"]), 0, columns["stated"] + EPOCH_2019).astype(np.int64)
        said = ("operator_place", "operator_latitude", "operator_longitude", "operator_altitude")
        fields = (*(columns[name] for name in said), stated)
        for row, one in zip(owner, map(Operated, *(field.tolist() for field in fields)), strict=True):
            self.operated[row] = one

    def _operator(self, columns: dict[str, NDArray[Any]], owner: list[int]) -> None:
        for row, raw in zip(owner, columns["operator_id"].tolist(), strict=True):
            self.operator_id[row] = _text(raw)


@lru_cache(maxsize=16_384)
def _text(raw: bytes) -> str:
    return text(raw)


@lru_cache(maxsize=16_384)
def _named(id_type: int, aircraft: int, raw: bytes) -> tuple[Named]:
    """A name alone, as most are given; the very same again and again, so that who knows it sees at once that nothing is new."""
    return (Named(id_type, aircraft, name_text(id_type, raw)),)
