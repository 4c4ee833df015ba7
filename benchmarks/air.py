"""Captures of radio read, and aircraft tracked and checked: beside what open receivers of Remote ID read their frames with.

- frames that carry no Remote ID: the shipped real capture without its beacons, over and over; beside dpkt, which only takes it apart.
- beacons decoded, tracked and checked: a simulated capture, each with a place of its own or the same ten times a second; beside scapy,
  which only takes the frames apart and finds the element.
- live: `kizuna air watch` on a capture that grows, 200 aircraft at 1 Hz, and a malformed message now and then that is told at once.
- truth: what is planted in simulated captures is found, and nothing else.

    python -m benchmarks air
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.data import Corpus
from benchmarks.peers import Unavailable, environment
from benchmarks.table import Row
from kizuna.domains.air.flight import ENOUGH, Flight
from kizuna.domains.air.picture import Picture
from kizuna.domains.air.reports import Receiver
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.simulator import METHODS, Capture, Scenario, Spoof, simulate
from kizuna.formats import pcap_writer as writer
from kizuna.formats.pack import load
from kizuna.formats.remote_id import encode, pack
from kizuna.formats.remote_id.frames import Transmitter, beacons, radiotap

RUNS = 3
FRAMES = 600_000
SEEDS = 100
AIRCRAFT = 200
SECONDS = 40
ODD = 100
PIECE = 1 << 20
SENSOR = Sensor(name="bench", latitude=46.2, longitude=9.1)
_DPKT = """
import io, sys, time, dpkt
data = open(sys.argv[1], "rb").read()
began = time.perf_counter()
count = sum(1 for _ in dpkt.pcapng.Reader(io.BytesIO(data)))
print(count / (time.perf_counter() - began))
"""
_SCAPY = """
import sys, time, warnings
warnings.simplefilter("ignore")
from scapy.all import Dot11EltVendorSpecific, PcapNgReader
began, count = time.perf_counter(), 0
for frame in PcapNgReader(sys.argv[1]):
    element = frame.getlayer(Dot11EltVendorSpecific)
    while element is not None:
        if element.oui == 0xFA0BBC:
            count += 1
            break
        element = element.payload.getlayer(Dot11EltVendorSpecific)
print(count / (time.perf_counter() - began))
"""


def rows(_corpora: Sequence[Corpus]) -> Iterator[Row]:
    """The lines of the table."""
    with tempfile.TemporaryDirectory(prefix="kizuna-bench-") as name:
        folder = Path(name)
        yield from _skipped(folder)
        yield from _beacons(folder)
        yield from _live(folder)
    yield from _truth()


def _skipped(folder: Path) -> Iterator[Row]:
    data = _without(load("remote-id").read("anafi4-real.pcapng.gz"))
    whole = data * (FRAMES // _count(data) + 1)
    ours = max(_frames_a_second(whole) for _ in range(RUNS))
    theirs, note = _peer("dpkt", _DPKT, folder, data)
    what = "of the shipped real capture; the peer takes the frames apart, no more"
    yield Row(
        "read frames without Remote ID",
        f"{_count(whole):,} frames",
        ours,
        "frames/s",
        500_000,
        "dpkt 1.9.8",
        theirs,
        note or what,
    )


def _without(capture: bytes) -> bytes:
    """A capture without the blocks of frames that carry Remote ID."""
    kept, at = [], 0
    while at < len(capture):
        size = int.from_bytes(capture[at + 4 : at + 8], "little")
        if b"\xfa\x0b\xbc\x0d" not in (block := capture[at : at + size]):
            kept.append(block)
        at += size
    return b"".join(kept)


def _count(capture: bytes) -> int:
    receiver = Receiver()
    receiver.feed(capture)
    return receiver.counts.frames


def _frames_a_second(capture: bytes) -> float:
    receiver = Receiver()
    began = time.process_time()
    for start in range(0, len(capture), PIECE):
        receiver.feed(capture[start : start + PIECE])
    return receiver.counts.frames / (time.process_time() - began)


def _beacons(folder: Path) -> Iterator[Row]:
    for what, capture in (
        ("ten a second of each aircraft, a place each second", _simulated()),
        ("a new place in every beacon", _restless()),
    ):
        ours, count = max(_played(capture) for _ in range(RUNS))
        theirs, note = _peer("scapy", _SCAPY, folder, capture[: _blocks(capture, 8 << 20)])
        told = note or f"{what}; the peer takes frames apart and finds the element, no more"
        yield Row(
            "decode, track and check beacons",
            f"{count:,} beacons",
            ours,
            "beacons/s",
            30_000,
            "scapy 2.8.0",
            theirs,
            told,
        )


def _blocks(capture: bytes, most: int) -> int:
    at = 0
    while at < len(capture) and at < most:
        at += int.from_bytes(capture[at + 4 : at + 8], "little")
    return at


def _simulated() -> bytes:
    return simulate(Scenario(seed=1, seconds=600, honest=20, traffic=0)).data


def _restless() -> bytes:
    """Twenty aircraft, a beacon each 100 ms, none like the one before."""
    sender = [_aircraft(number) for number in range(20)]
    times = np.arange(1_500) * 100_000_000
    frames = [_sent(one, times + number * 1_000_000, number) for number, one in enumerate(sender)]
    return writer.pcapng([writer.Interface(writer.RADIOTAP, "wlan0")], frames)


def _played(capture: bytes) -> tuple[float, int]:
    began = time.process_time()
    _, count = _flights(capture)
    return count / (time.process_time() - began), count


def _flights(capture: bytes) -> tuple[list[Flight], int]:
    flights: list[Flight] = []
    picture, receiver = Picture(ended=flights.append), Receiver()
    for start in range(0, len(capture), PIECE):
        for report in receiver.feed(capture[start : start + PIECE]):
            picture.take(report, SENSOR)
    picture.end()
    return flights, receiver.counts.transmissions


def _peer(name: str, program: str, folder: Path, capture: bytes) -> tuple[float | None, str]:
    file = folder / f"{name}.pcapng"
    file.write_bytes(capture)
    try:
        python = environment(name) / "python"
        done = subprocess.run([python, "-c", program, file], check=True, capture_output=True, text=True, timeout=900)
    except Unavailable as error:
        return None, str(error)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        return None, f"not run: {type(error).__name__}"
    return float(done.stdout), ""


# Live


class _Aircraft(NamedTuple):
    serial: str
    transmitter: Transmitter


def _aircraft(number: int) -> _Aircraft:
    return _Aircraft(
        f"1596F{number:015d}", Transmitter(address=bytes((2, 0, 0, 0, number >> 8, number & 255)), ssid=f"UA{number}")
    )


def _sent(one: _Aircraft, times: np.ndarray, number: int, *, odd: bool = False) -> writer.Frames:
    """Beacons of one aircraft on a straight line, at these times (ns)."""
    packs = []
    for time_ns in times.tolist():
        north = 46.2 + number * 1e-3 + (time_ns % 600_000_000_000) / 1e9 * 9e-5
        location = {
            "status": 2,
            "latitude": 95.0 if odd else north,
            "longitude": 9.1,
            "speed": 10.0,
            "direction": 0.0,
            "height": 50.0,
        }
        location["second"] = time_ns / 1e9 % 3600
        packs.append(
            pack([encode("basic-id", {"id_type": 1, "aircraft": 2, "id": one.serial}), encode("location", location)])
        )
    block = np.frombuffer(b"".join(packs), np.uint8).reshape(len(packs), -1)
    order = np.arange(len(times))
    built = beacons(
        one.transmitter, block, tsf=(times // 1000).astype(np.int64), sequence=order % 4096, counter=order % 256
    )
    headed = radiotap(built, arrived=(times // 1000).astype(np.int64), signal=np.full(len(times), -60), channel=6)
    return writer.Frames(0, times, headed)


def _live(folder: Path) -> Iterator[Row]:
    file = folder / "live.pcapng"
    file.write_bytes(writer.pcapng([writer.Interface(writer.RADIOTAP, "wlan0")], []))
    command = [sys.executable, "-m", "kizuna", "air", "watch", str(file), "--json", "--for", str(SECONDS + 5)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    told: dict[str, float] = {}
    reader = threading.Thread(target=_listen, args=(child, told))
    reader.start()
    time.sleep(2)
    written = _write(file)
    child.wait(timeout=60)
    reader.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    late = sorted(told[serial] - at for serial, at in written.items() if serial in told)
    share = 100 * used / (SECONDS + 5)
    yield Row(
        "watch 200 aircraft at 1 Hz, whole process", f"{SECONDS} s", share, "% of a core", 15, note="start-up is in it"
    )
    p99 = 1000 * late[int(len(late) * 0.99)] if late else float("inf")
    note = f"from the frame in the file to the line that tells; median {1000 * statistics.median(late or [0]):.0f} ms"
    yield Row("alert, p99", f"{len(late)} of {len(written)} malformed messages", p99, "ms", 200, note=note)


def _listen(child: subprocess.Popen[str], told: dict[str, float]) -> None:
    for line in child.stdout or ():
        event = json.loads(line)
        if event.get("event") == "doubt":
            told.setdefault(event["aircraft"], time.time())


def _write(file: Path) -> dict[str, float]:
    """Append the frames of 200 aircraft as their time comes, and an odd one now and then; when each of these was written."""
    fleet = [_aircraft(number) for number in range(AIRCRAFT)]
    odd = [_aircraft(10_000 + number) for number in range(ODD)]
    empty = len(writer.pcapng([writer.Interface(writer.RADIOTAP, "wlan0")], []))
    written: dict[str, float] = {}
    with file.open("ab", buffering=0) as handle:
        began = time.time()
        for step in range(SECONDS * AIRCRAFT):
            ahead = began + step / AIRCRAFT - time.time()
            if ahead > 0:
                time.sleep(ahead)
            number = step % AIRCRAFT
            now = np.array([time.time_ns()], np.int64)
            block = writer.pcapng([writer.Interface(writer.RADIOTAP, "wlan0")], [_sent(fleet[number], now, number)])[
                empty:
            ]
            handle.write(block)
            if step % (SECONDS * AIRCRAFT // ODD) == 7:
                one = odd[step // (SECONDS * AIRCRAFT // ODD)]
                now = np.array([time.time_ns()], np.int64)
                block = writer.pcapng([writer.Interface(writer.RADIOTAP, "wlan0")], [_sent(one, now, 1, odd=True)])[
                    empty:
                ]
                handle.write(block)
                written[one.serial] = time.time()
    return written


# Truth


class Score(NamedTuple):
    """What was planted and found, the hours that honest aircraft flew and how many were taken for spoofed, and where they were."""

    planted: int
    found: int
    hours: float
    false: int
    errors: list[float]
    continuity: list[float]


def score(capture: Capture) -> Score:
    """How a capture was judged, against what is true of it."""
    flights, _ = _flights(capture.data)
    doubt: dict[str, Flight] = {}
    for flight in flights:
        for name in {*flight.names.values(), flight.key}:
            if name not in doubt or flight.doubt > doubt[name].doubt:
                doubt[name] = flight
    planted = found = false = 0
    hours, errors, continuity = 0.0, [], []
    for actor in capture.truth.actors:
        judged = doubt.get(actor.id)
        if actor.method is not None:
            planted += 1
            odd = judged is not None and actor.method == "invalid" and bool(judged.findings)
            found += odd or (judged is not None and judged.doubt >= ENOUGH)
        elif actor.id in capture.truth.honest:
            hours += (actor.path.times[-1] - actor.path.times[0]) / 3.6e9
            if judged is not None:
                false += judged.spoofed
                errors += _errors(judged, actor.path)
                points = [len(path.points) for path in judged.paths]
                continuity.append(max(points) / sum(points) if points else 0.0)
    return Score(planted, found, hours, false, errors, continuity)


def _errors(flight: Flight, path: object) -> list[float]:
    """Metres between where an aircraft was and where its main track has it, at the track's times."""
    from kizuna.domains.air.plane import distance
    from kizuna.domains.air.simulator import Path as Truth

    assert isinstance(path, Truth)
    if not flight.paths:
        return []
    points = max(flight.paths, key=lambda one: len(one.points)).points
    at = np.array([point.time for point in points], np.int64)
    latitude, longitude = (np.interp(at, path.times, column) for column in (path.latitude, path.longitude))
    return [
        distance(point.latitude, point.longitude, lat, lon)
        for point, lat, lon in zip(points, latitude.tolist(), longitude.tolist(), strict=True)
    ]


def _truth() -> Iterator[Row]:
    scores = []
    for seed in range(SEEDS):
        spoofs = tuple(Spoof(method, (seed + number) % 4) for number, method in enumerate(METHODS))
        scores.append(score(simulate(Scenario(seed=10_000 + seed, spoofs=spoofs))))
    planted, found = sum(one.planted for one in scores), sum(one.found for one in scores)
    hours, false = sum(one.hours for one in scores), sum(one.false for one in scores)
    errors = sorted(error for one in scores for error in one.errors)
    share = statistics.mean(one for each in scores for one in each.continuity)
    what = f"{SEEDS} simulated captures of ten minutes"
    note = f"{found} of {planted} found; of malformed ones it is enough that a reason is told"
    yield Row("planted spoofs that are missed", what, 100 * (planted - found) / planted, "%", 1, note=note)
    yield Row(
        "false findings in 100 flight hours",
        f"{hours:.0f} hours of honest flight",
        100 * false / hours,
        "",
        1,
        note=f"{false} in all",
    )
    middle, most = errors[len(errors) // 2], errors[int(len(errors) * 0.95)]
    note = (
        f"95 %: {most:.1f} m, of aircraft whose own error is 3 to 10 m; {100 * share:.1f} % of a flight is on one track"
    )
    yield Row("position error of tracks, median", what, middle, "m", note=note)
