"""Tracks and zones as KML 2.2 (OGC 07-147r2) with gx:Track of Google's extensions, for globes and map programs.

Heights. KML knows above ground and `absolute`, which is above mean sea level (EGM96), and no ellipsoid. So a track is shown

- `relativeToGround` where every point has a height above ground: exact;
- else `absolute` where every point has a WGS-84 altitude: off by how far the geoid lies from the ellipsoid, -107…+86 m; who knows it for
  the region gives it as `undulation` (metres the geoid lies above the ellipsoid, 47 around Bern) and it is subtracted;
- else `relativeToGround` where every point has a height above take-off: off by how far the ground here lies from that at take-off;
- else `clampToGround`.

The mode is told as data (`heights`), and all values stay as they were received in the arrays beside the track. Texts have no markup
(`xml_text.without_markup`), for programs show them as HTML.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from kizuna.clock import to_text
from kizuna.formats.outline import Ring, cut_polygon, is_number, is_place, rings_of
from kizuna.formats.track import Point, Track
from kizuna.formats.xml_text import without_markup
from kizuna.formats.zone import Limit, Volume, Zone

MEDIA_TYPE = "application/vnd.google-earth.kml+xml"

KML = "http://www.opengis.net/kml/2.2"
GX = "http://www.google.com/kml/ext/2.2"

Mode = Literal["relativeToGround", "absolute", "clampToGround"]

_ARRAYS = ("altitude", "pressure_altitude", "height", "speed", "direction", "vertical_speed")
_COLOURS = {"track": "ffd07000", "doubted": "ff1478ff", "operator": "ff50a000"}  # aabbggrr
_ZONE_COLOURS = {
    "prohibited": "4d1e1ed1",
    "req-authorisation": "4d006cef",
    "conditional": "4d18c5f5",
    "no-restriction": "4d5e9e2e",
}
_DOUBTED = 1.0


def write_kml(tracks: Iterable[Track], zones: Iterable[Zone] = (), *, undulation: float = 0.0) -> bytes:
    """A KML document of tracks, of the places of their operators, and of zones. A track without a position is left out."""
    root = Element("kml", {"xmlns": KML, "xmlns:gx": GX})
    document = SubElement(root, "Document")
    _styles(document)
    for track in tracks:
        _track(document, track, undulation)
    for zone in zones:
        _zone(document, zone, undulation)
    written: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def _styles(document: Element) -> None:
    for name, colour in _COLOURS.items():
        style = SubElement(document, "Style", {"id": name})
        SubElement(SubElement(style, "IconStyle"), "color").text = colour
        line = SubElement(style, "LineStyle")
        SubElement(line, "color").text = colour
        SubElement(line, "width").text = "3"
    for restriction, colour in _ZONE_COLOURS.items():
        style = SubElement(document, "Style", {"id": restriction})
        SubElement(SubElement(style, "LineStyle"), "color").text = f"ff{colour[2:]}"
        SubElement(SubElement(style, "PolyStyle"), "color").text = colour
    schema = SubElement(document, "Schema", {"id": "values"})
    for name in _ARRAYS:
        SubElement(schema, "gx:SimpleArrayField", {"name": name, "type": "float"})


def _track(document: Element, track: Track, undulation: float) -> None:
    points = [point for point in track.points if is_place(point)]
    if points:
        mode, heights, told = _heights(points, track.height_reference, undulation)
        style = "doubted" if track.doubt >= _DOUBTED else "track"
        placemark = _placemark(document, track.name, style, _told(track) | {"heights": told})
        line = SubElement(placemark, "gx:Track")
        SubElement(line, "altitudeMode").text = mode
        for point in points:
            SubElement(line, "when").text = to_text(point.time)
        for point, height in zip(points, heights, strict=True):
            SubElement(line, "gx:coord").text = f"{point.longitude:.7f} {point.latitude:.7f} {height:.2f}"
        _arrays(line, points)
    operator = track.operator
    if operator is not None and is_place(operator):
        placemark = _placemark(
            document, f"{track.name}: {operator.place}", "operator", {"track": track.id, "place": operator.place}
        )
        place = SubElement(placemark, "Point")
        SubElement(place, "coordinates").text = f"{operator.longitude:.7f},{operator.latitude:.7f}"


def _heights(points: Sequence[Point], reference: str, undulation: float) -> tuple[Mode, list[float], str]:
    """How heights are shown, the heights, and what they are; see the top of this module."""
    above = [point.height for point in points]
    altitudes = [point.altitude for point in points]
    solid_heights = [height for height in above if height is not None and math.isfinite(height)]
    solid_altitudes = [
        altitude - undulation for altitude in altitudes if altitude is not None and math.isfinite(altitude)
    ]
    whole = len(points)
    if reference == "above-ground" and len(solid_heights) == whole:
        return "relativeToGround", solid_heights, reference
    if len(solid_altitudes) == whole:
        return "absolute", solid_altitudes, f"wgs84, less {undulation:g} m"
    if len(solid_heights) == whole:
        return "relativeToGround", solid_heights, reference
    return "clampToGround", [0.0] * whole, "none"


def _told(track: Track) -> dict[str, str]:
    told = {
        "track": track.id,
        "serial": track.serial,
        "registration": track.registration,
        "transmitter": track.transmitter,
        "operator_id": track.operator_id,
        "aircraft": track.aircraft,
        "status": track.status,
        "doubt": f"{track.doubt:g}",
        "findings": ", ".join(f"{finding.code} ({finding.weight:g})" for finding in track.findings) or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _arrays(line: Element, points: Sequence[Point]) -> None:
    """The values of each position as they were received; an unknown one is an empty text."""
    data = SubElement(SubElement(line, "ExtendedData"), "SchemaData", {"schemaUrl": "#values"})
    for name in _ARRAYS:
        values = [getattr(point, name) for point in points]
        if any(is_number(value) for value in values):
            array = SubElement(data, "gx:SimpleArrayData", {"name": name})
            for value in values:
                SubElement(array, "gx:value").text = f"{value:.12g}" if is_number(value) else ""


def _placemark(parent: Element, name: str, style: str, told: Mapping[str, str]) -> Element:
    placemark = SubElement(parent, "Placemark")
    SubElement(placemark, "name").text = without_markup(name)
    SubElement(placemark, "styleUrl").text = f"#{style}"
    data = SubElement(placemark, "ExtendedData")
    for key, value in told.items():
        SubElement(SubElement(data, "Data", {"name": key}), "value").text = without_markup(value)
    return placemark


def _zone(document: Element, zone: Zone, undulation: float) -> None:
    for volume in zone.volumes:
        told = {
            "zone": f"{zone.country}/{zone.identifier}",
            "restriction": zone.restriction,
            "reasons": ", ".join(zone.reasons) or None,
            "message": zone.message,
            "lower": _worded(volume.lower),
            "upper": _worded(volume.upper),
        }
        placemark = _placemark(
            document, zone.name or zone.identifier, zone.restriction, {k: v for k, v in told.items() if v is not None}
        )
        surfaces = SubElement(placemark, "MultiGeometry")
        for rings in cut_polygon(rings_of(volume.shape)):
            for limit, extrude in _surfaces(volume):
                _polygon(surfaces, rings, limit, undulation, extrude=extrude)


def _worded(limit: Limit | None) -> str | None:
    return None if limit is None else f"{limit.metres:g} m {limit.reference.upper()}"


def _surfaces(volume: Volume) -> list[tuple[Limit | None, bool]]:
    """What draws a volume: a ceiling with walls down to the ground where it begins there, else floor and ceiling, else its outline."""
    lower, upper = volume.lower, volume.upper
    grounded = lower is None or (lower.reference == "agl" and lower.metres <= 0)
    if grounded:
        return [(upper, upper is not None)]
    return [(limit, False) for limit in (lower, upper) if limit is not None]


def _polygon(parent: Element, rings: list[Ring], limit: Limit | None, undulation: float, *, extrude: bool) -> None:
    mode, height = _shown(limit, undulation)
    polygon = SubElement(parent, "Polygon")
    SubElement(polygon, "extrude").text = "1" if extrude else "0"
    SubElement(polygon, "altitudeMode").text = mode
    for number, ring in enumerate(rings):
        border = SubElement(polygon, "innerBoundaryIs" if number else "outerBoundaryIs")
        corners = " ".join(f"{x:.7f},{y:.7f},{height:.2f}" for x, y in ring)
        SubElement(SubElement(border, "LinearRing"), "coordinates").text = corners


def _shown(limit: Limit | None, undulation: float) -> tuple[Mode, float]:
    if limit is None:
        return "clampToGround", 0.0
    if limit.reference == "agl":
        return "relativeToGround", limit.metres
    return "absolute", limit.metres - (undulation if limit.reference == "wgs84" else 0.0)
