"""SQLite connections: one per reading thread, one writer at a time across threads and processes; migrations.

WAL with synchronous=FULL: what a committed transaction wrote survives power loss (sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from kizuna.errors import InvalidInput, NodeBusy

CACHE_KIB = 32 * 1024
READER_CACHE_KIB = 4 * 1024
BUSY_MS = 60_000
# The write-ahead log is brought back into the file by the commit that fills it, and then written again from its beginning:
# on blocks that it has already, a commit waits half as long for the disk. Of a small log the same pages come back too often.
WAL_PAGES = 4_000
# It grows beyond where readers hold on to it all the time; then the writer waits for them once.
WAL_BYTES = 256 << 20


class Database:
    """One SQLite file. Readers see a snapshot; a writer holds the file's write lock from BEGIN to COMMIT."""

    def __init__(self, file: Path, *, read_only: bool = False) -> None:
        self.file = file
        self._read_only = read_only
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.RLock()
        self._listing = threading.Lock()
        self._closed = False
        self._writer = self._connect(CACHE_KIB)
        if read_only:
            return
        try:
            migrate(self._writer)
        except sqlite3.DatabaseError as error:
            raise InvalidInput(f"not a Kizuna store: {error}", file=str(file)) from None

    def read(self) -> sqlite3.Connection:
        """This thread's reading connection (autocommit: each statement has its own snapshot)."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect(READER_CACHE_KIB)
            connection.execute("pragma query_only=on")
            self._local.connection = connection
        return connection

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
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
    def write(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """The writing connection inside a transaction; an exception rolls all of it back.

        What is not `durable` is whole or not there after a power failure too, but its commit waits for no disk.
        """
        with self._lock:
            writer = self._writer
            if writer.in_transaction:  # nested: one act, one transaction
                yield writer
                return
            if not durable:
                writer.execute("pragma synchronous=normal")
            try:
                with self._transaction(writer):
                    yield writer
            finally:
                if not durable:
                    writer.execute("pragma synchronous=full")

    @contextmanager
    def _transaction(self, writer: sqlite3.Connection) -> Iterator[None]:
        try:
            writer.execute("begin immediate")
        except sqlite3.OperationalError as error:
            raise NodeBusy(f"another process keeps writing: {error}", file=str(self.file)) from None
        try:
            yield
            writer.execute("commit")
        except BaseException:
            if writer.in_transaction:
                writer.execute("rollback")
            raise

    def version(self) -> tuple[int, int]:
        """Changes whenever anybody, in any process, has committed; as seen by this thread's reader."""
        connection = self.read()
        return connection.execute("pragma data_version").fetchone()[0], id(connection)

    def cut_log(self) -> None:
        """Bring a log that has grown beyond measure back into the file, between batches; what readers still hold stays for later."""
        try:
            size = self.file.with_name(self.file.name + "-wal").stat().st_size
        except FileNotFoundError:
            return
        if size > WAL_BYTES:
            with self._lock:
                self._writer.execute("pragma wal_checkpoint(truncate)")

    def shrink(self) -> None:
        """Give back the memory of cached pages: after a large import in a process that serves on."""
        with self._lock:
            self._writer.execute("pragma shrink_memory")

    def close(self) -> None:
        """Close every connection of this process."""
        with self._lock:
            self._closed = True
            for connection in self._all:
                connection.close()
            self._all.clear()

    def _connect(self, cache_kib: int) -> sqlite3.Connection:
        if self._closed:
            raise InvalidInput("the store is closed", file=str(self.file))
        try:
            mode = "ro" if self._read_only else "rwc"
            connection = sqlite3.connect(
                f"{self.file.resolve().as_uri()}?mode={mode}", uri=True,
                isolation_level=None, check_same_thread=False, cached_statements=256, timeout=BUSY_MS / 1000,
            )  # fmt: skip
            if not self._read_only:
                connection.execute("pragma page_size=8192")
                connection.execute("pragma journal_mode=wal")
            for pragma in (
                "synchronous=full",
                "foreign_keys=on",
                "trusted_schema=off",
                f"cache_size=-{cache_kib}",
                f"wal_autocheckpoint={WAL_PAGES}",
                "temp_store=memory",
            ):
                connection.execute(f"pragma {pragma}")
        except sqlite3.DatabaseError as error:
            raise InvalidInput(f"cannot open the store: {error}", file=str(self.file)) from None
        with self._listing:  # not the writer's lock: a new reader must not wait for a running transaction
            self._all.append(connection)
        return connection


def migrations() -> list[tuple[int, str, str]]:
    """(number, name, SQL) of every shipped migration, in order."""
    found = []
    for entry in resources.files("kizuna.store").joinpath("migrations").iterdir():
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", entry.name)
        if match:
            found.append((int(match[1]), match[2], entry.read_text(encoding="utf-8")))
    return sorted(found)


def migrate(connection: sqlite3.Connection) -> int:
    """Bring the schema up to this release; each step is one transaction. Raises InvalidInput on a newer store."""
    available = migrations()
    newest = available[-1][0]
    if (at := _schema(connection)) > newest:
        raise InvalidInput(
            f"this store was made by a newer Kizuna (schema {at}, this one knows {newest}); upgrade Kizuna"
        )
    for number, _name, sql in available:
        if number > at:
            _step(connection, number, sql)
    return newest


def _schema(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])


def _step(connection: sqlite3.Connection, number: int, sql: str) -> None:
    connection.execute("begin immediate")
    try:
        # Another process may have taken the step while this one waited for the lock.
        if _schema(connection) < number:
            for statement in _statements(sql):
                connection.execute(statement)
            connection.execute(f"pragma user_version={number}")
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
