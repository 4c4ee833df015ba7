"""What an operator should know of a PostgreSQL server that keeps a node, asked without changing anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from kizuna.store.postgres.connection import Raw, told
from kizuna.store.postgres.database import connected, schema_of

_STANDBYS = "synchronous_standby_names"
# These follow, and are nobody to go on with.
_ARCHIVING = ["pg_basebackup", "pg_receivewal", "pg_recvlogical", "barman_receive_wal", "barman_streaming_backup"]
# Nor is whoever reads changes row by row.
_FOLLOWED = """select 1 from pg_stat_replication where coalesce(application_name, '') <> all(%s)
and pid not in (select active_pid from pg_replication_slots where slot_type='logical' and active_pid is not null)"""
_SAFE = {
    "fsync": "on",
    "full_page_writes": "on",
    "server_encoding": "UTF8",
}


class Trouble(NamedTuple):
    """A setting under which what was acknowledged may be lost; `wanted` is None where a standby follows and commits wait for none."""

    name: str
    value: str
    wanted: str | None


def trouble(url: str) -> list[Trouble]:
    """What is set badly on the server. Raises Unavailable."""
    with _asked(url) as raw:
        names = [*_SAFE, _STANDBYS]
        rows = raw.execute("select name, setting from pg_settings where name = any(%s)", (names,)).fetchall()
        found = dict(rows)
        followed = raw.execute(_FOLLOWED, (_ARCHIVING,))
        unawaited = not found.pop(_STANDBYS, "") and followed.fetchone() is not None
    bad = [Trouble(name, value, _SAFE[name]) for name, value in found.items() if value != _SAFE[name]]
    return [*bad, Trouble(_STANDBYS, "", None)] if unawaited else bad


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
