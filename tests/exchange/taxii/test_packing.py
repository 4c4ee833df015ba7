"""Gzip within bounds."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import InvalidInput, KizunaError, TooLarge
from kizuna.exchange.taxii.packing import RATIO_FREE, Unpacker, pack


def unpacked(blocks: list[bytes], *, most: int = 1 << 24, ratio: int = 100, packed: bool = True) -> bytes:
    """Everything that comes out of some blocks."""
    unpacker = Unpacker(most, ratio, packed=packed)
    out = b"".join(piece for block in blocks for piece in unpacker.feed(block))
    unpacker.finish()
    return out


@given(st.binary(max_size=2_000), st.integers(1, 50))
def test_what_was_packed_comes_out_however_it_is_cut(body: bytes, step: int) -> None:
    packed = pack(body)
    assert unpacked([packed[i : i + step] for i in range(0, len(packed), step)]) == body
    assert unpacked([body[i : i + step] for i in range(0, len(body), step)], packed=False) == body


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(body: bytes) -> None:
    try:
        unpacked([body])
    except KizunaError:
        return
    assert gzip.decompress(body) is not None


def test_a_bomb_stops_at_the_first_excess() -> None:
    bomb = gzip.compress(b" " * (64 << 20))
    unpacker = Unpacker(1 << 30, 100, packed=True)
    pieces = unpacker.feed(bomb)
    given_out: list[int] = []
    with pytest.raises(TooLarge, match="100 times"):
        given_out.extend(len(piece) for piece in pieces)
    assert sum(given_out) < 16 << 20


def test_a_small_body_may_have_any_ratio() -> None:
    body = b" " * RATIO_FREE
    assert unpacked([gzip.compress(body)]) == body


@pytest.mark.parametrize("packed", [True, False])
def test_the_limit_counts_plain_bytes(packed: bool) -> None:
    body = b"x" * 1_000
    sent = gzip.compress(body) if packed else body
    assert unpacked([sent], most=1_000, packed=packed) == body
    with pytest.raises(TooLarge):
        unpacked([sent], most=999, packed=packed)


def test_nothing_may_stand_behind_the_end_nor_be_missing() -> None:
    packed = gzip.compress(b"body")
    for odd in (packed + b"x", packed + packed, packed[:-1], b"", b"plain"):
        with pytest.raises(InvalidInput):
            unpacked([odd])
    with pytest.raises(InvalidInput):
        unpacked([packed, b"x"])
