"""Where somebody is logged in, and ending it."""

from __future__ import annotations

from litestar import Response, post

from kizuna.clock import to_text
from kizuna.errors import UsageError
from kizuna.store.caller import Caller
from kizuna.web.context import of
from kizuna.web.forms import MOST_BYTES, Fields, acts
from kizuna.web.listing import Listing, list_at, listed
from kizuna.web.pages.render import AnyRequest, asks, page, redirect

COLUMNS = ("number", "note", "created", "expires")


@list_at("/sessions")
def list_sessions(request: AnyRequest) -> Response[bytes]:
    """One's own sessions that have not ended, newest first."""
    caller = asks(request)
    context = of(request)
    now, secret = context.store.clock(), request.cookies.get(context.cookie)
    mine = context.accounts.find("session", secret) if secret else None
    found = [
        one for one in context.accounts.listed("session", user=caller.name) if one.ended is None and one.expires > now
    ]
    found.sort(key=lambda one: -one.number)

    def shown() -> Response[bytes]:
        others = {form: f"/sessions.{form}" for form in ("json", "csv")}
        return page(
            request, "sessions.html", caller=caller, sessions=found, mine=mine.number if mine else None, others=others,
            user=context.accounts.user(caller.name),
        )  # fmt: skip

    def rows() -> Listing:
        return Listing(COLUMNS, [(one.number, one.note, to_text(one.created), to_text(one.expires)) for one in found])

    return listed(request, rows, shown)


@post("/sessions", status_code=303, request_max_body_size=MOST_BYTES)
async def end_session(request: AnyRequest) -> Response[bytes]:
    """End one of one's own sessions."""
    return await acts(request, "read", _end)


def _end(request: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
    number = form.one("number")
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        raise UsageError("choose a session")
    of(request).accounts.end("session", int(number), by=caller.name, user=caller.name)
    return redirect("/sessions")


__all__ = ["end_session", "list_sessions"]
