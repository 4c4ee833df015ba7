"""Tracks and zones as GeoJSON (RFC 7946): a FeatureCollection that map programs open.

A track is a LineString, or a Point where it has one position; a line over the antimeridian is cut there into a MultiLineString. Positions
are [longitude, latitude], with the altitude above the WGS-84 ellipsoid behind them only where every point of the track has one. Times are
`coordTimes`, and `coordinateProperties.times` beside the other values of each position: the two ways in which map programs look for them
(togeojson before and since 5.0). Heights above different references stay apart there. Where a line is cut, two positions are worked out:
they have a time, and no values of their own. Texts are data: whoever shows them has to escape them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from kizuna.clock import to_text
from kizuna.formats.outline import crossings, cut_polygon, is_number, is_place, rings_of
from kizuna.formats.track import Operator, Point, Track
from kizuna.formats.zone import Circle, Volume, Zone, to_json

MEDIA_TYPE = "application/geo+json"

Json = dict[str, Any]

_VALUES = ("altitude", "pressure_altitude", "height", "speed", "direction", "vertical_speed")
_DIGITS = 7  # of a degree: 11 mm, what Remote ID resolves


def write_geojson(tracks: Iterable[Track], zones: Iterable[Zone] = ()) -> bytes:
    """A FeatureCollection of tracks, of the places of their operators, and of zones. A track without a position is left out."""
    features = [feature for track in tracks for feature in _features(track)]
    features += [_zone_feature(zone, number, volume) for zone in zones for number, volume in enumerate(zone.volumes)]
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def _features(track: Track) -> Iterator[Json]:
    points = [point for point in track.points if is_place(point)]
    if points:
        parts = _parts(points)
        solid = all(is_number(point.altitude) for point in points)
        lines = [[_position(point, solid) for point in part] for part in parts]
        yield _feature(_geometry(lines), _properties(track, parts), track.id)
    if track.operator is not None and is_place(track.operator):
        yield _operator_feature(track.operator, track)


def _parts(points: list[Point]) -> list[list[Point]]:
    """The points of each piece of the line, cut where it crosses the antimeridian."""
    parts: list[list[Point]] = [[]]
    cuts = {number: (share, edge) for number, share, edge in crossings([(p.longitude, p.latitude) for p in points])}
    for number, point in enumerate(points):
        parts[-1].append(point)
        if number in cuts:
            share, edge = cuts[number]
            parts[-1].append(_between(point, points[number + 1], share, edge))
            parts.append([_between(point, points[number + 1], share, -edge)])
    return parts


def _between(before: Point, after: Point, share: float, longitude: float) -> Point:
    altitude = None
    if before.altitude is not None and after.altitude is not None:
        altitude = before.altitude + share * (after.altitude - before.altitude)
    time = before.time + round(share * (after.time - before.time))
    latitude = before.latitude + share * (after.latitude - before.latitude)
    return Point(time, latitude, longitude, altitude=altitude)


def _position(point: Point, solid: bool) -> list[float]:
    place = [round(point.longitude, _DIGITS), round(point.latitude, _DIGITS)]
    return [*place, point.altitude] if solid and point.altitude is not None else place


def _geometry(lines: list[list[list[float]]]) -> Json:
    if len(lines) > 1:
        return {"type": "MultiLineString", "coordinates": lines}
    if len(lines[0]) > 1:
        return {"type": "LineString", "coordinates": lines[0]}
    return {"type": "Point", "coordinates": lines[0][0]}


def _properties(track: Track, parts: list[list[Point]]) -> Json:
    many = [[to_text(point.time) for point in part] for part in parts]
    times: Any = many if len(many) > 1 else many[0] if len(many[0]) > 1 else many[0][0]
    per_position: Json = {"times": times}
    for name in _VALUES:
        values = [[getattr(point, name) for point in part] for part in parts]
        if any(is_number(value) for part in values for value in part):
            per_position[f"{name}s"] = values if len(values) > 1 else values[0] if len(values[0]) > 1 else values[0][0]
    told = {
        "kind": "track",
        "name": track.name,
        "serial": track.serial,
        "registration": track.registration,
        "transmitter": track.transmitter,
        "operator_id": track.operator_id,
        "aircraft": track.aircraft,
        "status": track.status,
        "height_reference": track.height_reference,
    }
    return {
        **{key: value for key, value in told.items() if value is not None},
        "doubt": track.doubt,
        "findings": [
            {"code": f.code, "weight": f.weight, "since": to_text(f.since), "values": f.values} for f in track.findings
        ],
        "coordTimes": times,
        "coordinateProperties": per_position,
    }


def _operator_feature(operator: Operator, track: Track) -> Json:
    place = [round(operator.longitude, _DIGITS), round(operator.latitude, _DIGITS)]
    if operator.altitude is not None and is_number(operator.altitude):
        place.append(operator.altitude)
    told: Json = {"kind": "operator", "name": track.name, "track": track.id, "place": operator.place}
    if track.operator_id is not None:
        told["operator_id"] = track.operator_id
    return _feature({"type": "Point", "coordinates": place}, told, f"{track.id}/operator")


def _zone_feature(zone: Zone, number: int, volume: Volume) -> Json:
    """One volume of a zone: a polygon, or several where it lies on both sides of the antimeridian; a circle as a ring of corners."""
    polygons = cut_polygon(rings_of(volume.shape))
    coordinates = [[[[round(value, _DIGITS) for value in at] for at in ring] for ring in rings] for rings in polygons]
    told = {key: value for key, value in to_json(zone).items() if key != "volumes"} | {"kind": "zone"}
    limits = msgspec.to_builtins(volume)
    told |= {key: limits[key] for key in ("lower", "upper") if key in limits}
    if isinstance(volume.shape, Circle):
        told |= {"centre": [volume.shape.longitude, volume.shape.latitude], "radius": volume.shape.radius}
    geometry: Json = {"type": "MultiPolygon", "coordinates": coordinates}
    if len(coordinates) == 1:
        geometry = {"type": "Polygon", "coordinates": coordinates[0]}
    return _feature(geometry, told, f"{zone.country}/{zone.identifier}/{number}")


def _feature(geometry: Json, properties: Json, identifier: str) -> Json:
    return {"type": "Feature", "id": identifier, "geometry": geometry, "properties": properties}
