"""A geographical zone for unmanned aircraft: where, up to which heights, when, and what holds there; whoever published it.

Heights are metres with their reference; what is circle stays circle. As JSON it is plain data that a STIX extension can hold: keys in
lower case, no nulls, no empty lists, times as RFC 3339 texts (a year 9999 in microseconds is no I-JSON number).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal, get_args

import msgspec

from kizuna.clock import from_text, to_datetime, to_text
from kizuna.errors import InvalidInput

Restriction = Literal["prohibited", "req-authorisation", "conditional", "no-restriction"]
Reason = Literal[
    "air-traffic", "sensitive", "privacy", "population", "nature", "noise", "foreign-territory", "emergency", "other",
]  # fmt: skip
Reference = Literal["agl", "amsl", "wgs84"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

DAYS: tuple[Day, ...] = get_args(Day)
DAY = 86_400
"""Seconds."""
RADIUS = 1_000_000.0
"""Metres; a circle is no larger."""
HEIGHT = 1_000_000.0
"""Metres; no limit is further from zero."""
TEXT = 2_000
"""Characters of one text."""
POINTS = 100_000
"""Of one zone."""

Position = tuple[float, float]
"""Longitude and latitude in degrees, in the order of GeoJSON."""


class Limit(msgspec.Struct, frozen=True):
    """A height in metres above ground, mean sea level or the WGS-84 ellipsoid."""

    metres: float
    reference: Reference


class Polygon(msgspec.Struct, frozen=True, tag_field="type", tag="polygon"):
    """Closed rings, the outer one first and then its holes. An edge goes the short way round the Earth."""

    rings: tuple[tuple[Position, ...], ...]


class Circle(msgspec.Struct, frozen=True, tag_field="type", tag="circle"):
    """What is no further than `radius` metres from the centre."""

    longitude: float
    latitude: float
    radius: float


class Volume(msgspec.Struct, frozen=True, omit_defaults=True):
    """A shape between two heights; a limit that is None is none."""

    shape: Polygon | Circle
    lower: Limit | None = None
    upper: Limit | None = None


class Daily(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hours on some days of the week: seconds since midnight of a clock `offset` seconds ahead of UTC.

    An end that is not behind the start lies on the next day; the day is that of the start.
    """

    days: tuple[Day, ...]
    start: int
    end: int
    offset: int = 0


class Period(msgspec.Struct, frozen=True, omit_defaults=True):
    """From one moment until before another, in microseconds, and within that at these hours only; a part that is absent does not limit."""

    start: int | None = None
    end: int | None = None
    schedule: tuple[Daily, ...] = ()


class Zone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A zone and when it applies: in any of its periods, or always where it has none."""

    identifier: str
    country: str
    """ISO 3166-1 alpha-3."""
    restriction: Restriction
    name: str | None = None
    conditions: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    other_reason: str | None = None
    message: str | None = None
    volumes: tuple[Volume, ...]
    periods: tuple[Period, ...] = ()


def applies(zone: Zone, time: int) -> bool:
    """Whether a zone applies at a moment (microseconds)."""
    return not zone.periods or any(_in_period(period, time) for period in zone.periods)


def _in_period(period: Period, time: int) -> bool:
    begun = period.start is None or time >= period.start
    ended = period.end is not None and time >= period.end
    if ended or not begun:
        return False
    return not period.schedule or any(_in_hours(daily, time) for daily in period.schedule)


def _in_hours(daily: Daily, time: int) -> bool:
    local = time // 1_000_000 + daily.offset
    day, second = divmod(local, DAY)
    # 1970-01-01 was a Thursday.
    today, yesterday = DAYS[(day + 3) % 7], DAYS[(day + 2) % 7]
    if daily.start < daily.end:
        return today in daily.days and daily.start <= second < daily.end
    return (today in daily.days and second >= daily.start) or (yesterday in daily.days and second < daily.end)


def to_json(zone: Zone) -> dict[str, Any]:
    """A zone as plain JSON data."""
    made: dict[str, Any] = msgspec.to_builtins(zone)
    for period in made.get("periods", ()):
        for key in ("start", "end"):
            if key in period:
                period[key] = to_text(period[key])
    return made


def from_json(data: object, *, file: str | None = None, item: int | None = None) -> Zone:
    """The zone that `to_json` made this of. Raises InvalidInput with the path of the first fault."""
    try:
        zone = msgspec.convert(_with_moments(data), Zone)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        message, _, path = str(error).partition(" - at ")
        raise InvalidInput(f"not a zone: {message}", file=file, item=item, path=path.strip("`") or "$") from None
    for path, message in faults(zone):
        raise InvalidInput(message, file=file, item=item, path=path)
    return zone


def _with_moments(data: object) -> object:
    """The same with the moments of its periods as microseconds; what is no such text stays for the check of types."""
    if not (isinstance(data, dict) and isinstance(data.get("periods"), (list, tuple))):
        return data
    return data | {"periods": [_period_with_moments(period) for period in data["periods"]]}


def _period_with_moments(period: object) -> object:
    if not isinstance(period, dict):
        return period
    made = dict(period)
    for key in ("start", "end"):
        if key in made:
            made[key] = _moment(made[key])
    return made


def _moment(value: object) -> object:
    # A number would pass the check of types, so it is turned into what does not.
    if not isinstance(value, str):
        return repr(value)[:40]
    try:
        return from_text(value)
    except ValueError:
        return value


def faults(zone: Zone) -> Iterator[tuple[str, str]]:
    """What no zone can be, each with the path in its JSON."""
    for path, text in _texts(zone):
        if (fault := text_fault(text)) is not None:
            yield path, fault
    if not zone.volumes:
        yield "$.volumes", "a zone without a place"
    if sum(_points(volume.shape) for volume in zone.volumes) > POINTS:
        yield "$.volumes", f"more than {POINTS:,} points"
        return
    for number, volume in enumerate(zone.volumes):
        yield from _volume_faults(volume, f"$.volumes[{number}]")
    for number, period in enumerate(zone.periods):
        for place, fault in period_faults(period):
            yield f"$.periods[{number}]{place}", fault


def _texts(zone: Zone) -> Iterator[tuple[str, str]]:
    for key in ("identifier", "country", "name", "other_reason", "message"):
        if (text := getattr(zone, key)) is not None:
            yield f"$.{key}", text
    for number, text in enumerate(zone.conditions):
        yield f"$.conditions[{number}]", text


def _points(shape: Polygon | Circle) -> int:
    return 1 if isinstance(shape, Circle) else sum(map(len, shape.rings))


def _volume_faults(volume: Volume, path: str) -> Iterator[tuple[str, str]]:
    shape = volume.shape
    if isinstance(shape, Circle):
        if (fault := circle_fault(shape)) is not None:
            yield f"{path}.shape", fault
    else:
        if not shape.rings:
            yield f"{path}.shape.rings", "a polygon without a ring"
        for number, ring in enumerate(shape.rings):
            if (fault := ring_fault(ring)) is not None:
                yield f"{path}.shape.rings[{number}]", fault
    for key, limit in (("lower", volume.lower), ("upper", volume.upper)):
        if limit is not None and not abs(limit.metres) <= HEIGHT:
            yield f"{path}.{key}.metres", f"a height beyond {HEIGHT:,.0f} m"
    if (fault := limits_fault(volume.lower, volume.upper)) is not None:
        yield path, fault


def text_fault(text: str) -> str | None:
    """Why a text is none to keep, or None."""
    if len(text) > TEXT:
        return f"a text of more than {TEXT:,} characters"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "half of a surrogate pair"
    return None


def place_fault(longitude: float, latitude: float) -> str | None:
    """Why two numbers are no place, or None."""
    # Written so that not-a-number is none, either.
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        return f"no place: longitude {longitude}, latitude {latitude}"
    return None


def circle_fault(circle: Circle) -> str | None:
    """Why a circle is none, or None."""
    if not 0 < circle.radius <= RADIUS:
        return f"a radius is above 0 and at most {RADIUS:,.0f} m"
    return place_fault(circle.longitude, circle.latitude)


def ring_fault(ring: Sequence[Position]) -> str | None:
    """Why some positions are no closed ring (RFC 7946 section 3.1.6), or None."""
    for position in ring:
        if (fault := place_fault(*position)) is not None:
            return fault
    if len(ring) < 4:
        return "a ring of fewer than four positions"
    if ring[0] != ring[-1]:
        return "a ring that is not closed"
    if len(set(ring)) < 3:
        return "a ring of fewer than three different positions"
    steps = [(after[0] - before[0] + 180) % 360 - 180 for before, after in pairwise(ring)]
    if -180 in steps:
        return "an edge to the other side of the Earth, which goes neither east nor west"
    if abs(math.fsum(steps)) > 1:
        return "a ring around a pole"
    return None


def limits_fault(lower: Limit | None, upper: Limit | None) -> str | None:
    """Why two limits contradict each other, or None; heights above different references are not compared."""
    if lower is None or upper is None or lower.reference != upper.reference or lower.metres < upper.metres:
        return None
    return f"the lower limit, {lower.metres:g} m, is not below the upper, {upper.metres:g} m"


def period_faults(period: Period) -> Iterator[tuple[str, str]]:
    """What no period can be, each with its place in the JSON of it."""
    for key in ("start", "end"):
        try:
            if (moment := getattr(period, key)) is not None:
                to_datetime(moment)
        except OverflowError:
            yield f".{key}", "a moment outside of the years 1 to 9999"
    if period.start is not None and period.end is not None and period.start >= period.end:
        yield "", "it ends before it begins"
    for number, daily in enumerate(period.schedule):
        if not daily.days:
            yield f".schedule[{number}].days", "hours on no day"
        if not (0 <= daily.start < DAY and 0 <= daily.end <= DAY and abs(daily.offset) < DAY):
            yield f".schedule[{number}]", "no time of day"
