"""`kizuna audit`: read and handed over, in three forms that say the same."""

from __future__ import annotations

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.builders import CLEAR, campaign
from tests.commands import bundle, kizuna

CANARY = "zqcanaryqz"


@pytest.fixture
def used(folder: Path) -> Path:
    """A node where some things were done."""
    seen = campaign(CANARY, object_marking_refs=[CLEAR])
    assert kizuna("import", "-", "--data", folder, input=bundle(seen)).code == 0
    assert kizuna("label", "set", seen["id"], "TLP:GREEN", "--data", folder).code == 0
    assert kizuna("user", "add", "mari", "--role", "analyst", "--data", folder).code == 0
    return folder


def exported(folder: Path, *more: str) -> list[dict[str, Any]]:
    done = kizuna("audit", "export", "--data", folder, *more)
    assert done.code == 0, done.err
    return done.lines()


def test_the_newest_are_listed(used: Path) -> None:
    rows = kizuna("audit", "list", "--data", used, "--json", "--limit", "3").lines()
    assert [row["act"] for row in rows] == ["user.add", "relabel", "import"]
    assert rows[0].keys() == {"number", "at", "actor", "act", "subject", "detail"}
    assert [row["act"] for row in kizuna("audit", "list", "--data", used, "--json", "--act", "relabel").lines()] == [
        "relabel"
    ]
    assert kizuna("audit", "list", "--data", used, "--json", "--actor", "nobody").lines() == []
    assert "user.add" in kizuna("audit", "list", "--data", used).out


def test_three_forms_say_the_same(used: Path, tmp_path: Path) -> None:
    lines = exported(used)
    file = tmp_path / "trail"
    for form in ("json", "csv"):
        done = kizuna("audit", "export", "--data", used, "--format", form, "-o", file, "--json")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        text = file.read_bytes().decode()
        rows = json.loads(text) if form == "json" else list(csv.DictReader(io.StringIO(text, newline="")))
        if form == "csv":
            rows = [{**row, "number": int(row["number"]), "detail": json.loads(row["detail"])} for row in rows]
        assert rows[: len(lines)] == lines
        assert done.last() == {"entries": len(rows), "chain": rows[-1]["chain"], "file": str(file)}


def test_an_export_is_an_entry_itself_and_the_chain_goes_on(used: Path) -> None:
    first, second = exported(used), exported(used)
    assert second[:-1] == first
    assert (second[-1]["act"], second[-1]["detail"]["entries"]) == ("audit.export", len(first))


def test_a_part_by_time(used: Path) -> None:
    whole = exported(used)
    until = whole[2]["at"]
    assert exported(used, "--until", until) == [entry for entry in whole if entry["at"] < until]
    assert exported(used, "--since", until)[0]["at"] >= until
    assert exported(used, "--since", "2199-01-01") == []
    assert json.loads(kizuna("audit", "export", "--since", "2199-01-01", "--format", "json", "--data", used).out) == []
    for wrong in ("yesterday", "2026-13-01", "2026-11-25T25:00:00Z"):
        assert kizuna("audit", "export", "--since", wrong, "--data", used).code == 2


def test_no_content_of_an_object_is_in_it(used: Path) -> None:
    assert CANARY not in kizuna("audit", "export", "--data", used).out
