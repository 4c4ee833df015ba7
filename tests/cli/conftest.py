"""A node made by the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from kizuna.store import Partner, open_store
from tests.cli.given import OBJECTS
from tests.commands import bundle, kizuna


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A node as `kizuna init` makes it."""
    made = tmp_path / "node"
    done = kizuna("init", "--data", made, "--name", "Riga", "--org", "CERT Riga", "--country", "LVA")
    assert done.code == 0, done.err
    return made


@pytest.fixture
def served(folder: Path) -> Path:
    """A node with a partner that receives CLEAR, and three objects: for it, amber, unmarked."""
    store = open_store(folder)
    store.put_partner(
        Partner(name="Kyiv", organisation="CERT Kyiv", country="UKR", receives=("TLP:CLEAR", "TLP:GREEN"))
    )
    store.close()
    assert kizuna("import", "-", "--data", folder, input=bundle(*OBJECTS)).code == 0
    return folder
