"""Starter data."""

from __future__ import annotations

from pathlib import Path

import pytest

from kizuna.formats.pack import available
from kizuna.store import open_store
from tests.commands import kizuna


def test_the_list_names_licences(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = kizuna("pack", "list", "--json").lines()
    assert {row["name"] for row in rows} == {pack.name for pack in available()}
    assert all(row["licence"] and row["source"] for row in rows)
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert not kizuna("pack", "list").out.isascii()


def test_a_framework_is_loaded_once(folder: Path) -> None:
    first = kizuna("pack", "add", "atlas", "--data", folder, "--json")
    assert (first.code, first.err) == (0, "")
    assert first.last()["imported"] > 400
    assert first.last()["failed"] == 0
    again = kizuna("pack", "add", "atlas", "--data", folder, "--json").last()
    assert (again["imported"], again["failed"]) == (0, 0)


@pytest.mark.parametrize("pack", [pack.name for pack in available()])
def test_every_pack_can_be_added(folder: Path, pack: str) -> None:
    done = kizuna("pack", "add", pack, "--data", folder, "--json")
    assert (done.code, done.err, done.last()["failed"]) == (0, "", 0)


def test_groups_come_with_their_dates(folder: Path) -> None:
    assert kizuna("pack", "add", "groups", "--data", folder).code == 0
    store = open_store(folder)
    members = {group.name: group.members for group in store.groups()}
    store.close()
    joined = {country: start for country, start, _ in members["NATO"]}
    assert joined["SWE"] == 1_709_769_600_000_000  # 2024-03-07


def test_an_unknown_pack_loads_nothing_of_the_others(folder: Path) -> None:
    done = kizuna("pack", "add", "atlas", "no-such-pack", "--data", folder)
    assert done.code == 3
    assert kizuna("stats", "--data", folder, "--json").last()["objects"] == 0
