"""One's own settings: the language that pages speak, and the password; to operators what the node is, to read."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from kizuna import __version__
from kizuna.errors import UsageError
from kizuna.store.caller import Caller
from kizuna.store.database import is_postgres
from kizuna.web.again import WrongPassword
from kizuna.web.context import of
from kizuna.web.forms import MOST_BYTES, Fields, acts
from kizuna.web.i18n import LANGUAGES, N_
from kizuna.web.pages.login import chosen_language
from kizuna.web.pages.render import AnyRequest, asks, page, redirect

REASONS = {
    "wrong-password": N_("This is not your password. Nothing was changed."),
    "too-many-tries": N_("Too many tries. Wait a little, then give your password again."),
    "new": N_("Give a new password of at least 12 and at most 1,024 characters."),
    "repeat": N_("The new password was not the same both times. Type it twice."),
    "none": N_("You have no password yet, and log in by link. An operator sets the first one."),
}


@get("/settings", sync_to_thread=True)
def show_settings(request: AnyRequest) -> Response[bytes]:
    """One's own settings."""
    return _page(request, asks(request))


@post("/settings", status_code=200, request_max_body_size=MOST_BYTES)
async def change_settings(request: AnyRequest) -> Response[bytes]:
    """Choose a language or none, or another password; for that the old one is asked for."""
    return await acts(request, "read", _change, again=lambda form: form.one("act") == "password")


def _change(request: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
    if form.one("act") == "language":
        return _language(request, caller, form.one("language"))
    if form.one("act") == "password":
        return _password(request, caller, form)
    raise UsageError("language or password")


def _language(request: AnyRequest, caller: Caller, code: str) -> Response[bytes]:
    if code not in ("", *LANGUAGES):
        raise UsageError("no such language")
    of(request).accounts.set_language(caller.name, code or None)
    return redirect("/settings", headers={"Set-Cookie": chosen_language(request, code)})


def _password(request: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
    context, new = of(request), form.one("new")
    if not context.accounts.user(caller.name).has_password:
        return _page(request, caller, wrong="none", status=409)
    if form.refused is not None:
        # Sent twice, the second time finds that the old password is the new one by now.
        accounts = context.accounts
        twice = (
            isinstance(form.refused, WrongPassword)
            and new == form.one("repeat")
            and accounts.just_changed_password(caller.name)
        )
        if twice and accounts.check_password(caller.name, new) is not None:
            return _page(request, caller, done=True)
        return _refused(request, caller, form.refused.slug, form.refused.status)
    if new != form.one("repeat"):
        return _refused(request, caller, "repeat", 422)
    secret = request.cookies.get(context.cookie) or ""
    here = context.accounts.find("session", secret)
    try:
        context.accounts.set_password(caller.name, new, by=caller.name, keep=here.number if here else None)
    except UsageError:
        return _refused(request, caller, "new", 422)
    return _page(request, caller, done=True)


def _refused(request: AnyRequest, caller: Caller, wrong: str, status: int) -> Response[bytes]:
    return _page(request, caller, wrong=wrong, status=status)


def _page(
    request: AnyRequest, caller: Caller, *, wrong: str | None = None, done: bool = False, status: int = 200
) -> Response[bytes]:
    return page(
        request,
        "settings.html",
        status=status,
        caller=caller,
        here="/settings",
        user=of(request).accounts.user(caller.name),
        wrong=wrong,
        reasons=REASONS,
        done=done,
        facts=_facts(request) if caller.may("operate") else None,
    )


def _facts(request: AnyRequest) -> dict[str, Any]:
    settings = of(request).store.settings
    return {
        "version": __version__,
        "store": "PostgreSQL" if is_postgres(settings.store) else "SQLite",
        "ceiling": settings.ceiling,
        "identity": settings.identity,
    }


HANDLERS = (show_settings, change_settings)

__all__ = ["HANDLERS"]
