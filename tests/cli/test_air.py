"""`kizuna air`: captures replayed and watched, kept once, and told without a word that a terminal would obey."""

from __future__ import annotations

import gzip
import json
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kizuna.formats.pack import load
from kizuna.formats.pcap_writer import IEEE_802_11, Frames, Interface, pcapng
from kizuna.formats.remote_id import frames as made
from kizuna.formats.remote_id.messages import encode, pack
from tests.commands import Done, free_port, kizuna, start

REAL, SPOOFED = (load("remote-id").read(f"anafi4-{kind}.pcapng.gz") for kind in ("real", "spoofed"))
ZONE = {
    "features": [
        {
            "identifier": "HERE", "country": "CHE", "name": "Here", "type": "COMMON", "restriction": "PROHIBITED",
            "reason": ["SENSITIVE"], "applicability": [{"permanent": "YES"}], "zoneAuthority": [{"purpose": "INFORMATION"}],
            "geometry": [
                {
                    "uomDimensions": "M", "lowerLimit": 0, "lowerVerticalReference": "AGL", "upperLimit": 5000,
                    "upperVerticalReference": "AGL",
                    "horizontalProjection": {"type": "Circle", "center": [8.7302, 47.1986], "radius": 5000},
                }
            ],
        }
    ]
}  # fmt: skip


@pytest.fixture
def real(tmp_path: Path) -> Path:
    path = tmp_path / "real.pcapng"
    path.write_bytes(REAL)
    return path


@pytest.fixture
def spoofed(tmp_path: Path) -> Path:
    path = tmp_path / "spoofed.pcapng"
    path.write_bytes(SPOOFED)
    return path


def sent(*names: bytes, capture: bool = True) -> list[bytes] | bytes:
    """Beacons, one a name, a second apart: as a capture, or each as it is."""
    frames = []
    for number, name in enumerate(names):
        sender = made.Transmitter(address=b"\x02\0\0\0\0" + bytes((number,)), ssid="x")
        said = [encode("basic-id", {"id_type": 1, "aircraft": 2, "id": name})]
        said.append(
            encode("location", {"latitude": 47.1986, "longitude": 8.7302, "second": 1.0 + number, "height": 50.0})
        )
        rows = np.frombuffer(pack(said), np.uint8)[None, :]
        frames.append(made.beacons(sender, rows, tsf=[number * 10**6 + 5], sequence=[number], counter=[number]))
    if not capture:
        return [made.radiotap(one, arrived=[1], signal=[-50]).tobytes() for one in frames]
    times = [np.array([(1_680_000_000 + number) * 10**9]) for number in range(len(names))]
    return pcapng([Interface(IEEE_802_11)], [Frames(0, *both) for both in zip(times, frames, strict=True)])


def replay(*arguments: str | Path, input: bytes = b"") -> Done:
    return kizuna("air", "replay", *arguments, input=input)


def test_the_real_capture_in_the_last_line(real: Path) -> None:
    done = replay(real, "--json")
    assert done.code == 0
    last = done.last()
    assert (last["frames"], last["beacons"], last["aircraft"], last["tracks"]) == (5091, 1140, 1, 1)
    assert last["messages"] == {"basic-id": 385, "location": 1140, "system": 385, "operator-id": 385}
    assert (last["spoofed"], last["refused"]) == ([], {})
    assert [line["event"] for line in done.lines()[:-1]] == ["flight"]


def test_both_captures_name_the_spoofed_aircraft_and_why(real: Path, spoofed: Path) -> None:
    done = replay(real, spoofed, "--json")
    assert done.code == 0
    (one,) = done.last()["spoofed"]
    assert one["serial"] == done.lines()[0]["aircraft"]
    assert one["doubt"] >= 1
    assert sum(reason["weight"] for reason in one["reasons"]) == pytest.approx(one["doubt"])
    assert all(reason.keys() == {"code", "weight", "since", "text", "values"} for reason in one["reasons"])


def test_in_words(spoofed: Path) -> None:
    done = replay(spoofed)
    assert done.code == 0
    assert "is taken for SPOOFED:" in done.out
    assert "beacons with Remote ID: 26" in done.out
    assert "aircraft: 1, tracks: 4, spoofed: 1" in done.out
    assert done.out.endswith("left out:\n  26  messages that a pack counts and does not hold (pack-cut-short)\n")


def test_what_is_left_out_in_japanese(spoofed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "ja")
    told = "読まなかったもの:\n  26  束の個数に数えられているが、入っていないメッセージ (pack-cut-short)\n"
    assert replay(spoofed).out.endswith(told)


def test_from_standard_input_and_packed(spoofed: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(SPOOFED))
    plain = replay(spoofed, "--json").last()
    assert replay(packed, "--json").last() == plain
    assert replay("-", "--json", input=SPOOFED).last() == plain
    assert replay("-", "--json", input=gzip.compress(SPOOFED)).last() == plain


@pytest.mark.parametrize("data", [b"", b"no capture", SPOOFED[:10] + b"\xff" * 100])
def test_what_cannot_be_read_is_exit_1(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(data)
    done = replay(path, "--json")
    assert done.code == 1
    assert done.err.startswith(str(path))
    assert done.last()["frames"] == 0


def test_what_is_read_in_part_is_exit_6_and_counted(real: Path, tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_bytes(SPOOFED + struct.pack("<II", 6, 13) + bytes(20))
    done = replay(path, tmp_path / "none", real, "--json")
    assert done.code == 6
    assert f"{path}, byte {len(SPOOFED)}: a block of 13 bytes" in done.err
    assert str(tmp_path / "none") in done.err
    assert done.last()["beacons"] == 1166
    cut = tmp_path / "cut"
    cut.write_bytes(REAL[:-7])
    done = replay(cut, "--json")
    assert (done.code, done.last()["refused"]) == (0, {"broken-off": 1})


def test_names_that_are_commands_for_a_terminal_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(bytes(sent(b"\x1b[2J\x1b]0;x\x07", b"\r\n\tA", b"\xe2\x80\xae", b"'\"><b>")))  # type: ignore[arg-type]
    for done in (replay(path), replay(path, "--json")):
        assert done.code == 0
        assert not [c for c in done.out + done.err if ord(c) < 32 and c != "\n"]
        assert "\u202e" not in done.out
    assert {line["aircraft"] for line in replay(path, "--json").lines()[:-1]} >= {"\\x1b[2J\\x1b]0;x\\x07", "'\"><b>"}


def test_zones_tell_who_enters(real: Path, tmp_path: Path) -> None:
    zones = tmp_path / "zones.json"
    zones.write_text(json.dumps(ZONE))
    done = replay(real, "--zones", zones, "--json")
    events = [line for line in done.lines() if line.get("zone") == "HERE"]
    assert [event["event"] for event in events] == ["enter", "leave"]
    assert "enters Here" in replay(real, "--zones", zones).out
    zones.write_text("{}")
    assert replay(real, "--zones", zones).code != 0


@pytest.mark.parametrize("suffix", ["geojson", "kml", "cot"])
def test_tracks_are_drawn(spoofed: Path, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"drawn.{suffix}"
    assert replay(spoofed, "-o", target).code == 0
    assert target.stat().st_size > 200


@pytest.mark.parametrize("place", ["x", "1", "91,0", "0,181", "nan,0", "1,2,3,4", "1,2,inf"])
def test_a_place_that_is_none(real: Path, place: str) -> None:
    assert replay(real, "--at", place).code == 2


def test_a_sensor_is_set_up_listed_and_changed(folder: Path) -> None:
    assert kizuna("air", "sensors", "--data", folder).out.strip() == "no sensor is set up"
    done = kizuna(
        "air", "sensors", "roof", "--at", "47.1986,8.7302,512", "--label", "TLP:GREEN", "--data", folder, "--json"
    )
    assert (done.code, done.last()["changed"], done.last()["altitude"]) == (0, True, 512.0)
    done = kizuna("air", "sensors", "roof", "--reach", "3000", "--data", folder, "--json")
    assert (done.last()["label"], done.last()["reach"], done.last()["changed"]) == ("TLP:GREEN", 3000.0, True)
    done = kizuna("air", "sensors", "roof", "--data", folder, "--json")
    assert not done.last()["changed"]
    (one,) = kizuna("air", "sensors", "--data", folder, "--json").lines()
    assert one["name"] == "roof"
    assert kizuna("air", "sensors", "roof", "--label", "TLP:PURPLE", "--data", folder).code == 2


def test_recorded_twice_is_recorded_once(folder: Path, real: Path, spoofed: Path) -> None:
    assert replay(real, "--record", "--data", folder).code == 2
    assert replay(real, "--record", "--sensor", "roof", "--data", folder).code == 3
    assert kizuna("air", "tracks", "--data", folder).code == 3
    kizuna("air", "sensors", "roof", "--label", "TLP:GREEN", "--data", folder)
    first = replay(real, spoofed, "--record", "--sensor", "roof", "--data", folder, "--json")
    assert first.code == 0
    assert first.last()["recorded"]["imported"] > 5
    again = replay(real, spoofed, "--record", "--sensor", "roof", "--data", folder, "--json")
    assert again.last()["recorded"]["imported"] == again.last()["recorded"]["failed"] == 0
    held = kizuna("air", "tracks", "--data", folder, "--json")
    assert held.code == 0
    serial = first.lines()[0]["aircraft"]
    assert {line["aircraft"] for line in held.lines()} == {serial}
    assert {line["label"] for line in held.lines()} == {"TLP:GREEN"}
    assert kizuna("air", "tracks", "--aircraft", serial, "--limit", "1", "--data", folder, "--json").lines()
    assert kizuna("air", "tracks", "--aircraft", "nobody", "--data", folder).code == 3


def test_held_tracks_are_drawn(folder: Path, spoofed: Path, tmp_path: Path) -> None:
    kizuna("air", "sensors", "roof", "--data", folder)
    assert replay(spoofed, "--record", "--sensor", "roof", "--data", folder).code == 0
    target = tmp_path / "drawn.geojson"
    assert kizuna("air", "tracks", "-o", target, "--data", folder).code == 0
    assert json.loads(target.read_bytes())["type"] == "FeatureCollection"
    assert kizuna("air", "tracks", "-o", tmp_path / "drawn.txt", "--data", folder).code == 2


def test_hostile_names_are_recorded_and_listed(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(bytes(sent(b"\x1b[2J", b"X" * 20, b"\xff" * 20, b"' or 1=1 --", b"a/b/../c", b'"*" OR')))  # type: ignore[arg-type]
    kizuna("air", "sensors", "roof", "--data", folder)
    done = replay(path, "--record", "--sensor", "roof", "--data", folder, "--json")
    assert (done.code, done.last()["recorded"]["failed"]) == (0, 0)
    for one in kizuna("air", "tracks", "--data", folder, "--json").lines():
        found = kizuna("air", "tracks", "--aircraft", one["aircraft"], "--data", folder, "--json")
        assert [line["aircraft"] for line in found.lines()] == [one["aircraft"]]
    assert kizuna("doctor", "--data", folder).code == 0


def test_zones_are_taken_in_once(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "zones.json"
    path.write_text(json.dumps(ZONE))
    assert kizuna("air", "zones", path, "--data", folder, "--json").last() == {
        "imported": 1,
        "relabelled": 0,
        "unchanged": 0,
        "failed": 0,
    }
    again = {"imported": 0, "relabelled": 0, "unchanged": 1, "failed": 0}
    assert kizuna("air", "zones", path, "--data", folder, "--json").last() == again
    assert kizuna("air", "zones", path, "--data", folder).out == "0 taken in, 1 unchanged, 0 not understood\n"
    done = kizuna("air", "zones", path, "--label", "TLP:GREEN to=BEL", "--data", folder)
    assert done.out == "0 taken in, 0 unchanged, 0 not understood\nunder another label than before: 1\n"
    assert kizuna("air", "zones", path, "--label", "TLP:GREEN to=BEL", "--data", folder, "--json").last() == again
    path.write_text(json.dumps(ZONE).replace("PROHIBITED", "CONDITIONAL"))
    assert kizuna("air", "zones", path, "--data", folder, "--json").last()["imported"] == 1
    (one,) = kizuna("air", "zones", "--data", folder, "--json").lines()
    assert (one["country"], one["identifier"], one["restriction"]) == ("CHE", "HERE", "conditional")
    path.write_text("[")
    assert kizuna("air", "zones", path, "--data", folder).code == 1


def test_a_sensor_has_its_place(folder: Path, spoofed: Path) -> None:
    kizuna("air", "sensors", "roof", "--data", folder)
    done = kizuna("air", "replay", spoofed, "--sensor", "roof", "--at", "47,8", "--data", folder)
    assert done.code == 2
    assert "--at does not go with --sensor" in done.err


def test_zones_that_a_node_holds_are_watched(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIZUNA_DATA", raising=False)
    path, other = tmp_path / "zones.json", tmp_path / "other.json"
    path.write_text(json.dumps(ZONE))
    other.write_text(json.dumps(ZONE).replace("HERE", "THERE").replace('"Here"', '"There"'))
    for file in (path, other):
        assert kizuna("air", "zones", file, "--data", folder).code == 0

    def told(*arguments: str | Path) -> list[tuple[str, str]]:
        done = kizuna("air", "watch", "-", "--json", *arguments, input=REAL)
        assert done.code == 0
        return sorted((line["zone"], line["source"]) for line in done.lines() if line.get("event") == "enter")

    assert told() == []
    assert told("--data", folder) == [("HERE", "own"), ("THERE", "own")]
    assert told("--zones", path, "--data", folder) == [("HERE", "file"), ("THERE", "own")]
    assert told("--zones", path) == [("HERE", "file")]
    monkeypatch.setenv("KIZUNA_DATA", str(tmp_path / "none"))
    assert told() == []
    monkeypatch.setenv("KIZUNA_DATA", str(folder))
    assert told("--zones", other) == [("HERE", "own"), ("THERE", "file")]
    words = kizuna("air", "watch", "-", "--zones", other, input=REAL).out
    assert "enters Here (held, own)" in words
    assert "leaves There (height not known)" in words
    assert kizuna("air", "watch", "-", "--data", tmp_path / "none", input=REAL).code == 3


# Watching: in a process of its own, for it goes on until it is told to stop.


def watched(process: subprocess.Popen[str], *, until: str) -> list[dict[str, Any]]:
    """The lines until one of this event."""
    assert process.stdout is not None
    found: list[dict[str, Any]] = []
    for line in process.stdout:
        found.append(json.loads(line))
        if found[-1].get("event") == until:
            return found
    raise AssertionError(process.stderr.read() if process.stderr is not None else "")


def ended(process: subprocess.Popen[str], number: int) -> tuple[int, list[dict[str, Any]]]:
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    return process.returncode, [json.loads(line) for line in out.splitlines()]


def test_a_file_that_grows_is_watched_and_kept_at_the_end(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(SPOOFED[:30_000])
    kizuna("air", "sensors", "roof", "--data", folder)
    arguments = ("--record", "--every", "3600", "--sensor", "roof", "--data", folder)
    with start("air", "watch", path, "--json", *arguments) as process:
        watched(process, until="position")
        with path.open("ab") as handle:
            handle.write(SPOOFED[30_000:])
        seen = watched(process, until="spoofed")
        assert any(line["event"] == "doubt" for line in seen)
        code, rest = ended(process, signal.SIGTERM)
    assert code == 0
    assert rest[-1]["aircraft"] == 1
    assert len(rest[-1]["spoofed"]) == 1
    assert rest[-1]["recorded"]["imported"] > 5
    assert kizuna("air", "tracks", "--data", folder, "--json").lines()


def test_datagrams_are_watched() -> None:
    frames = sent(b"1581F000000000000001"[:20], b"1581F000000000000001"[:20], capture=False)
    port = free_port()
    with (
        start("air", "watch", f"udp://127.0.0.1:{port}", "--json") as process,
        socket.socket(type=socket.SOCK_DGRAM) as sender,
    ):
        for _ in range(600):  # nobody says when it listens
            for frame in frames:
                sender.sendto(bytes(frame), ("127.0.0.1", port))
            sender.sendto(b"\0\0\xff\xffnonsense", ("127.0.0.1", port))
            if process.poll() is not None or _readable(process):
                break
            time.sleep(0.1)
        (line,) = watched(process, until="position")
        assert line["latitude"] == pytest.approx(47.1986)
        code, rest = ended(process, signal.SIGINT)
    assert code == 0
    assert rest[-1]["aircraft"] >= 1


def _readable(process: subprocess.Popen[str]) -> bool:
    import select

    assert process.stdout is not None
    return bool(select.select([process.stdout], [], [], 0)[0])


def test_watching_ends_after_a_while_or_with_its_input(spoofed: Path) -> None:
    done = kizuna("air", "watch", spoofed, "--for", "1", "--json")
    assert done.code == 0
    assert done.last()["beacons"] == 26
    done = kizuna("air", "watch", "-", "--json", input=SPOOFED)
    assert done.last()["beacons"] == 26
    assert "is taken for SPOOFED" in kizuna("air", "watch", "-", input=SPOOFED).out


def test_what_breaks_while_it_is_watched_is_told_behind_what_was_seen(folder: Path) -> None:
    kizuna("air", "sensors", "roof", "--data", folder)
    broken = SPOOFED + struct.pack("<II", 6, 13) + bytes(20)
    done = kizuna("air", "watch", "-", "--record", "--sensor", "roof", "--data", folder, "--json", input=broken)
    assert done.code == 1
    assert "a block of 13 bytes cannot be" in done.err
    assert done.last()["beacons"] == 26
    assert kizuna("air", "tracks", "--data", folder, "--json").lines()


@pytest.mark.parametrize(("source", "code"), [("udp://nowhere", 2), ("none", 3)])
def test_where_nothing_can_be_watched(source: str, code: int, tmp_path: Path) -> None:
    assert kizuna("air", "watch", source if ":" in source else tmp_path / source).code == code
