"""The operator's own listener: `/metrics`, on a port apart from the one partners know, and on this machine unless told otherwise."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

# One reader at a time, each of whom has little time: nobody else has business here.
SECONDS = 5.0
LOCAL = ("127.0.0.1", "::1", "localhost")
# https://prometheus.io/docs/instrumenting/exposition_formats/
TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Admin:
    """Answers on a listening socket, from a thread of its own, while it is entered. `url` is where the metrics are."""

    def __init__(self, listener: socket.socket, page: Callable[[], bytes]) -> None:
        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}/metrics" if ":" in host else f"http://{host}:{port}/metrics"
        self._server = _Server(listener, page)
        self._thread = threading.Thread(target=self._server.serve_forever, name="admin", daemon=True)

    def __enter__(self) -> Admin:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(SECONDS)


def _host(stated: str) -> str:
    """The name in a Host header, without port and brackets."""
    return (stated.partition("]")[0] if stated.startswith("[") else stated.partition(":")[0]).strip("[]").lower()


class _Server(HTTPServer):
    def __init__(self, listener: socket.socket, page: Callable[[], bytes]) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.page = page
        self.local = self.server_address[0] in LOCAL

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Somebody who went away, or was too slow, is nobody's concern."""


class _Handler(BaseHTTPRequestHandler):
    timeout = SECONDS
    server: _Server

    def do_GET(self) -> None:
        """The metrics, and nothing else."""
        if self.path.partition("?")[0] != "/metrics":
            self._answer(404, b"only /metrics is here\n")
            return
        if self.server.local and _host(self.headers.get("Host", "")) not in LOCAL:
            # A page of somebody else whose name leads here, in a browser on this machine.
            self._answer(403, b"asked by a name that is not this machine's\n")
            return
        self._answer(200, self.server.page())

    def version_string(self) -> str:
        """What serves it is nobody's concern."""
        return "kizuna"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: who reads metrics every few seconds is no news."""

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", TEXT)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
