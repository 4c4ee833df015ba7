from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

from kizuna.errors import InvalidInput, NotFound
from kizuna.formats.pack import PACKED, UNPACKED, Pack, available, load, open_pack

MANIFEST = """
name: demo
kind: stix
title: {en: Demo, ja: デモ}
version: "1"
licence: CC0-1.0
notice: Made up.
source: Here
originator: Kizuna
files: [demo.json.gz]
known_problems:
  - {rule: list-empty, note: As it came., ids: [a, b]}
  - {rule: duplicate-version, note: As it came., ids: [c]}
"""
BUNDLE = b'{"type":"bundle","objects":[{"id":"x","platforms":["Windows"]}]}'


def folder(tmp_path: Path, manifest: str = MANIFEST, data: bytes = gzip.compress(BUNDLE)) -> Path:
    home = tmp_path / "demo"
    home.mkdir()
    (home / "pack.yaml").write_text(manifest, encoding="utf-8")
    (home / "demo.json.gz").write_bytes(data)
    return home


def test_every_shipped_pack_is_found_by_name() -> None:
    names = [pack.name for pack in available()]
    assert " ".join(names) == "atlas attack-ics disarm groups programme regions remote-id scenario sparta"
    assert load("sparta").manifest.area == "space-security"


@pytest.mark.parametrize("name", ["groups2", "", "../groups", "/", "a/\0", "x" * 10_000])
def test_an_unknown_pack_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        load(name)


def test_a_pack_of_the_operator_is_found_by_its_folder(tmp_path: Path) -> None:
    assert load(str(folder(tmp_path))).name == "demo"


def test_objects_come_unpacked_and_byte_for_byte(tmp_path: Path) -> None:
    assert list(open_pack(folder(tmp_path)).objects()) == [BUNDLE]


def test_known_problems_are_told_by_id(tmp_path: Path) -> None:
    pack = open_pack(folder(tmp_path))
    assert pack.known_problems == {"a": "list-empty", "b": "list-empty", "c": "duplicate-version"}


def patched(tmp_path: Path, patch: bytes) -> Pack:
    home = folder(tmp_path, MANIFEST + "patch: {demo.json.gz: fix.json}\n")
    (home / "fix.json").write_bytes(patch)
    return open_pack(home)


def test_corrections_are_applied_when_read(tmp_path: Path) -> None:
    pack = patched(tmp_path, b'[{"op":"remove","path":"/objects/0/platforms"}]')
    assert msgspec.json.decode(pack.bundle("demo.json.gz"))["objects"] == [{"id": "x"}]
    assert pack.read("demo.json.gz") == BUNDLE


def test_a_correction_that_does_not_fit_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        patched(tmp_path, b'[{"op":"remove","path":"/objects/7"}]').bundle("demo.json.gz")
    assert (caught.value.file, caught.value.path) == ("packs/demo/fix.json", "/objects/7")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"plain", "broken gzip"),
        (gzip.compress(BUNDLE)[:-9], "ends too early"),
        (gzip.compress(BUNDLE) + b"more", "behind its end"),
        (gzip.compress(bytes(UNPACKED + 1)), "unpacks to more"),
        (bytes(PACKED + 1), "is larger"),
    ],
    ids=["plain", "cut", "more", "bomb", "large"],
)
def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        open_pack(folder(tmp_path, data=data)).read("demo.json.gz")
    assert caught.value.file == "packs/demo/demo.json.gz"


def test_a_listed_file_that_is_not_there_is_an_error_and_an_unlisted_one_is_not_found(tmp_path: Path) -> None:
    home = folder(tmp_path)
    (home / "demo.json.gz").unlink()
    pack = open_pack(home)
    with pytest.raises(InvalidInput, match="cannot be read"):
        pack.read("demo.json.gz")
    with pytest.raises(NotFound):
        pack.read("pack.yaml")


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("name: demo", "name: other", "$.name"),
        ("[demo.json.gz]", "[../../etc/passwd]", "$.files"),
        ("[demo.json.gz]", "[/etc/passwd]", "$.files"),
        ("[demo.json.gz]", "[..]", "$.files"),
        ("[demo.json.gz]", '["a\\\\b.json"]', "$.files"),
        ("[demo.json.gz]", "demo.json.gz", "$.files"),
        ("kind: stix", "kind: code", "$.kind"),
        ("licence: CC0-1.0\n", "", "$"),
        ("source: Here", "source: Here\ncolour: red", "$"),
    ],
)
def test_a_wrong_manifest_is_an_error_with_its_path(tmp_path: Path, old: str, new: str, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_pack(folder(tmp_path, MANIFEST.replace(old, new)))
    assert (caught.value.file, caught.value.path) == ("packs/demo/pack.yaml", path)


def test_a_pack_tells_when_it_holds_no_such_thing(tmp_path: Path) -> None:
    pack = open_pack(folder(tmp_path))
    for ask in (pack.groups, pack.regions, pack.programme):
        with pytest.raises(NotFound):
            ask()
