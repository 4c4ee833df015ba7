"""The power fails at any moment: what was acknowledged is there, whatever the disk had not written yet, and nothing by halves.

A command is watched once (`disk.py`). Then the disk is made up as it may be found after a failure at many moments of that (`power.py`),
and the node on it is opened and looked through.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from kizuna.settings import load
from kizuna.store import open_store
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.archive import check as check_archive
from kizuna.store.backup import COPY, PART
from kizuna.store.jobs import Jobs
from kizuna.store.migrations import steps
from kizuna.store.purging import Purges
from kizuna.store.sqlite.copied import checked_file, kept_files
from kizuna.store.verify import verify
from tests.builders import CLEAR, campaign
from tests.commands import bundle, kizuna, start
from tests.serving import served
from tests.store.test_upgrades import old, schema_of

from .conftest import Faulty, corpus, founded
from .scene import FEW, MANY, Scene, somebody_reads
from .test_sudden_end import TAXII, check

Objects = list[dict[str, Any]]
OFTEN = pytest.mark.parametrize("moments", [FEW, pytest.param(MANY, marks=pytest.mark.soak)])
NEWEST = steps("sqlite")[-1].number


@pytest.fixture
def scene(tmp_path: Path, disk_library: Path) -> Callable[[], Scene]:
    """Watch what is in the folder of this test from now on."""
    (tmp_path / "disk").mkdir()
    return lambda: Scene(tmp_path / "disk", disk_library)


def node_in(tmp_path: Path, objects: Objects | None = None, store: str | None = None) -> Faulty:
    """A node on the disk of this test, with objects in it."""
    node = founded(tmp_path / "disk" / "node", store)
    if objects:
        assert kizuna("import", "-", "--data", node.folder, input=bundle(*objects)).code == 0
    return node


def test_a_node_that_is_made(tmp_path: Path, scene: Callable[[], Scene]) -> None:
    watch = scene()
    made = ("--name", "Tokyo", "--org", "CERT Tokyo", "--country", "JPN")
    watch.run("init", "--data", watch.root / "node", *made, "--json")
    watch.watched.mark("made")
    cut_off = 0
    for failure in watch.failures(12):
        folder = failure.root / "node"
        if not failure.promised and not (folder / "node.json").exists():
            cut_off += (folder / "node.sqlite").exists()
            again = kizuna("init", "--data", folder, *made)
            assert again.code == 0, (failure.told, again.err)
        done = kizuna("doctor", "--data", folder, "--json")
        assert {line["check"]: line["state"] for line in done.lines()}["store"] == "ok", failure.told
        with closing(open_store(folder)) as store:
            assert list(verify(store)) == [], failure.told
    assert cut_off


@OFTEN
def test_an_import(tmp_path: Path, scene: Callable[[], Scene], moments: int) -> None:
    node = node_in(tmp_path, corpus(1, 60, "before"))
    sent = [corpus(seed, 150, f"p{seed}") for seed in range(3)]
    with somebody_reads(node.folder / "node.sqlite"):
        watch = scene()
        for number, objects in enumerate(sent):
            watch.run("import", "-", "--data", node.folder, "--json", input=bundle(*objects))
            watch.watched.mark(number)
    for failure in watch.failures(moments):
        check(failure.root / "node", [*corpus(1, 60, "before"), *(one for n in failure.promised for one in sent[n])])


@OFTEN
def test_a_served_node(tmp_path: Path, scene: Callable[[], Scene], moments: int) -> None:
    """Partners and one's own people send; over the API a label is changed, objects are stored, and a job is asked for."""
    node = node_in(tmp_path)
    watch = scene()
    process = start(
        "up", "--data", node.folder, "--port", "0", "--poll-seconds", "0", "--json", **watch.watched.environment
    )
    assert process.stdout is not None
    sent: list[Objects] = []
    posted, put = corpus(90, 30, "posted"), corpus(91, 30, "put")
    relabelled = campaign("relabelled", object_marking_refs=[CLEAR])
    try:
        url = json.loads(process.stdout.readline())["url"]
        for number in range(6):
            token, collection = ((node.brussels, "inbox"), (node.owner, "everything"))[number % 2]
            headers = {"Authorization": f"Bearer {token}", "Accept": TAXII, "Content-Type": TAXII}
            objects = corpus(number, 60, f"s{number}") + ([relabelled] if number == 5 else [])
            address = f"{url}/taxii2/real/collections/{collection}/objects/"
            answer = httpx.post(address, content=json.dumps({"objects": objects}), headers=headers, timeout=60)
            assert answer.status_code == 202, answer.text
            failed = {entry["id"] for entry in answer.json()["failures"]}
            sent.append([one for one in objects if one["id"] not in failed])
            watch.watched.mark(number)
        mine = {"Authorization": f"Bearer {node.owner}"}
        label = httpx.get(f"{url}/api/v1/objects/{relabelled['id']}/label", headers=mine, timeout=60)
        answer = httpx.put(
            f"{url}/api/v1/objects/{relabelled['id']}/label", json={"label": "TLP:RED"}, timeout=60,
            headers={**mine, "If-Match": label.headers.get("ETag", "*")},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        watch.watched.mark("red")
        answer = httpx.post(f"{url}/api/v1/import", content=bundle(*posted), headers=mine, timeout=60)
        assert answer.json()["imported"] == len(posted), answer.text
        watch.watched.mark("posted")
        answer = httpx.post(
            f"{url}/api/v1/jobs", params={"kind": "import"}, content=bundle(*put), headers=mine, timeout=60
        )
        assert answer.status_code == 202, answer.text
        job = answer.json()["id"]
        watch.watched.mark("job")
    finally:
        process.terminate()
        process.communicate()
    for failure in watch.failures(moments):
        acknowledged = [one for n in failure.promised if isinstance(n, int) for one in sent[n]]
        have = check(failure.root / "node", [*acknowledged, *(posted if "posted" in failure.promised else [])])
        with closing(open_store(failure.root / "node")) as store:
            if "job" in failure.promised:
                kept = Jobs(store).find(job)
                assert kept.state != "done" or {one["id"] for one in put} <= have, failure.told
                assert kept.state == "done" or Jobs(store).input(kept) == bundle(*put), failure.told
            if "red" in failure.promised:
                assert relabelled["id"] not in {row.id for row in rows_of(store, "Brussels")}, failure.told


def rows_of(store: Any, partner: str) -> Iterator[Any]:
    """What a partner may read."""
    from kizuna.cli.folder import feed_rows

    return feed_rows(store, partner)


@OFTEN
def test_a_poll(tmp_path: Path, scene: Callable[[], Scene], moments: int) -> None:
    """What was polled is there; and what was not yet comes with the next poll, for nothing is passed over."""
    theirs = corpus(4, 200, "their")
    kyiv = founded(tmp_path / "kyiv", None)
    assert kizuna("import", "-", "--data", kyiv.folder, input=bundle(*theirs)).code == 0
    node = node_in(tmp_path)
    (tmp_path / "token").write_text(kyiv.brussels)
    store = open_store(kyiv.folder)
    try:
        offered = {row.id for row in rows_of(store, "Brussels")}
        assert len(offered) > 50
        with served(store) as url:
            given = ("--org", "CERT Lviv", "--country", "UKR", "--url", f"{url}/taxii2/", "--receives", "TLP:CLEAR")
            added = kizuna("partner", "add", "Lviv", *given, "--token-file", tmp_path / "token", "--data", node.folder)
            assert added.code == 0, added.err
            with somebody_reads(node.folder / "node.sqlite"):
                watch = scene()
                watch.run("taxii", "poll", "Lviv", "--data", node.folder, "--json")
                watch.watched.mark("polled")
            for failure in watch.failures(moments):
                folder = failure.root / "node"
                have = check(folder, [])
                assert not failure.promised or offered <= have, failure.told
                again = kizuna("taxii", "poll", "Lviv", "--data", folder, "--json")
                assert again.code == 0, again.err
                with closing(open_store(folder)) as after:
                    assert offered <= {json.loads(raw)["id"] for raw in after.custodian().export()}, failure.told
    finally:
        store.close()


@OFTEN
def test_a_backup(tmp_path: Path, scene: Callable[[], Scene], moments: int) -> None:
    """There is the one from before or the new one, whole; a new one that was acknowledged is there."""
    objects = corpus(5, 200, "b")
    node = node_in(tmp_path, objects)
    out = tmp_path / "disk" / "out"
    out.mkdir()
    watch = scene()
    digests = [json.loads(watch.run("backup", "--data", node.folder, "-o", out / "b", "--json").out)["sha256"]]
    watch.watched.mark(0)
    kizuna_import = watch.run("import", "-", "--data", node.folder, "--json", input=bundle(campaign("later")))
    assert kizuna_import.last()["imported"] == 1
    digests.append(json.loads(watch.run("backup", "--data", node.folder, "-o", out / "b", "--json").out)["sha256"])
    watch.watched.mark(1)
    restored = 0
    for failure in watch.failures(moments):
        file = failure.root / "out" / "b"
        if file.exists():
            check_archive(file)
            assert sha256(file) in digests[max(failure.promised, default=0) :], failure.told
        assert file.exists() or not failure.promised, failure.told
        check(failure.root / "node", objects)
        if restored < 2 and file.exists():
            restored += 1
            assert kizuna("restore", file, "--data", failure.root / "there").code == 0
            check(failure.root / "there", objects)
            # What was left by the one that was cut off goes with the next.
            assert kizuna("backup", "--data", failure.root / "node", "-o", file).code == 0
            assert [one.name for one in file.parent.iterdir() if one.name.endswith((PART, COPY))] == []


def sha256(file: Path) -> str:
    """The SHA-256 of a file."""
    import hashlib

    return hashlib.sha256(file.read_bytes()).hexdigest()


@OFTEN
@pytest.mark.parametrize("over", [False, True])
def test_a_restore(tmp_path: Path, scene: Callable[[], Scene], moments: int, over: bool) -> None:
    """There is the restored node, the one from before, or none, with the backup still there to restore from again."""
    objects = corpus(6, 200, "r")
    node = node_in(tmp_path, objects)
    deep = node.folder / "tls"
    deep.mkdir()
    (deep / "own.pem").write_text("a certificate\n")
    backup, folder = tmp_path / "backup", node.folder if over else tmp_path / "disk" / "deep" / "there"
    assert kizuna("backup", "--data", node.folder, "-o", backup).code == 0
    later = campaign("later", object_marking_refs=[CLEAR])
    assert kizuna("import", "-", "--data", node.folder, input=bundle(later)).code == 0
    watch = scene()
    watch.run("restore", backup, "--data", folder, "--json", *(["--force"] if over else []))
    watch.watched.mark("restored")
    for failure in watch.failures(moments):
        found = failure.root / folder.relative_to(watch.root)
        if not (found / "node.json").exists():
            assert not failure.promised, failure.told
            again = kizuna("restore", backup, "--data", found, *(["--force"] if over else []))
            assert again.code == 0, (failure.told, again.err)
        have = check(found, objects)
        assert (found / "tls" / "own.pem").read_text() == "a certificate\n", failure.told
        assert not failure.promised or later["id"] not in have
        if over and later["id"] not in have:
            aside = list(found.glob("replaced-*"))  # several, where it was cut off in the midst of that
            assert {"node.json", "node.key", "node.sqlite", "tls"} <= {one.name for it in aside for one in it.iterdir()}
            if len(aside) == 1:
                check(aside[0], [*objects, later])


@OFTEN
@pytest.mark.parametrize("places", [("node.sqlite", "there/new.sqlite"), ("there/old.sqlite", "new.sqlite")])
def test_a_migration(tmp_path: Path, scene: Callable[[], Scene], moments: int, places: tuple[str, str]) -> None:
    """The node is in one of the two files, whole, and opens there."""
    objects = corpus(7, 120, "m")
    (tmp_path / "disk" / "node" / "there").mkdir(parents=True)
    old_place, place = places
    node = node_in(tmp_path, objects, f"sqlite:///{old_place}")
    to = ("migrate", "--to", f"sqlite:///{place}")
    with somebody_reads(node.folder / old_place):
        watch = scene()
        watch.run(*to, "--data", node.folder, "--json")
        watch.watched.mark("moved")
    again = Counter[bool]()
    for failure in watch.failures(moments):
        folder = failure.root / "node"
        check(folder, objects)
        moved = (load(folder).store or "").endswith(place)
        assert moved or not failure.promised, failure.told
        is_copied = (folder / place).exists() and (folder / place).stat().st_size > 100_000
        if not moved and again[is_copied] < 2:
            again[is_copied] += 1
            done = kizuna(*to, "--data", folder)
            assert done.code == 0, (failure.told, done.err)
            check(folder, objects)


@OFTEN
def test_a_purge(tmp_path: Path, scene: Callable[[], Scene], moments: int) -> None:
    """What was destroyed is not there any more, in no byte of any file; the rest is."""
    gone = campaign("gone", description="zzcanaryzz", object_marking_refs=[CLEAR])
    objects = corpus(8, 120, "d")
    node = node_in(tmp_path, objects)
    with closing(open_store(node.folder)) as store:
        accounts, given = Accounts(store), {}
        for name in ("first", "second"):
            accounts.add_user(name, ROLES, by="test")
        given["second"], _ = accounts.create_token(by="test", user="second", scopes=("operate",))
        number = Purges(store).propose(gone["id"], "why", by="first").number
    (tmp_path / "token").write_text(given["second"])
    with somebody_reads(node.folder / "node.sqlite"):
        watch = scene()
        watch.run("import", "-", "--data", node.folder, "--json", input=bundle(gone))
        watch.watched.mark("here")
        words = ("purge", "confirm", str(number), "--token-file", tmp_path / "token", "--data", node.folder, "--json")
        assert watch.run(*words).last()["scrubbed"] is True
        watch.watched.mark("gone")
    for failure in watch.failures(moments):
        folder = failure.root / "node"
        if "gone" in failure.promised:
            left = [path.name for path in folder.rglob("*") if path.is_file() and b"zzcanaryzz" in path.read_bytes()]
            assert left == [], failure.told
        have = check(folder, objects)
        with closing(open_store(folder)) as store:
            state = Purges(store).listed()[0].state
        assert gone["id"] not in have or state == "proposed", failure.told
        assert gone["id"] in have or state == "done" or not failure.promised, failure.told
        assert state == "done" or "gone" not in failure.promised, failure.told


@OFTEN
def test_an_upgrade(tmp_path: Path, scene: Callable[[], Scene], moments: int) -> None:
    """The store is of one schema or another, whole; with a step taken the copy from before is there."""
    folder = tmp_path / "disk" / "node"
    with somebody_reads(old(folder, 6)):
        watch = scene()
        watch.run("stats", "--data", folder, "--json")
        watch.watched.mark("upgraded")
    for failure in watch.failures(moments):
        found = failure.root / "node"
        with closing(sqlite3.connect(found / "node.sqlite")) as connection:
            schema = connection.execute("pragma user_version").fetchone()[0]
        kept = kept_files(found / "node.sqlite")
        assert kept or schema == 6, failure.told
        assert schema == NEWEST or not failure.promised, failure.told
        for copy in kept:
            assert (schema_of(copy), checked_file(copy, NEWEST)["partner"]) == (6, 1), failure.told
        with closing(open_store(found)) as store:
            assert [partner.name for partner in store.partners()] == ["Kyiv"], failure.told
            assert list(verify(store)) == [], failure.told


@OFTEN
def test_a_file_that_is_written(tmp_path: Path, scene: Callable[[], Scene], moments: int) -> None:
    """An export takes the place of the one before as a whole."""
    node = node_in(tmp_path, corpus(9, 60, "e"))
    out = tmp_path / "disk" / "out.json"
    watch = scene()
    texts = []
    for number in range(2):
        watch.run("import", "-", "--data", node.folder, "--json", input=bundle(campaign(f"more{number}")))
        watch.run("export", "--data", node.folder, "-o", out)
        texts.append(out.read_bytes())
        watch.watched.mark(number)
    assert texts[0] != texts[1]
    for failure in watch.failures(moments):
        file = failure.root / "out.json"
        assert file.exists() or not failure.promised, failure.told
        if file.exists():
            assert file.read_bytes() in texts[max(failure.promised, default=0) :], failure.told
