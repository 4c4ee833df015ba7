"""One request as TAXII needs it: bounded body, checked parameters; and the errors that stop it."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol
from urllib.parse import parse_qs

import msgspec

from kizuna.errors import InvalidInput, TooLarge, UsageError
from kizuna.exchange.taxii.media import is_taxii, moment
from kizuna.exchange.taxii.packing import Unpacker
from kizuna.settings import Limits, MiB
from kizuna.store import Query

MOUNT = "taxii2"
MAX_VALUES = 1_000
# The body is held whole while its objects are written; more at once would not fit the memory a node may use.
MOST = 64 * MiB
HEAVY = 8 * MiB
SECONDS = 60.0  # between two pieces of a body
_WORDS = frozenset({"first", "last", "all"})


class UnsupportedMedia(InvalidInput):
    """The body is not TAXII 2.1."""

    status, slug = 415, "unsupported-media-type"


class MethodNotAllowed(UsageError):
    """The resource does not know this method."""

    status, slug = 405, "method-not-allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"this resource knows {allowed}")
        self.allowed = allowed


class TooSlow(UsageError):
    """The body does not come."""

    status, slug = 408, "too-slow"


class Writable(Protocol):
    """What a body is written to."""

    def write(self, data: bytes, /) -> object: ...


class NotAcceptable(UsageError):
    """No version of TAXII that the client accepts."""

    status, slug = 406, "not-acceptable"


class Request(msgspec.Struct, frozen=True):
    """Method, path pieces after the TAXII root, headers in lower case, query values, how to read the body, and our own address."""

    method: str
    path: tuple[str, ...]
    headers: dict[str, str]
    query: dict[str, list[str]]
    receive: Any
    base: str

    @staticmethod
    def of(scope: Any, receive: Any) -> Request:
        """Read an ASGI scope. Raises UsageError for a query that is none."""
        root = str(scope.get("root_path", ""))
        pieces = tuple(piece for piece in str(scope["path"]).removeprefix(root).split("/") if piece)
        if pieces[:1] == (MOUNT,):
            pieces = pieces[1:]
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = _values(scope.get("query_string", b""))
        return Request(
            scope["method"].upper(), pieces, headers, query, receive, _base(scope, root, headers.get("host", ""))
        )

    def filter(self) -> Query:
        """`match[...]` and `added_after` (section 3.4). Raises UsageError."""
        versions = tuple(_version(text) for text in self._list("match[version]")) or ("last",)
        after = self._one("added_after")
        return Query(
            ids=tuple(self._list("match[id]")),
            types=tuple(self._list("match[type]")),
            versions=versions,
            spec_versions=tuple(self._list("match[spec_version]")),
            after=None if after is None else _moment("added_after", after),
        )

    def limit(self, most: int) -> int:
        """How many objects at most, never more than the server's own limit. Raises UsageError."""
        text = self._one("limit")
        if text is None:
            return most
        if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) < 1:
            raise UsageError(f"limit is a positive number, not {text[:40]!r}", path="limit")
        return min(int(text), most)

    def next(self) -> str | None:
        """The paging token."""
        return self._one("next")

    def heavy(self) -> bool:
        """Whether the body is large, or may be for all we are told."""
        announced = self.headers.get("content-length", "")
        packed = self.headers.get("content-encoding", "identity") != "identity"
        return packed or not (announced.isascii() and announced.isdigit()) or int(announced[:18]) > HEAVY

    async def body(self, limits: Limits, into: Writable) -> None:
        """Write the whole body, unpacked. Raises TooLarge, TooSlow, UnsupportedMedia or InvalidInput."""
        if not is_taxii(self.headers.get("content-type")):
            raise UnsupportedMedia("send application/taxii+json;version=2.1", path="Content-Type")
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", ""):
            raise UnsupportedMedia(f"content encoding {encoding[:40]!r}; this node knows gzip", path="Content-Encoding")
        announced = self.headers.get("content-length", "")
        most = min(limits.body, MOST)
        if announced.isascii() and announced.isdigit() and int(announced[:18]) > most:
            raise TooLarge(f"a body of {announced[:18]} bytes; the limit is {most}")
        await _read(self.receive, limits, into, packed=encoding == "gzip")

    def _list(self, name: str) -> list[str]:
        values = [value for text in self.query.get(name, ()) for value in text.split(",") if value]
        if len(values) > MAX_VALUES:
            raise UsageError(f"more than {MAX_VALUES} values", path=name)
        return values

    def _one(self, name: str) -> str | None:
        values = self.query.get(name, [])
        if len(values) > 1:
            raise UsageError("given more than once", path=name)
        return values[0] if values else None


def _base(scope: Any, root: str, host: str) -> str:
    """The address of discovery as the client wrote it; without a host we would want to repeat, its path alone."""
    safe = host if all(c.isascii() and (c.isalnum() or c in ".-:[]") for c in host) and len(host) < 256 else ""
    path = f"{root.rstrip('/').removesuffix(f'/{MOUNT}')}/{MOUNT}/"
    return f"{scope.get('scheme', 'http')}://{safe}{path}" if safe else path


def _values(raw: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=100, errors="strict")
    except (ValueError, UnicodeDecodeError):
        raise UsageError("the query cannot be read") from None


def _version(text: str) -> int | str:
    return text if text in _WORDS else _moment("match[version]", text)


def _moment(name: str, text: str) -> int:
    try:
        return moment(text)
    except ValueError:
        raise UsageError(f"not an RFC 3339 timestamp: {text[:60]!r}", path=name) from None


async def _read(receive: Any, limits: Limits, into: Writable, *, packed: bool) -> None:
    """Collect the body; a packed one is unpacked as it comes."""
    unpacker = Unpacker(min(limits.body, MOST), limits.compression_ratio, packed=packed)
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.body_seconds
    while True:
        try:
            async with asyncio.timeout_at(min(loop.time() + SECONDS, end)):
                message = await receive()
        except TimeoutError:
            late = f"did not come whole in {limits.body_seconds:g} s" if loop.time() >= end else "stopped coming"
            raise TooSlow(f"the body {late}") from None
        if message["type"] == "http.disconnect":
            raise InvalidInput("the client went away")
        for piece in unpacker.feed(message.get("body", b"")):
            into.write(piece)
        if not message.get("more_body"):
            unpacker.finish()
            return
