"""The node as a whole: what is wrong with one partner is that partner's matter, and connections are bounded."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack

import httpx
import pytest
import uvicorn

from kizuna import node
from kizuna.polling import Poller, Turn
from kizuna.store import Partner, Store


class Odd(Poller):
    """Fails with the first partner in a way that nobody expects, and tells when the last had its turn."""

    last = threading.Event()

    def _poll(self, name: str) -> Turn:
        if name == "Alpha":
            raise OverflowError("date value out of range")
        self.last.set()
        return Turn()


def test_what_breaks_one_poll_stops_no_other(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    Odd.last.clear()
    for name in ("Alpha", "Bravo"):
        store.put_partner(Partner(name=name, organisation=name, country="BEL", url="http://127.0.0.1:9/taxii2/"))
    with Odd(store, 0.01):
        assert Odd.last.wait(30)
    assert "polling Alpha: OverflowError: date value out of range" in capsys.readouterr().err


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
