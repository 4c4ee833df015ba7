"""Talking to any TAXII 2.1 server within bounds: time, size, hosts; everything odd becomes PeerFailed with a sentence."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from kizuna.clock import from_text, to_text
from kizuna.errors import InvalidInput, PeerFailed, TooLarge
from kizuna.exchange.taxii.counting import holds_more
from kizuna.exchange.taxii.deadline import Deadline, Sockets
from kizuna.exchange.taxii.media import TAXII
from kizuna.exchange.taxii.packing import Unpacker
from kizuna.settings import MiB

if TYPE_CHECKING:
    import httpx

SECONDS = 30.0  # for each connect, read and write
ANSWER_SECONDS = 300.0  # for one answer as a whole, its headers too, however slowly it drips
# A partner that drips page after page must not keep the others waiting; what was stored stays, the rest comes next time.
TURN_SECONDS = 1800.0
PENDING_SECONDS = 60.0
PAGE_BYTES = 64 * MiB
PAGE_OBJECTS = 200_000
SMALL_BYTES = 4 * MiB
DIRECTORY_BYTES = MiB  # decoded JSON may take thirty times its text
ROOTS = 10
COLLECTIONS = 100
RATIO = 200
PAGES = 100_000
_LONGEST_TOKEN = 10_000
_PORTS = {"http": 80, "https": 443}
# A moment beside these can be written and read back, whatever the zone.
_FIRST, _LAST = from_text("0001-01-02T00:00:00Z"), from_text("9999-12-30T23:59:59Z")
_TEXTS = ("title", "description", "alias")
_LIMITS = (None, 100, 10, 1)


class PeerRefused(PeerFailed):
    """The peer answered with an error status, kept in `code`."""

    def __init__(self, message: str, *, code: int, file: str) -> None:
        super().__init__(message, file=file)
        self.code = code


class PageTooLarge(PeerFailed):
    """One answer is larger than we take."""


class Page(NamedTuple):
    """An envelope, how many objects it holds, and the moment to go on from once it is stored (None: not told)."""

    envelope: bytes
    size: int
    mark: str | None


class Peer:
    """One TAXII server and our token there. Raises InvalidInput for an address or a CA file that is none."""

    def __init__(self, url: str, token: str, *, ca_file: str | None = None) -> None:
        import httpx  # 0.3 s to import: only who talks to peers pays

        self._host = _host(url)
        if self._host is None:
            raise InvalidInput(f"not an http(s) address: {url[:200]!r}", path="url")
        self.url = url if url.endswith("/") else f"{url}/"
        self._began = time.monotonic()
        self.ahead: int | None = None  # seconds that its clock is ahead of ours, by its last answer
        self._sockets = Sockets()
        self._client = httpx.Client(
            verify=_trust(ca_file) if self._host[0] == "https" else False,
            timeout=httpx.Timeout(SECONDS),
            follow_redirects=False,  # a token is for the host it was given by
            trust_env=False,
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": TAXII,
                "Accept-Encoding": "gzip",
                "User-Agent": "kizuna",
            },
        )

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def collections(self) -> list[dict[str, Any]]:
        """The first 100 collections of the first ten API roots on this host, each with its `url` and its root's `root`."""
        found: dict[str, dict[str, Any]] = {}
        for root in self._roots():
            listed = self.resource(urljoin(root, "collections/"), most=DIRECTORY_BYTES).get("collections", [])
            for one in listed if isinstance(listed, list) else []:
                if len(found) < COLLECTIONS and isinstance(one, dict) and isinstance(one.get("id"), str):
                    place = urljoin(root, f"collections/{quote(one['id'], safe='', errors='replace')}/")
                    found.setdefault(place, _facts(one) | {"url": place, "root": root})
        return list(found.values())

    def resource(self, url: str, *, most: int = SMALL_BYTES) -> dict[str, Any]:
        """A small JSON resource."""
        body, _ = self._ask("GET", url, most=most)
        return _object(body, url)

    def pages(self, url: str, after: str | None) -> Iterator[Page]:
        """Every page of a collection, oldest first; a page that is too large is asked for again in smaller pieces."""
        asked = {} if after is None else {"added_after": after}
        seen: set[str] = set()
        small = iter(_LIMITS)
        limit = next(small)
        for _ in range(PAGES):
            try:
                parameters = asked if limit is None else asked | {"limit": str(limit)}
                body, headers = self._ask("GET", urljoin(url, "objects/"), params=parameters, most=PAGE_BYTES)
                if holds_more(body, PAGE_OBJECTS):
                    raise PageTooLarge(f"sends more than {PAGE_OBJECTS} objects in one answer", file=url)
            except PageTooLarge:
                limit = next(small, None)
                if limit is None:
                    raise
                continue
            head = _envelope(body, url)
            last = _moment(headers.get("x-taxii-date-added-last"), url)
            yield Page(body, len(head.objects), _mark(last, more=head.more))
            if not head.more:
                return
            asked = _following(head, last, asked)
            key = asked.get("next") or asked.get("added_after", "")
            if not head.objects or key in seen:
                raise PeerFailed("says there is more and gives nothing new: its pages make no progress", file=url)
            seen.add(key)
        raise PeerFailed(f"more than {PAGES} pages; the rest comes with the next poll", file=url)

    def post(self, collection: dict[str, Any], envelope: bytes) -> dict[str, Any]:
        """Send an envelope; the status resource, waited for while the peer says it is pending."""
        url = urljoin(collection["url"], "objects/")
        body, _ = self._ask("POST", url, content=envelope, most=PAGE_BYTES)
        status = _object(body, url)
        until = time.monotonic() + PENDING_SECONDS
        pause = 0.1
        while status.get("status") == "pending" and time.monotonic() < until:
            time.sleep(pause)
            pause = min(2 * pause, 5.0)
            status = self.resource(urljoin(collection["root"], f"status/{quote(str(status.get('id')), safe='')}/"))
        return status

    def _roots(self) -> list[str]:
        discovered = self.resource(self.url, most=DIRECTORY_BYTES)
        listed = discovered.get("api_roots")
        if not isinstance(listed, list):
            # Somebody gave us the address of an API root itself (section 4.2).
            listed = [self.url] if "versions" in discovered else []
        roots = list(dict.fromkeys(_joined(self.url, root) for root in listed[:1000] if isinstance(root, str)))
        here = [root for root in roots if _host(root) == self._host][:ROOTS]
        if roots and not here:
            raise PeerFailed(f"sends us to another host, {roots[0][:200]}; our token stays with it", file=self.url)
        return here

    def _ask(
        self, method: str, url: str, *, most: int, params: dict[str, str] | None = None, content: bytes | None = None
    ) -> tuple[bytes, httpx.Headers]:
        import httpx

        headers = {} if content is None else {"Content-Type": TAXII}
        stream = partial(self._client.stream, method, url, params=params, content=content, headers=headers)
        with self._deadline(url) as deadline:
            try:
                asked = time.time()
                with stream(extensions={"trace": deadline.trace}) as response:
                    self.ahead = ahead_of(response.headers.get("date"), asked, time.time())
                    body = _bounded(response, most, url)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise PeerFailed(f"cannot be reached: {error or type(error).__name__}", file=url) from None
        if not 200 <= response.status_code < 300:
            said = _said(body)
            raise PeerRefused(f"answered {response.status_code}: {said}", code=response.status_code, file=url)
        if not response.headers.get("content-type", "").lower().startswith("application/taxii+json"):
            raise PeerFailed("answered something that is not TAXII", file=url)
        return body, response.headers

    def _deadline(self, url: str) -> Deadline:
        """The time this answer may take, out of what is left for all of them."""
        left = TURN_SECONDS - (time.monotonic() - self._began)
        whole = f"took more than {TURN_SECONDS:.0f} s; the rest comes next time"
        one = f"takes more than {ANSWER_SECONDS:.0f} s for one answer"
        late = PeerFailed(whole if left < ANSWER_SECONDS else one, file=url)
        return Deadline(min(left, ANSWER_SECONDS), late, self._sockets)


class _Head(msgspec.Struct):
    more: bool = False
    next: str | int | None = None
    objects: list[msgspec.Raw] = []


def _envelope(body: bytes, url: str) -> _Head:
    try:
        return msgspec.json.decode(body, type=_Head)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise PeerFailed("sent a page that is no envelope", file=url) from None


def _following(head: _Head, last: int | None, asked: dict[str, str]) -> dict[str, str]:
    """How to ask for the next page (section 3.5): by `next`, and without one by the moment of the last object."""
    if head.next not in (None, ""):
        return asked | {"next": str(head.next)}
    if last is None:
        return asked
    return {"added_after": to_text(last)}


def _mark(last: int | None, *, more: bool) -> str | None:
    # Behind a page others may follow of the very same moment: after a crash they must be read, so the last is read twice.
    return None if last is None else to_text(last - 1 if more else last)


def _moment(text: str | None, url: str) -> int | None:
    if text is None:
        return None
    try:
        moment = from_text(text)
        if not _FIRST <= moment <= _LAST:
            raise ValueError(text)
        return moment
    except (ValueError, OverflowError):
        raise PeerFailed(f"X-TAXII-Date-Added-Last is no timestamp: {text[:60]!r}", file=url) from None


def ahead_of(date: str | None, asked: float, answered: float) -> int | None:
    """Seconds by which a Date header (RFC 9110 section 6.6.1) lies outside of the time between question and answer; None for none."""
    try:
        stated = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        return None
    # It is in whole seconds, cut.
    if stated + 1 < asked:
        return int(stated + 1 - asked)
    return max(0, int(stated - answered))


def _bounded(response: httpx.Response, most: int, url: str) -> bytes:
    """The body, unpacked by us: httpx would unpack any number of layers before we see the first byte."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise PeerFailed(f"packs its answer in a way we did not ask for: {encoding[:40]!r}", file=url)
    unpacker = Unpacker(most, RATIO, packed=encoding == "gzip")
    body = bytearray()
    try:
        for block in response.iter_raw():
            for piece in unpacker.feed(block):
                body += piece
        unpacker.finish()
    except TooLarge as error:
        raise PageTooLarge(f"sends too much in one answer: {error.message}", file=url) from None
    except InvalidInput as error:
        raise PeerFailed(f"sends what cannot be unpacked: {error.message}", file=url) from None
    return bytes(body)


def _facts(collection: dict[str, Any]) -> dict[str, Any]:
    """What we need of a collection; the rest, of any size, is not kept."""
    texts = {key: collection[key][:200] for key in _TEXTS if isinstance(collection.get(key), str)}
    return {"id": collection["id"], **texts, **{key: collection.get(key) is True for key in ("can_read", "can_write")}}


def _object(body: bytes, url: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise PeerFailed("answered something that is no JSON object", file=url) from None


def _said(body: bytes) -> str:
    try:
        error = msgspec.json.decode(body[:SMALL_BYTES], type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return "no explanation"
    return " ".join(str(error[key])[:200] for key in ("title", "description") if key in error) or "no explanation"


def _host(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and port and parts.scheme in _PORTS else None


def _joined(base: str, path: str) -> str:
    try:
        return f"{urljoin(base, path).rstrip('/')}/"
    except ValueError:  # such as an address of IPv6 without its end
        return path


def _trust(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(f"no certificates of authorities: {error}", file=ca_file) from None


def read_token(folder: Path, file: str) -> str:
    """Our token at a partner. Raises InvalidInput."""
    path = folder / file
    try:
        with path.open(encoding="ascii") as held:
            token = held.read(_LONGEST_TOKEN + 1).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot read our token: {error}", file=str(path)) from None
    if not token or len(token) >= _LONGEST_TOKEN or any(c.isspace() or not c.isprintable() for c in token):
        raise InvalidInput("holds no token", file=str(path))
    return token
