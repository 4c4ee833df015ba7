"""A move that is cut off leaves the node in one store: where it did not come to its end it can be begun anew, else the node lives there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from kizuna.errors import Conflict, InvalidInput, NodeBusy, Unavailable
from kizuna.settings import Settings, save
from kizuna.store import Store, open_store
from kizuna.store.database import open_database
from kizuna.store.moving import MOVING, MOVING_FILE, begin, clear
from kizuna.store.rows import get_meta
from kizuna.store.transfer import copy_store, must_be_empty
from kizuna.store.verify import verify
from tests.builders import CLEAR, campaign, items
from tests.commands import bundle, kizuna


def copied(store: Store, settings: Settings) -> None:
    """All that `kizuna migrate` does before node.json says where the node lives."""
    clear(store.folder, settings)
    with closing(open_database(store.folder, settings)) as target:
        must_be_empty(target.read(), target)
        copy_store(store, target, begin(store.folder, store.settings.store, str(settings.store), "test"))


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, store: Store, make_database: Callable[[], str]) -> Settings:
    """The node's settings with another store."""
    list(store.writer(store.own_source()).add(items(campaign("one", object_marking_refs=[CLEAR]))))
    save(store.folder, store.settings)
    url = make_database() if request.param == "postgresql" else "sqlite:///there.sqlite"
    return msgspec.structs.replace(store.settings, store=url)


def test_cut_off_before_the_settings_say_so(store: Store, settings: Settings) -> None:
    copied(store, settings)
    with pytest.raises(InvalidInput, match="move again"):
        Store(store.folder, settings)
    copied(store, settings)
    save(store.folder, settings)
    with closing(open_store(store.folder)) as there:
        assert (there.custodian().stats().objects, list(verify(there))) == (1, [])


def test_a_command_that_names_the_store_for_once_ends_no_move(store: Store, settings: Settings) -> None:
    copied(store, settings)
    told = kizuna("stats", "--store", str(settings.store), "--data", store.folder)
    assert (told.code, "move again" in told.err) == (1, True)
    told = kizuna("import", "-", "--store", str(settings.store), "--data", store.folder, input=bundle(campaign("two")))
    assert (told.code, "move again" in told.err) == (1, True)
    copied(store, settings)


def test_cut_off_when_the_settings_say_so(store: Store, settings: Settings) -> None:
    copied(store, settings)
    save(store.folder, settings)
    with closing(Store(store.folder, settings, read_only=True)) as there:
        assert there.custodian().stats().objects == 1
    told = kizuna("migrate", "--to", str(settings.store), "--data", store.folder)
    assert (told.code, "lives there already" in told.err) == (1, True)
    with closing(open_store(store.folder)) as there:
        assert get_meta(there.database.read(), MOVING) is None
        assert there.custodian().stats().objects == 1
    assert not (store.folder / MOVING_FILE).exists()
    with pytest.raises(InvalidInput, match="went on in"):
        Store(store.folder, store.settings)


def test_a_lost_note_of_the_move_keeps_nobody_out(store: Store, settings: Settings) -> None:
    copied(store, settings)
    save(store.folder, settings)
    (store.folder / MOVING_FILE).unlink()
    with closing(open_store(store.folder)) as there:
        assert there.custodian().stats().objects == 1


def test_a_store_before_that_is_gone_keeps_nobody_out(store: Store, settings: Settings) -> None:
    copied(store, settings)
    (store.folder / MOVING_FILE).write_bytes(
        (store.folder / MOVING_FILE).read_bytes().replace(b'"before":', b'"before":"sqlite:////gone/x.sqlite","was":')
    )
    save(store.folder, settings)
    with closing(open_store(store.folder)) as there:
        assert there.custodian().stats().objects == 1


def test_a_store_before_that_takes_no_mark_keeps_nobody_out(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def frozen(*_: object, **__: object) -> None:
        raise OSError("attempt to write a readonly database")

    copied(store, settings)
    save(store.folder, settings)
    monkeypatch.setattr("kizuna.store.moving.mark_moved", frozen)
    with closing(open_store(store.folder)) as there:
        assert there.custodian().stats().objects == 1
    assert not (store.folder / MOVING_FILE).exists()


def test_a_store_before_that_somebody_writes_to_is_marked_later(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise NodeBusy("another process keeps writing")

    copied(store, settings)
    save(store.folder, settings)
    with monkeypatch.context() as patched:
        patched.setattr("kizuna.store.moving.mark_moved", busy)
        open_store(store.folder).close()
    Store(store.folder, store.settings).close()
    open_store(store.folder).close()
    with pytest.raises(InvalidInput, match="went on in"):
        Store(store.folder, store.settings)


def test_whoever_had_it_open_writes_into_it_no_more(store: Store, settings: Settings) -> None:
    save(store.folder, store.settings)
    with closing(Store(store.folder, store.settings)) as other:
        assert kizuna("migrate", "--to", str(settings.store), "--data", store.folder).code == 0
        with pytest.raises(Unavailable, match="in another store") as told:
            list(other.writer(other.own_source()).add(items(campaign("late"))))
        assert str(settings.store) not in str(told.value)
        with pytest.raises(InvalidInput, match="went on in"):
            copied(other, msgspec.structs.replace(settings, store="sqlite:///third.sqlite"))


def test_the_environment_moves_no_node(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    save(store.folder, store.settings)
    (store.folder / "other.sqlite").write_bytes(b"x")
    monkeypatch.setenv("KIZUNA_STORE", "sqlite:///other.sqlite")
    told = kizuna("migrate", "--to", str(settings.store), "--data", store.folder)
    assert (told.code, "KIZUNA_STORE" in told.err) == (1, True)
    monkeypatch.delenv("KIZUNA_STORE")
    assert kizuna("migrate", "--to", str(settings.store), "--data", store.folder).code == 0


@pytest.mark.parametrize("of", ["another node", "another move"])
def test_what_is_not_of_the_move_stays(store: Store, settings: Settings, of: str) -> None:
    copied(store, settings)
    begin(store.folder, None, str(settings.store), "test")  # the next one, cut off before it copied
    with closing(open_database(store.folder, settings)) as target, target.write() as connection:
        if of == "another node":
            connection.execute("delete from meta where key=?", (MOVING,))
    with pytest.raises(Conflict):
        copied(store, settings)
    with closing(open_database(store.folder, settings)) as target:
        assert target.read().execute("select count(*) from object").fetchone() == (1,)


def test_a_target_that_cannot_be_leaves_the_note_of_the_move_before(store: Store, settings: Settings) -> None:
    copied(store, settings)
    with pytest.raises(InvalidInput):
        copied(store, msgspec.structs.replace(settings, store="sqlite:////nowhere/at/all.sqlite"))
    copied(store, settings)


def test_the_file_behind_a_link_is_taken_away(store: Store, tmp_path: Path) -> None:
    list(store.writer(store.own_source()).add(items(campaign("one", object_marking_refs=[CLEAR]))))
    save(store.folder, store.settings)
    large = tmp_path / "large disk"
    large.mkdir()
    (store.folder / "there.sqlite").symlink_to(large / "there.sqlite")
    settings = msgspec.structs.replace(store.settings, store="sqlite:///there.sqlite")
    copied(store, settings)
    clear(store.folder, settings)
    assert list(large.iterdir()) == []
    copied(store, settings)
    assert (store.folder / "there.sqlite").is_symlink()
    assert (large / "there.sqlite").exists()


def test_of_another_folder_nothing_is_taken_away(store: Store, settings: Settings, tmp_path: Path) -> None:
    """A copy of the folder from before, with the same key and a note of another move."""
    copied(store, settings)
    other = tmp_path / "other"
    shutil.copytree(store.folder, other)
    begin(other, None, str(settings.store), "test")
    clear(other, settings)
    with closing(open_database(other, settings)) as target:
        assert target.read().execute("select count(*) from object").fetchone() == (1,)
