"""Exporting everything, and exactly what a partner may read."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from tests.cli.given import OBJECTS, exported
from tests.commands import kizuna


def test_a_partner_gets_exactly_its_feed(served: Path) -> None:
    assert exported(served) == sorted(o["id"] for o in OBJECTS)
    assert exported(served, "--as", "kyiv") == [OBJECTS[0]["id"]]
    assert kizuna("stats", "--as", "KYIV", "--data", served, "--json").last()["by_type"] == {"campaign": 1}


def test_an_empty_feed_is_a_bundle_without_objects(served: Path) -> None:
    done = kizuna("export", "--as", "Kyiv", "--type", "identity", "--data", served)
    assert set(json.loads(done.out)) == {"type", "id"}


def test_the_file_is_for_its_owner_alone(served: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    done = kizuna("export", "--data", served, "-o", file)
    assert (done.code, done.out, done.err) == (0, "", f"3 objects written to {file}\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
