"""The node: who you are, its partners, and what you may see of it in numbers."""

from __future__ import annotations

from litestar import Response, get

from kizuna.clock import to_text
from kizuna.store.epochs import stopped_partners
from kizuna.store.exchanged import exchanged
from kizuna.web.api.answer import answer
from kizuna.web.api.model import Area, Counts, Me, Partners, PartnerView, time_text
from kizuna.web.auth import csrf_token
from kizuna.web.context import Asked, of


@get("/me", opt={"right": "read"}, sync_to_thread=True)
def read_me(request: Asked) -> Response[Me]:
    """Who you are; `csrf_token` is for X-CSRF-Token, when a session asks."""
    caller, context = request.user, of(request)
    secret = None if "authorization" in request.headers else request.cookies.get(context.cookie)
    token = csrf_token(secret) if secret else None
    organisation = context.store.organisation
    return answer(
        request,
        Me(name=caller.name, organisation=organisation, roles=caller.roles, scopes=caller.scopes, csrf_token=token),
    )


@get("/partners", opt={"right": "read"}, sync_to_thread=True)
def read_partners(request: Asked) -> Response[Partners]:
    """The organisations this node exchanges with."""
    store = of(request).store
    counts = exchanged(store, request.user.principal)
    stopped = stopped_partners(store.database.read())
    found = [
        PartnerView(
            name=partner.name,
            organisation=partner.organisation,
            country=partner.country,
            public_key=partner.public_key,
            receives=partner.receives,
            unstated=partner.unstated,
            default_label=partner.default_label,
            url=partner.url,
            added=to_text(partner.added),
            last_exchange=time_text(counts[partner.name].last),
            stopped=time_text(stopped.get(partner.name)),
            given=counts[partner.name].given,
            got=counts[partner.name].got,
        )
        for partner in store.partners()
        if partner.name in counts
    ]
    return answer(request, Partners(found))


@get("/stats", opt={"right": "read"}, sync_to_thread=True)
def read_stats(request: Asked) -> Response[Counts]:
    """What you may see, counted by type and by programme area."""
    view = of(request).store.view(request.user.principal)
    stats = view.stats()
    areas = [Area(area=t.area, held=t.held, given=t.given, got=t.got, last=time_text(t.last)) for t in view.traffic()]
    return answer(request, Counts(objects=stats.objects, versions=stats.versions, by_type=stats.by_type, areas=areas))
