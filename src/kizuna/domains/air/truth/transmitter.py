"""Whether one transmitter speaks as one: its clock, its frame numbers, the names it gives (reasons of MAC and timing)."""

from __future__ import annotations

from kizuna.domains.air.flight import MOST_SENDERS, Flight
from kizuna.domains.air.reports import Located, Named, Report
from kizuna.domains.air.truth import WEIGHTS
from kizuna.formats.remote_id.radio import BLUETOOTH

NEAR = 3.0
"""Seconds within which frame numbers of one transmitter are compared; it sends other frames, too."""
_SLACK, _DRIFT = 0.25, 1e-3  # seconds that a receiver's stamps may differ; what a bad quartz drifts
_STILL = 1.0  # seconds
_WINDOW = 60.0
_HALF = 2048  # of 4,096 frame numbers
_MOST_CLOCKS = 8
_MOST_NAMES = 64


class Transmitter:
    """What one address sends over one carrier to one sensor."""

    __slots__ = (
        "aside", "back", "cell", "clock", "clock_since", "clocks", "compared", "current", "echoed", "first", "flight", "follows",
        "guessed", "heir", "key", "last", "located", "named", "named_at", "named_for", "names", "new_clocks", "refused", "said",
        "sequence", "sequence_since", "still", "still_sequence", "switches",
    )  # fmt: skip

    def __init__(self, key: tuple[str, int, int], time: float) -> None:
        self.key = key
        """The sensor, the carrier and the address."""
        self.first = self.last = time
        self.flight: Flight | None = None
        self.said: Located | None = None
        """Where it said to be last, and when."""
        self.located = time
        self.cell: int | None = None
        self.heir: Transmitter | None = None
        """The address that goes on where this one fell silent."""
        self.follows: Transmitter | None = None
        """The one that it goes on from itself."""
        self.refused: Transmitter | None = None
        """The one that it did not follow after all."""
        self.guessed = False
        """Whether it was put to its flight without a name of its own: none of its faults is held against that."""
        self.aside = 0
        """The number under which the picture keeps what is found of it meanwhile."""
        self.echoed: tuple[Flight, Located] | None = None
        """Whose place it repeated, and which one."""
        self.compared = 0.0
        self.clock = self.sequence = -1
        self.clock_since = self.sequence_since = time
        self.still = self.still_sequence = 0
        self.clocks: list[tuple[float, float]] = []  # (receiver's time less its own, when last so)
        self.current = 0
        self.switches = 0
        self.new_clocks: list[float] = []
        self.back: list[float] = []
        self.names: dict[tuple[int, str], tuple[float, Flight]] = {}
        self.named: tuple[Named, ...] = ()
        """The only name that it ever gave, and when it did so last, of which flight."""
        self.named_at = 0.0
        self.named_for: Flight

    def check(self, report: Report, flight: Flight) -> None:
        """Look at how a report was sent."""
        time, _, _, _, clock, sequence, _, _, names, _, _, _ = report
        if clock >= 0:
            self._clock(clock, time, flight)
        if sequence >= 0:
            if 0 < (sequence - self.sequence) % 4096 <= _HALF:  # it goes on
                self.sequence, self.sequence_since, self.still_sequence = sequence, time, 0
            else:
                self._sequence(sequence, time, flight)
        if names:
            if names is self.named and flight is self.named_for:
                self.named_at = time
            else:
                self._names(names, time, flight)
        self.last = time

    def _names(self, names: tuple[Named, ...], time: float, flight: Flight) -> None:
        for named in self.named:
            self.names[named.id_type, named.id] = (self.named_at, self.named_for)
        for named in names:
            self._named((named.id_type, named.id), time, flight)
        self.named = names if len(names) == len(self.names) == 1 else ()
        self.named_at, self.named_for = time, flight

    def _clock(self, clock: int, time: float, flight: Flight) -> None:
        if clock == self.clock:
            self.still += 1
            if self.still > 1 and time - self.clock_since > _STILL:
                flight.find(
                    "clock-still", WEIGHTS["clock-still"], time, clock=clock, seconds=round(time - self.clock_since, 1)
                )
            return
        self.clock, self.clock_since, self.still = clock, time, 0
        offset = time - clock / 1e6
        for number, (known, when) in enumerate(self.clocks):
            if abs(offset - known) <= _SLACK + _DRIFT * (time - when):
                self.clocks[number] = (offset, time)
                if number != self.current:
                    self.current = number
                    self.switches += 1
                    if self.switches > 1:
                        apart = max(self.clocks)[0] - min(self.clocks)[0]
                        flight.find("two-clocks", WEIGHTS["two-clocks"], time, seconds=round(apart, 1))
                return
        if len(self.clocks) < _MOST_CLOCKS:
            self.clocks.append((offset, time))
            self.current = len(self.clocks) - 1
        self.new_clocks = [when for when in self.new_clocks if time - when < _WINDOW] + [time]
        if len(self.new_clocks) > 3:
            flight.find("clock-wild", WEIGHTS["clock-wild"], time, clocks=len(self.new_clocks), seconds=_WINDOW)
            self.new_clocks = self.new_clocks[-4:]

    def _sequence(self, sequence: int, time: float, flight: Flight) -> None:
        if sequence == self.sequence:
            self.still_sequence += 1
            if self.still_sequence > 1 and time - self.sequence_since > _STILL:
                seconds = round(time - self.sequence_since, 1)
                flight.find("sequence-still", WEIGHTS["sequence-still"], time, number=sequence, seconds=seconds)
            return
        if self.sequence >= 0 and time - self.last < NEAR and (sequence - self.sequence) % 4096 > _HALF:
            self.back = [when for when in self.back if time - when < _WINDOW] + [time]
            if len(self.back) > 2:
                flight.find("two-sequences", WEIGHTS["two-sequences"], time, times=len(self.back), seconds=_WINDOW)
                self.back = self.back[-3:]
        self.sequence, self.sequence_since, self.still_sequence = sequence, time, 0

    def _named(self, name: tuple[int, str], time: float, flight: Flight) -> None:
        if name in self.names and len(self.names) == 1:
            self.names[name] = (time, flight)
            return
        self.names.pop(name, None)
        self.names[name] = (time, flight)  # who was named last stands last
        if len(self.names) > _MOST_NAMES:
            del self.names[next(iter(self.names))]
        now = [of for one, (when, of) in self.names.items() if one[0] == name[0] and time - when < _WINDOW]
        if len(now) < 2:
            return
        weight = WEIGHTS["many-names"] if len(now) > 2 else 0.3
        for of in now:
            if (known := of.findings.get("many-names")) is None or known.weight < weight:
                of.find("many-names", weight, time, names=len(now), seconds=_WINDOW)


def check_senders(flight: Flight, carrier: int, address: int, time: float) -> None:
    """Look at by whom one flight is sent: who changes their address never comes back to it, so A, B and A again are two.

    Over Bluetooth one aircraft may advertise by several addresses at once, so it weighs less there.
    """
    known = flight.sender.get(carrier)
    if known == address:
        flight.senders[(carrier, address)] = time
        return
    flight.sender[carrier] = address
    last = flight.senders.get((carrier, address))
    flight.senders[(carrier, address)] = time
    if last is None:
        if len(flight.senders) > MOST_SENDERS:
            del flight.senders[min(flight.senders, key=flight.senders.__getitem__)]
        return
    flight.swaps = [when for when in flight.swaps if time - when < _WINDOW] + [time]
    if len(flight.swaps) > 2:
        weight = WEIGHTS["two-transmitters"] / (3 if carrier == BLUETOOTH else 1)
        flight.find("two-transmitters", round(weight, 2), time, transmitters=len(flight.senders), seconds=_WINDOW)
        flight.swaps = flight.swaps[-3:]
