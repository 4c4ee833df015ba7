"""Rows that are on their way while the next are made ready, and bodies as far as they fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from kizuna.store.postgres import PostgresDatabase, connection, database

BODY = "body(n,raw,original,problems)"


@pytest.fixture
def opened(make_database: Callable[[], str]) -> Iterator[PostgresDatabase]:
    made = PostgresDatabase(make_database())
    yield made
    made.close()


def bodies(*sizes: int) -> list[object]:
    return [x for n, size in enumerate(sizes, 1) for x in (n, bytes([n]) * size, None, None)]


def count(opened: PostgresDatabase) -> int:
    return int(opened.read().execute("select count(*) from body").fetchone()[0])


def test_rows_follow_each_other(opened: PostgresDatabase) -> None:
    with opened.write() as writer:
        for n in range(1, 51):
            writer.load((BODY, [n, b"x" * 10_000, None, None], 4))
            assert n % 10 or writer.execute("select count(*) from body").fetchone() == (n,)
    assert count(opened) == 50


def test_a_stream_goes_on_while_rows_are_on_their_way(opened: PostgresDatabase) -> None:
    with opened.write() as writer:
        writer.load((BODY, bodies(*[10] * 50), 4))
        for (n,) in writer.stream("select n from body order by n", at_once=4):
            writer.load((BODY, [n + 100, b"x", None, None], 4))
            if n == 40:  # and may end before its end
                break
    assert count(opened) == 90


def test_what_is_wrong_with_rows_the_next_statement_raises(opened: PostgresDatabase) -> None:
    def twice() -> None:
        with opened.write() as writer:
            writer.load((BODY, bodies(1), 4))
            writer.load((BODY, bodies(2), 4))
            writer.execute("select 1")

    with pytest.raises(psycopg.errors.UniqueViolation):
        twice()
    assert count(opened) == 0
    with opened.write() as writer:
        writer.load((BODY, bodies(1), 4))
    assert count(opened) == 1


def test_rows_of_several_tables_go_in_together_or_not_at_all(opened: PostgresDatabase) -> None:
    edges = "edge(object,target,path,label)"
    with opened.write() as writer:
        writer.load((BODY, bodies(1), 4), (edges, [], 4), (edges, [1, 2, 3, 4], 4))
        writer.load()
        assert writer.execute("select object, target, path, label from edge").fetchall() == [(1, 2, 3, 4)]

    def twice() -> None:
        with opened.write() as writer:
            writer.load((edges, [2, 2, 3, 4], 4), (BODY, bodies(1), 4), (edges, [3, 2, 3, 4], 4))

    with pytest.raises(psycopg.errors.UniqueViolation):
        twice()
    assert count(opened) == 1
    assert opened.read().execute("select count(*) from edge").fetchone() == (1,)


def test_what_is_wrong_with_the_last_rows_is_not_committed(opened: PostgresDatabase) -> None:
    def twice() -> None:
        with opened.write() as writer:
            writer.load((BODY, bodies(1, 1), 4))
            writer.load((BODY, bodies(2), 4))

    with pytest.raises(psycopg.errors.UniqueViolation):
        twice()
    assert count(opened) == 0


def test_whoever_gives_up_leaves_nothing_of_what_is_on_its_way(opened: PostgresDatabase) -> None:
    def stopped() -> None:
        with opened.write() as writer:
            writer.load((BODY, bodies(*[100_000] * 50), 4))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert count(opened) == 0
    with opened.write() as writer:
        writer.load((BODY, bodies(1), 4))
    assert count(opened) == 1


@pytest.mark.parametrize("most", [0, 1, 35, 60, 1_000])
def test_bodies_come_whole_and_in_order_however_few_fit(
    opened: PostgresDatabase, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(connection, "FILLED_BYTES", most)
    connection._filled.cache_clear()
    sizes = [10, 20, 30, 1, 50, 2]
    with opened.write() as writer:
        writer.load((BODY, bodies(*sizes), 4))
    sql = "select b.n, b.n, {raw}, b.problems from body b where b.n>? order by b.n limit ?"
    with opened.snapshot() as reader:
        found = list(reader.with_bodies(sql, (1, 4), n=0, raw=2))
    connection._filled.cache_clear()
    assert found == [(n, n, bytes([n]) * sizes[n - 1], None) for n in (2, 3, 4, 5)]


def test_a_store_that_was_just_filled_is_known_to_the_server(
    opened: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LEARNED", 5)

    def known() -> float:
        sql = "select reltuples from pg_class where oid='kizuna.body'::regclass"
        return float(opened.read().execute(sql).fetchone()[0])

    def fill(numbers: range) -> None:
        with opened.write() as writer:
            writer.load((BODY, [x for n in numbers for x in (n, b"x", None, None)], 4))
            columns = "object(n,ident,space,id,version,digest,source,label,least,whole,area,type,added)"
            rows = [(n, n, 0, f"id{n}", n, bytes([n]), 1, 1, 1, 1, 1, 1, n) for n in numbers]
            writer.load((columns, [x for row in rows for x in row], 13))
        opened.tidy()

    fill(range(4))
    assert known() <= 0
    fill(range(4, 8))
    assert known() == 8
    fill(range(8, 20))  # not four times as many
    assert known() == 8
    fill(range(20, 40))
    assert known() == 40


def test_few_documents_wait_to_be_put_in_order_whoever_brought_them(
    make_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PENDING", 5)
    url = make_database()

    def bring(opened: PostgresDatabase, numbers: range) -> None:
        with opened.write() as writer:
            writer.full_text.add(writer, [(n, 1, f"word{n}") for n in numbers])

    def waiting() -> int:
        """Pages of the index that hold what waits."""
        with psycopg.connect(url, autocommit=True) as other:
            found = other.execute("select gin_clean_pending_list('kizuna.doc_words'::regclass)").fetchone()
        return int((found or (0,))[0])

    one, other_one = PostgresDatabase(url), PostgresDatabase(url)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("alter table kizuna.doc set (autovacuum_enabled = off)")
    bring(one, range(100))  # and is killed before it put them in order
    bring(other_one, range(100, 101))
    other_one.tidy()
    assert waiting() == 0
    bring(other_one, range(101, 105))
    other_one.tidy()
    assert waiting() > 0
    bring(other_one, range(105, 106))
    other_one.tidy()
    assert waiting() == 0
    one.close()
    other_one.close()
