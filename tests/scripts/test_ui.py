"""What the pages load is made of the sources beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_built_files_are_those_of_the_sources() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/ui", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_lock_file_records_no_address() -> None:
    lock = (ROOT / "ui" / "package-lock.json").read_text()
    assert "://" not in lock
    assert '"integrity"' in lock


def test_nothing_built_asks_the_outside() -> None:
    """The one script names no other host."""
    script = (ROOT / "src/kizuna/web/static/kizuna.js").read_text()
    assert not [part[:40] for part in script.split("://")[1:] if not part.startswith("www.w3.org/")]
