"""A whole replay: captures of one sensor, read in the order of time, into one picture."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.picture import Picture
from kizuna.domains.air.reports import Receiver, Report
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.sources import PIECE, read
from kizuna.domains.air.tracks import findings, paths
from kizuna.errors import KizunaError
from kizuna.formats.track import Finding

Trouble = Callable[[KizunaError], None]


MOST_NAMES = 1_000_000
"""Names that are told apart; each flight beyond is counted as another aircraft."""
MOST_SPOOFED = 10_000
"""Spoofed aircraft whose reasons are kept; the first ones go."""


class Tally:
    """Flights that have ended, counted one by one: whoever watches for weeks keeps none of them."""

    def __init__(self, flights: Iterable[Flight] = ()) -> None:
        self._names: set[str] = set()
        self._unnamed = 0
        self.tracks = 0
        self.let_go: Counter[str] = Counter()
        """What is kept no more, so that memory is bounded: points of paths, and spoofed aircraft whose reasons are not told."""
        self.spoofed: dict[str, tuple[Finding, ...]] = {}
        for flight in flights:
            self.ended(flight)

    def ended(self, flight: Flight) -> None:
        """Count a flight."""
        name = flight.goes_on or flight.key
        if len(self._names) < MOST_NAMES:
            self._names.add(name)
        elif name not in self._names:
            self._unnamed += 1
        self.tracks += len(paths(flight))
        if flight.thinned:
            self.let_go["points"] += flight.thinned
        if flight.spoofed:
            self.spoofed.pop(flight.key, None)
            self.spoofed[flight.key] = findings(flight)
            if len(self.spoofed) > MOST_SPOOFED:
                del self.spoofed[next(iter(self.spoofed))]
                self.let_go["spoofed"] += 1

    @property
    def aircraft(self) -> int:
        """How many different names flew, or transmitters that never named themselves."""
        return len(self._names) + self._unnamed


class Summary(NamedTuple):
    """What a replay came to: `spoofed` has the reasons by name, `refused` is what was left out, by reason."""

    frames: int
    beacons: int
    messages: dict[str, int]
    aircraft: int
    tracks: int
    """How many paths, claimed ones among them."""
    spoofed: dict[str, tuple[Finding, ...]]
    refused: Counter[str]
    let_go: Counter[str]


def replay(names: Iterable[str], sensor: Sensor, picture: Picture, tally: Tally, trouble: Trouble) -> Summary:
    """Read captures into a picture that has each flight that ends counted by `tally`. What ends one capture goes to `trouble`."""
    receivers = [Receiver(name) for name in names]
    for report in heapq.merge(*(_reports(one, trouble) for one in receivers), key=lambda report: report.time):
        picture.take(report, sensor)
    picture.end()
    return summed(receivers, tally)


def replayed(captures: Iterable[bytes], sensor: Sensor) -> list[Flight]:
    """The flights in captures that are held as a whole, plain. Raises InvalidInput."""
    flights: list[Flight] = []
    picture = Picture(ended=flights.append)
    receivers = [(Receiver(), capture) for capture in captures]
    reports = (_whole(receiver, capture) for receiver, capture in receivers)
    for report in heapq.merge(*reports, key=lambda report: report.time):
        picture.take(report, sensor)
    picture.end()
    return flights


def _whole(receiver: Receiver, capture: bytes) -> Iterator[Report]:
    for start in range(0, len(capture), PIECE):
        yield from receiver.feed(capture[start : start + PIECE])
    receiver.end()


def summed(receivers: Iterable[Receiver], tally: Tally) -> Summary:
    """What receivers read, and what came of it."""
    counts = [one.counts for one in receivers]
    messages: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for one in counts:
        messages += one.by_type
        refused += one.refused
    frames, beacons = sum(one.frames for one in counts), sum(one.beacons for one in counts)
    told = (tally.aircraft, tally.tracks, tally.spoofed)
    return Summary(frames, beacons, dict(messages), *told, refused, tally.let_go)


def _reports(receiver: Receiver, trouble: Trouble) -> Iterator[Report]:
    try:
        for data in read(receiver.name):
            yield from receiver.feed(data)
        receiver.end()
    except KizunaError as error:
        trouble(error)
    except OSError as error:
        trouble(KizunaError(error.strerror or str(error), file=receiver.name))
