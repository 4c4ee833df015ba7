"""A node that moves between databases answers the same, byte for byte, and lives in one of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from kizuna.errors import Conflict, InvalidInput
from kizuna.labels import parse_label
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.database import open_database
from kizuna.store.moving import mark_moved
from kizuna.store.transfer import copy_store
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, campaign, items, named, relationship, report
from tests.stores import SQLITE

LONG = "/var/" + "é\0" * 2_000


def fill(store: Store) -> None:
    """Objects marked in parts, relabelled, deleted, waiting, in many scripts; people, secrets, refusals."""
    store.put_partner(Partner(name="Brussels", organisation="B (fictional)", country="BEL", receives=("TLP:CLEAR",)))
    accounts = Accounts(store)
    accounts.add_user("Sato", ROLES, by="test")
    accounts.create_token(user="sato", by="test")
    accounts.create_token(partner="Brussels", by="test")
    marked = campaign(
        "marked",
        description="beacon 灯台",
        object_marking_refs=[CLEAR],
        granular_markings=[{"marking_ref": AMBER, "selectors": ["description"]}],
    )
    a, b = (campaign(name, object_marking_refs=[CLEAR], description=f"東京で {name}") for name in "ab")
    long = "x" * 3_000 + " nul \0 word " + "y" * 400
    strange = campaign("strange", object_marking_refs=[CLEAR], description=long)
    place: dict[str, object] = {"type": "directory", "spec_version": "2.1", "id": named("directory", "d"), "path": LONG}
    place["object_marking_refs"] = [CLEAR]
    waits = report("waits", [campaign("secret")], object_marking_refs=[CLEAR])
    everything = [marked, a, b, strange, place, waits, campaign("secret", object_marking_refs=[AMBER])]
    outcomes = store.writer(store.own_source()).add(items(*everything, relationship(a, "related-to", b)))
    assert [o.problems for o in outcomes if o.status != "imported"] == []
    list(
        store.writer(store.partner_source("Brussels")).add(
            items(campaign("a", description="forged"), campaign("theirs"))
        )
    )
    store.relabel(b["id"], parse_label("PUBLIC", originator=store.organisation), by="test")
    store.hide(named("campaign", "secret"), by="test")


def answers(store: Store) -> list[object]:
    """What readers of every kind are answered."""
    found: list[object] = []
    reader = store.principal_of_person("Sato")
    for shelf in (store.feed("Brussels"), store.view(reader), store.custodian()):
        for versions in (("all",), ("last",), ("first",)):
            page = shelf.read(Query(versions=versions), 0, 3)
            found.append(page)
            found.append(shelf.read(Query(versions=versions), page.rows[-1].position if page.rows else 0, 100))
    for view in (store.view(reader), store.custodian()):
        found += [view.search(text, limit=20) for text in (None, "beacon", "東京", "灯", "x" * 3_000, "nul word", "\0")]
        found += [view.search(value=value) for value in (LONG, "no such value")]
        found += [view.stats(), view.traffic(), view.neighbours(named("campaign", "a")), list(view.export())]
    accounts = Accounts(store)
    return [*found, accounts.users(), accounts.listed("token"), store.audit_trail(), store.groups(), store.partners()]


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
    mark_moved(store, "postgresql://db/riga", by="test")
    with pytest.raises(InvalidInput, match="went on in postgresql://db/riga"):
        Store(store.folder, store.settings, store.clock)


def test_a_store_is_not_moved_into_itself(store: Store) -> None:
    fill(store)
    same = open_database(store.folder, store.settings)
    with pytest.raises(Conflict, match="already"):
        copy_store(store, same)
    same.close()
