"""`kizuna validate` as others run it."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kizuna.cli import validate_halves
from kizuna.cli.validate_halves import take_apart, tell_halves
from kizuna.cli.validate_lines import Lines
from kizuna.stix import RULES, reports
from tests.stix_examples import VALID, changed, ref

GOOD = changed("campaign")
BAD = changed("campaign", id=ref("campaign", 2), name=..., revoked="no", x_own=1)


def run(*arguments: str, text: bytes = b"") -> tuple[int, str]:
    """Exit code and standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "kizuna", "validate", *arguments], input=text, capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stdout.decode()


def lines(output: str) -> list[dict[str, Any]]:
    """The lines of JSON."""
    return [json.loads(line) for line in output.splitlines()]


def write(folder: Path, *objects: dict[str, Any], **more: Any) -> str:
    """A file with a bundle."""
    path = folder / "b.json"
    path.write_text(json.dumps({"type": "bundle", "id": ref("bundle"), "objects": objects, **more}))
    return str(path)


def test_a_line_for_each_item(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD, BAD)
    code, output = run(file, "--json")
    assert code == 1
    first, second = lines(output)
    assert first == {"file": file, "item": 0, "id": GOOD["id"], "valid": True, "errors": [], "warnings": []}
    assert list(second) == ["file", "item", "id", "valid", "errors", "warnings"]
    assert (second["item"], second["id"], second["valid"]) == (1, BAD["id"], False)
    assert {error["path"] for error in second["errors"]} == {"name", "revoked"}
    assert [sorted(warning) for warning in second["warnings"]] == [["message", "path", "section"]]


def test_warnings_do_not_make_invalid(tmp_path: Path) -> None:
    code, output = run(write(tmp_path, changed("campaign", x_own=1)), "--json")
    assert (code, lines(output)[0]["valid"]) == (0, True)


def test_a_bundle_has_a_line_only_when_it_is_at_fault(tmp_path: Path) -> None:
    code, output = run(write(tmp_path, GOOD, spec_version="2.1"), "--json")
    assert code == 1
    assert [(line["item"], line["id"], line["valid"]) for line in lines(output)] == [
        (0, GOOD["id"], True),
        (None, ref("bundle"), False),
    ]


def test_unreadable_files_are_one_line_each(tmp_path: Path) -> None:
    names = [str(tmp_path / "missing.json"), str(tmp_path)]
    code, output = run(*names, write(tmp_path, GOOD), "--json")
    assert code == 1
    assert [(line["file"], line["item"], line["id"], line["valid"]) for line in lines(output)[:2]] == [
        (name, None, None, False) for name in names
    ]
    assert lines(output)[2]["valid"]


def test_standard_input_and_gzip(tmp_path: Path) -> None:
    text = json.dumps(GOOD).encode()
    assert lines(run("-", "--json", text=text)[1])[0]["file"] == "-"
    packed = tmp_path / "a.json.gz"
    packed.write_bytes(gzip.compress(text))
    assert run(str(packed))[0] == 0


def test_for_people(tmp_path: Path) -> None:
    code, output = run(write(tmp_path, GOOD, BAD))
    assert code == 1
    assert "2 objects, 1 not valid, 1 warnings" in output
    assert "error: name: name is required (section 4.2)" in output
    assert "1 × custom-property" in output
    assert "warning: x_own" in run(write(tmp_path, BAD), "--warnings")[1]


def test_rules_are_listed() -> None:
    code, output = run("--rules", "--json")
    assert code == 0
    assert {line["id"] for line in lines(output)} == RULES.keys()
    assert all(line["section"] and line["test"].startswith("tests/") for line in lines(output))
    assert "pattern-syntax" in run("--rules")[1]


@pytest.fixture
def japanese(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of Japanese."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")


def test_in_japanese_the_rule_comes_before_what_is_english_only(tmp_path: Path, japanese: None) -> None:
    wrong = changed("indicator", pattern="[", x_own=1)
    code, output = run(write(tmp_path, wrong))
    assert code == 1
    (told,) = (line for line in output.splitlines() if ": pattern: " in line)
    assert told.startswith(
        "  誤り: pattern: indicator のパターンは、そのパターン言語で正しいものでなければなりません。 at character "
    )
    assert told.endswith("(4.7 節)")
    assert "1 × custom-property: 独自のプロパティは拡張で定義し、名前は x_ で始めます。" in output
    assert "独自の型のオブジェクトは、拡張で定義します。" in run("--rules")[1]


def test_what_programs_read_is_the_same_in_every_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, GOOD, BAD, changed("indicator", id=ref("indicator", 2), pattern="["))
    told = []
    for language in ("C.UTF-8", "ja_JP.UTF-8"):
        for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("LANG", language)
        told.append((run(file, "--json"), run("--rules", "--json")))
    assert told[0] == told[1]


def test_no_file_is_a_usage_error() -> None:
    assert run()[0] == 2


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A bundle that is taken for a large one, with faults in both halves and of its own."""
    monkeypatch.setattr(validate_halves, "_WORTH_IT", 0)
    monkeypatch.setattr(validate_halves, "_FEWEST", 2)
    objects = [*VALID.values(), BAD, *[changed("tool", id=ref("tool", n), labels=[]) for n in range(2, 60)], 5]
    return json.dumps({"type": "bundle", "objects": objects, "id": ref("bundle"), "created": "x"}, indent=1).encode()


def told(text: bytes) -> bytes:
    """The lines that two processes write."""
    parts = take_apart(text)
    assert parts is not None
    return b"".join(line for line, _ in tell_halves(parts, Lines("f")))


def test_two_processes_tell_the_same_as_one(large: bytes) -> None:
    in_order = Lines("f")
    assert told(large) == b"".join(in_order(report)[0] for report in reports(large))


def test_a_version_in_both_halves_is_found(large: bytes) -> None:
    data = json.loads(large)
    data["objects"].append({**VALID["campaign"], "name": "other"})
    last = lines(told(json.dumps(data).encode()).decode())[-2]
    assert "id and version" in last["errors"][0]["message"]


@pytest.mark.parametrize(
    "text", [b"", b"[1,2,3]", b'{"objects":[{},{}],"objects":[{}]}', b'{"objects":[1', b'{"objects":5}']
)
def test_what_is_not_plain_is_not_taken_apart(large: bytes, text: bytes) -> None:
    assert take_apart(text) is None
