from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import InvalidInput
from kizuna.formats.zone import (
    DAYS,
    Circle,
    Daily,
    Limit,
    Period,
    Polygon,
    Volume,
    Zone,
    applies,
    faults,
    from_json,
    to_json,
)
from tests.tracks import AROUND, square, zone, zones

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["\ud800", 10**400, "9999-99-99T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@given(zones)
def test_a_zone_comes_back_from_its_json(found: Zone) -> None:
    assert not list(faults(found))
    assert from_json(to_json(found)) == found
    assert from_json(json.loads(json.dumps(to_json(found), allow_nan=False))) == found


@given(zones)
def test_its_json_is_what_a_stix_extension_can_hold(found: Zone) -> None:
    def look(value: Any) -> None:
        assert value is not None
        assert value != []
        if isinstance(value, dict):
            assert all(key == key.lower() and key.replace("_", "").isalnum() for key in value)
            list(map(look, value.values()))
        elif isinstance(value, (list, tuple)):
            list(map(look, value))
        elif isinstance(value, int):
            assert abs(value) < 2**53

    look(to_json(found))


def places(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to every value within."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [at, *(way for key, value in inner for way in places(value, (*at, key)))]


def changed(data: Any, way: tuple[Any, ...], value: Any) -> Any:
    """The same with another value there."""
    if not way:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[way[0]] = changed(copy[way[0]], way[1:], value)
    return copy


@given(zones, st.data())
def test_hostile_json_is_a_zone_or_an_error_with_a_path(found: Zone, data: st.DataObject) -> None:
    plain = json.loads(json.dumps(to_json(found)))
    hostile = changed(plain, data.draw(st.sampled_from(places(plain))), data.draw(values))
    read = tried(hostile)
    if isinstance(read, InvalidInput):
        assert (read.file, read.item) == ("x", 3)
        assert read.path
    else:
        assert not list(faults(read))
        assert from_json(to_json(read)) == read


def tried(data: object) -> Zone | InvalidInput:
    try:
        return from_json(data, file="x", item=3)
    except InvalidInput as error:
        return error


@pytest.mark.parametrize("data", [None, [], "\ud800", 10**400, float("nan"), {"\ud800": 1}, {"identifier": "\ud800"}])
def test_what_is_no_zone_at_all(data: object) -> None:
    assert isinstance(tried(data), InvalidInput)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (Polygon(()), "without a ring"),
        (Polygon((square(8, 47, 9, 48)[:-1],)), "not closed"),
        (Polygon((((8, 47), (9, 47), (8, 47)),)), "fewer than four"),
        (Polygon((((8, 47), (9, 47), (9, 47), (8, 47)),)), "three different"),
        (Polygon((square(8, 47, 181, 48),)), "no place"),
        (Polygon((square(8, 47, float("nan"), 48),)), "no place"),
        (Polygon((((0, 80), (120, 80), (-120, 80), (0, 80)),)), "around a pole"),
        (Polygon((((0, 0), (180, 0), (180, 10), (0, 0)),)), "neither east nor west"),
        (Circle(8, 47, 0), "radius"),
        (Circle(8, 47, float("nan")), "radius"),
        (Circle(8, 91, 10), "no place"),
    ],
)
def test_shapes_that_are_none(shape: Polygon | Circle, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        from_json(to_json(zone(shape)))
    assert caught.value.path is not None
    assert caught.value.path.startswith("$.volumes[0].shape")


@pytest.mark.parametrize(
    ("lower", "upper", "fine"),
    [
        (Limit(100, "agl"), Limit(50, "agl"), False),
        (Limit(100, "agl"), Limit(100, "agl"), False),
        (Limit(100, "amsl"), Limit(50, "agl"), True),
        (None, Limit(-50, "amsl"), True),
        (Limit(float("inf"), "agl"), None, False),
    ],
)
def test_limits_that_contradict_each_other(lower: Limit | None, upper: Limit | None, fine: bool) -> None:
    assert (not list(faults(zone(Volume(AROUND, lower, upper))))) == fine


def moment(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc, arg-type]


def test_a_zone_without_periods_always_applies() -> None:
    assert applies(zone(), 0)


def test_a_period_holds_from_its_start_until_before_its_end() -> None:
    one = zone(periods=(Period(moment(2026, 11, 23), moment(2026, 11, 24)),))
    times = [
        moment(2026, 11, 22, 23, 59, 59),
        moment(2026, 11, 23),
        moment(2026, 11, 23, 23, 59, 59),
        moment(2026, 11, 24),
    ]
    assert [applies(one, time) for time in times] == [False, True, True, False]


def test_hours_are_those_of_the_clock_they_are_told_by() -> None:
    # 2026-11-23 is a Monday. 08:00 to 17:00 of a clock nine hours ahead is 23:00 on Sunday to 08:00 on Monday, UTC.
    one = zone(periods=(Period(schedule=(Daily(("mon",), 8 * 3_600, 17 * 3_600, 9 * 3_600),)),))
    assert not applies(one, moment(2026, 11, 22, 22, 59))
    assert applies(one, moment(2026, 11, 22, 23, 0))
    assert applies(one, moment(2026, 11, 23, 7, 59))
    assert not applies(one, moment(2026, 11, 23, 8, 0))


def test_hours_over_midnight_belong_to_the_day_they_begin() -> None:
    one = zone(periods=(Period(schedule=(Daily(("fri",), 22 * 3_600, 6 * 3_600),)),))
    assert not applies(one, moment(2026, 11, 27, 5, 0))
    assert applies(one, moment(2026, 11, 27, 22, 0))
    assert applies(one, moment(2026, 11, 28, 5, 59))
    assert not applies(one, moment(2026, 11, 28, 6, 0))


@given(st.integers(-(10**15), 10**15), st.integers(0, 86_399), st.sampled_from([0, 3_600, -12_600]))
def test_a_whole_day_leaves_no_gap(time: int, start: int, offset: int) -> None:
    assert applies(zone(periods=(Period(schedule=(Daily(DAYS, start, start, offset),)),)), time)
    assert applies(zone(periods=(Period(schedule=(Daily(DAYS, 0, 86_400, offset),)),)), time)
