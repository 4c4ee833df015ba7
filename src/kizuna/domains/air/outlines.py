"""Where many positions lie among the outlines of many zones, worked out for all of them together.

Exact for polygons, whose edges are straight lines of longitude and latitude (RFC 7946 section 3.1.1), down to the last bit; a turn of 360°
over the antimeridian is rounded. The border belongs to the polygon, and that of a hole as well. Who meant a great circle by an edge: that
lies d² tan φ / 8R beside, 2 m on 10 km at 47°, 210 m on 100 km. Circles and distances are worked out on a plane that touches the WGS-84
ellipsoid half-way: off by less than 0.1 % up to 200 km, below 70° of latitude.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from kizuna.formats.outline import Ring, metres_per_degree, rings_of
from kizuna.formats.zone import Circle, Polygon

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_EDGES = 1 << 20  # looked at together; bounds memory
_PER_SLAB = 8
_FEW = 8
_NONE = np.zeros(0, dtype=np.int64)
_TURNS = (-360.0, 0.0, 360.0)
# Shewchuk 1997, section 4.2: a determinant of two products that is larger than this share of them has the right sign.
_SURE = 3.3306690738754716e-16
_TINY = 1e-290  # products below it lose digits


class Outlines:
    """The outlines of many shapes, by their numbers."""

    def __init__(self, shapes: Sequence[Polygon | Circle]) -> None:
        self._circles = {number: shape for number, shape in enumerate(shapes) if isinstance(shape, Circle)}
        self._rings = {number: rings_of(shape) for number, shape in enumerate(shapes) if isinstance(shape, Polygon)}
        boxes = [box_of(shape, self._rings.get(number)) for number, shape in enumerate(shapes)]
        self._boxes = _Boxes(boxes)
        self._middles = [(west + east) / 2 for west, _, east, _ in boxes]
        flat = [(number, ring, at == 0) for number, rings in self._rings.items() for at, ring in enumerate(rings)]
        self._edges = _Edges([ring for _, ring, _ in flat])
        self._outer = np.array([outer for _, _, outer in flat], dtype=np.bool_)
        counts = np.zeros(len(shapes), dtype=np.int64)
        for number, rings in self._rings.items():
            counts[number] = len(rings)
        self._ring_counts = counts
        self._first_rings = np.cumsum(counts) - counts
        self._is_circle = counts == 0
        self._places: Floats = np.zeros((len(shapes), 3))
        for number, circle in self._circles.items():
            self._places[number] = circle.longitude, circle.latitude, circle.radius

    def holding(self, longitudes: Floats, latitudes: Floats) -> tuple[Ints, Ints]:
        """Pairs of a position and a shape that holds it, each as the numbers of both, in the order of positions."""
        at, shapes, turned = self._boxes.holding(longitudes, latitudes)
        x, y = longitudes[at] - turned, latitudes[at]
        held = np.zeros(len(at), dtype=np.bool_)
        round_ones = self._is_circle[shapes]
        held[round_ones] = self._in_circles(shapes[round_ones], x[round_ones], y[round_ones])
        others = np.flatnonzero(~round_ones)
        held[others] = self._in_polygons(shapes[others], x[others], y[others])
        at, shapes = at[held], shapes[held]
        order = np.lexsort((shapes, at))
        return at[order], shapes[order]

    def distance(self, number: int, longitude: float, latitude: float) -> float:
        """Metres from a position to the outline of a shape; 0 where it is held."""
        circle = self._circles.get(number)
        if circle is not None:
            across, along = metres_per_degree((latitude + circle.latitude) / 2)
            gone = math.hypot(_short_way(longitude - circle.longitude) * across, (latitude - circle.latitude) * along)
            return max(0.0, gone - circle.radius)
        middle = self._middles[number]
        longitude = middle + _short_way(longitude - middle)
        if self._in_polygons(np.array([number]), np.array([longitude]), np.array([latitude]))[0]:
            return 0.0
        scale = metres_per_degree(latitude)
        return min(_to_ring(ring, longitude, latitude, scale) for ring in self._rings[number])

    def _in_circles(self, shapes: Ints, x: Floats, y: Floats) -> NDArray[np.bool_]:
        east, north, radius = self._places[shapes].T
        scales = np.array([metres_per_degree(middle) for middle in ((y + north) / 2).tolist()]).reshape(-1, 2)
        found: NDArray[np.bool_] = np.hypot((x - east) * scales[:, 0], (y - north) * scales[:, 1]) <= radius
        return found

    def _in_polygons(self, shapes: Ints, x: Floats, y: Floats) -> NDArray[np.bool_]:
        pairs, within = _expanded(self._ring_counts[shapes])
        rings = self._first_rings[shapes][pairs] + within
        sides = self._edges.sides(rings, x[pairs], y[pairs])
        wrong = np.where(self._outer[rings], sides < 0, sides > 0)
        held: NDArray[np.bool_] = np.bincount(pairs[wrong], minlength=len(shapes)) == 0
        return held


class _Boxes:
    """Which of many boxes positions lie in. A box is west, south, east, north; what reaches over 180° is there once more, a turn away."""

    def __init__(self, boxes: list[tuple[float, float, float, float]]) -> None:
        all_of_them = [
            (number, west + turn, south, east + turn, north, turn)
            for number, (west, south, east, north) in enumerate(boxes)
            for turn in _TURNS
            if west + turn <= 180 and east + turn >= -180
        ]
        self._numbers = np.array([box[0] for box in all_of_them], dtype=np.int64)
        columns = np.array([box[1:] for box in all_of_them], dtype=np.float64).reshape(-1, 5).T
        self._west, self._south, self._east, self._north, self._turns = map(np.ascontiguousarray, columns)

    def holding(self, longitudes: Floats, latitudes: Floats) -> tuple[Ints, Ints, Floats]:
        """Pairs of a position and a box that holds it, and the turn of that box."""
        at, boxes = (
            self._compared(longitudes, latitudes) if len(longitudes) <= _FEW else self._sorted(longitudes, latitudes)
        )
        return at, self._numbers[boxes], self._turns[boxes]

    def _compared(self, longitudes: Floats, latitudes: Floats) -> tuple[Ints, Ints]:
        found = [
            np.flatnonzero((self._west <= x) & (x <= self._east) & (self._south <= y) & (y <= self._north))
            for x, y in zip(longitudes.tolist(), latitudes.tolist(), strict=True)
        ]
        return np.repeat(np.arange(len(found)), [len(boxes) for boxes in found]), np.concatenate([*found, _NONE])

    def _sorted(self, longitudes: Floats, latitudes: Floats) -> tuple[Ints, Ints]:
        order = np.argsort(longitudes, kind="stable")
        sorted_longitudes = longitudes[order]
        # Positions are fewer than boxes, and those between two meridians lie beside each other once they are in order.
        first = np.searchsorted(sorted_longitudes, self._west, side="left")
        last = np.searchsorted(sorted_longitudes, self._east, side="right")
        boxes, within = _expanded(np.maximum(last - first, 0))
        at = order[first[boxes] + within]
        y = latitudes[at]
        held = (self._south[boxes] <= y) & (y <= self._north[boxes])
        return at[held], boxes[held]


class _Edges:
    """The edges of many rings, and which of them reach into each slab of latitude: only these tell on which side a position lies."""

    def __init__(self, rings: Sequence[Ring]) -> None:
        corners = [np.array(ring, dtype=np.float64).reshape(-1, 2) for ring in rings]
        self._x0, self._y0 = _columns([ring[:-1] for ring in corners])
        self._x1, self._y1 = _columns([ring[1:] for ring in corners])
        self._south = np.array([ring[:, 1].min() for ring in corners], dtype=np.float64)
        slabs = [_slabs(ring[:, 1]) for ring in corners]
        self._scale = np.array([scale for scale, _, _ in slabs], dtype=np.float64)
        self._many = np.array([len(counts) for _, counts, _ in slabs], dtype=np.int64)
        self._first_slab = np.cumsum(self._many) - self._many
        self._counts = np.concatenate([counts for _, counts, _ in slabs] or [_NONE])
        self._starts = np.cumsum(self._counts) - self._counts
        before = np.cumsum([0, *(len(ring) - 1 for ring in corners)])
        self._listed: Ints = np.concatenate(
            [listed + first for (_, _, listed), first in zip(slabs, before, strict=False)] or [_NONE]
        ).astype(np.int64)

    def sides(self, rings: Ints, x: Floats, y: Floats) -> Ints:
        """For each ring and the position beside it: 1 inside, 0 on the ring, -1 outside (even-odd rule)."""
        slab = _slab(y, self._south[rings], self._scale[rings], self._many[rings])
        chosen = self._first_slab[rings] + slab
        counts = self._counts[chosen]
        found = np.empty(len(rings), dtype=np.int64)
        for some in _portions(counts):
            asked, within = _expanded(counts[some])
            edges = self._listed[self._starts[chosen[some]][asked] + within]
            found[some] = self._sides(edges, asked, x[some], y[some])
        return found

    def _sides(self, edges: Ints, asked: Ints, longitudes: Floats, latitudes: Floats) -> Ints:
        x, y = longitudes[asked], latitudes[asked]
        x0, y0, x1, y1 = self._x0[edges], self._y0[edges], self._x1[edges], self._y1[edges]
        # A corner, or an edge that runs due east or west.
        on = ((x0 == x) & (y0 == y)) | ((y0 == y) & (y1 == y) & ((x0 < x) != (x1 < x)))
        above = y1 > y
        at = np.flatnonzero((y0 > y) != above)
        first = (x0[at] - x[at]) * (y1[at] - y[at])
        second = (y0[at] - y[at]) * (x1[at] - x[at])
        turns = first - second
        for unsure in np.flatnonzero(np.abs(turns) <= _SURE * (np.abs(first) + np.abs(second)) + _TINY):
            here = at[unsure]
            turns[unsure] = _turn(*(float(column[here]) for column in (x0, y0, x1, y1, x, y)))
        east = at[(turns > 0) == above[at]]
        inside = np.bincount(asked[east], minlength=len(longitudes)) % 2 == 1
        found = np.where(inside, 1, -1)
        found[asked[on]] = 0
        found[asked[at[turns == 0]]] = 0
        return found


def box_of(shape: Polygon | Circle, rings: list[Ring] | None = None) -> tuple[float, float, float, float]:
    """West, south, east and north of what surely holds a shape; of a circle that comes near a pole, every longitude."""
    if isinstance(shape, Polygon):
        outer = (rings or rings_of(shape))[0]
        return min(x for x, _ in outer), min(y for _, y in outer), max(x for x, _ in outer), max(y for _, y in outer)
    _, along = metres_per_degree(0.0)  # the fewest metres to a degree of latitude
    tall = shape.radius / along
    south, north = shape.latitude - tall, shape.latitude + tall
    furthest = max(abs(south), abs(north))
    wide = 180.0 if furthest > 89 else shape.radius / metres_per_degree(furthest)[0]
    return shape.longitude - wide, south, shape.longitude + wide, north


def _short_way(degrees: float) -> float:
    return (degrees + 180) % 360 - 180


def _expanded(counts: Ints) -> tuple[Ints, Ints]:
    """For 2, 0, 3: 0, 0, 2, 2, 2 and 0, 1, 0, 1, 2."""
    numbers = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return numbers, np.arange(len(numbers)) - starts[numbers]


def _portions(counts: Ints) -> Iterator[slice]:
    """Slices whose counts sum up to some `_EDGES`."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, done + _EDGES, side="right")))
        yield slice(start, end)
        start = end


def _columns(pieces: list[Floats]) -> tuple[Floats, Floats]:
    whole = np.concatenate([*pieces, np.zeros((0, 2))])
    return np.ascontiguousarray(whole[:, 0]), np.ascontiguousarray(whole[:, 1])


def _slab(y: Floats, south: Floats | float, scale: Floats | float, many: Ints | int) -> Ints:
    # Each step keeps the order of latitudes, so an edge is in the slab of every latitude that it reaches.
    return np.clip(np.floor((y - south) * scale), 0, np.asarray(many) - 1).astype(np.int64)


def _slabs(y: Floats) -> tuple[float, Ints, Ints]:
    """Slabs of a ring: how many to a degree, how many edges each has, and these edges, slab after slab."""
    low, high = np.minimum(y[:-1], y[1:]), np.maximum(y[:-1], y[1:])
    south, tall = float(y.min()), float(y.max() - y.min())
    many = max(1, len(low) // _PER_SLAB)
    while True:
        scale = many / tall if tall > 1e-9 else 0.0
        first, last = _slab(low, south, scale, many), _slab(high, south, scale, many)
        # Long edges reach into many slabs; what is listed stays in proportion to the ring.
        if many == 1 or int((last - first).sum()) <= 3 * len(low):
            break
        many //= 2
    edges, within = _expanded(last - first + 1)
    slabs = first[edges] + within
    return scale, np.bincount(slabs, minlength=many), edges[np.argsort(slabs, kind="stable")]


def _turn(x0: float, y0: float, x1: float, y1: float, x: float, y: float) -> int:
    """On which side of an edge a position lies: 1 to its left, -1 to its right, 0 on it; exact."""
    east, north = Fraction(x), Fraction(y)
    found = (Fraction(x0) - east) * (Fraction(y1) - north) - (Fraction(y0) - north) * (Fraction(x1) - east)
    return (found > 0) - (found < 0)


def _to_ring(ring: Ring, longitude: float, latitude: float, scale: tuple[float, float]) -> float:
    """Metres to the nearest edge of a ring."""
    east, north = ((np.array(ring) - (longitude, latitude)) * scale).T
    along_x, along_y = np.diff(east), np.diff(north)
    squared = along_x * along_x + along_y * along_y
    share = -(east[:-1] * along_x + north[:-1] * along_y) / np.where(squared > 0, squared, 1.0)
    share = np.clip(share, 0.0, 1.0)
    return float(np.hypot(east[:-1] + share * along_x, north[:-1] + share * along_y).min())
