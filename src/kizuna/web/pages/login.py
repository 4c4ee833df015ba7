"""Coming and going: log-in by one-time link or password, log-out, and the choice of a language."""

from __future__ import annotations

import hmac
from functools import partial
from urllib.parse import quote, urlsplit

import anyio.to_thread
from litestar import Response, get, post
from litestar.params import FromPath

from kizuna.errors import NotAuthenticated
from kizuna.store.accounts import SESSION_LASTS, User
from kizuna.web.auth import csrf_token
from kizuna.web.context import of
from kizuna.web.forms import fields
from kizuna.web.guards import from_here, remote
from kizuna.web.i18n import LANGUAGES
from kizuna.web.pages.render import LANGUAGE_COOKIE, AnyRequest, anybody, first_page, page, redirect
from kizuna.web.problems import TooManyTries, WrongOrigin, wants_page

FEW = 20  # fields of a form
YEAR = 365 * 24 * 3600


class LinkUsed(NotAuthenticated):
    """A log-in link that is unknown, used or expired."""

    slug = "link-used"


@get("/login", sync_to_thread=True)
def login(request: AnyRequest) -> Response[bytes]:
    """The log-in page."""
    caller = anybody(request)
    return redirect(first_page(caller)) if caller else page(request, "login.html", wrong=False, name="")


@get("/login/{secret:str}", sync_to_thread=True)
def follow_link(request: AnyRequest, secret: FromPath[str]) -> Response[bytes]:
    """A one-time link: logs its person in and goes to the status page. Raises LinkUsed.

    Where a browser says that another site led here, a person is asked first: somebody else's link would log them in as somebody else.
    """
    elsewhere = request.headers.get("sec-fetch-site") in ("cross-site", "same-site")
    return _ask(request, secret) if elsewhere else _use_link(request, secret)


@get("/login/{secret:str}/confirm", sync_to_thread=True)
def confirm_link(request: AnyRequest, secret: FromPath[str]) -> Response[bytes]:
    """Ask whether to log in by a link; where the choice of a language on that page comes back to."""
    return _ask(request, secret)


@post("/login/{secret:str}", status_code=303, sync_to_thread=True)
def submit_link(request: AnyRequest, secret: FromPath[str]) -> Response[bytes]:
    """Yes, log in by this link. Raises WrongOrigin, LinkUsed."""
    if not from_here(request):
        raise WrongOrigin("log in from this node's own page")
    return _use_link(request, secret)


def _ask(request: AnyRequest, secret: str) -> Response[bytes]:
    action = f"/login/{quote(secret, safe='')}"
    return page(request, "link.html", action=action, here=f"{action}/confirm")


def _use_link(request: AnyRequest, secret: str) -> Response[bytes]:
    user = of(request).accounts.use_link(secret)
    if user is None:
        raise LinkUsed("this log-in link is used, expired or unknown")
    return _enter(request, user, "link")


@post("/login", status_code=303, request_max_body_size=16_384)
async def submit_login(request: AnyRequest) -> Response[bytes]:
    """Name and password. Raises WrongOrigin, TooManyTries, and NotAuthenticated for programs."""
    if not from_here(request):
        raise WrongOrigin("log in from this node's own page")
    form = await fields(request, FEW)
    name, password = form.one("name")[:80], form.one("password")
    work = partial(_check, request, name, password)
    return await anyio.to_thread.run_sync(work, limiter=of(request).turns)


def _check(request: AnyRequest, name: str, password: str) -> Response[bytes]:
    context, address = of(request), remote(request)
    if seconds := context.slowing.wait(name, address):
        raise TooManyTries(seconds)
    context.slowing.begin(name, address)
    user = context.accounts.check_password(name, password)
    if user is None:
        context.store.audit("", "login.failed", name, {"remote": address})
        if wants_page(request):
            return page(request, "login.html", status=401, wrong=True, name=name)
        raise NotAuthenticated("the name or the password is wrong")
    context.slowing.succeeded(name, address)
    return _enter(request, user, "password")


@post("/logout", status_code=303, request_max_body_size=16_384)
async def logout(request: AnyRequest) -> Response[bytes]:
    """End this session."""
    secret = await _own_form(request)
    if secret:
        await anyio.to_thread.run_sync(of(request).accounts.end_session, secret)
    return redirect("/login", headers={"Set-Cookie": _cookie(request, "", 0), "Clear-Site-Data": '"cache"'})


@post("/language", status_code=303, request_max_body_size=16_384)
async def choose_language(request: AnyRequest) -> Response[bytes]:
    """Read in another language from now on: remembered here, and for oneself when logged in."""
    if not from_here(request):
        raise WrongOrigin("choose on this node's own page")
    form = await fields(request, FEW)
    code, back = form.one("language"), form.one("next") or "/"
    if code not in LANGUAGES:
        return redirect(_local(back))
    caller = await anyio.to_thread.run_sync(reader_of_form, request)
    if caller is not None:
        await anyio.to_thread.run_sync(of(request).accounts.set_language, caller, code)
    return redirect(_local(back), headers={"Set-Cookie": chosen_language(request, code)})


def chosen_language(request: AnyRequest, code: str) -> str:
    """The cookie by which a browser remembers a language, or forgets one where the code is empty."""
    return f"{LANGUAGE_COOKIE}={code}; Path=/; Max-Age={YEAR if code else 0}; SameSite=Lax; HttpOnly{_secure(request)}"


def reader_of_form(request: AnyRequest) -> str | None:
    """The name of the person whose session a form of our own page belongs to."""
    secret = request.cookies.get(of(request).cookie)
    caller = of(request).authenticator.session(secret) if secret else None
    return None if caller is None else caller.name


async def _own_form(request: AnyRequest) -> str | None:
    """The session's secret, when the form is one of our own pages'. Raises WrongOrigin."""
    secret = request.cookies.get(of(request).cookie)
    given = (await fields(request, FEW)).one("csrf")
    if secret and not (
        from_here(request) and hmac.compare_digest(given.encode("utf-8", "replace"), csrf_token(secret).encode())
    ):
        raise WrongOrigin("the form is not of this session")
    return secret


def _enter(request: AnyRequest, user: User, how: str) -> Response[bytes]:
    context = of(request)
    secret = context.accounts.open_session(user.name, how=how, note=request.headers.get("user-agent", ""))
    return redirect(first_page(user), headers={"Set-Cookie": _cookie(request, secret, SESSION_LASTS // 1_000_000)})


def _cookie(request: AnyRequest, value: str, seconds: int) -> str:
    return f"{of(request).cookie}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{_secure(request)}"


def _secure(request: AnyRequest) -> str:
    return "; Secure" if of(request).secure else ""


def _local(address: str) -> str:
    """The path of one of our pages, else the first: a form must not send its reader elsewhere."""
    try:
        parts = urlsplit(address.replace("\\", "/"))
    except ValueError:  # such as an address of IPv6 without its end
        return "/"
    safe = not parts.scheme and not parts.netloc and parts.path.startswith("/") and not parts.path.startswith("//")
    if not (safe and address.isascii() and address.isprintable()):
        return "/"
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
