"""Captures as they arrive: every form of the files, any pieces, and files that are broken."""

from __future__ import annotations

import random
import struct
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import InvalidInput
from kizuna.formats.pack import load
from kizuna.formats.pcap import LARGEST_BLOCK, MOST_INTERFACES, UNTIMED, Frames, Reader
from kizuna.formats.pcap_writer import Frames as Rows
from kizuna.formats.pcap_writer import Interface, pcap, pcapng

SECOND = 1_680_365_730
ORDERS = ["<", ">"]


class Frame(NamedTuple):
    """What is read of one frame."""

    time: int
    link: int
    data: bytes


def rows(frames: Frames) -> list[Frame]:
    columns = (column.tolist() for column in frames[1:])
    return [
        Frame(time, link, frames.data[start : start + size]) for start, size, time, link in zip(*columns, strict=True)
    ]


def read(*pieces: bytes, end: bool = True) -> tuple[list[Frame], Reader]:
    reader = Reader("x")
    found = [frame for piece in pieces for frame in rows(reader.feed(piece))]
    if end:
        reader.end()
    assert reader.frames == len(found)
    return found, reader


def until_it_breaks(*pieces: bytes) -> tuple[list[Frame], str, str | None]:
    """The frames before the capture cannot be read on, and what is said then."""
    reader, found = Reader("x"), []
    try:
        for piece in pieces:
            found += rows(reader.feed(piece))
        reader.end()
    except InvalidInput as error:
        return found, error.message, error.path
    raise AssertionError("it was read to its end")


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def interface(link: int = 127, options: bytes = b"", order: str = "<") -> bytes:
    return block(1, struct.pack(f"{order}HHI", link, 0, 0) + options, order)


def packet(ticks: int, data: bytes, which: int = 0, order: str = "<", length: int | None = None) -> bytes:
    size = len(data) if length is None else length
    return block(6, struct.pack(f"{order}IIIII", which, ticks >> 32, ticks & 0xFFFFFFFF, size, size) + data, order)


def record(seconds: int, parts: int, data: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}IIII", seconds, parts, len(data), len(data)) + data


def classic(magic: int, order: str, *records: bytes, link: int = 127) -> bytes:
    return struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65_535, link) + b"".join(records)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("magic", "parts", "nanoseconds"), [(0xA1B2C3D4, 58_438, 58_438_000), (0xA1B23C4D, 58_438, 58_438)]
)
def test_the_classic_form_in_both_orders_and_units(order: str, magic: int, parts: int, nanoseconds: int) -> None:
    data = classic(magic, order, record(SECOND, parts, b"abc", order), record(SECOND, 0, b"", order))
    found, reader = read(data)
    assert found == [
        Frame(SECOND * 10**9 + nanoseconds, 127, b"abc"),
        Frame(SECOND * 10**9, 127, b""),
    ]
    assert not reader.refused


def test_bits_above_the_link_type_are_no_part_of_it() -> None:
    found, _ = read(classic(0xA1B2C3D4, "<", record(1, 0, b"a"), link=0x5400_0000 | 105))
    assert found[0].link == 105


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("options", "ticks", "nanoseconds"),
    [
        (b"", 5_000_001, 5_000_001_000),
        (b"\x06", 5_000_001, 5_000_001_000),
        (b"\x09", 5_000_000_001, 5_000_000_001),
        (b"\x00", 5, 5_000_000_000),
        (b"\x03", 5_001, 5_001_000_000),
        (b"\x0c", 5_000_000_001_999, 5_000_000_001),
        (b"\x80", 7, 7_000_000_000),
        (b"\x94", 3 << 19, 1_500_000_000),
        (b"\xa0", (5 << 32) + 1, 5_000_000_000),
    ],
)
def test_resolutions_are_powers_of_ten_and_two(order: str, options: bytes, ticks: int, nanoseconds: int) -> None:
    said = option(9, options, order) if options else b""
    found, _ = read(section(order) + interface(options=said, order=order) + packet(ticks, b"a", order=order))
    assert found == [Frame(nanoseconds, 127, b"a")]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("offset", [0, 1_600_000_000, -4])
def test_an_offset_is_added(order: str, offset: int) -> None:
    said = option(2, b"wlan0", order) + option(14, struct.pack(f"{order}q", offset), order) + option(0, b"", order)
    found, _ = read(section(order) + interface(options=said, order=order) + packet(5_000_000, b"a", order=order))
    assert found[0].time == 5_000_000_000 + offset * 10**9


@pytest.mark.parametrize(
    ("resolution", "offset", "ticks"),
    [
        (b"\x06", -6, 5_000_000), (b"\x09", 0, (1 << 64) - 1), (b"\x06", 1 << 40, 1), (b"\x06", -(1 << 63), 1), (b"\xff", 0, 0),
        (b"\x7f", 0, 1), (b"\x00", 0, 1 << 63), (b"\x09", 4_000_000_000, 1 << 62),
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_is_none(resolution: bytes, offset: int, ticks: int) -> None:
    said = option(9, resolution) + option(14, struct.pack("<q", offset))
    found, _ = read(section() + interface(options=said) + packet(ticks, b"a"))
    assert found[0].time in (UNTIMED, 0)
    assert found[0].data == b"a"


def test_sections_have_interfaces_and_an_order_of_their_own() -> None:
    first = section("<") + interface(127) + interface(251) + packet(1, b"one", 1) + packet(2, b"two", 0)
    second = (
        section(">") + interface(105, order=">") + packet(3, b"three", order=">") + packet(4, b"lost", 1, order=">")
    )
    found, reader = read(first + second + first)
    assert [(frame.link, frame.data) for frame in found] == [
        (251, b"one"), (127, b"two"), (105, b"three"), (251, b"one"), (127, b"two"),
    ]  # fmt: skip
    assert [frame.time for frame in found] == [1000, 2000, 3000, 1000, 2000]
    assert reader.refused == {"no-interface": 1}


def test_simple_blocks_are_of_the_first_interface_and_state_no_time() -> None:
    simple = block(3, struct.pack("<I", 3) + b"abc")
    cut = block(3, struct.pack("<I", 900) + b"abcd")
    found, reader = read(section() + simple + interface(105) + packet(1, b"x") + simple + cut + packet(2, b"y"))
    assert found == [
        Frame(1000, 105, b"x"), Frame(UNTIMED, 105, b"abc"), Frame(UNTIMED, 105, b"abcd"), Frame(2000, 105, b"y"),
    ]  # fmt: skip
    assert reader.refused == {"no-interface": 1}


def test_obsolete_and_unknown_blocks_are_passed_over() -> None:
    obsolete = block(2, struct.pack("<HHIIII", 0, 0, 0, 1, 3, 3) + b"abc")
    unknown = block(0x0BAD, b"whatever")
    found, reader = read(section() + interface() + packet(1, b"x") + obsolete + unknown + packet(2, b"y"))
    assert [frame.data for frame in found] == [b"x", b"y"]
    assert reader.refused == {"obsolete-block": 1}


@pytest.mark.parametrize("size", range(0, 20, 4))
def test_an_enhanced_block_too_short_for_its_head_is_counted(size: int) -> None:
    found, reader = read(section() + interface() + packet(1, b"x") + block(6, bytes(size)))
    assert [frame.data for frame in found] == [b"x"]
    assert reader.refused == {"longer-than-its-block": 1}


def test_a_simple_block_too_short_for_its_length_is_counted() -> None:
    _, reader = read(section() + interface() + block(3, b""))
    assert reader.refused == {"longer-than-its-block": 1}


@pytest.mark.parametrize("length", [5, 1 << 20, (1 << 32) - 1])
def test_a_frame_longer_than_its_block_is_counted(length: int) -> None:
    found, reader = read(section() + interface() + packet(1, b"abcd", length=length) + packet(2, b"y"))
    assert [frame.data for frame in found] == [b"y"]
    assert reader.refused == {"longer-than-its-block": 1}


GOOD = section() + interface() + packet(1, b"one") + packet(2, b"two")
BROKEN = {
    "a block of 8 bytes": struct.pack("<II", 6, 8) + bytes(40),
    "a block of 0 bytes": struct.pack("<II", 6, 0) + bytes(40),
    "a block of 34 bytes": struct.pack("<II", 6, 34) + bytes(40),
    f"a block of {LARGEST_BLOCK + 4} bytes": struct.pack("<II", 6, LARGEST_BLOCK + 4) + bytes(40),
    "a section header without a byte order": struct.pack("<III", 0x0A0D0D0A, 28, 0x1234) + bytes(16),
    "a block of 30 bytes": struct.pack("<III", 0x0A0D0D0A, 30, 0x1A2B3C4D) + bytes(18),
    "an interface description that is too short": block(1, b"abcd"),
    f"more than {MOST_INTERFACES} interfaces": interface() * MOST_INTERFACES,
}


@pytest.mark.parametrize("said", BROKEN)
@pytest.mark.parametrize("step", [1, 13, 1 << 20])
def test_what_cannot_be_names_its_byte_and_keeps_what_came_before(said: str, step: int) -> None:
    data = GOOD + BROKEN[said]
    if step == 1 and len(data) > 10_000:
        step = 7
    found, message, place = until_it_breaks(*(data[at : at + step] for at in range(0, len(data), step)))
    assert [frame.data for frame in found] == [b"one", b"two"]
    assert message.startswith(said)
    at = len(GOOD) + (20 * (MOST_INTERFACES - 1) if "interfaces" in said else 0)
    assert place == f"byte {at}"


@pytest.mark.parametrize("step", [1, 1 << 20])
def test_a_record_too_long_names_its_byte(step: int) -> None:
    data = classic(0xA1B2C3D4, "<", record(1, 0, b"abc")) + struct.pack("<IIII", 1, 0, LARGEST_BLOCK + 1, 0)
    found, message, place = until_it_breaks(*(data[at : at + step] for at in range(0, len(data), step)))
    assert [frame.data for frame in found] == [b"abc"]
    assert message.startswith(f"a frame of {LARGEST_BLOCK + 1} bytes cannot be")
    assert place == "byte 43"


@pytest.mark.parametrize("data", [b"", b"\x0a", b"PK\x03\x04", bytes(100), b"\xd4\xc3\xb2\xa1" + bytes(19)])
def test_what_is_no_capture_is_said_to_be_none(data: bytes) -> None:
    found, message, place = until_it_breaks(data)
    assert (found, place) == ([], None)
    assert message.startswith("is no capture")


@pytest.mark.parametrize("cut", range(1, 36))
def test_a_tail_that_breaks_off_is_counted(cut: int) -> None:
    found, reader = read(GOOD[:-cut])
    assert [frame.data for frame in found] == [b"one"]
    assert reader.refused == ({"broken-off": 1} if cut < 36 else {})
    data = classic(0xA1B2C3D4, "<", record(1, 0, b"abc"), record(1, 0, bytes(30)))
    found, reader = read(data[:-cut])
    assert [frame.data for frame in found] == [b"abc"]
    assert reader.refused == {"broken-off": 1}


TWO_KINDS = [Rows(1, np.arange(9), np.zeros((9, 7), np.uint8)), Rows(0, np.arange(9), np.ones((9, 2), np.uint8))]
ANY_FILE = st.sampled_from(
    [
        GOOD,
        section(">") + interface(order=">") + packet(9, b"abc", order=">") + GOOD + block(3, struct.pack("<I", 3) + b"abc"),
        classic(0xA1B2C3D4, ">", *(record(1, number, bytes(number), ">") for number in range(9))),
        pcap(127, [Rows(0, np.arange(20), np.zeros((20, 5), np.uint8))]),
        pcapng([Interface(127), Interface(251)], TWO_KINDS),
    ]
)  # fmt: skip


@given(ANY_FILE, st.lists(st.integers(0, 400), max_size=12))
def test_any_pieces_give_the_same_frames(data: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    whole, reader = read(data)
    found, in_pieces = read(*(data[a:b] for a, b in pairwise(places)))
    assert found == whole
    assert in_pieces.refused == reader.refused


@given(ANY_FILE, st.data())
def test_broken_files_in_any_pieces_are_read_as_far(data: bytes, draw: st.DataObject) -> None:
    broken = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 6))):
        broken[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    step = draw.draw(st.integers(1, 60))
    assert _as_far(bytes(broken), step) == _as_far(bytes(broken), len(broken))


def _as_far(data: bytes, step: int) -> tuple[list[Frame], str | None]:
    reader, found = Reader("x"), []
    try:
        for at in range(0, len(data), step):
            found += rows(reader.feed(data[at : at + step]))
        reader.end()
    except InvalidInput as error:
        return found, error.path
    return found, None


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", section(), section(">"), section() + interface(), classic(0xA1B2C3D4, "<")]),
)
def test_no_bytes_do_more_than_end_a_capture(data: bytes, head: bytes) -> None:
    found, _ = _as_far(head + data, 50)
    assert sum(len(frame.data) for frame in found) <= len(data)


@pytest.mark.parametrize("name", ["anafi4-real.pcapng.gz", "anafi4-spoofed.pcapng.gz"])
def test_real_captures_are_read_in_any_pieces(name: str) -> None:
    data = load("remote-id").read(name)
    whole, reader = read(data)
    assert not reader.refused
    draw = random.Random(1)
    pieces, at = [], 0
    while at < len(data):
        step = draw.choice((1, 3, 100, 5000, 60_000))
        pieces.append(data[at : at + step])
        at += step
    assert read(*pieces)[0] == whole
