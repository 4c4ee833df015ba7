"""Outlines for maps: rings without jumps at the antimeridian, rings and lines cut there (RFC 7946 section 3.1.9), circles as rings; and
whether what a track says is a place or a number at all.

An edge is a straight line of longitude and latitude, as RFC 7946 section 3.1.1 has it, and goes the short way round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from kizuna.formats.track import Operator, Point
from kizuna.formats.zone import Circle, Polygon, Position

Ring = list[Position]

CORNERS = 64
"""Of the ring that stands for a circle: at most 0.13 % of the radius inside of it."""

_EQUATOR = 6_378_137.0  # metres: WGS-84, semi-major axis
_ECCENTRICITY = 0.00669437999014  # squared
_POLE = 89.9  # degrees; beyond it no longitude can be worked out


def is_number(value: float | None) -> bool:
    """Whether a value is known."""
    return value is not None and math.isfinite(value)


def is_place(place: Point | Operator) -> bool:
    """Whether it lies on the Earth."""
    return abs(place.latitude) <= 90 and abs(place.longitude) <= 180


def metres_per_degree(latitude: float) -> tuple[float, float]:
    """Metres that a degree of longitude and one of latitude measure here, by the radii of curvature of the WGS-84 ellipsoid."""
    sine = math.sin(math.radians(latitude))
    squeezed = 1 - _ECCENTRICITY * sine * sine
    across = _EQUATOR / math.sqrt(squeezed)
    along = across * (1 - _ECCENTRICITY) / squeezed
    return math.radians(across * math.cos(math.radians(latitude))), math.radians(along)


def rings_of(shape: Polygon | Circle) -> list[Ring]:
    """The rings of a shape, the outer one first, each without jumps; longitudes may lie beyond ±180, holes where the outer ring is."""
    if isinstance(shape, Circle):
        return [_around(shape)]
    rings = [unwrapped(ring) for ring in shape.rings]
    outer = rings[0]
    west, east = min(x for x, _ in outer), max(x for x, _ in outer)
    return [outer, *(_moved_between(hole, west, east) for hole in rings[1:])]


def unwrapped(ring: Sequence[Position]) -> Ring:
    """The same ring or line with each step of longitude below half a turn; what jumps nowhere stays as it is, digit for digit."""
    made: Ring = []
    turns = 0
    for longitude, latitude in ring:
        if made:
            step = longitude + 360 * turns - made[-1][0]
            turns += (step < -180) - (step > 180)
        made.append((longitude + 360 * turns, latitude))
    return made


def _moved_between(hole: Ring, west: float, east: float) -> Ring:
    middle = (min(x for x, _ in hole) + max(x for x, _ in hole)) / 2
    turn = 360 if middle < west else -360 if middle > east else 0
    return [(x + turn, y) for x, y in hole]


def _around(circle: Circle) -> Ring:
    corners = []
    for number in range(CORNERS):
        angle = 2 * math.pi * number / CORNERS
        _, along = metres_per_degree(circle.latitude)
        latitude = circle.latitude + circle.radius * math.cos(angle) / along
        latitude = max(-_POLE, min(_POLE, latitude))
        across, _ = metres_per_degree((circle.latitude + latitude) / 2)
        corners.append((circle.longitude + circle.radius * math.sin(angle) / across, latitude))
    return [*corners, corners[0]]


def cut_polygon(rings: Sequence[Ring]) -> list[list[Ring]]:
    """Polygons that lie between -180 and 180 degrees and cover together what these rings do; the outer ring runs counter-clockwise."""
    low = math.floor((min(x for x, _ in rings[0]) + 180) / 360)
    high = math.ceil((max(x for x, _ in rings[0]) + 180) / 360)
    polygons = []
    for turn in range(low, max(high, low + 1)):
        cut = [_between(ring, turn * 360 - 180) for ring in rings]
        if cut[0]:
            polygons.append([_wound(ring, outer=number == 0) for number, ring in enumerate(cut) if ring])
    return polygons


def _between(ring: Ring, west: float) -> Ring:
    """What of a ring lies within the turn that begins at `west`, moved to -180…180. Sutherland and Hodgman 1974, twice."""
    if all(west <= x <= west + 360 for x, _ in ring):
        return [(x - west - 180, y) if west != -180 else (x, y) for x, y in ring]
    right = _beside(ring, west, 1)
    both = _beside(right, west + 360, -1) if right else []
    return [(x - west - 180, y) for x, y in both]


def _beside(ring: Ring, meridian: float, side: int) -> Ring:
    kept: Ring = []
    for before, after in pairwise(ring):
        starts, ends = side * (before[0] - meridian) >= 0, side * (after[0] - meridian) >= 0
        if starts:
            kept.append(before)
        if starts != ends:
            kept.append((meridian, _latitude_at(meridian, before, after)))
    return [*kept, kept[0]] if len(set(kept)) > 2 else []


def _latitude_at(meridian: float, before: Position, after: Position) -> float:
    share = (meridian - before[0]) / (after[0] - before[0])
    return before[1] + share * (after[1] - before[1])


def _wound(ring: Ring, *, outer: bool) -> Ring:
    """The ring by the right-hand rule (RFC 7946 section 3.1.6): outer rings counter-clockwise, holes clockwise."""
    west, south = ring[0]
    doubled = math.fsum((a[0] - west) * (b[1] - south) - (b[0] - west) * (a[1] - south) for a, b in pairwise(ring))
    return ring if (doubled > 0) == outer or doubled == 0 else ring[::-1]


def crossings(line: Sequence[Position]) -> list[tuple[int, float, float]]:
    """Where a line crosses the antimeridian: index of the position before it, share of the step, and the longitude it arrives at, ±180."""
    found = []
    for number, (before, after) in enumerate(pairwise(line)):
        step = after[0] - before[0]
        if abs(step) > 180:
            edge = 180.0 if step < 0 else -180.0
            across = step + math.copysign(360, edge)
            found.append((number, (edge - before[0]) / across if across else 0.0, edge))
    return found
