"""Whether one transmitter speaks as one: clocks, frame numbers, names and addresses."""

from __future__ import annotations

import pytest

from kizuna.domains.air.reports import Report
from kizuna.domains.air.truth import WEIGHTS
from tests.domains.air.given import SENDER, T0, WELL, flying, heard, named, reasons, serial, weight

HONEST = list(flying(120))


def test_a_clock_that_stands_still() -> None:
    zeros = [one._replace(clock=0) for one in HONEST[:30]]
    found = reasons(*zeros)
    assert found["clock-still"] == {"clock": 0, "seconds": 2.0}
    assert weight("clock-still", *zeros) == WEIGHTS["clock-still"]
    repeated = [
        again for one in HONEST for again in (one, one._replace(time=one.time + 0.1, sequence=one.sequence + 1))
    ]
    assert "clock-still" not in reasons(*repeated)


def test_two_clocks_under_one_address() -> None:
    other = [one._replace(time=one.time + 0.5, clock=one.clock + 10**9) for one in HONEST]
    found = reasons(*HONEST, *other)
    assert found["two-clocks"] == {"seconds": 999.5}
    assert "clock-wild" not in found


def test_a_clock_begins_anew_when_it_is_switched_on() -> None:
    again = [one._replace(clock=number * 1_000_000 + 1) for number, one in enumerate(HONEST[60:])]
    assert reasons(*HONEST[:60], *again) == {}


def test_a_clock_that_drifts_is_one() -> None:
    drifting = [one._replace(clock=round(one.clock * 1.0005)) for one in HONEST]
    assert reasons(*drifting) == {}


def test_a_clock_that_jumps_without_end() -> None:
    wild = [one._replace(clock=number * 7_777_777_777) for number, one in enumerate(HONEST[:20])]
    assert reasons(*wild)["clock-wild"] == {"clocks": 4, "seconds": 60.0}


def test_frame_numbers_that_stand_still() -> None:
    same = [one._replace(sequence=0) for one in HONEST[:30]]
    assert reasons(*same) == {"sequence-still": {"number": 0, "seconds": 2.0}}


def test_two_counts_of_frames_under_one_address() -> None:
    other = [one._replace(time=one.time + 0.5, sequence=(one.sequence + 2000) % 4096) for one in HONEST]
    assert reasons(*HONEST, *other)["two-sequences"] == {"times": 3, "seconds": 60.0}


def test_frame_numbers_wrap() -> None:
    wrapped = [one._replace(sequence=number * 700 % 4096) for number, one in enumerate(HONEST)]
    assert reasons(*wrapped) == {}


def names(count: int) -> list[Report]:
    found = []
    for number in range(count):
        for one in flying(60, east=500.0 * number):
            found.append(
                one._replace(
                    time=one.time + number / 10, clock=one.clock + number * 100_000, names=named(serial(number))
                )
            )
    return found


def test_many_names_from_one_transmitter() -> None:
    flights = heard(*names(5))
    assert {flight.findings["many-names"].weight for flight in flights.values()} == {1.0}
    assert flights[serial(4)].findings["many-names"].values == {"names": 5, "seconds": 60.0}
    two = heard(*names(2))
    assert {flight.findings["many-names"].weight for flight in two.values()} == {0.3}
    assert heard(*names(1))[serial(0)].findings == {}


@pytest.mark.parametrize(("silent", "weighs"), [(10.0, 0.3), (70.0, 0.0)])
def test_a_name_that_was_said_for_long_is_known_by_when_it_was_said_last(silent: float, weighs: float) -> None:
    """The very same name again and again costs no look at the others; when there is another, it counts as of then."""
    other = [one._replace(names=named(serial(3))) for one in flying(5, since=120 + silent, east=900.0)]
    again = [one._replace(names=named()) for one in HONEST]
    assert weight("many-names", *again, *other, name=serial(3)) == weighs
    same = [one._replace(names=again[0].names) for one in HONEST]
    assert weight("many-names", *same, *other, name=serial(3)) == weighs


def test_a_serial_number_and_a_registration_are_one_aircraft() -> None:
    both = [one._replace(names=named() + named("HB-1234", 2)) for one in HONEST]
    flight = heard(*both)[WELL]
    assert flight.findings == {}
    assert (flight.serial, flight.registration) == (WELL, "HB-1234")


@pytest.mark.parametrize(("carrier", "weighs"), [(0, 0.6), (2, 0.2)])
def test_two_transmitters_by_turns(carrier: int, weighs: float) -> None:
    turns = [
        one._replace(transmitter=SENDER + number % 2, carrier=carrier, clock=-1, sequence=-1)
        for number, one in enumerate(HONEST)
    ]
    assert weight("two-transmitters", *turns) == weighs
    assert reasons(*turns)["two-transmitters"] == {"transmitters": 2, "seconds": 60.0}


def test_an_address_that_changes_each_second_is_one_transmitter() -> None:
    changing = [one._replace(transmitter=SENDER + number) for number, one in enumerate(HONEST)]
    flights = heard(*changing)
    assert set(flights) == {WELL}
    assert not flights[WELL].findings
    assert len(flights[WELL].senders) <= 65
    assert len(flights[WELL].paths) == 1


def test_what_names_nobody_is_of_who_named_themselves_before() -> None:
    apart = [one._replace(names=one.names if number % 4 == 0 else ()) for number, one in enumerate(HONEST)]
    flights = heard(*apart)
    assert set(flights) == {WELL}
    assert flights[WELL].heard == len(HONEST)


def test_an_aircraft_goes_by_its_address_until_it_names_itself() -> None:
    late = [one._replace(names=()) for one in HONEST[:20]] + HONEST[20:]
    flights = heard(*late)
    assert set(flights) == {WELL}
    assert flights[WELL].first == T0
    assert set(heard(*late[:20])) == {"90:3a:e6:5b:c8:a8"}


def test_without_an_address_and_a_name_nothing_says_whose_it_is() -> None:
    nameless = HONEST[1]._replace(transmitter=0, names=())
    assert set(heard(HONEST[0]._replace(transmitter=0, names=named(serial(7))), nameless)) == {serial(7)}
    assert heard(HONEST[0]._replace(transmitter=0, names=named(serial(7))), nameless)[serial(7)].heard == 1
