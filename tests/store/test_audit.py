"""The audit trail: nothing in it changes, its chain proves it, and an operator sees what tells of no object."""

from __future__ import annotations

import ast
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import psycopg
import pytest

from kizuna.store import Partner, Store, audit
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.audit import ADMINISTRATION, newest, shown, trail
from kizuna.store.database import open_database
from kizuna.store.transfer import copy_store
from tests.conftest import Clock
from tests.stores import SQLITE

SOURCE = Path(audit.__file__).resolve().parents[1]


@pytest.fixture
def used(store: Store, clock: Clock) -> Store:
    """A store in which seven things were done, a second apart."""
    accounts = Accounts(store)
    for name in ("owner", "colleague"):
        accounts.add_user(name, ROLES, by="test")
        clock.forward(1)
    for n in range(5):
        store.audit("owner" if n % 2 else "colleague", "import", f"file {n}", {"imported": n})
        clock.forward(1)
    return store


def _done(store: Store, sql: str) -> None:
    with store.database.write() as connection:
        connection.execute(sql)


@pytest.mark.parametrize("sql", ["update audit set actor='nobody'", "delete from audit", "delete from audit where n=3"])
def test_nothing_in_it_is_changed_or_taken_out(used: Store, sql: str) -> None:
    before = list(trail(used))
    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError), match="append-only"):
        _done(used, sql)
    assert list(trail(used)) == before


def test_it_is_read_in_order_by_pages(used: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(trail(used))
    assert [entry.number for entry in whole] == sorted(entry.number for entry in whole)
    assert [entry.act for entry in whole] == ["user.add", "user.add", *["import"] * 5]
    for size in (1, 2, 7):
        monkeypatch.setattr(audit, "PAGE", size)
        assert list(trail(used)) == whole


def test_a_part_has_the_chain_of_the_whole(used: Store, clock: Clock) -> None:
    whole = list(trail(used))
    assert list(trail(used, since=whole[2].at, until=whole[5].at)) == whole[2:5]
    used.audit("owner", "export")
    assert list(trail(used))[:-1] == whole
    assert len({entry.chain for entry in trail(used)}) == len(whole) + 1


@SQLITE
@pytest.mark.parametrize("change", ["at=at+1", "actor='x'", "act='x'", "subject='x'", "detail='{}'", "n=1000+n"])
def test_whoever_changes_the_file_breaks_the_chain(used: Store, change: str) -> None:
    whole = list(trail(used))
    with sqlite3.connect(used.database.place) as connection:
        connection.execute("drop trigger audit_kept")
        connection.execute(f"update audit set {change} where n=?", (whole[-1].number,))
    connection.close()
    assert [entry.chain for entry in trail(used)][:-1] == [entry.chain for entry in whole][:-1]
    assert [entry.chain for entry in trail(used)][-1] != whole[-1].chain


def test_the_newest_by_act_and_actor(used: Store) -> None:
    assert [entry.subject for entry in newest(used, 2)] == ["file 4", "file 3"]
    assert [entry.subject for entry in newest(used, 9, act="import", actor="owner")] == ["file 3", "file 1"]
    assert newest(used, 9, act="none") == []


def test_an_operator_sees_administration_and_own_acts(used: Store) -> None:
    entries, following = shown(used, "owner", 10, None)
    assert [(entry.act, entry.subject) for entry in entries] == [
        ("import", "file 3"), ("import", "file 1"), ("user.add", "colleague"), ("user.add", "owner"),
    ]  # fmt: skip
    assert following is None


def test_pages_of_it_join_without_a_gap(used: Store) -> None:
    whole, _ = shown(used, "owner", 10, None)
    found, position, first = [], None, True
    while first or position is not None:
        page, position = shown(used, "owner", 1, position)
        found += page
        first = False
    assert found == whole


def test_every_act_is_known_to_concern_objects_or_not() -> None:
    """A new kind of act is added to one of the two lists, so that nobody forgets to think about it."""
    of_objects = {
        "import", "export", "pack", "relabel", "tag", "delete", "spillage", "quarantine-full", "taxii.poll", "taxii.push",
        "audit.export", "migrate", "job.cancel", "purge.propose", "purge.confirm", "purge.cancel", "purge.lift",
        "retention.hide", "retention.destroy", "consent.request", "consent.grant", "consent.end", "notice.refused", "notice.unsigned",
            "release.clear", "revoke", "scan.partial",
        "sanitise", "edit", "note", "air.record", "air.sensor", "air.zones",
    }  # fmt: skip
    stated = {act for file in SOURCE.rglob("*.py") for act in _acts(ast.parse(file.read_text(encoding="utf-8")))}
    assert {"import", "relabel", "user.add", "user.roles", "partner.remove"} <= stated
    assert stated - of_objects - set(ADMINISTRATION) == set()


def _acts(tree: ast.AST) -> Iterator[str]:
    """Kinds of acts that code writes into the trail, where they are stated and not worked out."""
    place = {"record": 2, "audit": 1, "_change": 4}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in place:
            stated = node.args[place[node.func.attr] :][:1]
            yield from (one.value for one in stated if isinstance(one, ast.Constant) and isinstance(one.value, str))


def test_partners_are_administration(store: Store) -> None:
    store.put_partner(Partner(name="Brussels", organisation="CERT Brussels", country="BEL"))
    store.audit("cli:x", "partner.add", "Brussels", {"organisation": "CERT Brussels"})
    assert [entry.act for entry in shown(store, "owner", 5, None)[0]] == ["partner.add"]


def test_a_node_that_moves_takes_its_chain_along(used: Store, make_database: Callable[[], str]) -> None:
    whole = list(trail(used))
    settings = msgspec.structs.replace(used.settings, store=make_database())
    with closing(open_database(used.folder, settings)) as target:
        copy_store(used, target)
    there = Store(used.folder, settings, used.clock)
    try:
        assert list(trail(there)) == whole
    finally:
        there.close()
