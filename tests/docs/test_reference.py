"""The reference is written by `scripts/reference` from the code, in both languages."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


def test_the_reference_is_as_the_code_says(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "reference"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    written = {file.name for file in tmp_path.iterdir()}
    assert written == {f"{name}{suffix}.md" for name in ("commands", "settings", "api") for suffix in ("", ".ja")}
    for name in written:
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert (REFERENCE / name).read_text(encoding="utf-8") == text, (
            f"{name} is old: run .venv/bin/python scripts/reference"
        )


def test_both_languages_tell_of_the_same() -> None:
    for english in ("commands.md", "settings.md", "api.md", "exit-codes.md"):
        japanese = REFERENCE / english.replace(".md", ".ja.md")
        names = [_names(file.read_text(encoding="utf-8")) for file in (REFERENCE / english, japanese)]
        assert len(names[0]) > 5
        assert names[0] == names[1]


def _names(text: str) -> list[str]:
    """What stands in headings of code, and first in rows of tables."""
    return re.findall(r"^(?:## (?:kizuna|GET|POST|PUT|DELETE) .+|\| (?:`[^`]+`(?: ●)?|\d+) \|)", text, re.MULTILINE)
