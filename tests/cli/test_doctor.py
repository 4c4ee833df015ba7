"""What doctor finds, and that it changes nothing."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kizuna.cli.process import only_once
from tests.builders import campaign, report
from tests.commands import bundle, kizuna


def found(folder: Path) -> dict[str, tuple[str, str]]:
    """Each check with its state and message."""
    lines = kizuna("doctor", "--data", folder, "--json").lines()
    return {line["check"]: (line["state"], line["message"]) for line in lines}


def test_a_fresh_node_is_well(folder: Path) -> None:
    done = kizuna("doctor", "--data", folder)
    assert done.code == 0, done.out
    checks = found(folder)
    names = "folder permissions settings key store migrations indices quarantine clock disk port"
    assert list(checks) == names.split()
    assert {state for state, _ in checks.values()} <= {"ok", "warning"}  # the disk of whoever tests may be full


def test_without_a_node_only_that_is_said(tmp_path: Path) -> None:
    done = kizuna("doctor", "--data", tmp_path / "none", "--json")
    assert done.code == 1
    assert [line["check"] for line in done.lines()] == ["folder"]
    assert not (tmp_path / "none").exists()


def test_a_node_others_can_read(folder: Path) -> None:
    folder.chmod(0o755)
    (folder / "node.key").chmod(0o644)
    state, message = found(folder)["permissions"]
    assert state == "failed"
    assert "node.key" in message
    assert "chmod" in message
    assert kizuna("doctor", "--data", folder).code == 1


@pytest.mark.parametrize("damage", ["missing", "short", "text"])
def test_a_key_that_is_lost(folder: Path, damage: str) -> None:
    key = folder / "node.key"
    if damage == "missing":
        key.unlink()
    else:
        key.write_bytes(b"AAAA" if damage == "short" else b"\xff not base64")
    assert found(folder)["key"][0] == "failed"


def test_a_damaged_store(folder: Path) -> None:
    for name in ("node.sqlite-wal", "node.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    file = folder / "node.sqlite"
    content = bytearray(file.read_bytes())
    content[4096:12288] = b"\xa5" * 8192
    file.write_bytes(content)
    checks = found(folder)
    assert checks["store"][0] == "failed"
    assert kizuna("doctor", "--data", folder).code == 1


def test_an_index_that_is_not_what_the_objects_say(folder: Path) -> None:
    kizuna("import", "-", "--data", folder, input=bundle(campaign("Aurora"), report("Findings", [campaign("Aurora")])))
    assert found(folder)["indices"][0] == "ok"
    with closing(sqlite3.connect(folder / "node.sqlite")) as connection, connection:
        connection.execute("delete from edge")
    state, message = found(folder)["indices"]
    assert state == "failed"
    assert message.startswith(f"edge of {report('Findings', [])['id']}: 1 missing, 0 too many")


def test_what_was_refused_is_told_of_by_source_and_reason(folder: Path, tmp_path: Path) -> None:
    ahead = campaign("ahead", created="2199-01-01T00:00:00.000Z", modified="2199-01-01T00:00:00.000Z")
    wrong = {**campaign("wrong"), "confidence": 101}
    file = tmp_path / "refused.json"
    file.write_bytes(bundle(wrong, ahead))
    assert kizuna("import", file, "--data", folder).code == 1
    state, message = found(folder)["quarantine"]
    assert state == "warning"
    assert message.startswith("1 of own since 20")
    assert message.endswith(": number-range")


def test_a_store_of_a_newer_release(folder: Path) -> None:
    connection = sqlite3.connect(folder / "node.sqlite")
    connection.execute("pragma user_version=9999")
    connection.close()
    state, message = found(folder)["migrations"]
    assert state == "failed"
    assert "newer" in message


def test_broken_settings(folder: Path) -> None:
    (folder / "node.json").write_text("{")
    checks = found(folder)
    assert checks["settings"][0] == checks["port"][0] == "failed"


def test_a_node_that_is_served_and_a_port_that_is_not_ours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("KIZUNA_PORT", str(taken.getsockname()[1]))
        assert found(folder)["port"][0] == "warning"
        with only_once(folder):
            assert found(folder)["port"] == ("ok", "the node is being served")


def test_listening_to_everybody_without_tls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIZUNA_LISTEN", "0.0.0.0")
    assert found(folder)["settings"][0] == "warning"


def test_nothing_is_changed(folder: Path) -> None:
    kizuna("doctor", "--data", folder)
    # SQLite notes its readers in shared memory, -shm: that is no change.
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir() if path.suffix != ".sqlite-shm"}
    kizuna("doctor", "--data", folder)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_indices_of_a_large_store_are_looked_at_when_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kizuna.cli import doctor

    monkeypatch.setattr(doctor, "UNASKED", 0)
    file = folder.parent / "one.json"
    file.write_bytes(bundle(campaign("one")))
    assert kizuna("import", file, "--data", folder).code == 0
    told = {line["check"]: line["message"] for line in kizuna("doctor", "--data", folder, "--json").lines()}
    assert "--full" in told["indices"]
    told = {line["check"]: line["message"] for line in kizuna("doctor", "--full", "--data", folder, "--json").lines()}
    assert told["indices"] == "indices, labels and feeds are what the objects say"
