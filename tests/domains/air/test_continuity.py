"""Addresses that change: one aircraft stays one, two stay two, a forgery is still found, and no guess is held against anybody."""

from __future__ import annotations

import time as clock
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kizuna.domains.air import asides, continuity
from kizuna.domains.air import picture as picturing
from kizuna.domains.air.continuity import HANDOVER, Ends, cell_of
from kizuna.domains.air.flight import MOST_SENDERS, Flight
from kizuna.domains.air.picture import Picture, address
from kizuna.domains.air.replay import Tally
from kizuna.domains.air.reports import Receiver, Report
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.simulator import Scenario, simulate
from kizuna.domains.air.truth.transmitter import Transmitter
from kizuna.formats.remote_id.radio import BEACON, BLUETOOTH
from kizuna.formats.remote_id.radiotap import UNKNOWN_SIGNAL
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
    beside = [flight for flight in flights if not flight.names and flight.goes_on is None]
    assert {flight.goes_on for flight in flights} - {None} <= names
    assert len(beside) <= 1
    assert all(since[flight] > HANDOVER for flight in beside)
    assert Tally(flights).aircraft == len(names) + len(beside)
    assert not [flight.key for flight in flights if flight.spoofed]
    assert all(len(flight.paths) == 1 for flight in flights if flight.paths)


@pytest.mark.parametrize("every", [1, 7, 30])
@pytest.mark.parametrize("carrier", [BEACON, BLUETOOTH])
def test_one_whose_name_is_heard_late(every: int, carrier: int) -> None:
    """It is counted once; what was heard of addresses that never said the name stays with them, for anybody could take it over."""
    reports = [one._replace(carrier=carrier) for one in rotating(every=every, names_every=55)]
    flights = told(*reports)
    assert {flight.key: (flight.heard, flight.goes_on) for flight in flights} == {
        address(FIRST): (54, WELL),
        WELL: (6, None),
    }
    assert Tally(flights).aircraft == 1
    assert not [flight.findings for flight in flights if flight.findings]


def test_one_whose_only_address_gives_its_name_late() -> None:
    """All that was heard before is of it as well: its whole path, from its first moment on."""
    (flight,) = told(*rotating(every=100, names_every=55))
    assert (flight.key, flight.heard, flight.first) == (WELL, 60, T0)
    assert [len(path.points) for path in flight.paths] == [60]


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
    assert {flight.key for flight in flights if flight.names} == {WELL, serial(2)}
    aircraft = Tally(flights).aircraft
    assert aircraft == 2 or (apart < 30 and aircraft == 3)  # so near, what had no name yet is taken for the other's
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
    assert len(picture._memories) == 0


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


EVIL = 0x900000


def faulty(every: int, clean: int = 0) -> list[Report]:
    """Two minutes without a name: too strong, and with all that the format does not allow but in the first seconds."""
    return [
        one._replace(
            transmitter=FIRST + number // every,
            names=(),
            quirks=0b111111 if number >= clean else 0,
            signal=-40 if number >= clean else UNKNOWN_SIGNAL,
            **BLUE,
        )
        for number, one in enumerate(flying(120))
    ]


def kept(picture: Picture) -> tuple[int, int, int]:
    """Points, addresses of flights, and the longest way to a whole flight: of all that is reachable."""
    flights, longest = {*picture.flights.values()}, 0
    for sender in picture._transmitters.values():
        flight, way = sender.flight, 0
        while flight is not None:
            flights.add(flight)
            flight, way = flight.into, way + 1
        longest = max(longest, way)
    points = sum(len(path.points) for flight in flights for path in flight.paths)
    return points, sum(len(flight.senders) for flight in flights), longest


def test_a_chain_of_repeated_places_is_cut_and_keeps_nothing_twice() -> None:
    """Each nameless address repeats two places of the one after it."""
    picture, many = Picture(), 200
    taken = 0
    for since in (0.0, 1.0):
        places = [
            located(second=500.0 + since)._replace(latitude=-60 + n * 0.05, longitude=-100.0) for n in range(many)
        ]
        for lead in (0, 1):
            for number in range(many - lead):
                time = since + lead / 2 + number * 1e-5
                one = report(time, places[number + lead], names=(), transmitter=FIRST + number, **BLUE)
                picture.take(one, SENSOR)
                taken += 1
            points, senders, longest = kept(picture)
            assert points <= taken
            assert senders <= 2 * many
            assert longest <= 2 + picturing._MOST_JOINS
    assert max(flight.joins for flight in picture.flights.values()) <= picturing._MOST_JOINS


def test_what_was_joined_is_empty_and_the_way_to_the_whole_is_short() -> None:
    whole = Flight(WELL, T0)
    parts = [Flight(address(number), T0 + number) for number in range(500)]
    for number, part in enumerate(parts):
        part.senders = {(BLUETOOTH, number): T0 + number}
        part.sender = {BLUETOOTH: number}
        part.detected(located(500.0, float(number)), T0 + number, "roof")
    for part, into in zip(parts, (*parts[1:], whole), strict=True):
        into.join(part)
    assert not [part for part in parts if part.paths or part.senders or part.sender or part.sensors or part.findings]
    assert len(whole.senders) == MOST_SENDERS
    assert (BLUETOOTH, 499) in whole.senders
    assert sum(len(path.points) for path in whole.paths) + whole.thinned == 500
    assert parts[0].whole is whole
    assert all(part.into is whole for part in parts)


def test_addresses_that_each_give_one_name_at_last_are_remembered_to_a_bound() -> None:
    picture = Picture()
    for number in range(300):
        at = 2.0 * number
        for later, names in ((0.0, ()), (1.0, named())):
            place = located(500.0 + 150.0 * (number % 12), 0.0, speed=0.0)
            picture.take(report(at + later, place, names=names, transmitter=FIRST + number, **BLUE), SENSOR)
    assert len(picture.flights[WELL].senders) <= MOST_SENDERS


def test_a_forger_that_repeats_a_place_of_another_is_told_by_itself() -> None:
    """Once, twice, or on and on: nothing of it comes to the flight with a name, neither findings nor paths."""
    victim = [
        one._replace(transmitter=FIRST, names=named() if number % 5 == 0 else (), **BLUE)
        for number, one in enumerate(flying(60))
    ]
    evil = [
        one._replace(
            transmitter=EVIL, names=(), quirks=0b111111,
            located=located(500.0, 50_000.0 * (1 + number % 2), second=one.located.second if one.located else 0), **BLUE,
        )
        for number, one in enumerate(flying(20))
    ]  # fmt: skip
    for echoes in (1, 2, 20):
        again = [
            one._replace(time=one.time + 0.05, transmitter=EVIL, names=(), quirks=0b111111)
            for one in victim[40:][:echoes]
        ]
        flights = {flight.key: flight for flight in told(*victim, *evil, *again)}
        assert flights[WELL].findings == {}
        assert (flights[WELL].heard, len(flights[WELL].paths)) == (60, 1)
        assert flights[address(EVIL)].spoofed


def test_a_new_address_that_repeats_places_is_held_against_nobody_else() -> None:
    """It was clean until it was taken to be of the aircraft, and forges from then on."""
    victim = list(flying(60))
    echoes = [
        one._replace(time=one.time + 0.05, transmitter=EVIL, names=(), quirks=0 if number < 5 else 0b111111, **BLUE)
        for number, one in enumerate(victim[20:40])
    ]
    flights = {flight.key: flight for flight in told(*victim, *echoes)}
    assert flights[WELL].findings == {}
    assert flights[address(EVIL)].spoofed


def test_one_repeated_place_joins_nothing_and_two_do() -> None:
    """Two addresses without a name; the second was heard before at another place."""
    for times, flights in ((1, 2), (2, 1)):
        one = [two._replace(transmitter=FIRST, **BLUE) for two in flying(20, names=())]
        alone = report(0.5, located(700.0, 0.0), names=(), transmitter=SECOND, **BLUE)
        again = [two._replace(time=two.time + 0.05, transmitter=SECOND) for two in one[5:][:times]]
        assert len(told(*one, alone, *again)) == flights


def test_a_name_that_repeats_a_place_takes_nothing_from_who_has_none() -> None:
    victim = list(flying(60, names=(), transmitter=FIRST))
    echo = victim[10]._replace(time=victim[10].time + 0.05, transmitter=EVIL, names=named(serial(2)))
    flights = {flight.key: flight for flight in told(*victim, echo)}
    assert (flights[address(FIRST)].heard, flights[serial(2)].heard) == (60, 1)
    assert len(flights[serial(2)].paths[0].points) == 1


@pytest.mark.parametrize("clean", [0, 5])
def test_who_changes_its_address_is_looked_at_all_the_same(clean: int) -> None:
    """From a doubtful address on it is one doubtful flight; what was clean before is not taken for forged."""
    flights = told(*faulty(5, clean), sensor=PLACED)
    spoofed = [flight for flight in flights if flight.spoofed]
    assert len(spoofed) == 1
    assert spoofed[0].heard >= 115
    assert "impossible-value" in spoofed[0].findings
    assert len(flights) == (2 if clean else 1)


def test_what_is_found_of_addresses_one_after_the_other_adds_up() -> None:
    """Each is too strong for a few seconds only, and each has but one fault."""
    reports = [
        one._replace(quirks=(1 << (number // 5 % 6)) if number >= 5 else 0, signal=UNKNOWN_SIGNAL)
        for number, one in enumerate(faulty(5, 5))
    ]
    flights = told(*reports, sensor=PLACED)
    assert len([flight for flight in flights if flight.spoofed]) == 1
    assert flights[0].findings == {} or flights[1].findings == {}


def test_what_is_kept_of_guesses_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asides, "MOST", 10)
    picture = Picture()
    for number in range(100):
        first = located(500.0, 3_000.0 * number, speed=0.0)
        picture.take(report(number / 100, first, names=(), transmitter=FIRST + number, **BLUE), SENSOR)
        picture.take(report(number / 100 + 0.005, first, names=(), transmitter=SECOND + number, **BLUE), SENSOR)
    assert len(picture._asides._kept) == 10
    long = Picture()
    for one in rotating(name=None, every=2) + [
        two._replace(transmitter=FIRST + 29) for two in flying(400, since=60, names=(), north=600)
    ]:
        long.take(one, SENSOR)
    kept = [sum(len(path.points) for path in aside.flight.paths) for aside in long._asides._kept.values()]
    assert 0 < max(kept) <= asides.LONGEST


def slipped_in(names_from: int = 99, quirks: int = 0) -> list[Report]:
    """An address that goes on half a second after an aircraft's last word by another, and keeps near for a quarter of a minute."""
    return [
        one._replace(
            time=one.time - 0.5, transmitter=EVIL, names=named(serial(2)) if number >= names_from else (), quirks=quirks,
            located=one.located and one.located._replace(second=round((one.time - 0.9) % 3600, 1)), **BLUE,
        )
        for number, one in list(enumerate(flying(60)))[30:45]
    ]  # fmt: skip


def test_an_address_that_slips_in_is_never_sure_by_its_age() -> None:
    victim = rotating(every=30)
    flights = {flight.key: flight for flight in told(*victim, *slipped_in(quirks=0b111111))}
    assert flights[WELL].findings == {}
    assert flights[address(EVIL)].spoofed
    faint = {flight.key: flight for flight in told(*victim, *slipped_in(quirks=0b1000))}
    assert not faint[WELL].findings


def test_a_name_given_late_takes_the_past_of_nobody() -> None:
    """Whoever flew there stays what it was told as."""
    flights = {flight.key: flight for flight in told(*rotating(every=30, name=None), *slipped_in(32))}
    assert flights[serial(2)].first >= T0 + 31
    assert flights[address(FIRST)].heard >= 30
    assert flights[address(FIRST)].first == T0
    assert Tally(flights.values()).aircraft == 2
