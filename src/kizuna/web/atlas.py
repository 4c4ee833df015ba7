"""The map of the Picture: where things lie on it, in the units of `land.svg`, and the lines between them.

The projection is Equal Earth (Šavrič, Patterson and Jenny, 2018), centred on 40° E; `ui/land.mjs` draws the land by the same numbers.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from math import acos, asin, atan2, cos, degrees, radians, sin, sqrt
from typing import NamedTuple

from kizuna.web.i18n import alpha2

CENTRE = 40.0
"""Degrees east."""
VIEW = (0.0, -241.4, 1000.0, 434.9)
"""Left, top, width and height."""
_SCALE = 1000 / 5.412
_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_M = sqrt(3) / 2
_STEPS = 32


class Place(NamedTuple):
    """Degrees."""

    longitude: float
    latitude: float


class Theatre(NamedTuple):
    """A frame on the map around a region of the pack of regions; it says where to look, not what belongs to it."""

    region: str
    west: float
    south: float
    east: float
    north: float

    @property
    def corner(self) -> Place:
        """Where its name stands."""
        return Place(self.west + 1, self.south)


THEATRES = (Theatre("euro-atlantic", -78, 28, 46, 70), Theatre("indo-pacific", 66, -44, 178, 52))


def on_map(place: Place) -> tuple[float, float]:
    """Where a place lies on the map: across and down."""
    east = radians((place.longitude - CENTRE + 180) % 360 - 180)
    up = asin(_M * sin(radians(place.latitude)))
    two, six = up * up, up**6
    across = east * cos(up) / (_M * (_A1 + 3 * _A2 * two + six * (7 * _A3 + 9 * _A4 * two)))
    return 500 + _SCALE * across, -_SCALE * up * (_A1 + _A2 * two + six * (_A3 + _A4 * two))


def arc(one: Place, other: Place) -> str:
    """The shortest way between two places over the globe, as the path of an SVG; in two parts where it crosses the map's edge."""
    steps, last = [], None
    for place in _way(one, other):
        x, y = on_map(place)
        begins = last is None or abs(x - last) > 500
        steps.append(f"{'M' if begins else 'L'}{x:.1f},{y:.1f}")
        last = x
    return "".join(steps)


def frame(theatre: Theatre) -> str:
    """The outline of a theatre, as the path of an SVG."""
    west, south, east, north = theatre[1:]
    around = [Place(west + (east - west) * k / _STEPS, north) for k in range(_STEPS)]
    around += [Place(east, north - (north - south) * k / _STEPS) for k in range(_STEPS)]
    around += [Place(east - (east - west) * k / _STEPS, south) for k in range(_STEPS)]
    around += [Place(west, south + (north - south) * k / _STEPS) for k in range(_STEPS)]
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in map(on_map, around)) + "Z"


def centre(country: str) -> Place | None:
    """The middle of a country (ISO 3166-1 alpha-2 or alpha-3); None for one that the map does not know."""
    return _centres().get(alpha2(country))


def _way(one: Place, other: Place) -> list[Place]:
    """Points on a great circle, ends included."""
    ends = [(radians(place.longitude), radians(place.latitude)) for place in (one, other)]
    a, b = ((cos(up) * cos(east), cos(up) * sin(east), sin(up)) for east, up in ends)
    angle = acos(max(-1.0, min(1.0, sum(p * q for p, q in zip(a, b, strict=True)))))
    if sin(angle) < 1e-9:
        return [one, other]
    found = []
    for step in range(_STEPS + 1):
        share = step / _STEPS
        first, second = sin((1 - share) * angle) / sin(angle), sin(share * angle) / sin(angle)
        x, y, z = (first * p + second * q for p, q in zip(a, b, strict=True))
        found.append(Place(degrees(atan2(y, x)), degrees(asin(max(-1.0, min(1.0, z))))))
    return found


@lru_cache(maxsize=1)
def _centres() -> dict[str, Place]:
    data = json.loads(resources.files("kizuna.web").joinpath("centres.json").read_bytes())
    # The file knows countries by their numbers, which CLDR lists beside their letters.
    return {alpha2(number): Place(*at) for number, at in data.items() if len(alpha2(number)) == 2}
