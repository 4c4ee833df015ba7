"""What is remembered of a flight beside what is told of it: its path as it is checked, where it was heard, and what its clock says."""

from __future__ import annotations

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.reports import Report
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.tracking import Detection
from kizuna.domains.air.truth.clocks import HOUR
from kizuna.domains.air.truth.path import Path
from kizuna.domains.air.truth.place import Hearing
from kizuna.formats.remote_id.radiotap import UNKNOWN_SIGNAL

_LATE = 2.0
_MOST_HEARINGS = 64


class Memory:
    """Of one flight. `key` is the last place that was taken in, with its second; `delay` how late what it states is received."""

    __slots__ = ("counter", "delay", "hearing", "key", "path")

    def __init__(self) -> None:
        self.path = Path()
        self.key: tuple[float, float, float] | None = None
        self.counter = -1
        self.delay: float | None = None
        self.hearing: dict[tuple[str, int], Hearing] = {}

    def moment(self, time: float, second: float) -> float:
        """When it was there: as it states, by the receiver's clock. The first of equal reports may be lost, and come a second late."""
        delay = (time - second) % HOUR
        if delay != delay:
            return time
        if self.delay is None or not -_LATE < (late := (delay - self.delay + HOUR / 2) % HOUR - HOUR / 2) < _LATE:
            self.delay = delay
            return time
        if late < 0:
            self.delay = delay
            return time
        return time - late

    def hear(self, flight: Flight, report: Report, detection: Detection, sensor: Sensor, number: int) -> None:
        """Compare how loud it is with where it says to be; `number` is the address that was heard, or one for several."""
        key, signal = (sensor.name, number), report.signal
        hearing = self.hearing.get(key)
        if hearing is None:
            if len(self.hearing) >= _MOST_HEARINGS:
                self.hearing.clear()
            hearing = self.hearing[key] = Hearing(sensor)
        if signal != UNKNOWN_SIGNAL:
            hearing.steady(flight, detection, signal)
        if hearing.plane is not None:
            hearing.check(flight, detection, signal)

    def join(self, part: Memory) -> None:
        """Take in where a part of the flight was heard, if there is room."""
        if len(self.hearing) + len(part.hearing) <= _MOST_HEARINGS:
            self.hearing = part.hearing | self.hearing
