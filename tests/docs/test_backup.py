"""The guide to backups: its commands run, one after the other, and both languages show the same."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from kizuna.store import Partner, open_store
from kizuna.store.sqlite.copied import KEPT
from tests.builders import CLEAR, campaign
from tests.commands import bundle, kizuna

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide"
PAGES = ("backup.md", "backup.ja.md")


def commands(name: str) -> list[str]:
    """What is shown behind a prompt."""
    return re.findall(r"^\$ kizuna (.*)$", (GUIDE / name).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", PAGES)
def test_every_command_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "node"
    assert kizuna("init", "--data", folder, "--name", "Riga", "--org", "CERT Riga", "--country", "LVA").code == 0
    store = open_store(folder)
    store.put_partner(Partner(name="Kyiv", organisation="CERT Kyiv", country="UKR", receives=("TLP:CLEAR",)))
    store.close()
    aurora = bundle(campaign("Aurora", object_marking_refs=[CLEAR]))
    assert kizuna("import", "-", "--data", folder, input=aurora).code == 0
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIZUNA_DATA", str(folder))
    assert len(commands(name)) == 6
    for command in commands(name):
        done = kizuna(*shlex.split(command))
        assert done.code == 0, (command, done.err)
    assert campaign("Aurora")["id"] in (tmp_path / "kyiv.json").read_text(encoding="utf-8")
    assert kizuna("epoch", "show", "--data", tmp_path / "restored", "--json").last() == {
        "epoch": 3,
        "stopped": ["Kyiv"],
    }


def test_both_languages_show_the_same() -> None:
    assert commands(PAGES[0]) == commands(PAGES[1])


@pytest.mark.parametrize("name", PAGES)
def test_it_calls_the_kept_copies_what_they_are_called(name: str) -> None:
    assert f"node.sqlite{KEPT}0008" in (GUIDE / name).read_text(encoding="utf-8")
