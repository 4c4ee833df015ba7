"""SQLite connections: one per reading thread, one writer at a time across threads and processes; migrations.

WAL with synchronous=FULL: what a committed transaction wrote survives power loss (sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from kizuna import deadline
from kizuna.errors import DiskNearlyFull, InvalidInput, NodeBusy, Unavailable
from kizuna.store.archive import DATABASE, Archive, Manifest
from kizuna.store.database import Load, Parameters, Sizes
from kizuna.store.keyed import keyed
from kizuna.store.migrations import Step, newer, steps
from kizuna.store.sqlite.copied import checked_file, copy_file, keep_before_upgrade
from kizuna.store.sqlite.full_text import FullText

CACHE_KIB = 32 * 1024
# The pages that new objects change lie all over the indexes: what is not in memory is read and written again for each batch.
LARGE_CACHE_KIB = 128 * 1024
READER_CACHE_KIB = 4 * 1024
BUSY_MS = 60_000
CLOSING_SECONDS = 1.0
"""That closing waits for threads that read: they notice, and end."""
# The write-ahead log is brought back into the file by the commit that fills it, and then written again from its beginning:
# on blocks that it has already, a commit waits half as long for the disk. Of a small log the same pages come back too often.
WAL_PAGES = 4_000
# It grows beyond where readers hold on to it all the time; then the writer waits for them once.
WAL_BYTES = 256 << 20
_CACHED_SHARE = 6
_LOOKED_EVERY = (
    100_000  # steps of SQLite's machine, some milliseconds, after which a reader looks whether it should go on
)
_ROWS_AT_ONCE = 32


class SqliteConnection(sqlite3.Connection):
    """A connection of the standard library with what the store asks besides."""

    full_text = FullText()
    worthwhile = 1

    def stream(self, sql: str, parameters: Parameters = (), /, *, at_once: int = 1) -> Iterator[Any]:
        """Rows as they are asked for: SQLite reads no further than that."""
        return self.execute(sql, parameters)

    def with_bodies(self, sql: str, parameters: Parameters, *, n: int, raw: int) -> Iterator[Any]:
        """Rows with the bytes of their bodies: SQLite reads no further than is asked for."""
        return self.execute(sql.replace("{raw}", "b.raw"), parameters)

    def load(self, *loads: Load) -> None:
        """Insert rows: many of them a statement cost little more than one.

        `or fail`: whoever calls gives the whole transaction up at an error, so SQLite need not keep every page that a
        statement changes to take the statement alone back, which took ten times as long as the rows of `ident` themselves.
        """
        for into, flat, width in loads:
            row = f"({','.join('?' * width)})"
            step = width * _ROWS_AT_ONCE
            whole = len(flat) - len(flat) % step
            for start, end, size in ((0, whole, step), (whole, len(flat), width)):
                if start < end:
                    sql = f"insert or fail into {into} values {','.join([row] * (size // width))}"
                    self.executemany(sql, [flat[at : at + size] for at in range(start, end, size)])

    def among(self, numbers: Sequence[int]) -> tuple[str, Any]:
        """As JSON."""
        return "in (select value from json_each(?))", json.dumps(numbers)

    def many(self, name: str, number: int, ordered: list[int]) -> str:
        """A table of many numbers, for `in`: temporary, on this connection, filled up to the newest.

        `number` is another where what `name` stands for began anew; a row below zero keeps it, so that it goes back with a transaction.
        The table stays where that happens: a question may name it that is not asked yet, or is still being answered.
        """
        known = self.execute("select 1 from sqlite_temp_master where name=?", (name,)).fetchone() is not None
        begun, filled = self.execute(f"select min(n), max(n) from temp.{name}").fetchone() if known else (None, -1)
        if begun != -1 - number or filled < ordered[-1]:
            # A reading connection writes nothing else, and this on no disk.
            (only,) = self.execute("pragma query_only").fetchone()
            self.execute("pragma query_only=off")
            try:
                if begun != -1 - number:
                    filled = -1
                    self.execute(f"create temp table if not exists {name}(n integer primary key)")
                    self.execute(f"delete from temp.{name}")
                fresh = [-1 - number, *ordered[bisect_right(ordered, filled) :]]
                self.execute(f"insert or ignore into temp.{name} select value from json_each(?)", (json.dumps(fresh),))
            finally:
                self.execute(f"pragma query_only={only}")
        return f"temp.{name}"


class SqliteDatabase:
    """One SQLite file. Readers see a snapshot; a writer holds the file's write lock from BEGIN to COMMIT."""

    def __init__(self, file: Path, *, read_only: bool = False, until: int | None = None) -> None:
        self.file = file
        self.waited: Callable[[float], object] | None = None
        self.replaced: Callable[[], object] | None = None  # a file is the one it is
        self._read_only = read_only
        self._local = threading.local()
        self._all: list[SqliteConnection] = []
        self._readers: list[tuple[threading.Thread, SqliteConnection]] = []
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._listing = threading.Lock()
        self._closed = False
        self._inside = False  # whether somebody is in a transaction of this process
        self._cache_kib = CACHE_KIB
        self._writer = self._connect(CACHE_KIB)
        if read_only:
            return
        try:
            if 0 < (at := _schema(self._writer)) < steps("sqlite", until)[-1].number:
                keep_before_upgrade(file, at)
            migrate(self._writer, until)
        except sqlite3.DatabaseError as error:
            raise InvalidInput(f"not a Kizuna store: {error}", file=str(file)) from None

    def read(self) -> SqliteConnection:
        """This thread's reading connection (autocommit: each statement has its own snapshot)."""
        connection: SqliteConnection | None = getattr(self._local, "connection", None)
        if self._closed:
            raise self._is_closed()
        if connection is None:
            connection = self._local.connection = self._left_behind() or self._reader()
        return connection

    def _reader(self) -> SqliteConnection:
        connection = self._connect(READER_CACHE_KIB)
        connection.execute("pragma query_only=on")
        connection.set_progress_handler(lambda: self._closed or deadline.passed(), _LOOKED_EVERY)
        with self._listing:
            if not self._closed:
                self._readers.append((threading.current_thread(), connection))
                return connection
            with suppress(ValueError):
                self._all.remove(connection)
        connection.close()
        raise self._is_closed()

    def _left_behind(self) -> SqliteConnection | None:
        """The connection of a thread that has ended, if there is one: a node's threads come and go for months."""
        # To a forked process every other thread seems ended, and the connections are its parent's.
        if self._process != os.getpid():
            return None
        with self._listing:
            for at, (thread, connection) in enumerate(() if self._closed else self._readers):
                if not thread.is_alive():
                    self._readers[at] = (threading.current_thread(), connection)
                    if connection.in_transaction:
                        connection.execute("rollback")
                    return connection
        return None

    @contextmanager
    def snapshot(self) -> Iterator[SqliteConnection]:
        """A reading connection that sees one moment for several statements."""
        connection = self.read()
        if connection.in_transaction:  # nested: the outer snapshot holds
            yield connection
            return
        connection.execute("begin")
        try:
            yield connection
        finally:
            connection.execute("rollback")

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[SqliteConnection]:
        """The writing connection inside a transaction; an exception rolls all of it back.

        What is not `durable` is whole or not there after a power failure too, but its commit waits for no disk.
        """
        asked = time.perf_counter()
        with self._lock:
            writer = self._writer
            if self._inside:  # nested: one act, one transaction
                yield writer
                return
            if self._closed:
                raise self._is_closed()
            if writer.in_transaction:  # whoever opened it was stopped before they could take it back
                writer.execute("rollback")
            if not durable:
                writer.execute("pragma synchronous=normal")
            try:
                with self._transaction(writer, asked):
                    yield writer
            finally:
                if not durable:
                    writer.execute("pragma synchronous=full")

    @contextmanager
    def _transaction(self, writer: SqliteConnection, asked: float) -> Iterator[None]:
        try:
            writer.execute("begin immediate")
        except sqlite3.OperationalError as error:
            raise self._meant(error) from None
        self._inside = True
        try:
            if self.waited is not None:
                self.waited(time.perf_counter() - asked)
            yield
            writer.execute("commit")
        except BaseException as error:
            if writer.in_transaction:
                writer.execute("rollback")
            if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise self._meant(error) from None
            raise
        finally:
            self._inside = False

    def _meant(self, error: sqlite3.OperationalError) -> Exception:
        """What it is where somebody else writes, or there is no room; any other error is itself."""
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            return DiskNearlyFull("there is no room left where the store is", file=str(self.file))
        # What is above the lowest byte says more closely why.
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return NodeBusy(f"another process keeps writing: {error}", file=str(self.file))
        return error

    def version(self) -> tuple[int, int]:
        """Changes whenever anybody, in any process, has committed; as seen by this thread's reader."""
        connection = self.read()
        return connection.execute("pragma data_version").fetchone()[0], id(connection)

    @property
    def place(self) -> str:
        """The file."""
        return str(self.file)

    def tables(self) -> dict[str, list[str]]:
        """Every table with its columns, but those of the full text."""
        reader = self.read()
        names = reader.execute(
            "select name from sqlite_master where type='table' and name not like 'sqlite!_%' escape '!' "
            "and name<>'words' and name not like 'words!_%' escape '!' order by name"
        ).fetchall()
        return {name: [row[1] for row in reader.execute(f"pragma table_info({name})")] for (name,) in names}

    def numbers_follow(self, connection: SqliteConnection, /) -> None:
        """The next number is always the one above the highest."""

    def tidy(self) -> None:
        """Bring a log that has grown beyond measure back into the file, between batches; what readers still hold stays for later.

        The writer's cache grows with the file.
        """
        whole, log = self.sizes()
        wanted = min(max(CACHE_KIB, whole // _CACHED_SHARE >> 10), LARGE_CACHE_KIB)
        with self._lock:
            if wanted > self._cache_kib * 1.25:
                self._cache_kib = wanted
                self._writer.execute(f"pragma cache_size=-{wanted}")
            if log > WAL_BYTES and not self._inside:  # whoever began a transaction tidies behind it
                self._writer.execute("pragma wal_checkpoint(truncate)")

    def empty_log(self) -> bool:
        """Copy the log into the file and cut it to nothing; False while a reader holds on to it, or the disk does not take it.

        Nothing that was committed fails by that: it is in the log.
        """
        with suppress(sqlite3.OperationalError):
            return self._cut_log()
        return False

    def _cut_log(self) -> bool:
        with self._lock:
            (busy, _, _) = self._writer.execute("pragma wal_checkpoint(truncate)").fetchone()
            return not busy

    def scrub(self) -> None:
        """Merge the full text, in which words of deleted documents stay until then, and write the file anew without unused parts.

        Pages are overwritten where something is deleted, but SQLite moves rows between pages and leaves copies behind.
        """
        needed = 2 * self.sizes().whole
        free = shutil.disk_usage(self.file.parent).free
        if free < needed:
            raise DiskNearlyFull(f"writing the store anew takes up to {needed:,} bytes; there are {free:,}")
        with self.write() as writer:
            writer.execute("insert into words(words) values ('optimize')")
        try:
            with closing(self._connect(READER_CACHE_KIB, listed=False)) as connection:
                connection.execute("pragma temp_store=file")  # where SQLITE_TMPDIR says: it is as large as the store
                connection.execute("vacuum")
            is_cut = self._cut_log()
        except sqlite3.OperationalError as error:
            if (meant := self._meant(error)) is error:
                raise Unavailable(f"the database does not answer: {error}", file=str(self.file)) from None
            raise meant from None
        if not is_cut:
            raise NodeBusy("somebody still reads what was there before", file=str(self.file))

    def sizes(self) -> Sizes:
        """Of the file and its write-ahead log."""
        return Sizes(_size(self.file), _size(self.file.with_name(self.file.name + "-wal")))

    def shrink(self) -> None:
        """Give back the memory of cached pages: after a large import in a process that serves on."""
        with self._lock:
            self._cache_kib = CACHE_KIB
            self._writer.execute(f"pragma cache_size=-{CACHE_KIB}")
            self._writer.execute("pragma shrink_memory")

    def put_into(self, archive: Archive, manifest: Manifest, scratch: Path) -> Manifest:
        """Put a copy of the file into an archive, looked through before it goes in."""
        try:
            schema = copy_file(self.file, scratch)
            tables = checked_file(scratch, schema)
            with closing(sqlite3.connect(f"{scratch.resolve().as_uri()}?immutable=1", uri=True)) as copy:
                facts = dict(copy.execute("select key, value from meta"))
            archive.add_file(DATABASE, scratch)
        finally:
            scratch.unlink(missing_ok=True)
        epoch = int(facts.get("epoch", 1))
        return msgspec.structs.replace(manifest, kind="sqlite", schema=schema, epoch=epoch, tables=tables)

    def close(self) -> None:
        """Close the connections of this process; who reads is interrupted. A thread that has read and does not end keeps its own."""
        self._closed = True
        end = time.monotonic() + CLOSING_SECONDS
        with self._listing:
            others = [thread for thread, _ in self._readers if _is_other(thread)]
        for thread in others:
            with suppress(AssertionError):  # it was not made by `threading`, and nobody can wait for it
                thread.join(max(0.0, end - time.monotonic()))
        with self._lock, self._listing:
            # Under the hands of who reads by it, to close a connection ends the process.
            left = {id(connection) for thread, connection in self._readers if _is_other(thread)}
            self._readers.clear()
            for connection in self._all:
                if id(connection) not in left:
                    connection.close()
            self._all.clear()

    def _is_closed(self) -> Unavailable:
        return Unavailable("the store is closed", file=str(self.file))

    def _connect(self, cache_kib: int, *, listed: bool = True) -> SqliteConnection:
        """A connection; `close` closes those that are listed."""
        if self._closed:
            raise self._is_closed()
        try:
            mode = "ro" if self._read_only else "rwc"
            connection = sqlite3.connect(
                f"{self.file.resolve().as_uri()}?mode={mode}", uri=True, factory=SqliteConnection,
                isolation_level=None, check_same_thread=False, cached_statements=256, timeout=BUSY_MS / 1000,
            )  # fmt: skip
            if not self._read_only:
                connection.execute("pragma page_size=8192")
                connection.execute("pragma journal_mode=wal")
            for pragma in (
                "synchronous=full",
                "foreign_keys=on",
                "trusted_schema=off",
                "secure_delete=on",
                f"cache_size=-{cache_kib}",
                f"wal_autocheckpoint={WAL_PAGES}",
                "temp_store=memory",
            ):
                connection.execute(f"pragma {pragma}")
        except sqlite3.DatabaseError as error:
            raise InvalidInput(f"cannot open the store: {error}", file=str(self.file)) from None
        if listed:
            with self._listing:  # not the writer's lock: a new reader must not wait for a running transaction
                self._all.append(connection)
        return connection


def _is_other(thread: threading.Thread) -> bool:
    return thread is not threading.current_thread() and thread.is_alive()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def migrate(connection: sqlite3.Connection, until: int | None = None) -> int:
    """Bring the schema up to this release, or up to a step before; each step is one transaction. Raises InvalidInput on a newer store."""
    available = steps("sqlite", until)
    newest = available[-1].number
    connection.create_function("keyed", 1, keyed, deterministic=True)
    if (at := _schema(connection)) > newest:
        raise newer(at, newest)
    for step in available:
        if step.number > at:
            _take(connection, step)
    return newest


def _schema(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])


def _take(connection: sqlite3.Connection, step: Step) -> None:
    connection.execute("begin immediate")
    try:
        # Another process may have taken the step while this one waited for the lock.
        if _schema(connection) < step.number:
            for statement in _statements(step.sql):
                connection.execute(statement)
            connection.execute(f"pragma user_version={step.number}")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _statements(sql: str) -> Iterator[str]:
    # executescript() would commit the transaction that makes the step whole.
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
