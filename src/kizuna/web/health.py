"""Health for supervisors: no credentials, no detail."""

from __future__ import annotations

import sqlite3
from typing import Any

import anyio.to_thread
from litestar import Request, Response, get

from kizuna import deadline
from kizuna.errors import KizunaError, NodeBusy
from kizuna.store import Store
from kizuna.store.keys import load_key
from kizuna.store.room import has_room
from kizuna.web.context import of

SECONDS = 5.0
"""A store that has not answered by then is not ready."""


@get("/healthz", sync_to_thread=False)
def healthz() -> Response[bytes]:
    """The process answers."""
    return Response(b"ok\n", media_type="text/plain")


@get("/readyz")
async def readyz(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The store can be read and the key is there; else 503. Where there is too little room to take anything in it says so."""
    # A thread of its own: those of others may all be waiting for the very store that is asked for here.
    return await anyio.to_thread.run_sync(_ready, of(request).store, limiter=of(request).health)


def _ready(store: Store) -> Response[bytes]:
    try:
        with deadline.within(SECONDS):
            store.database.read().execute("select 1 from meta limit 1").fetchall()
        load_key(store.folder)
        room = has_room(store)
    except (KizunaError, sqlite3.Error, OSError):
        raise NodeBusy("not ready") from None
    return Response(b"ready\n" if room else b"ready to be read; no room to take anything in\n", media_type="text/plain")


HANDLERS = (healthz, readyz)
