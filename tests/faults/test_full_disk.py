"""The disk is full at any write, or does not sync: a clear error and nothing by halves; with room again the same is done."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

import httpx
import pytest

from kizuna.settings import load
from kizuna.store import open_store
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.archive import check as check_archive
from kizuna.store.purging import Purges
from kizuna.store.sqlite.copied import kept_files
from kizuna.store.verify import verify
from tests.builders import CLEAR, campaign
from tests.commands import Done, bundle, kizuna, start
from tests.serving import served
from tests.store.test_upgrades import old

from .conftest import Faulty, corpus, founded
from .disk import Full, How
from .test_sudden_end import TAXII, check

FEW, MANY = 3, 300
"""Writes that fail, each in a run of its own: in every run, and under soak."""
OFTEN = pytest.mark.parametrize("most", [FEW, pytest.param(MANY, marks=pytest.mark.soak)])
MADE = ("--name", "Tokyo", "--org", "CERT Tokyo", "--country", "JPN")
BEFORE, SENT = corpus(11, 40, "before"), corpus(12, 120, "sent")
Words = list[str | Path]


class Case(NamedTuple):
    """A command on a folder that was prepared, and what is looked at: after a failure with room again, and once it was done."""

    words: Callable[[Path], Words]
    whole: Callable[[Path], object]
    done: Callable[[Path], object]
    again: Callable[[Path], Words] | None = None
    input: bytes = b""


def run(full: Full, words: Words, input: bytes) -> Done:
    """A command on that disk."""
    done = subprocess.run(
        [sys.executable, "-m", "kizuna", *map(str, words)], input=input, capture_output=True, check=False, timeout=120,
        env={**os.environ, "KIZUNA_LOG": "off", **full.environment},
    )  # fmt: skip
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def failing(tmp_path: Path, library: Path, case: Case, most: int, disk: str = ".") -> None:
    """Let a command fail at so many of its writes and syncs, in each way; the disk is all there is, or one folder."""
    prepared, chance = tmp_path / "prepared", Random(most)
    prepared.mkdir(exist_ok=True)
    ordinary = tmp_path / "ordinary"
    shutil.copytree(prepared, ordinary)
    full = Full(ordinary / disk, library)
    assert run(full, case.words(ordinary), case.input).code == 0
    case.done(ordinary)
    writes, syncs = full.counted()
    chosen = _chosen(writes, syncs, most, chance)
    failed = 0
    for number, how in chosen:
        root = tmp_path / "disk"
        shutil.copytree(prepared, root)
        full = Full(root / disk, library)
        full.fails(number, how)
        done = run(full, case.words(root), case.input)
        told = f"{how.name} at {number} of {writes} writes, {syncs} syncs: {done}"
        assert "Traceback" not in done.err, told
        assert not re.search("another process|somebody", done.err), told  # nobody is to blame but the disk
        if done.code:
            failed += 1
            assert done.err.count("\n") == 1 or json.loads(done.out.splitlines()[0])["errors"], told
        full.room()
        (case.done if done.code == 0 else case.whole)(root)
        if done.code:
            words = (case.again or case.words)(root)
            again = kizuna(*words, input=case.input)
            assert again.code == 0, (told, again)
            case.done(root)
        shutil.rmtree(root)
    assert failed


def _chosen(writes: int, syncs: int, most: int, chance: Random) -> list[tuple[int, How]]:
    """Early, where no command can do without all that follows; late, where what it makes is put in place; syncs; anywhere."""
    late = range(max(writes * 2 // 3, 1), writes + 1)
    chosen = [(chance.randrange(1, 2 + writes // 8), How.EVER), (chance.choice(late), How.EVER)]
    every = [(number, how) for number in range(1, syncs + 1) for how in (How.SYNC_ONCE, How.SYNC_EVER)]
    chosen += chance.sample(every, min(1 + most // 10, len(every)))
    every = [(number, how) for number in range(1, writes + 1) for how in (How.EVER, How.ONCE, How.SHORT)]
    return chosen + chance.sample(every, min(max(most - len(chosen), 0), len(every)))


def node_in(folder: Path) -> Faulty:
    """A node with something in it."""
    node = founded(folder, None)
    assert kizuna("import", "-", "--data", folder, input=bundle(*BEFORE)).code == 0
    return node


def opens(folder: Path) -> None:
    """A node of its own kind is whole."""
    with closing(open_store(folder)) as store:
        assert list(verify(store)) == []


def had(folder: Path) -> None:
    """What was acknowledged before is there."""
    check(folder, BEFORE)


@OFTEN
def test_a_node_that_is_made(tmp_path: Path, disk_library: Path, most: int) -> None:
    def none(root: Path) -> None:
        assert not (root / "node").exists()

    case = Case(lambda root: ["init", "--data", root / "node", *MADE], none, lambda root: opens(root / "node"))
    failing(tmp_path, disk_library, case, most)


@OFTEN
def test_an_import(tmp_path: Path, disk_library: Path, most: int) -> None:
    node_in(tmp_path / "prepared" / "node")
    case = Case(
        lambda root: ["import", "-", "--data", root / "node", "--json"],
        lambda root: had(root / "node"),
        lambda root: check(root / "node", [*BEFORE, *SENT]),
        input=bundle(*SENT),
    )
    failing(tmp_path, disk_library, case, most)


@OFTEN
def test_a_poll(tmp_path: Path, disk_library: Path, most: int) -> None:
    kyiv = founded(tmp_path / "kyiv", None)
    assert kizuna("import", "-", "--data", kyiv.folder, input=bundle(*SENT)).code == 0
    node = node_in(tmp_path / "prepared" / "node")
    (tmp_path / "token").write_text(kyiv.brussels)
    with closing(open_store(kyiv.folder)) as store, served(store) as url:
        from kizuna.cli.folder import feed_rows

        offered = {row.id for row in feed_rows(store, "Brussels")}
        given = ("--org", "CERT Lviv", "--country", "UKR", "--url", f"{url}/taxii2/", "--receives", "TLP:CLEAR")
        added = kizuna("partner", "add", "Lviv", *given, "--token-file", tmp_path / "token", "--data", node.folder)
        assert added.code == 0, added.err

        def polled(root: Path) -> None:
            assert offered <= check(root / "node", BEFORE)

        case = Case(
            lambda root: ["taxii", "poll", "Lviv", "--data", root / "node"], lambda root: had(root / "node"), polled
        )
        failing(tmp_path, disk_library, case, most)


@OFTEN
@pytest.mark.parametrize("disk", ["out", pytest.param(".", marks=pytest.mark.soak)])
def test_a_backup(tmp_path: Path, disk_library: Path, most: int, disk: str) -> None:
    node = node_in(tmp_path / "prepared" / "node")
    (tmp_path / "prepared" / "out").mkdir()
    file = tmp_path / "prepared" / "out" / "b"
    assert kizuna("backup", "--data", node.folder, "-o", file).code == 0
    before = file.read_bytes()

    def whole(root: Path) -> None:
        check_archive(
            root / "out" / "b"
        )  # the one from before, or the new one: it was there before a sync or the audit failed
        assert [one.name for one in (root / "out").iterdir()] == ["b"]
        had(root / "node")

    def done(root: Path) -> None:
        check_archive(root / "out" / "b")
        assert (root / "out" / "b").read_bytes() != before
        had(root / "node")

    case = Case(lambda root: ["backup", "--data", root / "node", "-o", root / "out" / "b"], whole, done)
    failing(tmp_path, disk_library, case, most, disk)


@OFTEN
def test_a_restore(tmp_path: Path, disk_library: Path, most: int) -> None:
    node = node_in(tmp_path / "node")
    assert kizuna("backup", "--data", node.folder, "-o", tmp_path / "backup").code == 0

    def none_or_all(root: Path) -> None:
        if (root / "node" / "node.json").exists():  # nothing but the last sync failed
            had(root / "node")

    def again(root: Path) -> Words:
        there = (root / "node" / "node.json").exists()
        return ["restore", tmp_path / "backup", "--data", root / "node", *(["--force"] if there else [])]

    case = Case(
        lambda root: ["restore", tmp_path / "backup", "--data", root / "node"],
        none_or_all,
        lambda root: had(root / "node"),
        again,
    )
    failing(tmp_path, disk_library, case, most)


@OFTEN
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.soak)])
def test_a_migration(tmp_path: Path, disk_library: Path, most: int, kind: str, request: pytest.FixtureRequest) -> None:
    node_in(tmp_path / "prepared" / "node")
    make = request.getfixturevalue("make_database") if kind == "postgres" else lambda: "sqlite:///new.sqlite"
    to = [""]

    def migrate(root: Path) -> Words:
        to[0] = make()
        return ["migrate", "--to", to[0], "--data", root / "node"]

    def moved(root: Path) -> None:
        assert load(root / "node").store == to[0]
        had(root / "node")

    def again(root: Path) -> Words:
        # Where only what comes after it failed, it has moved.
        has_moved = load(root / "node").store == to[0]
        return ["stats", "--data", root / "node"] if has_moved else ["migrate", "--to", to[0], "--data", root / "node"]

    failing(tmp_path, disk_library, Case(migrate, lambda root: had(root / "node"), moved, again), most)


@OFTEN
def test_a_purge(tmp_path: Path, disk_library: Path, most: int) -> None:
    node = node_in(tmp_path / "prepared" / "node")
    gone = campaign("gone", description="zzcanaryzz", object_marking_refs=[CLEAR])
    assert kizuna("import", "-", "--data", node.folder, input=bundle(gone)).code == 0
    with closing(open_store(node.folder)) as store:
        accounts = Accounts(store)
        for name in ("first", "second"):
            accounts.add_user(name, ROLES, by="test")
        token, _ = accounts.create_token(by="test", user="second", scopes=("operate",))
        number = Purges(store).propose(gone["id"], "why", by="first").number
    (tmp_path / "token").write_text(token)

    def state(root: Path) -> str:
        with closing(open_store(root / "node")) as store:
            return Purges(store).listed()[0].state

    def whole(root: Path) -> None:
        assert (gone["id"] in check(root / "node", BEFORE)) == (state(root) == "proposed")

    def done(root: Path) -> None:
        whole(root)
        assert state(root) == "done"
        assert kizuna("purge", "scrub", "--if-due", "--data", root / "node").code == 0
        assert [
            one.name for one in (root / "node").iterdir() if one.is_file() and b"zzcanaryzz" in one.read_bytes()
        ] == []

    def confirm(root: Path) -> Words:
        return ["purge", "confirm", str(number), "--token-file", tmp_path / "token", "--data", root / "node"]

    def again(root: Path) -> Words:
        return confirm(root) if state(root) == "proposed" else ["purge", "scrub", "--data", root / "node"]

    failing(tmp_path, disk_library, Case(confirm, whole, done, again), most)


@OFTEN
def test_an_upgrade(tmp_path: Path, disk_library: Path, most: int) -> None:
    (tmp_path / "prepared").mkdir()
    old(tmp_path / "prepared" / "node", 6)

    def done(root: Path) -> None:
        opens(root / "node")
        kept = [one.name for one in kept_files(root / "node" / "node.sqlite")]
        assert kept[0] == "node.sqlite.schema-0006"  # and another, where some steps were taken before it failed
        assert len(kept) < 3

    # Looking would upgrade it: what is whole shows by what is done then.
    case = Case(lambda root: ["stats", "--data", root / "node"], lambda root: None, done)
    failing(tmp_path, disk_library, case, most)


@OFTEN
@pytest.mark.parametrize("disk", ["out", pytest.param(".", marks=pytest.mark.soak)])
def test_a_file_that_is_written(tmp_path: Path, disk_library: Path, most: int, disk: str) -> None:
    node_in(tmp_path / "prepared" / "node")
    (tmp_path / "prepared" / "out").mkdir()
    (tmp_path / "prepared" / "out" / "e").write_text("before")

    def whole(root: Path) -> None:
        if (root / "out" / "e").read_text() != "before":  # nothing but the last sync failed
            done(root)
        assert [one.name for one in (root / "out").iterdir()] == ["e"]
        had(root / "node")

    def done(root: Path) -> None:
        assert len(json.loads((root / "out" / "e").read_text())["objects"]) == len(BEFORE)

    case = Case(lambda root: ["export", "--data", root / "node", "-o", root / "out" / "e"], whole, done)
    failing(tmp_path, disk_library, case, most, disk)


@contextmanager
def up(folder: Path, full: Full) -> Iterator[str]:
    """Serve a node on that disk; where."""
    process = start("up", "--data", folder, "--port", "0", "--poll-seconds", "0", "--json", **full.environment)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
        assert process.poll() is None
    finally:
        process.terminate()
        _, said = process.communicate()
    assert process.returncode == 0, said


@pytest.mark.parametrize("rounds", [12, pytest.param(300, marks=pytest.mark.soak)])
def test_a_served_node(tmp_path: Path, disk_library: Path, rounds: int) -> None:
    """It says that it has no room, is read meanwhile, and takes the same in once there is."""
    root, chance = tmp_path / "disk", Random(rounds)
    node = node_in(root / "node")
    full = Full(root, disk_library)
    acknowledged, refused = list(BEFORE), []
    accept = {"Authorization": f"Bearer {node.owner}", "Accept": TAXII}
    mine = {"Authorization": f"Bearer {node.owner}"}
    with up(node.folder, full) as url, httpx.Client(timeout=60) as client:
        address = f"{url}/taxii2/real/collections/everything/objects/"
        for number in range(rounds):
            objects = corpus(number, 20, f"f{number}x")
            content = json.dumps({"objects": objects})
            how = list(How)[number % len(How)]
            full.fails(chance.randrange(1, 4 if how >= How.SYNC_ONCE else 40), how)
            answers = [client.post(address, content=content, headers={**accept, "Content-Type": TAXII})]
            answers.append(client.post(f"{url}/api/v1/import", content=bundle(*objects), headers=mine))
            for answer in answers:
                assert answer.status_code in (200, 202, 500, 507), answer.text  # nobody else is to blame
                if answer.status_code >= 500:
                    refused.append(answer.status_code)
                    assert answer.json(), answer.text
            assert client.get(f"{url}/api/v1/search?q=beacon", headers=mine).status_code == 200
            assert client.get(address, params={"limit": 3}, headers=accept).status_code == 200
            full.room()
            again = client.post(address, content=content, headers={**accept, "Content-Type": TAXII})
            assert (again.status_code, again.json()["failure_count"]) == (202, 0), again.text
            acknowledged += objects
    assert 507 in refused
    check(node.folder, acknowledged)


def test_a_node_is_served_on_a_disk_that_is_full_already(tmp_path: Path, disk_library: Path) -> None:
    """Where the store can be opened at all, it can be read: without a link to log in by, which would have to be written."""
    root = tmp_path / "disk"
    node = node_in(root / "node")
    full, unlinked = Full(root, disk_library), 0
    for number in (3, *range(9, 60, 5)):
        full.fails(number, How.EVER)
        process = start("up", "--data", node.folder, "--port", "0", "--poll-seconds", "0", "--json", **full.environment)
        assert process.stdout is not None
        line = process.stdout.readline()
        if line:
            said = json.loads(line)
            unlinked += "login_url" not in said
            address = f"{said['url']}/taxii2/real/collections/everything/objects/"
            headers = {**bearer(node.owner), "Accept": TAXII}
            assert httpx.get(address, headers=headers, timeout=60).status_code == 200
            headers["Content-Type"] = TAXII
            sent = httpx.post(address, content=json.dumps({"objects": SENT}), headers=headers, timeout=60)
            assert sent.status_code == 507, sent.text
        process.terminate()
        _, err = process.communicate()
        assert "Traceback" not in err, err
        assert process.returncode == (0 if line else 1), err
        assert line or err.count("\n") == 1, err
        if line and unlinked:
            break
    assert unlinked
    had(node.folder)


@pytest.mark.parametrize("rounds", [8, pytest.param(200, marks=pytest.mark.soak)])
def test_a_purge_that_fails_over_the_api_was_not_done(tmp_path: Path, disk_library: Path, rounds: int) -> None:
    root, chance = tmp_path / "disk", Random(rounds)
    node = node_in(root / "node")
    ids = [campaign(f"gone{number}")["id"] for number in range(rounds)]
    with closing(open_store(node.folder)) as store:
        accounts, tokens = Accounts(store), []
        for name in ("first", "second"):
            accounts.add_user(name, ROLES, by="test")
            tokens.append(accounts.create_token(by="test", user=name, scopes=("read", "operate"))[0])
    full, answered = Full(root, disk_library), set()
    with up(node.folder, full) as url, httpx.Client(timeout=60) as client:
        for id in ids:
            proposed = client.post(f"{url}/api/v1/purges", json={"id": id, "reason": "why"}, headers=bearer(tokens[0]))
            number = proposed.json()["number"]
            how = chance.choice([How.EVER, How.ONCE, How.SHORT, How.SYNC_ONCE])
            full.fails(chance.randrange(1, 4 if how == How.SYNC_ONCE else 20), how)
            confirmed = client.post(f"{url}/api/v1/purges/{number}/confirm", headers=bearer(tokens[1]))
            full.room()
            listed = client.get(f"{url}/api/v1/purges", headers=bearer(tokens[0])).json()
            (state,) = [one["state"] for one in listed["items"] if one["number"] == number]
            assert (confirmed.status_code, state) in ((200, "done"), (500, "proposed"), (507, "proposed")), (
                confirmed.text
            )
            answered.add(state)
    assert answered == {"done", "proposed"}
    had(node.folder)


def bearer(token: str) -> dict[str, str]:
    """Who asks."""
    return {"Authorization": f"Bearer {token}"}
