"""A private PostgreSQL for the tests: on a free port of loopback, in a temporary folder, as a user without privileges."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from kizuna.store.postgres.database import PostgresDatabase

USER = "kizuna_test"
START_SECONDS = 60.0
MEMORY = Path("/dev/shm")
ROOM = 4 << 30


def programs() -> Path | None:
    """The folder of the newest server's programs on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda file: float(file.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


class Cluster:
    """One server of its own. `durable` keeps fsync on, for tests of what survives."""

    def __init__(self, *, durable: bool = False, primary: Cluster | None = None) -> None:
        found = programs()
        if found is None:
            raise FileNotFoundError("no PostgreSQL server on this machine")
        self._programs = found
        self._durable = durable
        self.folder = Path(tempfile.mkdtemp(prefix="kizuna-pg-", dir=None if durable else _in_memory()))
        self._who = _unprivileged()
        if self._who is not None:
            os.chown(self.folder, self._who.pw_uid, self._who.pw_gid)
        self.port = _free_port()
        self._password: str = secrets.token_urlsafe(12) if primary is None else primary._password
        self._process: subprocess.Popen[bytes] | None = None
        self._template: str | None = None
        if primary is None:
            self._make()
        else:
            self._copy(primary)

    @classmethod
    def standby_of(cls, primary: Cluster) -> Cluster:
        """A copy of a server that runs, which follows it once it is started."""
        return cls(durable=primary._durable, primary=primary)

    def promote(self) -> None:
        """Let a standby take the place of its primary, and wait until it has."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            assert connection.execute("select pg_promote(true, 60)").fetchone() == (True,)

    def wait_for_standby(self) -> None:
        """Tell nobody of a commit any more before a standby has it; wait until there is one."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute("alter system set synchronous_standby_names = '*'")
            connection.execute("select pg_reload_conf()")
            deadline = time.monotonic() + START_SECONDS
            sql = "select count(*) from pg_stat_replication where sync_state='sync'"
            while connection.execute(sql).fetchone() != (1,):
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/{database}"

    def make_database(self, template: str = "template0") -> str:
        """A new database and its address: an empty one, or a copy of another that nobody is connected to."""
        name = f"t{uuid.uuid4().hex}"
        # Without fsync, files are copied several times faster than they are written to the log.
        strategy = "wal_log" if self._durable else "file_copy"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"create database {name} template {template} strategy {strategy}".encode())
        return self.url(name)

    def template(self) -> str:
        """The name of a database with the store's schema, as yet no node's."""
        if self._template is None:
            url = self.make_database()
            PostgresDatabase(url).close()
            self._template = url.rpartition("/")[2]
        return self._template

    def drop_database(self, url: str) -> None:
        """Drop a database, whoever is connected to it."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"drop database {url.rpartition('/')[2]} with (force)".encode())

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A database for a while."""
        url = self.make_database(template)
        try:
            yield url
        finally:
            self.drop_database(url)

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = self._run("postgres", "-D", "data", output=log)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    said = (self.folder / "log").read_text(errors="replace")[-2_000:]
                    raise RuntimeError(f"PostgreSQL does not start: {said}") from None
                time.sleep(0.05)

    def stop(self) -> None:
        """End it as an operator would who is in a hurry: connections are cut, nothing that was committed is lost."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a power failure would."""
        if self._process is not None:
            children = _children(self._process.pid)
            self._end(signal.SIGKILL)
            for child in children:
                _gone(child)

    def freeze(self) -> None:
        """Stop all of it where it is: the kernel goes on to take what is sent, and nobody reads it."""
        for process in self._family():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        for process in self._family():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

    def remove(self) -> None:
        """End it and take its folder away."""
        self._end(signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _family(self) -> list[int]:
        return [] if self._process is None else [self._process.pid, *_children(self._process.pid)]

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None

    def _make(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self._password)
        if self._who is not None:
            os.chown(secret, self._who.pw_uid, self._who.pw_gid)
        # Another order of letters than by their bytes, so that whatever relies on the database's own shows.
        locale = ["--locale-provider=icu", "--icu-locale=en", "--locale=C.UTF-8"]
        made = self._run(
            "initdb", "-D", "data", "-E", "UTF8", *locale, "-U", USER, "-A", "scram-sha-256", "--pwfile=password", "-N"
        )
        _, errors = made.communicate()
        if made.returncode:
            raise RuntimeError(f"initdb: {errors.decode(errors='replace')}")
        # Durable, it is as it would be installed.
        fast = "fsync=off\nfull_page_writes=off\nsynchronous_commit=off\nautovacuum_naptime=5s\nshared_buffers=64MB\n"
        settings = (
            f"listen_addresses='127.0.0.1'\nport={self.port}\nunix_socket_directories='{self.folder}'\n"
            f"max_connections=200\nlog_min_messages=error\n{'' if self._durable else fast}"
        )
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(settings)

    def _copy(self, primary: Cluster) -> None:
        """A base backup that follows where it came from (documentation of pg_basebackup, -R)."""
        made = self._run("pg_basebackup", "-D", "data", "-d", primary.url(), "-R", "-c", "fast", "-N")
        _, errors = made.communicate()
        if made.returncode:
            raise RuntimeError(f"pg_basebackup: {errors.decode(errors='replace')}")
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(f"port={self.port}\nunix_socket_directories='{self.folder}'\n")

    def _run(self, program: str, *arguments: str, output: object = subprocess.PIPE) -> subprocess.Popen[bytes]:
        who = self._who
        ids = {} if who is None else {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        # setpriv ends the server with whoever started it, however that ends.
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            ["setpriv", "--pdeathsig", "INT", str(self._programs / program), *arguments],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE if output == subprocess.PIPE else output,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}, start_new_session=True, **ids,
        )  # fmt: skip


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as, which refuses to run as root; None for whoever runs this."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("no user to run PostgreSQL as")


def _in_memory() -> Path | None:
    """A folder in memory, where there is room: hundreds of databases come and go, and a disk takes seconds for each."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def _gone(pid: int) -> None:
    """Wait until a process that lost its parent has ended: it holds the data folder's memory."""
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
