"""Three objects that many tests import, and what an export gives of them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.builders import AMBER, CLEAR, campaign, identity
from tests.commands import kizuna

OBJECTS = [
    campaign("Aurora", object_marking_refs=[CLEAR]),
    campaign("Borealis", object_marking_refs=[AMBER]),
    identity("Riga"),
]


def exported(folder: Path, *more: str) -> list[str]:
    """The ids of an export."""
    done = kizuna("export", "--data", folder, *more)
    assert done.code == 0, done.err
    return sorted(o["id"] for o in json.loads(done.out).get("objects", []))
