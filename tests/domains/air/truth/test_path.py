"""Whether a flight can have gone as it says: each reason found where it holds, and not beside it."""

from __future__ import annotations

import pytest

from kizuna.domains.air.reports import Report
from kizuna.domains.air.truth import WEIGHTS
from tests.domains.air.given import flying, heard, located, named, reasons, report, serial, weight

HONEST = list(flying(300))


def test_nothing_speaks_against_who_flies() -> None:
    assert reasons(*HONEST) == {}


def test_a_jump_says_how_far_and_how_fast() -> None:
    later = list(flying(60, since=60.0, north=5000.0))
    found = reasons(*HONEST[:60], *later)
    assert set(found) == {"jump"}
    assert found["jump"]["metres"] == pytest.approx(5000 - 590, abs=10)
    assert found["jump"]["limit"] == 60.0
    assert found["jump"]["seconds"] == 1.0
    assert weight("jump", *HONEST[:60], *later) == WEIGHTS["jump"]


def test_who_was_not_heard_for_a_while_may_be_elsewhere() -> None:
    assert reasons(*HONEST[:60], *flying(60, since=160.0, north=5000.0)) == {}


def test_who_lands_and_starts_anew_did_not_jump() -> None:
    """An honest restart: its clock and its count begin again, and it stands where it landed."""
    again = [
        one._replace(clock=round((number + 1) * 1e6), sequence=number)
        for number, one in enumerate(flying(60, since=90.0, north=590.0))
    ]
    assert reasons(*HONEST[:60], *again) == {}


def test_many_jumps_are_enough() -> None:
    hops = [report(second, located(4000.0 * (second // 10 % 5), 9000.0 * (second // 10))) for second in range(60)]
    assert weight("jump", *hops) == 1.0


def test_two_that_fly_under_one_name_are_in_two_places() -> None:
    one = list(flying(60))
    other = [
        other._replace(time=other.time + 0.5, transmitter=7, clock=other.clock + 10**9)
        for other in flying(60, east=3000.0, speed=-10.0)
    ]
    found = reasons(*one, *other)
    assert found["two-places"]["seconds"] == 60.0
    assert found["two-places"]["metres"] == pytest.approx(2500, rel=0.2)
    assert weight("two-places", *one, *other) == 1.0


def test_one_that_sends_by_bluetooth_and_wifi_is_in_one_place() -> None:
    over = [
        one._replace(
            time=one.time + 0.3, carrier=2, transmitter=5, clock=-1, sequence=-1, counter=(one.counter + 7) % 256
        )
        for one in HONEST
    ]
    assert reasons(*HONEST, *over) == {}


def still(step: float) -> list[Report]:
    return [report(second * 2, located(500.0, step * second, second=1234.5, speed=10.0)) for second in range(30)]


def test_time_that_stands_still_while_it_moves() -> None:
    found = reasons(*still(20.0))
    assert found["time-still"]["second"] == 1234.5
    assert found["time-still"]["seconds"] == 2.0
    assert found["time-still"]["metres"] == pytest.approx(20, abs=1)
    assert "time-still" not in reasons(*still(1.0))


def test_time_that_runs_back_and_forth() -> None:
    back = [
        one._replace(located=one.located._replace(second=(one.located.second - (number % 2) * 6) % 3600))
        for number, one in enumerate(HONEST[:40])
        if one.located is not None
    ]
    assert reasons(*back)["time-back"]["seconds"] == pytest.approx(5.0)
    near = [
        one._replace(located=one.located._replace(second=(one.located.second - (number % 2) * 3) % 3600))
        for number, one in enumerate(HONEST[:40])
        if one.located is not None
    ]
    assert "time-back" not in reasons(*near)


def test_the_hour_may_wrap() -> None:
    assert HONEST[0].located is not None
    begin = 3600.0 - HONEST[0].located.second - 60
    found = list(flying(120, since=begin))
    seconds = [one.located.second for one in found if one.located is not None]
    assert max(seconds) > 3590
    assert min(seconds) < 10
    assert reasons(*found) == {}


@pytest.mark.parametrize(("stated", "told"), [(1.0, True), (40.0, False), (float("nan"), False)])
def test_faster_than_it_says(stated: float, told: bool) -> None:
    fast = [report(second, located(500.0, 50.0 * second, speed=stated)) for second in range(60)]
    found = reasons(*fast)
    assert ("speed-mismatch" in found) == told
    if told:
        assert found["speed-mismatch"]["stated"] == 1.0
        assert found["speed-mismatch"]["moved"] == pytest.approx(48, abs=3)


def test_new_positions_without_a_new_message() -> None:
    same = [one._replace(counter=7) for one in HONEST[:20]]
    assert weight("counter-still", *same) == WEIGHTS["counter-still"]
    assert reasons(*same)["counter-still"] == {"times": 3}
    hovering = [report(second, located(500.0, 0.1 * (second % 2)), counter=7) for second in range(60)]
    assert "counter-still" not in reasons(*hovering)


def test_reports_in_another_order_make_no_other_flight() -> None:
    late = [one._replace(time=one.time + (1.4 if number % 7 == 3 else 0)) for number, one in enumerate(HONEST)]
    found = heard(*late)
    assert len(found[HONEST[0].names[0].id].paths) == 1


def test_paths_of_one_who_teleports_are_bounded_and_told_apart() -> None:
    places = [located(40_000.0 * (second % 97), 40_000.0 * (second % 89)) for second in range(3000)]
    reports = [report(second, place, names=named(serial(1))) for second, place in enumerate(places)]
    flight = heard(*reports)[serial(1)]
    assert len(flight.paths) == 64
    assert len({path.number for path in flight.paths}) == 64
