"""Whether a flight lives at the time of the others."""

from __future__ import annotations

import pytest

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.reports import Report
from kizuna.domains.air.truth.clocks import Consensus, SharedClocks
from tests.domains.air.given import SENDER, T0, flying, heard, named, operated, serial


def fleet(*off: float, seconds: int = 60, receiver: float = 0.0) -> list[Report]:
    """Aircraft each of which states a time that is so many seconds behind, at a receiver whose clock is ahead."""
    found = []
    for number, behind in enumerate(off):
        for one in flying(seconds, east=400.0 * (number + 1)):
            assert one.located is not None
            second = (one.located.second - behind - receiver) % 3600
            stated = int(one.time - behind - receiver)
            found.append(
                one._replace(
                    time=one.time + number / 100, transmitter=SENDER + number, names=named(serial(number)),
                    clock=one.clock + number * 7_000_000, located=one.located._replace(second=round(second, 1)),
                    operated=operated(stated=stated),
                )
            )  # fmt: skip
    return found


def found(reports: list[Report], number: int) -> dict[str, dict[str, float | str]]:
    return {code: one.values for code, one in heard(*reports)[serial(number)].findings.items()}


def test_all_at_one_time_are_in_time() -> None:
    reports = fleet(0, 0, 0, 0)
    assert all(found(reports, number) == {} for number in range(4))


@pytest.mark.parametrize("receiver", [0.0, 5 * 3600.0, -1234.0])
def test_who_states_another_time_than_all_others(receiver: float) -> None:
    reports = fleet(0, 0, 0, 900, receiver=receiver)
    assert found(reports, 3)["time-apart"]["seconds"] == pytest.approx(900, abs=2)
    assert all("time-apart" not in found(reports, number) for number in range(3))


def test_a_replay_of_exactly_an_hour_is_told_by_its_whole_time() -> None:
    reports = fleet(0, 0, 0, 3600)
    assert found(reports, 3)["time-apart"]["seconds"] == pytest.approx(3600, abs=2)
    without = [one._replace(operated=None) for one in reports]
    assert "time-apart" not in found(without, 3)


def test_eighteen_leap_seconds_are_forgiven() -> None:
    reports = fleet(0, 0, 0, -18)
    assert found(reports, 3) == {}


def test_alone_a_time_that_is_off_is_only_odd() -> None:
    reports = fleet(900)
    assert found(reports, 0) == {"time-off": {"seconds": 900.4}}
    assert found(fleet(20), 0) == {}


def test_who_agrees_with_the_receiver_is_not_outvoted() -> None:
    """Many ghosts of one forger that state another time make no honest aircraft look forged."""
    reports = fleet(0, *[900] * 12)
    assert "time-apart" not in found(reports, 0)


def test_a_sequence_of_strangers_is_forgotten() -> None:
    consensus = Consensus()
    for number in range(60_000):
        consensus.check(Flight(str(number), T0), T0 % 3600, T0 + number / 60_000)
    assert len(consensus._offsets) <= 10_001


def test_one_clock_for_many_aircraft() -> None:
    def swarm(count: int, apart: int) -> list[Report]:
        found = []
        for number in range(count):
            for one in flying(60, east=400.0 * (number + 1)):
                shift = number / 10
                found.append(
                    one._replace(
                        time=one.time + shift, transmitter=SENDER + number, names=named(serial(number)),
                        clock=round(one.clock + shift * 1e6 + number * apart),
                    )
                )  # fmt: skip
        return found

    together = heard(*swarm(5, 0))
    assert {flight.findings["shared-clock"].weight for flight in together.values()} == {1.0}
    assert heard(*swarm(2, 0))[serial(0)].findings["shared-clock"].weight == 0.3
    assert all(not flight.findings for flight in heard(*swarm(5, 2_000_000)).values())


def test_clocks_of_strangers_are_forgotten_and_sharing_ones_are_bounded() -> None:
    clocks = SharedClocks()
    for number in range(30_000):
        clocks.check(Flight(str(number), T0), 5.0, T0 + number / 1000)
    assert sum(map(len, clocks._by_offset.values())) <= 64
    for number in range(30_000):
        clocks.check(Flight(str(number), T0), 10.0 + number, T0 + number)
    assert sum(map(len, clocks._by_offset.values())) <= 2_100


def test_a_storm_of_names_with_one_clock_is_told_of_each() -> None:
    """Whoever comes after enough others share a clock is told at once, without looking at them all."""
    shared, flights = SharedClocks(), [Flight(str(number), T0) for number in range(500)]
    for number, flight in enumerate(flights):
        shared.check(flight, 1000.0 + (number % 3) * 1e-3, T0 + number * 1e-3)
    assert all(flight.findings["shared-clock"].weight == 1.0 for flight in flights)
    assert flights[-1].findings["shared-clock"].values == {"names": 32}
    late = Flight("late", T0 + 1000)
    shared.check(late, 1000.0, T0 + 1000)
    assert not late.findings
