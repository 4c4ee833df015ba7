"""Restoring a node from a backup into an empty folder, or in place of another node, and opening a new epoch.

The whole archive is checked first. Then everything is made beside, in a folder of its own inside the node's, and put in place with
`node.json` last: what is cut off before that is no node, and the same command begins anew.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import chain
from pathlib import Path
from secrets import token_hex

import msgspec

from kizuna import clock as time
from kizuna.durable import make_folder, sync_folder, sync_tree
from kizuna.errors import Conflict, InvalidInput
from kizuna.settings import Settings, save
from kizuna.store.archive import DATABASE, FOLDER, Checked, check
from kizuna.store.backup import REPLACED
from kizuna.store.database import FILE, Connection, Database, is_postgres, open_database, shown_address, store_file
from kizuna.store.epochs import Opened, begin_epoch, told
from kizuna.store.migrations import newer, steps
from kizuna.store.moving import MOVED, MOVING, RESTORED, RESTORING
from kizuna.store.rows import get_meta, set_meta
from kizuna.store.rowwise import Sum, rows_of
from kizuna.store.store import Store, note_act
from kizuna.store.transfer import DOCUMENTS, copy_order, copy_store, documents_of, portions

STAGING = ".restore"
SETTINGS = "node.json"
KEY = "node.key"


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """A node that is there again: rows of each table, of what moment, the new epoch, and where a node before it was put."""

    tables: dict[str, int]
    made: str
    opened: Opened
    put_aside: str | None


def restore(file: Path, folder: Path, *, url: str | None, by: str, replace: bool = False) -> Restored:
    """Restore a backup into a folder; `url` is where its rows go, a file in the folder by default.

    Raises InvalidInput for what is no whole backup or of a newer Kizuna, and Conflict where a node or anything else is already.
    """
    checked = check(file)
    settings = _settings(checked, url)
    _must_be_known(checked, settings)
    final = None if is_postgres(settings.store) else store_file(folder, settings.store)
    # A store elsewhere is marked, and the folder that goes with it: until both are in place nobody opens it.
    mark = token_hex(16) if final is None or final.parent != folder else None
    with _staged(folder, replace=replace) as staging, _beside(final, folder, staging) as file_there:
        for name in checked.members:
            if name.startswith(FOLDER):
                _write(staging / name.removeprefix(FOLDER), checked.blocks(name))
        there = settings if file_there is None else msgspec.structs.replace(settings, store=f"sqlite:///{file_there}")
        with _written_by_a_store(checked, there):
            tables = _fill(checked, staging, there)
            opened = _open_epoch(staging, there, checked, by, mark)
        save(staging, settings)
        if mark is not None:
            _write(staging / RESTORED, iter((mark.encode(),)))
        aside = _put_aside(folder)
        _put_in_place(staging, folder, file_there, final)
    if mark is not None:
        Store(folder, settings).close()  # whoever opens it first takes the mark away
    return Restored(tables=tables, made=checked.manifest.made, opened=opened, put_aside=aside)


def _settings(checked: Checked, url: str | None) -> Settings:
    """The node's settings as they were, but for where its rows are. Raises InvalidInput."""
    manifest, file = checked.manifest, str(checked.file)
    try:
        settings = msgspec.json.decode(checked.read(FOLDER + SETTINGS), type=Settings)
    except (KeyError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidInput(f"holds no settings of a node: {error}", file=file, path=SETTINGS) from None
    if settings.identity != manifest.node or FOLDER + KEY not in checked.members:
        raise InvalidInput("its settings and its key are not of the node that its manifest names", file=file)
    return msgspec.structs.replace(settings, store=url)


def _must_be_known(checked: Checked, settings: Settings) -> None:
    """Raise InvalidInput for what a newer Kizuna made, or what is no store."""
    manifest, file = checked.manifest, str(checked.file)
    known = {step.number for step in steps(manifest.kind)}
    if manifest.schema > max(known):
        raise InvalidInput(newer(manifest.schema, max(known)).message, file=file)
    if manifest.schema not in known or (DATABASE in checked.members) != (manifest.kind == "sqlite"):
        raise InvalidInput("holds no store that this Kizuna knows", file=file)
    if not is_postgres(settings.store) and settings.store is not None:
        store_file(Path(), settings.store)


# The folder


@contextmanager
def _staged(folder: Path, *, replace: bool) -> Iterator[Path]:
    """A folder inside the node's in which everything is made first. Raises Conflict."""
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if folder.exists() and not folder.is_dir():
        raise Conflict("is no folder; nothing was changed", file=str(folder))
    begun = STAGING in there and SETTINGS not in there
    if there and not begun and not replace:
        if SETTINGS in there:
            raise Conflict("there is a node here already; nothing was changed. --force puts it aside", file=str(folder))
        raise Conflict(
            "the folder is not empty; nothing was changed. --force puts aside what is there", file=str(folder)
        )
    staging = folder / STAGING
    if staging.is_symlink():
        raise Conflict("is a link; nothing was changed", file=str(staging))
    shutil.rmtree(staging, ignore_errors=True)
    make_folder(folder)
    staging.mkdir(mode=0o700)
    try:
        yield staging
    except BaseException:
        if not (folder / SETTINGS).exists() and there <= {STAGING}:
            for path in folder.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()
        shutil.rmtree(staging, ignore_errors=True)
        if not there:
            with suppress(OSError):
                folder.rmdir()
        raise


def _put_aside(folder: Path) -> str | None:
    """Put what is in the folder into one inside it, `node.json` first: from then on there is no node until the new one is whole.

    What a restore that was cut off has left is put aside too: among it may be what it had not put aside yet.
    """
    found = [path for path in folder.iterdir() if path.name != STAGING and not path.name.startswith(REPLACED)]
    if not found:
        return None
    name = f"{REPLACED}{time.to_text(time.now_us()).replace(':', '')}"
    (folder / name).mkdir(mode=0o700)
    for path in sorted(found, key=lambda path: path.name != SETTINGS):
        os.rename(path, folder / name / path.name)
    for changed in (folder / name, folder):
        sync_folder(changed)
    return name


def _put_in_place(staging: Path, folder: Path, there: Path | None, final: Path | None) -> None:
    if there is not None and final is not None:
        os.rename(there, final)
        sync_folder(final.parent)
    sync_tree(staging)
    for path in sorted(staging.iterdir(), key=lambda path: path.name == SETTINGS):
        os.rename(path, folder / path.name)
    sync_folder(folder)
    staging.rmdir()


@contextmanager
def _beside(final: Path | None, folder: Path, staging: Path) -> Iterator[Path | None]:
    """The file in which the rows are until they are whole, on the disk that they stay on; None for no file. Raises Conflict."""
    if final is None or final.parent == folder:
        yield None if final is None else (staging / final.name).resolve()
        return
    if final.exists():
        if not _is_begun(final):
            raise Conflict("is there already; nothing was changed", file=str(final))
        _remove(final)
    beside = final.with_name(f".{final.name}{STAGING}").resolve()
    _remove(beside)
    try:
        yield beside
    finally:
        _remove(beside)


def _is_begun(file: Path) -> bool:
    """Whether a file is what a restore that was cut off has left."""
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection,
    ):
        return connection.execute("select 1 from meta where key=?", (RESTORING,)).fetchone() is not None
    return False


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)


def _write(file: Path, blocks: Iterator[bytes]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            for block in blocks:
                handle.write(block)
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as error:
        raise InvalidInput(f"cannot be written: {error.strerror}", file=str(file)) from None


# The rows


@contextmanager
def _written_by_a_store(checked: Checked, settings: Settings) -> Iterator[None]:
    """Raise InvalidInput for rows of an archive whose digests agree and which no store has written, whatever they break."""
    strange: tuple[type[Exception], ...] = (
        LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, msgspec.MsgspecError,
        sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError,
    )  # fmt: skip
    if is_postgres(settings.store):
        import psycopg

        strange += (psycopg.IntegrityError, psycopg.DataError, psycopg.ProgrammingError, struct.error)
    try:
        yield
    except strange:
        raise InvalidInput("holds rows that are none", file=str(checked.file)) from None


def _fill(checked: Checked, staging: Path, settings: Settings) -> dict[str, int]:
    """Put the rows where they are to be, brought up to this release; gives their number by table."""
    if is_postgres(settings.store):
        _clear_begun(str(settings.store))
    if checked.manifest.kind == "postgres":
        return _fill_from_rows(checked, staging, settings)
    if is_postgres(settings.store):
        own = msgspec.structs.replace(settings, store=f"sqlite:///{(staging / FILE).resolve()}")
        _unpack(checked, staging / FILE)
        with closing(Store(staging, own)) as source, closing(open_database(staging, settings)) as target:
            with target.write() as there:
                moved = copy_store(source, target)
                set_meta(there, RESTORING, "1")
            target.tidy()
        (staging / FILE).unlink()
        return moved.tables
    _unpack(checked, store_file(staging, settings.store))
    return checked.manifest.tables


def _unpack(checked: Checked, file: Path) -> None:
    """The file of a SQLite store, whole, with the rows that the manifest says, and of this release. Raises InvalidInput."""
    from kizuna.store.sqlite.copied import checked_file

    _write(file, checked.blocks(DATABASE))
    newest = steps("sqlite")[-1].number
    if checked_file(file, newest) != checked.manifest.tables:
        raise InvalidInput("holds other rows than its manifest says", file=str(checked.file), path=DATABASE)
    _bring_up(file, checked)


def _bring_up(file: Path, checked: Checked) -> None:
    """Bring a file up to this release; no copy of it is kept, since the backup is one. Raises InvalidInput."""
    from kizuna.store.sqlite.database import migrate

    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("pragma trusted_schema=off")
        migrate(connection)
        _must_be_the_schema(connection, checked)
        # A copy that was taken while the node moved is a node of its own from here on.
        connection.execute("delete from meta where key in (?,?)", (MOVED, MOVING))


def _must_be_the_schema(connection: sqlite3.Connection, checked: Checked) -> None:
    """A file has the tables, indices and triggers of a new store and no others: what is strange in it would be run. Raises InvalidInput."""
    from kizuna.store.sqlite.database import migrate

    question = (
        "select type, name, tbl_name, sql from sqlite_master where name not like 'sqlite!_%' escape '!' order by 1, 2"
    )
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh)
        if connection.execute(question).fetchall() != fresh.execute(question).fetchall():
            raise InvalidInput("holds other tables than a store has", file=str(checked.file), path=DATABASE)


def _clear_begun(url: str) -> None:
    """Take away what a restore that was cut off has left in a database. Raises Conflict for a node, which stays."""
    from kizuna.store.postgres.databases import clear_schema

    def nobodys(connection: Connection) -> bool:
        return get_meta(connection, RESTORING) is not None or get_meta(connection, "node") is None

    if not clear_schema(url, nobodys):
        raise Conflict("there is a node in it already; nothing was changed", file=shown_address(url))


def _fill_from_rows(checked: Checked, staging: Path, settings: Settings) -> dict[str, int]:
    """Rows one by one, into the schema that they were kept under, compared as read back; then that is brought up to this release."""
    shared = is_postgres(settings.store)
    if not shared:
        _write(store_file(staging, settings.store), iter(()))  # for its owner only, before anything is in it
    with closing(open_database(staging, settings, until=checked.manifest.schema)) as target:
        with target.write() as there:
            counts = _load(checked, there, target)
            if shared:
                set_meta(there, RESTORING, "1")
        target.tidy()
    if not shared:
        _bring_up(store_file(staging, settings.store), checked)
        # Words are cut by the one function that every index is fed by: SQLite keeps them in a way of its own.
        with closing(Store(staging, settings)) as store, store.database.write() as there:
            for some in portions(documents_of(store, there)):
                words = [(number, text) for number, _, _, text in some]
                there.executemany("insert into words(rowid, text) values (?,?)", words)
    return counts


def _load(checked: Checked, there: Connection, target: Database) -> dict[str, int]:
    manifest, tables = checked.manifest, target.tables()
    extra = {DOCUMENTS: {"words"}}
    for table, columns in manifest.columns.items():
        if set(columns) - set(tables.get(table, ())) - extra.get(table, set()):
            raise InvalidInput("holds other tables than a store has", file=str(checked.file), path=table[:60])
    if manifest.columns.keys() != tables.keys():
        raise InvalidInput("holds other tables than a store has", file=str(checked.file))
    for table in {"space", "meta", "rule"} & tables.keys():  # what every new store begins with
        there.execute(f"delete from {table}")
    for table in copy_order(tables, documents=True):
        _load_table(checked, there, table, tables[table], target.place)
    there.full_text.reserve(there, manifest.newest_document)
    target.numbers_follow(there)
    return manifest.tables


def _load_table(checked: Checked, there: Connection, table: str, known: list[str], place: str) -> None:
    """Load one table and read it back. Raises InvalidInput where that is not the same."""
    kept = list(checked.manifest.columns[table])
    columns = [name for name in kept if name in known]
    places = [kept.index(name) for name in columns]
    before, after = Sum(), Sum()
    for some in portions(rows_of(checked, table)):
        rows = [tuple([row[place] for place in places]) for row in some]
        before.add(rows)
        there.load((f"{table}({','.join(columns)})", list(chain.from_iterable(rows)), len(columns)))
    for some in portions(there.stream(f"select {', '.join(columns)} from {table}", at_once=64)):
        after.add(some)
    if before != after:
        raise InvalidInput(f"table {table} is not what the backup holds; nothing was restored", file=place)


def _open_epoch(staging: Path, settings: Settings, checked: Checked, by: str, mark: str | None) -> Opened:
    with closing(open_database(staging, settings)) as database, database.write() as connection:
        owner = get_meta(connection, "node")
        if owner != settings.identity:
            raise InvalidInput("this is the store of another node", file=str(checked.file))
        opened = begin_epoch(connection, now := time.now_us())
        detail = {**told(opened), "made": checked.manifest.made, "from": checked.manifest.kind}
        note_act(connection, now, by, "restore", str(checked.file), detail)
        connection.execute("delete from meta where key in (?,?)", (MOVED, MOVING))  # as in `_bring_up`
        if mark is not None:
            set_meta(connection, RESTORING, mark)
    return opened
