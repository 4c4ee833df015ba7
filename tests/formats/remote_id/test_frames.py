"""Frames against bytes of real captures, and against the layouts of the standards read a second way."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.formats.remote_id import encode, frames, pack
from kizuna.formats.remote_id.frames import Bytes, Transmitter
from tests.domains.air import mini

SENDER = frames.address("90:3a:e6:5b:c8:a8")
MESSAGES = (encode("basic-id", {"id_type": 1, "id": "1ABCE040445AC004418"}), encode("location", {"latitude": 47.0}))


def rows(*each: bytes) -> Bytes:
    return np.frombuffer(b"".join(each), dtype=np.uint8).reshape(len(each), -1)


PACKS = rows(pack(list(MESSAGES)), pack([MESSAGES[0], MESSAGES[0]]))


def heard(link: int, frame: Bytes) -> mini.Heard | None:
    packet = mini.Packet(link, 0, frame.tobytes())
    return mini.bluetooth(packet) if link == 251 else mini.wifi(packet)


def test_radiotap_is_what_a_receiver_wrote() -> None:
    """The head of a frame of a real capture: 1 Mb/s on channel 1 at -88 dBm."""
    frame = rows(bytes(30))
    whole = frames.radiotap(frame, arrived=0x3E27F6BA, signal=-88, channel=1, rate=2)[0].tobytes()
    assert whole[:26].hex() == "00001a002f480000baf6273e0000000010026c09a000a8000000"
    assert whole[26:] == bytes(30) + zlib.crc32(bytes(30)).to_bytes(4, "little")


def test_a_beacon_begins_as_a_real_one() -> None:
    """As a real aircraft's beacon: broadcast, sequence number 963, its time stamp, every 100 units."""
    sender = Transmitter(address=SENDER, ssid="AnafiThermal-A004418")
    frame = frames.beacons(sender, PACKS[:1], tsf=94_822_785, sequence=963, counter=0x5B)[0].tobytes()
    assert frame[:34].hex() == "80000000ffffffffffff903ae65bc8a8903ae65bc8a8303c81e1a605000000006400"
    assert frame[36:58] == b"\x00\x14AnafiThermal-A004418"
    assert frame[-(6 + 1 + 53) :] == b"\xdd\x3a\xfa\x0b\xbc\x0d\x5b" + PACKS[0].tobytes()


def test_a_bare_beacon_is_what_a_simple_tool_sends() -> None:
    """The frame of a real capture of a forgery, but for its serial number and name."""
    sender = Transmitter(address=SENDER, ssid="X", manner="bare")
    frame = frames.beacons(sender, PACKS[:1], tsf=0, sequence=0, counter=0x5D)[0].tobytes()
    head = "80000000ffffffffffff903ae65bc8a8903ae65bc8a80000" + "000000000000000064000000" + "000158"
    assert frame.hex() == head + "dd3afa0bbc0d5d" + PACKS[0].tobytes().hex()
    assert frames.injected(rows(frame))[0].tobytes()[:8].hex() == "0000080000000000"
    assert frames.injected(rows(frame), echo=True)[0].tobytes()[:13].hex() == "00000d00048002000200000000"


@pytest.mark.parametrize("manner", ["access-point", "module", "bare"])
def test_beacons_read_back(manner: frames.Manner) -> None:
    sender = Transmitter(address=SENDER, ssid="RID", manner=manner)
    built = frames.beacons(sender, PACKS, tsf=[7, 2**40], sequence=[4095, 4096], counter=[255, 0])
    found = [heard(105, frame) for frame in built]
    assert [(one.tsf, one.sequence, one.counter) for one in found if one] == [(7, 4095, 255), (2**40, 0, 0)]
    assert [one.messages for one in found if one] == [MESSAGES, (MESSAGES[0], MESSAGES[0])]
    through = heard(127, frames.radiotap(built, arrived=1, signal=[-40, -90])[1])
    assert through is not None
    assert through.signal == -90


def test_a_foreign_beacon_says_nothing() -> None:
    built = frames.beacons(Transmitter(address=SENDER, ssid="net"), None, tsf=[1, 2, 3], sequence=[1, 2, 3])
    assert built.shape[0] == 3
    assert heard(105, built[0]) is None


def test_neighbour_awareness_is_laid_out_as_the_reference_has_it() -> None:
    built = frames.nan_actions(SENDER, PACKS, sequence=[1, 2], counter=[9, 10])
    assert built[0].tobytes()[:24].hex() == "d0000000516f9a010000903ae65bc8a8506f9a0100ff1000"
    found = heard(105, built[1])
    assert found is not None
    assert (found.counter, found.sender) == (10, "90:3a:e6:5b:c8:a8")
    assert found.messages == (MESSAGES[0], MESSAGES[0])


def test_neighbours_are_synchronised() -> None:
    frame = frames.nan_syncs(SENDER, tsf=[1], sequence=[1])[0].tobytes()
    body = frame[36:]
    assert body[:6].hex() == "dd22506f9a13"
    attributes, at = {}, 6
    while at < len(body):
        size = int.from_bytes(body[at + 1 : at + 3], "little")
        attributes[body[at]] = body[at + 3 : at + 3 + size]
        at += 3 + size
    assert at == len(body) == 2 + body[1]
    assert attributes[0].hex() == "feea"
    assert attributes[1][:6] == SENDER
    assert attributes[2] == frames.SERVICE


def test_bluetooth_4_carries_one_message() -> None:
    built = frames.legacy_advertisements(SENDER, rows(*MESSAGES), counter=[3, 4])
    assert built[0].tobytes()[:17].hex() == "d6be898e4225a8c85be63a901e16faff0d"
    found = heard(251, built[1])
    assert found == mini.Heard(0, "legacy", "90:3a:e6:5b:c8:a8", 4, MESSAGES[1:])


def test_bluetooth_5_carries_a_pack() -> None:
    addresses = rows(SENDER, bytes(6))
    built = frames.extended_advertisements(addresses, PACKS, counter=[3, 4])
    found = [heard(251, frame) for frame in built]
    assert [(one.carrier, one.sender, one.counter) for one in found if one] == [
        ("extended", "90:3a:e6:5b:c8:a8", 3),
        ("extended", "00:00:00:00:00:00", 4),
    ]


def test_a_full_pack_fits_every_carrier() -> None:
    full = rows(pack([MESSAGES[1]] * 9))
    for link, built in (
        (105, frames.beacons(Transmitter(address=SENDER, ssid="s" * 32), full, tsf=0, sequence=0)),
        (105, frames.nan_actions(SENDER, full, sequence=0, counter=0)),
        (251, frames.extended_advertisements(SENDER, full, counter=0)),
    ):
        found = heard(link, built[0])
        assert found is not None
        assert len(found.messages) == 9


def test_the_check_of_bluetooth_is_the_catalogues() -> None:
    """CRC-24/BLE of "123456789" is 0xC25A56."""
    assert frames.bluetooth_checks(rows(b"123456789"))[0].tobytes() == bytes.fromhex("565ac2")


@given(st.lists(st.binary(min_size=9, max_size=9), min_size=1, max_size=5))
def test_the_check_of_bluetooth_is_the_one_worked_out_bit_by_bit(pdus: list[bytes]) -> None:
    assert [row.tobytes() for row in frames.bluetooth_checks(rows(*pdus))] == [mini.crc24(pdu) for pdu in pdus]


def test_other_traffic_is_no_remote_id() -> None:
    for built in (
        frames.probes(SENDER, "net", sequence=[1]),
        frames.data(SENDER, SENDER, rows(bytes(40)), sequence=[1]),
        frames.acknowledgements(SENDER, 1),
    ):
        assert heard(105, built[0]) is None
    assert heard(251, frames.advertisements(SENDER, rows(bytes(31)))[0]) is None
