"""Consents as a page: what was asked for and given, by whom, to pass what on to whom."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response
from litestar.params import QueryParameter

from kizuna.clock import to_text
from kizuna.store.consent_entries import Entry
from kizuna.store.seen_consents import SeenConsents
from kizuna.web.api.model import time_text
from kizuna.web.api.objects import Cursor
from kizuna.web.context import of
from kizuna.web.i18n import N_
from kizuna.web.listing import Listing, address, list_at, listed
from kizuna.web.naming import title_of
from kizuna.web.pages.named import named
from kizuna.web.pages.render import AnyRequest, asks, page

COLUMNS = ("at", "kind", "sent", "partner", "third_party", "expires", "settled", "reason", "ids", "label")
KINDS = {"request": N_("request"), "consent": N_("consent"), "consent-end": N_("end of a consent")}
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="At most so many.")]


@list_at("/release/consents")
def show_consents(request: AnyRequest, limit: Limit = 50, cursor: Cursor = None) -> Response[bytes]:
    """Requests for consent, consents and their ends, newest first, of objects that the reader sees."""
    caller = asks(request)
    context = of(request)
    store = context.store
    bound = ("consents page", caller.name)
    entries, more = SeenConsents(store, caller.principal, by=caller.name).entries(
        limit, context.cursors.open(cursor, *bound)
    )
    following = None if more is None else context.cursors.seal(more, *bound)

    def shown() -> Response[bytes]:
        names = named(store.view(caller.principal), (id for one in entries for id in one.ids[:20]))
        return page(
            request,
            "consents.html",
            caller=caller,
            place="release",
            kinds=KINDS,
            entries=[_entry(one, names) for one in entries],
            following=None if following is None else address("/release/consents", {"cursor": following}),
            others={form: address(f"/release/consents.{form}", {"cursor": cursor}) for form in ("json", "csv")},
        )

    return listed(request, lambda: Listing(COLUMNS, [_row(one) for one in entries], following), shown)


def _entry(one: Entry, names: dict[str, Any]) -> dict[str, Any]:
    about = [{"id": id, "name": title_of(names.get(id, {"id": id}), names)} for id in one.ids[:20]]
    return {"entry": one, "about": about, "more": len(one.ids) - len(about), "follows": _follows(one)}


def _follows(one: Entry) -> dict[str, Any] | None:
    """What a releaser may do about it next: answer what a partner asked for, or end what was given; of a few objects."""
    what = {("request", False): "grant", ("consent", True): "end"}.get((one.kind, one.sent))
    if what is None or one.settled is not None or len(one.ids) > 20:
        return None
    about = {"id": list(one.ids)} if one.label is None else {"label": one.label}
    return {"what": what, "as": one.partner, "to": one.third_party, **about}


def _row(one: Entry) -> tuple[str | int | None, ...]:
    return (
        to_text(one.at), one.kind, "sent" if one.sent else "received", one.partner, one.third_party, time_text(one.expires),
        time_text(one.settled), one.reason, " ".join(one.ids), one.label,
    )  # fmt: skip


HANDLERS = show_consents

__all__ = ["HANDLERS"]
