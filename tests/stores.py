"""Which stores a test is about: without a word, every one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

Databases = Callable[[], AbstractContextManager[str | None]]
"""Makes stores that are there for a while: contexts that give their address, None for the usual file."""

SQLITE = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
"""For what is about SQLite's own ways: its file, its planner, its instructions."""

POSTGRES = pytest.mark.parametrize("new_database", ["postgres"], indirect=True)
"""For what is about PostgreSQL's own ways."""
