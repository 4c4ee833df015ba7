"""Gzip within bounds, a piece at a time: a bomb stops at the first excess, on the way in and on the way from a peer."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from kizuna.errors import InvalidInput, TooLarge
from kizuna.settings import MiB

# Below this size a high ratio harms nobody: small bodies of repeated text compress 1000-fold.
RATIO_FREE = MiB
_PIECE = MiB


class Unpacker:
    """Takes blocks as they come and gives plain bytes; without `packed` it only counts."""

    def __init__(self, most: int, ratio: int, *, packed: bool) -> None:
        self._most = most
        self._ratio = ratio
        self._stream = zlib.decompressobj(wbits=31) if packed else None
        self._taken = 0
        self._given = 0

    def feed(self, block: bytes) -> Iterator[bytes]:
        """The plain bytes of one block. Raises TooLarge, and InvalidInput for broken gzip or bytes behind its end."""
        self._taken += len(block)
        if self._stream is None:
            yield self._counted(block)
            return
        while block:
            if self._stream.eof:
                raise InvalidInput("bytes behind the end of the gzip stream")
            try:
                piece = self._stream.decompress(block, _PIECE)
            except zlib.error as error:
                raise InvalidInput(f"broken gzip: {error}") from None
            yield self._counted(piece)
            block = self._stream.unused_data or self._stream.unconsumed_tail

    def finish(self) -> None:
        """Nothing follows. Raises InvalidInput when something is missing."""
        if self._stream is not None and not self._stream.eof:
            raise InvalidInput("the gzip stream ends too early")

    def _counted(self, piece: bytes) -> bytes:
        self._given += len(piece)
        if self._given > self._most:
            raise TooLarge(f"more than {self._most} bytes")
        if self._given > RATIO_FREE and self._given > self._ratio * self._taken:
            raise TooLarge(f"unpacks to more than {self._ratio} times its size")
        return piece


def pack(body: bytes) -> bytes:
    """Gzip at its fastest level: a quarter of the bytes at a fifth of the speed of none."""
    stream = zlib.compressobj(level=1, wbits=31)
    return stream.compress(body) + stream.flush()
