"""What a replay holds at most, and that it says what it let go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kizuna.cli import air_live, air_told
from kizuna.cli.air_alerts import Zones
from kizuna.cli.air_live import Drawing, Keeping
from kizuna.cli.air_told import Rows, tell_summary
from kizuna.domains.air.flight import Flight
from kizuna.domains.air.picture import Picture
from kizuna.domains.air.replay import Tally, summed
from kizuna.domains.air.sensors import Sensor
from tests.domains.air.given import T0, WELL, flying, heard, serial


def doubted(number: int) -> Flight:
    flight = Flight(str(number), T0 + number)
    flight.find("jump", number / 100, T0)
    return flight


def test_a_table_lists_the_most_doubtful(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(air_told, "MOST_ROWS", 5)
    rows = Rows(as_json=False)
    for number in range(33):
        rows.ended(doubted(number))
    rows.tell()
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:6]]
    assert listed == ["32", "31", "30", "29", "28"]
    assert rows.let_go == 28


def test_with_json_each_is_told_as_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    rows = Rows(as_json=True)
    rows.ended(doubted(7))
    assert json.loads(capsys.readouterr().out)["aircraft"] == "7"
    rows.tell()
    assert (capsys.readouterr().out, rows.let_go) == ("", 0)


def test_the_most_doubtful_are_drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(air_live, "MOST_DRAWN", 100)
    drawing = Drawing()
    for number in range(10):
        (flight,) = heard(*flying(30, names=()), sensor=Sensor(name="x")).values()
        flight.key = serial(number)
        flight.doubt = number / 10
        drawing.ended(flight)
    target = tmp_path / "drawn.geojson"
    drawing.write(str(target), [])
    text = target.read_text(encoding="utf-8")
    assert [number for number in range(10) if f'"doubt":{number / 10}' in text.replace(" ", "")] == [8, 9]
    assert drawing.let_go == 8


def test_flights_that_wait_are_kept_before_they_are_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    batches: list[int] = []

    def keep(_data: Path, flights: list[Flight], _sensor: Sensor, _source: str) -> dict[str, int]:
        batches.append(len(flights))
        return {"imported": len(flights), "unchanged": 0, "failed": 0}

    monkeypatch.setattr(air_live, "_kept", keep)
    monkeypatch.setattr(air_live, "_MOST_WAITING", 100)
    kept = Keeping(tmp_path, Sensor(name="x"), "file", float("inf"))
    (flight,) = heard(*flying(30)).values()
    for _ in range(7):
        kept.take(flight)
        kept.keep(())
    kept.keep((), now=True)
    assert batches == [3, 3, 1]
    assert kept.counts["imported"] == 7


def test_what_has_no_name_yet_waits_before_it_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It may be of another: then no object under its address is left behind. When it has ended it is kept as it is."""
    kept_keys: list[str] = []

    def keep(_data: Path, flights: list[Flight], _sensor: Sensor, _source: str) -> dict[str, int]:
        kept_keys.extend(flight.key for flight in flights)
        return {"imported": 0, "unchanged": 0, "failed": 0}

    monkeypatch.setattr(air_live, "_kept", keep)
    short, long = (heard(*flying(seconds, names=(), transmitter=seconds)).popitem()[1] for seconds in (10, 60))
    (named,) = heard(*flying(10)).values()
    kept = Keeping(tmp_path, Sensor(name="x"), "file", 0.0)
    kept.keep((short, long, named))
    assert kept_keys == [long.key, named.key]
    kept.take(short)
    kept.keep((), now=True)
    assert kept_keys[2:] == [short.key]


def test_what_turned_out_to_be_of_another_is_told_of_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    live, zones = air_told.Live(as_json=True), Zones((), as_json=True)

    def joined(part: Flight, flight: Flight) -> None:
        live.joined(part, flight)
        zones.joined(part, flight)

    picture = Picture(ended=live.ended, moved=live.moved, joined=joined)
    late = flying(5, since=5.0, names=(), transmitter=7, east=2000.0)
    for one in (*flying(5), *late, *flying(5, since=10.0, transmitter=7)):
        picture.take(one, Sensor(name="x"))
    picture.end()
    ended = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"ended"' in line]
    assert [one["aircraft"] for one in ended] == [WELL]
    assert (live.tally.aircraft, live._told, live._spoofed) == (1, {}, set())


def test_what_was_let_go_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    flight = doubted(1)
    flight.thinned = 1234
    tally = Tally([flight])
    tell_summary(summed([], tally), None, as_json=False)
    assert "points left out of tracks: 1,234" in capsys.readouterr().out
    tell_summary(summed([], tally), None, as_json=True)
    assert json.loads(capsys.readouterr().out)["let_go"] == {"points": 1234}
    tell_summary(summed([], Tally([doubted(2)])), None, as_json=True)
    assert "let_go" not in json.loads(capsys.readouterr().out)
