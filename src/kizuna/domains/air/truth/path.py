"""Whether a flight can have gone as it says: jumps, two paths at once, speed against movement, and the times it states."""

from __future__ import annotations

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.plane import distance
from kizuna.domains.air.reports import Located
from kizuna.domains.air.tracking import Detection, Track
from kizuna.domains.air.truth import WEIGHTS

HOUR = 3600.0
_WINDOW = 60.0
_APART = 4.0  # seconds between positions whose distance is held against the stated speed
_MOVED = 30.0  # metres
_BACK = 3.0  # seconds that reports of two carriers may come in the wrong order


class Path:
    """What is remembered of one flight to look at its next position."""

    __slots__ = ("anchor", "backs", "counter_still", "detection", "jumps", "located", "returns", "slow", "still")

    def __init__(self) -> None:
        self.detection: Detection | None = None
        self.located: Located | None = None
        self.anchor: tuple[Detection, float] | None = None
        self.returns: tuple[float, ...] = ()
        self.jumps: tuple[float, ...] = ()
        self.backs: tuple[float, ...] = ()
        self.slow = 0
        self.still = 0
        self.counter_still = 0

    def check(
        self,
        flight: Flight,
        detection: Detection,
        located: Located,
        path: Track,
        before: Track | None,
        *,
        same_counter: bool,
    ) -> None:
        """Look at a new position. `before` is the path it was on till now, where it is another; `same_counter`: no new message, it says."""
        if before is not None:
            self._elsewhere(flight, detection, path, before)
        last, was = self.detection, self.located
        goes_on = was is not None and 0 < located.second - was.second < HOUR / 2 and not same_counter
        if last is not None and was is not None and not goes_on:
            moved = path.plane.between(last.latitude, last.longitude, detection.latitude, detection.longitude)
            self._times(flight, detection, located, was, last, moved)
            if same_counter and moved > 1:
                self.counter_still += 1
                if self.counter_still > 2:
                    flight.find("counter-still", WEIGHTS["counter-still"], detection.time, times=self.counter_still)
        anchor, speed = self.anchor, located.speed
        if before is None and anchor is not None and detection.time - anchor[0].time < _APART and speed == speed:
            if speed > anchor[1]:
                self.anchor = (anchor[0], speed)
        else:
            self._speed(flight, detection, located, jumped=before is not None)
        self.detection, self.located = detection, located

    def _elsewhere(self, flight: Flight, detection: Detection, path: Track, before: Track) -> None:
        time = detection.time
        apart = distance(before.said.latitude, before.said.longitude, detection.latitude, detection.longitude)
        if path.first == time:  # nobody was there
            self.jumps = (*self.jumps[-7:], time)
            many = sum(1 for when in self.jumps if time - when < _WINDOW) > 2
            seconds = round(max(time - before.last, 0.1), 1)
            values = {
                "metres": round(apart),
                "seconds": seconds,
                "speed": round(apart / seconds),
                "limit": flight.fastest,
            }
            flight.find("jump", 1.0 if many else WEIGHTS["jump"], time, **values)
            return
        self.returns = (*self.returns[-3:], time)
        if sum(1 for when in self.returns if time - when < _WINDOW) > 1:
            flight.find("two-places", WEIGHTS["two-places"], time, metres=round(apart), seconds=_WINDOW)

    def _times(
        self, flight: Flight, detection: Detection, located: Located, was: Located, last: Detection, moved: float
    ) -> None:
        step = (located.second - was.second + HOUR / 2) % HOUR - HOUR / 2
        time, passed = detection.time, detection.time - last.time
        if step == 0 and moved > _MOVED / 10 and passed > 1.5:
            self.still += 1
            if self.still > 1 or moved > _MOVED:
                flight.find(
                    "time-still",
                    WEIGHTS["time-still"],
                    time,
                    second=located.second,
                    metres=round(moved),
                    seconds=round(passed, 1),
                )
        elif step < -_BACK:  # not-a-number is not
            self.backs = (*self.backs[-3:], time)
            if sum(1 for when in self.backs if time - when < _WINDOW) > 2:
                flight.find("time-back", WEIGHTS["time-back"], time, seconds=round(-step, 1))

    def _speed(self, flight: Flight, detection: Detection, located: Located, *, jumped: bool) -> None:
        if located.speed != located.speed or jumped:
            self.anchor = None
            return
        if self.anchor is None:
            self.anchor = (detection, located.speed)
            return
        start, most = self.anchor
        most = max(most, located.speed)
        passed = detection.time - start.time
        self.anchor = (detection, located.speed)
        if passed > 3 * _APART:
            return
        way = distance(start.latitude, start.longitude, detection.latitude, detection.longitude)
        way -= 3 * (start.deviation + detection.deviation)
        if way > passed * (1.5 * most + 10):
            self.slow += 1
            if self.slow > 1:
                values = {"moved": round(way / passed, 1), "stated": most}
                flight.find("speed-mismatch", WEIGHTS["speed-mismatch"], detection.time, **values)
        else:
            self.slow = 0
