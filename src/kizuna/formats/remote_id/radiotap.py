"""Radiotap headers (radiotap.org): how strong a frame was received, and where the frame itself begins and ends.

Receivers write few different headers, so where the fields lie is worked out once for each list of present fields.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kizuna.formats.pcap import Frames

UNKNOWN_SIGNAL = 127
"""dBm that nothing has; the header states none."""

_LEAST = 8
_FIELDS = (
    (8, 8),
    (1, 1),
    (1, 1),
    (4, 2),
    (2, 2),
    (1, 1),
)  # size and alignment of TSFT, flags, rate, channel, hopping, signal
_FLAGS, _SIGNAL = 1, 5
_HAS_CHECKSUM, _BAD_CHECKSUM = 0x10, 0x40
_MORE_WORDS = 0x8000_0000
_MOST_WORDS = 16


class Heads(NamedTuple):
    """By frame: where it begins and ends within the data, its signal in dBm, and whether its header can be read and its checksum holds."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    signal: NDArray[np.int64]
    good: NDArray[np.bool_]

    def of(self, rows: NDArray[np.bool_]) -> Heads:
        """Those of some of the frames."""
        return Heads(self.start[rows], self.end[rows], self.signal[rows], self.good[rows])


def radiotap(frames: Frames, rows: NDArray[np.int64]) -> Heads:
    """What the radiotap headers of these rows say."""
    start, end = frames.start[rows], frames.start[rows] + frames.length[rows]
    signal = np.full(len(rows), UNKNOWN_SIGNAL, np.int64)
    whole = np.frombuffer(frames.data, np.uint8)
    good = end - start >= _LEAST
    body = end.copy()
    heads: dict[bytes, list[int]] = {}
    for index in np.flatnonzero(good).tolist():
        at = int(start[index])
        heads.setdefault(frames.data[at : at + _LEAST], []).append(index)
    for head, of in heads.items():
        these = np.asarray(of, np.int64)
        first = int(start[of[0]])
        size = int.from_bytes(head[2:4], "little")
        words = _words(frames.data, first, size)
        fits = (end[these] - start[these] > size) & (head[0] == 0) & (size >= _LEAST) & bool(words)
        good[these] &= fits
        these = these[fits]
        flags_at, signal_at = _places(words[0], len(words)) if words else (None, None)
        body[these] = start[these] + size
        if signal_at is not None and signal_at < size:
            signal[these] = whole[start[these] + signal_at].view(np.int8)
        if flags_at is not None and flags_at < size:
            flags = whole[start[these] + flags_at]
            end[these] -= np.where(flags & _HAS_CHECKSUM, 4, 0)
            good[these] &= (flags & _BAD_CHECKSUM) == 0
    return Heads(body, end, signal, good & (end > body))


def _words(data: bytes, start: int, size: int) -> tuple[int, ...]:
    """The words that say which fields are present; none when they do not fit the header."""
    found: list[int] = []
    while len(found) < _MOST_WORDS and 4 + 4 * (len(found) + 1) <= size:
        at = start + 4 + 4 * len(found)
        word = int.from_bytes(data[at : at + 4], "little")
        found.append(word)
        if not word & _MORE_WORDS:
            return tuple(found)
    return ()


@lru_cache(maxsize=1024)
def _places(present: int, words: int) -> tuple[int | None, int | None]:
    """Where the flags and the signal of the first antenna lie, counted from the start of the header."""
    at = 4 + 4 * words
    found: dict[int, int] = {}
    for bit, (size, aligned) in enumerate(_FIELDS):
        if present & 1 << bit:
            at += -at % aligned
            found[bit] = at
            at += size
    return found.get(_FLAGS), found.get(_SIGNAL)
