"""The picture of the air: reports of any number of sensors in, flights with their paths and the reasons to doubt them.

Bounded whatever comes: flights and transmitters that were silent longest go first, and are told as ended. So do points: the paths of
who was silent longest keep every second one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from kizuna.domains.air.asides import Aside, Asides
from kizuna.domains.air.continuity import HANDOVER, Ends, cell_of
from kizuna.domains.air.flight import PATH_IS, Flight
from kizuna.domains.air.memory import Memory
from kizuna.domains.air.plane import distance
from kizuna.domains.air.reports import SERIAL, Located, Operated, Report
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.tracking import Detection, Track
from kizuna.domains.air.truth.clocks import Consensus, SharedClocks
from kizuna.domains.air.truth.form import check_quirks, check_serial
from kizuna.domains.air.truth.place import FAR, check_operator
from kizuna.domains.air.truth.transmitter import Transmitter, check_senders
from kizuna.formats.remote_id.radiotap import UNKNOWN_SIGNAL

SILENT = 600.0
"""Seconds after which a flight has ended."""
MOST_FLIGHTS = 20_000
MOST_TRANSMITTERS = 50_000
MOST_POINTS = 1_000_000
"""Points of all paths together, some 300 MB; a path takes as much as a few points."""
_NAMED_FOR = 30.0  # seconds that a transmitter is known by the name it gave
_COMPARED = 5.0
_SWEEP = 10.0
_SHARE = 16
_UNKNOWN_ADDRESS = 0
_MOST_ASKED = 256  # flights, of those that were heard last
_MOST_JOINS = 32  # of a flight that never said a name
_BESIDE = 50.0  # metres that an operator walks or is off


class Position(NamedTuple):
    """A flight at a new position: for who watches zones, or draws."""

    flight: Flight
    path: Track
    detection: Detection
    located: Located


class _Times:
    """What clocks say at one sensor."""

    def __init__(self) -> None:
        self.hour, self.whole = Consensus(), Consensus(whole=True)
        self.shared = SharedClocks()


class Picture:
    """All flights that are heard. `ended` is called with each that ends, `moved` with each new position, `joined` with a flight that
    turned out to be a part of another one, and that one: it will not be told as ended."""

    def __init__(
        self,
        *,
        ended: Callable[[Flight], None] = lambda _: None,
        moved: Callable[[Position], None] | None = None,
        joined: Callable[[Flight, Flight], None] = lambda _part, _flight: None,
    ) -> None:
        self.flights: OrderedDict[str, Flight] = OrderedDict()
        """By name; who was heard last stands last."""
        self._memories: dict[str, Memory] = {}
        self._transmitters: dict[tuple[str, int, int], Transmitter] = {}
        self._times: dict[str, _Times] = {}
        self._ended = ended
        self._moved = moved
        self._joined = joined
        self._ends = Ends()
        self._asides = Asides()
        self._swept = 0.0
        self._since = 0  # reports since then
        self._size = 0  # points at most; those that a path itself lets go are not taken off

    def take(self, report: Report, sensor: Sensor) -> Flight | None:
        """Take in a report; the flight it is of, or None where nothing says of which."""
        time, carrier, transmitter, signal, clock, _, _, quirks, names, located, operated, operator_id = report
        self._since += 1
        # A clock may go back and forth; looking at all flights is to cost each report no more than a few steps.
        if abs(time - self._swept) > _SWEEP and _SHARE * self._since >= len(self._transmitters):
            self._sweep(time)
        name = sensor.name
        sender = self._transmitters.get((name, carrier, transmitter))
        if sender is None or sender.heir is not None:
            sender = self._sender(report, sensor)
        flight = self._flight(report, sender)
        if flight is None:
            return None
        flight.heard += 1
        flight.goes_on = None
        if time > flight.last:
            flight.last = time
        if name not in flight.sensors:
            flight.sensors.add(name)
        if sender.guessed:
            self._guessed(flight, report, sender, sensor)
            return self._doubted(flight, report, sender, sensor)
        if signal != UNKNOWN_SIGNAL:
            flight.hear(signal)
        if transmitter != _UNKNOWN_ADDRESS:
            sender.check(report, flight)
            check_senders(flight, carrier, transmitter, time)
            if clock > 0 and time - sender.compared > _COMPARED:
                sender.compared = time
                self._times_at(name).shared.check(flight, time - clock / 1e6, time)
        if names and names is not flight.named:
            known = flight.serial
            flight.name(names)
            if known is None and (serial := flight.serial) is not None:
                check_serial(flight, serial, time)
        if quirks:
            check_quirks(flight, quirks, time)
        if operator_id:
            flight.operator_id = operator_id
        if operated is not None and operated.latitude == operated.latitude:
            flight.operated, flight.operated_at = operated, time
        if located is not None:
            self._located(flight, report, located, sensor, sender)
        return flight

    def pass_to(self, time: float) -> None:
        """Nothing was heard until now (seconds since 1970): who was silent too long has ended."""
        if abs(time - self._swept) > _SWEEP:
            self._sweep(time)

    def end(self) -> None:
        """There is no more: every flight ends."""
        for flight in sorted(self.flights.values(), key=_says_something):
            self._close(flight)

    # Of which flight a report is

    def _sender(self, report: Report, sensor: Sensor) -> Transmitter:
        key = (sensor.name, report.carrier, report.transmitter)
        sender = self._transmitters.get(key)
        if sender is None:
            if len(self._transmitters) >= MOST_TRANSMITTERS:
                self._forget_transmitters()
            sender = self._transmitters[key] = Transmitter(key, report.time)
        elif sender.heir is not None:
            self._returned(sender)
        return sender

    def _flight(self, report: Report, sender: Transmitter) -> Flight | None:
        known, names = sender.flight, report.names
        if known is not None:
            if known.into is not None:
                known = known.whole
                sender.guessed = sender.guessed or not sender.names  # it never said the name of that one
            if self.flights.get(known.key) is not known:
                known = None
        if known is None:
            sender.guessed = False
        flight: Flight | None
        if names:
            # Most say the same name again and again.
            if known is not None and names is known.named and names[0].id == known.key and len(names) == 1:
                flight = self._of(known.key, report.time)
            else:
                flight = self._named(report, sender, known)
            sender.guessed = False
        elif report.transmitter == _UNKNOWN_ADDRESS:
            return None
        elif known is not None and abs(report.time - sender.last) < _NAMED_FOR and self._fits(report, sender, known):
            flight = known
            self.flights.move_to_end(flight.key)
        else:
            flight = None
        located = report.located
        if located is not None and (sender.said is None or flight is None or not (names or flight.names)):
            flight = self._continued(report, located, sender, flight)
        if flight is None:
            if report.located is None and self._is_of_operator(report, sender):
                return None
            flight = self._of(address(report.transmitter), report.time)
            sender.guessed = False
        sender.flight = flight
        return flight

    def _named(self, report: Report, sender: Transmitter, known: Flight | None) -> Flight:
        """The flight of that name, and what its address sent before it gave it."""
        named = next((one for one in report.names if one.id_type == SERIAL and one.id), report.names[0])
        key = named.id or address(report.transmitter)
        unnamed = known if known is not None and not known.names and not sender.guessed else None
        if unnamed is not None and key not in self.flights and key != unnamed.key:
            self._rename(unnamed, key)
        flight = self._of(key, report.time)
        if unnamed is not None and unnamed is not flight:
            if _is_joinable(unnamed, flight):
                self._join(unnamed, flight)
        elif known is not None and known is not flight and sender.guessed:
            if known.names or sender.follows is None:
                self._apart(sender)
            else:  # who went on without a name is counted under this one, and keeps its past to itself
                known.goes_on = key
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
            self._memories[key] = Memory()
        self.flights.move_to_end(key)
        return flight

    def _rename(self, flight: Flight, key: str) -> None:
        del self.flights[flight.key]
        self._memories[key] = self._memories.pop(flight.key)
        flight.key = key
        self.flights[key] = flight

    # Addresses that change

    def _continued(self, report: Report, said: Located, sender: Transmitter, flight: Flight | None) -> Flight | None:
        """The flight that a place goes on with, if it is of an address that is new or of no name; `flight` is what that went by so far."""
        if report.time < 0 or said.latitude != said.latitude or (said.latitude == 0.0 and said.longitude == 0.0):
            return flight
        named = flight is not None and bool(flight.names or report.names)
        same, left_off = self._ends.before(sender, said, report.time, flight if named else None)
        for one in (same, left_off):
            other = None if one is None or one.flight is None else one.flight.whole
            if one is None or other is None or not self._is_heard(other):
                continue
            if flight is None or flight is other:
                if one is left_off and not other.reaches(said, report.time, sender.key[0]):
                    continue
                if flight is None:
                    flight, sender.guessed = other, True
            elif not named:
                if not _is_joinable(flight, other) or (one is not left_off and not self._is_echo(sender, said, other)):
                    continue
                self._join(flight, other)
                flight, sender.guessed = other, True
            elif one is left_off and not other.names:
                other.goes_on = flight.key
            else:
                continue
            if one is left_off:
                one.heir, sender.follows = sender, one
                self._ends.drop(one)
                self._asides.hand_on(one, said, report.time, sender)
        return flight

    def _is_echo(self, sender: Transmitter, said: Located, other: Flight) -> bool:
        """Whether an address repeats a place of a flight, and did so with another place before: once may be chance, or overheard."""
        flight, before = sender.echoed or (None, said)
        if flight is not None and flight.whole is other:
            return (before.latitude, before.longitude, before.second) != (said.latitude, said.longitude, said.second)
        sender.echoed = (other, said)
        return False

    def _fits(self, report: Report, sender: Transmitter, flight: Flight) -> bool:
        """Whether a report can be of the flight that its address was taken to be of; if not it is of it no more."""
        said = report.located
        if not sender.guessed or said is None or said.latitude != said.latitude:
            return True
        if flight.reaches(said, report.time, sender.key[0]):
            return True
        sender.refused = sender.follows
        self._apart(sender)
        return False

    def _guessed(self, flight: Flight, report: Report, sender: Transmitter, sensor: Sensor) -> None:
        """Take in what is most likely of this flight: its path goes on, and nothing is held against it."""
        sender.last = report.time
        said = report.operated
        if (
            said is not None
            and (flight.operated is None or _is_beside(said, flight.operated))
            and _is_near(said, flight)
        ):
            flight.operated, flight.operated_at = (
                said._replace(stated=0),
                report.time,
            )  # what time it says is its own affair
        flight.operator_id = flight.operator_id or report.operator_id
        if report.located is not None:
            self._located(flight, report, report.located, sensor, sender, sure=False)

    def _doubted(self, flight: Flight, report: Report, sender: Transmitter, sensor: Sensor) -> Flight:
        """Look at what is only guessed to be of a flight as if it were one of its own; with enough doubt it is, and is told."""
        aside = self._asides.look(sender, report, sensor, address(report.transmitter))
        if not aside.flight.spoofed or (flight.spoofed and not flight.names):
            return flight
        return self._stand_alone(aside, report, sender)

    def _stand_alone(self, aside: Aside, report: Report, sender: Transmitter) -> Flight:
        """An address is doubtful by what itself and those before it said: it is a flight of its own from now on."""
        self._asides.drop(sender)
        sender.refused = sender.follows
        self._apart(sender)
        key, (own, memory) = address(report.transmitter), aside
        flight = self._of(key, report.time)
        if flight.heard:  # it was one before
            for one in () if flight.names else own.findings.values():
                flight.find(one.code, one.weight, one.since / 1e6, **one.values)
        else:
            own.key = key
            own.senders[report.carrier, report.transmitter] = report.time
            own.sender[report.carrier] = report.transmitter
            flight = self.flights[key] = own
            self._memories[key] = memory
            self._size += own.size()
        sender.flight = flight
        return flight

    def _returned(self, sender: Transmitter) -> None:
        """An address is heard again: none that was taken to follow it does, unless it gave the same name itself."""
        heir, sender.heir = sender.heir, None
        while heir is not None:
            if heir.names:
                heir.follows = None
                return
            heir.refused, after = sender, heir.heir
            self._apart(heir)
            heir.heir, heir = None, after

    def _apart(self, sender: Transmitter) -> None:
        """An address was taken for that of a flight, and is not: it may be that of another, and so may what it seemed to follow."""
        _, carrier, number = sender.key
        before = sender.follows
        sender.aside, sender.guessed = 0, False
        if sender.flight is not None:
            sender.flight.whole.senders.pop((carrier, number), None)
        if before is not None and before.heir is sender:
            before.heir = None
            if before.said is not None:
                self._ends.put(before, cell_of(before.said.latitude, before.said.longitude))
        sender.flight = sender.follows = None

    def _join(self, part: Flight, flight: Flight) -> None:
        """A flight without a name was of this aircraft. What speaks against a flight stays with it: such a one is never joined."""
        del self.flights[part.key]
        memory, own = self._memories.pop(part.key), self._memories[flight.key]
        if not flight.paths:
            self._memories[flight.key] = memory
        else:
            own.join(memory)
        flight.join(part)
        self._joined(part, flight)

    def _is_of_operator(self, report: Report, sender: Transmitter) -> bool:
        """Whether what says neither who nor where is of an aircraft of the same operator that was just heard; it is counted there."""
        if report.time < 0:
            return False
        for one in islice(reversed(self.flights.values()), _MOST_ASKED):
            if report.time - one.last > _NAMED_FOR:
                return False
            if not _says_something(one) or self._is_sent_beside(one, sender):
                continue
            if _has_operator(one, report.operated, report.operator_id):
                one.heard += 1
                one.last = max(one.last, report.time)
                sender.last = report.time
                return True
        return False

    def _is_sent_beside(self, flight: Flight, sender: Transmitter) -> bool:
        """Whether another address sends for a flight since this one does: then this one does not follow it."""
        name, carrier, _ = sender.key
        number = flight.sender.get(carrier)
        other = None if number is None else self._transmitters.get((name, carrier, number))
        return other is not None and other is not sender and other.last > sender.first

    def _belongs(self, flight: Flight) -> bool:
        """Whether a short flight without name and place is of an aircraft whose operator is known by now; then it is joined to it."""
        if flight.names or flight.paths or flight.findings or flight.last - flight.first > HANDOVER:
            return False
        for one in islice(reversed(self.flights.values()), _MOST_ASKED):
            apart = max(flight.first - one.last, one.first - flight.last)
            if not _says_something(one) or apart > _NAMED_FOR:
                continue
            if _has_operator(one, flight.operated, flight.operator_id):
                self._join(flight, one)
                return True
        return False

    # What it says of where it is

    def _located(
        self,
        flight: Flight,
        report: Report,
        located: Located,
        sensor: Sensor,
        sender: Transmitter,
        *,
        sure: bool = True,
    ) -> None:
        memory = self._memories[flight.key]
        latitude, longitude, second, heard = located.latitude, located.longitude, located.second, report.time
        flight.status = located.status
        if latitude != latitude:  # it does not know
            return
        sender.said, sender.located = located, heard
        key = (latitude, longitude, second)
        is_new = key != memory.key
        if is_new or sender.cell is None:
            cell = cell_of(latitude, longitude)
            if sender.cell != cell and report.transmitter != _UNKNOWN_ADDRESS:
                self._ends.put(sender, cell)
        if not is_new:  # the same position is sent until there is a new one
            return
        memory.key = key
        flight.located = located
        delay = memory.delay
        time = memory.moment(heard, second)
        if not sure and delay is not None:
            memory.delay = delay
        detection, path, before = flight.detected(located, time, sensor.name, sure=sure)
        self._size += 1 if path.first != time else 1 + PATH_IS
        if self._size > MOST_POINTS:
            self._thin()
        if sure:
            same = report.counter == memory.counter
            memory.counter = report.counter
            memory.path.check(flight, detection, located, path, before, same_counter=same)
            times, operated = self._times_at(sensor.name), flight.operated
            if operated is not None:
                check_operator(flight, operated, detection, path.plane)
            times.hour.check(flight, second, heard)
            if operated is not None and operated.stated:
                times.whole.check(flight, operated.stated, flight.operated_at)
            memory.hear(flight, report, detection, sensor, report.transmitter)
        if self._moved is not None:
            self._moved(Position(flight, path, detection, located))

    def _times_at(self, sensor: str) -> _Times:
        times = self._times.get(sensor)
        if times is None:
            times = self._times[sensor] = _Times()
        return times

    # What is forgotten

    def _sweep(self, time: float) -> None:
        self._swept, self._since = time, 0
        for flight in sorted((one for one in self.flights.values() if time - one.last > SILENT), key=_says_something):
            self._close(flight)
        for key in [key for key, one in self._transmitters.items() if abs(time - one.last) > SILENT]:
            self._forget(key)

    def _close(self, flight: Flight) -> None:
        if self._is_heard(flight) and not self._belongs(flight):
            del self.flights[flight.key]
            self._memories.pop(flight.key, None)
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

    def _forget(self, key: tuple[str, int, int]) -> None:
        """Let go of an address, and of what would hold on to it: an aircraft may have had any number of them."""
        sender = self._transmitters.pop(key)
        self._ends.drop(sender)
        if sender.heir is not None:
            sender.heir.follows = None
        if sender.follows is not None:
            sender.follows.heir = None
        sender.heir = sender.follows = sender.refused = None

    def _forget_transmitters(self) -> None:
        """The older half goes."""
        by_age = sorted(self._transmitters, key=lambda key: self._transmitters[key].last)
        for key in by_age[: len(by_age) // 2]:
            self._forget(key)


def _is_near(said: Operated, flight: Flight) -> bool:
    """Whether an operator may be that of a flight without speaking against it."""
    at = flight.located
    return at is None or distance(said.latitude, said.longitude, at.latitude, at.longitude) < FAR / 2


def _is_joinable(part: Flight, flight: Flight) -> bool:
    """Whether a flight without a name may be joined to another: nothing speaks against it, and not without end where none has a name.

    A clock that two share is no wonder where they are one.
    """
    return part.findings.keys() <= {"shared-clock"} and (bool(flight.names) or part.joins + flight.joins < _MOST_JOINS)


def _says_something(flight: Flight) -> bool:
    """Whether it says who or where it is; what does not ends first, for it may be of another."""
    return bool(flight.names or flight.paths)


def _has_operator(flight: Flight, operated: Operated | None, operator_id: str) -> bool:
    """Whether an operator is that of a flight: has its number, or stands where that one does."""
    if operator_id and operator_id == flight.operator_id:
        return True
    return operated is not None and flight.operated is not None and _is_beside(operated, flight.operated)


def _is_beside(said: Operated, known: Operated) -> bool:
    """Whether an operator is where one was; nobody is where nothing is known."""
    return distance(said.latitude, said.longitude, known.latitude, known.longitude) < _BESIDE


def address(transmitter: int) -> str:
    """A transmitter's address as it is written, such as 90:3a:e6:5b:c8:a8."""
    return transmitter.to_bytes(6, "big").hex(":")
