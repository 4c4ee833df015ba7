"""The newest position of a track as Cursor on Target 2.0 events (MITRE MP 090284), which TAK programs show.

The type says what flies, in the letters that CoT took from MIL-STD-2525: its only symbols of unmanned aircraft are below `A-M`, so the
`M` is where the symbol stands, not whose the aircraft is. Whose it is, is always `u`, unknown: what is received says nothing about intent,
and no finding makes it suspect or hostile; findings are told in the remarks.

`how` is `m-g`: it says where it is by its own satellite navigation. `hae` is above the WGS-84 ellipsoid, as CoT asks; other heights are
told in the remarks only. Unknown numbers are 9999999.0, as MP 090284 has it; how exact a place is (`ce`, `le`) is not known here. The
operator is an event of its own, linked to the aircraft. Every event is one line; ids are UUIDs made of the track's id, so that they stay.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Iterator
from datetime import timedelta
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from kizuna.clock import to_datetime
from kizuna.formats.outline import is_place
from kizuna.formats.track import Operator, Point, Track
from kizuna.formats.xml_text import one_line

# Never change it: the ids of events rest on it.
NAMESPACE = uuid.UUID("6a1f9a5e-7b0d-5e0e-9d57-0b6b9a4f3c21")

UNKNOWN = "9999999.0"
STALE = 60.0
"""Seconds after which an event no longer holds; Remote ID is sent every second."""

UNMANNED_ROTARY = "a-u-A-M-H-Q"
UNMANNED_FIXED = "a-u-A-M-F-Q"
OPERATOR = "a-u-G"

TYPES: dict[str, str] = {
    "aeroplane": UNMANNED_FIXED,
    "glider": UNMANNED_FIXED,
    "hybrid-lift": UNMANNED_FIXED,
    "free-balloon": "a-u-A-C-L",
    "captive-balloon": "a-u-A-C-L",
    "airship": "a-u-A-C-L",
    "free-fall-or-parachute": "a-u-A",
    "rocket": "a-u-A",
    "kite": "a-u-A",
    "ornithopter": "a-u-A",
    "ground-obstacle": "a-u-G",
}
"""By kind of aircraft; of any other, and where it is not said, `UNMANNED_ROTARY`."""


def write_cot(tracks: Iterable[Track], *, at: int | None = None, stale: float = STALE) -> bytes:
    """The events of some tracks, one a line, as a stream of them is sent."""
    return b"".join(event for track in tracks for event in events(track, at=at, stale=stale))


def events(track: Track, *, at: int | None = None, stale: float = STALE) -> Iterator[bytes]:
    """The event of a track and, where it is known, that of its operator; none where no position is known.

    `at` is when they are made (microseconds); without it, when the position was.
    """
    point = next((point for point in reversed(track.points) if is_place(point)), None)
    if point is None:
        return
    type = TYPES.get(track.aircraft, UNMANNED_ROTARY)
    own = _uid(track.id)
    event, detail = _event(own, type, point.time, at, stale)
    _point(event, point.latitude, point.longitude, point.altitude)
    _aircraft(detail, track, point)
    event.append(detail)
    yield _line(event)
    if track.operator is not None and is_place(track.operator):
        event, detail = _event(_uid(f"{track.id} operator"), OPERATOR, point.time, at, stale)
        _point(event, track.operator.latitude, track.operator.longitude, track.operator.altitude)
        _operator(detail, track, track.operator, own, type)
        event.append(detail)
        yield _line(event)


def _uid(text: str) -> str:
    return f"kizuna-{uuid.uuid5(NAMESPACE, text)}"


def _event(uid: str, type: str, measured: int, at: int | None, stale: float) -> tuple[Element, Element]:
    """An event without its place, and its details."""
    event = Element("event", {"version": "2.0", "uid": uid, "type": type, "how": "m-g"})
    event.set("time", _moment(measured if at is None else at))
    event.set("start", _moment(measured))
    event.set("stale", _moment(measured, stale))
    return event, Element("detail")


def _moment(us: int, seconds: float = 0.0) -> str:
    moment = to_datetime(us) + timedelta(seconds=seconds)
    return f"{moment.replace(tzinfo=None).isoformat('T', 'milliseconds')}Z"


def _point(event: Element, latitude: float, longitude: float, altitude: float | None) -> None:
    place = {
        "lat": f"{latitude:.7f}",
        "lon": f"{longitude:.7f}",
        "hae": _number(altitude),
        "ce": UNKNOWN,
        "le": UNKNOWN,
    }
    SubElement(event, "point", place)


def _number(value: float | None) -> str:
    return UNKNOWN if value is None or not math.isfinite(value) else f"{value:.2f}"


def _aircraft(detail: Element, track: Track, point: Point) -> None:
    SubElement(detail, "contact", {"callsign": one_line(track.name)})
    moving = {"course": point.direction, "speed": point.speed}
    known = {key: f"{value:.2f}" for key, value in moving.items() if value is not None and math.isfinite(value)}
    if known:
        SubElement(detail, "track", known)
    SubElement(detail, "remarks").text = one_line("; ".join(_remarks(track, point)))


def _remarks(track: Track, point: Point) -> Iterator[str]:
    # What weighs comes first: a long text is cut at its end.
    if track.findings:
        found = ", ".join(f"{finding.code} ({finding.weight:g})" for finding in track.findings)
        yield f"doubt {track.doubt:g}: {found}"
    yield f"aircraft {track.aircraft}, status {track.status}"
    if point.height is not None and math.isfinite(point.height):
        yield f"{point.height:g} m {track.height_reference}"
    if point.pressure_altitude is not None and math.isfinite(point.pressure_altitude):
        yield f"{point.pressure_altitude:g} m by pressure"
    for name in ("serial", "registration", "transmitter", "operator_id"):
        if (value := getattr(track, name)) is not None:
            yield f"{name} {value}"


def _operator(detail: Element, track: Track, operator: Operator, aircraft: str, type: str) -> None:
    SubElement(detail, "contact", {"callsign": one_line(f"{track.name} operator")})
    SubElement(detail, "link", {"uid": aircraft, "type": type, "relation": "p-p"})
    said = f"place of the operator: {operator.place}"
    if track.operator_id is not None:
        said += f"; operator_id {track.operator_id}"
    SubElement(detail, "remarks").text = one_line(said)


def _line(event: Element) -> bytes:
    # No declaration before each event: within a stream it would be no XML. UTF-8 is what XML is without one.
    return ElementTree.tostring(event, encoding="unicode").encode() + b"\n"
