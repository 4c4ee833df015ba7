"""Radiotap headers: where fields lie, whatever stands before them, and headers that are none."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.formats.remote_id.radiotap import UNKNOWN_SIGNAL, Heads, radiotap
from tests.formats.remote_id.tables import table

FRAME = bytes(range(40))
MORE = 1 << 31


def header(*words: int, fields: bytes = b"", version: int = 0, size: int | None = None) -> bytes:
    body = b"".join(struct.pack("<I", word) for word in words) + fields
    return struct.pack("<BBH", version, 0, 4 + len(body) if size is None else size) + body


def read(*headers: bytes, frame: bytes = FRAME) -> Heads:
    frames = table(*(head + frame for head in headers))
    return radiotap(frames, frames.start * 0 + range(len(headers)))


@pytest.mark.parametrize(
    ("words", "fields", "signal"),
    [
        ([0], b"", UNKNOWN_SIGNAL),
        ([0x20], b"\xd0", -48),
        ([0x22], b"\x00\xd0", -48),
        ([0x2F], bytes(8) + b"\x00\x02" + bytes(4) + b"\xd0", -48),
        ([0x2E], b"\x00\x02" + bytes(4) + b"\xd0", -48),
        ([0x2A], b"\x00\0" + bytes(4) + b"\xd0", -48),
        ([0x30], bytes(2) + b"\xd0", -48),
        ([0x24 | MORE, 0], b"\x02\xd0", -48),
        ([0x20 | MORE, 0x20 | MORE, 0x20], b"\xd0\xd1\xd2", -48),
        ([0x21 | MORE, 0], bytes(4) + bytes(8) + b"\xd0", -48),  # times stand at a multiple of eight
        ([0x21], bytes(8) + b"\xd0", -48),
    ],
)
def test_the_signal_is_found_behind_what_is_present(words: list[int], fields: bytes, signal: int) -> None:
    head = header(*words, fields=fields)
    found = read(head)
    assert found.good.tolist() == [True]
    assert found.signal.tolist() == [signal]
    assert (found.start[0], found.end[0]) == (len(head), len(head) + len(FRAME))


def test_headers_of_many_kinds_in_one_table() -> None:
    found = read(
        header(0x20, fields=b"\xd0"), header(0), header(0x20, fields=b"\xd1"), header(0x22, fields=b"\x10\xd2")
    )
    assert found.signal.tolist() == [-48, UNKNOWN_SIGNAL, -47, -46]
    assert (found.end - found.start).tolist() == [40, 40, 40, 36]


def test_the_checksum_is_cut_off_where_flags_say_that_it_is_there() -> None:
    found = read(header(2, fields=b"\x10"), header(2, fields=b"\x00"))
    assert (found.end - found.start).tolist() == [36, 40]


def test_a_frame_whose_checksum_does_not_hold_is_not_read() -> None:
    assert read(header(2, fields=b"\x50"), header(2, fields=b"\x40"), header(2, fields=b"\x10")).good.tolist() == [
        False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "head",
    [
        header(0, version=1),
        header(0, size=7),
        header(0, size=0),
        header(0, size=48),
        header(0, size=65_535),
        header(MORE, MORE, fields=b""),
        header(*[MORE] * 17, 0),
        b"",
    ],
)
def test_what_is_no_header_is_not_read(head: bytes) -> None:
    frame = FRAME if head else b"abc"
    assert read(head, frame=frame).good.tolist() == [False]


def test_a_field_said_to_lie_behind_the_header_is_not_there() -> None:
    found = read(header(0x22, fields=b"", size=8))
    assert (found.good.tolist(), found.signal.tolist()) == ([True], [UNKNOWN_SIGNAL])


def test_a_frame_of_nothing_but_a_checksum_is_not_read() -> None:
    assert read(header(2, fields=b"\x10"), frame=b"abcd").good.tolist() == [False]


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=8))
def test_any_bytes_give_a_frame_within_them(rows: list[bytes]) -> None:
    frames = table(*rows)
    found = radiotap(frames, frames.start * 0 + range(len(rows)))
    assert (found.start >= frames.start).all()
    good = found.good
    assert (found.end[good] <= (frames.start + frames.length)[good]).all()
    assert (found.start[good] < found.end[good]).all()
