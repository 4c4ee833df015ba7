"""Tables of frames made of single ones, and messages for them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kizuna.formats.pcap import Frames
from kizuna.formats.remote_id.messages import encode, pack

SENDER = bytes.fromhex("903ae65bc8a8")
SERIAL = "1581F4X9K2M7Q8W3N5"


def table(*frames: bytes | NDArray[np.uint8], link: int | list[int] = 127, between: bytes = b"") -> Frames:
    """These frames behind each other, at 0, 1, 2 … ns."""
    rows = [frame if isinstance(frame, bytes) else frame.tobytes() for frame in frames]
    starts, data = [], b""
    for row in rows:
        starts.append(len(data) + len(between))
        data += between + row
    lengths = np.array([len(row) for row in rows], np.int64)
    links = np.broadcast_to(np.array(link, np.int64), (len(rows),))
    return Frames(data, np.array(starts, np.int64), lengths, np.arange(len(rows)), links)


def messages(**location: float) -> list[bytes]:
    """A name and a place."""
    said = {"status": 2, "latitude": 46.2, "longitude": 9.1, "second": 12.5, **location}
    return [encode("basic-id", {"id_type": 1, "aircraft": 2, "id": SERIAL}), encode("location", said)]


def packs(*each: list[bytes]) -> NDArray[np.uint8]:
    """Packs of messages as rows."""
    return np.stack([np.frombuffer(pack(one), np.uint8) for one in each])


def row(data: bytes) -> NDArray[np.uint8]:
    """One row."""
    return np.frombuffer(data, np.uint8)[None, :]
