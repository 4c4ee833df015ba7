"""The documentation site has every page, in both languages, in its plan."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def test_every_page_is_in_the_plan() -> None:
    plan = tomllib.loads((DOCS / "site" / "plan.toml").read_text(encoding="utf-8"))
    for part in ("guide", "reference", "design"):
        there = {file.name.removesuffix(".md").removesuffix(".ja") for file in (DOCS / part).glob("*.md")}
        assert sorted(plan[part]) == sorted(there)


def test_pages_are_laid_out_for_both_languages(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "site", tmp_path / "site"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    pages = tmp_path / "site" / "pages"
    names = {
        language: sorted(f.relative_to(pages / language) for f in (pages / language).rglob("*.md"))
        for language in ("en", "ja")
    }
    assert names["en"] == names["ja"]
    for file in pages.rglob("*.md"):
        for target in re.findall(r"\]\(([^):#]+\.md)", file.read_text(encoding="utf-8")):
            assert (file.parent / target).is_file(), (file, target)
        assert ".ja.md" not in file.read_text(encoding="utf-8")
