"""A move that is cut off leaves the node where it was, and can be begun anew; where it came to its end the node lives there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from kizuna.errors import Conflict, InvalidInput
from kizuna.settings import Settings, save
from kizuna.store import Store, open_store
from kizuna.store.database import open_database
from kizuna.store.moving import MOVING, MOVING_FILE, begin_anew, mark_moved
from kizuna.store.rows import get_meta
from kizuna.store.transfer import copy_store
from kizuna.store.verify import verify
from tests.builders import CLEAR, campaign, items


def copied(store: Store, settings: Settings, folder: Path) -> None:
    """All of a move but its end."""
    mark = begin_anew(folder, settings)
    with closing(open_database(folder, settings)) as target:
        copy_store(store, target, mark)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, store: Store, make_database: Callable[[], str]) -> Settings:
    """The node's settings with another store."""
    list(store.writer(store.own_source()).add(items(campaign("one", object_marking_refs=[CLEAR]))))
    save(store.folder, store.settings)
    url = make_database() if request.param == "postgresql" else "sqlite:///there.sqlite"
    return msgspec.structs.replace(store.settings, store=url)


def test_cut_off_before_the_settings_say_so(store: Store, settings: Settings) -> None:
    copied(store, settings, store.folder)
    with pytest.raises(InvalidInput, match="move again"):
        Store(store.folder, settings)
    copied(store, settings, store.folder)
    save(store.folder, settings)
    with closing(open_store(store.folder)) as there:
        assert (there.custodian().stats().objects, list(verify(there))) == (1, [])


def test_cut_off_when_the_settings_say_so(store: Store, settings: Settings) -> None:
    copied(store, settings, store.folder)
    save(store.folder, settings)
    with closing(Store(store.folder, settings, read_only=True)) as there:
        assert there.custodian().stats().objects == 1
    with closing(open_store(store.folder)) as there:
        assert get_meta(there.database.read(), MOVING) is None
    assert not (store.folder / MOVING_FILE).exists()
    with pytest.raises(Conflict):  # the node lives there: nothing begins anew
        copied(store, settings, store.folder)


def test_of_another_folder_nothing_is_taken_away(store: Store, settings: Settings, tmp_path: Path) -> None:
    copied(store, settings, store.folder)
    other = tmp_path / "other"
    shutil.copytree(store.folder, other)
    (other / MOVING_FILE).write_text("0" * 32)
    if settings.store == "sqlite:///there.sqlite":
        assert (other / "there.sqlite").exists()
    with pytest.raises(Conflict):
        copied(store, settings, other)


def test_a_node_that_moved_says_where_it_is(store: Store, settings: Settings) -> None:
    copied(store, settings, store.folder)
    mark_moved(store, "there", by="test")
    with pytest.raises(InvalidInput, match="went on in there"):
        Store(store.folder, store.settings)
