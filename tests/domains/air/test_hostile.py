"""Whatever is sent or written into a capture: it is counted and bounded, and nothing but Kizuna's own errors comes of it."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.picture import Picture
from kizuna.domains.air.replay import replayed
from kizuna.domains.air.reports import Receiver
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.simulator import METHODS, Scenario, Spoof, simulate
from kizuna.domains.air.tracks import tracks
from kizuna.errors import KizunaError
from kizuna.formats.pack import load
from kizuna.formats.pcap_writer import BLUETOOTH_LE, IEEE_802_11, RADIOTAP, Frames, Interface, pcapng
from kizuna.formats.remote_id import frames as made
from kizuna.formats.remote_id.blocks import encode_many, pack_many

PLACED = Sensor(name="roof", latitude=47.2, longitude=8.7)
NAMES = ("anafi4-real.pcapng.gz", "anafi4-spoofed.pcapng.gz")


def run(data: bytes, step: int = 1 << 16) -> tuple[list[Flight], Receiver, KizunaError | None]:
    """All the way: frames, reports, flights, tracks."""
    flights: list[Flight] = []
    picture, receiver = Picture(ended=flights.append), Receiver("x")
    error = None
    try:
        for at in range(0, len(data), step):
            for report in receiver.feed(data[at : at + step]):
                picture.take(report, PLACED)
        receiver.end()
    except KizunaError as raised:
        error = raised
    picture.end()
    for flight in flights:
        for track in tracks(flight):
            assert [point.time for point in track.points] == sorted(point.time for point in track.points)
            assert all(-90 <= p.latitude <= 90 and -180 <= p.longitude <= 180 for p in track.points)
    counts = receiver.counts
    assert counts.beacons <= counts.transmissions
    assert counts.beacons <= counts.frames
    assert counts.messages <= 9 * counts.transmissions
    assert all(count > 0 for count in counts.refused.values())
    return flights, receiver, error


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(6))
def test_the_real_captures_with_bytes_changed(name: str, seed: int) -> None:
    """One byte in a thousand is another: lengths, types, times, places, names. Blocks stay findable in most."""
    draw = random.Random(seed)
    data = bytearray(load("remote-id").read(name))
    for _ in range(len(data) // (1000 * 4**seed)):
        data[draw.randrange(len(data))] = draw.randrange(256)
    run(bytes(data))


@pytest.mark.parametrize("name", NAMES)
def test_the_real_captures_with_changes_within_frames(name: str) -> None:
    """Only frames change, so all of them are read."""
    draw = random.Random(7)
    whole = load("remote-id").read(name)
    _, before, _ = run(whole)
    for _ in range(4):
        data = bytearray(whole)
        at = data.find(b"\xfa\x0b\xbc\x0d")
        while at >= 0:
            for _ in range(draw.randrange(4)):
                data[at + draw.randrange(4, 100)] = draw.randrange(256)
            at = data.find(b"\xfa\x0b\xbc\x0d", at + 1)
        _, after, error = run(bytes(data))
        if error is None:
            assert after.counts.frames <= before.counts.frames


@pytest.mark.parametrize("cut", [1, 40, 333, 5_000, 33_333])
def test_a_real_capture_cut_short(cut: int) -> None:
    data = load("remote-id").read(NAMES[1])
    flights, receiver, error = run(data[:-cut])
    assert error is None
    assert receiver.counts.refused.get("broken-off", 0) <= 1
    assert receiver.counts.beacons <= 26
    assert len(flights) <= 1


@settings(max_examples=30)
@given(st.data())
def test_simulated_captures_with_bytes_changed(data: st.DataObject) -> None:
    whole = bytearray(SIMULATED)
    for _ in range(data.draw(st.integers(1, 60))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    run(bytes(whole), data.draw(st.sampled_from([501, 1 << 16])))


SIMULATED = simulate(Scenario(seed=2, seconds=20, traffic=2, spoofs=tuple(Spoof(method, 1) for method in METHODS))).data


def messages(draw: np.random.Generator, n: int) -> Iterator[np.ndarray[tuple[int, int], np.dtype[np.uint8]]]:
    """Messages of random bytes and of known types."""
    for kind in draw.integers(0, 6, 4):
        block = draw.integers(0, 256, (n, 25)).astype(np.uint8)
        block[:, 0] = kind << 4 | draw.integers(0, 16)
        yield block


@pytest.mark.parametrize("seed", range(4))
def test_messages_of_any_bytes_over_every_carrier(seed: int) -> None:
    draw, n = np.random.default_rng(seed), 400
    packs = pack_many(list(messages(draw, n)))
    times = np.sort(draw.integers(0, 1 << 62, n))
    sender = made.Transmitter(address=b"\x02\0\0\0\0\x01", ssid="x")
    beacons = made.beacons(sender, packs, tsf=draw.integers(0, 1 << 63, n), sequence=draw.integers(0, 4096, n))
    actions = made.nan_actions(
        sender.address, packs, sequence=draw.integers(0, 4096, n), counter=draw.integers(0, 256, n)
    )
    extended = made.extended_advertisements(draw.integers(0, 256, (n, 6)).astype(np.uint8), packs, counter=0)
    legacy = made.legacy_advertisements(b"\x02\0\0\0\0\x02", packs[:, 3:28], counter=0)
    frames = [
        Frames(0, times, made.radiotap(beacons, arrived=0, signal=draw.integers(-128, 128, n))),
        Frames(1, times, actions), Frames(2, times, extended), Frames(2, times, legacy),
    ]  # fmt: skip
    _, receiver, error = run(pcapng([Interface(RADIOTAP), Interface(IEEE_802_11), Interface(BLUETOOTH_LE)], frames))
    assert error is None
    assert receiver.counts.frames == receiver.counts.transmissions == 4 * n
    assert receiver.counts.beacons == n


def storm(n: int, *, names: bool = True, addresses: bool = True, seconds: float = 1.0) -> bytes:
    """So many beacons, each of a name and an address of its own, or of one."""
    numbers = np.arange(n)
    place: dict[str, Any] = {"latitude": 47.2 + numbers * 1e-6, "longitude": 8.7, "second": numbers % 36_000 / 10}
    pack = pack_many(
        [encode_many("basic-id", {"id_type": 1, "id": "1581A0000000000"}, n), encode_many("location", place, n)]
    )
    if names:
        pack[:, 3 + 7 : 3 + 17] = np.frombuffer(
            "".join(f"{number:010d}" for number in range(n)).encode(), np.uint8
        ).reshape(n, 10)
    sender = made.Transmitter(address=b"\x02" * 6, ssid="x", manner="bare")
    rows = made.beacons(sender, pack, tsf=5_000_000 + numbers, sequence=numbers, counter=numbers % 256)
    if addresses:
        rows[:, 12:16] = numbers.astype(">u4")[:, None].view(np.uint8).reshape(n, 4)
    times = 1_795_392_000_000_000_000 + (numbers * (seconds * 1e9 / n)).astype(np.int64)
    return pcapng([Interface(IEEE_802_11)], [Frames(0, times, rows)])


@pytest.mark.parametrize(
    ("n", "names", "addresses"),
    [(100_000, False, False), (30_000, True, True), (20_000, False, True), (20_000, True, False)],
)
def test_a_hundred_thousand_frames_in_a_second(n: int, names: bool, addresses: bool) -> None:
    flights, receiver, error = run(storm(n, names=names, addresses=addresses, seconds=n / 100_000), 1 << 20)
    assert error is None
    assert receiver.counts.beacons == n
    assert len(flights) == (n if names else 1)


def test_memory_does_not_grow_with_what_was_heard() -> None:
    """A picture that hands on who ended holds no more after four times as many."""

    small, large = held(1_500), held(6_000)
    assert large < 1.3 * small


def held(n: int) -> int:
    """Bytes in use after so many aircraft, one a second, each with an address and a clock of its own."""
    data = storm(n, seconds=n)
    tracemalloc.start()
    picture, receiver = Picture(), Receiver("x")
    for at in range(0, len(data), 1 << 16):
        for report in receiver.feed(data[at : at + (1 << 16)]):
            picture.take(report, PLACED)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(picture.flights) <= 700
    return size


def test_many_small_reads_do_not_read_again_what_is_waited_for() -> None:
    from kizuna.formats.pcap import Reader

    reader = Reader("x")
    whole = storm(50)
    for at in range(len(whole)):
        reader.feed(whole[at : at + 1])
    assert reader.frames == 50


@pytest.mark.parametrize("hours", [-9.0, 3.5, 1.0])
def test_a_receiver_whose_clock_is_hours_off_blames_nobody(hours: float) -> None:
    capture = simulate(Scenario(seed=11, seconds=120, clock=hours * 3600))
    flights = replayed([capture.data], Sensor(name="roof", latitude=46.2, longitude=9.1))
    assert flights
    assert not [flight.key for flight in flights if flight.spoofed]


def test_the_shipped_captures_say_what_they_are() -> None:
    real, spoofed = (load("remote-id").read(name) for name in NAMES)
    here = Sensor(name="-")
    (honest,) = replayed([real], here)
    assert honest.findings == {}
    (forged,) = replayed([spoofed], here)
    assert forged.spoofed
    assert forged.key == honest.key
    (together,) = [flight for flight in replayed([real, spoofed], here) if flight.spoofed]
    assert together.key == honest.key


def test_the_forged_one_is_told_within_ten_seconds() -> None:
    receiver, picture = Receiver("x"), Picture()
    begin = told = None
    for report in receiver.feed(load("remote-id").read(NAMES[1])):
        begin = report.time if begin is None else begin
        flight = picture.take(report, Sensor(name="-"))
        if told is None and flight is not None and flight.spoofed:
            told = report.time
            assert flight.findings
    assert begin is not None
    assert told is not None
    assert told - begin <= 10
