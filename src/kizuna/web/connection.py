"""One HTTP/1.1 connection within bounds: a head and a body come in time or not at all, and a head is small.

Uvicorn bounds neither: a client that sends a byte now and then would hold its connection for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kizuna.settings import Limits

HEAD_BYTES = 64 * 1024
# What may still come of a body that was answered before its end, so that its sender reads the answer and not a broken connection.
_LEFT_BYTES = 4 << 20
_LEFT_SECONDS = 2.0
_SLOW = b"408 Request Timeout"
_LARGE = b"431 Request Header Fields Too Large"


class Connection(HttpToolsProtocol):
    """Closes itself with 408 or 431; timers run only while something of a request is still to come."""

    limits = Limits()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._awaits_head = True
        self._whole = False  # whether what came last ended a request
        self._head = 0
        self._left = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection that never says anything ends as well."""
        super().connection_made(transport)
        self._wait(self.limits.head_seconds)

    def data_received(self, data: bytes) -> None:
        """Most requests come whole in one piece: then no timer is ever set."""
        self._whole = False
        super().data_received(data)
        if self._whole or self.transport.is_closing():
            return
        if not self._awaits_head:
            self._awaits_body(len(data))
            return
        self._head += len(data)
        if self._head > HEAD_BYTES:
            self._refuse(_LARGE)
        elif self._timer is None:
            self._wait(self.limits.head_seconds)

    def _awaits_body(self, size: int) -> None:
        if not self._answering():
            self._left += size
            if self._left > _LEFT_BYTES:
                self.transport.close()
        elif self._timer is None:
            self._wait(self.limits.body_seconds)

    def on_response_complete(self) -> None:
        """Somebody whose body was refused soon stops sending it, or is stopped."""
        super().on_response_complete()
        if not self._awaits_head and not self._answering() and not self.transport.is_closing():
            self._stop()
            self._wait(_LEFT_SECONDS)

    def on_message_begin(self) -> None:
        """A head follows."""
        self._whole = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A body follows, or nothing."""
        self._awaits_head, self._head, self._left = False, 0, 0
        self._stop()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._awaits_head, self._whole = True, True
        self._stop()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more to wait for."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._too_slow, seconds)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self, seconds: float) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if not self._awaits_head and not self._answering():
            self.transport.close()
            return
        # While we read nothing, or answer the request before, it is not the client that is slow.
        if self.flow.read_paused or (self._awaits_head and self._answering()):
            self._wait(seconds)
        else:
            self._refuse(_SLOW)

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, status: bytes) -> None:
        """Say why, unless an answer has begun, and close."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()


def bounded(limits: Limits) -> type[Connection]:
    """The connections of a node with these limits."""
    return type("Connection", (Connection,), {"limits": limits})
