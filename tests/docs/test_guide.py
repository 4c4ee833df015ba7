"""What the guides show is what happens: every command in them is run, in both languages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import kizuna

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide"
LANGUAGES = {"en": ("", "en_GB.UTF-8"), "ja": (".ja", "ja_JP.UTF-8")}
RUN = ("first-five-minutes", "labels", "release", "air")
"""The pages whose commands are run."""
FILES = {"air": "zones.json"}
"""What the JSON that a page shows is called, if not seen.json."""


def _shown(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of the console blocks and what is shown below it."""
    for block in _shown(text, "console"):
        for piece in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, output = piece.partition("\n")
            yield line, output


def _page(name: str, language: str) -> str:
    return (GUIDE / f"{name}{LANGUAGES[language][0]}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RUN)
def test_every_command_shown_says_what_is_shown(
    name: str, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = _page(name, language)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", LANGUAGES[language][1])
    (tmp_path / "packs").symlink_to(GUIDE.parents[1] / "packs")
    (tmp_path / FILES.get(name, "seen.json")).write_text(_shown(text, "json")[0], encoding="utf-8")
    silent = {"init", "pack", "import"}  # they name paths and durations
    for line, shown in _commands(text):
        program, *arguments = shlex.split(line)
        if program == "export":
            monkeypatch.setenv(*arguments[0].split("=", 1))
            continue
        assert program == "kizuna"
        done = kizuna(*arguments)
        assert done.code == (1 if shown.startswith(("error: ", "誤り: ")) else 0), done.err
        told = "" if arguments[0] in silent else done.err + done.out
        # An ellipsis stands for an id or a moment that is another each time.
        assert re.fullmatch(re.escape(shown).replace("…", ".*"), told, re.DOTALL), (line, told)


@pytest.mark.parametrize("name", RUN)
def test_both_languages_show_the_same_commands(name: str) -> None:
    english, japanese = ([line for line, _ in _commands(_page(name, language))] for language in LANGUAGES)
    assert english == japanese
    assert _shown(_page(name, "en"), "json") == _shown(_page(name, "ja"), "json")


@pytest.mark.parametrize("file", sorted(GUIDE.glob("*.ja.md")), ids=lambda file: file.name)
def test_what_is_to_be_copied_is_the_same_in_both_languages(file: Path) -> None:
    """Settings, units and commands that are not run here; only what is said in comments differs."""
    both = [
        file.read_text(encoding="utf-8"),
        file.with_name(file.name.replace(".ja.md", ".md")).read_text(encoding="utf-8"),
    ]
    for kind in ("json", "nginx", "ini", "dockerfile", "sh"):
        japanese, english = ([re.sub(r"#.*", "", shown) for shown in _shown(text, kind)] for text in both)
        assert japanese == english, kind
    japanese, english = (re.findall(r"^    (?:kizuna|make|create) .*$", text, re.MULTILINE) for text in both)
    assert japanese == english


def test_every_page_is_there_in_both_languages() -> None:
    names = {file.name.removesuffix(".md").removesuffix(".ja") for file in GUIDE.glob("*.md")}
    for suffix, _ in LANGUAGES.values():
        assert [name for name in sorted(names) if not (GUIDE / f"{name}{suffix}.md").is_file()] == []
