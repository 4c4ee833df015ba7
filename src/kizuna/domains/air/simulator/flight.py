"""How aircraft fly: positions by the second in metres east, north and up of the receiver, with winds, turns, climbs and hovering."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_EQUATOR, _ECCENTRICITY = 6_378_137.0, 0.00669437999014
"""WGS 84: semi-major axis in metres, first eccentricity squared."""


class Place(msgspec.Struct, frozen=True):
    """The receiver, about whom metres are counted."""

    latitude: float
    longitude: float
    altitude: float

    def degrees(self, east: Floats, north: Floats) -> tuple[Floats, Floats]:
        """Latitudes and longitudes; exact to centimetres within ten kilometres."""
        sine = math.sin(math.radians(self.latitude))
        curve = 1 - _ECCENTRICITY * sine * sine
        along = _EQUATOR * (1 - _ECCENTRICITY) / curve**1.5
        across = _EQUATOR / math.sqrt(curve) * math.cos(math.radians(self.latitude))
        return self.latitude + np.degrees(north / along), self.longitude + np.degrees(east / across)


class Flight(msgspec.Struct, frozen=True):
    """One flight, a row a second: shape (n, 3) metres east, north and up of the receiver, and whether it is off the ground."""

    places: Floats
    airborne: NDArray[np.bool_]
    ground: float
    """Height of its take-off against the receiver, in metres."""

    @property
    def velocity(self) -> Floats:
        return np.gradient(self.places, axis=0)

    def moved(self, by: Floats) -> Flight:
        """The same flight elsewhere."""
        return Flight(self.places + by, self.airborne, self.ground + float(by[2]))


def disc(rng: np.random.Generator, least: float, most: float) -> Floats:
    """Metres east and north of a point drawn between two distances."""
    turn, far = rng.uniform(0, 2 * math.pi), rng.uniform(least, most)
    return np.array([far * math.cos(turn), far * math.sin(turn)])


def multirotor(rng: np.random.Generator, seconds: int, home: Floats, *, reach: float = 700.0) -> Flight:
    """From waypoint to waypoint at 4 to 15 m/s with at most 3 m/s² and stops between them, pushed by gusts."""
    ground = float(rng.uniform(-20, 20))
    start = int(rng.integers(5, 60)) if rng.random() < 0.5 else 0
    position = np.array([*home, ground])
    if not start:
        position += np.array([*disc(rng, 0, reach / 2), rng.uniform(30, 110)])
    velocity, gust = np.zeros(3), np.zeros(3)
    pushes = rng.normal(0, 1, (seconds, 3)) * (0.35, 0.35, 0.12)
    places = np.empty((seconds, 3))
    target, cruise, waiting = _waypoint(rng, home, ground, reach, 20)
    if start:
        target, waiting = position + np.array([0, 0, rng.uniform(15, 60)]), 0
    for second in range(seconds):
        places[second] = position
        if second < start:
            continue
        ahead = target - position
        distance = float(np.sqrt(ahead @ ahead))
        if distance < 6 and waiting <= 0:
            target, cruise, waiting = _waypoint(rng, home, ground, reach, 40)
        waiting -= 1
        wanted = np.zeros(3) if waiting > 0 or distance < 1 else ahead / distance * min(cruise, math.sqrt(4 * distance))
        velocity = velocity + np.clip(wanted - velocity, (-2.1, -2.1, -1.5), (2.1, 2.1, 1.5))
        velocity[2] = min(max(velocity[2], -3.0), 4.0)
        gust = 0.8 * gust + pushes[second]
        position = position + velocity + gust
        position[2] = max(position[2], ground + 2)
    return Flight(places, np.arange(seconds) >= start, ground)


def _waypoint(
    rng: np.random.Generator, home: Floats, ground: float, reach: float, stop: int
) -> tuple[Floats, float, int]:
    target = np.array([*(home + disc(rng, 0, reach)), ground + rng.uniform(20, 115)])
    return target, float(rng.uniform(4, 15)), int(rng.integers(0, stop)) if rng.random() < 0.5 else 0


def aeroplane(rng: np.random.Generator, seconds: int, home: Floats, *, reach: float = 1800.0) -> Flight:
    """Between waypoints at an airspeed of 15 to 26 m/s, turning at most 14° a second, carried by a steady wind with gusts."""
    ground = float(rng.uniform(-20, 20))
    airspeed, heading = float(rng.uniform(15, 26)), float(rng.uniform(0, 2 * math.pi))
    wind = np.array([*disc(rng, 0, 6), 0.0])
    position = np.array([*(home + disc(rng, 0, reach / 2)), ground + rng.uniform(50, 118)])
    gusts = np.cumsum(rng.normal(0, 0.25, (seconds, 3)), axis=0) * 0.15
    places = np.empty((seconds, 3))
    target = np.array([*(home + disc(rng, 0, reach)), ground + rng.uniform(50, 118)])
    for second in range(seconds):
        places[second] = position
        ahead = target - position
        if math.hypot(ahead[0], ahead[1]) < 120:
            target = np.array([*(home + disc(rng, 0, reach)), ground + rng.uniform(50, 118)])
        off = (math.atan2(ahead[0], ahead[1]) - heading + math.pi) % (2 * math.pi) - math.pi
        heading += min(max(off, -0.25), 0.25)
        climb = min(max(0.1 * ahead[2], -2.5), 2.5)
        flown = np.array([airspeed * math.sin(heading), airspeed * math.cos(heading), climb])
        position = position + flown + wind + np.clip(gusts[second], -1.5, 1.5)
    return Flight(places, np.ones(seconds, dtype=np.bool_), ground)


def outbound(rng: np.random.Generator, seconds: int, *, nearest: float = 200.0, farthest: float = 5000.0) -> Flight:
    """Away from the receiver and back again, over and over, at a speed that a good multirotor has."""
    speed, turn = float(rng.uniform(11, 19)), float(rng.uniform(0, 2 * math.pi))
    span = farthest - nearest
    gone = np.arange(seconds) * speed % (2 * span)
    far = nearest + np.where(gone > span, 2 * span - gone, gone)
    turns = turn + 0.05 * np.sin(np.arange(seconds) / 40)
    up = 80 + 15 * np.sin(np.arange(seconds) / 25)
    places = np.stack([far * np.sin(turns), far * np.cos(turns), up], axis=1)
    return Flight(places, np.ones(seconds, dtype=np.bool_), 0.0)


def still(place: Floats, seconds: int) -> Floats:
    """The same place every second."""
    return np.repeat(place[None, :], seconds, axis=0)


def wander(rng: np.random.Generator, n: int, deviation: float, memory: float) -> Floats:
    """A value about zero that changes slowly: first-order, standard deviation given, `memory` the part kept each step."""
    steps = rng.normal(0, deviation * math.sqrt(1 - memory * memory), n)
    out = np.empty(n)
    value = float(rng.normal(0, deviation))
    for index, step in enumerate(steps.tolist()):
        value = memory * value + step
        out[index] = value
    return out
