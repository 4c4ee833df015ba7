"""What leaves: the outbox of each partner, and what people do about it, each act shown before it is done."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import QueryParameter

from kizuna.errors import Conflict, UsageError
from kizuna.labels import Reason, format_label
from kizuna.stix.ids import type_of
from kizuna.store import Store
from kizuna.store.caller import Caller
from kizuna.store.explaining import looked_at
from kizuna.store.outbox import Item, State
from kizuna.store.releasing import Acted, Releases, set_digest
from kizuna.store.seen_releasing import outbox_page
from kizuna.web.api.model import time_text
from kizuna.web.api.objects import Cursor
from kizuna.web.context import of
from kizuna.web.forms import MOST_BYTES, Fields, acts
from kizuna.web.i18n import Language
from kizuna.web.listing import Listing, address, list_at, listed
from kizuna.web.naming import property_name, shortened, title_of, type_name
from kizuna.web.pages.named import Json, entitled, named
from kizuna.web.pages.object import PROPERTIES, ordered, says
from kizuna.web.pages.objects import Limit
from kizuna.web.pages.render import AnyRequest, asks, language_of, page
from kizuna.wording import worded

COLUMNS = ("id", "state", "form", "redacted", "version", "label", "approved", "asked", "by", "waits_for", "since")
TABS: tuple[State, ...] = ("proposed", "offered", "unproposed", "waiting", "stopped", "withdrawn", "withheld", "ended")
LOOKED_AT = 400
"""Objects that are looked at for one page: a page is short rather than late."""
MOST = 200
"""Objects that are approved, stopped or withdrawn at once from a page."""
LOOK_BYTES = 4 << 20
"""Bytes of objects that are looked at on one page: at least one object, and no more that go beyond it."""

Partner = Annotated[
    str | None, QueryParameter(name="as", max_length=200, description="The partner; without it the first.")
]
Where = Annotated[State, QueryParameter(name="state", description="Where the objects stand.")]
Ids = Annotated[list[str] | None, QueryParameter(name="id", max_items=MOST, description="These objects.")]


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """An object in an outbox: what the asker sees of it, the rendition where it leaves in part, and why not all of it leaves."""

    item: Item
    whole: Json
    part: Json | None
    reasons: tuple[Reason, ...]

    @property
    def leaves(self) -> bool:
        """Whether anything of it may leave."""
        return self.item.state not in ("withheld", "ended")


@list_at("/release")
def show_outbox(
    request: AnyRequest, partner: Partner = None, where: Where = "proposed", limit: Limit = 50, cursor: Cursor = None
) -> Response[bytes]:
    """What stands so for a partner, newest first, as far as the reader sees."""
    caller = asks(request)
    context = of(request)
    store, partners = context.store, context.store.partners()
    name = store.partner(partner).name if partner else partners[0].name if partners else None
    bound = ("outbox page", caller.name, name or "", where)
    items: list[Item] = []
    more = None
    if name is not None:
        items, more = outbox_page(
            store, name, (where,), limit, caller.principal, context.cursors.open(cursor, *bound), most=LOOKED_AT
        )
    following = None if more is None else context.cursors.seal(more, *bound)

    def shown() -> Response[bytes]:
        language = language_of(request, caller)
        view = store.view(caller.principal)
        names = named(view, (item.id for item in items))
        names |= entitled(view, names.values())
        return page(
            request,
            "release.html",
            caller=caller,
            place="release",
            shown=[item.label for item in items],
            partners=[one.name for one in partners],
            partner=name,
            state=where,
            tabs=[(tab, address("/release", {"as": name, "state": tab})) for tab in TABS],
            items=[_entry(item, names, language) for item in items],
            following=None if following is None else address("/release", {"as": name, "state": where, "cursor": following}),
            others={form: address(f"/release.{form}", {"as": name, "state": where, "cursor": cursor}) for form in ("json", "csv")},
        )  # fmt: skip

    return listed(request, lambda: Listing(COLUMNS, [_row(item) for item in items], following), shown)


@get("/release/look", sync_to_thread=True)
def look(request: AnyRequest, partner: Partner = None, ids: Ids = None) -> Response[bytes]:
    """What would leave of some objects for a partner, original and rendition side by side, and what to do about it."""
    caller = asks(request)
    if not partner or not ids:
        raise UsageError("choose a partner and objects", path="/query/as" if not partner else "/query/id")
    return _look(
        request, caller, of(request).store.partner(partner).name, [id for id in dict.fromkeys(ids) if type_of(id)]
    )


def _look(
    request: AnyRequest, caller: Caller, partner: str, ids: list[str], *, wrong: str | None = None, status: int = 200,
    acted: Acted | None = None, reason: str = "",
) -> Response[bytes]:  # fmt: skip
    store, language = of(request).store, language_of(request, caller)
    sets, left = what_would_leave(store, caller, partner, ids)
    names = named(store.view(caller.principal), [*ids, *(ref for one in sets for ref in _referred(one))])
    items = [one.item for one in sets]
    return page(
        request,
        "look.html",
        status=status,
        caller=caller,
        place="release",
        here=address("/release/look", {"as": partner, "id": ids}),
        shown=[item.label for item in items],
        partner=partner,
        items=[_beside(one, names, language) for one in sets],
        deeds=_deeds(sets),
        set=set_digest(partner, items),
        absent=len(ids) - len(items) - left,
        left=left,
        wrong=wrong,
        reason=reason,
        failed=[] if acted is None else _failed(acted, names, language),
        opened=None if acted is None else acted.opened,
        ended=None if acted is None else acted.ended,
    )


@post("/release/propose", status_code=200, request_max_body_size=MOST_BYTES)
async def propose(request: AnyRequest) -> Response[bytes]:
    """Ask people to let what was looked at leave."""
    return await acts(request, "release", _propose)


@post("/release/approve", status_code=200, request_max_body_size=MOST_BYTES)
async def approve(request: AnyRequest) -> Response[bytes]:
    """Let exactly what was looked at leave, by one's password once more."""
    return await acts(request, "release", _approve, again=lambda _: True)


@post("/release/stop", status_code=200, request_max_body_size=MOST_BYTES)
async def stop(request: AnyRequest) -> Response[bytes]:
    """Hold back what was looked at."""
    return await acts(request, "release", _stop)


@post("/release/withdraw", status_code=200, request_max_body_size=MOST_BYTES)
async def withdraw(request: AnyRequest) -> Response[bytes]:
    """Take back what was sent."""
    return await acts(request, "release", _withdraw)


def _propose(request: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
    return _done(request, caller, form, lambda releases, about, by: releases.propose(*about, **by))


def _stop(request: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
    return _done(request, caller, form, lambda releases, about, by: releases.stop(*about, **by))


def _withdraw(request: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
    reason = form.one("reason").strip()
    if not reason:
        return _look(request, caller, *_about(request, form), wrong="reason", status=422)
    return _done(request, caller, form, lambda releases, about, by: releases.withdraw(*about, reason, **by))


def _approve(request: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
    if (error := form.refused) is not None:
        return _look(request, caller, *_about(request, form), wrong=error.slug, status=error.status)
    shown = form.one("set")
    return _done(request, caller, form, lambda releases, about, by: releases.approve(*about, shown=shown, **by))


def _about(request: AnyRequest, form: Fields) -> tuple[str, list[str]]:
    ids = [id for id in form.many("id") if type_of(id) is not None]
    if not ids or len(ids) > MOST:
        raise UsageError(f"choose 1 to {MOST} objects")
    return of(request).store.partner(form.one("as")).name, ids


def _done(request: AnyRequest, caller: Caller, form: Fields, act: Any) -> Response[bytes]:
    partner, ids = _about(request, form)
    try:
        acted = act(Releases(of(request).store), (partner, ids), {"by": caller.name, "principal": caller.principal})
    except Conflict:
        return _look(request, caller, partner, ids, wrong="conflict", status=409)
    return _look(request, caller, partner, ids, acted=acted)


def what_would_leave(store: Store, caller: Caller, partner: str, ids: list[str]) -> tuple[list[Leaving], int]:
    """Where each object stands, with what the caller sees of it, and what would leave of it and why not more.

    And how many are left out, for those before them are as large as one page can show.
    """
    store.settle()
    view = store.view(caller.principal)
    found: list[Leaving] = []
    left, room = 0, LOOK_BYTES
    with store.database.snapshot() as reader:
        for one in looked_at(store, reader, partner, ids, caller.principal).values():
            if one.item is None or one.row is None:
                continue
            raw = view.shown(one.row) or b"{}"
            room -= len(raw)
            if found and room < 0:
                left += 1
                continue
            found.append(
                Leaving(
                    item=one.item,
                    whole=msgspec.json.decode(raw),
                    part=None if one.made is None else one.made.data,
                    reasons=one.said.reasons,
                )
            )
    return found, left


def _beside(one: Leaving, names: dict[str, Json], language: Language) -> dict[str, Any]:
    """Original and rendition, property by property."""
    whole, leaving = one.whole, one.whole if one.part is None else one.part
    keys = list(dict.fromkeys([*ordered(whole), *leaving]))
    more = max(0, len(keys) - PROPERTIES)
    del keys[PROPERTIES:]
    left, right = ({said["key"]: said for said in says(data, names, language, keys)[0]} for data in (whole, leaving))
    lines = [
        {
            "title": property_name(shortened(key, 250), language),
            "own": left.get(key),
            "theirs": right.get(key),
            "same": whole.get(key) == leaving.get(key),
        }
        for key in keys
    ]
    why = [worded(reason.code, reason.parameters, language.code) for reason in one.reasons]
    return {**_entry(one.item, names, language), "lines": lines, "more": more, "leaves": one.leaves, "why": why}


def _deeds(sets: list[Leaving]) -> set[str]:
    """What can be done about these."""
    open = {one.item.state for one in sets if one.leaves}
    return {
        deed
        for deed, states in {
            "approve": open - {"offered"},
            "propose": open & {"unproposed"},
            "stop": open & {"proposed", "unproposed", "waiting"},
            "withdraw": open & {"offered"},
        }.items()
        if states
    }


def _referred(one: Leaving) -> list[str]:
    return [
        ref
        for data in (one.whole, one.part or {})
        for value in data.values()
        for ref in (value if isinstance(value, list) else [value])
        if isinstance(ref, str) and "--" in ref
    ]


def _failed(acted: Acted, names: dict[str, Json], language: Language) -> list[dict[str, Any]]:
    return [
        {
            "id": id,
            "name": title_of(names.get(id, {"id": id}), names),
            "why": worded(why.code, why.parameters, language.code),
        }
        for id, why in acted.failed
    ]


def _row(item: Item) -> tuple[str | int | None, ...]:
    return (
        item.id, item.state, item.form, " ".join(item.redacted), time_text(item.version), format_label(item.label), " ".join(item.approved),
        item.asked, item.by, item.waits_for, time_text(item.since),
    )  # fmt: skip


def _entry(item: Item, names: dict[str, Json], language: Language) -> dict[str, Any]:
    return {
        "id": item.id,
        "kind": type_name(item.id.partition("--")[0], language),
        "name": title_of(names.get(item.id, {"id": item.id}), names),
        "item": item,
        "redacted": [property_name(key, language) for key in item.redacted],
    }


HANDLERS = (*show_outbox, look, propose, approve, stop, withdraw)

__all__ = ["HANDLERS"]
