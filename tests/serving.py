"""A node served by a real uvicorn on a free loopback port, for clients of every kind."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from kizuna.store import Store
from kizuna.web import create_app


@contextmanager
def running(app: Any, **options: Any) -> Iterator[tuple[str, int]]:
    """Where an application is served while the context lasts; options are uvicorn's."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, **{"log_level": "warning", "ws": "none", **options})
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@contextmanager
def served(store: Store) -> Iterator[str]:
    """The address of a store's node while the context lasts."""
    with running(create_app(store), lifespan="on", server_header=False) as (host, port):
        yield f"http://{host}:{port}"
