"""Capture files: read back block by block."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import InvalidInput
from kizuna.formats.pcap_writer import BLUETOOTH_LE, IEEE_802_11, RADIOTAP, Frames, Interface, pcap, pcapng
from tests.domains.air import mini


def frames(interface: int, *each: tuple[int, bytes]) -> Frames:
    times = np.array([time for time, _ in each], dtype=np.int64)
    return Frames(interface, times, np.frombuffer(b"".join(row for _, row in each), np.uint8).reshape(len(each), -1))


THREE = [Interface(RADIOTAP, "wlan0"), Interface(IEEE_802_11), Interface(BLUETOOTH_LE, "hci0")]


def test_packets_of_all_interfaces_stand_by_time() -> None:
    early, late = 1_680_365_730_415_058_438, 1_680_365_730_415_058_439
    file = pcapng(THREE, [frames(2, (late, b"abc"), (early, b"def")), frames(0, (early, b"ghijk"))])
    assert list(mini.packets(file)) == [
        mini.Packet(BLUETOOTH_LE, early, b"def"),
        mini.Packet(RADIOTAP, early, b"ghijk"),
        mini.Packet(BLUETOOTH_LE, late, b"abc"),
    ]


def test_the_file_says_what_it_is() -> None:
    file = pcapng(THREE, [])
    assert file[:12].hex() == "0a0d0d0a1c0000004d3c2b1a"
    assert [file.count(name) for name in (b"wlan0", b"hci0")] == [1, 1]
    assert len(file) % 4 == 0


@given(st.lists(st.tuples(st.integers(0, 2**62), st.integers(0, 2), st.binary(max_size=70)), max_size=12))
def test_whatever_is_written_is_read_back(packets: list[tuple[int, int, bytes]]) -> None:
    file = pcapng(THREE, [frames(interface, (time, row)) for time, interface, row in packets])
    wanted = sorted(packets, key=lambda packet: packet[0])
    assert list(mini.packets(file)) == [
        mini.Packet(THREE[interface].link, time, row) for time, interface, row in wanted
    ]


@pytest.mark.parametrize(
    ("nanoseconds", "magic", "fraction"), [(True, 0xA1B23C4D, 123_456_789), (False, 0xA1B2C3D4, 123_456)]
)
def test_the_classic_form(nanoseconds: bool, magic: int, fraction: int) -> None:
    file = pcap(RADIOTAP, [frames(0, (5_123_456_789, b"abc"))], nanoseconds=nanoseconds)
    assert struct.unpack("<IHHiIII", file[:24]) == (magic, 2, 4, 0, 0, 262_144, 127)
    assert struct.unpack("<IIII", file[24:40]) == (5, fraction, 3, 3)
    assert file[40:] == b"abc"


def test_the_classic_form_has_one_interface() -> None:
    with pytest.raises(InvalidInput):
        pcap(RADIOTAP, [frames(0, (1, b"a")), frames(1, (1, b"a"))])
