"""Which aircraft enter and leave which zones: positions in, alerts out. It warns; it decides nothing and cues nothing.

Where: see `outlines`.

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
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from kizuna.domains.air.outlines import Floats, Ints, Outlines
from kizuna.formats.zone import Limit, Reference, Volume, Zone, applies

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

_TOGETHER = 1_024  # positions
_REFERENCES: tuple[Reference, ...] = ("agl", "amsl", "wgs84")


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
    """A track in a zone: when a position was last inside, and whether its height was known then."""

    inside: int
    height_known: bool


class Watch:
    """Zones that are watched, and which tracks are in which of them.

    Positions of a track come in order of time; older ones, and what is no place on Earth, are passed over. A track that ends has to be
    told, or it is remembered. Give it all positions of a second at once: one by one they take twenty times as long.
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
        volumes = [volume for zone in self._zones for volume in zone.volumes]
        self._outlines = Outlines([volume.shape for volume in volumes])
        self._limits = _Limits(volumes)
        self._zone_of = [number for number, zone in enumerate(self._zones) for _ in zone.volumes]
        ends = accumulate(len(zone.volumes) for zone in self._zones)
        self._volumes_of = [range(end - len(zone.volumes), end) for zone, end in zip(self._zones, ends, strict=True)]
        self._stays: dict[str, dict[int, _Stay]] = {}
        self._last: dict[str, int] = {}

    def seen(self, positions: Iterable[Position]) -> list[Alert]:
        """What positions lead to, in their order."""
        places = (at for at in positions if abs(at.latitude) <= 90 and abs(at.longitude) <= 180)
        return [alert for some in _portions(places) for alert in self._together(some)]

    def ended(self, track: str, time: int) -> list[Alert]:
        """A track is no longer received: it leaves what it was in."""
        self._last.pop(track, None)
        stays = self._stays.pop(track, {})
        return [Alert("leave", self._zones[number], track, time, stay.height_known) for number, stay in stays.items()]

    def joined(self, track: str, into: str) -> None:
        """A track turned out to be of another one: that one is in all that it was in."""
        self._last[into] = max(self._last.pop(track, 0), self._last.get(into, 0))
        stays = self._stays.pop(track, {}) | self._stays.get(into, {})
        if stays:
            self._stays[into] = stays

    def inside(self, track: str) -> list[Zone]:
        """The zones a track is in."""
        return [self._zones[number] for number in self._stays.get(track, {})]

    def _together(self, positions: Sequence[Position]) -> Iterator[Alert]:
        within: list[dict[int, bool]] = [{} for _ in positions]
        for at, number, known in self._within(positions):
            found = within[at]
            found[number] = found.get(number, False) or known
        for position, zones in zip(positions, within, strict=True):
            if position.time >= self._last.get(position.track, position.time):
                self._last[position.track] = position.time
                if zones or position.track in self._stays:
                    yield from self._moved(position, zones)

    def _within(self, positions: Sequence[Position]) -> Iterator[tuple[int, int, bool]]:
        """Each position, each zone in one of whose volumes it may be, and whether it surely is."""
        x, y = np.array([(at.longitude, at.latitude) for at in positions], dtype=np.float64).T
        at, volumes = self._outlines.holding(np.ascontiguousarray(x), np.ascontiguousarray(y))
        if len(at):
            heights = np.array([_heights(position, self._terrain) for position in positions])
            least, most = self._limits.beyond(volumes, heights[at])
            may = np.flatnonzero(least <= 0)
            for here, volume, known in zip(
                at[may].tolist(), volumes[may].tolist(), (most[may] <= 0).tolist(), strict=True
            ):
                number = self._zone_of[volume]
                if applies(self._zones[number], positions[here].time):
                    yield here, number, known

    def _moved(self, position: Position, within: dict[int, bool]) -> Iterator[Alert]:
        stays = self._stays.setdefault(position.track, {})
        for number in [number for number in stays if number not in within]:
            if self._has_left(number, stays[number], position):
                known = stays.pop(number).height_known
                yield Alert("leave", self._zones[number], position.track, position.time, known)
        for number, known in within.items():
            if (stay := stays.get(number)) is not None:
                stay.inside, stay.height_known = position.time, known
            else:
                stays[number] = _Stay(position.time, known)
                yield Alert("enter", self._zones[number], position.track, position.time, known)
        if not stays:
            del self._stays[position.track]

    def _has_left(self, number: int, stay: _Stay, position: Position) -> bool:
        if not applies(self._zones[number], position.time) or position.time - stay.inside >= self._patience:
            return True
        return all(self._is_clear_of(volume, position) for volume in self._volumes_of[number])

    def _is_clear_of(self, volume: int, position: Position) -> bool:
        heights = np.array([_heights(position, self._terrain)])
        least, _ = self._limits.beyond(np.array([volume]), heights)
        if least[0] > self._vertical_margin:
            return True
        return self._outlines.distance(volume, position.longitude, position.latitude) > self._margin


class _Limits:
    """The limits of many volumes as columns; one that is none lies beyond everything."""

    def __init__(self, volumes: Sequence[Volume]) -> None:
        self._lower, self._lower_reference = _column([volume.lower for volume in volumes], -math.inf)
        self._upper, self._upper_reference = _column([volume.upper for volume in volumes], math.inf)

    def beyond(self, volumes: Ints, heights: Floats) -> tuple[Floats, Floats]:
        """By how much at least and at most heights lie beyond the limits: metres, not above 0 between them.

        `heights` is, for each volume, what is known by reference: lowest and highest.
        """
        each = np.arange(len(volumes))
        below = heights[each, self._lower_reference[volumes]]
        above = heights[each, self._upper_reference[volumes]]
        lower, upper = self._lower[volumes], self._upper[volumes]
        least = np.maximum(_gap(lower, below[:, 1]), _gap(above[:, 0], upper))
        most = np.maximum(_gap(lower, below[:, 0]), _gap(above[:, 1], upper))
        return least, most


def _gap(lower: Floats, upper: Floats) -> Floats:
    """How far the first lies above the second; where both lie beyond everything, it does not."""
    with np.errstate(invalid="ignore"):
        return np.where(lower == upper, 0.0, lower - upper)


def _column(limits: Sequence[Limit | None], none: float) -> tuple[Floats, NDArray[np.int64]]:
    metres = np.array([none if limit is None else limit.metres for limit in limits], dtype=np.float64)
    references = [0 if limit is None else _REFERENCES.index(limit.reference) for limit in limits]
    return metres, np.array(references, dtype=np.int64)


def _heights(position: Position, terrain: float) -> list[tuple[float, float]]:
    """What is known of a height by reference, in the order of `_REFERENCES`: lowest and highest."""
    unsure = 0.0 if position.height_reference == "above-ground" else terrain
    return [
        _interval(position.height, -unsure, unsure),
        _interval(position.altitude, -GEOID[1], -GEOID[0]),
        _interval(position.altitude, 0.0, 0.0),
    ]


def _interval(height: float | None, low: float, high: float) -> tuple[float, float]:
    if height is None or not math.isfinite(height):
        return -math.inf, math.inf
    return height + low, height + high


def _portions(positions: Iterable[Position]) -> Iterator[list[Position]]:
    source = iter(positions)
    while some := list(islice(source, _TOGETHER)):
        yield some
