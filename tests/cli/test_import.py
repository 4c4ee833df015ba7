"""Taking files in: counts, failures by item, exit codes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.builders import GREEN, campaign, identity
from tests.commands import bundle, kizuna


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Two valid objects."""
    file = tmp_path / "good.json"
    file.write_bytes(bundle(identity("Riga"), campaign("Aurora")))
    return file


def test_new_objects_are_counted_once(folder: Path, good: Path) -> None:
    first = kizuna("import", good, "--data", folder, "--json")
    assert (first.code, first.err) == (0, "")
    assert {k: v for k, v in first.last().items() if k != "seconds"} == {"imported": 2, "unchanged": 0, "failed": 0}
    assert list(first.last()) == ["imported", "unchanged", "failed", "seconds"]
    again = kizuna("import", good, "--data", folder, "--json").last()
    assert (again["imported"], again["unchanged"], again["failed"]) == (0, 2, 0)
    stats = kizuna("stats", "--data", folder, "--json").last()
    assert stats == {"objects": 2, "versions": 2, "by_type": {"identity": 1, "campaign": 1}}


def test_a_second_version_is_one_more_row_of_the_same_object(folder: Path, good: Path) -> None:
    kizuna("import", good, "--data", folder)
    later = bundle(campaign("Aurora", modified="2026-02-01T00:00:00.000Z"))
    kizuna("import", "-", "--data", folder, input=later)
    stats = kizuna("stats", "--data", folder, "--json").last()
    assert (stats["objects"], stats["versions"]) == (2, 3)


def test_what_is_wrong_is_told_item_by_item_and_stops_nothing(folder: Path, tmp_path: Path) -> None:
    broken = identity("Bad") | {"created": "yesterday", "name": 7}
    file = tmp_path / "mixed.json"
    file.write_bytes(bundle(broken, campaign("Aurora"), {"type": "campaign"}))
    done = kizuna("import", file, "--data", folder, "--json")
    assert done.code == 6
    *failures, total = done.lines()
    assert (total["imported"], total["unchanged"], total["failed"]) == (1, 0, 2)
    assert [(f["file"], f["item"], f["id"]) for f in failures] == [(str(file), 0, broken["id"]), (str(file), 2, None)]
    assert {"created", "name"} <= {error["path"] for error in failures[0]["errors"]}
    assert all(set(error) == {"path", "message", "section"} for f in failures for error in f["errors"])
    assert list(failures[0]) == ["file", "item", "id", "errors"]


def test_people_read_the_same_on_standard_error(folder: Path) -> None:
    done = kizuna("import", "-", "--data", folder, input=bundle(identity("Bad") | {"created": "yesterday"}))
    assert done.code == 1
    assert done.err.startswith("-, item 0, created: ")
    assert "0 imported, 0 unchanged, 1 failed" in done.out


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"\x00" * 100, b"[" * 20_000, b'"text"', b"1" * 10_000, b'{"type":"bundle","objects":7}'],
)
def test_a_file_that_holds_no_objects_is_one_failure(folder: Path, content: bytes) -> None:
    done = kizuna("import", "-", "--data", folder, "--json", input=content)
    assert done.code == 1
    *failures, total = done.lines()
    assert total["failed"] == len(failures) == 1
    assert failures[0]["file"] == "-"
    assert failures[0]["errors"]


def test_an_unreadable_file_does_not_stop_the_others(folder: Path, good: Path, tmp_path: Path) -> None:
    done = kizuna("import", tmp_path / "none.json", tmp_path, good, "--data", folder, "--json")
    assert done.code == 6
    *failures, total = done.lines()
    assert [(f["file"], f["item"], f["id"]) for f in failures] == [
        (str(tmp_path / "none.json"), None, None),
        (str(tmp_path), None, None),
    ]
    assert (total["imported"], total["failed"]) == (2, 2)


def test_gzip_is_unpacked(folder: Path, good: Path) -> None:
    packed = good.with_suffix(".json.gz")
    packed.write_bytes(gzip.compress(good.read_bytes()))
    assert kizuna("import", packed, "--data", folder, "--json").last()["imported"] == 2


def test_label_is_for_objects_that_state_none_and_joined_with_a_stated_one(folder: Path) -> None:
    unmarked, green = campaign("Unmarked"), campaign("Green", object_marking_refs=[GREEN])
    kizuna("import", "-", "--label", "TLP:AMBER", "--data", folder, input=bundle(unmarked, green))
    labels = [kizuna("label", "show", o["id"], "--data", folder, "--json").last()["label"] for o in (unmarked, green)]
    assert labels[0] == "TLP:AMBER"
    assert set(labels[1].split(" & ")) == {"TLP:AMBER", "TLP:GREEN"} or labels[1] == "TLP:AMBER"


@pytest.mark.parametrize("label", ["TLP:PURPLE", "", "& &", "TLP:AMBER to"])
def test_a_senseless_label_takes_nothing_in(folder: Path, good: Path, label: str) -> None:
    assert kizuna("import", good, "--label", label, "--data", folder).code == 2
    assert kizuna("stats", "--data", folder, "--json").last()["objects"] == 0


def test_area_is_kept(folder: Path, good: Path) -> None:
    kizuna("import", good, "--area", "space-security", "--data", folder)
    found = kizuna("search", "Aurora", "--area", "space-security", "--data", folder, "--json")
    assert [row["area"] for row in found.lines()] == ["space-security"]


def test_what_went_in_comes_out(folder: Path, good: Path, tmp_path: Path) -> None:
    kizuna("import", good, "--data", folder)
    done = kizuna("export", "--data", folder, "-o", tmp_path / "out.json", "--json")
    assert done.last() == {"objects": 2, "file": str(tmp_path / "out.json")}
    exported = json.loads((tmp_path / "out.json").read_bytes())
    assert sorted(o["id"] for o in exported["objects"]) == sorted(
        o["id"] for o in json.loads(good.read_bytes())["objects"]
    )
