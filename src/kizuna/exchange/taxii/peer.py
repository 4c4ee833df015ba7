"""Talking to any TAXII 2.1 server within bounds: time, size, hosts; everything odd becomes PeerFailed with a sentence."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import msgspec

from kizuna.errors import InvalidInput, PeerFailed
from kizuna.exchange.taxii.media import TAXII
from kizuna.settings import MiB

if TYPE_CHECKING:
    import httpx

SECONDS = 30.0
PAGE_BYTES = 256 * MiB
SMALL_BYTES = 4 * MiB
PAGES = 100_000


class Peer:
    """One TAXII server and our token there."""

    def __init__(self, url: str, token: str, *, ca_file: str | None = None, verify: bool = True) -> None:
        import httpx  # 0.3 s to import: only who talks to peers pays

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput(f"not an http(s) address: {url[:200]!r}", path="url")
        self.url = url
        self._host = (parts.scheme, parts.hostname, parts.port)
        context: ssl.SSLContext | bool = ssl.create_default_context(cafile=ca_file) if verify else False
        self._client = httpx.Client(
            verify=context if parts.scheme == "https" else False,
            timeout=httpx.Timeout(SECONDS),
            follow_redirects=False,
            trust_env=False,
            headers={"Authorization": f"Bearer {token}", "Accept": TAXII, "User-Agent": "kizuna"},
        )

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def collections(self) -> list[dict[str, Any]]:
        """Every collection of every API root, each with its `url`."""
        found: list[dict[str, Any]] = []
        roots = self.resource(self.url).get("api_roots")
        for root in roots[:100] if isinstance(roots, list) else []:
            base = self._same_host(urljoin(self.url, str(root)))
            listed = self.resource(urljoin(base, "collections/")).get("collections", [])
            for one in listed[:1000] if isinstance(listed, list) else []:
                if isinstance(one, dict) and isinstance(one.get("id"), str):
                    found.append({**one, "url": urljoin(base, f"collections/{one['id']}/")})
        return found

    def resource(self, url: str) -> dict[str, Any]:
        """A small JSON resource."""
        body, _ = self._ask("GET", url, most=SMALL_BYTES)
        return _object(body, url)

    def pages(self, url: str, after: str | None) -> Iterator[tuple[bytes, str | None]]:
        """(envelope, X-TAXII-Date-Added-Last) of every page of a collection, oldest first."""
        parameters = {} if after is None else {"added_after": after}
        token: str | None = None
        seen: set[str] = set()
        for _ in range(PAGES):
            asked = parameters if token is None else parameters | {"next": token}
            body, headers = self._ask("GET", urljoin(url, "objects/"), params=asked, most=PAGE_BYTES)
            head = _page(body, url)
            yield body, headers.get("x-taxii-date-added-last")
            if not head.more:
                return
            if head.next is None or head.next in seen:
                raise PeerFailed("says there is more, but not how to get it: the pages make no progress", file=url)
            seen.add(head.next)
            token = head.next
        raise PeerFailed(f"more than {PAGES} pages", file=url)

    def post(self, url: str, envelope: bytes) -> dict[str, Any]:
        """Send an envelope; the status resource."""
        body, _ = self._ask("POST", urljoin(url, "objects/"), content=envelope, most=PAGE_BYTES)
        return _object(body, url)

    def _same_host(self, url: str) -> str:
        parts = urlsplit(url)
        if (parts.scheme, parts.hostname, parts.port) != self._host:
            raise PeerFailed(f"sends us to another host, {url[:200]}; our token stays with it", file=self.url)
        return url

    def _ask(
        self, method: str, url: str, *, most: int, params: dict[str, str] | None = None, content: bytes | None = None
    ) -> tuple[bytes, httpx.Headers]:
        import httpx

        headers = {} if content is None else {"Content-Type": TAXII}
        try:
            with self._client.stream(method, url, params=params, content=content, headers=headers) as response:
                body = _bounded(response, most, url)
        except httpx.HTTPError as error:
            raise PeerFailed(f"cannot be reached: {error or type(error).__name__}", file=url) from None
        if not 200 <= response.status_code < 300:
            raise PeerFailed(f"answered {response.status_code}: {_said(body)}", file=url)
        if not response.headers.get("content-type", "").startswith("application/taxii+json"):
            raise PeerFailed("answered something that is not TAXII", file=url)
        return body, response.headers


class _Page(msgspec.Struct):
    more: bool = False
    next: str | None = None


def _page(body: bytes, url: str) -> _Page:
    try:
        return msgspec.json.decode(body, type=_Page)
    except (msgspec.MsgspecError, RecursionError):
        raise PeerFailed("sent a page that is no envelope", file=url) from None


def _bounded(response: httpx.Response, most: int, url: str) -> bytes:
    pieces, size = [], 0
    for piece in response.iter_bytes():
        size += len(piece)
        if size > most:
            raise PeerFailed(f"sends more than {most} bytes in one answer", file=url)
        pieces.append(piece)
    return b"".join(pieces)


def _object(body: bytes, url: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        raise PeerFailed("answered something that is no JSON object", file=url) from None


def _said(body: bytes) -> str:
    try:
        error = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return "no explanation"
    return " ".join(str(error[key])[:200] for key in ("title", "description") if key in error) or "no explanation"


def read_token(folder: Path, file: str) -> str:
    """Our token at a partner. Raises InvalidInput."""
    path = folder / file
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot read our token: {error}", file=str(path)) from None
    if not token or any(c.isspace() or not c.isprintable() for c in token):
        raise InvalidInput("holds no token", file=str(path))
    return token
