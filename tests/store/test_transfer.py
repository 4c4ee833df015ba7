"""A node that moves between databases answers the same, byte for byte, and lives in one of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from kizuna.errors import Conflict, InvalidInput
from kizuna.store import Partner, Store
from kizuna.store.database import open_database
from kizuna.store.moving import mark_moved
from kizuna.store.transfer import copy_store
from kizuna.store.verify import verify
from tests.builders import CLEAR, campaign, items
from tests.store.filled import answers, fill
from tests.stores import SQLITE


@SQLITE
def test_there_and_back_every_answer_is_the_same(
    store: Store, make_database: Callable[[], str], tmp_path: Path
) -> None:
    fill(store)
    before = answers(store)
    stores = [store]
    try:
        for address in (make_database(), f"sqlite:///{tmp_path}/back.sqlite"):
            settings = msgspec.structs.replace(store.settings, store=address)
            target = open_database(store.folder, settings)
            moved = copy_store(stores[-1], target)
            target.close()
            assert moved.tables["object"] == 9
            stores.append(Store(store.folder, settings, store.clock))
            assert list(verify(stores[-1])) == []
            assert answers(stores[-1]) == before
        more = campaign("more", object_marking_refs=[CLEAR])
        for one in (store, *stores[1:]):
            assert [o.status for o in one.writer(one.own_source()).add(items(more))] == ["imported"]
            one.put_partner(Partner(name="Kyiv", organisation="K (fictional)", country="UKR", receives=("TLP:CLEAR",)))
            list(one.writer(one.partner_source("Brussels")).add(items(campaign("b", description="forged"))))
            assert answers(one) == answers(store)
    finally:
        for one in stores[1:]:
            one.close()


def test_what_is_not_empty_is_left_alone(store: Store, make_store: Callable[..., Store]) -> None:
    fill(store)
    other = make_store("Riga", "CERT Riga (fictional)", "LVA")
    other.audit("test", "there")
    with pytest.raises(Conflict, match="already"):
        copy_store(store, other.database)
    assert other.custodian().stats().versions == 0


def test_a_damaged_index_stops_the_move_and_leaves_nothing(
    store: Store, new_database: Callable[[], str | None], tmp_path: Path
) -> None:
    fill(store)
    with store.database.write() as connection:
        connection.execute("delete from doc where n=(select max(n) from doc where object=1)")
    address = new_database() or f"sqlite:///{tmp_path}/other.sqlite"
    target = open_database(tmp_path, msgspec.structs.replace(store.settings, store=address))
    with pytest.raises(InvalidInput, match="doctor"):
        copy_store(store, target)
    assert target.read().execute("select count(*) from object").fetchone() == (0,)
    target.close()


def test_whoever_has_moved_says_where_to(store: Store) -> None:
    with store.database.write() as connection:
        mark_moved(connection, "postgresql://db/riga", by="test")
    with pytest.raises(InvalidInput, match="went on in postgresql://db/riga"):
        Store(store.folder, store.settings, store.clock)


def test_a_store_is_not_moved_into_itself(store: Store) -> None:
    fill(store)
    same = open_database(store.folder, store.settings)
    with pytest.raises(Conflict, match="already"):
        copy_store(store, same)
    same.close()
