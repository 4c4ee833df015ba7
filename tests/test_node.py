"""The node as a whole: its connections are bounded."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack

import httpx
import pytest
import uvicorn

from kizuna import node
from kizuna.store import Store


def test_connections_are_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "CONNECTIONS", 5)
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
            assert httpx.get(url).status_code == 503
        while len(server.server_state.connections) > 1:
            time.sleep(0.01)
        assert httpx.get(url).status_code == 200
        server.should_exit = True
        thread.join(10)
