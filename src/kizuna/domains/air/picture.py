"""The picture of the air: reports of any number of sensors in, flights with their paths and the reasons to doubt them.

Bounded whatever comes: flights and transmitters that were silent longest go first, and are told as ended. So do points: the paths of
who was silent longest keep every second one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from kizuna.domains.air.flight import PATH_IS, Flight
from kizuna.domains.air.reports import SERIAL, Located, Report
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.tracking import Detection, Track
from kizuna.domains.air.truth.clocks import HOUR, Consensus, SharedClocks
from kizuna.domains.air.truth.form import check_quirks, check_serial
from kizuna.domains.air.truth.path import Path
from kizuna.domains.air.truth.place import Hearing, check_operator
from kizuna.domains.air.truth.transmitter import Transmitter, check_senders
from kizuna.formats.remote_id.radiotap import UNKNOWN_SIGNAL

SILENT = 600.0
"""Seconds after which a flight has ended."""
MOST_FLIGHTS = 20_000
MOST_TRANSMITTERS = 50_000
MOST_POINTS = 1_000_000
"""Points of all paths together, some 300 MB; a path takes as much as a few points."""
_NAMED_FOR = 30.0  # seconds that a transmitter is known by the name it gave
_LATE = 2.0
_COMPARED = 5.0
_SWEEP = 10.0
_SHARE = 16
_UNKNOWN_ADDRESS = 0
_MOST_HEARINGS = 64


class Position(NamedTuple):
    """A flight at a new position: for who watches zones, or draws."""

    flight: Flight
    path: Track
    detection: Detection
    located: Located


class _State:
    """What is remembered of a flight beside what is told of it."""

    __slots__ = ("counter", "delay", "hearing", "key", "path")

    def __init__(self) -> None:
        self.path = Path()
        self.key: tuple[float, float, float] | None = None
        self.counter = -1
        self.delay: float | None = None
        self.hearing: dict[tuple[str, int], Hearing] = {}


class _Times:
    """What clocks say at one sensor."""

    def __init__(self) -> None:
        self.hour, self.whole = Consensus(), Consensus(whole=True)
        self.shared = SharedClocks()


class Picture:
    """All flights that are heard. `ended` is called with each that ends, `moved` with each new position."""

    def __init__(
        self, *, ended: Callable[[Flight], None] = lambda _: None, moved: Callable[[Position], None] = lambda _: None
    ) -> None:
        self.flights: OrderedDict[str, Flight] = OrderedDict()
        """By name; who was heard last stands last."""
        self._states: dict[str, _State] = {}
        self._transmitters: dict[tuple[str, int, int], Transmitter] = {}
        self._times: dict[str, _Times] = {}
        self._ended = ended
        self._moved = moved
        self._swept = 0.0
        self._since = 0  # reports since then
        self._size = 0  # points at most; those that a path itself lets go are not taken off

    def take(self, report: Report, sensor: Sensor) -> Flight | None:
        """Take in a report; the flight it is of, or None where nothing says of which."""
        time = report.time
        self._since += 1
        # A clock may go back and forth; looking at all flights is to cost each report no more than a few steps.
        if abs(time - self._swept) > _SWEEP and _SHARE * self._since >= len(self._transmitters):
            self._sweep(time)
        sender = self._sender(report, sensor)
        flight = self._flight(report, sender)
        if flight is None:
            return None
        flight.heard += 1
        if time > flight.last:
            flight.last = time
        name = sensor.name
        if name not in flight.sensors:
            flight.sensors.add(name)
        if report.signal != UNKNOWN_SIGNAL:
            flight.hear(report.signal)
        if report.transmitter != _UNKNOWN_ADDRESS:
            sender.check(report, flight)
            check_senders(flight, report.carrier, report.transmitter, time)
            if report.clock > 0 and time - sender.compared > _COMPARED:
                sender.compared = time
                self._times_at(sensor.name).shared.check(flight, time - report.clock / 1e6, time)
        if report.names:
            flight.name(report.names)
            if (serial := flight.serial) is not None and flight.heard < 4:
                check_serial(flight, serial, time)
        if report.quirks:
            check_quirks(flight, report.quirks, time)
        if report.operator_id:
            flight.operator_id = report.operator_id
        if report.operated is not None and report.operated.latitude == report.operated.latitude:
            flight.operated = report.operated
        if report.located is not None:
            self._located(flight, report, report.located, sensor)
        return flight

    def pass_to(self, time: float) -> None:
        """Nothing was heard until now (seconds since 1970): who was silent too long has ended."""
        if abs(time - self._swept) > _SWEEP:
            self._sweep(time)

    def end(self) -> None:
        """There is no more: every flight ends."""
        for flight in list(self.flights.values()):
            self._close(flight)

    # Of which flight a report is

    def _sender(self, report: Report, sensor: Sensor) -> Transmitter:
        key = (sensor.name, report.carrier, report.transmitter)
        sender = self._transmitters.get(key)
        if sender is None:
            if len(self._transmitters) >= MOST_TRANSMITTERS:
                self._forget_transmitters()
            sender = self._transmitters[key] = Transmitter(report.time)
        return sender

    def _flight(self, report: Report, sender: Transmitter) -> Flight | None:
        known = sender.flight
        if not report.names:
            if report.transmitter == _UNKNOWN_ADDRESS:
                return None
            if known is not None and self._is_heard(known) and abs(report.time - sender.last) < _NAMED_FOR:
                self.flights.move_to_end(known.key)
                return known
            flight = self._of(address(report.transmitter), report.time)
        else:
            named = next((one for one in report.names if one.id_type == SERIAL and one.id), report.names[0])
            key = named.id or address(report.transmitter)
            unnamed = known if known is not None and not known.names and self._is_heard(known) else None
            if unnamed is not None and key not in self.flights and key != unnamed.key:
                self._rename(unnamed, key)
            flight = self._of(key, report.time)
        sender.flight = flight
        return flight

    def _is_heard(self, flight: Flight) -> bool:
        return self.flights.get(flight.key) is flight

    def _of(self, key: str, time: float) -> Flight:
        flight = self.flights.get(key)
        if flight is not None and abs(time - flight.last) > SILENT:
            self._close(flight)
            flight = None
        if flight is None:
            if len(self.flights) >= MOST_FLIGHTS:
                self._close(next(iter(self.flights.values())))
            flight = self.flights[key] = Flight(key, time)
            self._states[key] = _State()
        self.flights.move_to_end(key)
        return flight

    def _rename(self, flight: Flight, key: str) -> None:
        del self.flights[flight.key]
        self._states[key] = self._states.pop(flight.key)
        flight.key = key
        self.flights[key] = flight

    # What it says of where it is

    def _located(self, flight: Flight, report: Report, located: Located, sensor: Sensor) -> None:
        state = self._states[flight.key]
        flight.status = located.status
        if located.latitude != located.latitude:  # it does not know
            return
        key = (located.latitude, located.longitude, located.second)
        if key == state.key:  # the same position is sent until there is a new one
            return
        state.key = key
        flight.located = located
        time = self._moment(state, report.time, located.second)
        detection, path, before = flight.detected(located, time, sensor.name)
        self._size += 1 if path.first != time else 1 + PATH_IS
        if self._size > MOST_POINTS:
            self._thin()
        same = report.counter == state.counter
        state.counter = report.counter
        state.path.check(flight, detection, located, path, before, same_counter=same)
        if flight.operated is not None:
            check_operator(flight, flight.operated, detection, path.plane)
        times = self._times_at(sensor.name)
        times.hour.check(flight, located.second, report.time)
        if flight.operated is not None and flight.operated.stated:
            times.whole.check(flight, flight.operated.stated, report.time)
        self._hear(flight, state, report, detection, sensor)
        self._moved(Position(flight, path, detection, located))

    def _hear(self, flight: Flight, state: _State, report: Report, detection: Detection, sensor: Sensor) -> None:
        key = (sensor.name, report.transmitter)
        hearing = state.hearing.get(key)
        if hearing is None:
            if len(state.hearing) >= _MOST_HEARINGS:
                state.hearing.clear()
            hearing = state.hearing[key] = Hearing(sensor)
        if report.signal != UNKNOWN_SIGNAL:
            hearing.steady(flight, detection, report.signal)
        hearing.check(flight, detection, report.signal)

    def _times_at(self, sensor: str) -> _Times:
        if sensor not in self._times:
            self._times[sensor] = _Times()
        return self._times[sensor]

    def _moment(self, state: _State, time: float, second: float) -> float:
        """When it was there: as it states, by the receiver's clock. The first of equal reports may be lost, and come a second late."""
        delay = (time - second) % HOUR
        if delay != delay:
            return time
        if state.delay is None or not -_LATE < (late := (delay - state.delay + HOUR / 2) % HOUR - HOUR / 2) < _LATE:
            state.delay = delay
            return time
        if late < 0:
            state.delay = delay
            return time
        return time - late

    # What is forgotten

    def _sweep(self, time: float) -> None:
        self._swept, self._since = time, 0
        for flight in [one for one in self.flights.values() if time - one.last > SILENT]:
            self._close(flight)
        for key in [key for key, one in self._transmitters.items() if abs(time - one.last) > SILENT]:
            del self._transmitters[key]

    def _close(self, flight: Flight) -> None:
        if self.flights.pop(flight.key, None) is not None:
            self._states.pop(flight.key, None)
            self._size -= flight.size()
            self._ended(flight)

    def _thin(self) -> None:
        """Make room for points: to three quarters, so that it is long until the next time. Flights that cannot be thinned enough end."""
        room = MOST_POINTS * 3 // 4
        self._size = sum(flight.size() for flight in self.flights.values())
        for flight in self.flights.values():  # who was heard last stands last
            if self._size <= room:
                return
            self._size -= flight.thin()
        while self._size > room and len(self.flights) > 1:
            self._close(next(iter(self.flights.values())))

    def _forget_transmitters(self) -> None:
        """The older half goes."""
        by_age = sorted(self._transmitters, key=lambda key: self._transmitters[key].last)
        for key in by_age[: len(by_age) // 2]:
            del self._transmitters[key]


def address(transmitter: int) -> str:
    """A transmitter's address as it is written, such as 90:3a:e6:5b:c8:a8."""
    return transmitter.to_bytes(6, "big").hex(":")
