"""What an operator should know of a PostgreSQL server that keeps a node, asked without changing anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kizuna.store.postgres.connection import Raw, told
from kizuna.store.postgres.database import connected, schema_of

_SAFE = {
    "fsync": "on",
    "full_page_writes": "on",
    "server_encoding": "UTF8",
}


def trouble(url: str) -> list[str]:
    """Settings of the server under which what was acknowledged may be lost. Raises Unavailable."""
    with _asked(url) as raw:
        names = list(_SAFE)
        rows = raw.execute("select name, setting from pg_settings where name = any(%s)", (names,)).fetchall()
    return [f"{name} is {value}; it should be {_SAFE[name]}" for name, value in rows if value != _SAFE[name]]


def schema(url: str) -> int:
    """The number of the last migration that was taken. Raises Unavailable."""
    with _asked(url) as raw:
        return schema_of(raw)


@contextmanager
def _asked(url: str) -> Iterator[Raw]:
    with told():
        raw = connected(url)
        try:
            yield raw
        finally:
            raw.close()
