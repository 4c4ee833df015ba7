"""Tracks as STIX 2.1, and back: who was there, what was observed of it, who saw it, and what is not to be believed.

The aircraft and its operator's station are identities of this node, the transmitter an observable; serial number, registration and
operator number in an extension are observed values, so what else knows them is found. The path is in an extension of the observed data.
What is said of the receiver, there and in the sighting, is for one's own organisation, and so is what would tell where it stands.
Identifiers follow from sensor and flight by a key of the node: who replays a capture once more changes nothing, and nobody else can
tell from an identifier what it is of.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec

from kizuna.clock import from_datetime, from_text, to_text
from kizuna.domains.air.flight import ENOUGH
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.truth.words import Language, outside, sentence
from kizuna.formats.track import Finding, Operator, Point, Track
from kizuna.labels import Label, own_only, parse_label, to_markings
from kizuna.stix.builtin import AIRCRAFT_EXTENSION, BUILTIN, DOUBT_EXTENSION, SENSOR_EXTENSION, TRACK_EXTENSION
from kizuna.stix.ids import sco_id

Json = dict[str, Any]

WORDS = "Remote ID track"
"""How observed data of this kind is found by search."""
SENSOR_WORDS = "Remote ID sensor"
ALWAYS = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z, the time of objects that state no more than names."""
SPOOFED_WORDS = "Spoofed Remote ID"
_NAMELESS = "of no maker"
"""Part of what identifiers follow from: an object that named its maker is another one, and no version of it may name none."""
_MOST_OBSERVED = 999_999_999
_MEASURES = ("altitude", "pressure_altitude", "height", "speed", "direction", "vertical_speed")


class Recorder:
    """Makes the objects of one sensor's tracks. `node` is the id of this node's identity. Raises UsageError for a label that is none."""

    def __init__(self, node: str, organisation: str, community: str | None, sensor: Sensor, key: bytes) -> None:
        self._node = node
        self._key = key
        self._sensor = sensor
        self._own = own_only(organisation)
        self._label = _label(sensor.label, organisation, community)
        self._sensor_label = _label(sensor.own_label, organisation, community) or self._own
        self._operator_label = _label(sensor.operator_label, organisation, community)
        self.sensor_id = self._id("identity", "sensor", sensor.name)

    def sensor(self, at: int) -> list[Json]:
        """The sensor itself, as of `at` (microseconds), behind the markings of its label."""
        settings = {key: value for key, value in msgspec.to_builtins(self._sensor).items() if key != "name"}
        data = {**self._object("identity", ("sensor",), ALWAYS, at, self._sensor_label), "id": self.sensor_id}
        data["created_by_ref"] = self._node
        data |= {"name": self._sensor.name, "description": SENSOR_WORDS, "identity_class": "system"}
        data["extensions"] = {
            SENSOR_EXTENSION: {"extension_type": "property-extension", "sensor": self._sensor.name, **settings}
        }
        return [*self._definitions(self._sensor_label), data]

    def flight(self, tracks: Sequence[Track], heard: Json, *, first: int, last: int) -> list[Json]:
        """All that is said of one flight, by its tracks; `heard` is what only the receiver knows (transmissions, signal, transmitters).

        `first` and `last` are when it was heard (microseconds): what is said of a flight that goes on is a new version each time.
        """
        main = tracks[0]
        last = max(last, *(track.points[-1].time for track in tracks))
        aircraft, transmitter = self._aircraft(main), self._transmitter(main)
        found = [*self._definitions(self._label, self._own, self._operator_label), transmitter, aircraft]
        observed = [self._observed(track, transmitter["id"], heard, last) for track in tracks]
        for track, one in zip(tracks, observed, strict=True):
            found += [one, self._sighting(track, aircraft["id"], one["id"])]
        if main.operator is not None:
            found += self._station(main, main.operator, aircraft["id"], first, last)
        if main.doubt >= ENOUGH:
            found += self._incident(main, (aircraft["id"], *(one["id"] for one in observed)), first, last)
        return found

    def with_maker(self, track: Track) -> str:
        """The identifier that observed data of a track had while it named its maker: what was kept so is not kept once more."""
        return self._id(
            "observed-data", self._sensor.name, track.id, *_marks(self._label).get("object_marking_refs", ())
        )

    def _aircraft(self, track: Track) -> Json:
        """What has these names and is of this kind has always been so: it is as old as all such, and never changes."""
        named = {"serial": track.serial, "registration": track.registration, "kind": track.aircraft}
        data = self._object(
            "identity", ("aircraft", track.name, *map(str, named.values())), ALWAYS, ALWAYS, self._label
        )
        data |= {"name": f"Aircraft {track.name}", "identity_class": "system"}
        data["extensions"] = {AIRCRAFT_EXTENSION: _extension(named)}
        return data

    def _transmitter(self, track: Track) -> Json:
        """The address it is sent by; where a transmission has none, what it calls itself, as an account."""
        if track.transmitter is not None:
            data: Json = {"type": "mac-addr", "spec_version": "2.1", "value": track.transmitter}
        else:
            data = {"type": "user-account", "spec_version": "2.1", "user_id": track.name, "account_type": "remote-id"}
        return {**data, "id": sco_id(data), **_marks(self._label)}

    def _observed(self, track: Track, transmitter: str, heard: Json, until: int) -> Json:
        first, last = track.points[0].time, track.points[-1].time
        data = self._object("observed-data", (self._sensor.name, track.id), first, until, self._label)
        count = min(len(track.points), _MOST_OBSERVED)
        data |= {"first_observed": _time(first), "last_observed": _time(last), "number_observed": count}
        data["object_refs"] = [transmitter]
        said = {
            "description": f"{WORDS} {track.name}",
            "serial": track.serial,
            "registration": track.registration,
            "transmitter": track.transmitter,
            "kind": track.aircraft,
            "operator_id": track.operator_id,
            "status": track.status,
            "height_reference": track.height_reference,
            "geometry": _geometry(track.points),
            "times": [to_text(point.time) for point in track.points],
            "measures": _measures(track.points),
            # Apart from where that is: a text that is withheld must not stand in what leaves, and heights are above take-off, too.
            "operator_place": None if track.operator is None else track.operator.place,
            "operator": None if track.operator is None else _operator(track.operator),
            "doubt": track.doubt,
            "findings": [_finding(one) for one in self._told(track)] or None,
            "receiver": {"sensor_ref": self.sensor_id, **heard, **self._measured_here(track)},
        }
        data["extensions"] = {TRACK_EXTENSION: _extension(said)}
        marks = [
            {"marking_ref": one["id"], "selectors": [f"extensions.{TRACK_EXTENSION}.receiver"]}
            for one in to_markings(self._own)
        ]
        places = [
            f"extensions.{TRACK_EXTENSION}.{name}" for name in ("operator", "operator_id") if said[name] is not None
        ]
        if self._operator_label is not None and places:
            marks += [{"marking_ref": one["id"], "selectors": places} for one in to_markings(self._operator_label)]
        data["granular_markings"] = marks
        return data

    def _sighting(self, track: Track, aircraft: str, observed: str) -> Json:
        first, last = track.points[0].time, track.points[-1].time
        data = self._object("sighting", (self._sensor.name, track.id), first, last, self._label)
        data |= {
            "first_seen": _time(first),
            "last_seen": _time(last + 1000),
            "count": min(len(track.points), _MOST_OBSERVED),
        }
        data |= {"sighting_of_ref": aircraft, "observed_data_refs": [observed], "where_sighted_refs": [self.sensor_id]}
        places = [{"marking_ref": one["id"], "selectors": ["where_sighted_refs"]} for one in to_markings(self._own)]
        data["granular_markings"] = places
        return data

    def _station(self, track: Track, operator: Operator, aircraft: str, first: int, last: int) -> Iterator[Json]:
        """Where it is flown from, as it states."""
        flight = track.id.rpartition("/")[0]
        label = self._operator_label or self._label
        station = self._object("identity", ("station", track.name, str(track.operator_id)), ALWAYS, ALWAYS, label)
        station |= {"name": f"Operator of {track.name}", "identity_class": "system"}
        station["extensions"] = {
            AIRCRAFT_EXTENSION: _extension({"operator_id": track.operator_id, "kind": "operator-station"})
        }
        place = self._object("location", (self._sensor.name, flight), first, last, label)
        place |= {"name": f"Operator of {track.name}, stated ({operator.place})"}
        place |= {"latitude": operator.latitude, "longitude": operator.longitude}
        yield from (station, place)
        yield self._related(station["id"], "located-at", place["id"], first, label)
        yield self._related(aircraft, "related-to", station["id"], ALWAYS, label)

    def _incident(self, track: Track, about: tuple[str, ...], first: int, last: int) -> Iterator[Json]:
        flight = track.id.rpartition("/")[0]
        data = self._object("incident", (self._sensor.name, flight), first, last, self._label)
        data |= {"name": f"{SPOOFED_WORDS}: {track.name}"}
        data |= {"lang": "en", "description": self._reasons(track, "en")}
        said = {"doubt": track.doubt, "findings": [_finding(one) for one in self._told(track)]}
        data["extensions"] = {DOUBT_EXTENSION: _extension(said)}
        yield data
        yield self._translated(data, track)
        for target in about:
            yield self._related(data["id"], "related-to", target, first, self._label)

    def _translated(self, incident: Json, track: Track) -> Json:
        """The incident in Japanese."""
        created, modified = (from_text(incident[name]) for name in ("created", "modified"))
        data = self._object("language-content", (incident["id"], incident["modified"]), created, modified, self._label)
        data |= {"object_ref": incident["id"], "object_modified": incident["modified"]}
        data["contents"] = {
            "ja": {"name": f"Remote ID のなりすまし: {track.name}", "description": self._reasons(track, "ja")}
        }
        return data

    def _told(self, track: Track) -> list[Finding]:
        """The reasons as they are told with the track."""
        return [outside(one, operator_closed=self._operator_label is not None) for one in track.findings]

    def _measured_here(self, track: Track) -> Json:
        """The reasons whose values are not told with the track, with these."""
        found = [_finding(one) for one, said in zip(track.findings, self._told(track), strict=True) if one != said]
        return {"findings": found} if found else {}

    def _reasons(self, track: Track, language: Language) -> str:
        return "\n".join(f"{one.weight:g}: {sentence(one, language)}" for one in self._told(track))

    def _related(self, source: str, kind: str, target: str, since: int, label: Label | None) -> Json:
        data = self._object("relationship", (source, kind, target), since, since, label)
        return data | {"relationship_type": kind, "source_ref": source, "target_ref": target}

    def _object(self, kind: str, of: tuple[str, ...], first: int, last: int, label: Label | None) -> Json:
        """An object by what it is of, and its label: under another label it is another object, not a version that contradicts the first.

        It names no maker: this node's identity is no object that is held, so what refers to it could leave in part only.
        """
        marks = _marks(label)
        id = self._id(kind, _NAMELESS, *of, *marks.get("object_marking_refs", ()))
        times = {"created": _time(first), "modified": _time(max(first, last))}
        return {"type": kind, "spec_version": "2.1", "id": id, **times, **marks}

    def _id(self, kind: str, *of: str) -> str:
        return keyed_id(self._key, kind, self._node, *of)

    def _definitions(self, *labels: Label | None) -> list[Json]:
        found = {one["id"]: one for label in labels if label is not None for one in to_markings(label)}
        return [one for id, one in found.items() if id not in BUILTIN]


def keyed_id(key: bytes, kind: str, *of: str) -> str:
    """An identifier that follows from what it is of, for who has the key alone; shaped as UUIDv4."""
    made = hmac.digest(key, "\x1f".join((kind, *of)).encode(), "sha256")[:16]
    return f"{kind}--{uuid.UUID(bytes=made, version=4)}"


class _Measured(msgspec.Struct):
    index: int
    altitude: float | None = None
    pressure_altitude: float | None = None
    height: float | None = None
    speed: float | None = None
    direction: float | None = None
    vertical_speed: float | None = None


class _Reason(msgspec.Struct):
    code: str
    weight: float
    since: Annotated[datetime, msgspec.Meta(tz=True)]
    values: dict[str, float | str] = {}


class _Line(msgspec.Struct):
    type: str
    coordinates: list[float | Annotated[list[float], msgspec.Meta(min_length=2)]]


class _Stated(msgspec.Struct):
    latitude: float
    longitude: float
    altitude: float | None = None
    place: str | None = None


class _Said(msgspec.Struct):
    """What is read of a track as it is exchanged; a partner may have written anything there."""

    geometry: _Line
    times: list[Annotated[datetime, msgspec.Meta(tz=True)]]
    measures: list[_Measured] | None = None
    findings: list[_Reason] | None = None
    doubt: float | None = None
    kind: str = "none"
    serial: str | None = None
    registration: str | None = None
    transmitter: str | None = None
    operator_id: str | None = None
    operator: _Stated | None = None
    operator_place: str | None = None
    status: str | None = None
    height_reference: str | None = None

    @property
    def places(self) -> list[list[float]]:
        """Longitude and latitude at each of its times; none where there is nothing to be drawn."""
        places: list[Any] = self.geometry.coordinates
        if self.geometry.type == "Point":
            places = [places] if len(places) > 1 and not any(isinstance(one, list) for one in places[:2]) else []
        elif not all(isinstance(one, list) for one in places):
            places = []
        return places if len(places) == len(self.times) else []


class _Extended(msgspec.Struct):
    extensions: dict[str, msgspec.Raw]


def is_track(raw: bytes) -> bool:
    """Whether observed data, as it is held, has a track to be drawn: as `track_of` finds, in a sixth of the time."""
    try:
        said = msgspec.json.decode(msgspec.json.decode(raw, type=_Extended).extensions[TRACK_EXTENSION], type=_Said)
    except (msgspec.DecodeError, LookupError):
        return False
    return bool(said.places)


def track_of(data: Json) -> Track | None:
    """The track in observed data, ours or a partner's, whole or in part; None where there is none to be drawn."""
    try:
        said = msgspec.convert(data["extensions"][TRACK_EXTENSION], _Said)
    except (msgspec.ValidationError, LookupError, TypeError):
        return None
    if not (places := said.places):
        return None
    measured = {one.index: one for one in said.measures or ()}
    points = (_point(from_datetime(time), place, measured.get(number))
              for number, (place, time) in enumerate(zip(places, said.times, strict=True)))  # fmt: skip
    findings = (Finding(one.code, one.weight, from_datetime(one.since), one.values) for one in said.findings or ())
    stated, operator = said.operator, None
    if stated is not None:
        place = stated.place or said.operator_place or "live"
        operator = Operator(stated.latitude, stated.longitude, stated.altitude, place)
    words = {name: value for name in _WORDS if (value := getattr(said, name)) is not None}
    return Track(
        id=data["id"], aircraft=said.kind, operator=operator, points=tuple(points), findings=tuple(findings), **words
    )


def _point(time: int, place: list[float], measured: _Measured | None) -> Point:
    values = () if measured is None else (getattr(measured, name) for name in _MEASURES)
    return Point(time, place[1], place[0], *values)


_WORDS = ("serial", "registration", "transmitter", "operator_id", "status", "height_reference", "doubt")


def sensor_of(data: Json) -> Sensor | None:
    """The sensor that an identity is; None where it is none."""
    extensions = data.get("extensions")
    said = extensions.get(SENSOR_EXTENSION) if isinstance(extensions, dict) else None
    try:
        return None if not isinstance(said, dict) else msgspec.convert({**said, "name": said.get("sensor")}, Sensor)
    except msgspec.ValidationError:
        return None


def _label(text: str | None, organisation: str, community: str | None) -> Label | None:
    return None if text is None else parse_label(text, originator=organisation, community=community)


def _marks(label: Label | None) -> Json:
    return {} if label is None else {"object_marking_refs": [one["id"] for one in to_markings(label)]}


def _extension(said: Json) -> Json:
    return {"extension_type": "property-extension", **{key: value for key, value in said.items() if value is not None}}


def _geometry(points: tuple[Point, ...]) -> Json:
    places = [[point.longitude, point.latitude] for point in points]
    return (
        {"type": "LineString", "coordinates": places}
        if len(places) > 1
        else {"type": "Point", "coordinates": places[0]}
    )


def _operator(said: Operator) -> Json:
    """Where the operator is, numbers alone."""
    found: Json = msgspec.to_builtins(said)
    found.pop("place", None)
    return found


def _measures(points: tuple[Point, ...]) -> list[Json] | None:
    """What is known of points beside place and time, with the index of each; STIX has no null."""
    found = []
    for index, point in enumerate(points):
        known = {name: value for name in _MEASURES if (value := getattr(point, name)) is not None}
        if known:
            found.append({"index": index, **known})
    return found or None


def _finding(one: Finding) -> Json:
    values = {"values": one.values} if one.values else {}
    return {"code": one.code, "weight": one.weight, "since": to_text(one.since), "text": sentence(one), **values}


def _time(at: int) -> str:
    return to_text(at // 1000 * 1000)
