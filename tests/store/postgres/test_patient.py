"""Connections that are given up: when nobody works on their statement, or nobody waits for it, and not before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from kizuna import deadline
from kizuna.errors import NodeBusy, Unavailable
from kizuna.store.postgres import PostgresDatabase, database, patient
from kizuna.store.postgres.patient import Patient
from tests.proxy import Proxy

SILENCE = 0.4


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in less time."""
    monkeypatch.setattr(patient, "SILENCE", SILENCE)
    monkeypatch.setattr(patient, "PROBE_SECONDS", 2.0)
    monkeypatch.setattr(patient, "LAST_SECONDS", 0.3)
    monkeypatch.setitem(database._SETTINGS, "connect_timeout", 2)


@pytest.fixture
def address(make_database: Callable[[], str]) -> str:
    return make_database()


@pytest.fixture
def proxy(address: str) -> Iterator[Proxy]:
    with Proxy(int(address.rpartition(":")[2].partition("/")[0])) as made:
        yield made


@pytest.fixture
def behind(address: str, proxy: Proxy) -> Iterator[PostgresDatabase]:
    made = PostgresDatabase(proxy.url(address), readers=1)
    yield made
    proxy.go_on()
    made.close()


def _backend(behind: PostgresDatabase) -> int:
    return int(behind.read().execute("select pg_backend_pid()").fetchone()[0])


def test_who_works_for_long_is_waited_for(address: str) -> None:
    with Patient.connect(address, autocommit=True) as one:
        one.introduce()
        assert one.execute("select pg_sleep(%s), 7", (4 * SILENCE,)).fetchone() == ("", 7)


def test_a_statement_that_the_server_does_not_know_of_is_given_up(address: str, proxy: Proxy) -> None:
    """The other side of a proxy may be gone while the server answers everybody else."""
    with Patient.connect(proxy.url(address), autocommit=True) as one:
        one.introduce()
        with psycopg.connect(address, autocommit=True) as other:
            proxy.hush()
            other.execute("select pg_terminate_backend(%s)", (one.pid,))
            with pytest.raises(psycopg.OperationalError, match="stopped in the middle"):
                one.execute("select 1")
        assert one.closed


def test_a_deadline_cancels_what_is_asked_and_keeps_the_connection(behind: PostgresDatabase, address: str) -> None:
    before = _backend(behind)
    with pytest.raises(NodeBusy, match="too long"), deadline.within(0.3):
        behind.read().execute("select pg_sleep(600)")
    assert _backend(behind) == before
    with psycopg.connect(address) as other:
        sql = "select count(*) from pg_stat_activity where state='active' and query like 'select pg_sleep(600)%'"
        assert other.execute(sql).fetchone() == (0,)


def test_after_the_deadline_nothing_is_asked(behind: PostgresDatabase) -> None:
    before = _backend(behind)

    def ask() -> None:
        with behind.snapshot() as snapshot:
            for _ in range(20_000):
                snapshot.execute("select 1")

    with pytest.raises(NodeBusy, match="too long"), deadline.within(0.3):
        ask()
    assert _backend(behind) == before


def test_a_deadline_ends_a_reader_whom_nobody_answers(behind: PostgresDatabase, proxy: Proxy) -> None:
    before = _backend(behind)
    proxy.stall()
    with pytest.raises((Unavailable, NodeBusy)), deadline.within(0.3):
        behind.read().execute("select 1")
    proxy.go_on()
    assert _backend(behind) != before  # whose answer came to nobody


def test_a_writer_whom_nobody_answers_is_given_up_and_another_does_not_wait_longer(
    behind: PostgresDatabase, proxy: Proxy
) -> None:
    with behind.write() as writer:
        writer.execute("insert into meta values ('a', '1')")
    refused: list[Exception] = []

    def write() -> None:
        try:
            with behind.write() as writer:
                writer.execute("insert into meta values ('b', '1')")
        except (Unavailable, NodeBusy) as error:
            refused.append(error)

    proxy.stall()
    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(refused) == 2
    proxy.go_on()
    until = time.monotonic() + 60
    while True:
        try:
            with behind.write() as writer:
                assert writer.execute("select count(*) from meta where key='b'").fetchone() == (0,)
                return
        except Unavailable:
            assert time.monotonic() < until


@pytest.mark.soak
def test_pieces_of_a_copy_are_bounded_too(behind: PostgresDatabase, proxy: Proxy) -> None:
    many = [value for number in range(200_000) for value in (number, number, 1, 1)]

    def load() -> None:
        with behind.write() as writer:
            proxy.stall()
            writer.load(("edge(object,target,path,label)", many, 4))

    with pytest.raises(Unavailable):
        load()
    proxy.go_on()


@pytest.mark.parametrize("heard", [False, True])
def test_a_commit_that_nobody_answers_may_be_there_or_not(
    behind: PostgresDatabase, address: str, proxy: Proxy, heard: bool
) -> None:
    def write() -> None:
        with behind.write() as writer:
            writer.execute("insert into meta values ('c', '1')")
            proxy.lets_it_through = heard
            proxy.stalls_at = b"commit\0"

    with pytest.raises(Unavailable, match="does not answer"):
        write()
    with psycopg.connect(address) as other:
        assert other.execute("select count(*) from kizuna.meta where key='c'").fetchone() == (int(heard),)
