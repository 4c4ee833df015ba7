from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kizuna.formats.geojson import write_geojson
from kizuna.formats.track import Operator, Track
from kizuna.formats.zone import Circle, Limit, Polygon, Volume, Zone
from tests.tracks import AROUND, FLIGHT, point, square, track, tracks, zone, zones


def features(*some: Track, zones: tuple[Zone, ...] = ()) -> list[dict[str, Any]]:
    made = json.loads(write_geojson(some, zones), parse_constant=lambda name: 1 / 0)
    assert made["type"] == "FeatureCollection"
    return list(made["features"])


def positions(value: Any) -> Iterator[list[float]]:
    if value and isinstance(value[0], (int, float)):
        yield value
    else:
        for inner in value:
            yield from positions(inner)


@given(st.lists(tracks(), max_size=3), st.lists(zones, max_size=2))
def test_what_is_written_is_geojson(some: list[Track], areas: list[Zone]) -> None:
    found = features(*some, zones=tuple(areas))
    for feature in found:
        assert set(feature) == {"type", "id", "geometry", "properties"}
        for position in positions(feature["geometry"]["coordinates"]):
            assert 2 <= len(position) <= 3
            assert -180 <= position[0] <= 180
            assert -90 <= position[1] <= 90
    kinds = [feature["properties"]["kind"] for feature in found]
    assert kinds.count("track") == sum(bool(one.points) for one in some)
    assert kinds.count("operator") == sum(one.operator is not None for one in some)
    assert kinds.count("zone") == sum(len(one.volumes) for one in areas)


@given(tracks().filter(lambda one: bool(one.points)))
def test_a_track_keeps_every_position_in_order_with_its_values(one: Track) -> None:
    feature = features(one)[0]
    geometry, told = feature["geometry"], feature["properties"]
    depth = {"Point": 0, "LineString": 1, "MultiLineString": 2}[geometry["type"]]
    lines = geometry["coordinates"]
    for _ in range(depth, 2):
        lines = [lines]
    assert (geometry["type"] == "Point") == (len(one.points) == 1)
    for line in lines:
        assert all(abs(b[0] - a[0]) <= 180 for a, b in pairwise(line))
    flat = [at[:2] for line in lines for at in line]
    kept = iter(flat)
    assert all([round(p.longitude, 7), round(p.latitude, 7)] in kept for p in one.points)
    assert len(flat) == len(one.points) + 2 * (len(lines) - 1)
    solid = all(p.altitude is not None for p in one.points)
    assert all(len(at) == (3 if solid else 2) for line in lines for at in line)
    nested = json.dumps(told["coordTimes"]).count('"') // 2
    assert nested == len(flat)


def test_a_flight() -> None:
    flight, operator = features(FLIGHT)
    assert flight["geometry"] == {
        "type": "LineString",
        "coordinates": [[8.73, 47.198, 455.5], [8.7301, 47.198, 456.0], [8.7302, 47.1981, 456.5]],
    }
    told = flight["properties"]
    assert told["coordTimes"] == [f"2026-11-23T00:00:0{second}.000000Z" for second in range(3)]
    assert told["coordinateProperties"] == {
        "times": told["coordTimes"],
        "altitudes": [455.5, 456.0, 456.5],
        "pressure_altitudes": [None, None, 440.0],
        "heights": [10.0, 10.5, 11.0],
        "speeds": [5.25, 5.0, None],
        "directions": [90.0, 91.0, None],
        "vertical_speeds": [None, 0.5, None],
    }
    assert (told["height_reference"], told["doubt"]) == ("above-take-off", 1.25)
    assert told["findings"][0] == {
        "code": "same-id-two-places",
        "weight": 1.0,
        "since": "2026-11-23T00:00:00.000000Z",
        "values": {"metres": 1200.5},
    }
    assert operator["geometry"] == {"type": "Point", "coordinates": [8.7295, 47.1975, 409.0]}
    assert operator["properties"] == {
        "kind": "operator",
        "name": "1588E040445AC0044181",
        "track": "track-1",
        "place": "take-off",
        "operator_id": "CHE-demo",
    }


def test_one_position_is_a_point_with_one_time() -> None:
    (feature,) = features(track(point(altitude=400.0, speed=3.0)))
    assert feature["geometry"] == {"type": "Point", "coordinates": [8.73, 47.198, 400.0]}
    assert feature["properties"]["coordTimes"] == "2026-11-23T00:00:00.000000Z"
    assert feature["properties"]["coordinateProperties"]["speeds"] == 3.0


def test_an_altitude_that_not_every_point_has_is_no_coordinate() -> None:
    (feature,) = features(track(point(0, altitude=400.0), point(1)))
    assert feature["geometry"]["coordinates"] == [[8.73, 47.198], [8.73, 47.198]]
    assert feature["properties"]["coordinateProperties"]["altitudes"] == [400.0, None]


def test_a_line_over_the_antimeridian_is_cut_there() -> None:
    (feature,) = features(
        track(point(0, 179.0, 10.0, altitude=100.0), point(2, -179.0, 12.0, altitude=200.0, speed=9.0))
    )
    assert feature["geometry"] == {
        "type": "MultiLineString",
        "coordinates": [[[179, 10, 100], [180, 11, 150]], [[-180, 11, 150], [-179, 12, 200]]],
    }
    told = feature["properties"]
    assert [text[17:19] for part in told["coordTimes"] for text in part] == ["00", "01", "01", "02"]
    assert told["coordinateProperties"]["speeds"] == [[None, None], [None, 9.0]]


def test_places_that_are_none_are_left_out() -> None:
    nowhere = track(point(0, float("nan")), point(1, latitude=91.0), operator=Operator(float("nan"), 8.0))
    assert features(nowhere) == []


def test_a_zone_keeps_its_words_limits_and_holes() -> None:
    hole = square(8.729, 47.197, 8.731, 47.199)
    shape = Polygon((*AROUND.rings, hole))
    (feature,) = features(zones=(zone(Volume(shape, None, Limit(120, "agl")), name="Field <b>", reasons=("nature",)),))
    assert feature["geometry"]["type"] == "Polygon"
    assert feature["geometry"]["coordinates"][0] == [list(at) for at in AROUND.rings[0]]
    assert feature["geometry"]["coordinates"][1] == [list(at) for at in reversed(hole)]
    assert feature["properties"] == {
        "kind": "zone",
        "identifier": "TST001",
        "country": "CHE",
        "restriction": "prohibited",
        "name": "Field <b>",
        "reasons": ["nature"],
        "upper": {"metres": 120.0, "reference": "agl"},
    }


def test_a_circle_is_a_ring_that_says_so_and_over_the_antimeridian_two() -> None:
    (feature,) = features(zones=(zone(Circle(180.0, 10.0, 5_000.0)),))
    assert feature["geometry"]["type"] == "MultiPolygon"
    assert len(feature["geometry"]["coordinates"]) == 2
    assert (feature["properties"]["centre"], feature["properties"]["radius"]) == ([180.0, 10.0], 5_000.0)
