"""Detections to tracks: a Kalman filter of constant velocity whose gate says which detections go on with a track.

East and north are filtered each by itself, with the same gains (white acceleration, Bar-Shalom, Estimation with Applications to Tracking
and Navigation, 2001, section 6.2); heights go as they come. A detection has its own accuracy and names its sensor, so that several
sensors, and better trackers, fit behind the same two classes.
"""

from __future__ import annotations

from bisect import bisect_left
from math import hypot, isnan

import msgspec

from kizuna.domains.air.plane import Plane
from kizuna.formats.track import Point

ACCELERATION = 3.0
"""m/s², one standard deviation of what an aircraft does between two detections."""
_NOISE = ACCELERATION**2
GATE = 25.0
"""Squared distance from the forecast in standard deviations (two dimensions: 1 of 270,000 is lost)."""
STATED_IS = 2.0
"""Accuracy is stated at 95 %, which is about two standard deviations."""
UNSTATED = 10.0
"""Metres, one standard deviation, where no accuracy is stated: GNSS with reflections."""
LONGEST = 5_000
"""Points a track holds; beyond it every second of the older half goes."""
_FAR = 40_000.0  # metres from where the plane touches; further on it is laid anew


class Detection(msgspec.Struct, frozen=True, gc=False):
    """Where something was said or seen to be: seconds since 1970, degrees, metres (one standard deviation), by which sensor."""

    time: float
    latitude: float
    longitude: float
    deviation: float
    sensor: str


_STATE = (
    "_covariance", "_near", "_position", "_said", "_speed", "east", "east_speed", "last", "north", "north_speed", "plane", "said",
)  # fmt: skip


class Track:
    """One path. `last` is when it was last detected; `east`, `north` and their speeds are metres in its plane."""

    __slots__ = (
        "_covariance", "_near", "_position", "_said", "_speed", "east", "east_speed", "first", "last", "north", "north_speed", "number",
        "plane", "points", "said",
    )  # fmt: skip

    def __init__(self, number: int, detection: Detection) -> None:
        self.number = number
        self.plane = Plane(detection.latitude, detection.longitude)
        self.first = self.last = detection.time
        self.said = detection
        self.east = self.north = self.east_speed = self.north_speed = 0.0
        self._said = (0.0, 0.0)
        self._near = (detection, (0.0, 0.0))  # what was asked about last, and where that is
        self._position = detection.deviation**2
        self._covariance = 0.0
        self._speed = 30.0**2  # of most, before anything is known
        self.points: list[Point] = []

    def off(self, detection: Detection) -> float:
        """How far a detection lies from the forecast, as a squared number of standard deviations."""
        step = max(detection.time - self.last, 0.0)
        east, north = self._metres(detection)
        east -= self.east + self.east_speed * step
        north -= self.north + self.north_speed * step
        forecast = self._position + 2 * step * self._covariance + step**2 * self._speed + ACCELERATION**2 * step**4 / 4
        return (east * east + north * north) / (forecast + detection.deviation**2)

    def take(self, detection: Detection, *, sure: bool = True) -> bool:
        """Go on with a detection, and whether it did: one from before the last leaves things as they are.

        From one that is not `sure` to be of the same thing, no speed is measured.
        """
        time = detection.time
        step = time - self.last
        if step < 0:
            return False
        before, speed_before = self._covariance, self._speed
        square = step * step
        position = self._position + 2 * step * before + square * speed_before + _NOISE * square * square / 4
        covariance = before + step * speed_before + _NOISE * square * step / 2
        total = position + detection.deviation**2
        near, fast = position / total, covariance / total
        east, north = said = self._metres(detection)
        east_speed, north_speed = self.east_speed, self.north_speed
        ahead = self.east + east_speed * step
        beside = self.north + north_speed * step
        self.east = ahead + near * (east - ahead)
        self.east_speed = east_speed + fast * (east - ahead)
        self.north = beside + near * (north - beside)
        self.north_speed = north_speed + fast * (north - beside)
        self._position = (1 - near) * position
        self._covariance = (1 - near) * covariance
        self._speed = speed_before + _NOISE * square - fast * covariance
        self.last = time
        if sure:
            self.said, self._said = detection, said
        if self.east * self.east + self.north * self.north > _FAR * _FAR:
            self._lay_anew()
        return True

    def place(self) -> tuple[float, float]:
        """Latitude and longitude it is believed to be at."""
        return self.plane.degrees(self.east, self.north)

    def speed_to(self, detection: Detection) -> float:
        """m/s that it would have needed from where it was last said to be, at the least that both accuracies allow."""
        near = self._near
        east, north = near[1] if near[0] is detection else self._metres(detection)
        was_east, was_north = self._said
        said = self.said
        way = hypot(east - was_east, north - was_north) - 3 * (detection.deviation + said.deviation)
        if way <= 0:
            return 0.0
        step = abs(detection.time - said.time)
        return way / (step if step > 0.1 else 0.1)

    def add(self, point: Point) -> int:
        """Keep a point of its path; how many fewer others are kept for it."""
        self.points.append(point)
        if len(self.points) <= LONGEST:
            return 0
        before, half = len(self.points), len(self.points) // 2
        self.points = self.points[:half:2] + self.points[half:]
        return before - len(self.points)

    def goes_with(self, other: Track, fastest: float) -> bool:
        """Whether another path can be of the same thing: at its ends this one is as near as it flies at most (m/s)."""
        if not other.points or not self.points:
            return True
        return all(self._is_near(point, fastest) for point in (other.points[0], other.points[-1]))

    def _is_near(self, point: Point, fastest: float) -> bool:
        at = bisect_left(self.points, point.time, key=lambda one: one.time)
        near = min(self.points[max(at - 1, 0) : at + 1], key=lambda one: abs(one.time - point.time))
        way = self.plane.between(near.latitude, near.longitude, point.latitude, point.longitude)
        return way - 6 * UNSTATED <= fastest * abs(near.time - point.time) / 1e6

    def join(self, other: Track) -> int:
        """Take in another path of the same thing, and go on from whichever was there last; how many points are not kept."""
        if other.last > self.last:
            for name in _STATE:
                setattr(self, name, getattr(other, name))
        self.first = min(self.first, other.first)
        before = len(self.points) + len(other.points)
        if not self.points or (other.points and other.points[0].time > self.points[-1].time):
            self.points += other.points
        else:
            kept = {point.time: point for point in (*other.points, *self.points)}
            self.points = [kept[time] for time in sorted(kept)]
        while len(self.points) > LONGEST:
            self.thin()
        return before - len(self.points)

    def thin(self) -> int:
        """Every second point goes, but the first and the last; how many went."""
        before = len(self.points)
        self.points[1:-1] = self.points[2:-1:2]
        return before - len(self.points)

    def _metres(self, detection: Detection) -> tuple[float, float]:
        known, metres = self._near
        if known is not detection:
            metres = self.plane.metres(detection.latitude, detection.longitude)
            self._near = (detection, metres)
        return metres

    def _lay_anew(self) -> None:
        self.plane = Plane(*self.place())
        self._said = self.plane.metres(self.said.latitude, self.said.longitude)
        self._near = (self.said, self._said)
        self.east = self.north = 0.0


def deviation(metres: float | None) -> float:
    """One standard deviation of a stated accuracy at 95 %; what nobody states is taken for `UNSTATED`."""
    return UNSTATED if metres is None or isnan(metres) else max(metres / STATED_IS, 1.0)
