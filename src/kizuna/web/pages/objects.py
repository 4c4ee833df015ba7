"""The objects: search with facets, over what the reader may see; and a new label for several of them, shown before it is set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Response, post
from litestar.params import QueryParameter

from kizuna.errors import UsageError
from kizuna.labels import format_label, parse_label
from kizuna.store import Store
from kizuna.store.caller import Caller
from kizuna.store.model import Stored
from kizuna.store.moves import Moved
from kizuna.store.relabelling import rows_of_many
from kizuna.store.relabelling_many import Relabelled
from kizuna.store.searches import Searches
from kizuna.store.seen_releasing import relabel
from kizuna.web.api.model import summary_of
from kizuna.web.api.objects import Cursor
from kizuna.web.context import of
from kizuna.web.forms import MOST_BYTES, Fields, acts
from kizuna.web.i18n import Language
from kizuna.web.listing import Listing, address, list_at, listed
from kizuna.web.naming import source_name, title_of, type_name
from kizuna.web.narrowing import (
    AreaName,
    CameFrom,
    CameIn,
    CameTo,
    ConfidenceIn,
    DomainName,
    LabelOf,
    Question,
    RegionName,
    SourceName,
    Types,
    Value,
    Words,
    spans,
)
from kizuna.web.pages.areas import area_name
from kizuna.web.pages.facets import chosen_of, facets_of
from kizuna.web.pages.named import Json, entitled
from kizuna.web.pages.render import AnyRequest, asks, language_of, page
from kizuna.web.pages.searches import suggested

COLUMNS = ("id", "type", "name", "version", "added", "label", "source", "area")
MOST = 200
"""Objects that get another label at once from a page."""
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="At most so many.")]


@list_at("/objects")
def list_objects(
    request: AnyRequest,
    q: Words = None,
    value: Value = None,
    types: Types = None,
    area: AreaName = None,
    source: SourceName = None,
    label: LabelOf = None,
    domain: DomainName = None,
    region: RegionName = None,
    confidence: ConfidenceIn = None,
    came: CameIn = None,
    since: CameFrom = None,
    until: CameTo = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[bytes]:
    """Objects that hold all the words, newest first, and how many there are of each kind that a search can be narrowed to."""
    caller = asks(request)
    context = of(request)
    question = Question.of(
        q=q, value=value, types=types, area=area, source=source, label=label, domain=domain, region=region,
        confidence=confidence, came=came, since=since, until=until,
    )  # fmt: skip
    narrowed, asked, bound = question.narrowed(context.store), question.asked, question.bound(caller.name)
    view = context.store.view(caller.principal)
    found = view.search(question.q, **narrowed, limit=limit, cursor=context.cursors.open(cursor, *bound))
    following = None if found.cursor is None else context.cursors.seal(found.cursor, *bound)

    def shown() -> Response[bytes]:
        language = language_of(request, caller)
        facets = view.facets(question.q, **narrowed, spans=spans(context.store))
        read = [msgspec.json.decode(stored.raw) for stored in found.items]
        others = entitled(view, read)
        return page(
            request,
            "objects.html",
            caller=caller,
            place="objects",
            shown=[stored.label for stored in found.items],
            asked=asked,
            total=facets.objects,
            facets=facets_of(facets, question, language),
            chosen=chosen_of(question, language),
            saved=[{"name": one.name, "address": f"/objects?{one.question}"} for one in Searches(context.store, caller.name).listed()],
            suggested=suggested(context, caller, facets, language) if question.empty and not cursor else [],
            empty=question.empty,
            objects=[entry(stored, data, others, language) for stored, data in zip(found.items, read, strict=True)],
            following=following and address("/objects", {**asked, "limit": None if limit == 50 else limit, "cursor": following}),
            forms={form: address(f"/objects.{form}", {**asked, "cursor": cursor}) for form in ("json", "csv")},
            first=address("/objects", asked) if cursor else None,
        )  # fmt: skip

    return listed(request, lambda: Listing(COLUMNS, [_row(stored) for stored in found.items], following), shown)


@post("/objects/label", status_code=200, request_max_body_size=MOST_BYTES)
async def label_objects(request: AnyRequest) -> Response[bytes]:
    """Another label for several objects: first what it would change for whom, and then, with `sure`, the change itself."""
    return await acts(request, "release", _label)


def _label(request: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
    store, ids, text = of(request).store, form.many("id"), form.one("label").strip()
    if len(ids) > MOST:
        raise UsageError(f"choose at most {MOST} objects")
    label = parse_label(text, originator=store.organisation, community=store.settings.community) if text else None
    done = None
    sure = bool(form.one("sure")) and label is not None
    earlier = _earlier(store, caller, ids) if sure else {}
    if label is not None and ids:
        done = relabel(store, ids, label, by=caller.name, principal=caller.principal, dry=not sure)
    view = store.view(caller.principal)
    stored = [one for id in ids if (one := view.get(id)) is not None]
    read = [msgspec.json.decode(one.raw) for one in stored]
    language, others = language_of(request, caller), entitled(view, read)
    return page(
        request,
        "label.html",
        caller=caller,
        place="objects",
        here="/objects",
        shown=[one.label for one in stored],
        objects=[entry(one, data, others, language) for one, data in zip(stored, read, strict=True)],
        label=text if label is None else format_label(label),
        done=done,
        sure=sure,
        undo=[] if done is None or label is None else _undo(earlier, done, format_label(label)),
        left={}
        if done is None
        else {name: opened for name, moved in done.changes.items() if (opened := _opened(moved))},
    )


def _earlier(store: Store, caller: Caller, ids: list[str]) -> dict[str, str]:
    """By ID, the label that all versions of an object of one's own have which somebody sees; where they differ there is none."""
    found = {}
    with store.database.snapshot() as reader:
        for id, rows in rows_of_many(store, reader, "real", ids, caller.principal):
            labels = {store.interned.label_of(reader, row.label) for row in rows}
            if len(labels) == 1 and all(row.kind != "partner" for row in rows):
                found[id] = format_label(labels.pop())
    return found


def _opened(moved: Sequence[Moved]) -> list[str]:
    """What entered a feed, and may have been fetched."""
    return [one.id for one in moved if one.was is None and one.now is not None]


def _undo(earlier: dict[str, str], done: Relabelled, label: str) -> list[tuple[str, list[str]]]:
    """Each earlier label, and the objects that can have it again; not those that left by this act."""
    left = {id for moved in done.changes.values() for id in _opened(moved)}
    undo: dict[str, list[str]] = {}
    for id in done.done:
        if id not in left and earlier.get(id, label) != label:
            undo.setdefault(earlier[id], []).append(id)
    return list(undo.items())


def _row(stored: Stored) -> tuple[str | None, ...]:
    told = summary_of(stored)
    return (told.id, told.type, told.name, told.version, told.added, told.label.text, told.source, told.area)


def entry(stored: Stored, data: Json, others: dict[str, Json], language: Language) -> dict[str, Any]:
    """An object as a table of a page shows it; `others` are those that its title rests on."""
    return {
        "id": stored.id,
        "type": stored.type,
        "kind": type_name(stored.type, language),
        "name": title_of(data, others),
        "label": stored.label,
        "source": source_name(stored.source, language),
        "area": area_name(stored.area, language),
        "added": stored.added,
        "version": stored.version,
        "cut": bool(stored.cut),
    }


__all__ = ["entry", "label_objects", "list_objects"]
