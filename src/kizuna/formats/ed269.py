"""UAS geographical zones as EUROCAE ED-269 (chapter 8) writes them in JSON: `features`, or `UASZoneList`, of UASZoneVersion.

What is wrong with one zone is told with its item and path, that zone is left out whole, and the rest of the file goes on: half of a
zone would warn of half of what it should. Names are not read case by case, members that this reader does not know are passed over, but a
member that it reads and that is there twice is a fault. Where the standard leaves room, or publishers left it:

- `uomDimensions` counts for both limits and the radius of a circle; feet are international feet;
- a limit of 99999 is none: that is how publishers write "unlimited", whatever the unit; what has no limit needs no reference;
- a third number of a position (its height) is passed over;
- an end of the day at 23:59 is midnight, for the standard's times know no 24:00;
- a `permanent` period has no start and no end; a schedule holds in it all the same;
- a byte order mark before the text is passed over.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast, get_args

import msgspec

from kizuna.clock import from_text
from kizuna.errors import InvalidInput, TooLarge
from kizuna.formats.zone import (
    DAY,
    DAYS,
    HEIGHT,
    POINTS,
    Circle,
    Daily,
    Day,
    Limit,
    Period,
    Polygon,
    Position,
    Reason,
    Reference,
    Restriction,
    Volume,
    Zone,
    circle_fault,
    limits_fault,
    period_faults,
    ring_fault,
    text_fault,
)
from kizuna.stix.i_json import Repeated, pairs_of

SIZE = 1 << 26  # bytes
VALUES = 8_000_000  # of JSON; bounds memory
FEATURES = 50_000
PROBLEMS = 1_000  # told; further ones are counted only

UNLIMITED = 99_999
FOOT = 0.3048  # metres

_LISTS = ("features", "UASZoneList")
_LONG = 40  # characters; a longer number is read as a fraction
_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(?:Z|([+-])(\d\d):?(\d\d))", re.ASCII)
_RESTRICTIONS: tuple[Restriction, ...] = get_args(Restriction)
_REASONS: tuple[Reason, ...] = get_args(Reason)
_REFERENCES: tuple[Reference, ...] = get_args(Reference)

_T = TypeVar("_T")
_P = ParamSpec("_P")


class Reading(msgspec.Struct, frozen=True):
    """The zones of a file, what was wrong with the others, and how many these are."""

    zones: tuple[Zone, ...]
    problems: tuple[InvalidInput, ...] = ()
    refused: int = 0


def read_zones(data: bytes, *, file: str | None = None) -> Reading:
    """Read a file of zones. Raises TooLarge, or InvalidInput where it is no such file at all."""
    features, key = _features(data, file)
    zones: list[Zone] = []
    problems: list[InvalidInput] = []
    refused = 0
    for item, feature in enumerate(features):
        reader = _Feature(file, item, f"$.{key}[{item}]")
        zone = reader.read(feature)
        if zone is None or reader.problems:
            refused += 1
            problems += reader.problems[: PROBLEMS - len(problems)]
        else:
            zones.append(zone)
    return Reading(tuple(zones), tuple(problems), refused)


def _features(data: bytes, file: str | None) -> tuple[list[Any], str]:
    if len(data) > SIZE:
        raise TooLarge(f"zones of more than {SIZE:,} bytes", file=file)
    if data.count(b",") + data.count(b"[") + data.count(b"{") > VALUES:
        raise TooLarge(f"zones of more than {VALUES:,} values", file=file)
    document = _decoded(data, file)
    key = next((key for key in _LISTS if isinstance(document, dict) and key in document), None)
    if key is None or not isinstance(document[key], list):
        raise InvalidInput("no ED-269 zones: no list of features", file=file, path="$")
    if isinstance(document, Repeated):
        raise InvalidInput(f"a repeated key: {sorted(document.repeated)[0][:60]!r}", file=file, path="$")
    if len(document[key]) > FEATURES:
        raise TooLarge(f"more than {FEATURES:,} zones", file=file, path=f"$.{key}")
    return document[key], key


def _decoded(data: bytes, file: str | None) -> Any:
    try:
        return _decoder.decode(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidInput(f"not UTF-8: byte {error.start}", file=file) from None
    except RecursionError:
        raise InvalidInput("not JSON that can be read: nested too deep", file=file) from None
    except json.JSONDecodeError as error:
        raise InvalidInput(f"not JSON: {error.msg}", file=file, path=f"line {error.lineno}") from None


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= _LONG else float(text)


# NaN and Infinity are no JSON. They are read as what they say, so that only the zone that holds them is refused: no check lets them by.
_decoder = json.JSONDecoder(object_pairs_hook=pairs_of, parse_int=_integer)


class _Unfit(Exception):
    """This part of a zone cannot be read; its problem is noted."""


class _Feature:
    """Reads one zone and notes all that is wrong with it."""

    def __init__(self, file: str | None, item: int, path: str) -> None:
        self.problems: list[InvalidInput] = []
        self._file = file
        self._item = item
        self._path = path
        self._points = 0

    def read(self, feature: Any) -> Zone | None:
        """The zone, or None; none is to be used where there are problems."""
        path = self._path
        if isinstance(feature, dict) and "properties" in feature:
            self._note("looks like ED-318, which is another format", path)
            return None
        kind = self._try(self._word, feature, "restriction", _RESTRICTIONS, path)
        identifier = self._try(self._text, feature, "identifier", path, required=True)
        country = self._try(self._text, feature, "country", path, required=True)
        texts = {key: self._try(self._text, feature, key, path) for key in ("name", "otherReasonInfo", "message")}
        conditions = self._try(self._conditions, feature)
        reasons = self._try(self._reasons, feature)
        volumes = self._each(feature, "geometry", self._volume, path)
        periods = self._each(feature, "applicability", self._period, path)
        if kind is None or identifier is None or country is None or self.problems:
            return None
        return Zone(
            identifier=identifier,
            country=country,
            restriction=kind,
            name=texts["name"],
            conditions=conditions or (),
            reasons=reasons or (),
            other_reason=texts["otherReasonInfo"],
            message=texts["message"],
            volumes=volumes,
            # A period without a limit is what no period says as well.
            periods=() if Period() in periods else periods,
        )

    def _note(self, message: str, path: str) -> None:
        self.problems.append(InvalidInput(message, file=self._file, item=self._item, path=path))

    def _fail(self, message: str, path: str) -> _Unfit:
        self._note(message, path)
        return _Unfit()

    def _try(self, read: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        try:
            return read(*args, **kwargs)
        except _Unfit:
            return None

    def _each(self, data: Any, key: str, read: Callable[[Any, str], _T], path: str) -> tuple[_T, ...]:
        """What is read of each member of a list that has some."""
        values = self._try(self._list, data, key, path)
        if values is None:
            return ()
        if not values:
            self._note("an empty list", f"{path}.{key}")
        found = [self._try(read, value, f"{path}.{key}[{at}]") for at, value in enumerate(values)]
        return tuple(one for one in found if one is not None)

    def _member(self, data: Any, key: str, path: str) -> Any:
        """A member of an object, None where it is absent or null."""
        if not isinstance(data, dict):
            raise self._fail("not an object", path)
        if isinstance(data, Repeated) and key in data.repeated:
            raise self._fail("a key that is there twice", f"{path}.{key}")
        return data.get(key)

    def _list(self, data: Any, key: str, path: str) -> list[Any]:
        value = self._member(data, key, path)
        if not isinstance(value, list):
            raise self._fail("missing" if value is None else "not a list", f"{path}.{key}")
        return value

    def _text(self, data: Any, key: str, path: str, *, required: bool = False) -> str | None:
        value = self._member(data, key, path)
        if value is None and not required:
            return None
        if not isinstance(value, str) or (required and not value.strip()):
            raise self._fail("missing" if value is None else "not a text", f"{path}.{key}")
        if (fault := text_fault(value)) is not None:
            raise self._fail(fault, f"{path}.{key}")
        return value.strip() or None

    def _word(self, data: Any, key: str, words: tuple[_T, ...], path: str) -> _T:
        return self._known(self._text(data, key, path, required=True), words, f"{path}.{key}")

    def _known(self, value: Any, words: tuple[_T, ...], path: str) -> _T:
        spelt = (
            value.lower().replace("_", "-").replace("authorization", "authorisation")
            if isinstance(value, str)
            else None
        )
        for word in words:
            if word == spelt:
                return word
        raise self._fail(f"not one of {', '.join(map(str, words))}: {str(value)[:40]!a}", path)

    def _number(self, data: Any, key: str, path: str) -> float | None:
        value = self._member(data, key, path)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise self._fail("not a number", f"{path}.{key}")
        return float(value)

    def _conditions(self, feature: Any) -> tuple[str, ...]:
        """One text or several: the standard and its examples differ."""
        path = f"{self._path}.restrictionConditions"
        value = self._member(feature, "restrictionConditions", self._path)
        texts = [] if value is None else [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise self._fail("neither a text nor a list of texts", path)
        for fault in filter(None, map(text_fault, texts)):
            raise self._fail(fault, path)
        return tuple(text.strip() for text in texts if text.strip())

    def _reasons(self, feature: Any) -> tuple[Reason, ...]:
        path = f"{self._path}.reason"
        value = self._member(feature, "reason", self._path)
        words = [] if value is None else [value] if isinstance(value, str) else value
        if not isinstance(words, list):
            raise self._fail("not a list", path)
        found = (self._known(word, _REASONS, f"{path}[{at}]") for at, word in enumerate(words) if word)
        return tuple(dict.fromkeys(found))

    def _volume(self, data: Any, path: str) -> Volume:
        unit = {"m": 1.0, "ft": FOOT}[self._word(data, "uomDimensions", ("m", "ft"), path)]
        shape = self._shape(self._member(data, "horizontalProjection", path), f"{path}.horizontalProjection", unit)
        lower = self._limit(data, "lower", path, unit)
        upper = self._limit(data, "upper", path, unit)
        if (fault := limits_fault(lower, upper)) is not None:
            raise self._fail(fault, path)
        return Volume(shape, lower, upper)

    def _limit(self, data: Any, which: str, path: str, unit: float) -> Limit | None:
        height = self._number(data, f"{which}Limit", path)
        if height is None or height >= UNLIMITED:
            return None
        if not abs(height * unit) <= HEIGHT:
            raise self._fail(f"a height beyond {HEIGHT:,.0f} m", f"{path}.{which}Limit")
        return Limit(height * unit, self._word(data, f"{which}VerticalReference", _REFERENCES, path))

    def _shape(self, data: Any, path: str, unit: float) -> Polygon | Circle:
        if self._word(data, "type", ("polygon", "circle"), path) == "polygon":
            rings = self._list(data, "coordinates", path)
            if not rings:
                raise self._fail("a polygon without a ring", f"{path}.coordinates")
            return Polygon(tuple(self._ring(ring, f"{path}.coordinates[{at}]") for at, ring in enumerate(rings)))
        longitude, latitude = self._position(self._list(data, "center", path), f"{path}.center")
        radius = self._number(data, "radius", path)
        if radius is None:
            raise self._fail("missing", f"{path}.radius")
        circle = Circle(longitude, latitude, radius * unit)
        if (fault := circle_fault(circle)) is not None:
            raise self._fail(fault, path)
        return circle

    def _ring(self, positions: Any, path: str) -> tuple[Position, ...]:
        if not isinstance(positions, list):
            raise self._fail("not a list", path)
        self._points += len(positions)
        if self._points > POINTS:
            raise self._fail(f"more than {POINTS:,} points", path)
        if all(type(at) is list and len(at) == 2 and type(at[0]) is type(at[1]) is float for at in positions):
            ring = cast("tuple[Position, ...]", tuple(map(tuple, positions)))  # the usual, and a tenth of the time
        else:
            ring = tuple(self._position(position, f"{path}[{at}]") for at, position in enumerate(positions))
        if (fault := ring_fault(ring)) is not None:
            raise self._fail(fault, path)
        return ring

    def _position(self, value: Any, path: str) -> Position:
        if not (isinstance(value, list) and 2 <= len(value) <= 3):
            raise self._fail("not a position: longitude and latitude", path)
        if not all(type(part) in (int, float) for part in value):
            raise self._fail("not a position: no numbers", path)
        return float(value[0]), float(value[1])

    def _period(self, data: Any, path: str) -> Period:
        permanent = self._word(data, "permanent", ("yes", "no"), path) == "yes"
        start, end = (self._moment(data, key, path) for key in ("startDateTime", "endDateTime"))
        if permanent and (start is not None or end is not None):
            raise self._fail("permanent, and begins or ends", path)
        listed = self._member(data, "schedule", path)
        schedule = self._each(data, "schedule", self._daily, path) if listed else ()
        period = Period(start, end, schedule)
        for place, fault in period_faults(period):
            raise self._fail(fault, f"{path}{place}")
        return period

    def _moment(self, data: Any, key: str, path: str) -> int | None:
        text = self._text(data, key, path)
        if text is None:
            return None
        try:
            return from_text(text)
        except ValueError:
            raise self._fail("not a moment with its time zone (RFC 3339)", f"{path}.{key}") from None

    def _daily(self, data: Any, path: str) -> Daily:
        words = self._list(data, "day", path)
        named = [self._known(word, (*DAYS, "any"), f"{path}.day[{at}]") for at, word in enumerate(words)]
        start, offset = self._time(data, "startTime", path)
        end, end_offset = self._time(data, "endTime", path)
        if end // 60 == DAY // 60 - 1:
            end = DAY
        if end_offset != offset:
            end = (end - end_offset + offset) % DAY
        days: tuple[Day, ...] = DAYS if "any" in named else tuple(day for day in DAYS if day in named)
        return Daily(days, start, end, offset)

    def _time(self, data: Any, key: str, path: str) -> tuple[int, int]:
        """Seconds since midnight, and how far that clock is ahead of UTC."""
        text = self._text(data, key, path, required=True) or ""
        found = _TIME.fullmatch(text)
        if found is None:
            raise self._fail("not a time of day with its time zone, such as 08:00Z", f"{path}.{key}")
        hour, minute, second = (int(part or 0) for part in found.groups()[:3])
        ahead = (int(found[5]) * 3600 + int(found[6]) * 60) * (-1 if found[4] == "-" else 1) if found[4] else 0
        if hour > 23 or minute > 59 or second > 59 or abs(ahead) > DAY * 18 // 24:
            raise self._fail("no time of day", f"{path}.{key}")
        return hour * 3600 + minute * 60 + second, ahead
