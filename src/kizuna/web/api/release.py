"""Release: what may leave for a partner, in which form, and why."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter

from kizuna.errors import UsageError
from kizuna.release import verdicts
from kizuna.stix.ids import type_of
from kizuna.store.outgoing import SeenOutgoing
from kizuna.web.api.answer import answer, tag_of
from kizuna.web.api.model import Preview, preview_of, time_text
from kizuna.web.api.objects import AreaName, Cursor, Limit, Types, Value, Words
from kizuna.web.context import Asked, of

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
    context = of(request)
    store, principal = context.store, request.user.principal
    if id and request.query_params.keys() - {"as", "id"}:
        raise UsageError("give IDs, or say what to look for", path="/query/id")
    bound = ("preview", request.user.name, partner, q or "", value or "", *sorted(types or ()), "", area or "")
    position = context.cursors.open(cursor, *bound)
    store.settle()  # as before a feed is read
    with store.database.snapshot() as reader:
        outgoing = SeenOutgoing(store, reader, partner, principal)
        if id:
            asked, more = [one for one in id if type_of(one) is not None], None
        else:
            found = store.view(principal).search(
                q, value=value, types=tuple(types or ()), area=area, limit=limit, cursor=position
            )
            asked, more = [stored.id for stored in found.items], found.cursor
        items = [preview_of(verdict) for verdict in verdicts(outgoing, asked)]
    page = Preview(partner=outgoing.partner, stopped=time_text(outgoing.stopped), items=items)
    if more is None:
        return answer(request, page)
    following = msgspec.structs.replace(page, next=context.cursors.seal(more, *bound))
    # As of every page: two cursors of one position differ, the tag is of what is shown.
    return answer(request, following, etag=tag_of(msgspec.json.encode(msgspec.structs.replace(page, next=""))))
