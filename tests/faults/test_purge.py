"""A purge that is killed at any point is done or not done; and whatever was done before, the rest is as if it had never been here."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kizuna.settings import load
from kizuna.store import Query, Store, open_store
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.database import is_postgres
from kizuna.store.keys import make_key
from kizuna.store.purging import Purges
from kizuna.store.verify import verify
from tests.behaviour.test_non_interference import (
    NAMES,
    Act,
    Ticking,
    acts,
    made,
    new_store,
    pages,
    perform,
    what_a_reader_gets,
)
from tests.builders import CLEAR, campaign, items, named, report
from tests.commands import kizuna
from tests.stores import Databases

from .conftest import EVERYWHERE, Faulty
from .test_sudden_end import check

CANARY = "zzcanaryzz"
KILLED = """
import os, signal, sys
from pathlib import Path
from kizuna.store import open_store, act, destroying
from kizuna.store.purging import Purges
store = open_store(Path(sys.argv[1]))
module, name = sys.argv[2].rsplit(".", 1)
owner = {"destroying": destroying, "act": act.Act, "database": type(store.database), "purges": Purges}[module]
setattr(owner, name, lambda *given, **more: os.kill(os.getpid(), signal.SIGKILL))
Purges(store).confirm(int(sys.argv[3]), by="second")
"""
# Inside of the transaction, in the order of its steps, and behind it.
POINTS = {
    "destroying._keep_closed": False, "destroying._destroy_rows": False, "act.destroying": False,
    "destroying._forget_refused": False, "destroying._forget_told": False, "act.destroyed": False, "destroying._forget_idents": False,
    "destroying.set_meta": False, "purges._end": False, "database.empty_log": True,
}  # fmt: skip


@EVERYWHERE
def test_killed_anywhere_it_is_whole_or_not_at_all(faulty: Faulty) -> None:
    one = campaign("a", description=CANARY, object_marking_refs=[CLEAR])
    store = open_store(faulty.folder)
    for name in ("first", "second"):
        Accounts(store).add_user(name, ROLES, by="test")
    rest = [campaign("b", object_marking_refs=[CLEAR]), report("r", [one], object_marking_refs=[CLEAR])]
    list(store.writer(store.own_source()).add(items(one, *rest)))
    number = Purges(store).propose(one["id"], "why", by="first").number
    store.close()
    for point, done in POINTS.items():
        arguments = [sys.executable, "-c", KILLED, str(faulty.folder), point, str(number)]
        assert subprocess.run(arguments, check=False, capture_output=True).returncode == -9, point
        assert (one["id"] in check(faulty.folder, rest)) is not done, point
    if not is_postgres(load(faulty.folder).store):
        assert kizuna("purge", "scrub", "--if-due", "--data", faulty.folder, "--json").last() == {"scrubbed": True}
        held = b"".join(file.read_bytes() for file in faulty.folder.iterdir() if file.is_file())
        assert CANARY.encode() not in held
    doctor = {line["check"]: line["state"] for line in kizuna("doctor", "--data", faulty.folder, "--json").lines()}
    assert doctor["indices"] == "ok"


def _feed(store: Store) -> list[tuple[Any, ...]]:
    """What Brussels has, without the moment at which it came: what was held back by something comes when that is gone."""
    found: list[tuple[Any, ...]] = []
    for query in (Query(), Query(versions=("all",)), Query(versions=("first",))):
        rows = [row for page in pages(store.feed("Brussels").read, query, 2) for row in page.rows]
        found += sorted((row.id, row.version, row.raw) for row in rows)
    return found


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=st.lists(acts, min_size=2, max_size=12))
def test_what_is_left_is_as_if_it_had_never_been(script: list[Act], databases: Databases) -> None:
    with ExitStack() as stack:
        stores = []
        for with_it in (True, False):
            clock, folder = Ticking(), Path(stack.enter_context(tempfile.TemporaryDirectory()))
            store = new_store(folder, clock, stack.enter_context(databases()))
            stack.callback(store.close)
            make_key(folder)
            stores.append(store)
            for name in ("first", "second"):
                Accounts(store).add_user(name, ROLES, by="test")
            for act in script:
                _done(store, clock, act, with_it)
            if with_it:
                _purged(store)
        full, bare = stores
        assert _feed(full) == _feed(bare)
        assert what_a_reader_gets(full) == what_a_reader_gets(bare)
        assert list(verify(full)) == []


def _done(store: Store, clock: Ticking, act: Act, with_it: bool) -> None:
    if act[0] != "hide":
        perform(store, clock, [act], with_hidden=True)
        return
    clock.now += 1_000_000
    if with_it:  # seen by everybody, until it is purged
        kind, name, refs, text, version = act[1:]
        one = made(kind, name, refs, text, version, CLEAR)
        list(store.writer(store.own_source(), area="cyber-defence").add(items(one)))


def _purged(store: Store) -> None:
    purges = Purges(store)
    ids = {stored.id for stored in store.custodian().search(limit=1_000).items}
    for kind in ("campaign", "report", "relationship"):
        for name in NAMES:
            for id in {named(kind, f"hidden {name}")} & ids:
                purges.confirm(purges.propose(id, "why", by="first").number, by="second")
    for one in store.custodian().search("zzsecretzz", limit=1_000).items:
        purges.confirm(purges.propose(one.id, "why", by="first").number, by="second")
