from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.domains.air.zones import PATIENCE, Alert, Position, Watch
from kizuna.formats.outline import metres_per_degree
from kizuna.formats.zone import Circle, Limit, Period, Polygon, Volume, Zone
from tests.tracks import AROUND, FIELD, START, square, zone

METRE = 1 / metres_per_degree(FIELD[1])[1]
"""A metre to the north, in degrees."""
EDGE = 47.21
"""Latitude of the northern border of `AROUND`."""


def at(second: float, north: float = FIELD[1], east: float = FIELD[0], *, track: str = "a", **more: Any) -> Position:
    """A position so many seconds after the start."""
    return Position(track, START + int(second * 1_000_000), north, east, **more)


def kinds(alerts: list[Alert]) -> list[tuple[str, float]]:
    return [(alert.kind, (alert.time - START) / 1_000_000) for alert in alerts]


# Entering and leaving


def test_it_enters_at_the_first_position_inside_and_leaves_beyond_the_margin() -> None:
    watch = Watch([zone(AROUND)])
    flight = [at(second, EDGE + (second - 2) * 20 * METRE) for second in (0, 1, 2)] + [at(3, EDGE + 25 * METRE)]
    (entered,) = watch.seen(flight)
    assert (entered.kind, entered.zone.identifier, entered.track, entered.time) == ("enter", "TST001", "a", START)
    assert watch.inside("a") == [zone(AROUND)]
    assert kinds(watch.seen([at(4, EDGE + 31 * METRE)])) == [("leave", 4)]
    assert watch.inside("a") == []


@given(st.lists(st.floats(-25, 25), min_size=1, max_size=200))
def test_jitter_at_the_border_does_not_flap(offsets: list[float]) -> None:
    watch = Watch([zone(AROUND)])
    found = kinds(watch.seen([at(second, EDGE + off * METRE) for second, off in enumerate(offsets)]))
    assert [kind for kind, _ in found] == ["enter", "leave"] * (len(found) // 2) + ["enter"] * (len(found) % 2)
    leaves = [when for kind, when in found if kind == "leave"]
    enters = [when for kind, when in found if kind == "enter"]
    assert all(left - entered >= PATIENCE for entered, left in zip(enters, leaves, strict=False))


@given(
    st.lists(
        st.tuples(st.floats(-0.02, 0.02), st.floats(-0.02, 0.02), st.floats(0, 400), st.floats(0, 40)), max_size=40
    ),
    st.sampled_from([None, 15.0]),
)
def test_alerts_of_a_zone_alternate_and_all_ends_when_the_track_does(
    steps: list[tuple[float, float, float, float]], patience: float | None
) -> None:
    areas = [
        zone(Volume(AROUND, None, Limit(120, "agl"))),
        zone(Circle(*FIELD, 900.0), periods=(Period(START + 60_000_000, START + 300_000_000),)),
    ]
    watch = Watch(areas, patience=PATIENCE if patience is None else patience)
    now, found = 0.0, []
    for east, north, height, later in steps:
        now += later
        found += watch.seen([at(now, FIELD[1] + north, FIELD[0] + east, height=height)])
    found += watch.ended("a", START + int(now * 1_000_000))
    for area in areas:
        of_it = [alert.kind for alert in found if alert.zone is area]
        assert of_it == ["enter", "leave"] * (len(of_it) // 2)
    assert [alert.time for alert in found] == sorted(alert.time for alert in found)
    assert watch.inside("a") == []
    assert watch.ended("a", START) == []


def test_it_leaves_when_nothing_was_inside_for_a_while() -> None:
    watch = Watch([zone(AROUND)])
    found = watch.seen([at(0, EDGE), *(at(second, EDGE + 10 * METRE) for second in range(1, 30))])
    assert kinds(found) == [("enter", 0), ("leave", PATIENCE)]


def test_a_zone_that_begins_or_ceases_to_apply_around_an_aircraft() -> None:
    one = zone(AROUND, periods=(Period(START + 10_000_000, START + 20_000_000),))
    assert kinds(Watch([one]).seen([at(second) for second in range(40)])) == [("enter", 10), ("leave", 20)]


def test_a_track_that_ends_leaves_and_begins_anew() -> None:
    watch = Watch([zone(AROUND), zone(Circle(*FIELD, 100.0))])
    assert kinds(watch.seen([at(0)])) == [("enter", 0)] * 2
    assert kinds(watch.ended("a", START + 5_000_000)) == [("leave", 5)] * 2
    assert kinds(watch.seen([at(6)])) == [("enter", 6)] * 2


def test_tracks_do_not_mix_and_the_past_is_passed_over() -> None:
    watch = Watch([zone(AROUND)])
    assert kinds(watch.seen([at(5), at(5, 40.0, track="b"), at(1, 40.0), at(6, track="b"), at(7, 40.0)])) == [
        ("enter", 5), ("enter", 6), ("leave", 7),
    ]  # fmt: skip
    assert watch.seen([at(8, float("nan")), at(8, 91.0), at(8, 0.0, 181.0)]) == []


def test_a_zone_of_several_volumes_is_left_only_when_all_are() -> None:
    north = Polygon((square(8.72, EDGE, 8.74, 47.23),))
    watch = Watch([zone(AROUND, north)])
    assert kinds(watch.seen([at(0), at(1, 47.22), at(2, 47.24)])) == [("enter", 0), ("leave", 2)]


def test_no_zones_no_alerts() -> None:
    watch = Watch([])
    assert watch.seen([at(0)]) == []


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(-0.02, 0.02), st.floats(-0.02, 0.02)), max_size=60))
def test_one_by_one_or_together_they_lead_to_the_same(steps: list[tuple[int, float, float]]) -> None:
    areas = [zone(AROUND), zone(Circle(*FIELD, 900.0), AROUND), zone(Volume(AROUND, Limit(0, "agl")))]
    positions = [
        at(second, FIELD[1] + north, FIELD[0] + east, track=str(number % 3))
        for number, (second, east, north) in enumerate(sorted(steps))
    ]
    together, alone = Watch(areas), Watch(areas)
    assert together.seen(positions) == [alert for position in positions for alert in alone.seen([position])]


# Heights


def entered(volume: Volume, **more: Any) -> bool | None:
    """Whether its height was known when it entered; None where it did not."""
    found = Watch([zone(volume)]).seen([at(0, **more)])
    return found[0].height_known if found else None


GROUND = "above-ground"


@pytest.mark.parametrize(
    ("lower", "upper", "more", "known"),
    [
        (None, None, {}, True),
        (None, Limit(120, "agl"), {}, False),
        (None, Limit(120, "agl"), {"altitude": 9_000.0}, False),
        (None, Limit(120, "agl"), {"height": 100.0, "height_reference": GROUND}, True),
        (None, Limit(120, "agl"), {"height": 121.0, "height_reference": GROUND}, None),
        # Above take-off: 50 m for the ground in between.
        (None, Limit(120, "agl"), {"height": 60.0}, True),
        (None, Limit(120, "agl"), {"height": 100.0}, False),
        (None, Limit(120, "agl"), {"height": 160.0}, False),
        (None, Limit(120, "agl"), {"height": 171.0}, None),
        (Limit(120, "agl"), None, {"height": 69.0}, None),
        (Limit(120, "agl"), None, {"height": 80.0}, False),
        (None, Limit(600, "wgs84"), {"altitude": 600.0}, True),
        (None, Limit(600, "wgs84"), {"altitude": 600.5}, None),
        (None, Limit(600, "wgs84"), {"height": 10.0, "height_reference": GROUND}, False),
        # Above mean sea level: an altitude of 600 m is 514 to 707 m there, wherever it is.
        (None, Limit(600, "amsl"), {"altitude": 490.0}, True),
        (None, Limit(600, "amsl"), {"altitude": 600.0}, False),
        (None, Limit(600, "amsl"), {"altitude": 687.0}, None),
        (Limit(600, "amsl"), None, {"altitude": 492.0}, None),
        (Limit(600, "amsl"), None, {"altitude": 494.0}, False),
        (Limit(600, "amsl"), None, {"altitude": 690.0}, True),
        (Limit(0, "agl"), Limit(600, "amsl"), {"altitude": 450.0}, False),
        (Limit(0, "agl"), Limit(600, "amsl"), {"altitude": 450.0, "height": 40.0, "height_reference": GROUND}, True),
        (None, Limit(120, "agl"), {"height": float("nan"), "height_reference": GROUND}, False),
    ],
)  # fmt: skip
def test_what_is_known_of_a_height(
    lower: Limit | None, upper: Limit | None, more: dict[str, Any], known: bool | None
) -> None:
    assert entered(Volume(AROUND, lower, upper), **more) is known


@given(
    st.floats(-500, 3_000), st.floats(-500, 3_000), st.floats(0, 2_000), st.floats(-107, 86), st.floats(-500, 3_000)
)  # fmt: skip
def test_no_geoid_makes_it_miss_a_zone(altitude: float, low: float, thick: float, geoid: float, ground: float) -> None:
    true = altitude - geoid
    volume = Volume(AROUND, Limit(low, "amsl"), Limit(low + thick + 1, "amsl"))
    found = entered(volume, altitude=altitude, height=altitude - ground, height_reference=GROUND)
    if low <= true <= low + thick + 1:
        assert found is not None
    if found:
        assert low - 1e-6 <= true <= low + thick + 1 + 1e-6


def test_climbing_out_leaves_beyond_the_vertical_margin() -> None:
    watch = Watch([zone(Volume(AROUND, None, Limit(120, "agl")))])
    climb = [at(second, height=100.0 + 5 * second, height_reference=GROUND) for second in range(12)]
    assert kinds(watch.seen(climb)) == [("enter", 0), ("leave", 9)]


def test_a_height_that_becomes_known_is_told_with_the_leave() -> None:
    watch = Watch([zone(Volume(AROUND, None, Limit(120, "agl")))])
    found = watch.seen([at(0), at(1, height=10.0, height_reference=GROUND), at(2, 48.0)])
    assert [(alert.kind, alert.height_known) for alert in found] == [("enter", False), ("leave", True)]


def test_a_track_that_is_of_another_is_in_what_both_were_in() -> None:
    """It neither leaves nor enters again, and what is older than its last position is passed over."""
    watch = Watch([zone(AROUND)])
    assert kinds(watch.seen([at(1, track="address"), at(5, EDGE + 500 * METRE)])) == [("enter", 1)]
    watch.joined("address", "a")
    assert watch.inside("address") == []
    assert watch.inside("a") == [zone(AROUND)]
    assert watch.seen([at(2, EDGE + 500 * METRE)]) == []
    assert kinds(watch.seen([at(6), at(7, EDGE + 500 * METRE)])) == [("leave", 7)]
    watch.joined("nobody", "a")
    assert watch.ended("a", START) == watch.ended("address", START) == []


# Speed


def nation(count: int, seed: int = 5) -> list[Zone]:
    """So many zones of 12 to 60 corners and circles over 4 by 2 degrees, and a few that cover all of it."""
    numbers = np.random.default_rng(seed)
    made = [zone(Volume(Polygon((square(6, 46, 10, 48),)), Limit(150 + 10 * n, "agl"))) for n in range(3)]
    while len(made) < count:
        x, y = 6 + 4 * numbers.random(), 46 + 2 * numbers.random()
        reach = 0.005 + 0.03 * numbers.random()
        if len(made) % 3:
            corners = int(numbers.integers(12, 60))
            angles = [2 * math.pi * corner / corners for corner in range(corners)]
            ring = tuple((x + reach * math.cos(angle), y + reach * math.sin(angle)) for angle in angles)
            made.append(zone(Volume(Polygon(((*ring, ring[0]),)), None, Limit(120, "agl"))))
        else:
            made.append(zone(Circle(x, y, reach * 80_000)))
    return made


def test_two_hundred_aircraft_against_five_thousand_zones_take_little_of_a_second() -> None:
    watch = Watch(nation(5_000))
    numbers = np.random.default_rng(7)
    places = [
        (6 + 4 * x, 46 + 2 * y, 0.0004 * (dx - 0.5), 0.0004 * (dy - 0.5)) for x, y, dx, dy in numbers.random((200, 4))
    ]
    ticks = [
        [at(second, y + dy * second, x + dx * second, track=str(track), altitude=500.0, height=60.0)
         for track, (x, y, dx, dy) in enumerate(places)]
        for second in range(30)
    ]  # fmt: skip
    began = time.process_time()
    found = [alert for positions in ticks for alert in watch.seen(positions)]
    share = (time.process_time() - began) / len(ticks)
    print(f"{len(found)} alerts; {share:.2%} of a core at 1 Hz")
    assert found
    # Some ten times what it takes, for machines that are slow or busy.
    assert share < 0.05
