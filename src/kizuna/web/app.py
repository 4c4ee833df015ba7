"""The web application: pages, API, TAXII and health behind one door that bounds what comes in and marks what goes out."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter
from typing import Any

import anyio
import anyio.to_thread
import msgspec
from litestar import Litestar, Request, Response, Router
from litestar.datastructures import State

from kizuna.deadline import begin
from kizuna.errors import TooMany
from kizuna.events import Listener, nobody
from kizuna.events import Request as Told
from kizuna.exchange.taxii import refuse, taxii_app
from kizuna.exchange.taxii.routes import route_of
from kizuna.settings import Limits, MiB
from kizuna.store import Store
from kizuna.store.passwords import AT_ONCE
from kizuna.trace import Trace, enter, taken
from kizuna.web import api, health, pages
from kizuna.web.api.schema import read_schema
from kizuna.web.context import Context
from kizuna.web.fair import Callers, Turn, Turns
from kizuna.web.problems import MEDIA_TYPE, as_json, problem_of, wants_page

# Each thread has a SQLite connection with a cache; more of them would cost memory and win nothing on a few cores.
THREADS = 8
TAXII = "/taxii2"

# The three arguments of ASGI; what they hold is the protocol's affair (asgi.readthedocs.io).
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

_HOST = re.compile(rb"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BEYOND = re.compile(rb"[\x80-\xff]")

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: with it browsers send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
TLS_HEADERS = {"strict-transport-security": "max-age=31536000"}


def create_app(store: Store) -> Application:
    """Everything a node serves; who listens to the store hears of each request.

    It says `Secure` and HSTS where people reach it over TLS.
    """
    secure = store.settings.reached_by_tls
    context = Context(store, secure=secure)
    headers = HEADERS | (TLS_HEADERS if secure else {})
    return Door(
        _application(context), taxii_app(store, context.authenticator), headers, store.tell, store.settings.limits
    )


def routes() -> list[tuple[str, str]]:
    """(method, path) of every route but TAXII's, as the registry of exits writes them."""
    found = {
        (method, route.path.replace(":str", ""))
        for router in (api.router(), _pages())
        for route in router.routes
        for method in route.methods
        if method != "OPTIONS"
    }
    return sorted(found)


def _pages() -> Router:
    # One router for all that is no API: Litestar 2.25 wraps a handler twice when two handlers of one path come singly.
    return Router("/", route_handlers=[read_schema, *health.HANDLERS, *pages.HANDLERS])


def _application(context: Context) -> Application:
    return Litestar(
        [api.router(), _pages()],
        state=State({"context": context}),
        exception_handlers={Exception: _failed},
        on_startup=[_few_threads],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=MiB,
    )


class Door:
    """Sends requests to TAXII or the rest, each caller's in its turn, answers HEAD like GET without a body, puts the security
    headers on everything, and tells how each request went."""

    def __init__(
        self,
        inner: Application,
        taxii: Application,
        headers: dict[str, str],
        tell: Listener = nobody,
        limits: Limits | None = None,
    ) -> None:
        limits = limits or Limits()
        self._turns = Turns(limits.at_once, limits.waiting)
        self._callers = Callers()
        self._seconds = limits.answer_seconds
        self._inner = inner
        self._taxii = taxii
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._tell = tell

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        began, trace = perf_counter(), taken(scope["headers"])
        enter(trace)
        status = size = 0
        path = scope["path"]
        taxii = path == TAXII or path.startswith(f"{TAXII}/")
        head = scope["method"] == "HEAD" and not taxii and not path.startswith("/login/")
        if head:
            scope = {**scope, "method": "GET"}  # the server keeps its own, and with it sends no body

        if not taxii:
            scope = _readable(scope)

        async def marked(message: Any) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._mark(list(message["headers"]))
                if trace.parent is not None:
                    message["headers"].append((b"traceparent", trace.header))
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._in_turn(taxii, scope, receive, marked)
        finally:
            if self._tell is not nobody:
                self._tell(_told(scope, route_of(path) if taxii else None, status, perf_counter() - began, size, trace))

    async def _in_turn(self, taxii: bool, scope: Any, receive: Receive, send: Send) -> None:
        """Until the answer is read by who asked: so somebody who reads slowly holds no more answers than are their share."""
        turn = Turn(self._turns, self._callers, scope)
        try:
            await turn.take()
        except TooMany as error:
            await (refuse(send, error) if taxii else _refuse(send, error))
            return

        async def received() -> Any:
            await turn.known()  # before a body is waited for, and stored
            return await receive()

        try:
            begin(self._seconds)
            await (self._taxii if taxii else self._inner)(scope, received, send)
        finally:
            turn.give_back()

    def _mark(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        present = {name.lower() for name, _ in headers}
        if b"cache-control" not in present:
            headers.append((b"cache-control", b"no-store"))
        return [*headers, *(header for header in self._headers if header[0] not in present)]


async def _refuse(send: Send, error: TooMany) -> None:
    problem, headers = problem_of(error)
    body = msgspec.json.encode(problem)
    told = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **headers}
    start = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": start})
    await send({"type": "http.response.body", "body": body})


def _told(scope: Any, route: str | None, status: int, seconds: float, size: int, trace: Trace) -> Told:
    """What is told of a request: nothing that its sender wrote, but for the method and the pattern of an address we know."""
    method = scope["method"] if scope["method"] in _METHODS else "other"
    caller = scope.get("user")
    remote = (scope.get("client") or ("",))[0]
    # Litestar writes the pattern down where it finds a route.
    found = route or scope.get("path_template", "").replace(":str", "") or "other"
    return Told(method, found, status, seconds, size, "none" if caller is None else caller.kind, remote, trace)


def _readable(scope: Any) -> Any:
    """The request without what Litestar cannot make an address of, at which it would fail: a Host that is none, bytes in the query."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if not all(map(_HOST.fullmatch, hosts)):
        scope = {**scope, "headers": [header for header in scope["headers"] if header[0] != b"host"]}
    if not scope["query_string"].isascii():
        encoded = _BEYOND.sub(lambda found: b"%%%02X" % found[0][0], scope["query_string"])
        scope = {**scope, "query_string": encoded}
    return scope


def _failed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """One shape for every error: a page for people, problem details for programs. Who is not logged in is led to the log-in."""
    if isinstance(error, pages.AtTheDoor):
        return pages.redirect("/login")
    problem, headers = problem_of(error)
    if wants_page(request):
        return _Later(partial(pages.problem_page, request, problem, headers))
    return as_json(problem, headers)


class _Later(Response[bytes]):
    """A response that a thread makes when it is sent: an error is handled where all requests run, and a page asks who reads it."""

    def __init__(self, make: Callable[[], Response[bytes]]) -> None:
        super().__init__(b"")
        self._make = make

    def to_asgi_response(self, app: Litestar | None, request: Request[Any, Any, Any], **_: Any) -> Any:
        """Who sends it."""

        async def answer(scope: Any, receive: Receive, send: Send) -> None:
            made = await anyio.to_thread.run_sync(self._make)
            await made.to_asgi_response(app, request)(scope, receive, send)

        return answer


async def _few_threads(app: Litestar) -> None:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    app.state["context"].turns = anyio.CapacityLimiter(AT_ONCE)
    app.state["context"].health = anyio.CapacityLimiter(2)


__all__ = ["HEADERS", "create_app"]
