"""Turning a template into a page: one environment, the reader's language, and the facts every page shows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from typing import Any, Literal
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response

from kizuna.errors import NotAuthenticated, Refused
from kizuna.labels import Label, format_label
from kizuna.store.accounts import User
from kizuna.store.caller import Caller, Right
from kizuna.web.auth import csrf_token
from kizuna.web.context import Context, of
from kizuna.web.guards import known, only_known_questions, person_with
from kizuna.web.i18n import N_, NAMES, Language, in_words, rule_in_words, zone_of
from kizuna.web.listing import address, form_of
from kizuna.web.naming import FORMS, ROLES, STATES, defanged, highest, level, tongue
from kizuna.web.problems import wants_page

Place = Literal["picture", "objects", "release", "partners", "feed", "withdrawn"]
PLACES: tuple[tuple[Place, str, str], ...] = (
    ("picture", "/", N_("Picture")), ("objects", "/objects", N_("Objects")), ("release", "/release", N_("Release")),
    ("partners", "/partners", N_("Partners")),
)  # fmt: skip
JUMPS: dict[Place, str] = {"picture": "p", "objects": "o", "release": "r", "partners": "t"}
"""The key that leads to a page after `g`."""
FEED = "/feed"
PLACES_OF_VISITORS: tuple[tuple[Place, str, str], ...] = (
    ("feed", FEED, N_("From %(node)s")), ("withdrawn", f"{FEED}/withdrawn", N_("Taken back")),
)  # fmt: skip
FICTIONAL = "(fictional)"
LANGUAGE_COOKIE = "kizuna_language"
AnyRequest = Request[Any, Any, Any]


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Templates: everything is escaped, and a name that is missing is an error."""
    made = Environment(
        loader=PackageLoader("kizuna.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {
        "asset": asset, "address": address, "level": level, "format_label": format_label, "states": STATES, "forms": FORMS,
        "roles": ROLES, "tongue": tongue, "in_words": in_words,
        "rule_in_words": rule_in_words,
    }  # fmt: skip
    made.filters |= {"defang": defanged}
    return made


def page(
    request: AnyRequest,
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    caller: Caller | None = None,
    here: str | None = None,
    place: Place | None = None,
    shown: Iterable[Label] | None = None,
    **values: Any,
) -> Response[bytes]:
    """A page in the reader's language. `here` is where the choice of another language leads back to: this address, unless told.

    `place` is where the page stands in the navigation, `shown` the labels of all it shows, for the banner.
    """
    context = of(request)
    language = language_of(request, caller)
    secret = request.cookies.get(context.cookie)
    text = (
        environment()
        .get_template(template)
        .render(
            _=language,
            language=language,
            languages=NAMES,
            here=here or _address(request),
            caller=caller,
            places=() if caller is None else PLACES_OF_VISITORS if caller.kind == "visitor" else PLACES,
            jumps=JUMPS,
            first_page="/" if caller is None else first_page(caller),
            place=place,
            highest=None if shown is None else highest(shown),
            csrf=csrf_token(secret) if secret and caller else "",
            node=_node(context, language),
            **values,
        )
    )
    vary = {"Vary": "Cookie, Accept-Language, Accept", "Content-Language": language.code}
    return Response(text.encode(), status_code=status, media_type="text/html", headers=vary | (headers or {}))


def language_of(request: AnyRequest, caller: Caller | None) -> Language:
    """The reader's language: their own setting, else what this browser chose here, else what it accepts, else the node's."""
    context = of(request)
    stated = None if caller is None else context.accounts.user(caller.name).language
    cookie = request.cookies.get(LANGUAGE_COOKIE)
    return context.languages.choose(stated, cookie, accept=request.headers.get("accept-language", ""))


def reader(request: AnyRequest) -> Caller | None:
    """The person who reads a page, if somebody is logged in."""
    caller = known(request)
    return caller if caller is not None and caller.kind == "person" and caller.may("read") else None


def anybody(request: AnyRequest) -> Caller | None:
    """Who reads a page: one of one's own people, or somebody of a partner."""
    caller = known(request)
    return (
        caller
        if caller is not None and (caller.kind == "visitor" or (caller.kind == "person" and caller.may("read")))
        else None
    )


def first_page(who: Caller | User) -> str:
    """The page that somebody sees first."""
    return "/" if who.partner is None else FEED


def redirect(path: str, *, headers: dict[str, str] | None = None) -> Response[bytes]:
    """See another page of this node (303)."""
    return Response(b"", status_code=303, media_type="text/plain", headers={"Location": path, **(headers or {})})


class AtTheDoor(NotAuthenticated):
    """Somebody who is not logged in asks for a page: they are led to the log-in."""


def asks(request: AnyRequest, right: Right = "read") -> Caller:
    """Who reads a page or a list. Raises AtTheDoor, NotAuthenticated, Refused, and UsageError for an unknown question."""
    if form_of(request) == "html" and wants_page(request) and known(request) is None:
        raise AtTheDoor("log in first")
    caller = person_with(request, right)
    only_known_questions(request, request.route_handler)
    return caller


def visits(request: AnyRequest) -> tuple[Caller, str]:
    """Who of which partner reads a page or a list of theirs. Raises AtTheDoor, NotAuthenticated, Refused, UsageError."""
    caller = known(request)
    if caller is None:
        raise (
            AtTheDoor("log in first")
            if form_of(request) == "html" and wants_page(request)
            else NotAuthenticated("log in first")
        )
    if caller.kind != "visitor" or caller.partner is None:
        raise Refused("this is for people of partners")
    only_known_questions(request, request.route_handler)
    return caller, caller.partner


def _address(request: AnyRequest) -> str:
    """Where somebody is, with their question."""
    query = request.scope["query_string"].decode("ascii", "replace")
    return str(request.scope["path"]) + (f"?{query}" if query else "")


def _node(context: Context, language: Language) -> dict[str, Any]:
    settings = context.store.settings
    organisation = settings.organisation.removesuffix(FICTIONAL).strip()
    return {
        "name": settings.name,
        "organisation": organisation,
        "fictional": organisation != settings.organisation,
        "country": language.country(settings.country),
        "zone": zone_of(settings.country),
        "now": context.store.clock(),
    }


@lru_cache(maxsize=32)
def static(name: str) -> tuple[bytes, str] | None:
    """A file that pages need, and its media type; None when there is none of that name."""
    types = {"css": "text/css", "svg": "image/svg+xml", "js": "text/javascript"}
    folder = resources.files("kizuna.web").joinpath("static")
    # Names come from outside: only what lies in the folder, found by listing it.
    for entry in folder.iterdir():
        kind = types.get(entry.name.rpartition(".")[2])
        if entry.name == name and kind is not None:
            return entry.read_bytes(), kind
    return None


@lru_cache(maxsize=32)
def asset(name: str) -> str:
    """The address of a file, which changes with its content so that browsers may keep it."""
    found = static(name)
    version = hashlib.sha256(found[0]).hexdigest()[:12] if found else ""
    return f"/static/{quote(name)}?v={version}"
