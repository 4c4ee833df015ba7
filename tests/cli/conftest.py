"""A node made by the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import kizuna


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A node as `kizuna init` makes it."""
    made = tmp_path / "node"
    done = kizuna("init", "--data", made, "--name", "Riga", "--org", "CERT Riga", "--country", "LVA")
    assert done.code == 0, done.err
    return made
