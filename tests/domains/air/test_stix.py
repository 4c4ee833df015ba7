"""Tracks as STIX: valid whatever was heard, there and back, and anything at all from a partner."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kizuna.domains.air.flight import ENOUGH
from kizuna.domains.air.holding import heard as received
from kizuna.domains.air.replay import replayed
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.simulator import METHODS, Scenario, Spoof, simulate
from kizuna.domains.air.stix import Recorder, sensor_of, track_of
from kizuna.domains.air.tracks import tracks
from kizuna.domains.air.truth import WEIGHTS
from kizuna.domains.air.truth.words import OF_OPERATOR, OUTSIDE, outside
from kizuna.formats.remote_id.fields import AIRCRAFT, HEIGHT_REFERENCES, OPERATOR_PLACES, STATUS
from kizuna.formats.track import Finding, Operator, Point, Track
from kizuna.stix import check
from kizuna.stix.builtin import SENSOR_EXTENSION, TRACK_EXTENSION
from tests.domains.air.given import T0, flying, heard, located, named, operated, report, serial

NODE = "identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01"
BEGIN = round(T0 * 1e6)


def recorder(**more: Any) -> Recorder:
    sensor = Sensor(**{"name": "roof", "label": "TLP:GREEN", "operator_label": "TLP:AMBER", **more})
    return Recorder(NODE, "CERT Tokyo (fictional)", "Partners", sensor, b"k" * 32)


def objects_of(track: Track, **more: Any) -> list[dict[str, Any]]:
    last = track.points[-1].time
    return recorder(**more).flight([track], {"transmissions": 3}, first=track.points[0].time, last=last)


def errors(objects: list[dict[str, Any]]) -> list[str]:
    """What is wrong with them as they would be stored."""
    plain = msgspec.json.decode(msgspec.json.encode(objects))
    return [f"{one['type']} {problem}" for one in plain for problem in check(one) if problem.severity == "error"]


def one_of(objects: list[dict[str, Any]], type: str) -> dict[str, Any]:
    return next(one for one in objects if one["type"] == type)


METRES = st.none() | st.floats(-1000, 31_767.5)
POINTS = st.builds(
    Point, time=st.integers(0, 4 * 10**15), latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), altitude=METRES,
    pressure_altitude=METRES, height=METRES, speed=st.none() | st.floats(0, 254.25), direction=st.none() | st.floats(0, 359),
    vertical_speed=st.none() | st.floats(-62, 62),
)  # fmt: skip
NAMES = st.none() | st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=80)
FINDINGS = st.builds(
    Finding,
    st.sampled_from(sorted(WEIGHTS)),
    st.floats(0.1, 1.0),
    st.integers(0, 4 * 10**15),
    st.dictionaries(
        st.sampled_from(["metres", "seconds", "serial"]), st.integers(-(10**9), 10**9).map(float) | st.text(max_size=20)
    ),
)
TRACKS = st.builds(
    Track, id=st.just("X/1/1"), serial=NAMES, registration=NAMES, transmitter=st.none() | st.just("90:3a:e6:5b:c8:a8"),
    aircraft=st.sampled_from(AIRCRAFT), operator_id=NAMES,
    operator=st.none() | st.builds(
        Operator, st.floats(-90, 90), st.floats(-180, 180), METRES, st.sampled_from(OPERATOR_PLACES)
    ),
    status=st.sampled_from(STATUS), height_reference=st.sampled_from(HEIGHT_REFERENCES),
    points=st.lists(POINTS, min_size=1, max_size=6).map(lambda points: tuple(sorted(points, key=lambda point: point.time))),
    findings=st.lists(FINDINGS, max_size=3, unique_by=lambda one: one.code).map(tuple), doubt=st.just(0.0),
)  # fmt: skip


@settings(max_examples=60)
@given(TRACKS)
def test_tracks_come_back_as_they_were(track: Track) -> None:
    track = msgspec.structs.replace(track, doubt=round(sum(one.weight for one in track.findings), 3))
    objects = objects_of(track)
    assert errors(objects) == []
    observed = msgspec.json.decode(msgspec.json.encode(one_of(objects, "observed-data")))
    back = track_of(observed)
    assert back is not None
    told = tuple(outside(one, operator_closed=True) for one in track.findings)
    assert back == msgspec.structs.replace(track, id=observed["id"], findings=told)


@pytest.mark.parametrize(
    ("code", "operator_label", "told"),
    [
        *((code, None, False) for code in OUTSIDE if code != OF_OPERATOR),
        (OF_OPERATOR, None, True),
        (OF_OPERATOR, "TLP:AMBER", False),
    ],
)
def test_numbers_that_tell_where_somebody_is_stay_where_that_stays(
    code: str, operator_label: str | None, told: bool
) -> None:
    track = Track(
        id="X/1/1", serial="X", points=(Point(BEGIN, 47.0, 8.0),), doubt=1.0,
        findings=(Finding(code, 1.0, BEGIN, {"metres": 98765.0, "most": -98765.0, "signal": -98765.0}),),
    )  # fmt: skip
    objects = objects_of(track, operator_label=operator_label)
    assert errors(objects) == []
    own = one_of(objects, "observed-data")["extensions"][TRACK_EXTENSION].pop("receiver")  # for one's own, by its mark
    assert (code in json.dumps(own)) == (not told)
    assert ("98765" in json.dumps(objects, ensure_ascii=False).replace(",", "")) == told


@pytest.mark.parametrize("seed", range(3))
def test_all_that_is_said_of_simulated_flights_is_valid(seed: int) -> None:
    spoofs = tuple(Spoof(method, (seed + number) % 3) for number, method in enumerate(METHODS))
    capture = simulate(Scenario(seed=seed, seconds=90, spoofs=spoofs))
    flights = replayed([capture.data], Sensor(name="roof", latitude=46.2, longitude=9.1))
    told = 0
    for flight in flights:
        if not (of := tracks(flight)):
            continue
        objects = recorder().flight(
            of, received(flight), first=round(flight.first * 1e6), last=round(flight.last * 1e6)
        )
        assert errors(objects) == []
        assert all(track_of(one) is not None for one in objects if one["type"] == "observed-data")
        assert any(one["type"] == "incident" for one in objects) == flight.spoofed
        told += 1
    assert told >= 20


def test_a_sensor_is_valid_and_comes_back() -> None:
    made = recorder(latitude=46.2, longitude=9.1, reach=3000.0, area="x", own_label="TLP:RED")
    objects = made.sensor(BEGIN)
    assert errors(objects) == []
    assert sensor_of(objects[-1]) == made._sensor


def test_a_forged_flight_is_an_incident_in_both_languages() -> None:
    finding = Finding("jump", 1.0, BEGIN, {"metres": 5000.0, "seconds": 1.0, "speed": 5000.0, "limit": 60.0})
    track = Track(id="X/1/1", serial=serial(1), points=(Point(BEGIN, 46.2, 9.1),), findings=(finding,), doubt=ENOUGH)
    objects = objects_of(track)
    incident, words = one_of(objects, "incident"), one_of(objects, "language-content")
    assert incident["name"] == f"Spoofed Remote ID: {serial(1)}"
    assert incident["description"] == "1: moved 5,000 m within 1 s, 5,000 m/s; aircraft of its kind fly at most 60 m/s"
    assert words["object_ref"] == incident["id"]
    assert words["object_modified"] == incident["modified"]
    assert words["contents"]["ja"]["description"].startswith("1: 1 秒で 5,000 m 移動しました")
    related = [one for one in objects if one["type"] == "relationship" and one["source_ref"] == incident["id"]]
    assert {one["target_ref"].split("--")[0] for one in related} == {"identity", "observed-data"}
    doubtful = msgspec.structs.replace(track, doubt=ENOUGH - 0.1)
    assert not [one for one in objects_of(doubtful) if one["type"] in ("incident", "language-content")]


def test_identifiers_say_nothing_without_the_key() -> None:
    track = Track(id="X/1/1", serial=serial(1), points=(Point(BEGIN, 46.2, 9.1),))
    sensor = Sensor(name="roof")
    ids = [
        {one["id"] for one in Recorder(NODE, "x", None, sensor, key).flight([track], {}, first=BEGIN, last=BEGIN)}
        for key in (b"a" * 32, b"b" * 32, b"a" * 32)
    ]
    assert ids[0] == ids[2]
    assert {id.split("--")[0] for id in ids[0] & ids[1]} <= {"user-account", "mac-addr", "marking-definition"}


def test_what_goes_on_is_a_new_version_that_began_when_it_began() -> None:
    """Heard again without a new position: what is said of it differs, so its version does; nothing is as old as before but anew."""
    reports = list(flying(60))
    shorter, longer = heard(*reports[:30]), heard(*reports)
    made = []
    for flights in (shorter, longer):
        (flight,) = flights.values()
        flight.find("jump", 1.0, flight.last)
        times = {"first": round(flight.first * 1e6), "last": round(flight.last * 1e6)}
        made.append({one["id"]: one for one in recorder().flight(tracks(flight), received(flight), **times)})
    for id in made[0].keys() & made[1].keys():
        before, after = made[0][id], made[1][id]
        if before["type"] in ("marking-definition", "mac-addr"):
            continue
        assert before["created"] == after["created"]
        assert (before == after) == (before["modified"] == after["modified"])


HOSTILE: list[Any] = [
    None, 1, "x", [], {}, {"geometry": None}, {"geometry": []}, {"geometry": {"type": "Point"}},
    {"geometry": {"type": "Point", "coordinates": []}, "times": []},
    {"geometry": {"type": "Point", "coordinates": [1]}, "times": ["2026-01-01T00:00:00Z"]},
    {"geometry": {"type": "LineString", "coordinates": [[1]]}, "times": ["2026-01-01T00:00:00Z"]},
    {"geometry": {"type": "LineString", "coordinates": ["ab"]}, "times": ["2026-01-01T00:00:00Z"]},
    {"geometry": {"type": "LineString", "coordinates": [{}]}, "times": ["2026-01-01T00:00:00Z"]},
    {"geometry": {"type": "LineString", "coordinates": [[1, 2]]}, "times": [["2026"] * 24]},
    {"geometry": {"type": "LineString", "coordinates": [[1, 2]]}, "times": ["2026-01-01T00:00:00Z"] * 2},
    {"geometry": {"type": "LineString", "coordinates": [[1, 2]]}, "times": ["2026-01-01T00:00:00Z"], "measures": 5},
    {"geometry": {"type": "LineString", "coordinates": [[1, 2]]}, "times": ["2026-01-01T00:00:00Z"], "measures": [5]},
    {"geometry": {"type": "LineString", "coordinates": [[1, 2]]}, "times": ["2026-01-01T00:00:00Z"], "measures": [{"index": []}]},
    {"geometry": {"type": "LineString", "coordinates": [[1, 2]]}, "times": ["2026-01-01T00:00:00Z"], "findings": [[1]]},
    {"geometry": {"type": "LineString", "coordinates": [[10**400, 2]]}, "times": ["2026-01-01T00:00:00Z"]},
]  # fmt: skip


@pytest.mark.parametrize("said", HOSTILE)
def test_what_a_partner_wrote_never_fails(said: Any) -> None:
    assert track_of({"id": "observed-data--x", "extensions": {TRACK_EXTENSION: said}}) is None
    assert sensor_of({"extensions": {SENSOR_EXTENSION: said}}) is None


WORD = st.text(max_size=5) | st.sampled_from(["type", "coordinates", "index"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.just("2026-01-01T00:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=3),
    max_leaves=12,
)  # fmt: skip
KEYS = [
    "geometry",
    "times",
    "measures",
    "findings",
    "operator",
    "doubt",
    "kind",
    "status",
    "serial",
    "height_reference",
]
GOOD = {
    "geometry": {"type": "LineString", "coordinates": [[1.0, 2.0], [1.0, 2.0]]},
    "times": ["2026-01-01T00:00:00Z"] * 2,
}


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4), st.booleans())
def test_any_content_is_a_track_or_none(said: dict[str, Any], good: bool) -> None:
    found = track_of({"id": "observed-data--x", "extensions": {TRACK_EXTENSION: {**(GOOD if good else {}), **said}}})
    assert found is None or len(found.points) >= 1


@pytest.mark.parametrize("raw", ["\\x1b[31m", '"><script>', "../../etc/passwd", "'; drop table", "X" * 80, "/", " "])
def test_hostile_names_make_valid_objects_with_short_ids(raw: str) -> None:
    (flight,) = heard(*flying(20, names=named(raw), operator_id=raw, operated=operated())).values()
    objects = recorder().flight(tracks(flight), received(flight), first=BEGIN, last=BEGIN + 10**7)
    assert errors(objects) == []
    assert max(len(one["id"]) for one in objects) < 80
    assert len(json.dumps(objects)) < 40_000


def test_one_position_at_no_time_is_valid() -> None:
    (flight,) = heard(report(0.0, located())._replace(time=-1.0)).values()
    objects = recorder().flight(tracks(flight), received(flight), first=-1_000_000, last=-1_000_000)
    assert errors(objects) == []
