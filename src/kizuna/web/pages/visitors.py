"""People of a partner: an operator lets them in by a link that is shown once, and lets them go."""

from __future__ import annotations

from litestar import Response, post
from litestar.params import FromPath

from kizuna.errors import Conflict, NotFound, UsageError
from kizuna.store.accounts import Accounts
from kizuna.store.caller import Caller
from kizuna.web.context import of
from kizuna.web.forms import MOST_BYTES, Fields, acts
from kizuna.web.pages.partners import partner_page
from kizuna.web.pages.render import AnyRequest

MOST_DISPLAY = 200


@post("/partners/{partner:str}/people", status_code=200, request_max_body_size=MOST_BYTES)
async def act_on_visitor(request: AnyRequest, partner: FromPath[str]) -> Response[bytes]:
    """Add somebody of a partner, make them a log-in link, or remove them. Raises NotFound, UsageError."""

    def work(asked: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
        return _act(asked, caller, of(asked).store.partner(partner).name, form)

    return await acts(request, "operate", work)


def _act(request: AnyRequest, caller: Caller, partner: str, form: Fields) -> Response[bytes]:
    accounts, name, what = of(request).accounts, form.one("name").strip(), form.one("act")
    display = form.one("display").strip()
    if what == "add":
        try:
            name = _added(accounts, partner, name, display, by=caller.name)
        except (Conflict, UsageError) as error:
            return partner_page(
                request, caller, partner, wrong=error.slug, typed={"name": name, "display": display}, status=error.status
            )  # fmt: skip
    if what not in ("add", "link", "remove"):
        raise UsageError("add, link or remove")
    if name.casefold() not in {one.name.casefold() for one in accounts.people_of_partners(partner)}:
        raise NotFound("no such person of this partner")
    if what == "remove":
        accounts.remove_user(name, by=caller.name)
        return partner_page(request, caller, partner, done=name)
    secret = accounts.create_link(name, by=caller.name)
    base = of(request).store.settings.public_url or str(request.base_url)
    return partner_page(request, caller, partner, link=(name, f"{base.rstrip('/')}/login/{secret}"))


def _added(accounts: Accounts, partner: str, name: str, display: str, *, by: str) -> str:
    """Add somebody, once however often it is sent. Raises Conflict, UsageError."""
    if name in {one.name for one in accounts.people_of_partners(partner)}:
        return name
    if len(display) > MOST_DISPLAY or not display.isprintable():
        raise UsageError("a name of at most 200 characters")
    return accounts.add_person_of(partner, name, by=by, display=display or None).name


HANDLERS = (act_on_visitor,)

__all__ = ["HANDLERS"]
