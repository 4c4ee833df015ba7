"""Whether a flight can be where it says: operators, ranges, and how strong it is heard."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, log10, radians, sin
from typing import Any

import pytest

from kizuna.domains.air.reports import Report
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.truth import WEIGHTS
from tests.domains.air.given import NAN, PLACED, SENSOR, flying, operated, reasons, weight


@pytest.mark.parametrize(("metres", "weighs"), [(9_000.0, 0.0), (11_500.0, 0.3), (25_000.0, 0.6), (NAN, 0.0)])
def test_an_operator_who_is_far_away(metres: float, weighs: float) -> None:
    said = operated()._replace(longitude=NAN) if metres != metres else operated(-metres)
    reports = [one._replace(operated=said) for one in flying(20)]
    assert weight("operator-far", *reports) == weighs
    if weighs:
        assert reasons(*reports)["operator-far"]["metres"] == pytest.approx(metres + 500, rel=0.01)


def test_an_operator_at_the_other_side_of_the_date_line_is_near() -> None:
    near = operated()._replace(latitude=0.0, longitude=-179.999)
    reports = [
        one._replace(operated=near, located=one.located._replace(latitude=0.0, longitude=179.999))
        for one in flying(20)
        if one.located is not None
    ]
    assert "operator-far" not in reasons(*reports)


def far(sensor: Sensor, east: float) -> dict[str, dict[str, float | str]]:
    return reasons(*flying(20, east=east), sensor=sensor)


def test_nothing_is_heard_from_beyond_the_reach() -> None:
    found = far(PLACED, 16_000.0)["out-of-range"]
    assert found["metres"] == pytest.approx(16_000, rel=0.01)
    assert found["reach"] == 15_000.0
    assert far(PLACED, 14_000.0) == {}
    assert far(SENSOR, 16_000.0) == {}
    assert far(Sensor(name="dish", latitude=46.2, longitude=9.1, reach=40_000.0), 16_000.0) == {}


def placed(**more: Any) -> Sensor:
    return Sensor(name="roof", latitude=46.2, longitude=9.1, **more)


@pytest.mark.parametrize(
    ("east", "accuracy", "code", "told"),
    [
        (15_100.0, 10.0, 11, True), (15_100.0, 200.0, 11, False), (15_300.0, 200.0, 11, True),
        (15_100.0, 10.0, 8, False), (15_200.0, 10.0, 8, True), (15_035.0, 10.0, 0, False), (15_045.0, 10.0, 0, True),
    ],
)  # fmt: skip
def test_the_reach_is_held_against_the_least_distance_that_both_accuracies_allow(
    east: float, accuracy: float, code: int, *, told: bool
) -> None:
    found = reasons(*exact(20, code, east=east, speed=0.5), sensor=placed(accuracy=accuracy))
    assert found.keys() == ({"out-of-range"} if told else set())


def exact(seconds: int, code: int, **more: Any) -> list[Report]:
    """A flight that states its accuracy by this code."""
    return [
        one._replace(located=one.located._replace(horizontal_accuracy=code))
        for one in flying(seconds, **more)
        if one.located is not None
    ]


VIEW: dict[str, Any] = {"azimuth": 350.0, "width": 60.0, "reach": 8_000.0}
"""From 320° to 20°; with what a beam is wide, from 300° to 40°."""


@pytest.mark.parametrize(
    ("bearing", "told"), [(350, False), (20, False), (38, False), (42, True), (170, True), (298, True), (302, False)]
)
def test_claimed_where_the_sensor_does_not_look(bearing: int, *, told: bool) -> None:
    towards(bearing, 4_000.0, placed(**VIEW), told=told)
    towards(bearing, 4_000.0, placed(reach=8_000.0), told=False)


def towards(bearing: float, metres: float, sensor: Sensor, *, told: bool, code: int = 11, seconds: int = 40) -> None:
    east, north = metres * sin(radians(bearing)), metres * cos(radians(bearing))
    found = reasons(*exact(seconds, code, east=east, north=north, speed=0.5), sensor=sensor)
    assert found.keys() == ({"out-of-view"} if told else set())
    if told:
        assert found["out-of-view"] == {
            "bearing": pytest.approx(bearing, abs=1), "azimuth": sensor.azimuth, "width": sensor.width,
        }  # fmt: skip


def test_an_antenna_hears_what_is_near_to_all_sides() -> None:
    towards(170, 760.0, placed(**VIEW), told=False)
    towards(170, 860.0, placed(**VIEW), told=True)
    towards(170, 4_000.0, placed(**VIEW), told=False, seconds=19)


def test_a_direction_is_known_no_better_than_both_places() -> None:
    towards(50, 4_000.0, placed(**VIEW), told=True)
    towards(50, 4_000.0, placed(**VIEW, accuracy=800.0), told=False)  # 11.5°
    towards(50, 4_000.0, placed(**VIEW), told=False, code=6)  # 556 m: 833 m at three deviations, 12.0°
    towards(54, 4_000.0, placed(**VIEW), told=True, code=6)
    towards(170, 4_000.0, placed(**VIEW, accuracy=5_000.0), told=False)


def heard_with(signal: Callable[[int], int], *, seconds: int = 300, speed: float = 10.0) -> list[Report]:
    return [one._replace(signal=signal(number)) for number, one in enumerate(flying(seconds, speed=speed))]


def fading(number: int) -> int:
    """As free space has it, with reflections."""
    return round(-40 - 20 * log10(max(500.0, 10.0 * number)) + 12 + 5 * sin(number * 1.7) + 2 * sin(number * 0.37))


def test_stronger_than_any_radio_may_be() -> None:
    found = reasons(*heard_with(lambda number: -20 + number % 9 - 8 * (number // 100)), sensor=PLACED)["too-strong"]
    assert found["signal"] > found["most"]  # type: ignore[operator]
    assert found["metres"] == pytest.approx(500, rel=0.05)
    assert "too-strong" not in reasons(*heard_with(fading), sensor=PLACED)
    assert "too-strong" not in reasons(*heard_with(lambda number: -20 + number % 9), sensor=SENSOR)


def test_too_strong_is_what_no_distance_that_both_accuracies_allow_explains() -> None:
    strong = heard_with(lambda number: -45 + number % 9, speed=0.5)  # at 500 m, at most -48 dBm
    assert reasons(*strong, sensor=placed())["too-strong"]["metres"] == 486
    assert "too-strong" not in reasons(*strong, sensor=placed(accuracy=450.0))
    assert "too-strong" not in reasons(*strong, sensor=placed(accuracy=390.0))
    assert "too-strong" in reasons(*strong, sensor=placed(accuracy=200.0))


def test_a_distance_that_is_hardly_known_is_none_for_the_signal_to_follow() -> None:
    wandering = heard_with(lambda number: -60 + round(4 * sin(number * 1.7)))
    assert "signal-flat" in reasons(*wandering, sensor=placed(accuracy=200.0))
    assert "signal-flat" not in reasons(*wandering, sensor=placed(accuracy=2_000.0))


def test_the_signal_falls_with_distance() -> None:
    assert reasons(*heard_with(fading), sensor=PLACED) == {}


def test_a_signal_that_does_not_fall_with_distance() -> None:
    wandering = heard_with(lambda number: -60 + round(4 * sin(number * 1.7)))
    found = reasons(*wandering, sensor=PLACED)["signal-flat"]
    assert abs(float(found["slope"])) < 0.3
    assert float(found["expected"]) >= 3
    assert found["heard"] == 140
    assert weight("signal-flat", *wandering, sensor=PLACED) >= WEIGHTS["signal-flat"]
    assert "signal-flat" not in reasons(*wandering, sensor=SENSOR)
    assert "signal-flat" not in reasons(*wandering[:90], sensor=PLACED)


def test_a_signal_that_is_steady_though_it_moves() -> None:
    steady = heard_with(lambda number: -60 + number % 2)
    found = reasons(*steady)["signal-steady"]
    assert found["deviation"] == 0.5
    assert float(found["metres"]) > 300
    assert weight("signal-steady", *steady) == 1.0
    assert weight("signal-steady", *steady[:120]) == WEIGHTS["signal-steady"]
    hovering = heard_with(lambda number: -60 + number % 2, speed=0.3)
    assert "signal-steady" not in reasons(*hovering)
    assert "signal-steady" not in reasons(*heard_with(lambda number: -60 + number % 9))
