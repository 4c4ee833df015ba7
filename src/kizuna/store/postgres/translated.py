"""The store's SQL in PostgreSQL's spelling. Statements are written once, in the part of SQLite's SQL that both have.

What differs, and nothing else: how parameters are marked, how a set is passed, and hints to SQLite's planner, which mean nothing here.
"""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(
    r"(?P<text>'(?:[^']|'')*')"
    r"|(?P<positional>\?)"
    r"|(?P<named>(?<![:\w]):[a-z_]\w*)"
    r"|(?P<percent>%)"
    r"|(?P<texts>\bselect atom from json_each\()"
    r"|(?P<numbers>\bjson_each\()"
    r"|(?P<hint>\s+indexed by \w+)"
    r"|(?P<cross>\bcross join\b)"
)
_FIXED = {
    "positional": "%s",
    "percent": "%%",
    "texts": "select atom from json_texts(",
    "numbers": "json_numbers(",
    "hint": "",
    "cross": "join",
}


@lru_cache(maxsize=2_000)
def translated(sql: str) -> str:
    """A statement as psycopg takes it."""
    return _TOKEN.sub(_one, sql)


def _one(found: re.Match[str]) -> str:
    kind = str(found.lastgroup)
    if kind == "text":
        return found[0].replace("%", "%%")
    if kind == "named":
        return f"%({found[0][1:]})s"
    return _FIXED[kind]
