"""Threads come and go, and what they read by stays bounded."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kizuna.errors import Unavailable
from kizuna.store import Store
from tests.builders import CLEAR, campaign, items
from tests.stores import SQLITE

HERE = Path("/proc/self/fd")


def in_a_thread(store: Store) -> int:
    """What a thread that lives for this alone counts."""
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(store.custodian().stats().objects))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.skipif(not HERE.is_dir(), reason="counts open files in /proc")
def test_a_thread_that_ended_leaves_nothing_open(store: Store) -> None:
    in_a_thread(store)
    before = len(list(HERE.iterdir()))
    for number in range(20):
        list(store.writer(store.own_source()).add(items(campaign(f"{number}", object_marking_refs=[CLEAR]))))
        assert in_a_thread(store) == number + 1  # of now, not of when it was opened
    assert len(list(HERE.iterdir())) <= before + 2  # another thread may read meanwhile


@SQLITE
def test_what_ended_in_the_middle_is_begun_anew(store: Store) -> None:
    def leave() -> None:
        reader = store.database.read()
        reader.execute("begin")
        reader.execute("select count(*) from object").fetchone()

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    list(store.writer(store.own_source()).add(items(campaign("later", object_marking_refs=[CLEAR]))))
    assert in_a_thread(store) == 1


@SQLITE
def test_who_lives_keeps_a_connection_of_its_own(store: Store) -> None:
    met = threading.Barrier(4)

    def mine() -> int:
        met.wait()
        with store.database.snapshot() as connection:
            met.wait()
            return id(connection)

    with ThreadPoolExecutor(4) as pool:
        assert len({task.result() for task in [pool.submit(mine) for _ in range(4)]}) == 4


@SQLITE
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_takes_nothing_of_its_parent(store: Store) -> None:
    """To it every other thread of its parent seems ended, and what these read by is the parent's."""
    held, go_on = threading.Event(), threading.Event()
    theirs: list[object] = []

    def read() -> None:
        theirs.append(store.database.read())
        held.set()
        go_on.wait()

    def look() -> None:
        status.append(os.WEXITSTATUS(os.waitpid(child, 0)[1]))

    thread = threading.Thread(target=read)
    thread.start()
    held.wait()
    status: list[int] = []
    child = os.fork()
    if child == 0:
        mine: list[object] = []
        other = threading.Thread(target=lambda: mine.append(store.database.read()))
        other.start()
        other.join()
        os._exit(int(mine[0] in theirs))
    look()
    go_on.set()
    thread.join()
    assert status == [0]


ENDLESS = "with recursive c(n) as (select 1 union all select n+1 from c where n<1000000000) select {} from c"


@SQLITE
@pytest.mark.parametrize("what", ["n", "count(*)"])
def test_who_still_reads_a_store_that_is_closed_is_told(store: Store, what: str) -> None:
    begun, told = threading.Event(), []

    def read() -> None:
        reader = store.database.read()
        begun.set()
        try:
            for _ in reader.execute(ENDLESS.format(what)):
                pass
        except sqlite3.OperationalError as error:
            told.append(str(error))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert begun.wait(30)
    time.sleep(0.2)
    store.database.close()
    thread.join(30)
    assert told == ["interrupted"]
    with pytest.raises(Unavailable, match="closed"):
        store.database.read()
    with pytest.raises(Unavailable, match="closed"), store.database.write():
        pass


@SQLITE
def test_a_thread_that_does_not_end_keeps_its_connection(store: Store) -> None:
    met = threading.Barrier(2, timeout=30)
    found: list[object] = []

    def read() -> None:
        rows = iter(store.database.read().execute(ENDLESS.format("n")))
        next(rows)
        met.wait()
        met.wait()  # the store is closed meanwhile
        try:
            found.append(next(rows)[0])
            for _ in rows:
                pass
        except sqlite3.OperationalError as error:
            found.append(str(error))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    met.wait()
    store.database.close()
    met.wait()
    thread.join(30)
    assert found == [2, "interrupted"]
