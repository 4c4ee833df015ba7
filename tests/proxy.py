"""A TCP proxy on loopback that delays, stalls, cuts, refuses, or turns to another target: a network as it can be."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit, urlunsplit

PIECE = 64 << 10


class Proxy:
    """Stands between a node and a server while it is entered."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.delay = 0.0  # seconds before each piece goes on to the server
        self.refuses = False
        self.stalls_at: bytes | None = None  # it stalls when somebody says this to the server
        self.lets_it_through = False  # whether the server still hears it
        self._flows = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self._hushed: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._do(self._begin())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def url(self, url: str) -> str:
        """An address of the server, through here."""
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{self.port}"))

    def cut(self) -> None:
        """Drop every connection there is, without a word."""
        self._do(self._cut())

    def hush(self) -> None:
        """Of connections that there are, pass nothing on any more, nor that one side has hung up."""
        self._loop.call_soon_threadsafe(lambda: self._hushed.update(self._open))

    def stall(self) -> None:
        """Let nothing through any more, and keep what is connected."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def go_on(self) -> None:
        """Let all through that waits."""
        self._loop.call_soon_threadsafe(self._flows.set)

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(60)

    async def _begin(self) -> None:
        self._flows.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _end(self) -> None:
        self._server.close()
        self._flows.set()
        self._open |= self._hushed
        await self._cut()
        mine = asyncio.current_task()
        rest = {task for task in asyncio.all_tasks() if task is not mine}
        if rest:
            _, rest = await asyncio.wait(rest, timeout=5)  # each ends with its connection
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0)  # transports close themselves in the next turn

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        try:
            back, there = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, there}
        try:
            await asyncio.gather(self._pass(reader, there, slow=True), self._pass(back, writer, slow=False))
        finally:
            self._open -= {writer, there}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool) -> None:
        try:
            while piece := await reader.read(PIECE):
                if writer in self._hushed:
                    continue
                if slow and self.stalls_at is not None and self.stalls_at in piece:
                    self.stalls_at = None
                    self._flows.clear()
                    if self.lets_it_through:
                        writer.write(piece)
                        continue
                await self._flows.wait()
                if slow and self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        finally:
            if writer not in self._hushed:
                writer.close()
