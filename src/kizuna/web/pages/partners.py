"""Partners: how each exchange stands, what each is set to receive, in which groups it is, and who may come in for it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Response, get
from litestar.params import FromPath

from kizuna.clock import to_text
from kizuna.store import Partner, Store
from kizuna.store.caller import Caller
from kizuna.store.epochs import stopped_partners
from kizuna.store.exchanged import Exchanged, exchanged
from kizuna.web.api.model import time_text
from kizuna.web.context import of
from kizuna.web.i18n import Language
from kizuna.web.listing import Listing, list_at, listed
from kizuna.web.pages.areas import area_name
from kizuna.web.pages.render import AnyRequest, asks, language_of, page

COLUMNS = ("name", "organisation", "country", "receives", "given", "got", "last_exchange", "stopped", "key", "added")


@list_at("/partners")
def list_partners(request: AnyRequest) -> Response[bytes]:
    """Every partner, with what went each way as far as the reader sees."""
    caller = asks(request)
    store = of(request).store

    def shown() -> Response[bytes]:
        language = language_of(request, caller)
        told = entries(store, caller, language)
        others = {form: f"/partners.{form}" for form in ("json", "csv")}
        return page(request, "partners.html", caller=caller, place="partners", partners=told, others=others)

    def rows() -> Listing:
        counts, stopped = exchanged(store, caller.principal), stopped_partners(store.database.read())
        told = [_row(one, counts.get(one.name, Exchanged()), stopped.get(one.name)) for one in store.partners()]
        return Listing(COLUMNS, told)

    return listed(request, rows, shown)


@get("/partners/{partner:str}", sync_to_thread=True)
def show_partner(request: AnyRequest, partner: FromPath[str]) -> Response[bytes]:
    """One partner. Raises NotFound."""
    caller = asks(request)
    return partner_page(request, caller, of(request).store.partner(partner).name)


def partner_page(
    request: AnyRequest, caller: Caller, name: str, *, wrong: str | None = None, typed: dict[str, str] | None = None,
    link: tuple[str, str] | None = None, done: str | None = None, status: int = 200,
) -> Response[bytes]:  # fmt: skip
    """One partner, to operators with its people, and with what was done or refused about these; `link` is somebody's, shown once."""
    context = of(request)
    store, language = context.store, language_of(request, caller)
    told = store.partner(name)
    principal = store.principal_of_partner(told.name)
    return page(
        request,
        "partner.html",
        status=status,
        caller=caller,
        place="partners",
        here=f"/partners/{quote(told.name)}",
        partner=entries(store, caller, language, told.name)[0],
        told=told,
        groups=sorted(principal.memberships, key=lambda one: one[0]),
        tokens=context.accounts.listed("token", partner=told.name) if caller.may("operate") else None,
        people=context.accounts.people_of_partners(told.name) if caller.may("operate") else (),
        wrong=wrong,
        typed=typed or {"name": "", "display": ""},
        link=link,
        done=done,
    )


def entries(store: Store, caller: Caller, language: Language, only: str | None = None) -> list[dict[str, Any]]:
    """Partners as pages show them, or one of them."""
    counts, stopped = exchanged(store, caller.principal), stopped_partners(store.database.read())
    return [
        {
            "name": partner.name,
            "organisation": partner.organisation,
            "country": language.country(partner.country),
            "levels": [one for one in partner.receives if is_level(one)],
            "areas": [area_name(one, language) or one for one in partner.receives if not is_level(one)],
            "stopped": stopped.get(partner.name),
            "pinned": partner.public_key is not None,
            "exchanged": counts.get(partner.name, Exchanged()),
        }
        for partner in store.partners()
        if only in (None, partner.name)
    ]


def is_level(entry: str) -> bool:
    """Whether what a partner is set to receive is a level, not an area."""
    return entry.upper() == "PUBLIC" or entry.upper().startswith("TLP:")


def _row(partner: Partner, counts: Exchanged, stopped: int | None) -> tuple[str | int | None, ...]:
    return (
        partner.name, partner.organisation, partner.country, " ".join(partner.receives), counts.given, counts.got, time_text(counts.last),
        time_text(stopped), partner.public_key, to_text(partner.added),
    )  # fmt: skip


__all__ = ["entries", "list_partners", "partner_page", "show_partner"]
