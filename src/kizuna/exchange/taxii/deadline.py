"""An end to one answer of a peer, whatever it drips: httpx bounds only the time between two pieces, of headers too."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

from kizuna.errors import PeerFailed


class Sockets:
    """The connections a client has opened and may still use; `cut` ends them in the middle of whatever they do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._ended = False

    def add(self, opened: socket.socket) -> None:
        """Remember one; those closed since are forgotten."""
        with self._lock:
            self._open = [one for one in self._open if one.fileno() >= 0] + [opened]
            if self._ended:
                _shut(opened)

    def cut(self) -> None:
        """Let everybody who waits for one read its end, and every later one too."""
        with self._lock:
            self._ended = True
            for one in self._open:
                _shut(one)


class Deadline:
    """While it is entered: after `seconds` the connections are cut and what comes of that is the error `late`."""

    def __init__(self, seconds: float, late: PeerFailed, sockets: Sockets) -> None:
        self._late = late
        self._sockets = sockets
        self._passed = threading.Event()
        self._timer = threading.Timer(max(seconds, 0.0), self._pass)
        self._timer.daemon = True
        if seconds <= 0:
            raise late

    def __enter__(self) -> Deadline:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._timer.cancel()
        if self._passed.is_set() and (kind is None or isinstance(error, PeerFailed)):
            raise self._late from None

    def trace(self, event: str, facts: dict[str, Any]) -> None:
        """What httpx tells of a request: each new connection, before and after TLS, is one that can be cut."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            opened = facts["return_value"].get_extra_info("socket")
            if isinstance(opened, socket.socket):
                self._sockets.add(opened)

    def _pass(self) -> None:
        self._passed.set()
        self._sockets.cut()


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
