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
from kizuna.domains.air.tracks import tracks
from kizuna.errors import KizunaError

Trouble = Callable[[KizunaError], None]


class Summary(NamedTuple):
    """What a replay came to. `refused` is what was left out, by reason."""

    frames: int
    beacons: int
    messages: dict[str, int]
    flights: list[Flight]
    refused: Counter[str]

    @property
    def aircraft(self) -> int:
        """How many different names flew, or transmitters that never named themselves."""
        return len({flight.key for flight in self.flights})

    @property
    def tracks(self) -> int:
        """How many paths, claimed ones among them."""
        return sum(len(tracks(flight)) for flight in self.flights)


def replay(names: Iterable[str], sensor: Sensor, picture: Picture, flights: list[Flight], trouble: Trouble) -> Summary:
    """Read captures into a picture that puts each flight that ends into `flights`. What ends one capture goes to `trouble`."""
    receivers = [Receiver(name) for name in names]
    for report in heapq.merge(*(_reports(one, trouble) for one in receivers), key=lambda report: report.time):
        picture.take(report, sensor)
    picture.end()
    return summed(receivers, flights)


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


def summed(receivers: Iterable[Receiver], flights: list[Flight]) -> Summary:
    """What receivers read, and the flights that came of it."""
    counts = [one.counts for one in receivers]
    messages: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for one in counts:
        messages += one.by_type
        refused += one.refused
    frames, beacons = sum(one.frames for one in counts), sum(one.beacons for one in counts)
    return Summary(frames, beacons, dict(messages), flights, refused)


def _reports(receiver: Receiver, trouble: Trouble) -> Iterator[Report]:
    try:
        for data in read(receiver.name):
            yield from receiver.feed(data)
        receiver.end()
    except KizunaError as error:
        trouble(error)
    except OSError as error:
        trouble(KizunaError(error.strerror or str(error), file=receiver.name))
