"""A store of any schema there ever was is brought up, after a copy of its file; a newer one is refused as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from kizuna.errors import InvalidInput
from kizuna.settings import Settings, save
from kizuna.store import Store
from kizuna.store.database import is_postgres, open_database
from kizuna.store.keys import make_key
from kizuna.store.migrations import Step, steps
from kizuna.store.sqlite import copied
from kizuna.store.sqlite.copied import kept_files
from kizuna.store.verify import verify
from tests.builders import CLEAR, campaign, items
from tests.stores import POSTGRES

NEWEST = steps("sqlite")[-1].number
SETTINGS = Settings(
    name="Old", organisation="Old (fictional)", country="LVA", identity="identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01"
)


def old(folder: Path, schema: int, settings: Settings = SETTINGS) -> Path:
    """A node whose store is of that schema, with a partner in it."""
    folder.mkdir()
    save(folder, settings)
    make_key(folder)
    with closing(open_database(folder, settings, until=schema)) as database, database.write() as connection:
        data = '{"name":"Kyiv","organisation":"K","country":"UKR","receives":["TLP:CLEAR"]}'
        connection.execute("insert into partner(name, data) values ('Kyiv', ?)", (data,))
    return folder / "node.sqlite"


def schema_of(file: Path) -> int:
    """The schema of a SQLite file."""
    with closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)) as connection:
        return int(connection.execute("pragma user_version").fetchone()[0])


@pytest.mark.parametrize("schema", [step.number for step in steps("sqlite")[:-1]])
def test_from_every_schema(tmp_path: Path, schema: int) -> None:
    file = old(tmp_path / "node", schema)
    with closing(Store(tmp_path / "node", SETTINGS)) as store:
        made = campaign("Aurora", object_marking_refs=[CLEAR])
        assert [o.status for o in store.writer(store.own_source()).add(items(made))] == ["imported"]
        assert store.feed("Kyiv").count() == 1
        assert [partner.unstated for partner in store.partners()] == ["whole"]  # as it had been
        assert list(verify(store)) == []
    (kept,) = kept_files(file)
    assert kept.name == f"node.sqlite.schema-{schema:04d}"
    assert (schema_of(kept), schema_of(file)) == (schema, NEWEST)
    assert kept.stat().st_mode & 0o777 == 0o600
    (tmp_path / "back").mkdir()
    kept.rename(tmp_path / "back" / "node.sqlite")  # as one would go back to the release before
    with closing(Store(tmp_path / "back", SETTINGS)) as store:
        assert [partner.name for partner in store.partners()] == ["Kyiv"]


def test_a_new_store_and_one_that_is_up_to_date_keep_nothing(tmp_path: Path) -> None:
    file = old(tmp_path / "node", NEWEST)
    Store(tmp_path / "node", SETTINGS).close()
    assert kept_files(file) == []


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    file = old(tmp_path / "node", 3)
    for schema in (4, 6, NEWEST):
        open_database(tmp_path / "node", SETTINGS, until=schema).close()
    assert [schema_of(kept) for kept in kept_files(file)] == [4, 6]


def test_without_room_for_the_copy_nothing_is_upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = old(tmp_path / "node", 8)

    def full(*_: Any) -> int:
        raise InvalidInput("cannot be written: database or disk is full")

    monkeypatch.setattr(copied, "copy_file", full)
    with pytest.raises(InvalidInput, match="stays as it was: cannot be written: database or disk is full"):
        Store(tmp_path / "node", SETTINGS)
    assert (schema_of(file), kept_files(file)) == (8, [])


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    file = old(tmp_path / "node", NEWEST)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"pragma user_version={NEWEST + 1}")
    with pytest.raises(InvalidInput, match=r"newer Kizuna.*upgrade Kizuna"):
        Store(tmp_path / "node", SETTINGS)
    assert kept_files(file) == []


@pytest.mark.parametrize("schema", [step.number for step in steps("postgres")[:-1]])
def test_from_every_schema_on_postgresql(make_database: Callable[[], str], tmp_path: Path, schema: int) -> None:
    settings = msgspec.structs.replace(SETTINGS, store=make_database())
    old(tmp_path / "node", schema, settings)
    with closing(Store(tmp_path / "node", settings)) as store:
        assert [partner.name for partner in store.partners()] == ["Kyiv"]
        assert list(verify(store)) == []


def test_on_postgresql_all_steps_are_taken_or_none(
    make_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = msgspec.structs.replace(SETTINGS, store=make_database())
    old(tmp_path / "node", 7, settings)
    bad = [*steps("postgres"), Step(9_999, "bad", "select 1/0")]
    with monkeypatch.context() as patched:
        patched.setattr("kizuna.store.postgres.database.steps", lambda *_: bad)
        with pytest.raises((InvalidInput, psycopg.Error)):
            Store(tmp_path / "node", settings)
    with closing(open_database(tmp_path / "node", settings, read_only=True)) as database:
        assert database.read().execute("select max(n) from schema_step").fetchone() == (7,)


@POSTGRES
def test_a_newer_database_is_refused(store: Store) -> None:
    with store.database.write() as connection:
        connection.execute(f"insert into schema_step values ({NEWEST + 1})")
    with pytest.raises(InvalidInput, match=r"newer Kizuna.*upgrade Kizuna"):
        Store(store.folder, store.settings)


def test_how_sure_somebody_is_becomes_known_of_what_was_there_before(store: Store) -> None:
    whole = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"  # TLP:RED
    told = {"object_marking_refs": [CLEAR]}
    ones = [
        campaign("sure", confidence=80, description='says "confidence": 5', **told),
        campaign("other", description='{"confidence": 5}', **told),
        campaign("apart", confidence=10, **told, description="x",
                 granular_markings=[{"marking_ref": whole, "selectors": ["description"]}]),
        campaign("closed", confidence=20, **told, granular_markings=[{"marking_ref": whole, "selectors": ["confidence"]}]),
    ]  # fmt: skip
    assert {one.status for one in store.writer(store.own_source()).add(items(*ones))} == {"imported"}
    kept = "select object, value, label from confidence order by object"
    before = store.database.read().execute(kept).fetchall()
    kind = "postgres" if is_postgres(store.settings.store) else "sqlite"
    (step,) = [one for one in steps(kind) if one.name == "confidence"]
    with store.database.write() as connection:
        connection.execute("drop table confidence")
        for statement in step.sql.split(";\n"):
            connection.execute(statement)
    assert store.database.read().execute(kept).fetchall() == before
    assert [value for _, value, _ in before] == [80, 10, 20]
    assert list(verify(store)) == []
