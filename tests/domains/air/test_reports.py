"""Captures to reports: the shipped ones by their counts, simulated ones against a reader of its own, and what cannot be."""

from __future__ import annotations

import struct
from math import isnan

import numpy as np
import pytest

from kizuna.domains.air.reports import QUIRKS, Receiver, Report
from kizuna.domains.air.simulator import METHODS, Scenario, Spoof, simulate
from kizuna.errors import InvalidInput
from kizuna.formats.pack import load
from kizuna.formats.pcap_writer import IEEE_802_11, Frames, Interface, pcapng
from kizuna.formats.remote_id import frames as made
from kizuna.formats.remote_id.messages import encode, pack
from kizuna.formats.remote_id.radio import CARRIERS
from kizuna.formats.remote_id.radiotap import UNKNOWN_SIGNAL
from tests.domains.air import mini

AIRCRAFT = made.Transmitter(address=bytes.fromhex("903ae65bc8a8"), ssid="RID-1")


def read(data: bytes, step: int = 1 << 20) -> tuple[list[Report], Receiver]:
    receiver = Receiver("x")
    reports = [one for at in range(0, len(data), step) for one in receiver.feed(data[at : at + step])]
    receiver.end()
    return reports, receiver


def sent(*packs: bytes) -> bytes:
    """A capture of one beacon a second for each of these."""
    parts = []
    for number, one in enumerate(packs):
        row = np.frombuffer(one, np.uint8)[None, :]
        beacon = made.beacons(AIRCRAFT, row, tsf=[number], sequence=[number])
        parts.append(Frames(0, np.array([number * 10**9]), beacon))
    return pcapng([Interface(IEEE_802_11)], parts)


def test_the_real_capture_by_its_counts() -> None:
    reports, receiver = read(load("remote-id").read("anafi4-real.pcapng.gz"))
    counts = receiver.counts
    assert (counts.frames, counts.beacons, counts.transmissions) == (5091, 1140, 1140)
    assert counts.by_type == {"basic-id": 385, "location": 1140, "system": 385, "operator-id": 385}
    assert counts.messages == sum(counts.by_type.values())
    assert not counts.refused
    assert len(reports) == 1140


def test_the_spoofed_capture_by_its_counts() -> None:
    reports, receiver = read(load("remote-id").read("anafi4-spoofed.pcapng.gz"))
    assert receiver.counts.beacons == len(reports) == 26
    real, _ = read(load("remote-id").read("anafi4-real.pcapng.gz"))
    names = [{name.id for one in both for name in one.names} for both in (reports, real)]
    assert names[0] == names[1]
    assert len(names[0]) == 1


@pytest.mark.parametrize("seed", range(4))
def test_simulated_captures_are_read_as_another_reader_reads_them(seed: int) -> None:
    spoofs = tuple(Spoof(method, seed % 3) for method in METHODS)
    data = simulate(Scenario(seed=seed, seconds=60, spoofs=spoofs)).data
    reports, receiver = read(data)
    wanted = mini.heard(data, check=False)
    assert receiver.counts.frames == sum(1 for _ in mini.packets(data))
    assert len(reports) == len(wanted)
    carriers = {"legacy": "bluetooth", "extended": "bluetooth"}
    for one, other in zip(reports, wanted, strict=True):
        assert one.time == pytest.approx(other.time / 1e9, abs=1e-6)
        assert CARRIERS[one.carrier] == carriers.get(other.carrier, other.carrier)
        assert one.transmitter == int(other.sender.replace(":", ""), 16)
        assert one.counter == other.counter
        assert one.signal == (UNKNOWN_SIGNAL if other.signal is None else other.signal)
        if other.tsf is not None:
            assert (one.clock, one.sequence) == (other.tsf, other.sequence)
        _same_words(one, other.messages)


def _same_words(report: Report, messages: tuple[bytes, ...]) -> None:
    by_kind = {message[0] >> 4: message for message in messages}
    if (place := by_kind.get(1)) is None:
        assert report.located is None
    elif report.located is not None and not isnan(report.located.latitude):
        latitude, longitude = struct.unpack_from("<ii", place, 5)
        assert (report.located.latitude, report.located.longitude) == (latitude / 1e7, longitude / 1e7)
        if report.located.second == report.located.second:
            assert report.located.second == struct.unpack_from("<H", place, 21)[0] / 10
        assert report.located.status == place[1] >> 4
    names = [message for message in messages if message[0] >> 4 == 0]
    assert [(one.id_type, one.aircraft) for one in report.names] == [(m[1] >> 4, m[1] & 15) for m in names]
    if (system := by_kind.get(4)) is not None:
        assert report.operated is not None
        stated = struct.unpack_from("<I", system, 20)[0]
        assert report.operated.stated == (stated + 1_546_300_800 if stated else 0)
    if (operator := by_kind.get(5)) is not None:
        assert report.operator_id == operator[2:22].rstrip(b"\0").decode()


@pytest.mark.parametrize("step", [97, 4096])
def test_any_pieces_give_the_same_reports(step: int) -> None:
    data = simulate(Scenario(seed=3, seconds=20, traffic=2)).data
    (whole, one), (pieces, other) = read(data), read(data, step)
    assert list(map(repr, pieces)) == list(map(repr, whole))  # NaN is unlike itself
    assert one.counts == other.counts


PLACE = {"latitude": 46.2, "longitude": 9.1, "second": 1.0}


def patched(at: int, part: bytes, message: bytes | None = None) -> bytes:
    message = encode("location", PLACE) if message is None else message
    return pack([message[:at] + part + message[at + len(part) :]])


def quirks(report: Report) -> set[str]:
    return {name for number, name in enumerate(QUIRKS) if report.quirks >> number & 1}


@pytest.mark.parametrize(("at", "most"), [(5, 90), (9, 180)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_place_beyond_the_earth_is_no_place(at: int, most: int, sign: int) -> None:
    (report,), _ = read(sent(patched(at, struct.pack("<i", sign * (most * 10_000_000 + 1)))))
    assert quirks(report) == {"range"}
    assert report.located is not None
    assert isnan(report.located.latitude)
    assert isnan(report.located.longitude)


@pytest.mark.parametrize("at", [2, 6])
def test_an_operator_beyond_the_earth_is_nowhere(at: int) -> None:
    said = encode("system", {"operator_latitude": 46.2, "operator_longitude": 9.1})
    (report,), _ = read(sent(patched(at, struct.pack("<i", -(1 << 31)), said)))
    assert report.operated is not None
    assert isnan(report.operated.latitude)
    assert isnan(report.operated.longitude)


@pytest.mark.parametrize(
    ("at", "part", "found"),
    [
        (0, b"\x13", {"version"}), (0, b"\x1f", {"version"}), (0, b"\x72", {"code"}), (1, b"\x90", {"code"}),
        (21, b"\xa1\x8c", {"range"}), (24, b"\x01", {"reserved"}), (0, b"\x12", set()),
    ],
)  # fmt: skip
def test_what_the_format_does_not_allow_is_noted(at: int, part: bytes, found: set[str]) -> None:
    (report,), _ = read(sent(patched(at, part)))
    assert quirks(report) == found


def test_unknown_message_types_are_counted() -> None:
    reports, receiver = read(sent(*(patched(0, bytes((kind << 4 | 2,))) for kind in range(16))))
    assert receiver.counts.refused == {"message-type": 10}
    assert len(reports) == 16
    assert receiver.counts.messages == 6


def test_transmissions_without_a_message_are_counted_and_nobodys() -> None:
    whole = pack([encode("location", PLACE)])
    reports, receiver = read(sent(whole[:20], b"", b"\xf2\x18\x01" + bytes(25), b"\xf2\x19\x00" + bytes(25), whole))
    assert receiver.counts.refused == {"no-message": 4}
    assert receiver.counts.beacons == receiver.counts.transmissions == 5
    assert len(reports) == 1


def test_a_pack_cut_short_is_counted() -> None:
    whole = pack([encode("basic-id", {"id": "X"}), encode("location", PLACE)])
    (report,), receiver = read(sent(whole[:-1]))
    assert quirks(report) == {"pack-cut-short"}
    assert receiver.counts.refused == {"pack-cut-short": 1}
    assert report.located is None


def test_names_are_printable_whatever_their_bytes() -> None:
    raw = b"\x1b[31m\xff\x07\x0d\x0aX \x7f"
    (report,), _ = read(sent(pack([encode("basic-id", {"id": raw}), encode("operator-id", {"operator_id": raw})])))
    assert report.names[0].id == report.operator_id == "\\x1b[31m\\xff\\x07\\x0d\\x0aX \\x7f"


def test_a_capture_of_other_traffic_is_counted() -> None:
    data = simulate(Scenario(seed=1, seconds=60, honest=0, traffic=50)).data
    reports, receiver = read(data)
    assert reports == []
    assert receiver.counts.frames > 1000
    assert receiver.counts.beacons == receiver.counts.messages == 0
    assert not receiver.counts.refused


def test_what_cannot_be_read_is_told_and_what_came_before_stands() -> None:
    data = sent(patched(0, b"\x12"))
    receiver = Receiver("x")
    assert len(receiver.feed(data + struct.pack("<II", 6, 9) + bytes(40))) == 1
    with pytest.raises(InvalidInput, match="a block of 9 bytes"):
        receiver.end()
    assert receiver.counts.frames == 1
