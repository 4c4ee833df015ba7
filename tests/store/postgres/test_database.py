"""A server that goes away, keeps somebody waiting, or is asked by many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from kizuna.errors import InvalidInput, NodeBusy, Unavailable
from kizuna.store.postgres import PostgresDatabase, database
from kizuna.store.rows import get_meta, set_meta


@pytest.fixture
def opened(make_database: Callable[[], str]) -> Iterator[PostgresDatabase]:
    made = PostgresDatabase(make_database())
    yield made
    made.close()


def cut_all(url: str) -> None:
    """End every other connection to a database, as a server that restarts does."""
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname=current_database() and pid<>pg_backend_pid()"
        )


def test_readers_and_writers_come_back_when_connections_were_cut(make_database: Callable[[], str]) -> None:
    url = make_database()
    opened = PostgresDatabase(url)
    with opened.write() as connection:
        set_meta(connection, "a", "1")
    assert get_meta(opened.read(), "a") == "1"
    cut_all(url)
    assert get_meta(opened.read(), "a") == "1"
    cut_all(url)
    with opened.write() as connection:  # it was lost before anything was written
        set_meta(connection, "a", "2")
    assert get_meta(opened.read(), "a") == "2"
    opened.close()


def test_a_transaction_that_loses_its_server_leaves_nothing(make_database: Callable[[], str]) -> None:
    url = make_database()
    opened = PostgresDatabase(url)

    def act() -> None:
        with opened.write() as connection:
            set_meta(connection, "a", "1")
            cut_all(url)
            set_meta(connection, "b", "1")

    with pytest.raises(Unavailable):
        act()
    assert get_meta(opened.read(), "a") is None
    opened.close()


def test_one_writer_at_a_time_from_every_process(opened: PostgresDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_MS", 300)
    other = PostgresDatabase(opened._url)
    with opened.write() as connection:
        set_meta(connection, "a", "1")
        with pytest.raises(NodeBusy), other.write():
            pass
        assert get_meta(other.read(), "a") is None
    with other.write() as connection:
        assert get_meta(connection, "a") == "1"
    other.close()


def test_the_version_changes_with_every_commit_and_with_nothing_else(opened: PostgresDatabase) -> None:
    first = opened.version()
    opened.read().execute("select 1")
    with opened.write() as connection:
        set_meta(connection, "a", "1")
    second = opened.version()
    assert second != first
    other = PostgresDatabase(opened._url)
    with other.write() as connection:
        set_meta(connection, "a", "2")
    other.close()
    assert opened.version() != second


def test_a_snapshot_sees_one_moment(opened: PostgresDatabase) -> None:
    with opened.snapshot() as connection:
        before = get_meta(connection, "a")
        other = PostgresDatabase(opened._url)
        with other.write() as writing:
            set_meta(writing, "a", "later")
        other.close()
        assert get_meta(connection, "a") == before is None
        assert get_meta(opened.read(), "a") is None
    assert get_meta(opened.read(), "a") == "later"


def test_more_readers_than_connections_wait_and_are_served(make_database: Callable[[], str]) -> None:
    opened = PostgresDatabase(make_database(), readers=2)
    found: list[object] = []

    def ask() -> None:
        for _ in range(20):
            with opened.snapshot() as connection:
                found.append(connection.execute("select 1").fetchone())
                found.append(opened.read().execute("select 1").fetchone())

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(1,)] * (12 * 20 * 2)
    opened.close()


def test_a_stream_holds_few_rows_and_lets_others_speak(opened: PostgresDatabase) -> None:
    with opened.write() as connection:
        connection.load(("meta(key,value)", [x for i in range(1_000) for x in (f"{i:04}", "v" * 100)], 2))
        seen = 0
        for key, _ in connection.stream("select key, value from meta order by key"):
            assert connection.execute("select value from meta where key=?", (key,)).fetchone() == ("v" * 100,)
            seen += 1
            if seen == 40:
                break
    assert seen == 40


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:1/x", "postgresql:///x?host=/nowhere"])
def test_a_server_that_is_not_there(url: str) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        PostgresDatabase(url)


def test_an_address_that_is_none_and_a_store_of_the_future(make_database: Callable[[], str]) -> None:
    with pytest.raises(InvalidInput, match="address"):
        PostgresDatabase("postgresql://[::/x")
    url = make_database()
    opened = PostgresDatabase(url)
    assert opened.place.startswith("postgresql://127.0.0.1:")
    assert "@" not in opened.place
    with opened.write() as connection:
        connection.execute("insert into schema_step values (9999)")
    opened.close()
    with pytest.raises(InvalidInput, match="newer Kizuna"):
        PostgresDatabase(url)


def test_a_database_in_another_encoding_is_refused(make_database: Callable[[], str]) -> None:
    url = make_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create database latin template template0 encoding 'LATIN1' locale 'C'")
    try:
        with pytest.raises(InvalidInput, match="LATIN1"):
            PostgresDatabase(url.rpartition("/")[0] + "/latin")
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("drop database latin with (force)")
