"""Quotas: an hour's share, what goes beyond it counts against the next, and every process counts together."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kizuna.errors import NotFound, QuotaReached
from kizuna.settings import Limits
from kizuna.store import Partner, Store
from kizuna.store.quotas import count, may_send, pause
from tests.conftest import Clock

BRUSSELS = Partner(name="Brussels", organisation="CERT Brussels (fictional)", country="BEL", quota_objects=100)


@pytest.fixture
def partnered(store: Store) -> Store:
    """A store whose partner may send a hundred objects in an hour."""
    store.put_partner(BRUSSELS)
    return store


def test_it_ends_with_the_hour(partnered: Store, clock: Clock) -> None:
    clock.forward(600)
    count(partnered, "brussels", 99, 1)
    may_send(partnered, "Brussels")
    count(partnered, "Brussels", 1, 1)
    with pytest.raises(QuotaReached) as told:
        may_send(partnered, "Brussels")
    assert told.value.seconds == 3000
    clock.forward(3000)
    may_send(partnered, "Brussels")


def test_what_was_too_much_counts_against_the_hours_that_follow(partnered: Store, clock: Clock) -> None:
    count(partnered, "Brussels", 250, 1)
    assert pause(partnered, "Brussels") == 2 * 3600
    clock.forward(3600)
    assert pause(partnered, "Brussels") == 3600
    clock.forward(3600)
    assert pause(partnered, "Brussels") == 0
    count(partnered, "Brussels", 50, 1)
    assert pause(partnered, "Brussels") == 3600


def test_bytes_count_too(partnered: Store) -> None:
    partnered.put_partner(msgspec.structs.replace(BRUSSELS, quota_bytes=1000))
    count(partnered, "Brussels", 1, 1000)
    assert pause(partnered, "Brussels") == 3600


def test_the_setting_counts_where_nothing_else_is_set(partnered: Store) -> None:
    partnered.put_partner(Partner(name="Kyiv", organisation="CERT Kyiv (fictional)", country="UKR"))
    count(partnered, "Kyiv", 999_999, 1)
    assert pause(partnered, "Kyiv") == 0
    count(partnered, "Kyiv", 1, 1)
    assert pause(partnered, "Kyiv") == 3600
    partnered.settings = msgspec.structs.replace(
        partnered.settings, limits=Limits(quota_objects=None, quota_bytes=None)
    )
    assert pause(partnered, "Kyiv") == 0


def test_a_clock_that_goes_back_gives_nothing_and_locks_nobody_out(partnered: Store, clock: Clock) -> None:
    count(partnered, "Brussels", 100, 1)
    clock.forward(-1)  # another machine's, a second behind
    assert pause(partnered, "Brussels") == 3601
    clock.forward(1 - 26 * 3600)
    assert pause(partnered, "Brussels") == 3600
    clock.forward(3600)
    assert (
        pause(partnered, "Brussels") == 3600
    )  # what was sent counts until the clock is there again, or something more is sent


def test_processes_count_together(partnered: Store, clock: Clock) -> None:
    other = Store(partnered.folder, partnered.settings, clock)
    try:
        for one in (partnered, other) * 50:
            count(one, "Brussels", 1, 1)
        assert pause(other, "Brussels") == pause(partnered, "Brussels") == 3600
    finally:
        other.close()


def test_who_goes_takes_it_along(partnered: Store) -> None:
    count(partnered, "Brussels", 1000, 1)
    partnered.remove_partner("Brussels")
    with pytest.raises(NotFound):
        may_send(partnered, "Brussels")
    partnered.put_partner(BRUSSELS)
    may_send(partnered, "Brussels")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 7000), st.integers(0, 300)), max_size=12))
def test_the_average_keeps_to_the_share(partnered: Store, clock: Clock, turns: list[tuple[int, int]]) -> None:
    with partnered.database.write() as connection:
        connection.execute("delete from sent")
    clock.now -= clock.now % 3_600_000_000
    began, sent, largest = clock.now, 0, 0
    for seconds, objects in turns:
        clock.forward(seconds)
        if not pause(partnered, "Brussels"):
            count(partnered, "Brussels", objects, 1)
            sent, largest = sent + objects, max(largest, objects)
    hours = (clock.now - began) // 3_600_000_000 + 1
    assert sent < hours * 100 + max(largest, 1)
