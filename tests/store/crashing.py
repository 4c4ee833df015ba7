"""A process that ends inside of a transaction: at one of its statements, before its commit, or behind it and before it is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from kizuna.store import Store
from kizuna.store.database import store_file

FILES = ("", "-wal")
"""What a file's database leaves where its process is killed: the file and its log. What it shares with others is memory."""


class Struck(BaseException):
    """The process ended here."""


class Strike(NamedTuple):
    """When it ends: at so many statements of a transaction, -1 before its commit and -2 behind it.

    `killed` takes the process away with its connections; else the error goes up through a process that lives on.
    """

    at: int
    killed: bool


class Told:
    """What came of a strike: whether it fell, and whether the transaction had been committed by then."""

    def __init__(self) -> None:
        self.fell = False
        self.committed = False


@contextmanager
def struck(store: Store, strike: Strike) -> Iterator[Told]:
    """Let the process end in the next transaction of a store, unless that is over before."""
    told = Told()
    seen = 0

    def fall() -> None:
        told.fell = True
        if strike.killed:
            _end_connections(store)
        raise Struck

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **more: Any) -> Any:
            nonlocal seen
            if told.fell or told.committed:
                return call(*arguments, **more)
            first = arguments[0] if arguments else ""
            if first == "commit":
                if strike.at != -2:
                    fall()
                done = call(*arguments, **more)
                told.committed = True
                fall()
                return done
            if seen == strike.at:
                fall()
            seen += 1
            return call(*arguments, **more)

        return called

    owner: Any = store.database
    writer = owner._writing() if hasattr(owner, "_writing") else owner._writer
    raw = getattr(writer, "raw", None)
    hooked = [(raw, "execute"), (writer, "executemany"), (writer, "load")] if raw is not None else []
    hooked = hooked or [(writer, "execute"), (writer, "executemany")]
    for of, name in hooked:
        setattr(of, name, counted(getattr(of, name)))
    try:
        yield told
    except Struck:
        pass
    finally:
        for of, name in hooked:
            delattr(of, name)


def _end_connections(store: Store) -> None:
    """What happens to a database when the process is killed that writes to it."""
    database: Any = store.database
    if hasattr(database, "_writing"):
        pid = database._writer.raw.info.backend_pid
        with psycopg.connect(str(store.settings.store), autocommit=True) as other:
            other.execute("select pg_terminate_backend(%s, 60000)", (pid,))
        return
    file = store_file(store.folder, store.settings.store)
    for end in FILES:
        if (of := Path(f"{file}{end}")).exists():
            shutil.copyfile(of, f"{file}{end}.left")


def opened_again(store: Store, *, killed: bool) -> Store:
    """The store as another process finds it."""
    store.close()
    if killed and store.settings.store is None:
        file = store_file(store.folder, None)
        for end in (*FILES, "-shm"):
            Path(f"{file}{end}").unlink(missing_ok=True)
        for end in FILES:
            if (left := Path(f"{file}{end}.left")).exists():
                left.rename(f"{file}{end}")
    return Store(store.folder, store.settings, store.clock)
