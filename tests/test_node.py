"""The node as a whole: its connections are bounded."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import httpx
import uvicorn

from kizuna import node
from kizuna.settings import Limits
from kizuna.store import Store


def test_connections_are_bounded(make_store: Callable[..., Store]) -> None:
    store = make_store(limits=Limits(connections=5))
    server = uvicorn.Server(node._config(store, store.settings))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        address = listener.getsockname()
        url = f"http://127.0.0.1:{address[1]}/healthz"
        with ExitStack() as idle:
            for _ in range(8):
                idle.enter_context(socket.create_connection(address))
            assert httpx.get(url).status_code == 200
            assert len(server.server_state.connections) <= 5
        assert httpx.get(url).status_code == 200
        server.should_exit = True
        thread.join(10)
