"""An archive that is not whole, or that somebody made to do harm, is refused before anything of it is used."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from kizuna.errors import InvalidInput, KizunaError
from kizuna.store import Store
from kizuna.store.archive import DIGEST, FIRST, MANIFEST, check
from kizuna.store.backup import back_up
from kizuna.store.migrations import steps
from kizuna.store.restore import restore
from tests.builders import CLEAR, campaign, items
from tests.stores import SQLITE

pytestmark = SQLITE
Members = dict[str, bytes]


@pytest.fixture
def archive(store: Store, tmp_path: Path) -> Path:
    """A small backup."""
    list(store.writer(store.own_source()).add(items(campaign("Aurora", object_marking_refs=[CLEAR]))))
    back_up(store, tmp_path / "archive", by="test")
    return tmp_path / "archive"


def read(file: Path) -> Members:
    """What is in it, by any tar's understanding."""
    with tarfile.open(file, "r:") as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]


def write(file: Path, members: Members, change: Callable[[tarfile.TarInfo], None] = lambda _: None) -> Path:
    """An archive of these members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            change(info)
            tar.addfile(info, io.BytesIO(data))
    whole = out.getvalue()
    file.write_bytes(whole[: len(whole.rstrip(b"\0")) + -len(whole.rstrip(b"\0")) % 512] + bytes(1024))
    return file


def manifest(members: Members, **changes: Any) -> Members:
    """The members with a manifest that agrees with them, but for what is changed."""
    told = msgspec.json.decode(members[MANIFEST])
    told["members"] = [
        {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
        if name not in (FIRST, MANIFEST, DIGEST)
    ]
    text = msgspec.json.encode({**told, **changes})
    kept = {name: data for name, data in members.items() if name not in (MANIFEST, DIGEST)}
    return {**kept, MANIFEST: text, DIGEST: hashlib.sha256(text).hexdigest().encode()}


def refused(file: Path, told: str) -> None:
    """It is refused for this reason, and nothing was made."""
    with pytest.raises(InvalidInput, match=told) as raised:
        restore(file, file.parent / "there", url=None, by="test")
    assert raised.value.file is not None
    assert not (file.parent / "there").exists()


def test_what_tests_write_is_what_the_product_writes(archive: Path, tmp_path: Path) -> None:
    members = read(archive)
    assert check(write(tmp_path / "same", members)).manifest == check(archive).manifest
    assert check(write(tmp_path / "anew", manifest(members))).manifest == check(archive).manifest


@pytest.mark.parametrize(
    "name",
    ["../outside", "/etc/outside", "node/../../outside", "node//x", "node/.ssh", "node/a\nb", "node/" + "x" * 200,
     "other", "store/other.sqlite", "node/a/../../x", "C:\\x", "node/-x"],
)  # fmt: skip
def test_a_name_that_leads_elsewhere(archive: Path, tmp_path: Path, name: str) -> None:
    members = read(archive)
    extra = {FIRST: members.pop(FIRST), name: b"x", **members}
    refused(write(tmp_path / "bad", manifest(extra)), "name|larger|plain file|member")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_what_is_no_plain_file(archive: Path, tmp_path: Path, kind: bytes) -> None:
    members = read(archive)
    members["node/extra"] = b""

    def change(info: tarfile.TarInfo) -> None:
        if info.name == "node/extra":
            info.type, info.linkname = kind, "/etc/passwd"

    refused(write(tmp_path / "bad", manifest(members), change), "plain file")


def test_sizes_beyond_measure(archive: Path, tmp_path: Path) -> None:
    members = read(archive)
    refused(write(tmp_path / "large", manifest({**members, "node/large": bytes((1 << 20) + 1)})), "larger")
    many = {f"node/f{n}": b"" for n in range(1_001)}
    refused(write(tmp_path / "many", manifest({**members, **many})), "larger")

    def claims(info: tarfile.TarInfo) -> None:
        if info.name == "store/node.sqlite":
            info.size = 1 << 49

    data = archive.read_bytes()
    info = tarfile.TarInfo("store/node.sqlite")
    claims(info)
    at = data.index(b"store/node.sqlite")
    (tmp_path / "claims").write_bytes(data[:at] + info.tobuf(tarfile.GNU_FORMAT) + data[at + 512 :])
    refused(tmp_path / "claims", "ends in the middle")


def test_what_is_no_backup(archive: Path, tmp_path: Path) -> None:
    for name, data in {
        "empty": b"",
        "text": b"hello\n" * 1_000,
        "zeros": bytes(4_096),
        "gzip": b"\x1f\x8b" * 600,
    }.items():
        (tmp_path / name).write_bytes(data)
        refused(tmp_path / name, "backup|end is missing|ends in the middle|follows")
    refused(write(tmp_path / "tar", {"README": b"hello"}), "no backup|larger")
    with pytest.raises(InvalidInput, match="No such file"):
        restore(tmp_path / "none", tmp_path / "there", url=None, by="test")


def test_one_that_a_newer_kizuna_made(archive: Path, tmp_path: Path) -> None:
    members = read(archive)
    refused(write(tmp_path / "format", {**members, FIRST: b'{"format":2}\n'}), "newer Kizuna.*upgrade")
    newest = steps("sqlite")[-1].number
    refused(write(tmp_path / "schema", manifest(members, schema=newest + 1)), "newer Kizuna.*upgrade")
    refused(write(tmp_path / "zero", manifest(members, schema=0)), "no store that this Kizuna knows")


def test_a_manifest_that_does_not_fit(archive: Path, tmp_path: Path) -> None:
    members = read(archive)
    refused(write(tmp_path / "digest", {**members, DIGEST: b"0" * 64}), "manifest is not what it was")
    refused(write(tmp_path / "kind", manifest(members, kind="postgres")), "no store")
    refused(write(tmp_path / "node", manifest(members, node="identity--x")), "not of the node")
    refused(write(tmp_path / "rows", manifest(members, tables={"object": 1})), "other rows")
    refused(write(tmp_path / "shape", manifest(members, tables=[])), "manifest is none")
    refused(write(tmp_path / "key", manifest({n: d for n, d in members.items() if n != "node/node.key"})), "key")
    refused(write(tmp_path / "settings", manifest({**members, "node/node.json": b"{}"})), "no settings")
    refused(
        write(tmp_path / "extra", {FIRST: members[FIRST], "node/extra": b"x", **members}),
        "not what it was|other members",
    )
    without = {name: data for name, data in members.items() if name != DIGEST}
    refused(write(tmp_path / "end", without), "end is missing")


def test_a_store_with_something_strange_in_it(archive: Path, tmp_path: Path) -> None:
    import sqlite3

    members = read(archive)
    file = tmp_path / "strange.sqlite"
    file.write_bytes(members["store/node.sqlite"])
    with sqlite3.connect(file) as connection:
        connection.execute("create trigger strange after insert on object begin delete from audit; end")
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    refused(write(tmp_path / "bad", manifest({**members, "store/node.sqlite": file.read_bytes()})), "other tables")
    damaged = bytearray(members["store/node.sqlite"])
    damaged[8192 * 3 : 8192 * 4] = b"\xa5" * 8192
    refused(
        write(tmp_path / "damaged", manifest({**members, "store/node.sqlite": bytes(damaged)})), "damaged|not a Kizuna"
    )


@pytest.mark.parametrize("part", range(12))
def test_cut_off_anywhere(archive: Path, tmp_path: Path, part: int) -> None:
    data = archive.read_bytes()
    (tmp_path / "cut").write_bytes(data[: len(data) * part // 12 + (part % 3)])
    refused(tmp_path / "cut", "backup|ends in|end is missing|not what it was")


@hypothesis.settings(
    max_examples=150, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_bit_can_change_unnoticed_but_in_what_nobody_reads(
    archive: Path, tmp_path: Path, at: float, bit: int
) -> None:
    """Headers say when a file was made and by whom: tar keeps a sum of them, and nothing rests on it."""
    data = bytearray(archive.read_bytes())
    place = int(at * len(data))
    data[place] ^= 1 << bit
    (tmp_path / "flipped").write_bytes(data)
    try:
        found = check(tmp_path / "flipped")
    except KizunaError:
        return
    assert found.manifest == check(archive).manifest
