"""Tracks and zones for tests: real places, and strategies that make many."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from kizuna.formats.track import Finding, Operator, Point, Track
from kizuna.formats.zone import (
    DAYS,
    Circle,
    Daily,
    Limit,
    Period,
    Polygon,
    Position,
    Volume,
    Zone,
    limits_fault,
    ring_fault,
)

START = 1_795_392_000_000_000
"""2026-11-23T00:00:00Z in microseconds."""
FIELD = (8.730, 47.198)
"""A field beside Lake Zurich: longitude and latitude."""


def point(second: float = 0, longitude: float = FIELD[0], latitude: float = FIELD[1], **more: Any) -> Point:
    """A position so many seconds after the start."""
    return Point(START + int(second * 1_000_000), latitude, longitude, **more)


def track(*points: Point, **more: Any) -> Track:
    """A track, with one position unless some are given."""
    return Track(**{"id": "track-1", "serial": "1588E040445AC0044181"} | more, points=points or (point(),))


FLIGHT = track(
    point(0, altitude=455.5, height=10.0, speed=5.25, direction=90.0),
    point(1, 8.7301, altitude=456.0, height=10.5, speed=5.0, direction=91.0, vertical_speed=0.5),
    point(2, 8.7302, 47.1981, altitude=456.5, height=11.0, pressure_altitude=440.0),
    aircraft="helicopter-or-multirotor",
    operator_id="CHE-demo",
    operator=Operator(47.1975, 8.7295, altitude=409.0, place="take-off"),
    status="airborne",
    findings=(Finding("same-id-two-places", 1.0, START, {"metres": 1200.5}), Finding("jumps", 0.25, START + 1_000_000)),
    doubt=1.25,
)


def square(west: float, south: float, east: float, north: float) -> tuple[Position, ...]:
    """A closed ring, counter-clockwise."""
    return ((west, south), (east, south), (east, north), (west, north), (west, south))


def zone(*volumes: Volume | Polygon | Circle, **more: Any) -> Zone:
    """A zone of some volumes; a shape alone is one without limits."""
    told: dict[str, Any] = {"identifier": "TST001", "country": "CHE", "restriction": "prohibited"} | more
    made = tuple(volume if isinstance(volume, Volume) else Volume(volume) for volume in volumes)
    return Zone(**told, volumes=made or (Volume(AROUND),))


AROUND = Polygon((square(8.72, 47.19, 8.74, 47.21),))
"""Some 1,500 by 2,200 m around the field."""

longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)
names = st.text(max_size=12) | st.sampled_from(
    ["<script>alert(1)</script>", "]]>", "a&b", "\x00\x1b[31m", "\u202egnp.exe", "</event>",
     '"', "'", "\ufffe", "ツ", "a\nb\tc", "GeoChat.x"]
)  # fmt: skip
measured = st.none() | st.floats(-1_000, 31_767, allow_nan=False)


@st.composite
def tracks(draw: st.DrawFn, *, most: int = 6) -> Track:
    """Tracks of any length, anywhere, with whatever is known."""
    times = sorted(draw(st.lists(st.integers(0, 86_400_000_000), min_size=0, max_size=most)))
    points = [
        Point(
            START + time, draw(latitudes), draw(longitudes), altitude=draw(measured), pressure_altitude=draw(measured),
            height=draw(measured), speed=draw(st.none() | st.floats(0, 254)), direction=draw(st.none() | st.floats(0, 359)),
            vertical_speed=draw(st.none() | st.floats(-62, 62)),
        )
        for time in times
    ]  # fmt: skip
    operator = draw(
        st.none() | st.builds(Operator, latitudes, longitudes, measured, st.sampled_from(["take-off", "live"]))
    )
    findings = draw(st.lists(st.builds(Finding, names, st.floats(0, 2), st.just(START)), max_size=2))
    return Track(
        id=draw(st.uuids().map(str)), serial=draw(st.none() | names), registration=draw(st.none() | names), points=tuple(points),
        operator=operator, operator_id=draw(st.none() | names), findings=tuple(findings), doubt=sum(f.weight for f in findings),
        aircraft=draw(st.sampled_from(["none", "aeroplane", "helicopter-or-multirotor", "airship", "other"])),
        height_reference=draw(st.sampled_from(["above-take-off", "above-ground"])),
    )  # fmt: skip


@st.composite
def rings(draw: st.DrawFn, *, around: Position | None = None, most: int = 8) -> tuple[Position, ...]:
    """Simple rings around a place, star-shaped; some cross the antimeridian."""
    x, y = around or (draw(longitudes), draw(st.floats(-80, 80)))
    count = draw(st.integers(3, most))
    reach = draw(st.lists(st.floats(0.01, 5), min_size=count, max_size=count))
    turned = [2 * math.pi * number / count for number in range(count)]
    ring = [(x + r * math.cos(a), y + r * math.sin(a)) for r, a in zip(reach, turned, strict=True)]
    made = tuple(((lon + 180) % 360 - 180, lat) for lon, lat in ring)
    return (*made, made[0])


limits = st.none() | st.builds(Limit, st.floats(-500, 30_000), st.sampled_from(["agl", "amsl", "wgs84"]))
polygons = rings().filter(lambda ring: ring_fault(ring) is None).map(lambda ring: Polygon((ring,)))
circles = st.builds(Circle, longitudes, st.floats(-80, 80), st.floats(1, 50_000))
volumes = st.builds(Volume, polygons | circles, limits, limits).filter(
    lambda volume: limits_fault(volume.lower, volume.upper) is None
)
dailies = st.builds(
    Daily,
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True).map(tuple),
    st.integers(0, 86_399),
    st.integers(0, 86_400),
    st.sampled_from([0, 3_600, -16_200, 45_900]),
)
moments = st.none() | st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
periods = st.builds(Period, moments, moments, st.lists(dailies, max_size=2).map(tuple)).filter(
    lambda period: period.start is None or period.end is None or period.start < period.end
)
zones = st.builds(
    Zone,
    identifier=names,
    country=st.sampled_from(["CHE", "JPN", "BEL"]),
    restriction=st.sampled_from(["prohibited", "req-authorisation", "conditional", "no-restriction"]),
    name=st.none() | names,
    conditions=st.lists(names, max_size=2).map(tuple),
    reasons=st.lists(st.sampled_from(["air-traffic", "nature"]), unique=True, max_size=2).map(tuple),
    message=st.none() | names,
    volumes=st.lists(volumes, min_size=1, max_size=2).map(tuple),
    periods=st.lists(periods, max_size=2).map(tuple),
)
