"""One request as TAXII needs it: bounded body, checked parameters; and the errors that stop it."""

from __future__ import annotations

import zlib
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from kizuna.errors import InvalidInput, TooLarge, UsageError
from kizuna.exchange.taxii.media import is_taxii, moment
from kizuna.settings import Limits
from kizuna.store import Query

MAX_VALUES = 1_000
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


class NotAcceptable(UsageError):
    """No version of TAXII that the client accepts."""

    status, slug = 406, "not-acceptable"


class Request(msgspec.Struct, frozen=True):
    """Method, path pieces after the TAXII root, headers in lower case, query values, and how to read the body."""

    method: str
    path: tuple[str, ...]
    headers: dict[str, str]
    query: dict[str, list[str]]
    receive: Any
    remote: str
    scheme: str = "http"

    @staticmethod
    def of(scope: Any, receive: Any) -> Request:
        """Read an ASGI scope. Raises UsageError for a query that is none."""
        path = unquote(scope["path"])
        pieces = tuple(piece for piece in path.split("/") if piece)
        if pieces[:1] == ("taxii2",):
            pieces = pieces[1:]
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        client = scope.get("client")
        return Request(
            scope["method"].upper(),
            pieces,
            headers,
            _values(scope.get("query_string", b"")),
            receive,
            client[0] if client else "",
            scope.get("scheme", "http"),
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

    async def body(self, limits: Limits) -> bytes:
        """The whole body, unpacked. Raises TooLarge, UnsupportedMedia or InvalidInput."""
        if not is_taxii(self.headers.get("content-type")):
            raise UnsupportedMedia("send application/taxii+json;version=2.1", path="Content-Type")
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", ""):
            raise UnsupportedMedia(f"content encoding {encoding[:40]!r}; this node knows gzip", path="Content-Encoding")
        announced = self.headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:18]) > limits.body:
            raise TooLarge(f"a body of {announced[:18]} bytes; the limit is {limits.body}")
        return await _read(self.receive, limits, unpack=encoding == "gzip")

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


async def _read(receive: Any, limits: Limits, *, unpack: bool) -> bytes:
    """Collect the body; a compressed one is unpacked as it comes, within the limit and the ratio."""
    unpacker = zlib.decompressobj(wbits=31) if unpack else None
    taken, pieces, size = 0, [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidInput("the client went away")
        block = message.get("body", b"")
        taken += len(block)
        while block:
            piece, block = _unpacked(unpacker, block, limits.body - size)
            size += len(piece)
            if size > limits.body or (unpack and size > 1 << 20 and size > limits.compression_ratio * max(taken, 1)):
                raise TooLarge(
                    f"more than {limits.body} bytes, or more than {limits.compression_ratio} times its packed size"
                )
            pieces.append(piece)
        if not message.get("more_body"):
            if unpacker is not None and not unpacker.eof:
                raise InvalidInput("the gzip body ends too early")
            return b"".join(pieces)


def _unpacked(unpacker: Any, block: bytes, room: int) -> tuple[bytes, bytes]:
    if unpacker is None:
        return block, b""
    try:
        piece = unpacker.decompress(block, min(room + 1, 1 << 20))
    except zlib.error as error:
        raise InvalidInput(f"broken gzip: {error}") from None
    return piece, b"" if unpacker.eof else unpacker.unconsumed_tail
