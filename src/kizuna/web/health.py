"""Health for supervisors: no credentials, no detail."""

from __future__ import annotations

import sqlite3
from typing import Any

from litestar import Request, Response, get

from kizuna.errors import KizunaError, NodeBusy
from kizuna.store.keys import load_key
from kizuna.store.room import has_room
from kizuna.web.context import of


@get("/healthz", sync_to_thread=False)
def healthz() -> Response[bytes]:
    """The process answers."""
    return Response(b"ok\n", media_type="text/plain")


@get("/readyz", sync_to_thread=True)
def readyz(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The store can be read and the key is there; else 503. Where there is too little room to take anything in it says so."""
    store = of(request).store
    try:
        store.database.read().execute("select 1 from meta limit 1").fetchall()
        load_key(store.folder)
        room = has_room(store)
    except (KizunaError, sqlite3.Error, OSError):
        raise NodeBusy("not ready") from None
    return Response(b"ready\n" if room else b"ready to be read; no room to take anything in\n", media_type="text/plain")


HANDLERS = (healthz, readyz)
