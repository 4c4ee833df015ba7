"""Which aircraft enter and leave which zones: positions in, alerts out. It warns; it decides nothing and cues nothing.

Where. An edge of a polygon is a straight line of longitude and latitude, as its format says (RFC 7946 section 3.1.1), so whether a
position lies inside is exact, down to the last bit (a turn of 360° over the antimeridian is rounded); the border belongs to the zone. (Who meant a great circle: it lies d² tan φ / 8R off,
2 m on 10 km at 47°, 210 m on 100 km.) Circles and distances are worked out on a plane that touches the WGS-84 ellipsoid there: off by
less than 0.1 % to 200 km, below 80° of latitude.

How high. What is known of a height is an interval in the reference of the limit: WGS-84 altitude and height above ground as they are; an
altitude against AMSL limits widened by how far the geoid lies from the ellipsoid anywhere (EGM96: -107…+86 m), for no geoid is held
here; a height above take-off against AGL limits widened by `TERRAIN`. Anything else is not compared. An aircraft that may be within the
limits is taken to be, and the alert says `height_known` false unless it surely is.

When. A zone that begins to apply around an aircraft is entered at the next position, one that ceases to apply is left at it.

Jitter. A zone is entered with the first position inside. It is left when a position lies more than `MARGIN` beyond its border or
`VERTICAL_MARGIN` beyond its limits, or when no position was inside for `PATIENCE`; so what hovers at the border makes at most one pair
of alerts in that time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from kizuna.formats.outline import metres_per_degree, rings_of
from kizuna.formats.zone import Circle, Limit, Volume, Zone, applies

MARGIN = 30.0
"""Metres; Remote ID positions are mostly better than 10 m (95 %)."""
VERTICAL_MARGIN = 20.0
"""Metres."""
PATIENCE = 15.0
"""Seconds."""
TERRAIN = 50.0
"""Metres by which the ground below an aircraft is taken to differ from that at its take-off; more in mountains."""
GEOID = (-107.0, 86.0)
"""Metres of the geoid above the WGS-84 ellipsoid: lowest and highest anywhere (EGM96)."""

Floats = NDArray[np.float64]
Interval = tuple[float, float]

_ANY: Interval = (-math.inf, math.inf)
# Shewchuk 1997, section 4.2: a determinant of two products that is larger than this share of them has the right sign.
_SURE = 3.3306690738754716e-16
_TINY = 1e-290  # products below it lose digits


class Position(msgspec.Struct, frozen=True):
    """Where a track was: microseconds, degrees, metres; `height_reference` is a word of `remote_id.fields.HEIGHT_REFERENCES`."""

    track: str
    time: int
    latitude: float
    longitude: float
    altitude: float | None = None
    """Above the WGS-84 ellipsoid."""
    height: float | None = None
    height_reference: str = "above-take-off"


class Alert(msgspec.Struct, frozen=True):
    """A track entered or left a zone."""

    kind: Literal["enter", "leave"]
    zone: Zone
    track: str
    time: int
    height_known: bool
    """Whether it surely was between the zone's limits; of a leave, when it was last inside."""


class _Stay(msgspec.Struct):
    """A track in a zone: when a position was last inside."""

    inside: int
    height_known: bool


class Watch:
    """Zones that are watched, and which tracks are in which of them.

    Positions of a track come in order of time; older ones, and what is no place on Earth, are passed over.
    """

    def __init__(
        self,
        zones: Iterable[Zone],
        *,
        margin: float = MARGIN,
        vertical_margin: float = VERTICAL_MARGIN,
        patience: float = PATIENCE,
        terrain: float = TERRAIN,
    ) -> None:
        self._zones = list(zones)
        self._margin = margin
        self._vertical_margin = vertical_margin
        self._patience = int(patience * 1_000_000)
        self._terrain = terrain
        self._areas = [[_Area(volume) for volume in zone.volumes] for zone in self._zones]
        self._boxes = _Boxes([area.box for areas in self._areas for area in areas])
        self._zone_of = [number for number, areas in enumerate(self._areas) for _ in areas]
        self._stays: dict[str, dict[int, _Stay]] = {}
        self._last: dict[str, int] = {}

    def seen(self, positions: Iterable[Position]) -> list[Alert]:
        """What positions lead to, in their order."""
        return [alert for position in positions for alert in self._seen(position)]

    def ended(self, track: str, time: int) -> list[Alert]:
        """A track is no longer received: it leaves what it was in."""
        self._last.pop(track, None)
        stays = self._stays.pop(track, {})
        return [Alert("leave", self._zones[number], track, time, stay.height_known) for number, stay in stays.items()]

    def inside(self, track: str) -> list[Zone]:
        """The zones a track is in."""
        return [self._zones[number] for number in self._stays.get(track, {})]

    def _seen(self, position: Position) -> Iterator[Alert]:
        if not (abs(position.latitude) <= 90 and abs(position.longitude) <= 180):
            return
        if position.time < self._last.get(position.track, position.time):
            return
        self._last[position.track] = position.time
        near = self._boxes.around(position.longitude, position.latitude)
        stays = self._stays.get(position.track)
        if not near and not stays:
            return
        candidates = dict.fromkeys([*(stays or ()), *(self._zone_of[number] for number in near)])
        for number in candidates:
            yield from self._compare(number, position)

    def _compare(self, number: int, position: Position) -> Iterator[Alert]:
        stays = self._stays.setdefault(position.track, {})
        zone, stay = self._zones[number], stays.get(number)
        within = self._within(number, position) if applies(zone, position.time) else None
        if within is not None:
            if stay is None:
                stays[number] = _Stay(position.time, within)
                yield Alert("enter", zone, position.track, position.time, within)
            else:
                stay.inside, stay.height_known = position.time, within
        elif stay is not None and self._has_left(number, stay, position):
            del stays[number]
            yield Alert("leave", zone, position.track, position.time, stay.height_known)
        if not stays:
            del self._stays[position.track]

    def _within(self, number: int, position: Position) -> bool | None:
        """Whether it is surely in one of the volumes; None where it is in none."""
        found: bool | None = None
        for area in self._areas[number]:
            if area.holds(position.longitude, position.latitude):
                low, high = area.beyond(position, self._terrain)
                if low <= 0:
                    found = bool(found) or high <= 0
        return found

    def _has_left(self, number: int, stay: _Stay, position: Position) -> bool:
        if not applies(self._zones[number], position.time) or position.time - stay.inside >= self._patience:
            return True
        return all(
            area.beyond(position, self._terrain)[0] > self._vertical_margin
            or area.distance(position.longitude, position.latitude) > self._margin
            for area in self._areas[number]
        )


class _Boxes:
    """Which of many boxes a position lies in. A box is west, south, east, north; what reaches over 180° is there twice."""

    def __init__(self, boxes: list[tuple[float, float, float, float]]) -> None:
        both = [
            (number, west + turn, south, east + turn, north)
            for number, (west, south, east, north) in enumerate(boxes)
            for turn in (-360, 0, 360)
            if west + turn <= 180 and east + turn >= -180
        ]
        both.sort(key=lambda box: box[2])
        self._numbers = [box[0] for box in both]
        edges: Floats = np.array([box[1:] for box in both], dtype=np.float64).reshape(-1, 4)
        self._west, self._south, self._east, self._north = (np.ascontiguousarray(column) for column in edges.T)

    def around(self, longitude: float, latitude: float) -> list[int]:
        """The numbers of the boxes that hold a position."""
        # They are in the order of their southern edges, so those that begin further north need no look.
        end = int(np.searchsorted(self._south, latitude, side="right"))
        hits = (self._north[:end] >= latitude) & (self._west[:end] <= longitude) & (self._east[:end] >= longitude)
        return [self._numbers[at] for at in np.flatnonzero(hits).tolist()]


class _Area:
    """A volume made ready: its box, and its edges as columns."""

    def __init__(self, volume: Volume) -> None:
        self._circle = volume.shape if isinstance(volume.shape, Circle) else None
        self._lower, self._upper = volume.lower, volume.upper
        self._rings: list[tuple[Floats, Floats]] = []
        if self._circle is not None:
            self.box = _around(self._circle)
            return
        for ring in rings_of(volume.shape):
            columns = np.array(ring, dtype=np.float64).T
            self._rings.append((np.ascontiguousarray(columns[0]), np.ascontiguousarray(columns[1])))
        x, y = self._rings[0]
        self.box = (float(x.min()), float(y.min()), float(x.max()), float(y.max()))

    def holds(self, longitude: float, latitude: float) -> bool:
        """Whether a position lies within the outline or on it."""
        if self._circle is not None:
            return self.distance(longitude, latitude) <= 0
        longitude = self._near(longitude)
        outer = _side(*self._rings[0], longitude, latitude)
        return outer >= 0 and all(_side(*hole, longitude, latitude) <= 0 for hole in self._rings[1:])

    def distance(self, longitude: float, latitude: float) -> float:
        """Metres to the outline; 0 inside."""
        if self._circle is not None:
            across, along = metres_per_degree((latitude + self._circle.latitude) / 2)
            turned = (longitude - self._circle.longitude + 180) % 360 - 180
            gone = math.hypot(turned * across, (latitude - self._circle.latitude) * along)
            return max(0.0, gone - self._circle.radius)
        if self.holds(longitude, latitude):
            return 0.0
        scale = metres_per_degree(latitude)
        longitude = self._near(longitude)
        return min(_to_ring(*ring, longitude, latitude, scale) for ring in self._rings)

    def beyond(self, position: Position, terrain: float) -> Interval:
        """By how much at least and at most the height lies beyond the limits: metres, not above 0 between them."""
        least, most = -math.inf, -math.inf
        for limit, sign in ((self._lower, -1), (self._upper, 1)):
            if limit is not None:
                gaps = [sign * (height - limit.metres) for height in _height(position, limit, terrain)]
                least, most = max(least, min(gaps)), max(most, max(gaps))
        return least, most

    def _near(self, longitude: float) -> float:
        """The longitude in the turn that is nearest to the middle of the outline; as it is where it can be."""
        west, _, east, _ = self.box
        if west <= longitude <= east:
            return longitude
        return min((longitude, longitude + 360, longitude - 360), key=lambda x: abs(x - (west + east) / 2))


def _around(circle: Circle) -> tuple[float, float, float, float]:
    """A box that surely holds a circle: every longitude where it comes near a pole."""
    _, along = metres_per_degree(0.0)  # the fewest metres to a degree of latitude
    tall = circle.radius / along
    south, north = circle.latitude - tall, circle.latitude + tall
    furthest = max(abs(south), abs(north))
    if furthest > 89:
        return -180.0, south, 180.0, north
    across, _ = metres_per_degree(furthest)
    wide = circle.radius / across
    return circle.longitude - wide, south, circle.longitude + wide, north


def _height(position: Position, limit: Limit, terrain: float) -> Interval:
    """What is known of a height in the reference of a limit."""
    if limit.reference == "agl":
        known, low, high = position.height, -terrain, terrain
        if position.height_reference == "above-ground":
            low = high = 0.0
    else:
        known, low, high = position.altitude, 0.0, 0.0
        if limit.reference == "amsl":
            low, high = -GEOID[1], -GEOID[0]
    return _ANY if known is None or not math.isfinite(known) else (known + low, known + high)


def _side(x: Floats, y: Floats, longitude: float, latitude: float) -> int:
    """1 inside a closed ring, 0 on it, -1 outside, exactly: by the number of edges to the east of the position (even-odd rule)."""
    if bool(((x == longitude) & (y == latitude)).any()) or _on_a_parallel(x, y, longitude, latitude):
        return 0
    reached = y > latitude
    at = np.flatnonzero(reached[:-1] != reached[1:])
    first = (x[at] - longitude) * (y[at + 1] - latitude)
    second = (y[at] - latitude) * (x[at + 1] - longitude)
    turns = first - second
    for unsure in np.flatnonzero(np.abs(turns) <= _SURE * (np.abs(first) + np.abs(second)) + _TINY):
        turns[unsure] = _turn(x, y, int(at[unsure]), longitude, latitude)
    if bool((turns == 0).any()):
        return 0
    east = np.count_nonzero((turns > 0) == reached[at + 1])
    return 1 if east % 2 else -1


def _on_a_parallel(x: Floats, y: Floats, longitude: float, latitude: float) -> bool:
    """Whether a position lies on an edge that runs due east or west."""
    level = y == latitude
    at = np.flatnonzero(level[:-1] & level[1:])
    return bool(((x[at] < longitude) != (x[at + 1] < longitude)).any())


def _turn(x: Floats, y: Floats, at: int, longitude: float, latitude: float) -> int:
    """On which side of one edge a position lies: 1 to its left, -1 to its right, 0 on it; exact."""
    east, north = Fraction(longitude), Fraction(latitude)
    x0, x1 = Fraction(float(x[at])) - east, Fraction(float(x[at + 1])) - east
    y0, y1 = Fraction(float(y[at])) - north, Fraction(float(y[at + 1])) - north
    found = x0 * y1 - y0 * x1
    return (found > 0) - (found < 0)


def _to_ring(x: Floats, y: Floats, longitude: float, latitude: float, scale: tuple[float, float]) -> float:
    """Metres to the nearest edge of a ring, on the plane that touches the ellipsoid at the position."""
    east, north = (x - longitude) * scale[0], (y - latitude) * scale[1]
    along_x, along_y = np.diff(east), np.diff(north)
    squared = along_x * along_x + along_y * along_y
    share = -(east[:-1] * along_x + north[:-1] * along_y) / np.where(squared > 0, squared, 1.0)
    share = np.clip(share, 0.0, 1.0)
    return float(np.hypot(east[:-1] + share * along_x, north[:-1] + share * along_y).min())
