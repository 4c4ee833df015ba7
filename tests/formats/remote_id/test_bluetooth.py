"""Advertisements of Bluetooth on the link layer, and what only looks like them."""

from __future__ import annotations

import struct
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.formats.remote_id import frames as made
from kizuna.formats.remote_id.bluetooth import Advertised, advertised
from kizuna.formats.remote_id.radiotap import UNKNOWN_SIGNAL
from tests.formats.remote_id.tables import SENDER, messages, packs, row

MESSAGE = messages()[1]
LEGACY = made.legacy_advertisements(SENDER, row(MESSAGE), counter=[9]).tobytes()
EXTENDED = made.extended_advertisements(SENDER, packs(messages()), counter=[9]).tobytes()
ADDRESS = int.from_bytes(SENDER, "big")


def read(frame: bytes, *, headed: bool = False) -> tuple[list[Advertised], Counter[str]]:
    refused: Counter[str] = Counter()
    return list(advertised(frame, refused, headed=headed)), refused


def pseudo(flags: int, signal: int = -60) -> bytes:
    return struct.pack("<BbbBIH", 37, signal, 0, 0, 0, flags)


def changed(frame: bytes, at: int, value: int) -> bytes:
    return frame[:at] + bytes((value,)) + frame[at + 1 :]


@pytest.mark.parametrize("kind", [0x40, 0x42, 0x44, 0x46])
def test_every_legacy_kind_is_read(kind: int) -> None:
    found, refused = read(changed(LEGACY, 4, kind))
    assert [(one.transmitter, one.signal) for one in found] == [(ADDRESS, UNKNOWN_SIGNAL)]
    assert LEGACY[found[0].at : found[0].end] == b"\x09" + MESSAGE
    assert not refused


@pytest.mark.parametrize("kind", [1, 3, 5, 8, 15])
def test_other_kinds_are_not_advertising(kind: int) -> None:
    assert read(changed(LEGACY, 4, 0x40 | kind)) == ([], {"not-advertising": 1})


def test_an_extended_one_has_a_pack() -> None:
    found, _ = read(EXTENDED)
    assert [one.transmitter for one in found] == [ADDRESS]
    assert EXTENDED[found[0].at + 1] >> 4 == 15


def test_an_extended_one_may_name_no_sender() -> None:
    found, _ = read(changed(EXTENDED, 7, 0x08))
    assert [one.transmitter for one in found] == [0]


@pytest.mark.parametrize(("flags", "signal"), [(0x0002, -60), (0x0000, UNKNOWN_SIGNAL), (0x0C02, -60)])
def test_a_pseudo_header_has_the_signal(flags: int, signal: int) -> None:
    found, _ = read(pseudo(flags) + LEGACY, headed=True)
    assert [one.signal for one in found] == [signal]
    assert (pseudo(flags) + LEGACY)[found[0].at : found[0].end] == b"\x09" + MESSAGE


def test_a_checksum_that_does_not_hold_is_counted() -> None:
    assert read(pseudo(0x0402) + LEGACY, headed=True) == ([], {"checksum": 1})


def test_what_is_cut_short_is_counted() -> None:
    assert read(pseudo(2)[:9], headed=True) == ([], {"cut-short": 1})
    assert read(LEGACY[:30]) == ([], {"cut-short": 1})
    assert read(LEGACY[:5]) == ([], {"not-advertising": 1})
    assert read(bytes(4) + LEGACY[4:]) == ([], {"not-advertising": 1})


def test_a_structure_longer_than_its_advertisement_is_counted() -> None:
    assert read(changed(LEGACY, 12, 31)) == ([], {"element-too-long": 1})


@pytest.mark.parametrize(("at", "value"), [(12, 0), (13, 0x17), (14, 0xFB), (15, 0xFE), (16, 0x0E)])
def test_other_data_is_nothing(at: int, value: int) -> None:
    assert read(changed(LEGACY, at, value))[0] == []


@given(st.sampled_from([LEGACY, EXTENDED, pseudo(2) + LEGACY]), st.booleans(), st.data())
def test_no_change_makes_it_fail(frame: bytes, headed: bool, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(0, 6))):
        frame = changed(frame, data.draw(st.integers(0, len(frame) - 1)), data.draw(st.integers(0, 255)))
    frame = frame[: data.draw(st.integers(0, len(frame)))]
    found, refused = read(frame, headed=headed)
    assert all(0 <= one.at < one.end <= len(frame) and 0 <= one.transmitter < 1 << 48 for one in found)
    assert sum(refused.values()) <= 1
