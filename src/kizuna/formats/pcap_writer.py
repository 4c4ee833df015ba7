"""Capture files written: pcapng with any number of interfaces, and classic pcap (pcapng and pcap Internet-Drafts of the IETF).

Frames come as rows of arrays, many that are alike at once; they are written in order of time.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from kizuna.errors import InvalidInput

ETHERNET, IEEE_802_11, RADIOTAP, BLUETOOTH_LE = 1, 105, 127, 251
"""Link types of frames (tcpdump.org/linktypes.html)."""
SNAPLEN = 262_144

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_NAME, _RESOLUTION = 2, 9
_PACKET_HEAD, _TAIL = 28, 4


class Interface(msgspec.Struct, frozen=True):
    """What frames were received on: the link type of its frames, and its name."""

    link: int
    name: str = ""


class Frames(msgspec.Struct, frozen=True):
    """Frames of one length and one interface: nanoseconds since 1970, shape (n,), and their bytes, shape (n, length)."""

    interface: int
    times: NDArray[np.int64]
    rows: NDArray[np.uint8]


def pcapng(interfaces: Sequence[Interface], frames: Sequence[Frames]) -> bytes:
    """The whole file, little-endian, with times in nanoseconds."""
    head = _block(_SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    described = b"".join(_described(interface) for interface in interfaces)
    return head + described + _in_order(frames, [_packets(one) for one in frames])


def pcap(link: int, frames: Sequence[Frames], *, nanoseconds: bool = True) -> bytes:
    """The whole file of one link type, little-endian. Raises InvalidInput when frames are of several interfaces."""
    if len({one.interface for one in frames}) > 1:
        raise InvalidInput("a classic pcap file holds the frames of one interface")
    head = struct.pack("<IHHiIII", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0, SNAPLEN, link)
    return head + _in_order(frames, [_records(one, 1 if nanoseconds else 1000) for one in frames])


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def _described(interface: Interface) -> bytes:
    options = _option(_NAME, interface.name.encode()) if interface.name else b""
    options += _option(_RESOLUTION, b"\x09") + bytes(4)
    return _block(_INTERFACE, struct.pack("<HHI", interface.link, 0, SNAPLEN) + options)


def _packets(frames: Frames) -> NDArray[np.uint8]:
    """Enhanced packet blocks, one a row."""
    n, size = frames.rows.shape
    whole = _PACKET_HEAD + size + -size % 4 + _TAIL
    out = np.zeros((n, whole), dtype=np.uint8)
    words = np.empty((n, 7), dtype="<u4")
    words[:] = (_PACKET, whole, frames.interface, 0, 0, size, size)
    words[:, 3] = frames.times >> 32
    words[:, 4] = frames.times & 0xFFFFFFFF
    out[:, :_PACKET_HEAD] = words.view(np.uint8)
    out[:, _PACKET_HEAD : _PACKET_HEAD + size] = frames.rows
    out[:, -_TAIL:] = np.frombuffer(struct.pack("<I", whole), dtype=np.uint8)
    return out


def _records(frames: Frames, unit: int) -> NDArray[np.uint8]:
    n, size = frames.rows.shape
    words = np.empty((n, 4), dtype="<u4")
    words[:] = (0, 0, size, size)
    words[:, 0] = frames.times // 1_000_000_000
    words[:, 1] = frames.times % 1_000_000_000 // unit
    return np.concatenate([words.view(np.uint8), frames.rows], axis=1)


def _in_order(frames: Sequence[Frames], blocks: list[NDArray[np.uint8]]) -> bytes:
    """All rows by time; what is of one moment stays in the order given."""
    if not frames:
        return b""
    order = np.argsort(np.concatenate([one.times for one in frames]), kind="stable")
    pieces: list[bytes] = []
    for block in blocks:
        whole, width = block.tobytes(), block.shape[1]
        pieces += [whole[at : at + width] for at in range(0, len(whole), width)]
    return b"".join([pieces[index] for index in order.tolist()])
