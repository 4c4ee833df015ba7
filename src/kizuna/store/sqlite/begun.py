"""What the making of a node left that was cut off: a store with its tables, or not yet, and nothing that anybody brought into it."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

_FILLED = ("object", "partner", "quarantine", "job")


def is_begun(file: Path) -> bool:
    """Whether nothing is lost with this file. What is no store of Kizuna is never that, but for an empty file."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as connection:
        tables = {name for (name,) in connection.execute("select name from sqlite_master where type='table'")}
        if not tables:
            return True
        if not tables.issuperset(("meta", "object", "partner", "quarantine")):
            return False
        return not any(
            connection.execute(f"select 1 from {table} limit 1").fetchone() for table in _FILLED if table in tables
        )
    return False
