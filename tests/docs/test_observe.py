"""The operator's guide: its commands run, and it names every setting and every metric there is, in both languages alike."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from kizuna.observe.metrics import Metrics
from kizuna.settings import ENVIRONMENT
from kizuna.store import Partner, Store
from tests.commands import kizuna

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide"
PAGES = ("observe.md", "observe.ja.md")
SETTINGS = {"log", "log_level", "log_addresses", "admin_port"}


def text(name: str) -> str:
    return (GUIDE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_every_metric_is_named(name: str, store: Store) -> None:
    store.put_partner(Partner(name="Kyiv", organisation="CERT Kyiv", country="UKR"))
    families = set(re.findall(r"^# TYPE (kizuna_\w+) ", Metrics(store).page().decode(), re.MULTILINE))
    families = {family for family in families if not family.endswith("_created")}
    named = set(re.findall(r"`(kizuna_\w+)`", text(name)))
    assert {family.removesuffix("_info") for family in named} == {family.removesuffix("_info") for family in families}


@pytest.mark.parametrize("name", PAGES)
def test_every_setting_it_names_is_one(name: str) -> None:
    variables = set(re.findall(r"KIZUNA_(\w+)", text(name)))
    assert variables == {setting.upper() for setting in SETTINGS}
    assert set(ENVIRONMENT) >= SETTINGS


@pytest.mark.parametrize("name", PAGES)
def test_every_command_runs(name: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIZUNA_DATA", str(store.folder))
    commands = re.findall(r"^\$ kizuna (.*)$", text(name), re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        done = kizuna(*shlex.split(command))
        assert done.code == 0, done.err
    assert (tmp_path / "november.csv").read_text().startswith("number,at,actor,act,subject,detail,chain")


def test_both_languages_show_the_same() -> None:
    english, japanese = (re.findall(r"^```\w+\n(.*?)^```$", text(name), re.MULTILINE | re.DOTALL) for name in PAGES)
    assert english == japanese
