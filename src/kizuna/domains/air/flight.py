"""One aircraft in one stretch of being heard: its names, its paths, where its operator is, and what speaks against it."""

from __future__ import annotations

from kizuna.domains.air.reports import REGISTRATION, SERIAL, Located, Named, Operated
from kizuna.domains.air.tracking import UNSTATED, Detection, Track, deviation
from kizuna.formats.remote_id.fields import AIRCRAFT, HORIZONTAL, STATUS
from kizuna.formats.track import Finding, Point

ENOUGH = 1.0
"""From this doubt on a flight is taken for spoofed; the reasons say why, a person decides."""
_FASTEST = {"aeroplane": 120.0, "hybrid-lift": 120.0, "rocket": 400.0, "helicopter-or-multirotor": 60.0, "glider": 90.0}
_FASTEST_ELSE = 100.0
_MOST_PATHS = 64
_MOST_NAMES = 8
MOST_SENDERS = 64
"""Addresses that a flight remembers; those heard longest ago go."""
PATH_IS = 4
"""Points that take as much memory as a path without any."""


_DEVIATIONS = tuple(map(deviation, HORIZONTAL))


class Flight:
    """What is known of one flight. `key` is what it goes by: a serial number or other name, or its transmitter until it names itself."""

    __slots__ = (
        "_begun", "doubt", "fastest", "findings", "first", "fresh", "goes_on", "heard", "into", "joins", "key", "kind", "last", "located",
        "named", "names", "odd", "operated", "operated_at", "operator_id", "path", "paths", "sender", "senders", "sensors", "signal",
        "status", "swaps", "thinned",
    )  # fmt: skip

    def __init__(self, key: str, time: float) -> None:
        self.key = key
        self.first = self.last = time
        self.names: dict[int, str] = {}
        self.named: tuple[Named, ...] = ()
        """What it called itself last."""
        self.kind = 0
        self.senders: dict[tuple[int, int], float] = {}
        """When each address was heard last, over each carrier."""
        self.sender: dict[int, int] = {}
        """The address that was heard last over each carrier."""
        self.swaps: list[float] = []
        self.odd: dict[str, int] = {}
        """How often its messages were not as the format asks, by reason."""
        self.sensors: set[str] = set()
        self.heard = 0
        self.signal: tuple[int, int, int, int] | None = None
        """Of its signals in dBm: how many, their sum, the weakest, the strongest."""
        self.located: Located | None = None
        self.operated: Operated | None = None
        self.operated_at = time
        """When that was heard."""
        self.operator_id = ""
        self.status = 0
        self.paths: list[Track] = []
        self.path: Track | None = None
        self._begun = 0
        self.findings: dict[str, Finding] = {}
        self.doubt = 0.0
        self.fresh: list[Finding] = []
        self.fastest = _FASTEST_ELSE
        self.thinned = 0
        """How many points of its paths are kept no more, so that the others can be."""
        self.into: Flight | None = None
        """The flight that this one turned out to be a part of."""
        self.joins = 0
        """How many others it took in, with those that they took in."""
        self.goes_on: str | None = None
        """The name under which it most likely went on: the two are counted as one aircraft, and share nothing else."""

    @property
    def whole(self) -> Flight:
        """The flight that this one is a part of, or itself."""
        flight = self
        while flight.into is not None:
            flight = flight.into
        part = self
        while part.into is not None and part.into is not flight:  # so that the way is short the next time
            part.into, part = flight, part.into
        return flight

    @property
    def serial(self) -> str | None:
        """Its serial number, if it states one."""
        return self.names.get(SERIAL)

    @property
    def registration(self) -> str | None:
        """Its registration, if it states one."""
        return self.names.get(REGISTRATION)

    @property
    def spoofed(self) -> bool:
        """Whether there is enough doubt."""
        return self.doubt >= ENOUGH

    def name(self, names: tuple[Named, ...]) -> None:
        """Take what it calls itself."""
        self.named = names
        for one in names:
            if one.id_type not in self.names and len(self.names) < _MOST_NAMES:
                self.names[one.id_type] = one.id
            if one.aircraft != self.kind and one.aircraft:
                self.kind = one.aircraft
                word = AIRCRAFT[one.aircraft] if one.aircraft < len(AIRCRAFT) else "other"
                self.fastest = _FASTEST.get(word, _FASTEST_ELSE)

    def hear(self, signal: int) -> None:
        """Take how strong it was heard."""
        if self.signal is None:
            self.signal = (1, signal, signal, signal)
            return
        count, total, least, most = self.signal
        if signal < least:
            least = signal
        elif signal > most:
            most = signal
        self.signal = (count + 1, total + signal, least, most)

    def find(self, code: str, weight: float, time: float, **values: float | str) -> None:
        """Note a reason to doubt; one that is known already only grows heavier."""
        known = self.findings.get(code)
        if known is not None and known.weight >= weight:
            return
        since = round(time * 1e6) if known is None else known.since
        finding = self.findings[code] = Finding(code, weight, since, values)
        self.doubt = round(sum(one.weight for one in self.findings.values()), 3)
        self.fresh.append(finding)

    def join(self, part: Flight) -> None:
        """Take in all of another flight that has no name and no findings, for it was of this aircraft; nothing is left in it."""
        part.into = self
        self.joins += part.joins + 1
        self.first, self.heard = min(self.first, part.first), self.heard + part.heard
        if part.last > self.last or self.located is None:
            self.located, self.status = part.located or self.located, part.status
        if self.operated is None or (part.operated is not None and part.last > self.last):
            self.operated, self.operated_at = part.operated, part.operated_at
        self.last = max(self.last, part.last)
        self.operator_id = self.operator_id or part.operator_id
        self.sensors |= part.sensors
        self.thinned += part.thinned
        for code, times in part.odd.items():
            self.odd[code] = self.odd.get(code, 0) + times
        for (carrier, address), time in part.senders.items():
            if carrier not in self.sender or time > self.senders.get((carrier, self.sender[carrier]), time):
                self.sender[carrier] = address
            self.senders[carrier, address] = max(time, self.senders.get((carrier, address), time))
        if len(self.senders) > MOST_SENDERS:
            newest = sorted(self.senders.items(), key=lambda one: one[1])[-MOST_SENDERS:]
            self.senders = dict(newest)
        if part.signal is not None:
            count, total, least, most = self.signal or (0, 0, *part.signal[2:])
            more, in_all, weakest, strongest = part.signal
            self.signal = (count + more, total + in_all, min(least, weakest), max(most, strongest))
        for path in part.paths:
            self._take_over(path)
        part._empty()

    def _empty(self) -> None:
        """Addresses may remember it for long; it is to hold nothing."""
        self.paths, self.path, self.located, self.operated, self.signal = [], None, None, None, None
        self.senders, self.sender, self.swaps, self.odd, self.sensors = {}, {}, [], {}, set()
        self.findings, self.fresh, self.doubt = {}, [], 0.0

    def _take_over(self, path: Track) -> None:
        """Another's path: it goes on from one of these, or fills its gaps, or is one more."""
        for own in self.paths:
            if own.goes_with(path, self.fastest):
                self.thinned += own.join(path)
                self.path = self.path or own
                return
        path.number = self._begin()
        self._keep(path)
        self.path = self.path or path

    def detected(
        self, located: Located, time: float, sensor: str, *, sure: bool = True
    ) -> tuple[Detection, Track, Track | None]:
        """Go on with the path that a position fits, or begin another: the detection, its path, and the one before where it is another.

        Unless it is `sure` that it is of this aircraft, nothing that comes after is held against it.
        """
        detection = _detection(located, time, sensor)
        before = self.path
        if before is not None and len(self.paths) == 1 and before.speed_to(detection) <= self.fastest:
            path = before
        else:
            path = self.path = self._fitting(detection)
        if path.take(detection, sure=sure):
            latitude, longitude = path.plane.degrees(path.east, path.north)
            self.thinned += path.add(_point(time, latitude, longitude, located))
        return detection, path, before if before is not path else None

    def reaches(self, located: Located, time: float, sensor: str) -> bool:
        """Whether a position fits a path, so that no other would begin with it."""
        detection = _detection(located, time, sensor)
        return any(path.speed_to(detection) <= self.fastest for path in self.paths)

    def _fitting(self, detection: Detection) -> Track:
        near = [path for path in self.paths if path.speed_to(detection) <= self.fastest]
        best = near[0] if len(near) == 1 else min(near, key=lambda path: path.off(detection), default=None)
        if best is None:
            best = Track(self._begin(), detection)
            self._keep(best)
        return best

    def _begin(self) -> int:
        self._begun += 1
        return self._begun

    def _keep(self, path: Track) -> None:
        self.paths.append(path)
        if len(self.paths) > _MOST_PATHS:  # teleporting without end; the shortest says least
            self.paths.remove(min(self.paths[:-1], key=lambda path: len(path.points)))

    def size(self) -> int:
        """What it takes to remember its paths, in points."""
        return sum(len(path.points) + PATH_IS for path in self.paths)

    def thin(self) -> int:
        """Keep every second point of its paths; how many points went."""
        gone = sum(path.thin() for path in self.paths)
        self.thinned += gone
        return gone

    def statement(self) -> str:
        """Its last stated status in words of the standard."""
        return STATUS[self.status] if self.status < len(STATUS) else "undeclared"


def _detection(located: Located, time: float, sensor: str) -> Detection:
    code = located.horizontal_accuracy
    near = _DEVIATIONS[code] if code < len(_DEVIATIONS) else UNSTATED
    return Detection(time, located.latitude, located.longitude, near, sensor)


def _point(time: float, latitude: float, longitude: float, said: Located) -> Point:
    _, _, vertical, _, _, pressure, altitude, height, _, _, _, direction, speed = said
    return Point(
        round(time * 1e6),
        round(latitude, 7),
        round(longitude, 7),
        altitude if altitude == altitude else None,  # not-a-number is what nobody stated
        pressure if pressure == pressure else None,
        height if height == height else None,
        speed if speed == speed else None,
        direction if direction == direction else None,
        vertical if vertical == vertical else None,
    )
