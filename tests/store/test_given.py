"""What the people of a partner read of its feed: newest first, object by object, and what was taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kizuna.errors import NotFound
from kizuna.labels import parse_label
from kizuna.store import Partner, Store
from kizuna.store.accounts import Accounts
from kizuna.store.given import GivenTo
from kizuna.store.releasing import Releases
from tests.builders import campaign, items


@pytest.fixture
def store(make_store: Callable[..., Store]) -> Store:
    """A node with two partners, of which one may have what is open."""
    made = make_store()
    made.put_partner(Partner(name="Brussels", organisation="CERT B", country="BEL", receives=("TLP:CLEAR",), added=1))
    made.put_partner(Partner(name="Kyiv", organisation="CERT K", country="UKR", added=2))
    Accounts(made).add_user("owner", ["releaser"], by="test")
    return made


def put(store: Store, *objects: dict[str, Any], label: str = "TLP:CLEAR") -> None:
    stated = parse_label(label, originator=store.organisation)
    list(store.writer(store.own_source(), label=stated).add(items(*objects)))


def pages(given: GivenTo, limit: int) -> list[str]:
    found, before = [], None
    while True:
        rows, before = given.newest(limit, before)
        found += [row.id for row in rows]
        if before is None:
            return found


def test_pages_join_and_hold_the_newest_versions_only(store: Store) -> None:
    some = [campaign(str(n)) for n in range(7)]
    put(store, *some)
    put(store, campaign("hidden"), label="TLP:AMBER+STRICT")
    put(store, some[2] | {"modified": "2026-05-01T00:00:00.000Z", "description": "more"})
    given = GivenTo(store, "Brussels")
    everything = [some[n]["id"] for n in (2, 6, 5, 4, 3, 1, 0)]
    for limit in (1, 2, 3, 7, 50):
        assert pages(given, limit) == everything, limit
    assert b"more" in given.newest(1)[0][0].raw
    assert pages(GivenTo(store, "Kyiv"), 5) == []


def test_one_object_and_its_versions(store: Store) -> None:
    first, hidden = campaign("a"), campaign("hidden")
    second = first | {"modified": "2026-05-01T00:00:00.000Z", "description": "more"}
    put(store, first)
    put(store, second)
    put(store, hidden, label="TLP:AMBER+STRICT")
    given = GivenTo(store, "Brussels")
    newest = given.get(first["id"])
    assert newest is not None
    versions = given.versions(first["id"], 5)
    assert [version for version, _ in versions] == sorted((version for version, _ in versions), reverse=True)
    assert versions[0][0] == newest.version
    older = given.get(first["id"], versions[1][0])
    assert older is not None
    assert (b"more" in newest.raw, b"more" in older.raw) == (True, False)
    assert given.versions(first["id"], 1) == versions[:1]
    for id in (hidden["id"], campaign("nobody has it")["id"], "x"):
        assert given.get(id) is None
        assert given.versions(id, 5) == []
    assert set(given.those([first["id"], hidden["id"], "x"])) == {first["id"]}


def test_what_was_taken_back_is_told_with_its_reason(store: Store) -> None:
    one = campaign("a")
    put(store, one, campaign("b"))
    given, releases = GivenTo(store, "Brussels"), Releases(store)
    assert given.taken_back(5) == ([], None)
    releases.withdraw("Brussels", [one["id"]], "a mistake", by="owner")
    (notice,), more = given.taken_back(5)
    assert (notice.about, notice.reason, notice.again, more) == ((one["id"],), "a mistake", False, None)
    assert given.get(one["id"]) is None
    releases.approve("Brussels", [one["id"]], by="owner")
    newest, older = given.taken_back(5)[0]
    assert (newest.again, older.again) == (True, False)
    (first,), more = given.taken_back(1)
    assert (first, more) == (newest, newest.number)
    assert given.taken_back(1, more) == ([older], None)
    assert GivenTo(store, "Kyiv").taken_back(5) == ([], None)
    assert given.get(one["id"]) is not None


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_one_object_is_found_by_its_id(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, campaign("a"))
    given, asked = GivenTo(store, "Brussels"), list[tuple[str, Any]]()
    reader = store.database.read()
    read = type(reader).with_bodies

    def heard(self: Any, sql: str, parameters: Any, **more: int) -> Any:
        asked.append((sql, parameters))
        return read(self, sql, parameters, **more)

    monkeypatch.setattr(type(reader), "with_bodies", heard)
    given.get(campaign("a")["id"])
    given.those([campaign("a")["id"]])
    given.newest(5)
    plans = [
        " ".join(row[-1] for row in reader.execute(f"explain query plan {sql.replace('{raw}', 'b.raw')}", values))
        for sql, values in asked
    ]
    assert ["feed_ident" in plan for plan in plans] == [True, True, False]
    assert ["added<?" in plan for plan in plans] == [False, False, True]
    assert not any("TEMP B-TREE" in plan or "SCAN o" in plan or "SCAN f" in plan for plan in plans)


def test_a_partner_that_is_gone_has_nothing(store: Store) -> None:
    store.remove_partner("Brussels")
    with pytest.raises(NotFound):
        GivenTo(store, "Brussels")
