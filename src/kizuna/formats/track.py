"""The track of an aircraft as it is exchanged: what the formats of maps write, whoever measured it.

Three references of height are kept apart: above the WGS-84 ellipsoid, by air pressure, and above take-off or ground.
"""

from __future__ import annotations

import msgspec


class Point(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where it was at one moment: microseconds since 1970, degrees, metres, metres a second, degrees clockwise from true north."""

    time: int
    latitude: float
    longitude: float
    altitude: float | None = None
    """Above the WGS-84 ellipsoid."""
    pressure_altitude: float | None = None
    """By air pressure, against 1013.25 hPa."""
    height: float | None = None
    """Above take-off, or above ground where the track says so."""
    speed: float | None = None
    direction: float | None = None
    vertical_speed: float | None = None


class Operator(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where its operator, or its take-off, is said to be; `place` is one of take-off, live and fixed."""

    latitude: float
    longitude: float
    altitude: float | None = None
    place: str = "live"


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reason to doubt what was received: a code, its weight (1 is enough by itself), what it rests on, and since when."""

    code: str
    weight: float
    since: int
    values: dict[str, float | str] = {}


class Track(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The path of one aircraft over time, points in order of time."""

    id: str
    serial: str | None = None
    registration: str | None = None
    transmitter: str | None = None
    """Address of what sent it, such as 90:3a:e6:5b:c8:a8."""
    aircraft: str = "none"
    """Kind of aircraft, a word of `remote_id.fields.AIRCRAFT`."""
    operator_id: str | None = None
    operator: Operator | None = None
    status: str = "undeclared"
    """The last stated, a word of `remote_id.fields.STATUS`."""
    height_reference: str = "above-take-off"
    points: tuple[Point, ...]
    findings: tuple[Finding, ...] = ()
    doubt: float = 0.0
    """The weights of its findings together; from 1 on it is taken for spoofed."""

    @property
    def name(self) -> str:
        """What to call it: its serial number, registration, transmitter or id."""
        return self.serial or self.registration or self.transmitter or self.id
