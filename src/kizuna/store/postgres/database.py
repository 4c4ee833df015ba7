"""PostgreSQL: readers share a pool of connections, one writer at a time across processes and machines; migrations.

Whoever writes holds an advisory lock from the first statement to the commit: what positions readers rely on (numbers of rows,
moments in feeds) then rises in the order of commits. synchronous_commit=on: what a committed transaction wrote survives power loss.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg import conninfo, sql
from psycopg.errors import Diagnostic
from psycopg_pool import ConnectionPool, PoolTimeout

from kizuna import deadline
from kizuna.errors import InvalidInput, NodeBusy, Unavailable
from kizuna.store.archive import Archive, Manifest
from kizuna.store.database import Sizes
from kizuna.store.migrations import Step, newer, steps
from kizuna.store.postgres.connection import PooledReader, PostgresConnection, Raw, Snapshot, told
from kizuna.store.postgres.copying import copy_out
from kizuna.store.postgres.patient import LAST_SECONDS, Patient

SCHEMA = "kizuna"
READERS = 10
"""Connections of one process that read at the same time; further readers wait for one."""
WAIT_SECONDS = 10.0
BUSY_MS = 60_000
COMMIT_SECONDS = 75.0
"""A commit that waits for a standby that is gone would wait for ever."""
RECONNECT_SECONDS = 2.0
"""A connection that cannot be made is tried again when somebody wants one: by itself it would wait longer each time."""
PENDING = 5_000
"""Documents that wait to be put in order: a search looks through all of them, which takes some 5 ms for a thousand."""
LEARNED = 5_000
"""Objects loaded before the server is asked to learn what is in the tables, and again whenever they became four times as many."""
_LEARNED = "ident, object, body(n), edge, value, place, time, doc(object, label), feed"
_LOCK = 0x6B697A75  # "kizu": whoever holds it writes


class PostgresDatabase:
    """One node's schema in a PostgreSQL database."""

    def __init__(self, url: str, *, read_only: bool = False, readers: int = READERS, until: int | None = None) -> None:
        self.waited: Callable[[float], object] | None = None
        self.replaced: Callable[[], object] | None = None
        self._url = url
        self._place = _without_password(url)
        self._local = threading.local()
        self._lock = threading.RLock()
        self._read_only = read_only
        self._written = 0
        self._inside = False  # whether somebody is in a transaction of this process
        self._writer: PostgresConnection | None = None
        with told():
            raw = connected(url)
        try:
            if not read_only:
                _migrate(raw, until)
            self._types = _types(raw)
            self._life = raw.life
        except psycopg.Error as error:
            raise InvalidInput(f"not a Kizuna store: {str(error).strip().splitlines()[0]}", file=self._place) from None
        finally:
            raw.close()
        self._pool: ConnectionPool[Raw] = ConnectionPool(
            url,
            connection_class=Patient,
            kwargs=_SETTINGS,
            configure=self._configure_reader,
            min_size=1,
            max_size=readers,
            timeout=WAIT_SECONDS,
            max_idle=60.0,
            reconnect_timeout=RECONNECT_SECONDS,
            num_workers=1,
            open=False,
        )
        self._pool.open()
        self._reader = PooledReader(self._borrowed, self._pool.check)

    @property
    def place(self) -> str:
        """The address, without its password."""
        return self._place

    def read(self) -> PostgresConnection | PooledReader:
        """The thread's snapshot inside of one, else whatever connection is free for each statement."""
        pinned: Snapshot | None = getattr(self._local, "snapshot", None)
        return pinned or self._reader

    @contextmanager
    def snapshot(self) -> Iterator[PostgresConnection]:
        """A reading connection that sees one moment for several statements."""
        pinned: Snapshot | None = getattr(self._local, "snapshot", None)
        if pinned is not None:  # nested: the outer snapshot holds
            yield pinned
            return
        with self._taken("begin isolation level repeatable read read only") as raw, told():
            try:
                self._local.snapshot = Snapshot(raw, self._types)
                yield self._local.snapshot
            finally:
                self._local.snapshot = None
                with suppress(psycopg.Error), deadline.within(LAST_SECONDS):
                    raw.execute("rollback")

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[PostgresConnection]:
        """The writing connection inside a transaction; an exception rolls all of it back."""
        asked = time.perf_counter()
        with self._turn():
            if self._inside and self._writer is not None:  # nested: one act, one transaction
                yield self._writer
                return
            with told():
                writer = self._begun(durable=durable)
                self._inside = True
                try:
                    if self.waited is not None:
                        self.waited(time.perf_counter() - asked)
                    yield writer
                    writer.settle()
                    _commit(writer.raw)
                except BaseException as error:
                    with suppress(psycopg.Error):
                        writer.give_up()
                    _take_back(writer.raw, error)
                    raise
                finally:
                    self._inside = False

    def _begun(self, *, durable: bool) -> PostgresConnection:
        """The writing connection at the beginning of a transaction, when it is its turn.

        One that was lost since the last is replaced once: nothing was written yet.
        """
        for last in (False, True):
            writer = self._writing()
            if writer.in_transaction:  # whoever opened it was stopped before they could take it back
                writer.raw.close()
                writer = self._writing()
            try:
                writer.raw.execute("begin")
                if not durable:
                    writer.raw.execute("set local synchronous_commit = off")
                asked_for = "select pg_advisory_xact_lock(%s), pg_is_in_recovery()"
                if (writer.raw.execute(asked_for, (_LOCK,)).fetchone() or (None, True))[1]:
                    raise Unavailable("the database is a standby, which nobody writes to")
                return writer
            except BaseException as error:
                lost = isinstance(error, psycopg.Error) and writer.raw.broken
                _take_back(writer.raw, error)
                if last or not lost:
                    raise
        raise AssertionError  # the second turn returns or raises

    def version(self) -> object:
        """Another whenever a transaction that wrote has ended.

        A server that came up after a crash, or a standby in the place of another, may count once more from where that was: so its
        life is part of it, as in `Patient.introduce`.
        """
        sql = "select pg_current_snapshot()::text, pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time()"
        return self.read().execute(sql).fetchone()

    def tables(self) -> dict[str, list[str]]:
        """Every table with its columns."""
        found: dict[str, list[str]] = {}
        for name in self._types:
            table, _, column = name.partition(".")
            if table != "schema_step":
                found.setdefault(table, []).append(column)
        return found

    def numbers_follow(self, connection: PostgresConnection, /) -> None:
        """Let each table that numbers its rows go on above the highest."""
        rows = connection.execute(
            "select table_name from information_schema.columns where table_schema=? and is_identity='YES' and column_name='n'",
            (SCHEMA,),
        ).fetchall()
        for (table,) in rows:
            highest = f"(select coalesce(max(n), 0) from {table})"
            connection.execute(f"select setval(pg_get_serial_sequence(?, 'n'), {highest} + 1, false)", (table,))

    def tidy(self) -> None:
        """Put what is new in the full text in its order, between batches: inside of one, readers would wait.

        And let the server learn what is there, which it does by itself only after a minute: until then it reads pages of a store that
        was just filled in ways that take a thousand times as long.
        """
        with suppress(NodeBusy), self._turn(), told():  # another time will do
            writer = self._writing()
            if writer.in_transaction:  # whoever opened it tidies behind it
                return
            if writer.loaded.get("doc", 0) >= PENDING:
                writer.loaded["doc"] = 0
                writer.raw.execute("select gin_clean_pending_list('doc_words'::regclass)")
            if (loaded := writer.loaded.get("object", 0)) >= LEARNED:
                known = "select greatest(reltuples, 0) from pg_class where oid='object'::regclass"
                if loaded > 3 * (writer.raw.execute(known).fetchone() or (0,))[0]:
                    writer.loaded["object"] = 0
                    # From few rows: the server looks at more of them within a minute.
                    writer.raw.execute(f"begin; set local default_statistics_target = 10; analyze {_LEARNED}; commit")

    def empty_log(self) -> bool:
        """The server's log is the server's affair."""
        return True

    def scrub(self) -> None:
        """Let the server clear the rows that were deleted away; its log and what it archives keep them for as long as it is told to."""
        with told():
            raw = connected(self._url)
            try:
                for table in self.tables():
                    raw.execute(sql.SQL("vacuum {}").format(sql.Identifier(SCHEMA, table)))
            finally:
                raw.close()

    def sizes(self) -> Sizes:
        """Of the node's schema with its indexes; the server's log is shared by all its databases."""
        sql = "select coalesce(sum(pg_total_relation_size(c.oid)), 0) from pg_class c join pg_namespace n on n.oid=c.relnamespace "
        row = self.read().execute(f"{sql} where n.nspname=? and c.relkind='r'", (SCHEMA,)).fetchone()
        return Sizes(int(row[0]), 0)

    def shrink(self) -> None:
        """Connections of this process hold no pages."""

    def put_into(self, archive: Archive, manifest: Manifest, scratch: Path) -> Manifest:
        """Put every table into an archive, all in one snapshot."""
        with self.snapshot() as reader:
            schema = reader.execute("select max(n) from schema_step").fetchone()[0]
            epoch = reader.execute("select value from meta where key='epoch'").fetchone()
            columns = {
                table: {name: self._types[f"{table}.{name}"] for name in names}
                for table, names in self.tables().items()
            }
            tables = {table: copy_out(self._pinned().raw, archive, table, list(of)) for table, of in columns.items()}
            newest = reader.full_text.newest(reader)
        return msgspec.structs.replace(
            manifest, kind="postgres", schema=schema, epoch=int(epoch[0] if epoch else 1), tables=tables,
            columns=columns, newest_document=newest,
        )  # fmt: skip

    def close(self) -> None:
        """Close every connection of this process."""
        self._pool.close(timeout=2.0)
        with suppress(NodeBusy), self._turn(2.0):  # whoever is writing closes nothing of it any more
            if self._writer is not None:
                self._writer.raw.close()
                self._writer = None

    @contextmanager
    def _turn(self, seconds: float = BUSY_MS / 1000) -> Iterator[None]:
        """Be the one thread of this process that writes."""
        if not self._lock.acquire(timeout=seconds):
            raise NodeBusy("another thread keeps writing")
        try:
            yield
        finally:
            self._lock.release()

    def _pinned(self) -> Snapshot:
        pinned: Snapshot = self._local.snapshot
        return pinned

    def _writing(self) -> PostgresConnection:
        if self._writer is not None and self._writer.raw.closed:
            self._writer = None
        if self._writer is None:
            if self._read_only:
                raise InvalidInput("opened for reading only", file=self._place)
            with told():
                raw = connected(self._url)
                with _closed_on_error(raw):
                    raw.execute(f"set lock_timeout = {BUSY_MS}")
                self._meet(raw)
                self._writer = PostgresConnection(raw, self._types)
                self._writer.loaded["doc"] = PENDING  # whoever wrote before, and was killed maybe, left some waiting
        return self._writer

    def _meet(self, raw: Raw) -> None:
        """Notice when another server answers than before: nothing that is remembered, or still connected, is of it."""
        before, self._life = self._life, raw.life
        if before != raw.life:
            self._pool.drain()
            if self.replaced is not None:
                self.replaced()

    def _configure_reader(self, raw: Raw) -> None:
        # A page begins somewhere in the middle: a merge walks what is joined to it, bodies most of all, from the first row of all.
        raw.execute("set default_transaction_read_only = on; set enable_mergejoin = off")
        raw.introduce()
        raw.reads = True
        self._meet(raw)

    @contextmanager
    def _taken(self, first: LiteralString = "") -> Iterator[Raw]:
        """A connection of the pool, on which the first statement was run."""
        with told():
            raw = self._free(first)
        try:
            with told():
                yield raw
        finally:
            self._pool.putconn(raw)

    def _free(self, first: LiteralString) -> Raw:
        """One that was lost before its first statement is replaced once."""
        left = deadline.left()
        for last in (False, True):
            try:
                raw = self._pool.getconn(WAIT_SECONDS if left is None else min(left, WAIT_SECONDS))
            except PoolTimeout:
                raise Unavailable("no connection to the database in time") from None
            try:
                if first:
                    raw.execute(first)
                return raw
            except BaseException as error:
                lost = isinstance(error, psycopg.OperationalError) and raw.broken
                self._pool.putconn(raw)
                if last or not lost:
                    raise
            self._pool.check()  # where one was cut off, the others were likely, too
        raise AssertionError  # the second turn returns or raises

    @contextmanager
    def _borrowed(self) -> Iterator[PostgresConnection]:
        with self._taken() as raw:
            yield PostgresConnection(raw, self._types)


_SETTINGS: dict[str, Any] = {
    "autocommit": True,
    "application_name": "kizuna",
    "connect_timeout": 10,
    "client_encoding": "utf8",
    # A network that swallows everything is noticed within a minute, whether something is on its way or not.
    "tcp_user_timeout": 60_000,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "options": f"-c search_path={SCHEMA} -c synchronous_commit=on -c timezone=UTC -c jit=off",
}


def connected(url: str) -> Raw:
    """A connection that commits by itself."""
    raw = Patient.connect(url, **_SETTINGS)
    with _closed_on_error(raw):
        raw.introduce()
    return raw


@contextmanager
def _closed_on_error(raw: Raw) -> Iterator[None]:
    try:
        yield
    except BaseException:
        raw.close()
        raise


def _take_back(raw: Raw, error: BaseException) -> None:
    with suppress(psycopg.Error):
        raw.execute("rollback")
    if isinstance(error, Unavailable):  # the next one asks again where the database is
        raw.close()


def _commit(raw: Raw) -> None:
    """Commit. Raises Unavailable when that is done here alone: somebody cancelled the wait for a standby, and the server only warns."""
    doubts: list[str] = []

    def hear(notice: Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            doubts.append(notice.message_primary or "")

    raw.longest = COMMIT_SECONDS
    raw.add_notice_handler(hear)
    try:
        raw.execute("commit")
    finally:
        raw.longest = inf
        raw.remove_notice_handler(hear)
    if doubts:
        raise Unavailable(f"the database may not have kept it: {doubts[0]}")


def _types(raw: Raw) -> dict[str, str]:
    """The type of every column, by `table.column`."""
    rows = raw.execute(
        "select table_name || '.' || column_name, data_type from information_schema.columns where table_schema = %s "
        "order by table_name, ordinal_position",
        (SCHEMA,),
    )
    return dict(rows.fetchall())


def _migrate(raw: Raw, until: int | None = None) -> None:
    """Bring the schema up to this release, or up to a step before, in one transaction. Raises InvalidInput on a newer store."""
    (encoding,) = raw.execute("select current_setting('server_encoding')").fetchone() or ("",)
    if encoding != "UTF8":
        raise InvalidInput(f"the database is encoded in {encoding}; make it with encoding 'UTF8'")
    available = steps("postgres", until)
    newest = available[-1].number
    if (at := schema_of(raw)) > newest:
        raise newer(at, newest)
    with raw.transaction():
        for step in available:
            if step.number > at:
                _take(raw, step)


def schema_of(raw: Raw) -> int:
    """The number of the last step that was taken, 0 in an empty database."""
    (found,) = raw.execute("select to_regclass(%s)", (f"{SCHEMA}.schema_step",)).fetchone() or (None,)
    if found is None:
        return 0
    row = raw.execute("select coalesce(max(n), 0) from schema_step").fetchone()
    return int(row[0]) if row else 0


def _take(raw: Raw, step: Step) -> None:
    with raw.transaction():
        raw.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        # Another process may have taken the step while this one waited for the lock.
        if schema_of(raw) >= step.number:
            return
        raw.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(SCHEMA)))
        raw.execute("create table if not exists schema_step(n bigint primary key)")
        raw.execute(step.sql.encode())
        raw.execute("insert into schema_step values (%s)", (step.number,))


def _without_password(url: str) -> str:
    try:
        parts = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise InvalidInput(f"not an address of PostgreSQL: {str(error).strip()}") from None
    where = ",".join(
        f"{host}:{port}" if port else host
        for host, port in zip(
            str(parts.get("host") or "").split(","), str(parts.get("port") or "").split(",") + [""] * 20, strict=False
        )
    )
    return f"postgresql://{where}/{parts.get('dbname') or ''}"


__all__ = ["BUSY_MS", "READERS", "SCHEMA", "NodeBusy", "PostgresDatabase", "schema_of"]
