"""A disk that is nearly full: nothing comes in, all that is here is read, and it goes on by itself when there is room."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from kizuna.errors import DiskNearlyFull
from kizuna.labels import parse_label
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.postgres.connection import told
from kizuna.store.purging import Purges
from kizuna.store.room import free_bytes, has_room
from kizuna.store.verify import verify
from tests.builders import CLEAR, campaign, items, named
from tests.conftest import Clock
from tests.stores import SQLITE


@contextmanager
def room_for(monkeypatch: pytest.MonkeyPatch, free: int) -> Iterator[None]:
    """So many bytes free."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=free, f_frsize=1))
        yield


def put(store: Store, *names: str) -> list[str]:
    objects = [campaign(name, object_marking_refs=[CLEAR]) for name in names]
    return [outcome.status for outcome in store.writer(store.own_source()).add(items(*objects))]


@pytest.fixture
def fed(store: Store) -> Store:
    """A store with one object in a partner's feed."""
    store.put_partner(Partner(name="Brussels", organisation="CERT B", country="BEL", receives=("TLP:CLEAR",)))
    put(store, "a")
    return store


def test_nothing_comes_in_below_the_floor_and_all_is_read(fed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    floor = fed.settings.disk_floor
    with room_for(monkeypatch, floor - 1):
        assert (has_room(fed), free_bytes(fed)) == (False, floor - 1)
        for name in ("b", "a"):
            with pytest.raises(DiskNearlyFull, match="too little room"):
                put(fed, name)
        assert len(fed.feed("Brussels").read(Query(), 0, 10).rows) == 1
        assert fed.custodian().stats().objects == 1
    with room_for(monkeypatch, floor):
        assert put(fed, "b") == ["imported"]


def test_labels_and_purges_go_on(fed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("first", "second"):
        Accounts(fed).add_user(name, ROLES, by="test")
    with room_for(monkeypatch, 0):
        fed.relabel(named("campaign", "a"), parse_label("TLP:RED", originator=fed.organisation), by="t")
        assert fed.feed("Brussels").read(Query(), 0, 10).rows == []
        purges = Purges(fed)
        number = purges.propose(named("campaign", "a"), "room", by="first").number
        purges.confirm(number, by="second")
        assert fed.custodian().stats().objects == 0


def test_what_waited_for_its_time_comes_in(fed: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = campaign("later", modified="2026-11-23T01:00:00.000Z", object_marking_refs=[CLEAR])
    assert [o.status for o in fed.writer(fed.own_source()).add(items(ahead))] == ["failed"]
    clock.forward(7200)
    with room_for(monkeypatch, 0):
        assert len(fed.feed("Brussels").read(Query(), 0, 10).rows) == 2


@SQLITE
def test_a_file_that_cannot_grow_is_told_alike(fed: Store) -> None:
    writer: Any = fed.database._writer  # type: ignore[attr-defined]
    (pages,) = writer.execute("pragma page_count").fetchone()
    writer.execute(f"pragma max_page_count={pages}")
    with pytest.raises(DiskNearlyFull, match="no room left"):
        put(fed, *(f"many {n}" for n in range(500)))
    writer.execute(f"pragma max_page_count={1 << 30}")
    assert list(verify(fed)) == []
    assert put(fed, "b") == ["imported"]


def test_a_server_whose_table_cannot_grow_is_told_alike() -> None:
    with pytest.raises(DiskNearlyFull, match="could not extend file"), told():
        raise psycopg.errors.DiskFull('could not extend file "base/1/2": No space left on device\nHINT: free some')
