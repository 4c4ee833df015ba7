"""The picture of the air: whose a report is, when a flight ends, and that nothing makes it grow without end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kizuna.domains.air import picture as module
from kizuna.domains.air.flight import Flight
from kizuna.domains.air.picture import MOST_FLIGHTS, MOST_TRANSMITTERS, Picture, Position, address
from kizuna.domains.air.reports import Report
from kizuna.domains.air.tracks import tracks
from tests.domains.air.given import SENDER, SENSOR, T0, WELL, flying, located, named, report, serial


def taken(*reports: Report) -> tuple[Picture, list[Flight], list[Position]]:
    ended: list[Flight] = []
    moved: list[Position] = []
    picture = Picture(ended=ended.append, moved=moved.append)
    for one in reports:
        picture.take(one, SENSOR)
    return picture, ended, moved


def test_a_flight_is_told_as_it_moves_and_when_it_ends() -> None:
    picture, ended, moved = taken(*flying(60))
    assert (len(moved), ended, list(picture.flights)) == (60, [], [WELL])
    picture.pass_to(T0 + 60 + 590)
    assert ended == []
    picture.pass_to(T0 + 60 + 620)
    assert [flight.key for flight in ended] == [WELL]
    assert not picture.flights
    picture.end()
    assert len(ended) == 1


def test_who_comes_back_after_ten_minutes_is_another_flight() -> None:
    picture, ended, _ = taken(*flying(10), *flying(10, since=700.0))
    picture.end()
    assert [flight.heard for flight in ended] == [10, 10]
    assert ended[0].first != ended[1].first


def test_the_same_position_again_is_heard_and_not_moved() -> None:
    one = report(1.0, located())
    picture, _, moved = taken(one, one._replace(time=one.time + 0.1), one._replace(time=one.time + 0.2))
    assert len(moved) == 1
    assert picture.flights[WELL].heard == 3
    assert len(tracks(picture.flights[WELL])[0].points) == 1


def test_an_empty_name_is_no_name() -> None:
    picture, _, _ = taken(report(0.0, located(), names=named("")))
    assert list(picture.flights) == ["90:3a:e6:5b:c8:a8"]


def test_a_flight_that_ended_is_not_gone_on_with() -> None:
    """An address that stands for itself, is closed, and is heard again: its old flight takes nothing from the new one."""
    picture, ended, _ = taken(report(0.0, located(), names=()))
    old = picture.flights[address(SENDER)]
    picture._close(old)
    picture.take(report(1.0, located(), names=()), SENSOR)
    new = picture.flights[address(SENDER)]
    assert new is not old
    picture.take(report(2.0, located()), SENSOR)
    picture.end()
    assert ended == [old, new]
    assert new.key == WELL


def test_the_flight_that_was_silent_longest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FLIGHTS", 3)
    picture, ended, _ = taken(
        *(report(number, None, names=named(serial(number)), transmitter=number + 1) for number in range(3)),
        report(3.0, None, names=named(serial(0)), transmitter=1),
        report(4.0, None, names=(), transmitter=2),
        report(5.0, None, names=named(serial(9)), transmitter=9),
    )
    assert [flight.key for flight in ended] == [serial(2)]
    assert list(picture.flights) == [serial(0), serial(1), serial(9)]


class Steps(dict):  # type: ignore[type-arg]
    """A mapping that counts how often it is walked through."""

    walked = 0

    def values(self):  # type: ignore[no-untyped-def]
        type(self).walked += len(self)
        return super().values()

    def items(self):  # type: ignore[no-untyped-def]
        type(self).walked += len(self)
        return super().items()


def test_addresses_and_names_without_end_are_bounded() -> None:
    picture, ended, _ = taken()
    for number in range(60_000):
        one = report(
            number / 100_000, None, transmitter=number + 1, names=named(serial(number // 2)), clock=-1, sequence=-1
        )
        picture.take(one, SENSOR)
    assert len(picture.flights) == MOST_FLIGHTS
    assert len(picture._memories) == MOST_FLIGHTS
    assert len(picture._transmitters) <= MOST_TRANSMITTERS
    assert len(ended) == 10_000


def test_one_transmitter_of_any_number_of_names_is_bounded() -> None:
    picture, _, _ = taken(*(report(n / 1000, None, names=named(serial(n))) for n in range(5_000)))
    (transmitter,) = picture._transmitters.values()
    assert len(transmitter.names) <= 65
    assert len(transmitter.clocks) <= 8


def test_one_name_from_any_number_of_transmitters_is_bounded() -> None:
    reports = [one._replace(transmitter=n + 1, signal=-50) for n, one in enumerate(flying(5_000))]
    picture, _, _ = taken(*reports)
    flight, memory = picture.flights[WELL], picture._memories[WELL]
    assert len(flight.senders) <= 65
    assert len(memory.hearing) <= 64
    assert len(flight.swaps) <= 64
    assert len(flight.fresh) <= 2 * 29


def test_silent_transmitters_are_forgotten() -> None:
    picture, _, _ = taken(*(report(float(n), None, transmitter=n + 1, names=named(serial(n))) for n in range(4_000)))
    assert len(picture._transmitters) < 800
    assert len(picture.flights) < 800


def test_a_clock_that_goes_back_and_forth_costs_no_look_at_everybody() -> None:
    picture, _, _ = taken(*(report(n / 1000, None, transmitter=n + 1, names=named(serial(n))) for n in range(3_000)))
    picture._transmitters = Steps(picture._transmitters)
    Steps.walked = 0
    count = 4_000
    for number in range(count):  # decreasing, and to and fro by half a minute
        picture.take(report(3.0 - number / 1000 + 30 * (number % 2), None), SENSOR)
    assert Steps.walked <= 20 * count


def test_times_that_nothing_states_are_taken() -> None:
    picture, _, moved = taken(*(one._replace(time=-1.0) for one in flying(30)))
    assert picture.flights[WELL].heard == 30
    assert len(moved) == 30


def test_tracks_of_a_flight_have_each_their_own_id() -> None:
    places = [located(40_000.0 * (n % 7 % 3), 40_000.0 * (n % 5)) for n in range(400)]
    picture, _, _ = taken(*(report(float(n), place) for n, place in enumerate(places)))
    found = tracks(picture.flights[WELL])
    assert 1 < len(found) <= 8
    assert len({one.id for one in found}) == len(found)
    assert found[0].serial == WELL
    assert found[0].transmitter == "90:3a:e6:5b:c8:a8"


def wandering(names: int, seconds: int, *, since: float = 0.0, first: int = 0) -> Iterator[Report]:
    """So many aircraft, each at a new place each second."""
    for second in range(seconds):
        for number in range(first, first + names):
            place = located(500.0 + number, 10.0 * second)
            yield report(since + second, place, names=named(serial(number)), transmitter=number + 1)


def test_points_are_bounded_over_the_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of who was silent longest are thinned first, and all that went is counted."""
    monkeypatch.setattr(module, "MOST_POINTS", 1_400)
    picture, ended, _ = taken(*wandering(10, 80), *wandering(1, 600, since=80.0, first=50))
    old, new = picture.flights[serial(0)], picture.flights[serial(50)]
    assert [len(path.points) for path in new.paths] == [600]
    assert 40 <= len(old.paths[0].points) < 80
    assert (old.paths[0].points[0].time, old.thinned) == (round((T0 - 0.0) * 1e6), 80 - len(old.paths[0].points))
    for one in wandering(1, 2_500, since=680.0, first=60):
        picture.take(one, SENSOR)
        assert sum(flight.size() for flight in picture.flights.values()) <= 1_400
    assert picture.flights[serial(60)].heard == 2_500
    picture.end()
    assert (
        sum(len(path.points) for flight in ended for path in flight.paths) + sum(flight.thinned for flight in ended)
        == 10 * 80 + 600 + 2_500
    )


def test_paths_without_end_are_bounded_as_points_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Aircraft that are somewhere else each time, where there is nothing to thin: who was silent longest ends."""
    monkeypatch.setattr(module, "MOST_POINTS", 1_000)
    ended: list[Flight] = []
    picture = Picture(ended=ended.append)
    for second in range(30):
        for number in range(20):
            place = located(500.0 + 20_000.0 * (second % 7), 9_000.0 * number * second % 70_000)
            picture.take(report(second, place, names=named(serial(number)), transmitter=number + 1), SENSOR)
            assert sum(flight.size() for flight in picture.flights.values()) <= 1_000
    assert ended
    assert serial(19) in picture.flights
