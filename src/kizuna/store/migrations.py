"""The steps that bring a database up to this release's schema: numbered alike for every kind of database."""

from __future__ import annotations

import re
from importlib import resources
from typing import NamedTuple

from kizuna.errors import InvalidInput


class Step(NamedTuple):
    """One migration: its number, name and SQL."""

    number: int
    name: str
    sql: str


def steps(kind: str, until: int | None = None) -> list[Step]:
    """Every shipped step for `sqlite` or `postgres`, in order; with `until` only those up to that number."""
    found = []
    for entry in resources.files(f"kizuna.store.{kind}").joinpath("migrations").iterdir():
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", entry.name)
        if match and (until is None or int(match[1]) <= until):
            found.append(Step(int(match[1]), match[2], entry.read_text(encoding="utf-8")))
    return sorted(found)


def newer(at: int, newest: int) -> InvalidInput:
    """What is said of a store that a later release made."""
    return InvalidInput(f"this store was made by a newer Kizuna (schema {at}, this one knows {newest}); upgrade Kizuna")
