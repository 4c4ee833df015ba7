"""What doctor finds, and that it changes nothing."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kizuna.cli.process import only_once
from kizuna.exchange.handshake import HYBRID
from kizuna.store import Partner, open_store
from tests.builders import campaign, report
from tests.certificates import certificate
from tests.commands import bundle, free_port, kizuna, start


def found(folder: Path, *more: str) -> dict[str, tuple[str, str]]:
    """Each check with its state and message."""
    lines = kizuna("doctor", "--data", folder, "--json", *more).lines()
    return {line["check"]: (line["state"], line["message"]) for line in lines}


def test_a_fresh_node_is_well(folder: Path) -> None:
    done = kizuna("doctor", "--data", folder)
    assert done.code == 0, done.out
    checks = found(folder)
    names = "folder permissions settings key certificate store migrations indices quarantine jobs backup partners"
    names += " release destroyed clock disk port network"
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


def test_metrics_that_others_may_reach(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIZUNA_ADMIN_PORT", "8790")
    assert found(folder)["settings"][0] == "ok"
    monkeypatch.setenv("KIZUNA_ADMIN_LISTEN", "0.0.0.0")
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


def test_the_key_is_told_by_its_public_half(folder: Path) -> None:
    from kizuna.store.keys import public_key_of

    state, message = found(folder)["key"]
    assert (state, message.partition(",")[0]) == ("ok", public_key_of(folder))


def with_certificate(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, begins: int = -1, ends: int = 365
) -> tuple[str, str]:
    """A certificate in the node's folder that the settings name."""
    files = certificate(folder, begins=begins, ends=ends)
    monkeypatch.setenv("KIZUNA_TLS_CERTIFICATE", files[0])
    monkeypatch.setenv("KIZUNA_TLS_KEY", files[1])
    return files


@pytest.mark.parametrize(
    ("times", "state", "word"),
    [({}, "ok", "valid until"), ({"ends": 20}, "warning", "renew"), ({"begins": -9, "ends": -1}, "failed", "not valid now"),
     ({"begins": 1}, "failed", "not valid now")],
)  # fmt: skip
def test_the_time_of_a_certificate(
    folder: Path, monkeypatch: pytest.MonkeyPatch, times: dict[str, int], state: str, word: str
) -> None:
    with_certificate(folder, monkeypatch, **times)
    told = found(folder)["certificate"]
    assert told[0] == state
    assert word in told[1]


def test_a_certificate_with_a_key_of_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_certificate(folder, monkeypatch)
    monkeypatch.setenv("KIZUNA_TLS_KEY", certificate(folder, name="other")[1])
    state, message = found(folder)["certificate"]
    assert (state, message.startswith("the key does not belong to")) == ("failed", True)
    monkeypatch.setenv("KIZUNA_TLS_KEY", str(folder / "node.json"))
    assert found(folder)["certificate"][0] == "failed"
    monkeypatch.setenv("KIZUNA_TLS_CERTIFICATE", str(folder / "none"))
    assert found(folder)["certificate"][0] == "failed"


def test_clocks_of_partners_that_are_apart(folder: Path) -> None:
    store = open_store(folder)
    for name, seconds in (("Kyiv", 59), ("Brussels", -3600)):
        store.put_partner(Partner(name=name, organisation=f"CERT {name}", country="BEL"))
        store.set_watermark(f"ahead:{name}", str(seconds))
    store.close()
    state, message = found(folder)["clock"]
    assert (state, message.partition("; ")[2]) == (
        "warning",
        "clocks of partners are apart from ours: Brussels -3,600 s",
    )


def test_a_clock_that_went_back(folder: Path) -> None:
    store = open_store(folder)
    store.clock = lambda: 4_000_000_000_000_000
    store.audit("cli:x", "export")
    store.close()
    assert found(folder)["clock"] == (
        "failed",
        "the system's clock went back: the newest entry is of 2096-10-02T07:06:40.000000Z",
    )


def test_room_for_a_copy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kizuna.cli import doctor

    free = shutil.disk_usage(folder).free
    monkeypatch.setattr(doctor, "FREE_BYTES", free - (16 << 10))
    state, message = found(folder)["disk"]
    assert state == "warning"
    assert "copy" in message or "imports need room" in message  # others may write meanwhile


def test_the_network_is_asked_only_on_request(folder: Path) -> None:
    assert "--network" in found(folder)["network"][1]
    assert found(folder, "--network")["network"] == ("ok", "neither this node nor a partner is reached by TLS")


def test_what_is_agreed_on_with_this_node_and_with_partners(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = with_certificate(folder, monkeypatch)
    port = free_port(neighbours=0)
    monkeypatch.setenv("KIZUNA_PORT", str(port))
    store = open_store(folder)
    for name, url in (
        ("Kyiv", f"https://localhost:{port}/taxii2/"),
        ("Brussels", "https://localhost:9/"),
        ("Riga", "http://localhost:9/"),
    ):
        store.put_partner(Partner(name=name, organisation=f"CERT {name}", country="BEL", url=url))
    store.close()
    process = start("up", "--data", folder, "--poll-seconds", "0", "--json")
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        told = [
            line
            for line in kizuna("doctor", "--network", "--data", folder, "--json").lines()
            if line["check"] == "network"
        ]
        monkeypatch.setenv("SSL_CERT_FILE", files[0])
        believed = [
            line
            for line in kizuna("doctor", "--network", "--data", folder, "--json").lines()
            if line["check"] == "network"
        ]
    finally:
        process.kill()
        process.communicate()
    here, kyiv, brussels, riga = told
    assert here["message"].startswith("this node: TLSv1.3, TLS_")
    assert (here["state"] == "ok") == any(group in here["message"] for group in HYBRID)
    assert (kyiv["state"], "not trusted" in kyiv["message"]) == ("failed", True)
    assert (brussels["state"], "no TLS handshake" in brussels["message"]) == ("warning", True)
    assert (riga["state"], riga["message"]) == ("warning", "Riga: its address is not https")
    assert believed[1]["message"].startswith("Kyiv: TLSv1.3, TLS_")
