"""Advertisements of Bluetooth Low Energy as captured on the link layer, and the Remote ID in them (Core Specification, volume 6 part B)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from kizuna.formats.remote_id.radiotap import UNKNOWN_SIGNAL

_ADVERTISING = b"\xd6\xbe\x89\x8e"  # the access address of all advertising
_LEGACY = (0, 2, 4, 6)  # ADV_IND, ADV_NONCONN_IND, SCAN_RSP, ADV_SCAN_IND
_EXTENDED = 7
_SERVICE_DATA = 0x16
_REMOTE_ID = b"\xfa\xff\x0d"  # UUID FFFA, application code 0D
_ADDRESS = 6
_PSEUDO = 10  # bytes of the pseudo-header of link type 256
_SIGNAL_VALID, _CHECKED, _CHECK_HOLDS = 0x0002, 0x0400, 0x0800


class Advertised(NamedTuple):
    """Remote ID in an advertisement: its sender's address (0 where it states none), dBm, and where counter and messages lie."""

    transmitter: int
    signal: int
    at: int
    end: int


def advertised(frame: bytes, refused: Counter[str], *, headed: bool) -> Iterator[Advertised]:
    """The Remote ID in one frame of link type 251, or 256 with its pseudo-header."""
    at, signal = 0, UNKNOWN_SIGNAL
    if headed:
        if len(frame) < _PSEUDO:
            refused["cut-short"] += 1
            return
        flags = int.from_bytes(frame[8:10], "little")
        if flags & _CHECKED and not flags & _CHECK_HOLDS:
            refused["checksum"] += 1
            return
        signal = int.from_bytes(frame[1:2], "little", signed=True) if flags & _SIGNAL_VALID else UNKNOWN_SIGNAL
        at = _PSEUDO
    if frame[at : at + 4] != _ADVERTISING or len(frame) < at + 6:
        refused["not-advertising"] += 1
        return
    kind, end = frame[at + 4] & 0xF, at + 6 + frame[at + 5]
    if end > len(frame):
        refused["cut-short"] += 1
        return
    at += 6
    if kind in _LEGACY and at + _ADDRESS <= end:
        transmitter, at = _address(frame, at), at + _ADDRESS
    elif kind == _EXTENDED and at < end:
        transmitter, at = _extended(frame, at, end)
    else:
        refused["not-advertising"] += 1
        return
    yield from _service_data(frame, at, end, transmitter, signal, refused)


def _extended(frame: bytes, at: int, end: int) -> tuple[int, int]:
    """Of an extended advertisement the sender, and where its data begin: behind a header whose first flag says that an address follows."""
    size = frame[at] & 0x3F
    behind = min(at + 1 + size, end)
    named = size >= 1 + _ADDRESS and at + 2 + _ADDRESS <= end and frame[at + 1] & 1
    return (_address(frame, at + 2) if named else 0), behind


def _address(frame: bytes, at: int) -> int:
    return int.from_bytes(frame[at : at + _ADDRESS], "little")


def _service_data(
    frame: bytes, at: int, end: int, transmitter: int, signal: int, refused: Counter[str]
) -> Iterator[Advertised]:
    while at + 1 < end and frame[at]:
        behind = at + 1 + frame[at]
        if behind > end:
            refused["element-too-long"] += 1
            return
        if frame[at + 1] == _SERVICE_DATA and frame[at + 2 : at + 5] == _REMOTE_ID and behind > at + 6:
            yield Advertised(transmitter, signal, at + 5, behind)
        at = behind
