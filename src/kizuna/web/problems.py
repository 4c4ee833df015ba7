"""Errors as RFC 9457 problem details for programs and as pages for people; every `type` is a page of this node."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.exceptions import ValidationException as InvalidRequest

from kizuna.errors import KizunaError, TooMany
from kizuna.store.database import overdue
from kizuna.trace import Trace, current
from kizuna.web.i18n import N_

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("kizuna.web")


class TooManyTries(KizunaError):
    """Somebody tried too often; `seconds` until the next try is looked at."""

    status, exit_code, slug = 429, 4, "too-many-tries"

    def __init__(self, seconds: int) -> None:
        super().__init__("too many tries; wait before the next one")
        self.seconds = seconds


class Changed(KizunaError):
    """The caller's copy is not the current one (If-Match)."""

    status, exit_code, slug = 412, 1, "changed"


class UnsupportedMediaType(KizunaError):
    """The body is in a format this address does not read."""

    status, exit_code, slug = 415, 1, "unsupported-media-type"


class WrongOrigin(KizunaError):
    """A change was asked for by a page that is not ours."""

    status, exit_code, slug = 403, 4, "wrong-origin"


class Kind(NamedTuple):
    """One kind of problem: its HTTP status, and what it is called and means (message ids)."""

    status: int
    title: str
    meaning: str


KINDS: dict[str, Kind] = {
    "bad-request": Kind(
        400, N_("Not understood"), N_("The request cannot be understood. The details name what is wrong.")
    ),
    "not-authenticated": Kind(401, N_("Not logged in"), N_("Credentials are missing, wrong or expired.")),
    "link-used": Kind(
        401,
        N_("This link has ended"),
        N_("A log-in link works once and for a limited time. Ask your operator for a new one."),
    ),
    "refused": Kind(
        403, N_("Not allowed"), N_("You are known here, but your roles, your token or a label do not allow this.")
    ),
    "wrong-password": Kind(
        403,
        N_("Wrong password"),
        N_("This needs your password once more, and it is not the one that was given. You are still logged in."),
    ),
    "wrong-origin": Kind(
        403,
        N_("Asked from elsewhere"),
        N_("Changes are accepted from this node's own pages only. Open the page again and repeat it."),
    ),
    "not-found": Kind(
        404, N_("Not found"), N_("There is no such thing here, or none that you may see. The two are answered alike.")
    ),
    "method-not-allowed": Kind(405, N_("Not possible here"), N_("This address does not answer this method.")),
    "conflict": Kind(409, N_("Conflict"), N_("The thing changed meanwhile, or exists already.")),
    "outdated": Kind(
        410,
        N_("No longer yours to see"),
        N_("This was made for you when you could see more. Ask for it again: you get what you may see now."),
    ),
    "changed": Kind(
        412,
        N_("Changed meanwhile"),
        N_("Somebody changed this after you read it. Read it again and repeat the change."),
    ),
    "too-large": Kind(413, N_("Too large"), N_("The input is larger than this node accepts.")),
    "unsupported-media-type": Kind(
        415, N_("Unsupported format"), N_("The body is in a format that this address does not read.")
    ),
    "invalid-input": Kind(422, N_("Not readable"), N_("The input cannot be read as what it claims to be.")),
    "too-many-tries": Kind(
        429, N_("Too many tries"), N_("Log-in is slowed down after failures. Wait a little, or use a log-in link.")
    ),
    "too-many-requests": Kind(
        429,
        N_("Too many requests"),
        N_("You ask for much at once. Wait for the answers to some requests, then repeat this one."),
    ),
    "quota-reached": Kind(
        429,
        N_("Enough for this hour"),
        N_("You sent as much as was agreed on for an hour. Send the rest when it is over."),
    ),
    "internal": Kind(
        500,
        N_("Error of this node"),
        N_("Something went wrong that is not your fault. The operator finds it in the log by its number."),
    ),
    "peer-failed": Kind(502, N_("A partner did not answer"), N_("A remote partner did not answer as it should.")),
    "unavailable": Kind(
        503, N_("Not available"), N_("Something this node needs does not answer. Try again in a moment.")
    ),
    "stopped": Kind(
        503,
        N_("Exchange stopped"),
        N_("The exchange with this partner rests until an operator of this node confirms it. Try again later."),
    ),
    "busy": Kind(503, N_("Busy"), N_("The node is busy. Try again in a moment.")),
    "disk-nearly-full": Kind(
        507,
        N_("No room"),
        N_("This node has too little room left and takes nothing in for now. What it holds can be read."),
    ),
}

_BY_STATUS = {
    400: "bad-request", 401: "not-authenticated", 403: "refused", 404: "not-found", 405: "method-not-allowed", 413: "too-large",
    415: "unsupported-media-type", 422: "invalid-input", 429: "too-many-tries", 503: "busy",
}  # fmt: skip


class Item(msgspec.Struct, frozen=True):
    """One thing that is wrong and where: `pointer` is a JSON Pointer into the body, or /query/NAME, /header/NAME."""

    pointer: str
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Problem details (RFC 9457). `trace_id` finds an error of the node in its log."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[Item, ...] = ()
    trace_id: str | None = None


def problem_of(error: Exception) -> tuple[Problem, dict[str, str]]:
    """The problem that an exception is, and headers that belong to it. What is no error on purpose tells nothing but a number."""
    if isinstance(error, KizunaError):
        headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooManyTries | TooMany) else {}
        if error.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="kizuna"'
        items = (Item(error.path, error.message),) if error.path else ()
        return _problem(error.slug, error.message, items), headers
    if isinstance(error, HTTPException) and error.status_code in _BY_STATUS:
        detail = "see errors" if isinstance(error, InvalidRequest) else error.detail
        allowed = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
        return _problem(_BY_STATUS[error.status_code], detail, _items(error)), allowed
    if overdue(error):
        return _problem("busy", "the answer took too long to find; ask for less"), {"Retry-After": "10"}
    if isinstance(error, RecursionError):
        return _problem("bad-request", "the body is nested too deeply"), {}
    trace = current() or Trace()
    log.error("a request failed", exc_info=error, extra={"trace_id": trace.id})
    return msgspec.structs.replace(
        _problem("internal", "the operator finds it in the log by trace_id"), trace_id=trace.id
    ), {}


def _problem(slug: str, detail: str, items: tuple[Item, ...] = ()) -> Problem:
    kind = KINDS.get(slug, KINDS["internal"])
    return Problem(type=f"/problems/{slug}", title=kind.title, status=kind.status, detail=detail, errors=items)


def _items(error: HTTPException) -> tuple[Item, ...]:
    """What Litestar found wrong with parameters and body."""
    if not isinstance(error, InvalidRequest) or not isinstance(error.extra, list):
        return ()
    found = []
    for entry in error.extra:
        source, key = getattr(entry.get("source"), "value", entry.get("source") or "body"), str(entry.get("key", ""))
        place = "/" + key.replace("~", "~0").replace("/", "~1").replace(".", "/") if key else ""
        found.append(Item(place if source == "body" else f"/{source}{place}", str(entry.get("message", ""))))
    return tuple(found)


def as_json(problem: Problem, headers: dict[str, str]) -> Response[bytes]:
    """The answer for programs."""
    return Response(msgspec.json.encode(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether people are looking: a browser that asks for HTML, outside the API."""
    # The address as a whole may be none, for it holds what the client wrote as Host.
    return "text/html" in request.headers.get("accept", "") and not request.scope["path"].startswith("/api/")
