"""What addresses say that are only guessed to be of a flight: looked at as a flight of its own, which is told when it is doubtful."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.memory import Memory
from kizuna.domains.air.reports import Located, Report
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.truth.form import check_quirks
from kizuna.domains.air.truth.place import check_operator
from kizuna.domains.air.truth.transmitter import Transmitter
from kizuna.formats.remote_id.radiotap import UNKNOWN_SIGNAL

MOST, LONGEST = 2_000, 64
"""So many are kept, those that were heard last; and points of the path of each."""
_ANY_ADDRESS = 0


class Aside(NamedTuple):
    """What was put aside: a flight that nobody was told of, and what is remembered of it."""

    flight: Flight
    memory: Memory


class Asides:
    """What is put aside, by numbers that addresses hold (`Transmitter.aside`, 0 for none): of one address at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Aside] = OrderedDict()
        self._last = 0

    def look(self, sender: Transmitter, report: Report, sensor: Sensor, key: str) -> Aside:
        """Take in a report of an address; `key` is what a flight of its own would go by."""
        aside = self._kept.get(sender.aside)
        if aside is None:
            if len(self._kept) >= MOST:
                self._kept.popitem(last=False)
            self._last += 1
            sender.aside = self._last
            aside = self._kept[sender.aside] = Aside(Flight(key, report.time), Memory())
        else:
            self._kept.move_to_end(sender.aside)
        own = aside.flight
        own.heard, own.last = own.heard + 1, max(own.last, report.time)
        own.sensors.add(sensor.name)
        if report.signal != UNKNOWN_SIGNAL:
            own.hear(report.signal)
        sender.check(report, own)
        if report.quirks:
            check_quirks(own, report.quirks, report.time)
        said = report.located
        if said is not None and said.latitude == said.latitude:
            _locate(aside, report, said, sensor)
        return aside

    def drop(self, sender: Transmitter) -> None:
        """What an address said is put aside no more."""
        del self._kept[sender.aside]

    def hand_on(self, sender: Transmitter, said: Located, time: float, heir: Transmitter) -> None:
        """An address is followed by another: so is what was put aside, if it can be of both. In two hands it would be in two places."""
        aside = self._kept.get(sender.aside)
        if aside is not None and aside.flight.reaches(said, time, heir.key[0]):
            heir.aside, sender.aside = sender.aside, 0


def _locate(aside: Aside, report: Report, said: Located, sensor: Sensor) -> None:
    own, memory = aside
    key = (said.latitude, said.longitude, said.second)
    if key == memory.key:
        return
    memory.key, own.located, own.status = key, said, said.status
    detection, path, before = own.detected(said, memory.moment(report.time, said.second), sensor.name)
    while len(path.points) > LONGEST:
        own.thinned += path.thin()
    same, memory.counter = report.counter == memory.counter, report.counter
    memory.path.check(own, detection, said, path, before, same_counter=same)
    if report.operated is not None:
        check_operator(own, report.operated, detection, path.plane)
    memory.hear(own, report, detection, sensor, _ANY_ADDRESS)
