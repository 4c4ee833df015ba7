"""Objects: search, one by its id, its versions, its neighbours, and which partner may see it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from kizuna.clock import from_text
from kizuna.errors import NotFound, UsageError
from kizuna.store import Query, Store, Stored
from kizuna.store.model import Found
from kizuna.web.api.answer import answer, tag_of
from kizuna.web.api.model import (
    FacetsView,
    Neighbours,
    Object,
    Objects,
    Visibilities,
    facets_of,
    near_of,
    object_of,
    summary_of,
    visibility_of,
)
from kizuna.web.context import Asked, of
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

MOST = 500
Limit = Annotated[int, QueryParameter(ge=1, le=MOST, description="At most so many.")]
Cursor = Annotated[str | None, QueryParameter(max_length=200, description="`next` of the page before.")]
Version = Annotated[
    str | None, QueryParameter(max_length=40, description="The version of this time (RFC 3339) instead of the newest.")
]
PartnerName = Annotated[
    str | None, QueryParameter(name="as", max_length=200, description="The partner; without it, each.")
]


@get("/search", opt={"right": "read"}, sync_to_thread=True)
def search(
    request: Asked,
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
) -> Response[Objects]:
    """Objects that hold all the words, and the value, newest first; without either the newest objects."""
    question = Question.of(
        q=q, value=value, types=types, area=area, source=source, label=label, domain=domain, region=region,
        confidence=confidence, came=came, since=since, until=until,
    )  # fmt: skip
    context = of(request)
    bound = question.bound(request.user.name)
    position = context.cursors.open(cursor, *bound)
    view = context.store.view(request.user.principal)
    found = view.search(question.q, **question.narrowed(context.store), limit=limit, cursor=position)
    return _page(request, found, bound)


@get("/search/facets", opt={"right": "read"}, sync_to_thread=True)
def read_facets(
    request: Asked,
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
) -> Response[FacetsView]:
    """How many objects a search finds in all, and by domain, region, when they came in, type, area, source, label and confidence."""
    question = Question.of(
        q=q, value=value, types=types, area=area, source=source, label=label, domain=domain, region=region,
        confidence=confidence, came=came, since=since, until=until,
    )  # fmt: skip
    store = of(request).store
    view = store.view(request.user.principal)
    return answer(request, facets_of(view.facets(question.q, **question.narrowed(store), spans=spans(store))))


def _page(request: Asked, found: Found, bound: tuple[str, ...]) -> Response[Objects]:
    """A page and where it goes on, for who asked this question only."""
    following = None if found.cursor is None else of(request).cursors.seal(found.cursor, *bound)
    items = [summary_of(stored) for stored in found.items]
    # Two cursors of one position differ; the tag is of what the page shows, so that If-None-Match finds it again.
    shown = None if following is None else tag_of(msgspec.json.encode(Objects(items, "")))
    return answer(request, Objects(items, following), etag=shown)


@get("/objects/{id:str}", opt={"right": "read"}, sync_to_thread=True)
def read_object(request: Asked, id: FromPath[str], version: Version = None) -> Response[Object]:
    """One object, as you may see it."""
    return answer(request, object_of(seen(request, id, version)))


@get("/objects/{id:str}/versions", opt={"right": "read"}, sync_to_thread=True)
def read_versions(request: Asked, id: FromPath[str], limit: Limit = MOST, cursor: Cursor = None) -> Response[Objects]:
    """The versions that you may see, newest first."""
    context = of(request)
    bound = ("versions", request.user.name, id)
    position = context.cursors.open(cursor, *bound)
    found = context.store.view(request.user.principal).history(id, limit, position)
    if not found.items and position is None:
        raise absent()
    return _page(request, found, bound)


@get("/objects/{id:str}/neighbours", opt={"right": "read"}, sync_to_thread=True)
def read_neighbours(request: Asked, id: FromPath[str], limit: Limit = 100) -> Response[Neighbours]:
    """Objects one step away: what it refers to, what refers to it, and the far ends of relationships."""
    seen(request, id)
    near = of(request).store.view(request.user.principal).neighbours(id, limit)
    return answer(request, Neighbours([near_of(neighbour) for neighbour in near]))


@get("/objects/{id:str}/visibility", opt={"right": "read"}, sync_to_thread=True)
def read_visibility(request: Asked, id: FromPath[str], partner: PartnerName = None) -> Response[Visibilities]:
    """Whether partners may have all of an object, and why."""
    store, stored = of(request).store, seen(request, id)
    names = [found.name for found in store.partners()] if partner is None else [store.partner(partner).name]
    view = store.view(request.user.principal)
    unseen = view.rests_on_unseen(id)
    verdicts = ((name, view.explain(id, store.principal_of_partner(name))) for name in names)
    return answer(
        request,
        Visibilities(
            [
                visibility_of(id, name, verdict, in_feed=None if unseen else stored.version in offered(store, name, id))
                for name, verdict in verdicts
                if verdict is not None
            ]
        ),
    )


def offered(store: Store, partner: str, id: str) -> set[int | None]:
    """The versions of an object that are in a partner's feed."""
    rows = store.feed(partner).read(Query(ids=(id,), versions=("all",)), 0, 1000).rows
    return {row.version for row in rows}


def seen(request: Asked, id: str, version: str | None = None) -> Stored:
    """The object as the caller sees it. Raises NotFound, in the same words whether it is absent or hidden; UsageError."""
    try:
        moment = None if version is None else from_text(version)
    except (ValueError, OverflowError):
        raise UsageError("not an RFC 3339 time", path="/query/version") from None
    stored = of(request).store.view(request.user.principal).get(id, moment)
    if stored is None:
        raise absent()
    return stored


def absent() -> NotFound:
    """What is said of what is absent and of what is hidden; it does not repeat what was asked."""
    return NotFound("no such object")
