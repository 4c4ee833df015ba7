"""Settings and where they come from."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from kizuna.settings import Limits, Settings
from tests.commands import kizuna


def test_every_setting_is_shown(folder: Path) -> None:
    shown = kizuna("config", "show", "--data", folder, "--json").last()
    settings = {field.name for field in msgspec.structs.fields(Settings)} - {"limits"}
    assert set(shown) == settings | {f"limits.{field.name}" for field in msgspec.structs.fields(Limits)}
    assert (shown["name"], shown["port"], shown["limits.page"]) == ("Riga", 8700, 1000)


def test_origin_is_environment_before_file_before_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIZUNA_PORT", "9100")
    shown = kizuna("config", "show", "--origin", "--data", folder, "--json").last()
    assert shown["port"] == {"value": 9100, "origin": "environment (KIZUNA_PORT)"}
    assert shown["name"] == {"value": "Riga", "origin": "node.json"}
    assert shown["listen"] == {"value": "127.0.0.1", "origin": "default"}
    table = kizuna("config", "show", "--origin", "--data", folder).out
    assert "environment (KIZUNA_PORT)" in table


def test_broken_settings_are_one_line(folder: Path) -> None:
    (folder / "node.json").write_text('{"name": 7}')
    done = kizuna("config", "show", "--data", folder)
    assert done.code == 1
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1


def test_a_senseless_environment_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIZUNA_PORT", "many")
    assert kizuna("config", "show", "--data", folder).code == 1
