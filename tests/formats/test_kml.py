from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.formats.kml import GX, KML, write_kml
from kizuna.formats.track import Point, Track
from kizuna.formats.zone import Circle, Limit, Polygon, Volume, Zone
from tests.tracks import AROUND, FLIGHT, point, square, track, tracks, zone, zones

NAMES = {"k": KML, "gx": GX}


def read(*some: Track, zones: tuple[Zone, ...] = (), undulation: float = 0.0) -> Element:
    return ElementTree.fromstring(write_kml(some, zones, undulation=undulation))


def texts(root: Element, path: str) -> list[str]:
    return [element.text or "" for element in root.iterfind(f".//{path}", NAMES)]


@given(st.lists(tracks(), max_size=3), st.lists(zones, max_size=2))
def test_whatever_it_is_called_it_is_kml_and_no_html(some: list[Track], areas: list[Zone]) -> None:
    root = read(*some, zones=tuple(areas))
    assert root.tag == f"{{{KML}}}kml"
    for element in root.iter():
        assert not set(element.text or "") & set("<>&\"'")
    lines = root.findall(".//gx:Track", NAMES)
    assert len(lines) == sum(bool(one.points) for one in some)
    for line, one in zip(lines, (one for one in some if one.points), strict=True):
        assert len(line.findall("k:when", NAMES)) == len(line.findall("gx:coord", NAMES)) == len(one.points)
        for array in line.iterfind(".//gx:SimpleArrayData", NAMES):
            assert len(array) == len(one.points)
    for coordinates in texts(root, "k:LinearRing/k:coordinates"):
        corners = [corner.split(",") for corner in coordinates.split()]
        assert corners[0] == corners[-1]
        assert all(-180 <= float(x) <= 180 for x, _, _ in corners)


def test_a_flight() -> None:
    root = read(FLIGHT)
    assert texts(root, "k:Placemark/k:name") == ["1588E040445AC0044181", "1588E040445AC0044181: take-off"]
    assert texts(root, "k:styleUrl") == ["#doubted", "#operator"]
    assert texts(root, "k:when") == [f"2026-11-23T00:00:0{second}.000000Z" for second in range(3)]
    assert texts(root, "gx:coord") == ["8.7300000 47.1980000 455.50", "8.7301000 47.1980000 456.00",
                                       "8.7302000 47.1981000 456.50"]  # fmt: skip
    told = {data.get("name"): texts(data, "k:value")[0] for data in root.iterfind(".//k:Data", NAMES)}
    assert told["findings"] == "same-id-two-places (1), jumps (0.25)"
    assert told["heights"] == "wgs84, less 0 m"
    arrays = {
        array.get("name"): [value.text for value in array] for array in root.iterfind(".//gx:SimpleArrayData", NAMES)
    }
    assert arrays["speed"] == ["5.25", "5", None]
    assert arrays["height"] == ["10", "10.5", "11"]
    assert texts(root, "k:Point/k:coordinates") == ["8.7295000,47.1975000"]


@pytest.mark.parametrize(
    ("points", "reference", "mode", "heights"),
    [
        ([point(altitude=450.0, height=40.0)], "above-ground", "relativeToGround", ["40.00"]),
        ([point(altitude=450.0, height=40.0)], "above-take-off", "absolute", ["403.00"]),
        ([point(height=40.0)], "above-take-off", "relativeToGround", ["40.00"]),
        ([point(altitude=450.0, height=40.0), point(1, height=41.0)], "above-take-off", "relativeToGround", ["40.00", "41.00"]),
        ([point(altitude=450.0), point(1, height=41.0)], "above-ground", "clampToGround", ["0.00", "0.00"]),
        ([point(pressure_altitude=450.0)], "above-ground", "clampToGround", ["0.00"]),
    ],
)  # fmt: skip
def test_heights_are_shown_by_what_is_known_of_every_point(
    points: list[Point], reference: str, mode: str, heights: list[str]
) -> None:
    root = read(track(*points, height_reference=reference), undulation=47.0)
    assert texts(root, "k:altitudeMode") == [mode]
    assert [coord.split()[2] for coord in texts(root, "gx:coord")] == heights


def test_names_are_harmless() -> None:
    root = read(track(serial="<img src=x onerror=alert(1)>\x00&amp;"))
    assert texts(root, "k:Placemark/k:name") == ["‹img src=x onerror=alert(1)›\ufffd＆amp;"]


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (None, Limit(120, "agl"), [("1", "relativeToGround", "120.00")]),
        (Limit(0, "agl"), Limit(600, "amsl"), [("1", "absolute", "600.00")]),
        (Limit(0, "agl"), Limit(600, "wgs84"), [("1", "absolute", "553.00")]),
        (Limit(50, "agl"), Limit(600, "amsl"), [("0", "relativeToGround", "50.00"), ("0", "absolute", "600.00")]),
        (Limit(50, "agl"), None, [("0", "relativeToGround", "50.00")]),
        (None, None, [("0", "clampToGround", "0.00")]),
    ],
)  # fmt: skip
def test_a_zone_has_walls_where_it_stands_on_the_ground_else_floor_and_ceiling(
    lower: Limit | None, upper: Limit | None, expected: list[tuple[str, str, str]]
) -> None:
    root = read(zones=(zone(Volume(AROUND, lower, upper)),), undulation=47.0)
    heights = [coordinates.split()[0].split(",")[2] for coordinates in texts(root, "k:coordinates")]
    assert list(zip(texts(root, "k:extrude"), texts(root, "k:altitudeMode"), heights, strict=True)) == expected


def test_holes_and_both_sides_of_the_antimeridian() -> None:
    shape = Polygon((square(170, -10, -170, 10), square(175, -5, -175, 5)))
    root = read(zones=(zone(shape, Circle(8.73, 47.198, 500)),))
    assert len(root.findall(".//k:outerBoundaryIs", NAMES)) == 3
    assert len(root.findall(".//k:innerBoundaryIs", NAMES)) == 2
