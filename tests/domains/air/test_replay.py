"""A whole replay: captures in the order of time, counted, and one that is broken beside one that is not."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from kizuna.domains.air import replay as module
from kizuna.domains.air import sources
from kizuna.domains.air.flight import Flight
from kizuna.domains.air.picture import Picture
from kizuna.domains.air.replay import Summary, Tally, replay, replayed
from kizuna.domains.air.sensors import Sensor
from kizuna.errors import InvalidInput, KizunaError
from kizuna.formats.pack import load
from tests.domains.air.given import T0
from tests.domains.air.test_hostile import storm

REAL, SPOOFED = (load("remote-id").read(f"anafi4-{kind}.pcapng.gz") for kind in ("real", "spoofed"))
HERE = Sensor(name="-")


def run(*files: Path) -> tuple[Summary, list[KizunaError]]:
    tally = Tally()
    troubles: list[KizunaError] = []
    summary = replay(map(str, files), HERE, Picture(ended=tally.ended), tally, troubles.append)
    return summary, troubles


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    real, spoofed = tmp_path / "real", tmp_path / "spoofed"
    real.write_bytes(REAL)
    spoofed.write_bytes(SPOOFED)
    return real, spoofed


def test_the_real_one_is_counted(files: tuple[Path, Path]) -> None:
    summary, troubles = run(files[0])
    assert (summary.frames, summary.beacons, summary.aircraft, summary.tracks) == (5091, 1140, 1, 1)
    assert summary.messages == {"basic-id": 385, "location": 1140, "system": 385, "operator-id": 385}
    assert (summary.spoofed, summary.refused, troubles) == ({}, {}, [])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_both_together_in_any_order_are_one_spoofed_aircraft(files: tuple[Path, Path], order: tuple[int, int]) -> None:
    summary, troubles = run(*(files[at] for at in order))
    assert troubles == []
    assert (summary.beacons, summary.aircraft) == (1166, 1)
    (reasons,) = summary.spoofed.values()
    assert sum(one.weight for one in reasons) >= 1


def test_what_is_broken_is_told_and_the_others_go_on(files: tuple[Path, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(SPOOFED[:60_000] + bytes(1000))
    none = tmp_path / "none"
    text = tmp_path / "text"
    text.write_text("no capture")
    summary, troubles = run(broken, none, files[0], text, tmp_path)
    assert {error.file for error in troubles} == {str(broken), str(none), str(text), str(tmp_path)}
    assert summary.beacons > 1140


def test_flights_that_ended_are_held_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four times as many aircraft in four times the time, a replay remembers the names."""
    monkeypatch.setattr(sources, "PIECE", 1 << 16)
    small, large = (taken(tmp_path, n) for n in (1_500, 6_000))
    assert large < 2 * small


def taken(folder: Path, n: int) -> int:
    """Bytes at most, beyond the names, while so many aircraft are replayed, one a second."""
    file = folder / str(n)
    file.write_bytes(storm(n, seconds=n))
    tally = Tally()
    tracemalloc.start()
    summary = replay([str(file)], HERE, Picture(ended=tally.ended), tally, lambda _error: None)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (summary.aircraft, summary.tracks, summary.spoofed) == (n, n, {})
    return most - 110 * n


def test_whole_captures_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidInput):
        replayed([b"no capture"], HERE)


def test_a_tally_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NAMES", 10)
    monkeypatch.setattr(module, "MOST_SPOOFED", 5)
    flights = [Flight(str(number), T0) for number in range(20)]
    for flight in flights:
        flight.find("jump", 1.0, T0)
    tally = Tally([*flights, flights[0]])
    assert tally.aircraft == 20
    assert list(tally.spoofed) == ["16", "17", "18", "19", "0"]
    assert tally.let_go == {"spoofed": 16}
