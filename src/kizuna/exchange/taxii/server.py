"""The TAXII 2.1 server as an ASGI application. Reading joins stored bytes: no object is parsed on the way out."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import Any, Protocol
from weakref import WeakValueDictionary

import msgspec

from kizuna import deadline
from kizuna.clock import to_text
from kizuna.errors import (
    InvalidInput,
    KizunaError,
    NodeBusy,
    NotAuthenticated,
    NotFound,
    Refused,
    Stopped,
    TooLarge,
    TooMany,
    UsageError,
)
from kizuna.exchange.taxii.collections import ROOT, Collection, collections_of, find_collection, shelf, source
from kizuna.exchange.taxii.counting import holds_more
from kizuna.exchange.taxii.media import STIX, TAXII, accepts_taxii, version_text
from kizuna.exchange.taxii.packing import pack
from kizuna.exchange.taxii.request import MOST, MethodNotAllowed, NotAcceptable, Request
from kizuna.exchange.taxii.status import Statuses, status_resource
from kizuna.settings import Limits, MiB
from kizuna.stix import Item, ReadLimits, iter_objects, marking_definitions
from kizuna.store import Outcome, Page, Query, Row, Store, Writer, quotas
from kizuna.store.caller import Caller
from kizuna.store.cursors import Cursors
from kizuna.store.database import overdue
from kizuna.store.room import must_have_room
from kizuna.store.told import OF_OTHERS, OF_STORED, as_told
from kizuna.trace import current

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_TITLES = {
    400: "Bad request", 401: "Not authenticated", 403: "Refused", 404: "Not found", 405: "Method not allowed",
    406: "Not acceptable", 408: "Too slow", 413: "Too large", 415: "Unsupported media type", 422: "Cannot be processed",
    429: "Too many requests", 503: "Busy", 507: "No room",
}  # fmt: skip
# Above this the objects of a body are cut out one by one; below, the list of them is cheap even when each is two bytes.
_WHOLE = 4 * MiB
_BROKEN = 1_000
_GZIP_FROM = 1_400  # what fits one packet gains nothing
IN_MEMORY = MiB  # of a body while it comes; the rest waits on disk
_PAUSE = 600  # seconds after which a stopped partner may ask again: somebody has to look first
_LOOPBACK = ("127.0.0.1", "::1", "")


class Authenticate(Protocol):
    """Who an Authorization header is, None for nobody we know."""

    def __call__(self, authorization: str | None, remote: str = "") -> Caller | None: ...


class Response(msgspec.Struct, frozen=True):
    """Status, body and the headers beyond content type and length."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Turns:
    """One caller's: one large body at a time is read, and one body stored."""

    def __init__(self) -> None:
        self.reading = asyncio.Semaphore(1)
        self.storing = asyncio.Semaphore(1)


def taxii_app(store: Store, authenticate: Authenticate) -> Callable[[Any, Any, Any], Awaitable[None]]:
    """The application; it answers under `/taxii2/` or mounted anywhere."""
    return Server(store, authenticate)


class Server:
    """Answers one request at a time per thread; everything that touches the store runs in a worker thread."""

    def __init__(self, store: Store, authenticate: Authenticate) -> None:
        self._store = store
        self._authenticate = authenticate
        self._cursors = Cursors(store.folder, lambda: store.epoch().tag)
        self._statuses = Statuses(store)
        self._limits = store.settings.limits
        # Threads that each need a fraction of a millisecond mostly wait for each other: one of them for all small answers
        # halves the 99th percentile under eight clients, and pages and writes have the others.
        self._quick = ThreadPoolExecutor(1, "taxii-quick")
        # Writes have the loop's own threads, which it waits for at the end; however many they are, pages are read.
        self._reading = ThreadPoolExecutor(4, "taxii-read")
        self._heavy = asyncio.Semaphore(
            1
        )  # large bodies are stored one at a time: each may take 64 MiB and its objects
        self._turns: WeakValueDictionary[tuple[str, str], Turns] = WeakValueDictionary()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            await _no_http(scope, receive, send)
            return
        remote = (scope.get("client") or ("",))[0]
        packed = False
        try:
            headers = {name.lower(): value for name, value in scope["headers"]}
            packed = self._packs(headers, remote)
            response = await self._answer(scope, receive, headers, remote)
        except KizunaError as error:
            response = _failure(error)
        except Exception as error:
            response = _failure(_told(error))
        if packed and len(response.body) > _GZIP_FROM:
            response = await asyncio.get_running_loop().run_in_executor(self._reading, _packed, response)
        await _send(send, response, head=scope["method"] == "HEAD")

    async def _answer(self, scope: Any, receive: Any, headers: dict[bytes, bytes], remote: str) -> Response:
        # One worker thread does all but reading a body: a second hop would cost as much as finding one object.
        lane = self._quick if _is_quick(scope) else self._reading
        handle = copy_context().run  # with the request's deadline
        found = await asyncio.get_running_loop().run_in_executor(
            lane, handle, self._handle, scope, receive, headers, remote
        )
        if isinstance(found, Response):
            return found
        return await self._take(*found)

    async def _take(self, request: Request, caller: Caller) -> Response:
        """Read a body, however slowly it comes, then store it: who is slow, or sends much, keeps nobody waiting but themselves."""
        turns = self._turns.setdefault((caller.kind, caller.name), Turns())
        heavy = request.heavy()
        with SpooledTemporaryFile(IN_MEMORY, dir=str(self._store.folder)) as body:
            async with turns.reading if heavy else nullcontext():
                await request.body(self._limits, body)
                async with turns.storing, self._heavy if heavy else nullcontext():
                    body.seek(0)
                    return await asyncio.to_thread(self._store_all, body.read(), caller)

    def _handle(
        self, scope: Any, receive: Any, headers: dict[bytes, bytes], remote: str
    ) -> Response | tuple[Request, Caller]:
        """The answer, or for a POST that may be the request whose body is to be read now."""
        authorization = headers.get(b"authorization")
        caller = self._authenticate(None if authorization is None else authorization.decode("latin-1"), remote)
        if caller is None:
            raise NotAuthenticated("this node answers nobody it does not know; send a token")
        scope["user"] = caller
        if not accepts_taxii(headers.get(b"accept", b"").decode("latin-1")):
            raise NotAcceptable(f"this node speaks {TAXII}", path="Accept")
        return self._route(Request.of(scope, receive), caller)

    def _route(self, request: Request, caller: Caller) -> Response | tuple[Request, Caller]:
        match request.path:
            case ():
                _only(request, "GET, HEAD")
                return _json(self._discovery(request))
            case (root,) if root == ROOT:
                _only(request, "GET, HEAD")
                return _json(self._api_root())
            case (root, "status", id) if root == ROOT:
                _only(request, "GET, HEAD")
                return _json(self._statuses.get(id, caller))
            case (root, "collections") if root == ROOT:
                _only(request, "GET, HEAD")
                return _json({"collections": [c.resource() for c in collections_of(self._store, caller)]})
            case (root, "collections", key, *rest) if root == ROOT:
                return self._collection(request, caller, find_collection(self._store, caller, key), rest)
        raise NotFound("no such TAXII resource")

    def _collection(
        self, request: Request, caller: Caller, collection: Collection, rest: list[str]
    ) -> Response | tuple[Request, Caller]:
        match rest:
            case []:
                _only(request, "GET, HEAD")
                return _json(collection.resource())
            case ["objects"] if request.method == "POST":
                if not collection.can_write:
                    raise Refused("you may not write to this collection")
                source(self._store, caller)  # asked before the body comes: who is stopped need not send it
                must_have_room(self._store)
                self._may_send(caller)
                return request, caller
            case ["objects", id] if request.method == "DELETE":
                return self._delete(request, caller, id)
            case ["manifest"] | ["objects"] | ["objects", _] | ["objects", _, "versions"]:
                allowed = {1: "GET, HEAD, POST" if rest == ["objects"] else "GET, HEAD", 2: "GET, HEAD, DELETE"}
                _only(request, allowed.get(len(rest), "GET, HEAD"))
                if not collection.can_read:
                    raise Refused("this collection is write-only")
                return self._read(request, caller, collection, rest)
        raise NotFound("no such TAXII resource")

    def _read(self, request: Request, caller: Caller, collection: Collection, rest: list[str]) -> Response:
        held = shelf(self._store, caller)
        asked = request.filter()
        if len(rest) > 1:
            asked = msgspec.structs.replace(asked, ids=(rest[1],))
        if rest[-1] == "versions":
            asked = msgspec.structs.replace(asked, versions=("all",))
        limit = request.limit(self._limits.page)
        # The token is good for this caller, this resource and this question only.
        bound = (caller.kind, caller.name, collection.alias, *rest, _encode(asked).decode())
        position = self._position(request, bound)
        page = held.read(asked, position, limit)
        if len(rest) > 1 and not page.rows and not self._exists(caller, rest[1]):
            raise NotFound("no such object")
        following = self._cursors.seal(page.rows[-1].position, *bound) if page.more else None
        if rest == ["manifest"]:
            body = _listing(page, following, "objects", [_manifest(row) for row in page.rows])
        elif rest[-1] == "versions":
            body = _listing(page, following, "versions", [version_text(row.version, row.added) for row in page.rows])
        else:
            body = _envelope(page, following)
        return Response(200, body, _dates(page))

    def _exists(self, caller: Caller, id: str) -> bool:
        return bool(shelf(self._store, caller).read(Query(ids=(id,), versions=("all",)), 0, 1).rows)

    def _position(self, request: Request, bound: tuple[str, ...]) -> int:
        try:
            return self._cursors.open(request.next(), *bound) or 0
        except UsageError:
            raise UsageError("this token was made for another caller or question, or is none", path="next") from None

    def _may_send(self, caller: Caller) -> None:
        """Partners have quotas, one's own people none. Raises QuotaReached."""
        if caller.kind == "partner":
            quotas.may_send(self._store, caller.name)

    def _store_all(self, body: bytes, caller: Caller) -> Response:
        self._may_send(caller)
        try:
            resource = self._stored(body, caller)
        except KizunaError:
            self._count(caller, 0, len(body))
            raise
        # One transaction for all. The objects are safe; of what is told about them here the sender has the whole anyway.
        with self._store.database.write(durable=False):
            self._count(caller, resource["total_count"], len(body))
            if caller.kind == "partner":
                self._store.note_exchange(caller.name, self._store.clock())
            self._statuses.put(resource, caller)
        return Response(202, _encode(resource))

    def _count(self, caller: Caller, objects: int, size: int) -> None:
        if caller.kind == "partner":
            quotas.count(self._store, caller.name, objects, size)

    def _stored(self, body: bytes, caller: Caller) -> dict[str, Any]:
        if holds_more(body, self._limits.items):
            raise _too_many(self._limits)
        deadline.lift()
        # What a partner sends is its own to label.
        released = caller.kind == "partner" or caller.may("release")
        writer = self._store.writer(source(self._store, caller), may_release=released)
        return status_resource(self._told(_taken_in(body, writer, self._limits), caller), self._store.clock())

    def _told(self, outcomes: Iterable[Outcome], caller: Caller) -> Iterator[Outcome]:
        """Tell as if what is hidden from the sender did not exist; a partner knows what it sent before."""
        about = OF_OTHERS if caller.kind == "partner" else OF_STORED
        for outcome in outcomes:
            yield as_told(outcome, lambda id: self._exists(caller, id), about=about)

    def _delete(self, request: Request, caller: Caller, id: str) -> Response:
        """Hide what the caller sees of an object: every version, or those that `match[version]` names."""
        if not caller.may("release"):
            raise Refused("only one's own releasers delete, and only here")
        asked = msgspec.structs.replace(request.filter(), ids=(id,))
        if "match[version]" not in request.query:
            asked = msgspec.structs.replace(asked, versions=("all",))
        view, position, more = self._store.view(caller.principal), 0, True
        versions: set[int | None] = set()
        while more:
            page = view.read(asked, position, self._limits.page)
            versions |= {row.version for row in page.rows}
            position, more = page.rows[-1].position if page.rows else position, page.more
        if not versions:
            raise NotFound("no such object")
        for version in versions:
            self._store.hide(id, by=caller.name, principal=caller.principal, version=version)
        return Response(200, b"{}")

    def _discovery(self, request: Request) -> dict[str, object]:
        base = request.base
        title = f"{self._store.settings.name} ({self._store.organisation})"
        return {
            "title": title,
            "description": "A Kizuna partner node",
            "default": f"{base}{ROOT}/",
            "api_roots": [f"{base}{ROOT}/"],
        }

    def _api_root(self) -> dict[str, object]:
        return {
            "title": self._store.settings.name,
            "versions": [TAXII],
            "max_content_length": min(self._limits.body, MOST),
        }

    def _packs(self, headers: dict[bytes, bytes], remote: str) -> bool:
        """Whether to answer in gzip: asked for, and not on the way through loopback, where it only costs."""
        if b"gzip" not in headers.get(b"accept-encoding", b""):
            return False
        return self._store.settings.compress == "always" or (
            self._store.settings.compress == "auto" and remote not in _LOOPBACK
        )


class _Envelope(msgspec.Struct):
    objects: list[msgspec.Raw]


def _taken_in(body: bytes, writer: Writer, limits: Limits) -> Iterator[Outcome]:
    """The objects of an envelope, stored one after the other. Raises InvalidInput when it is none or none of it can be read."""
    bounds = ReadLimits(object=limits.object, depth=limits.depth, split_above=_WHOLE)
    writer.define(marking_definitions(body) or ())
    if len(body) <= _WHOLE and _is_envelope(body):
        return writer.add_text(body, bounds)
    return writer.add(_at_most(_items(iter_objects(body, limits=bounds)), limits))


def _items(items: Iterator[Item]) -> Iterator[Item]:
    """Large or broken: an envelope if some object in it can be read; the broken ones are told of one by one."""
    seen = []
    for item in items:
        seen.append(item)
        if item.data is not None and item.container is not None:
            return chain(seen, items)
        if len(seen) > _BROKEN:
            break
    problems = [problem.message for item in seen for problem in item.problems]
    raise InvalidInput(problems[0] if problems else 'expected an envelope: {"objects": [...]}', path="objects")


def _is_envelope(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=_Envelope)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return True


def _at_most(items: Iterator[Item], limits: Limits) -> Iterator[Item]:
    """Objects of a broken body cannot be counted before they are read."""
    for count, item in enumerate(items):
        if count >= limits.items:
            raise _too_many(limits)
        yield item


def _too_many(limits: Limits) -> TooLarge:
    return TooLarge(f"more than {limits.items} objects in one request; send them in several", path="objects")


async def _no_http(scope: Any, receive: Any, send: Any) -> None:
    """Start and stop when served alone; no web sockets."""
    if scope["type"] != "lifespan":
        await send({"type": "websocket.close", "code": 1000})
        return
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": f"{message['type']}.complete"})
    await send({"type": "lifespan.shutdown.complete"})


def _is_quick(scope: Any) -> bool:
    """Whether the answer is one object or less."""
    last = str(scope["path"]).rstrip("/").rpartition("/")[2]
    return scope["method"] in ("GET", "HEAD") and last not in ("objects", "manifest")


def _only(request: Request, allowed: str) -> None:
    if request.method not in allowed.split(", "):
        raise MethodNotAllowed(allowed)


def _json(resource: object) -> Response:
    return Response(200, _encode(resource))


def _envelope(page: Page, following: str | None) -> bytes:
    head = b'{"more":true,"next":"%s","objects":[' % following.encode() if following else b'{"more":false,"objects":['
    return b"".join((head, b",".join([row.raw for row in page.rows]), b"]}"))


def _listing(page: Page, following: str | None, name: str, entries: list[Any]) -> bytes:
    resource: dict[str, Any] = {"more": page.more}
    if following:
        resource["next"] = following
    return _encode(resource | {name: entries})


def _manifest(row: Row) -> dict[str, str]:
    return {
        "id": row.id,
        "date_added": to_text(row.added),
        "version": version_text(row.version, row.added),
        "media_type": STIX,
    }


def _dates(page: Page) -> tuple[tuple[str, str], ...]:
    if not page.rows:
        return ()
    added = [row.added for row in page.rows]
    return (("X-TAXII-Date-Added-First", to_text(added[0])), ("X-TAXII-Date-Added-Last", to_text(added[-1])))


def _error_id(error: KizunaError) -> str:
    """A number of its own, but for what the node did wrong: that is found in its log by the number of the request's trace."""
    trace = current() if error.status == 500 else None
    return str(uuid.uuid4() if trace is None else uuid.UUID(trace.id))


async def refuse(send: Any, error: KizunaError) -> None:
    """Answer with an error before anything of the request was looked at."""
    await _send(send, _failure(error), head=False)


def _told(error: Exception) -> KizunaError:
    if overdue(error):
        return NodeBusy("the answer took too long to find; ask for less")
    log.exception("a TAXII request failed")
    return KizunaError("the node could not answer; its log says why, by error_id")


def _failure(error: KizunaError) -> Response:
    """An error resource (section 3.6.1)."""
    resource = {
        "title": _TITLES.get(error.status, "The node failed"),
        "description": f"{error.path}: {error.message}" if error.path else error.message,
        "error_id": _error_id(error),
        "http_status": str(error.status),
    }
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, NotAuthenticated):
        headers = (
            ("WWW-Authenticate", 'Bearer realm="kizuna"'),
            ("WWW-Authenticate", 'Basic realm="kizuna", charset="UTF-8"'),
        )
    elif isinstance(error, TooMany):
        headers = (("Retry-After", str(error.seconds)),)
    elif isinstance(error, MethodNotAllowed):
        headers = (("Allow", error.allowed),)
    elif isinstance(error, Stopped):
        headers = (("Retry-After", str(_PAUSE)),)
    return Response(error.status, _encode(resource), headers)


def _packed(response: Response) -> Response:
    headers = (*response.headers, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
    return Response(response.status, pack(response.body), headers)


async def _send(send: Any, response: Response, *, head: bool) -> None:
    body = response.body
    headers = [(b"content-type", TAXII.encode()), *((n.lower().encode(), v.encode()) for n, v in response.headers)]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})
