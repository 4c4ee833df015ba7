"""A copy of a SQLite store as it is at one moment, while others read and write it.

The source is held by a reading transaction: the pages that are copied, a few at a time, are all of its moment, and what writers add
meanwhile stays in the log. Without it each foreign commit would make the copy begin anew (sqlite.org/backup.html).
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from kizuna.durable import sync_folder
from kizuna.errors import InvalidInput
from kizuna.store.migrations import newer

PAGES = 1_000
"""Copied at a time: 8 MB."""
REST_SECONDS = 0.004
"""Between two of these, so that disk and processor are there for those who read and write."""
_BUSY_SECONDS = 60
KEPT = ".schema-"
MOST_KEPT = 2


def copy_file(source: Path, target: Path) -> int:
    """Copy the store in `source` into the new file `target`, durably; gives its schema. Raises InvalidInput."""
    with closing(_opened(source)) as here:
        here.execute("begin")
        at = int(here.execute("pragma user_version").fetchone()[0])  # the moment is now
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with closing(sqlite3.connect(target, isolation_level=None)) as there:
                there.execute("pragma synchronous=off")  # synced once, as a whole
                there.execute("pragma journal_mode=off")
                here.backup(there, pages=PAGES, progress=_rest)
        except sqlite3.Error as error:
            raise InvalidInput(f"cannot be written: {error}", file=str(target)) from None
    _sync(target)
    return at


def keep_before_upgrade(file: Path, at: int) -> None:
    """Keep a copy of a store of schema `at` beside it, and no more than the last two. Raises InvalidInput where there is no room."""
    kept = file.with_name(f"{file.name}{KEPT}{at:04d}")
    part = kept.with_name(f".{kept.name}.{os.getpid()}")
    try:
        part.unlink(missing_ok=True)
        if copy_file(file, part) == at:  # else another process has upgraded it meanwhile, and kept its own
            os.replace(part, kept)
            sync_folder(kept.parent)
    except (InvalidInput, OSError) as error:
        told = error.message if isinstance(error, InvalidInput) else error.strerror
        raise InvalidInput(
            f"no copy of the store before its upgrade, so it stays as it was: {told}", file=str(file)
        ) from None
    finally:
        part.unlink(missing_ok=True)
    for older in kept_files(file)[:-MOST_KEPT]:
        older.unlink(missing_ok=True)


def kept_files(file: Path) -> list[Path]:
    """Copies that upgrades have kept beside a store, the oldest schema first."""
    return sorted(path for path in file.parent.glob(f"{file.name}{KEPT}*") if path.is_file())


def checked_file(file: Path, newest: int) -> dict[str, int]:
    """Rows of each table of a copy that nobody uses. Raises InvalidInput where it is damaged, no store, or a newer one."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?immutable=1", uri=True)) as connection:
            connection.execute("pragma trusted_schema=off")
            found = [row[0] for row in connection.execute("pragma integrity_check(3)")]
            if found != ["ok"]:
                raise InvalidInput(f"the copy is damaged: {'; '.join(found)[:300]}", file=str(file))
            if (at := int(connection.execute("pragma user_version").fetchone()[0])) > newest:
                raise newer(at, newest)
            return {
                name: connection.execute(f"select count(*) from {name}").fetchone()[0] for name in _tables(connection)
            }
    except sqlite3.Error as error:
        raise InvalidInput(f"not a Kizuna store: {error}", file=str(file)) from None


def _tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "select name from sqlite_master where type='table' and name not like 'sqlite!_%' escape '!' "
        "and name<>'words' and name not like 'words!_%' escape '!' order by name"
    )
    return [name for (name,) in rows if name.isidentifier()]


def _opened(file: Path) -> sqlite3.Connection:
    try:
        uri = f"{file.resolve().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
        connection.execute("pragma query_only=on")
    except sqlite3.Error as error:
        raise InvalidInput(f"cannot open the store: {error}", file=str(file)) from None
    return connection


def _rest(_status: int, _remaining: int, _total: int) -> None:
    time.sleep(REST_SECONDS)


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
