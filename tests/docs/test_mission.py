"""The README's table is the mission's, and every command it names does what its row says.

`KIZUNA_WRITE_DOCS=1 pytest tests/docs` writes the table anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
ROWS: list[dict[str, Any]] = yaml.safe_load((ROOT / "docs" / "mission.yaml").read_text(encoding="utf-8"))["rows"]
_TABLE = re.compile(r"(<!-- mission:[^\n]*-->\n).*?(<!-- /mission -->)", re.DOTALL)


def test_the_table_in_the_readme_is_generated() -> None:
    text = README.read_text(encoding="utf-8")
    wanted, found = _TABLE.subn(lambda match: match[1] + table() + match[2], text)
    assert found == 1
    if os.environ.get("KIZUNA_WRITE_DOCS"):
        README.write_text(wanted, encoding="utf-8")
    else:
        assert text == wanted


def table() -> str:
    """The rows as a table."""
    lines = ["| what partners agreed | command or page | state |", "|---|---|---|"]
    for row in ROWS:
        place = f"`{row['command']}`" if "command" in row else row.get("page", "–")
        lines.append(f"| {row['agreed']} | {place} | {row['state']} |")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("row", ROWS, ids=[row["agreed"] for row in ROWS])
def test_a_row_is_complete(row: dict[str, Any]) -> None:
    assert row["state"] in {"works", "partly", "planned"}
    named = {"command", "run", "page"} & set(row)
    assert bool(named) == (row["state"] != "planned")
    assert ("command" in row) == ("run" in row)
