"""Addresses that change: one aircraft stays one, two stay two, a forgery is still found, and no guess is held against anybody."""

from __future__ import annotations

import time as clock
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kizuna.domains.air import continuity
from kizuna.domains.air.continuity import HANDOVER, Ends, cell_of
from kizuna.domains.air.flight import Flight
from kizuna.domains.air.picture import Picture, address
from kizuna.domains.air.replay import Tally
from kizuna.domains.air.reports import Receiver, Report
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.simulator import Scenario, simulate
from kizuna.domains.air.truth.transmitter import Transmitter
from kizuna.formats.remote_id.radio import BEACON, BLUETOOTH
from tests.domains.air.given import SENSOR, T0, WELL, flying, heard, located, named, operated, report, serial

PLACED = Sensor(name="roof", latitude=46.2, longitude=9.1)
BLUE: dict[str, Any] = {"carrier": BLUETOOTH, "clock": -1, "sequence": -1}
FIRST, SECOND = 0x100000, 0x200000


def rotating(
    first: int = FIRST, name: str | None = WELL, *, every: int = 1, names_every: int = 5, **more: Any
) -> list[Report]:
    """A minute of an aircraft whose address changes every so many seconds, and which says its name now and then, or never."""
    return [
        one._replace(
            transmitter=first + number // every,
            names=named(name) if name is not None and number % names_every == names_every - 1 else (),
            **BLUE,
        )
        for number, one in enumerate(flying(60, **more))
    ]


def told(*reports: Report, sensor: Sensor = SENSOR) -> list[Flight]:
    """All flights that are told, those without a name too."""
    ended: list[Flight] = []
    picture = Picture(ended=ended.append)
    for one in sorted(reports, key=lambda one: one.time):
        picture.take(one, sensor)
    picture.end()
    return ended


@pytest.mark.parametrize("rotation", [1.0, 20.0])
@pytest.mark.parametrize("seed", range(5))
def test_as_many_aircraft_are_counted_as_fly(seed: int, rotation: float) -> None:
    """What is counted beside them was heard for a moment between two silences, of which nothing says whose it is."""
    capture = simulate(Scenario(seed=seed, seconds=120, honest=6, traffic=0, rotation=rotation))
    owners = {one: actor.id for actor in capture.truth.actors for one in actor.transmitters}
    flights: list[Flight] = []
    before: dict[str, float] = {}
    since: dict[Flight, float] = {}
    picture, receiver = Picture(ended=flights.append), Receiver()
    for one in receiver.feed(capture.data):
        whose = owners[address(one.transmitter)]
        if (flight := picture.take(one, PLACED)) is not None:
            since.setdefault(flight, one.time - before.get(whose, 0.0))
        if one.located is not None:
            before[whose] = one.time
    picture.end()
    names = {flight.key for flight in flights if flight.names}
    assert names <= {actor.id for actor in capture.truth.actors}
    beside = [flight for flight in flights if not flight.names]
    assert len(beside) <= 1
    assert all(since[flight] > HANDOVER for flight in beside)
    assert Tally(flights).aircraft == len(names) + len(beside)
    assert not [flight.key for flight in flights if flight.spoofed]
    assert all(len(flight.paths) == 1 for flight in flights if flight.paths)


@pytest.mark.parametrize("every", [1, 7, 30])
@pytest.mark.parametrize("carrier", [BEACON, BLUETOOTH])
def test_one_whose_name_is_heard_late(every: int, carrier: int) -> None:
    """All that was heard before is of it as well: its whole path, from its first moment on."""
    reports = [one._replace(carrier=carrier) for one in rotating(every=every, names_every=55)]
    (flight,) = told(*reports)
    assert (flight.key, flight.heard, flight.first) == (WELL, 60, T0)
    assert [len(path.points) for path in flight.paths] == [60]
    assert flight.findings == {}


@pytest.mark.parametrize("every", [1, 7])
def test_one_that_never_names_itself(every: int) -> None:
    (flight,) = told(*rotating(name=None, every=every))
    assert (flight.key, flight.heard) == (address(FIRST), 60)
    assert [len(path.points) for path in flight.paths] == [60]


@settings(max_examples=40)
@given(st.floats(3, 120), st.integers(1, 6), st.integers(1, 9), st.floats(0, 0.9))
def test_two_with_other_names_are_two(apart: float, every: int, names_every: int, later: float) -> None:
    """However close they fly, and whenever each changes its address."""
    one = rotating(every=every, names_every=names_every)
    other = rotating(SECOND, serial(2), every=every, names_every=names_every, east=500 + apart)
    flights = told(*one, *(two._replace(time=two.time + later) for two in other))
    assert {flight.key for flight in flights} == {WELL, serial(2)}
    assert sum(flight.heard for flight in flights) == 120
    assert not [flight.findings for flight in flights if flight.findings]


@settings(max_examples=40)
@given(st.floats(3, 120), st.floats(0.05, 0.9), st.floats(0, 15))
def test_two_without_names_are_two(apart: float, later: float, since: float) -> None:
    """Each has an address of its own, the second begins beside the first."""
    one = rotating(name=None, every=100)
    other = rotating(SECOND, None, every=100, east=500 + apart, since=since)
    flights = told(*one, *(two._replace(time=two.time + later) for two in other))
    assert len(flights) == 2
    assert min(flight.heard for flight in flights) >= 57
    assert not [flight.findings for flight in flights if flight.findings]


def test_one_address_after_the_other_is_one_and_both_by_turns_are_two() -> None:
    """The same serial number: who takes over where another fell silent is one aircraft, who speaks between is another transmitter."""
    one = rotating(every=30, names_every=1)
    (flight,) = told(*one)
    assert flight.findings == {}
    by_turns = [two._replace(transmitter=SECOND, time=two.time + 0.5) for two in one]
    (flight,) = told(*one, *by_turns)
    assert "two-transmitters" in flight.findings


@pytest.mark.parametrize(("carrier", "weighs"), [(BEACON, 0.6), (BLUETOOTH, 0.2)])
def test_two_transmitters_of_one_name_are_found_though_both_change_their_addresses(carrier: int, weighs: float) -> None:
    def of(first: int, later: float) -> Iterator[Report]:
        for number in range(240):
            second = number / 4 + later
            place = located(500, 2.5 * number, second=round((T0 + second) % 3600, 1) + later)
            yield report(
                second, place, transmitter=first + number // 12, carrier=carrier, clock=-1, sequence=-1,
                names=named() if number % 4 == 0 else (),
            )  # fmt: skip

    flights = told(*of(FIRST, 0.0), *of(SECOND, 0.1))
    (flight,) = [flight for flight in flights if flight.names]
    assert flight.findings["two-transmitters"].weight == weighs


def test_a_name_in_two_places_is_found_though_both_change_their_addresses() -> None:
    flights = told(*rotating(), *rotating(SECOND, names_every=4, east=2500.0, since=0.4))
    (flight,) = [flight for flight in flights if flight.names]
    assert flight.findings["two-places"].weight == 1
    assert len(flight.paths) == 2
    assert Tally(flights).aircraft == 1


def test_a_forger_that_was_nameless_first_is_found_when_it_takes_a_name() -> None:
    real = [one._replace(names=named()) for one in rotating(every=100)]
    late = rotating(SECOND, every=100, names_every=30, east=3000.0, since=0.4)
    (flight,) = told(*real, *late)
    assert flight.spoofed
    assert "two-places" in flight.findings


def test_what_is_only_likely_is_held_against_nobody() -> None:
    """A nameless forger beside an honest aircraft, by an address of its own each second, with all that is wrong in what it sends."""
    real = rotating(names_every=1, every=2)
    forger = [
        one._replace(
            transmitter=SECOND + number, names=(), quirks=0b111111, time=one.time + 0.5,
            operated=operated(90_000.0), located=located(540.0, 10.0 * number, speed=10.0, second=one.located.second if one.located else 0),
        )
        for number, one in enumerate(real)
    ]  # fmt: skip
    flights = told(*real, *forger)
    (flight,) = [flight for flight in flights if flight.key == WELL]
    assert flight.findings == {}
    assert flight.operated is None or flight.operated.longitude < 10.5


def test_an_address_that_is_heard_again_was_not_given_up() -> None:
    """Until then what was near went on with it; from then on each is for itself, and the other does not follow it once more."""
    one = rotating(name=None, every=100)
    other = rotating(SECOND, None, every=100, east=520.0)
    pause = [report for report in one if not T0 + 20 <= report.time < T0 + 26]
    flights = told(*pause, *(two for two in other if two.time > T0 + 21))
    assert sorted(flight.heard for flight in flights) == [34, 58]
    assert not [flight.findings for flight in flights if flight.findings]


def test_one_place_of_one_moment_is_one_aircraft_whichever_radio_says_it() -> None:
    """Over Wi-Fi it names itself, over Bluetooth it never does, by an address of its own for each few seconds."""
    wifi = list(flying(60))
    blue = [
        one._replace(time=one.time + 0.2, transmitter=FIRST + number // 4, names=(), **BLUE)
        for number, one in enumerate(wifi)
    ]
    (flight,) = told(*wifi, *blue)
    assert (flight.key, flight.heard) == (WELL, 120)
    assert flight.findings == {}


def test_without_satellites_all_say_the_same_and_are_not_one() -> None:
    nowhere = [
        report(float(n), located(latitude=0.0, longitude=0.0), names=(), transmitter=FIRST + n % 2) for n in range(20)
    ]
    assert len(told(*nowhere)) == 2


def test_an_address_that_says_only_where_its_operator_is() -> None:
    """It is of the aircraft of that operator; when none is known, or the address stays for itself, it is counted."""
    flight = [one._replace(operated=operated(30.0)) for one in rotating(names_every=1)]
    beside = [
        report(5.0 + n, None, names=(), transmitter=SECOND + n, operated=operated(31.0), **BLUE) for n in range(9)
    ]
    (one,) = told(*flight, *beside)
    assert one.heard == 69
    early = [
        report(0.5, None, names=(), transmitter=SECOND, operated=operated(30.0), **BLUE),
        report(1.5, None, names=(), transmitter=SECOND + 1, operator_id="FIN", **BLUE),
    ]
    assert len(told(*early, *(two._replace(operator_id="FIN") for two in flight[10:]))) == 1
    assert len(told(*flight, report(9.0, None, names=(), transmitter=7, operated=operated(5000.0), **BLUE))) == 2
    steady = [report(5.3 + n, None, names=(), transmitter=SECOND, operated=operated(30.0), **BLUE) for n in range(30)]
    fixed = [two._replace(transmitter=FIRST) for two in flight]
    assert len(told(*fixed, *steady)) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"speed": 40.0},
        {"altitude": 900.0},
        {"second": 1234.5},
        {"east": 900.0},
    ],
)
def test_what_cannot_be_the_same_aircraft_is_another(other: dict[str, float]) -> None:
    """As to its speed, its height, the time it states, or where it is."""
    first = list(flying(20, names=(), transmitter=FIRST))
    east = other.pop("east", 500.0)
    after = [report(20.0 + n, located(east, 200.0 + 10 * n, **other), names=(), transmitter=SECOND) for n in range(20)]
    assert len(told(*first, *after)) == 2
    assert (
        len(told(*first, *(report(20.0 + n, located(500, 200.0 + 10 * n), names=(), transmitter=3) for n in range(9))))
        == 1
    )


def test_what_states_neither_speed_nor_direction_may_go_on_as_well() -> None:
    nan = float("nan")
    for unknown in ({"speed": nan}, {"direction": nan}, {"second": nan}, {"speed": nan, "direction": nan}):
        reports = [
            report(float(n), located(500, 10.0 * n, **unknown), names=(), transmitter=FIRST + n // 5) for n in range(40)
        ]
        assert len(told(*reports)) == 1, unknown


def test_a_join_is_told_and_what_was_joined_never_ends_by_itself() -> None:
    ended: list[Flight] = []
    joined: list[tuple[str, str]] = []
    picture = Picture(ended=ended.append, joined=lambda part, flight: joined.append((part.key, flight.key)))
    for one in (
        *flying(5),
        *flying(5, since=5.0, names=(), transmitter=SECOND, east=2000.0),
        *flying(5, since=10.0, transmitter=SECOND),
    ):
        picture.take(one, SENSOR)
    picture.end()
    assert joined == [(address(SECOND), WELL)]
    assert [flight.key for flight in ended] == [WELL]
    assert len(picture._states) == 0


def test_ends_are_bounded_in_each_cell_and_forgotten() -> None:
    ends = Ends()
    for number in range(1000):
        sender = Transmitter(("roof", 0, number), T0)
        sender.said = located()
        ends.put(sender, cell_of(46.2, 9.1))
    (cell,) = ends._cells.values()
    assert len(cell) == continuity._MOST_HERE
    for sender in list(cell):
        ends.put(sender, cell_of(46.3, 9.1))
        ends.drop(sender)
        ends.drop(sender)
    assert not ends._cells


def test_addresses_that_were_given_up_are_forgotten() -> None:
    """An aircraft that changes its address each second for hours does not make memory grow."""
    picture = Picture()
    for number in range(4_000):
        name = named() if number % 3 == 0 else ()
        place = located(500.0, 0.0, speed=0.0, second=(T0 + number) % 3600)
        picture.take(report(float(number), place, names=name, transmitter=number + 1, **BLUE), SENSOR)
    (flight,) = picture.flights.values()
    assert flight.heard == 4_000
    assert len(picture._transmitters) < 800
    assert sum(len(here) for here in picture._ends._cells.values()) < 800
    newest = picture._transmitters["roof", BLUETOOTH, 4_000]
    chain = 0
    while (newest := newest.follows) is not None:  # type: ignore[assignment]
        chain += 1
    assert chain < 800


def test_what_states_no_address_follows_none() -> None:
    reports = [one._replace(transmitter=0) for one in rotating(names_every=1)]
    other = [one._replace(transmitter=0, names=named(serial(2))) for one in rotating(east=520.0, since=0.3)]
    nameless = report(61.0, located(500.0, 610.0), names=(), transmitter=0, **BLUE)
    assert sorted(flight.heard for flight in told(*reports, *other, nameless)) == [60, 60]


def test_nameless_addresses_without_end_cost_a_bounded_time_each() -> None:
    """8,000 in half a second, all over the place: none is joined to what it cannot be, and no look is at more than a few."""
    picture = Picture()
    began = clock.process_time()
    for number in range(8_000):
        place = located(float(number * 7919 % 4001), float(number * 104_729 % 4003), speed=0.0)
        picture.take(report(number / 20_000, place, names=(), transmitter=number + 1, **BLUE), SENSOR)
    assert clock.process_time() - began < 20
    assert len(picture.flights) <= 8_000
    assert sum(flight.heard for flight in picture.flights.values()) == 8_000


def test_whoever_says_what_and_when_nothing_is_lost() -> None:
    """Heard by name or without, before or after: each transmission is of one flight."""
    flights = heard(*rotating(), *rotating(SECOND, serial(3), east=700.0))
    assert sum(flight.heard for flight in flights.values()) == 120
