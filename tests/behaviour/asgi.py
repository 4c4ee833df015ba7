"""The true application asked in this process: the ASGI protocol spoken by hand, without sockets and without a client's own ideas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

import anyio
import msgspec
from anyio.from_thread import BlockingPortal, start_blocking_portal

from kizuna.store import Store
from kizuna.web import create_app

Header = tuple[bytes, bytes]


class Reply(msgspec.Struct, frozen=True):
    """Status, headers in the order they came, and body."""

    status: int
    headers: tuple[Header, ...]
    body: bytes

    def header(self, name: str) -> str:
        """The value of a header; empty when there is none."""
        return next((v.decode("latin-1") for n, v in self.headers if n.lower() == name.encode()), "")

    def json(self) -> Any:
        """The body as JSON."""
        return msgspec.json.decode(self.body)


class Client:
    """Asks one application. Bytes go as they are: what a server would refuse before the application is for tests of the server."""

    def __init__(self, app: Any, portal: BlockingPortal) -> None:
        self.app = app
        self._portal = portal

    def ask(
        self,
        method: str,
        target: str | bytes,
        *,
        headers: Mapping[str, str] | Sequence[Header] = (),
        body: bytes | Sequence[bytes] = b"",
    ) -> Reply:
        """The answer to one request; `target` is path and query, percent-encoded. Raises what the application raises."""
        if isinstance(headers, Mapping):
            headers = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in headers.items()]
        blocks = [body] if isinstance(body, bytes) else list(body)
        if not any(name == b"content-length" for name, _ in headers) and any(blocks):
            headers = [*headers, (b"content-length", str(sum(map(len, blocks))).encode())]
        return self._portal.call(partial(self._ask, method, target, list(headers), blocks))

    async def _ask(self, method: str, target: str | bytes, headers: list[Header], blocks: list[bytes]) -> Reply:
        raw = target.encode("utf-8", "surrogatepass") if isinstance(target, str) else target
        path, _, query = raw.partition(b"?")
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": unquote_to_bytes(path).decode("utf-8", "replace"), "raw_path": path, "query_string": query,
            "root_path": "", "headers": [(b"host", b"node.example"), *headers], "client": ("192.0.2.1", 1), "server": ("node.example", 80),
            "state": {},
        }  # fmt: skip
        sent: list[Any] = []
        left = list(blocks) or [b""]
        answered = anyio.Event()

        async def receive() -> dict[str, Any]:
            if not left:
                await answered.wait()  # a server says nothing more until the client has its answer
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                answered.set()

        with anyio.fail_after(60):
            await self.app(scope, receive, send)
        assert [message["type"] for message in sent[:1]] == ["http.response.start"], sent[:1]
        return Reply(
            sent[0]["status"], tuple(map(_pair, sent[0]["headers"])), b"".join(m.get("body", b"") for m in sent[1:])
        )


def _pair(header: Sequence[bytes]) -> Header:
    name, value = header
    return bytes(name), bytes(value)


@contextmanager
def portal() -> Iterator[BlockingPortal]:
    """An event loop in a thread of its own, for any number of applications."""
    with start_blocking_portal() as started:
        yield started


@contextmanager
def asked(store: Store, portal: BlockingPortal) -> Iterator[Client]:
    """A client of a store's node, started as a server starts it and stopped at the end."""
    app = create_app(store)
    with portal.wrap_async_context_manager(Lifespan(app)):
        yield Client(app, portal)


class Lifespan:
    """Startup and shutdown of an application."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __aenter__(self) -> None:
        self._in_send, self._in_receive = anyio.create_memory_object_stream[dict[str, Any]](1)
        self._out_send, self._out_receive = anyio.create_memory_object_stream[dict[str, Any]](1)
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self.app, {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}},
                               self._in_receive.receive, self._out_send.send)  # fmt: skip
        await self._say("startup")

    async def __aexit__(self, *error: Any) -> None:
        await self._say("shutdown")
        await self._tasks.__aexit__(None, None, None)
        for stream in (self._in_send, self._in_receive, self._out_send, self._out_receive):
            stream.close()

    async def _say(self, what: str) -> None:
        await self._in_send.send({"type": f"lifespan.{what}"})
        answer = await self._out_receive.receive()
        assert answer["type"] == f"lifespan.{what}.complete", answer
