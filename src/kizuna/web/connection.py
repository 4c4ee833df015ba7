"""One HTTP/1.1 connection within bounds: a head and a body come in time or not at all, a head is small, an answer is read.

Uvicorn bounds none of it: a client that sends or reads a byte now and then would hold its connection for ever.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from kizuna.settings import Limits
from kizuna.web.crowd import Crowd

HEAD_BYTES = 64 * 1024
# What a body's sender and an answer's reader must move within `stall_seconds`.
LEAST_BYTES = 16 * 1024
# What may still come of a body that was answered before its end, so that its sender reads the answer and not a broken connection.
_LEFT_BYTES = 4 << 20
_LEFT_SECONDS = 2.0
_SLOW = b"408 Request Timeout"
_LARGE = b"431 Request Header Fields Too Large"


class Connection(HttpToolsProtocol):
    """Closes itself with 408 or 431; timers run only while something of a request is still to come."""

    limits = Limits()
    crowd = Crowd(limits.connections)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._awaits_head = True
        self._whole = False  # whether what came last ended a request
        self._unanswered: deque[RequestResponseCycle] = deque()
        self._head = 0
        self._left = 0
        self._came = 0  # bytes of a body
        self._since = self.loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._moving: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection that never says anything ends as well."""
        super().connection_made(transport)
        self.crowd.enter(self)
        self._wait(self.limits.head_seconds)

    def data_received(self, data: bytes) -> None:
        """Most requests come whole in one piece: then no timer is ever set."""
        self._whole = False
        self._since = self.loop.time()
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
            self._came = 0
            self._moves(lambda: self._came, self._stalled)
        self._came += size

    def on_response_complete(self) -> None:
        """Somebody whose body was refused soon stops sending it, or is stopped."""
        self._since = self.loop.time()
        self._unanswered.popleft()
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
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            self._unanswered.append(self.cycle)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._awaits_head, self._whole = True, True
        self._stop()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more to wait for."""
        self.crowd.leave(self)
        self._stop()
        self._rest()
        for cycle in self._unanswered:  # Uvicorn tells only the last of those that were sent one behind the other
            cycle.disconnected = True
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The answer waits for its reader, who has to go on reading."""
        super().pause_writing()
        self._moves(lambda: -self.transport.get_write_buffer_size(), self.leave)

    def resume_writing(self) -> None:
        """All of it is on its way."""
        super().resume_writing()
        self._rest()

    @property
    def address(self) -> str:
        """Where it comes from."""
        return self.client[0] if self.client else ""

    @property
    def idle_since(self) -> float | None:
        """Since when nothing is done for it; None while a request of it is worked on."""
        return None if self._answering() else self._since

    def leave(self) -> None:
        """End at once."""
        self.transport.abort()

    def _moves(self, measure: Callable[[], int], stalled: Callable[[], None]) -> None:
        """Look from time to time whether what is measured has risen by enough."""
        before = measure()

        def look() -> None:
            self._moving = None
            if self.transport.is_closing() and stalled != self.leave:
                return
            if measure() - before < LEAST_BYTES and not self.flow.read_paused:
                stalled()
            else:
                self._moves(measure, stalled)

        self._rest()
        self._moving = self.loop.call_later(self.limits.stall_seconds, look)

    def _rest(self) -> None:
        if self._moving is not None:
            self._moving.cancel()
            self._moving = None

    def _stalled(self) -> None:
        if self._timer is not None and not self._awaits_head:
            self._stop()
            self._too_slow(self.limits.body_seconds)

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
    return type("Connection", (Connection,), {"limits": limits, "crowd": Crowd(limits.connections)})
