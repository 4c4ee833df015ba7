"""What the guide on labels shows is what happens: every command in it is run, in both languages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import kizuna

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide"
LANGUAGES = {"labels.md": "en_GB.UTF-8", "labels.ja.md": "ja_JP.UTF-8"}


def _shown(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of the console blocks and what is shown below it."""
    for block in _shown(text, "console"):
        for piece in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, output = piece.partition("\n")
            yield line, output


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_command_shown_says_what_is_shown(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (GUIDE / name).read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", LANGUAGES[name])
    (tmp_path / "seen.json").write_text(_shown(text, "json")[0], encoding="utf-8")
    silent = {"init", "pack", "import"}  # they name paths and durations
    for line, shown in _commands(text):
        program, *arguments = shlex.split(line)
        if program == "export":
            monkeypatch.setenv(*arguments[0].split("=", 1))
            continue
        assert program == "kizuna"
        done = kizuna(*arguments)
        assert done.code == (1 if shown.startswith(("error: ", "誤り: ")) else 0), done.err
        assert shown == ("" if arguments[0] in silent else done.err + done.out), line


def test_both_languages_show_the_same_commands() -> None:
    english, japanese = (
        [line for line, _ in _commands((GUIDE / name).read_text(encoding="utf-8"))] for name in LANGUAGES
    )
    assert english == japanese
