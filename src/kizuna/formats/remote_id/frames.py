"""Radio frames that carry Open Drone ID messages, built many at once: beacons, neighbour awareness, Bluetooth advertisements.

Frames are the rows of an array of bytes, shape (n, length): one call builds the frames of one transmitter that are laid out alike.
For capture files of tests and demonstrations: nothing here transmits.

Sources: IEEE 802.11-2020, section 9.3.3.2 (beacon); Wi-Fi Aware 4.0, section 9.5 and ASTM F3411-22a, section 5.4.6 (neighbour
awareness); Bluetooth Core 5.4, volume 6 part B, section 2.3; radiotap.org.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

Bytes = NDArray[np.uint8]

BROADCAST = b"\xff" * 6
VENDOR = bytes.fromhex("fa0bbc0d")
"""Identifier of the standards body in a beacon, and the type of element."""
SERVICE = bytes.fromhex("8869199d9209")
"""Of the service org.opendroneid.remoteid."""
NAN_GROUP = bytes.fromhex("516f9a010000")
NAN_CLUSTER = bytes.fromhex("506f9a0100ff")
NAN = bytes.fromhex("506f9a13")
SERVICE_DATA = bytes.fromhex("16faff0d")
"""Of an advertisement: service data, UUID 0xFFFA, application code of Open Drone ID."""
ADVERTISING = 0x8E89BED6
"""Access address of every advertising channel."""

RATES = bytes.fromhex("010882848b960c121824")
ONE_RATE = bytes.fromhex("01018c")
"""What the reference implementation sends: 6 Mb/s alone."""
MORE_RATES = bytes.fromhex("320430486c60")


Manner = Literal["access-point", "module", "bare"]
"""How much a beacon says beside its name: what a real access point does, one rate as modules added to aircraft do, or nothing."""


class Transmitter(msgspec.Struct, frozen=True, kw_only=True):
    """What all beacons of one transmitter say alike."""

    address: bytes
    ssid: str
    bssid: bytes | None = None
    interval: int = 100
    """Between beacons, in units of 1,024 µs."""
    channel: int = 6
    manner: Manner = "access-point"


_CAPABILITY: dict[Manner, int] = {"access-point": 0x0431, "module": 0x0420, "bare": 0}


def _elements(sender: Transmitter) -> bytes:
    """Rates, and for an access point its channel, a traffic map, a country, and what older stations are to mind."""
    if sender.manner == "bare":
        return b""
    if sender.manner == "module":
        return ONE_RATE
    channel = bytes((3, 1, sender.channel))
    return RATES + channel + b"\x05\x04\0\x02\0\0" + b"\x07\x06JP \x01\x0d\x14" + b"\x2a\x01\0" + MORE_RATES


def address(text: str) -> bytes:
    """The six bytes of 90:3a:e6:5b:c8:a8."""
    return bytes.fromhex(text.replace(":", ""))


def beacons(
    sender: Transmitter, packs: Bytes | None, *, tsf: ArrayLike, sequence: ArrayLike, counter: ArrayLike = 0
) -> Bytes:
    """Beacons; each with its pack of messages in the vendor's element, or without one: a foreign access point's.

    `tsf` is the sender's clock in µs, `sequence` its number of frames modulo 4096, `counter` that of messages.
    """
    n = len(packs) if packs is not None else np.size(tsf)
    name = sender.ssid.encode()
    parts: list[bytes | Bytes] = [
        b"\x80\0\0\0" + BROADCAST + sender.address + (sender.bssid or sender.address),
        _sequence(sequence, n),
        _numbers(tsf, "<u8", n),
        struct.pack("<HH", sender.interval, _CAPABILITY[sender.manner]),
        bytes((0, len(name))) + name + _elements(sender),
    ]
    if packs is not None:
        parts += [bytes((221, 5 + packs.shape[1])) + VENDOR, _numbers(counter, "<u1", n), packs]
    return _rows(n, parts)


def nan_actions(sender: bytes, packs: Bytes, *, sequence: ArrayLike, counter: ArrayLike) -> Bytes:
    """Service discovery frames of neighbour awareness networking, each with its pack of messages."""
    n, size = packs.shape
    told = _numbers(counter, "<u1", n)
    return _rows(
        n,
        [
            b"\xd0\0\0\0" + NAN_GROUP + sender + NAN_CLUSTER,
            _sequence(sequence, n),
            b"\x04\x09" + NAN,
            b"\x03" + struct.pack("<H", 11 + size) + SERVICE + b"\x01\x00\x10" + bytes((1 + size,)),
            told,
            packs,
            b"\x0e\x04\x00\x01\x00\x02",
            told,
        ],
    )


def nan_syncs(sender: bytes, *, tsf: ArrayLike, sequence: ArrayLike) -> Bytes:
    """Synchronisation beacons, which stand before each action frame of neighbour awareness networking."""
    n = np.size(tsf)
    master = b"\0\x02\0\xfe\xea"
    cluster = b"\x01\x0d\0" + sender + b"\xea\xfe" + bytes(5)
    parts: list[bytes | Bytes] = [
        b"\x80\0\0\0" + BROADCAST + sender + NAN_CLUSTER,
        _sequence(sequence, n),
        _numbers(tsf, "<u8", n),
        struct.pack("<HH", 512, 0x0420),
        b"\xdd\x22" + NAN + master + cluster + b"\x02\x06\0" + SERVICE,
    ]
    return _rows(n, parts)


def probes(sender: bytes, ssid: str, *, sequence: ArrayLike) -> Bytes:
    """Probe requests: a device that looks for a network."""
    name = ssid.encode()
    n = np.size(sequence)
    head = b"\x40\0\0\0" + BROADCAST + sender + BROADCAST
    return _rows(n, [head, _sequence(sequence, n), bytes((0, len(name))) + name + RATES])


def data(sender: bytes, receiver: bytes, bodies: Bytes, *, sequence: ArrayLike) -> Bytes:
    """Protected data frames from an access point to a station, each with its body as it is."""
    n = len(bodies)
    return _rows(n, [b"\x08\x42\0\0" + receiver + sender + sender, _sequence(sequence, n), bodies])


def acknowledgements(receiver: bytes, n: int) -> Bytes:
    """What a receiver answers to a frame: ten bytes that name no sender."""
    return _rows(n, [b"\xd4\0\0\0" + receiver])


def radiotap(frames: Bytes, *, arrived: ArrayLike, signal: ArrayLike, channel: int = 6, rate: int = 12) -> Bytes:
    """The frames as a receiver in monitor mode keeps them: 26 bytes of radiotap before, the check sequence behind.

    `arrived` is the receiver's clock in µs, `signal` in dBm, `rate` in units of 500 kb/s.
    """
    n = len(frames)
    frequency = 2484 if channel == 14 else 2407 + 5 * channel
    modulation = 0x00A0 if rate in (2, 4, 11, 22) else 0x00C0
    head = struct.pack("<BBHI", 0, 0, 26, 0x0000482F)
    middle = struct.pack("<BBHH", 0x10, rate, frequency, modulation)
    parts: list[bytes | Bytes] = [
        head,
        _numbers(arrived, "<u8", n),
        middle,
        _numbers(signal, "<i1", n),
        b"\0\0\0",
        frames,
        checks(frames),
    ]
    return _rows(n, parts)


def injected(frames: Bytes, *, echo: bool = False) -> Bytes:
    """The frames as the machine that injects them sees them itself: 8 bytes of radiotap, or 13 on the way back (`echo`), no signal."""
    return _rows(len(frames), [bytes.fromhex("00000d00048002000200000000" if echo else "0000080000000000"), frames])


def checks(frames: Bytes) -> Bytes:
    """The frame check sequence of 802.11 of each row, shape (n, 4)."""
    return _numbers([zlib.crc32(row) for row in np.ascontiguousarray(frames)], "<u4", len(frames))


def legacy_advertisements(senders: bytes | Bytes, messages: Bytes, *, counter: ArrayLike) -> Bytes:
    """Bluetooth 4 advertisements that nobody may connect to (ADV_NONCONN_IND), one message in each, on the link layer."""
    n = len(messages)
    body: list[bytes | Bytes] = [bytes((30,)) + SERVICE_DATA, _numbers(counter, "<u1", n), messages]
    return _link_layer(n, 0x42, [_reversed(senders), *body])


def extended_advertisements(senders: bytes | Bytes, packs: Bytes, *, counter: ArrayLike, data_id: int = 0) -> Bytes:
    """Bluetooth 5 advertisements on a secondary channel (AUX_ADV_IND), one pack of messages in each, on the link layer."""
    n, size = packs.shape
    head = bytes((9, 0x09))  # nine bytes of extended header: flags (address, data information) and what they announce
    body: list[bytes | Bytes] = [
        struct.pack("<H", data_id) + bytes((5 + size,)) + SERVICE_DATA,
        _numbers(counter, "<u1", n),
        packs,
    ]
    return _link_layer(n, 0x47, [head, _reversed(senders), *body])


def advertisements(senders: bytes | Bytes, bodies: Bytes) -> Bytes:
    """Any other advertisements (ADV_NONCONN_IND) of up to 31 bytes each."""
    return _link_layer(len(bodies), 0x42, [_reversed(senders), bodies])


def _link_layer(n: int, kind: int, parts: list[bytes | Bytes]) -> Bytes:
    body = _rows(n, parts)
    pdu = _rows(n, [bytes((kind, body.shape[1])), body])
    return _rows(n, [struct.pack("<I", ADVERTISING), pdu, bluetooth_checks(pdu)])


def _table() -> NDArray[np.uint32]:
    """x²⁴ + x¹⁰ + x⁹ + x⁶ + x⁴ + x³ + x + 1, the lowest bit first."""
    state = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        state = np.where(state & 1, (state >> 1) ^ 0xDA6000, state >> 1).astype(np.uint32)
    return state


_CRC24 = _table()


def bluetooth_checks(pdus: Bytes) -> Bytes:
    """The three check bytes of each advertising PDU, shape (n, 3); the register begins at 0x555555."""
    state = np.full(len(pdus), 0xAAAAAA, dtype=np.uint32)
    for column in pdus.T:
        state = (state >> 8) ^ _CRC24[(state ^ column) & 0xFF]
    return _numbers(state, "<u4", len(pdus))[:, :3]


def _rows(n: int, parts: list[bytes | Bytes]) -> Bytes:
    """The parts side by side; bytes are the same in every row."""
    wide = [
        np.broadcast_to(np.frombuffer(part, np.uint8), (n, len(part))) if isinstance(part, bytes) else part
        for part in parts
    ]
    return np.concatenate(wide, axis=1)


def _numbers(values: Any, form: str, n: int) -> Bytes:
    kind = np.dtype(form)
    column = np.broadcast_to(np.asarray(values).astype(kind), (n,))
    return np.ascontiguousarray(column).view(np.uint8).reshape(n, kind.itemsize)


def _sequence(sequence: ArrayLike, n: int) -> Bytes:
    return _numbers((np.asarray(sequence, dtype=np.int64) % 4096) << 4, "<u2", n)


def _reversed(senders: bytes | Bytes) -> bytes | Bytes:
    """Addresses travel over Bluetooth with the last byte first."""
    return senders[::-1] if isinstance(senders, bytes) else senders[:, ::-1]
