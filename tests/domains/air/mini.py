"""A second reading of captures, frame by frame, that shares nothing with the product's."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple


class Packet(NamedTuple):
    """One packet of the file: its link type, nanoseconds since 1970, its bytes."""

    link: int
    time: int
    data: bytes


class Heard(NamedTuple):
    """One Remote ID frame."""

    time: int
    carrier: str
    sender: str
    counter: int
    messages: tuple[bytes, ...]
    signal: int | None = None
    tsf: int | None = None
    sequence: int | None = None
    elements: tuple[int, ...] = ()


def packets(file: bytes) -> Iterator[Packet]:
    links: list[int] = []
    at = 0
    while at < len(file):
        kind, length = struct.unpack_from("<II", file, at)
        assert length % 4 == 0
        assert struct.unpack_from("<I", file, at + length - 4) == (length,)
        if kind == 1:
            links.append(struct.unpack_from("<H", file, at + 8)[0])
            assert b"\x09\x00\x01\x00\x09" in file[at : at + length]  # nanoseconds
        elif kind == 6:
            interface, high, low, size, whole = struct.unpack_from("<IIIII", file, at + 8)
            assert size == whole
            yield Packet(links[interface], high << 32 | low, file[at + 28 : at + 28 + size])
        else:
            assert kind == 0x0A0D0D0A
            links = []
        at += length


def heard(file: bytes, *, check: bool = True) -> list[Heard]:
    """All Remote ID frames of a file; fails where a length is wrong, or a check sequence (that of Bluetooth if `check`, which is slow)."""
    found = []
    for packet in packets(file):
        one = bluetooth(packet, check=check) if packet.link == 251 else wifi(packet)
        if one is not None:
            found.append(one)
    return found


def wifi(packet: Packet) -> Heard | None:
    frame, signal = packet.data, None
    if packet.link == 127:
        size = struct.unpack_from("<H", frame, 2)[0]
        if size == 26:
            assert frame[4:8].hex() == "2f480000"
            signal = struct.unpack_from("b", frame, 22)[0]
            assert zlib.crc32(frame[26:-4]) == struct.unpack("<I", frame[-4:])[0]
            frame = frame[:-4]
        frame = frame[size:]
    if frame[0] == 0x80:
        return _beacon(packet.time, frame, signal)
    if frame[0] == 0xD0:
        return _action(packet.time, frame, signal)
    return None


def _beacon(time: int, frame: bytes, signal: int | None) -> Heard | None:
    at, elements, body = 36, [], b""
    while at < len(frame):
        kind, size = frame[at], frame[at + 1]
        assert at + 2 + size <= len(frame)
        elements.append(kind)
        if kind == 221 and frame[at + 2 : at + 6].hex() == "fa0bbc0d":
            body = frame[at + 6 : at + 2 + size]
        at += 2 + size
    if not body:
        return None
    tsf, sequence = struct.unpack_from("<Q", frame, 24)[0], struct.unpack_from("<H", frame, 22)[0] >> 4
    sender = frame[10:16].hex(":")
    return Heard(time, "beacon", sender, body[0], _pack(body[1:]), signal, tsf, sequence, tuple(elements))


def _action(time: int, frame: bytes, signal: int | None) -> Heard:
    assert frame[24:30].hex() == "0409506f9a13"
    assert frame[30] == 3
    length = struct.unpack_from("<H", frame, 31)[0]
    assert frame[33:39].hex() == "8869199d9209"
    size = frame[42]
    assert length == 10 + size
    body = frame[43 : 43 + size]
    extension = frame[43 + size :]
    assert extension == bytes.fromhex("0e0400010002") + body[:1]
    return Heard(time, "nan", frame[10:16].hex(":"), body[0], _pack(body[1:]), signal)


def bluetooth(packet: Packet, *, check: bool = True) -> Heard | None:
    frame = packet.data
    assert frame[:4].hex() == "d6be898e"
    kind, size = frame[4] & 15, frame[5]
    assert len(frame) == 4 + 2 + size + 3
    assert not check or crc24(frame[4:-3]) == frame[-3:]
    body = frame[6:-3]
    if kind == 7:
        assert body[:2] == b"\x09\x09"
        sender, advertised = body[2:8], body[10:]
    else:
        assert kind == 2
        assert size <= 37
        sender, advertised = body[:6], body[6:]
    if advertised[1:5].hex() != "16faff0d":
        return None
    assert advertised[0] == len(advertised) - 1
    said = advertised[6:]
    messages = _pack(said) if kind == 7 else (said,)
    return Heard(packet.time, "extended" if kind == 7 else "legacy", sender[::-1].hex(":"), advertised[5], messages)


def _pack(body: bytes) -> tuple[bytes, ...]:
    assert body[0] >> 4 == 15
    assert body[1] == 25
    assert len(body) == 3 + 25 * body[2]
    return tuple(body[3 + 25 * at : 28 + 25 * at] for at in range(body[2]))


def crc24(data: bytes) -> bytes:
    """Bit by bit, as figure 3.5 of Bluetooth Core 5.4, volume 6 part B draws it: the highest position is sent first."""
    state = 0x555555
    for byte in data:
        for bit in range(8):
            out = (state >> 23) ^ (byte >> bit & 1)
            state = state << 1 & 0xFFFFFF
            if out:
                state ^= 0x00065B
    sent = f"{state:024b}"
    return bytes(int(sent[at : at + 8][::-1], 2) for at in (0, 8, 16))
