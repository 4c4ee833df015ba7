"""Release: what may leave for a partner, in which form, and why."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter

from kizuna.errors import UsageError
from kizuna.release import verdicts
from kizuna.stix.ids import type_of
from kizuna.store.explaining import explained
from kizuna.store.outgoing import SeenOutgoing
from kizuna.web.api.answer import answer, tag_of
from kizuna.web.api.model import Explanations, Preview, explanation_of, preview_of, time_text
from kizuna.web.api.objects import Cursor, Limit, PartnerName
from kizuna.web.context import Asked, of
from kizuna.web.narrowing import AreaName, Types, Value, Words

P = TypeVar("P", Preview, Explanations)
MOST_IDS = 1_000
For = Annotated[str, QueryParameter(name="as", max_length=200, description="For this partner.")]
Ids = Annotated[list[str] | None, QueryParameter(max_items=MOST_IDS, description="These objects, instead of a search.")]


@get("/release/preview", opt={"right": "read"}, sync_to_thread=True)
def preview_release(
    request: Asked,
    partner: For,
    id: Ids = None,
    q: Words = None,
    value: Value = None,
    types: Types = None,
    area: AreaName = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[Preview]:
    """Whether a partner may have objects whole, in part or not, why, what would be cut, and what each takes along.

    The objects are those of the ids, or what a search finds; what is said is of their newest version. It is said as far as you can
    see: what you may not see is taken as not being here, so in truth it may be more, or less. What of it leaves is for rules and
    people to say.
    """
    # A plan over nothing but the asker's view is a function of that view, so no verdict, count or name tells of anything else.
    store, principal = of(request).store, request.user.principal
    searched = _Searched(request, "preview", id, (partner, q, value, types, area), cursor)
    store.settle()  # as before a feed is read
    with store.database.snapshot() as reader:
        outgoing = SeenOutgoing(store, reader, partner, principal)
        asked, more = searched.found(limit)
        items = [preview_of(verdict) for verdict in verdicts(outgoing, asked)]
    page = Preview(partner=outgoing.partner, stopped=time_text(outgoing.stopped), items=items)
    return searched.answered(page, more)


@get("/release/explain", opt={"right": "read"}, sync_to_thread=True)
def explain_release(
    request: Asked,
    partner: PartnerName = None,
    id: Ids = None,
    q: Words = None,
    value: Value = None,
    types: Types = None,
    area: AreaName = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[Explanations]:
    """Who gets objects and why or why not: for each partner the form in which it may have them, and whether they are in its feed.

    The objects are those of the ids, or what a search finds, at most `limit` of them; what is said is of their newest version. It is said
    as far as you can see, as in the preview and in the outbox: what you may not see is taken as not being here.
    """
    store, principal = of(request).store, request.user.principal
    searched = _Searched(request, "explain", id, (partner, q, value, types, area), cursor)
    store.settle()
    with store.database.snapshot() as reader:
        names = [known.name for known in store.partners()] if partner is None else [store.partner(partner).name]
        asked, more = searched.found(limit)
        items = [explanation_of(one) for one in explained(store, reader, names, asked, principal)]
    return searched.answered(Explanations(items), more)


class _Searched:
    """Objects that are asked for by their ids, or found page by page. Raises UsageError when both are given."""

    def __init__(
        self,
        request: Asked,
        what: str,
        ids: list[str] | None,
        said: tuple[str | None, str | None, str | None, list[str] | None, str | None],
        cursor: str | None,
    ) -> None:
        if ids and request.query_params.keys() - {"as", "id"}:
            raise UsageError("give IDs, or say what to look for", path="/query/id")
        partner, self._text, self._value, types, self._area = said
        self._request, self._ids, self._types = request, ids, tuple(types or ())
        asked = (self._text or "", self._value or "", *sorted(self._types), "", self._area or "")
        self._bound = (what, request.user.name, partner or "", *asked)
        self._position = of(request).cursors.open(cursor, *self._bound)

    def found(self, limit: int) -> tuple[list[str], int | None]:
        """The ids, and where it goes on behind them."""
        if self._ids:
            return [one for one in self._ids if type_of(one) is not None], None
        view = of(self._request).store.view(self._request.user.principal)
        page = view.search(
            self._text, value=self._value, types=self._types, area=self._area, limit=limit, cursor=self._position
        )
        return [stored.id for stored in page.items], page.cursor

    def answered(self, page: P, more: int | None) -> Response[P]:
        """A page as it is answered, with its cursor."""
        if more is None:
            return answer(self._request, page)
        following = msgspec.structs.replace(page, next=of(self._request).cursors.seal(more, *self._bound))
        # As of every page: two cursors of one position differ, the tag is of what is shown.
        tag = tag_of(msgspec.json.encode(msgspec.structs.replace(page, next="")))
        return answer(self._request, following, etag=tag)
