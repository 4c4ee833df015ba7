"""A backup is of one moment, whole or not there; what is restored from it answers every reader alike."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kizuna.errors import Conflict, InvalidInput, NodeBusy
from kizuna.settings import Settings, load, save
from kizuna.store import Store, backup, open_store
from kizuna.store.archive import FOLDER, Archive, Manifest, check
from kizuna.store.backup import back_up
from kizuna.store.database import open_database
from kizuna.store.keys import make_key
from kizuna.store.restore import restore
from kizuna.store.rows import get_meta, set_meta
from kizuna.store.verify import verify
from tests.builders import CLEAR, campaign, items, report
from tests.store.filled import fill, readers
from tests.stores import POSTGRES, SQLITE

Target = Callable[[], str | None]


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest) -> Target:
    """Where a backup is restored: each kind of store, whatever kind it was made of."""
    if request.param == "sqlite":
        return lambda: None
    make: Target = request.getfixturevalue("make_database")
    return make


def reopened(folder: Path, store: Store) -> Store:
    """What was restored, under the same clock."""
    return Store(folder, load(folder), store.clock)


def test_what_is_restored_answers_every_reader_alike(store: Store, target: Target, tmp_path: Path) -> None:
    fill(store)
    (store.folder / "brussels.token").write_bytes(b"kzn_x")
    before = readers(store)
    made = back_up(store, tmp_path / "b", by="test")
    assert made.manifest.tables["object"] == 9
    done = restore(tmp_path / "b", tmp_path / "there", url=target(), by="test")
    assert (done.tables["object"], done.opened.epoch, done.put_aside) == (9, 2, None)
    with closing(reopened(tmp_path / "there", store)) as there:
        assert readers(there) == before
        assert list(verify(there)) == []
        assert (there.folder / "brussels.token").read_bytes() == b"kzn_x"
        more = campaign("more", object_marking_refs=[CLEAR])
        for one in (store, there):
            assert [o.status for o in one.writer(one.own_source()).add(items(more))] == ["imported"]
        assert [one.id for one in there.custodian().search("more").items] == [more["id"]]
    names = {path.name for path in (tmp_path / "there").iterdir()}
    assert names <= {"node.json", "node.key", "brussels.token", "node.sqlite"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "there").iterdir()} == {0o600}


def test_a_restored_node_is_backed_up_and_restored_again(store: Store, target: Target, tmp_path: Path) -> None:
    fill(store)
    back_up(store, tmp_path / "b", by="test")
    restore(tmp_path / "b", tmp_path / "one", url=target(), by="test")
    with closing(reopened(tmp_path / "one", store)) as one:
        back_up(one, tmp_path / "c", by="test")
        before = readers(one)
    done = restore(tmp_path / "c", tmp_path / "two", url=None, by="test")
    assert done.opened.epoch == 3
    with closing(reopened(tmp_path / "two", store)) as two:
        assert readers(two) == before
        assert list(verify(two)) == []


def test_it_is_for_its_owner_only_and_said_to_be_there(store: Store, tmp_path: Path) -> None:
    made = back_up(store, tmp_path / "b", by="cli:x")
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o600
    assert (tmp_path / "b").stat().st_size == made.size
    entry = store.audit_trail(1)[0]
    assert (entry["actor"], entry["act"], entry["subject"]) == ("cli:x", "backup", str(tmp_path / "b"))
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["b"]


def test_it_is_of_one_moment_whatever_is_written_meanwhile(store: Store, tmp_path: Path) -> None:
    """Each transaction brings a report and what it is of, so that a mixture of moments is noticed."""
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            some = [
                campaign(f"c{number}-{n}", object_marking_refs=[CLEAR], description="観測 " * 200) for n in range(4)
            ]
            whole = [*some, report(f"r{number}", some, object_marking_refs=[CLEAR])]
            assert {o.status for o in store.writer(store.own_source()).add(items(*whole))} == {"imported"}
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    counts = []
    try:
        for number in range(4):
            made = back_up(store, tmp_path / f"b{number}", by="test")
            counts.append(made.manifest.tables["object"])
    finally:
        ended.set()
        thread.join()
    assert [count % 5 for count in counts] == [0] * 4
    assert counts == sorted(set(counts))
    restore(tmp_path / "b3", tmp_path / "there", url=None, by="test")
    with closing(reopened(tmp_path / "there", store)) as there:
        assert there.custodian().stats().versions == counts[-1]
        assert list(verify(there)) == []


def test_files_of_the_folder(store: Store, tmp_path: Path) -> None:
    (store.folder / "tls").mkdir()
    (store.folder / "tls" / "node.pem").write_bytes(b"pem")
    (store.folder / ".hidden").write_bytes(b"x")
    (store.folder / "large.bin").write_bytes(bytes((1 << 20) + 1))
    (store.folder / "link").symlink_to("/etc/hostname")
    back_up(store, store.folder / "yesterday", by="test")
    made = back_up(store, tmp_path / "b", by="test")
    assert made.left_out == ("large.bin", "link")
    held = {name.removeprefix(FOLDER) for name in check(tmp_path / "b").members if name.startswith(FOLDER)}
    assert held - {"yesterday"} == {"node.json", "node.key", "tls/node.pem"}


def test_nothing_but_a_backup_is_written_over(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"my notes")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Conflict, match="no backup"):
        back_up(store, tmp_path / "mine", by="test")
    for name, told in (("link", "is a link"), ("", "is a folder")):
        with pytest.raises(InvalidInput, match=told):
            back_up(store, tmp_path / name, by="test")
    with pytest.raises(InvalidInput, match="No such file"):
        back_up(store, tmp_path / "none" / "b", by="test")
    assert (tmp_path / "mine").read_bytes() == b"my notes"
    assert not (tmp_path / "elsewhere").exists()
    first = back_up(store, tmp_path / "b", by="test")
    assert back_up(store, tmp_path / "b", by="test").manifest.made >= first.manifest.made


def test_two_to_one_file_do_not_mix_and_what_was_left_is_taken_away(store: Store, tmp_path: Path) -> None:
    left = tmp_path / f".old{backup.PART}"
    left.write_bytes(b"half")
    (tmp_path / f".old{backup.COPY}").write_bytes(b"half")
    with backup._alone(tmp_path / f".b{backup.PART}"):
        assert not left.exists()
        with pytest.raises(NodeBusy):
            back_up(store, tmp_path / "b", by="test")
    assert not (tmp_path / "b").exists()
    back_up(store, tmp_path / "b", by="test")
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"b"}


def test_what_is_read_back_otherwise_is_no_backup(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def flip(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(backup.PART):
            os.pwrite(descriptor, b"\xff", 2_000)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", flip)
    with pytest.raises(InvalidInput):
        back_up(store, tmp_path / "b", by="test")
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []
    assert store.audit_trail(1) == []


# Restoring


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Path:
    """A backup of a store with something of everything."""
    fill(store)
    back_up(store, tmp_path / "kept", by="test")
    return tmp_path / "kept"


@pytest.mark.parametrize("shared", [False, True])
def test_what_was_kept_while_the_node_moved_is_a_node(
    store: Store, make_database: Callable[[], str], tmp_path: Path, shared: bool
) -> None:
    fill(store)
    with store.database.write() as connection:
        set_meta(connection, "moved", "elsewhere")
        set_meta(connection, "moving", "0" * 32)
    back_up(store, tmp_path / "kept", by="test")
    folder = tmp_path / "there"
    restore(tmp_path / "kept", folder, url=make_database() if shared else None, by="test")
    with closing(open_store(folder)) as there:
        assert list(verify(there)) == []


@SQLITE
def test_what_is_there_is_left_alone(kept: Path, store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "letter").write_bytes(b"x")
    with pytest.raises(Conflict, match="not empty"):
        restore(kept, folder, url=None, by="test")
    with pytest.raises(Conflict, match="a node here already"):
        restore(kept, store.folder, url=None, by="test")
    assert [path.name for path in folder.iterdir()] == ["letter"]


@SQLITE
def test_by_force_it_is_put_aside(kept: Path, store: Store) -> None:
    before = readers(store)
    store.close()
    done = restore(kept, store.folder, url=None, by="test", replace=True)
    assert done.put_aside is not None
    old = Store(store.folder / done.put_aside, store.settings, store.clock)
    new = reopened(store.folder, store)
    assert readers(old) == readers(new) == before
    assert (old.epoch().number, new.epoch().number) == (1, 2)
    old.close()
    new.close()


@POSTGRES
def test_a_database_with_a_node_in_it_is_left_alone(kept: Path, store: Store, tmp_path: Path) -> None:
    before = readers(store)
    with pytest.raises(Conflict, match="a node in it already"):
        restore(kept, tmp_path / "there", url=store.settings.store, by="test")
    assert readers(store) == before
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("step", ["_load_table", "copy_store", "_open_epoch", "save", "_put_in_place"])
def test_what_fails_leaves_no_half_node_and_begins_anew(
    kept: Path, store: Store, target: Target, tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder = target(), tmp_path / "there"

    def fails(*_: Any, **__: Any) -> None:
        raise OSError("power")

    with monkeypatch.context() as patched:
        patched.setattr(f"kizuna.store.restore.{step}", fails)
        with suppress_unused(step, store, url), pytest.raises(OSError, match="power"):
            restore(kept, folder, url=url, by="test")
    if not (folder / "node.json").exists():
        assert not folder.exists()
        restore(kept, folder, url=url, by="test")
    with closing(reopened(folder, store)) as there:
        assert list(verify(there)) == []


class suppress_unused:
    """Steps that this pair of stores does not take are not missed."""

    def __init__(self, step: str, store: Store, url: str | None) -> None:
        rows = store.settings.store is not None
        unused = {"_load_table": not rows, "copy_store": rows or url is None}
        self._unused = unused.get(step, False)

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: object, trace: object) -> bool:
        return self._unused


@SQLITE
@pytest.mark.parametrize("step", range(1, 9))
@pytest.mark.parametrize("elsewhere", [False, True])
def test_power_lost_between_two_renames(
    kept: Path, store: Store, tmp_path: Path, step: int, elsewhere: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over an old node, wherever it ends: its files are all there, and the same command makes the new one."""
    folder, url = tmp_path / "there", f"sqlite:///{tmp_path}/elsewhere.sqlite" if elsewhere else None
    old = {"node.json": b"{}", "node.key": b"old", "node.sqlite": b"old", "brussels.token": b"old"}
    folder.mkdir()
    for name, data in old.items():
        (folder / name).write_bytes(data)
    renamed, real = count(1), os.rename

    def rename(source: Path, target: Path) -> None:
        if next(renamed) >= step:
            raise SystemExit("power")  # whatever is done at an error after this, is done by what is left alone
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", rename)
        patched.setattr("shutil.rmtree", lambda *_, **__: None)
        patched.setattr("kizuna.store.restore._remove", lambda _: None)
        with suppress(SystemExit):
            restore(kept, folder, url=url, by="test", replace=True)
    if not (folder / "node.json").exists() or (folder / "node.json").read_bytes() == b"{}":
        restore(kept, folder, url=url, by="test", replace=(folder / "node.json").exists())
    with closing(reopened(folder, store)) as there:
        assert list(verify(there)) == []
    left = {
        path.name: path.read_bytes() for path in folder.glob("replaced-*/*") if path.read_bytes() in (b"{}", b"old")
    }
    assert left == old


@POSTGRES
def test_a_database_into_which_a_restore_was_cut_off_is_not_opened(
    kept: Path, store: Store, make_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    url = make_database()
    with monkeypatch.context() as patched:
        patched.setattr("kizuna.store.restore._open_epoch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            restore(kept, tmp_path / "there", url=url, by="test")
    with pytest.raises(InvalidInput, match="cut off"):
        Store(store.folder, msgspec.structs.replace(store.settings, store=url))
    restore(kept, tmp_path / "there", url=url, by="test")


@POSTGRES
def test_a_restore_that_was_cut_off_when_all_was_in_place_is_whole(
    kept: Path, store: Store, make_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    folder, url = tmp_path / "there", make_database()
    with monkeypatch.context() as patched:
        patched.setattr("kizuna.store.store.let_in", interrupted)
        with pytest.raises(KeyboardInterrupt):
            restore(kept, folder, url=url, by="test")
    with pytest.raises(InvalidInput, match="cut off"):  # from another folder, which knew the store before
        Store(store.folder, msgspec.structs.replace(store.settings, store=url))
    (store.folder / ".restored").write_text("0" * 32)
    with pytest.raises(InvalidInput, match="cut off"):
        Store(store.folder, msgspec.structs.replace(store.settings, store=url))
    reopened(folder, store).close()
    assert not (folder / ".restored").exists()
    with closing(reopened(folder, store)) as there:
        assert list(verify(there)) == []
        assert get_meta(there.database.read(), "restoring") is None


@pytest.mark.parametrize("schema", [7, 8])
def test_rows_of_an_older_release_are_brought_up(
    make_database: Callable[[], str], target: Target, tmp_path: Path, schema: int
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    settings = Settings(name="Old", organisation="Old (fictional)", country="LVA", identity=f"identity--{'0' * 36}",
                        store=make_database())  # fmt: skip
    save(folder, settings)
    make_key(folder)
    with closing(open_database(folder, settings, until=schema)) as database, database.write() as connection:
        connection.execute("insert into meta values ('node', ?)", (settings.identity,))
        connection.execute(
            "insert into partner(name, data) values ('Kyiv', ?)",
            ('{"name":"Kyiv","organisation":"K","country":"UKR"}',),
        )
        connection.execute("insert into label(canonical) values ('x')")
    with closing(open_database(folder, settings, read_only=True)) as database, (tmp_path / "b").open("wb") as out:
        archive = Archive(out.write)
        begun = Manifest(format=1, kizuna="0", made="x", kind="sqlite", schema=0, epoch=0, node=settings.identity,
                                name="", organisation="", tables={})  # fmt: skip
        whole = database.put_into(archive, begun, tmp_path / "scratch")
        for name in ("node.json", "node.key"):
            archive.add(FOLDER + name, (folder / name).read_bytes())
        assert archive.finish(whole).schema == schema
    done = restore(tmp_path / "b", tmp_path / "there", url=target(), by="test")
    assert done.opened.stopped == ("Kyiv",)
    with closing(Store(tmp_path / "there", load(tmp_path / "there"))) as there:
        assert [partner.name for partner in there.partners()] == ["Kyiv"]
