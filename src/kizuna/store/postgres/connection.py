"""Connections to PostgreSQL that speak the store's SQL: one of a writer or a snapshot, and a reader that takes one from a pool."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from kizuna import deadline
from kizuna.errors import DiskNearlyFull, NodeBusy, Unavailable
from kizuna.store.database import Load, Parameters, Rows
from kizuna.store.postgres.copying import block, storable
from kizuna.store.postgres.full_text import FullText
from kizuna.store.postgres.patient import Patient
from kizuna.store.postgres.translated import translated

Raw = Patient
FETCHED = 16
"""Rows of a stream that are fetched at a time: each may hold an object of the largest size."""
FILLED_BYTES = 4 << 20
"""Bytes of bodies that are fetched at a time, and one body at least."""

_streams = count()


class _Speaking:
    """What every connection has: the store's statements in PostgreSQL's spelling."""

    full_text = FullText()
    worthwhile = 2_000

    def execute(self, sql: str, parameters: Parameters = (), /) -> Rows:
        """Run one statement; all it gives is held in memory."""
        raise NotImplementedError

    def with_bodies(self, sql: str, parameters: Parameters, *, n: int, raw: int) -> Iterator[Any]:
        """Rows of a question in which `{raw}` stands for the bytes of a body, few bytes in memory at a time."""
        rows = self.execute(_filled(sql), parameters).fetchall()
        whole = next((at for at, row in enumerate(rows) if row[raw] is None), len(rows))
        yield from rows[:whole]
        rest = rows[whole:]
        if not rest:
            return
        sizes = dict(
            self.execute("select n, length(raw) from body where n=any(?)", ([row[n] for row in rest],)).fetchall()
        )
        for some in _portions(rest, [sizes.get(row[n], 0) for row in rest]):
            found = self.execute("select n, raw from body where n=any(?)", ([row[n] for row in some],)).fetchall()
            bodies = dict(found)
            for row in some:
                yield (*row[:raw], bodies.get(row[n], b""), *row[raw + 1 :])

    def among(self, numbers: Sequence[int]) -> tuple[str, Any]:
        """An array, which leads to an index whatever the server knows of the table; a set it may join with every row."""
        return "= any(?)", list(numbers)

    def many(self, _name: str, _number: int, ordered: list[int]) -> str:
        """Many numbers to look for, as a set that is hashed once."""
        return f"(select unnest('{_array(tuple(ordered))}'::bigint[]))"


class PostgresConnection(_Speaking):
    """A connection in one thread's hands: a writer's, or a snapshot's."""

    def __init__(self, raw: Raw, types: Mapping[str, str]) -> None:
        self.raw = raw
        self._types = types
        self.loaded: dict[str, int] = {}  # rows by table
        self._copying: ExitStack | None = None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.raw.info.transaction_status != TransactionStatus.IDLE

    def execute(self, sql: str, parameters: Parameters = (), /) -> Rows:
        """Run one statement; all it gives is held in memory."""
        with told():
            self.settle()
            return self.raw.execute(translated(sql), _kept(parameters), binary=True)

    def executemany(self, sql: str, parameters: Iterable[Parameters], /) -> None:
        """Run one statement for each set of parameters."""
        with told(), self.raw.cursor() as cursor:
            self.settle()
            cursor.executemany(translated(sql), [_kept(one) for one in parameters])

    def stream(self, sql: str, parameters: Parameters = (), /, *, at_once: int = FETCHED) -> Iterator[Any]:
        """Rows as they are asked for; other statements may run on this connection meanwhile."""
        with told(), self.raw.cursor(f"stream_{next(_streams)}") as cursor:
            self.settle()
            cursor.execute(translated(sql), _kept(parameters), binary=True)
            try:
                while rows := cursor.fetchmany(at_once):
                    yield from rows
                    self.settle()
            finally:
                self.settle()  # before the cursor is closed

    def load(self, *loads: Load) -> None:
        """Insert rows; what is wrong with the last the next statement raises.

        All are made ready before the first is sent: the server may still be at what it was sent before.
        """
        blocks = [
            (into, len(flat) // width, block(flat, [self._types[column] for column in _columns(into)]))
            for into, flat, width in loads
            if flat
        ]
        for into, number, rows in blocks:
            with told():
                self.settle()
                with ExitStack() as stack:
                    cursor = stack.enter_context(self.raw.cursor())
                    copy = stack.enter_context(cursor.copy(f"copy {into} from stdin (format binary)".encode()))
                    copy.write(rows)
                    # The server works on them while whoever brought them makes the next ready.
                    self._copying = stack.pop_all()
            table = into.partition("(")[0]
            self.loaded[table] = self.loaded.get(table, 0) + number

    def settle(self) -> None:
        """Wait until the server has what it was sent."""
        copying, self._copying = self._copying, None
        if copying is not None:
            copying.close()

    def give_up(self) -> None:
        """Let the server forget what it was sent and is not done with."""
        copying, self._copying = self._copying, None
        if copying is not None:
            copying.__exit__(None, _GivenUp(), None)


class _GivenUp(Exception):
    """Told to the server in place of the end of what it is sent."""


class PooledReader(_Speaking):
    """Reads through whatever connection of a pool is free, each statement by itself, or through the thread's snapshot."""

    def __init__(
        self, borrowed: Callable[[], AbstractContextManager[PostgresConnection]], sift: Callable[[], None]
    ) -> None:
        self._borrowed = borrowed
        self._sift = sift

    in_transaction = False

    def execute(self, sql: str, parameters: Parameters = (), /) -> Rows:
        """Ask; a connection that was lost meanwhile is replaced once, since to read twice does no harm."""
        for last in (False, True):
            with self._borrowed() as connection:
                try:
                    return connection.execute(sql, parameters)
                except Unavailable:
                    if last or not connection.raw.broken or deadline.passed():
                        raise
            self._sift()  # where one was cut off, the others were likely, too
        raise AssertionError  # the second turn returns or raises

    def executemany(self, sql: str, parameters: Iterable[Parameters], /) -> None:
        """Run one statement for each set of parameters."""
        with self._borrowed() as connection:
            connection.executemany(sql, parameters)

    def stream(self, sql: str, parameters: Parameters = (), /, *, at_once: int = FETCHED) -> Iterator[Any]:
        """All rows at once: a stream needs a snapshot or a transaction, where the connection stays the same."""
        return iter(self.execute(sql, parameters))

    def load(self, *loads: Load) -> None:
        """Nothing is written here."""
        raise psycopg.errors.ReadOnlySqlTransaction(f"a reader writes nothing: {[load[0] for load in loads]}")


class Snapshot(PostgresConnection):
    """A connection inside a transaction that sees one moment."""


@contextmanager
def told() -> Iterator[None]:
    """Whatever is wrong with the database, in the house's errors: it does not answer, or keeps somebody waiting."""
    try:
        yield
    except psycopg.errors.LockNotAvailable as error:
        raise NodeBusy(f"another process keeps writing: {_first(error)}") from None
    except psycopg.errors.QueryCanceled:
        raise NodeBusy("the answer took too long to find; ask for less") from None
    except psycopg.errors.DiskFull as error:
        raise DiskNearlyFull(f"there is no room left where the database is: {_first(error)}") from None
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise Unavailable(f"the database does not answer: {_first(error)}") from None
    except psycopg.DatabaseError as error:
        # Without a state it is libpq that speaks, not the server: that it is gone, in the middle of an answer.
        if type(error) is not psycopg.DatabaseError or error.sqlstate is not None:
            raise
        raise Unavailable(f"the database does not answer: {_first(error)}") from None


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _kept(parameters: Parameters) -> Any:
    if isinstance(parameters, Mapping):
        return {name: storable(v) if isinstance(v, str) else v for name, v in parameters.items()}
    return [storable(v) if isinstance(v, str) else v for v in parameters]


@lru_cache(maxsize=200)
def _filled(sql: str) -> str:
    """The question with the bytes of bodies in place of `{raw}`, as far as they are few together, and then nothing."""
    head, _, rest = sql.partition(" from ")
    columns = head.removeprefix("select ").split(", ")
    named = ", ".join(f"{'b.raw' if column == '{raw}' else column} c{at}" for at, column in enumerate(columns))
    few = f"case when sum(length({{0}})) over (rows unbounded preceding) <= {FILLED_BYTES} then {{0}} end"
    given = ", ".join(few.format(f"c{at}") if column == "{raw}" else f"c{at}" for at, column in enumerate(columns))
    return f"select {given} from (select {named} from {rest}) q"


def _portions(rows: list[tuple[Any, ...]], sizes: list[int]) -> Iterator[list[tuple[Any, ...]]]:
    """Rows in order, together as many as have so many bytes."""
    some: list[tuple[Any, ...]] = []
    left = FILLED_BYTES
    for row, size in zip(rows, sizes, strict=True):
        if some and left < size:
            yield some
            some, left = [], FILLED_BYTES
        some.append(row)
        left -= size
    if some:
        yield some


@lru_cache(maxsize=200)
def _columns(into: str) -> list[str]:
    """`edge(object,target)` as `edge.object` and `edge.target`."""
    found = re.fullmatch(r"(\w+)\(([\w,]+)\)", into)
    if found is None:
        raise ValueError(into)
    return [f"{found[1]}.{column}" for column in found[2].split(",")]


@lru_cache(maxsize=16)
def _array(numbers: tuple[int, ...]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"
