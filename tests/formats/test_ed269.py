from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import InvalidInput, KizunaError, TooLarge
from kizuna.formats import ed269
from kizuna.formats.ed269 import FOOT, Reading, read_zones
from kizuna.formats.zone import DAYS, Circle, Daily, Limit, Period, Polygon, Reference, Volume, Zone, from_json, to_json
from tests.formats.test_zone import changed, places, values
from tests.tracks import square, zones

RING = [list(at) for at in square(8.72, 47.19, 8.74, 47.21)]
POLYGON = {
    "uomDimensions": "M",
    "lowerLimit": 0,
    "lowerVerticalReference": "AGL",
    "upperLimit": 620,
    "upperVerticalReference": "AMSL",
    "horizontalProjection": {"type": "Polygon", "coordinates": [RING]},
}
CIRCLE = {
    "uomDimensions": "FT",
    "lowerLimit": 100,
    "lowerVerticalReference": "AGL",
    "upperLimit": 99999,
    "upperVerticalReference": "AMSL",
    "horizontalProjection": {"type": "Circle", "center": [8.73, 47.198], "radius": 1000},
}
FEATURE: dict[str, Any] = {
    "identifier": "CHE0001",
    "country": "CHE",
    "name": "Example field (fictional)",
    "type": "COMMON",
    "restriction": "REQ_AUTHORISATION",
    "restrictionConditions": "Ask the field.",
    "region": 1,
    "reason": ["AIR_TRAFFIC", "FOREIGN_TERRITORY"],
    "otherReasonInfo": "",
    "regulationExemption": "NO",
    "uSpaceClass": "",
    "message": "Gliders",
    "applicability": [
        {
            "permanent": "NO",
            "startDateTime": "2026-03-01T00:00:00Z",
            "endDateTime": "2026-10-31T23:00:00+01:00",
            "schedule": [
                {"day": ["SAT", "SUN"], "startTime": "08:00:00.00+01:00", "endTime": "18:30+01:00"},
                {"day": ["ANY"], "startTime": "22:00Z", "endTime": "23:59:00.00Z"},
            ],
        }
    ],
    "zoneAuthority": [{"name": "Field", "purpose": "AUTHORIZATION", "intervalBefore": "P5D"}],
    "geometry": [POLYGON, CIRCLE],
    "extendedProperties": {"anything": [None]},
}


def document(*some: Any) -> bytes:
    return json.dumps({"title": "zones", "features": list(some)}).encode()


def one(**more: Any) -> Zone:
    reading = read_zones(document(FEATURE | more))
    assert [str(problem) for problem in reading.problems] == []
    return reading.zones[0]


def told(*some: Any) -> list[tuple[int | None, str | None, str]]:
    reading = read_zones(document(*some), file="x.json")
    assert all(problem.file == "x.json" for problem in reading.problems)
    return [(problem.item, problem.path, problem.message) for problem in reading.problems]


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def test_a_zone_with_everything() -> None:
    assert one() == Zone(
        identifier="CHE0001",
        country="CHE",
        restriction="req-authorisation",
        name="Example field (fictional)",
        conditions=("Ask the field.",),
        reasons=("air-traffic", "foreign-territory"),
        message="Gliders",
        volumes=(
            Volume(Polygon((square(8.72, 47.19, 8.74, 47.21),)), Limit(0, "agl"), Limit(620, "amsl")),
            Volume(Circle(8.73, 47.198, 1000 * FOOT), Limit(100 * FOOT, "agl")),
        ),
        periods=(
            Period(
                us("2026-03-01"),
                us("2026-10-31T22:00"),
                (
                    Daily(("sat", "sun"), 8 * 3_600, 18 * 3_600 + 1_800, 3_600),
                    Daily(DAYS, 22 * 3_600, 24 * 3_600),
                ),
            ),
        ),
    )


def test_the_same_below_the_other_name_and_behind_a_byte_order_mark() -> None:
    text = json.dumps({"formatVersion": "1", "UASZoneList": [FEATURE]}).encode()
    assert read_zones(b"\xef\xbb\xbf" + text).zones == (one(),)


def test_what_is_always_there_has_no_periods() -> None:
    permanent = {"permanent": "YES", "schedule": []}
    assert one(applicability=[permanent]).periods == ()
    assert one(applicability=[FEATURE["applicability"][0], permanent]).periods == ()
    with_hours = permanent | {"schedule": [{"day": ["MON"], "startTime": "08:00Z", "endTime": "09:00Z"}]}
    assert one(applicability=[with_hours]).periods == (Period(schedule=(Daily(("mon",), 28_800, 32_400),)),)


def test_ends_of_another_clock_are_told_by_that_of_the_start() -> None:
    hours = {"day": ["MON"], "startTime": "20:00+01:00", "endTime": "23:30Z"}
    (period,) = one(applicability=[{"permanent": "NO", "schedule": [hours]}]).periods
    assert period.schedule == (Daily(("mon",), 20 * 3_600, 1_800, 3_600),)


def test_holes_the_antimeridian_and_a_third_number() -> None:
    rings = [[[*at, 500] for at in square(170, -10, -170, 10)], [list(at) for at in square(175, -5, -175, 5)]]
    volume = POLYGON | {"horizontalProjection": {"type": "Polygon", "coordinates": rings}}
    shape = one(geometry=[volume]).volumes[0].shape
    assert shape == Polygon((square(170, -10, -170, 10), square(175, -5, -175, 5)))


SHAPE = "$.features[1].geometry[0].horizontalProjection"


def geometry(**more: Any) -> dict[str, Any]:
    return FEATURE | {"geometry": [POLYGON | more]}


def shaped(**more: Any) -> dict[str, Any]:
    return geometry(horizontalProjection={"type": "Polygon", "coordinates": [RING]} | more)


def when(**more: Any) -> dict[str, Any]:
    return FEATURE | {"applicability": [{"permanent": "NO"} | more]}


@pytest.mark.parametrize(
    ("feature", "path", "message"),
    [
        (7, "$.features[1]", "not an object"),
        (FEATURE | {"identifier": " "}, "$.features[1].identifier", "not a text"),
        (FEATURE | {"country": None}, "$.features[1].country", "missing"),
        (FEATURE | {"name": 5}, "$.features[1].name", "not a text"),
        (FEATURE | {"name": "\ud800"}, "$.features[1].name", "half of a surrogate pair"),
        (FEATURE | {"message": "x" * 2_001}, "$.features[1].message", "more than 2,000"),
        (FEATURE | {"restriction": "UNKNOWN"}, "$.features[1].restriction", "not one of prohibited"),
        (FEATURE | {"reason": ["NOISE", "FUN"]}, "$.features[1].reason[1]", "not one of air-traffic"),
        (FEATURE | {"restrictionConditions": [1]}, "$.features[1].restrictionConditions", "neither a text"),
        (FEATURE | {"geometry": []}, "$.features[1].geometry", "an empty list"),
        (FEATURE | {"geometry": {}}, "$.features[1].geometry", "not a list"),
        ({"type": "Feature", "properties": {}}, "$.features[1]", "ED-318"),
        (geometry(uomDimensions="KM"), "$.features[1].geometry[0].uomDimensions", "not one of m, ft"),
        (geometry(lowerLimit=float("nan")), "$.features[1].geometry[0].lowerLimit", "not a number"),
        (geometry(lowerLimit=True), "$.features[1].geometry[0].lowerLimit", "not a number"),
        (geometry(upperLimit=-2e9), "$.features[1].geometry[0].upperLimit", "beyond"),
        (geometry(lowerVerticalReference=None), "$.features[1].geometry[0].lowerVerticalReference", "missing"),
        (geometry(lowerLimit=700, lowerVerticalReference="AMSL"), "$.features[1].geometry[0]", "not below the upper"),
        (shaped(type="Ellipse"), f"{SHAPE}.type", "not one of polygon, circle"),
        (shaped(coordinates=[]), f"{SHAPE}.coordinates", "without a ring"),
        (shaped(coordinates=[RING[:-1]]), f"{SHAPE}.coordinates[0]", "not closed"),
        (shaped(coordinates=[RING, 5]), f"{SHAPE}.coordinates[1]", "not a list"),
        (shaped(coordinates=[[*RING[:2], [8], *RING[2:]]]), f"{SHAPE}.coordinates[0][2]", "not a position"),
        (shaped(coordinates=[[*RING[:2], [8, "9"], *RING[2:]]]), f"{SHAPE}.coordinates[0][2]", "no numbers"),
        (shaped(coordinates=[[*RING[:2], [8.0, float("inf")], *RING[2:]]]), f"{SHAPE}.coordinates[0]", "no place"),
        (shaped(coordinates=[[[at[1] * 10, at[0]] for at in RING]]), f"{SHAPE}.coordinates[0]", "no place"),
        (shaped(coordinates=[[[8.0, 47.0]] * 100_001]), f"{SHAPE}.coordinates[0]", "more than 100,000"),
        (shaped(type="Circle"), f"{SHAPE}.center", "missing"),
        (shaped(type="Circle", center=[8, 47]), f"{SHAPE}.radius", "missing"),
        (shaped(type="Circle", center=[8, 47], radius=-5), SHAPE, "a radius is above 0"),
        (when(permanent="MAYBE"), "$.features[1].applicability[0].permanent", "not one of yes, no"),
        (when(startDateTime="2026-03-01"), "$.features[1].applicability[0].startDateTime", "not a moment"),
        (when(startDateTime="2026-03-01T00:00:00"), "$.features[1].applicability[0].startDateTime", "time zone"),
        (when(permanent="YES", endDateTime="2026-03-01T00:00:00Z"), "$.features[1].applicability[0]", "permanent, and"),
        (
            when(startDateTime="2026-03-02T00:00:00Z", endDateTime="2026-03-01T00:00:00Z"),
            "$.features[1].applicability[0]",
            "ends before",
        ),
        (when(schedule=7), "$.features[1].applicability[0].schedule", "not a list"),
        (
            when(schedule=[{"day": ["FUNDAY"], "startTime": "08:00Z", "endTime": "09:00Z"}]),
            "$.features[1].applicability[0].schedule[0].day[0]",
            "not one of mon",
        ),
        (
            when(schedule=[{"day": ["MON"], "startTime": "08:00", "endTime": "09:00Z"}]),
            "$.features[1].applicability[0].schedule[0].startTime",
            "time zone",
        ),
        (
            when(schedule=[{"day": [], "startTime": "08:00Z", "endTime": "25:00Z"}]),
            "$.features[1].applicability[0].schedule[0].endTime",
            "no time of day",
        ),
    ],
)
def test_what_is_wrong_with_a_zone_is_told_and_the_others_are_read(feature: Any, path: str, message: str) -> None:
    good = FEATURE | {"identifier": "OTHER"}
    reading = read_zones(document(FEATURE, feature, good))
    assert [zone.identifier for zone in reading.zones] == ["CHE0001", "OTHER"]
    assert reading.refused == 1
    found = told(FEATURE, feature, good)
    assert (1, path) in [(item, at) for item, at, _ in found]
    assert any(message in text for _, _, text in found)


def test_all_that_is_wrong_with_a_zone_is_told() -> None:
    bad = FEATURE | {"country": 1, "geometry": [POLYGON | {"uomDimensions": 0}, 5], "applicability": None}
    assert [path for _, path, _ in told(bad)] == [
        "$.features[0].country",
        "$.features[0].geometry[0].uomDimensions",
        "$.features[0].geometry[1]",
        "$.features[0].applicability",
    ]


def test_a_member_that_is_there_twice_and_numbers_that_are_none() -> None:
    good = json.dumps(FEATURE)
    twice = good.replace('"country": "CHE"', '"country": "CHE", "country": "BEL"')
    deep = good.replace('"radius": 1000', '"radius": 1000, "radius": 5')
    huge = good.replace('"lowerLimit": 0', f'"lowerLimit": {"9" * 5_000}')
    beyond = good.replace('"lowerLimit": 0', '"lowerLimit": -1e999')
    elsewhere = good.replace('"anything"', '"a": 1, "a": NaN, "anything"')
    text = f'{{"features": [{good}, {twice}, {deep}, {huge}, {beyond}, {elsewhere}]}}'.encode()
    reading = read_zones(text)
    assert [problem.path for problem in reading.problems] == [
        "$.features[1].country",
        "$.features[2].geometry[1].horizontalProjection.radius",
        "$.features[3].geometry[0].lowerLimit",
        "$.features[4].geometry[0].lowerLimit",
    ]
    assert len(reading.zones) == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "deep"),
        (b"{}", "no list of features"),
        (b"[]", "no list of features"),
        (b'{"features": {}}', "no list of features"),
        (b'{"features": [], "features": []}', "repeated key"),
        (b'{"features": [}', "not JSON"),
        (b"NaN", "no list of features"),
    ],
)
def test_what_is_no_file_of_zones(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        read_zones(data, file="x.json")
    assert caught.value.file == "x.json"


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SIZE", 10), ("VALUES", 5), ("FEATURES", 1)):
        with monkeypatch.context() as patch:
            patch.setattr(ed269, name, value)
            with pytest.raises(TooLarge):
                read_zones(document(FEATURE, FEATURE))
    with monkeypatch.context() as patch:
        patch.setattr(ed269, "PROBLEMS", 3)
        reading = read_zones(document(*range(10)))
        assert (len(reading.problems), reading.refused) == (3, 10)


noise = st.sampled_from(
    [b"NaN", b"-Infinity", b"1e999", b'"', b"[" * 5_000, b"{", b"}", b"]", b",", b"\xff", b"\\ud800", b"null", b"0", b"[]", b"\0"]
)  # fmt: skip


@given(
    st.lists(
        st.tuples(st.integers(0, 5_000), st.integers(0, 40), noise | st.binary(max_size=4)), min_size=1, max_size=3
    )
)
def test_damaged_bytes_cost_an_error_of_ours(damage: list[tuple[int, int, bytes]]) -> None:
    data = document(FEATURE, FEATURE | {"identifier": "OTHER"})
    for at, length, piece in damage:
        start = at % len(data)
        data = data[:start] + piece + data[start + length :]
    with suppress(KizunaError):
        sound(read_zones(data, file="x"))


@given(st.data())
def test_hostile_values_anywhere(data: st.DataObject) -> None:
    hostile = changed(FEATURE, data.draw(st.sampled_from(places(FEATURE))), data.draw(values))
    text = json.dumps({"features": [hostile, FEATURE]}).encode("utf-8", "surrogatepass")
    reading = read_zones(text, file="x")
    assert one() in reading.zones
    sound(reading)


def sound(reading: Reading) -> None:
    """What was read can be kept; what was not is told with its item and path."""
    for found in reading.zones:
        assert from_json(to_json(found)) == found
    assert bool(reading.problems) == bool(reading.refused)
    for problem in reading.problems:
        assert problem.file == "x"
        assert problem.item is not None
        assert (problem.path or "").startswith("$.")


def clock(second: int, offset: int) -> str:
    sign, minutes = "+" if offset >= 0 else "-", abs(offset) // 60
    hours = f"{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"{hours}{sign}{minutes // 60:02}:{minutes % 60:02}"


def written(found: Zone) -> dict[str, Any]:
    """A zone as others write it; only in this test, for nothing is sent in this format."""

    def period(one: Period) -> dict[str, Any]:
        data = to_json(Zone(identifier="x", country="x", restriction="prohibited", volumes=(), periods=(one,)))[
            "periods"
        ][0]
        hours = [
            {"day": [day.upper() for day in daily.days], "startTime": clock(daily.start, daily.offset),
             "endTime": clock(daily.end % 86_400 if daily.end % 86_400 // 60 < 1_439 else 0, daily.offset)}
            for daily in one.schedule
        ]  # fmt: skip
        made = {
            "permanent": "NO",
            "startDateTime": data.get("start"),
            "endDateTime": data.get("end"),
            "schedule": hours,
        }
        return {key: value for key, value in made.items() if value}

    def volume(one: Volume) -> dict[str, Any]:
        shape = one.shape
        made: dict[str, Any] = {"uomDimensions": "M"}
        for key, limit in (("lower", one.lower), ("upper", one.upper)):
            if limit is not None:
                made |= {f"{key}Limit": limit.metres, f"{key}VerticalReference": limit.reference.upper()}
        made["horizontalProjection"] = (
            {"type": "Circle", "center": [shape.longitude, shape.latitude], "radius": shape.radius}
            if isinstance(shape, Circle)
            else {"type": "Polygon", "coordinates": shape.rings}
        )
        return made

    return {
        "identifier": found.identifier, "country": found.country, "name": found.name, "message": found.message,
        "restriction": found.restriction.upper().replace("-", "_"), "restrictionConditions": found.conditions,
        "reason": [reason.upper().replace("-", "_") for reason in found.reasons],
        "geometry": [volume(one) for one in found.volumes],
        "applicability": [period(one) for one in found.periods] or [{"permanent": "YES"}],
    }  # fmt: skip


@given(zones.filter(lambda found: bool(found.identifier.strip())))
def test_a_zone_that_others_write_is_read_as_it_is(found: Zone) -> None:
    reading = read_zones(json.dumps({"features": [written(found)]}).encode())
    assert [str(problem) for problem in reading.problems] == []
    assert reading.zones[0].volumes == found.volumes
    assert reading.zones[0].restriction == found.restriction
    assert reading.zones[0].reasons == found.reasons
    assert [(one.start, one.end) for one in reading.zones[0].periods] == [
        (one.start, one.end) for one in found.periods if Period() not in found.periods
    ]


@pytest.mark.parametrize("reference", ["agl", "amsl", "wgs84"])
def test_every_reference_of_heights(reference: Reference) -> None:
    volume = one(geometry=[POLYGON | {"lowerVerticalReference": reference.upper()}]).volumes[0]
    assert volume.lower == Limit(0.0, reference)


def test_many_points_are_read_in_good_time() -> None:
    ring = [[8 + at / 100_000, 47.0] for at in range(50_000)] + [[8.5, 48.0], [8.0, 47.0]]
    data = document(*[shaped(coordinates=[ring])] * 4)
    began = time.process_time()
    assert len(read_zones(data).zones) == 4
    assert time.process_time() - began < 10
