"""The audit trail for operators: acts on people, secrets and partners, and one's own. What concerns objects is in the file's export."""

from __future__ import annotations

import msgspec
from litestar import Response, get

from kizuna.clock import to_text
from kizuna.store.audit import shown
from kizuna.web.api.answer import answer, tag_of
from kizuna.web.api.model import Entries, EntryView
from kizuna.web.api.objects import Cursor, Limit
from kizuna.web.context import Asked, of


@get("/audit", opt={"right": "operate"}, sync_to_thread=True)
def read_audit(request: Asked, limit: Limit = 50, cursor: Cursor = None) -> Response[Entries]:
    """Acts on people, secrets and partners, and your own, newest first. `kizuna audit export` writes the whole trail."""
    context = of(request)
    bound = ("audit", request.user.name)
    position = context.cursors.open(cursor, *bound)
    entries, following = shown(context.store, request.user.name, limit, position)
    items = [
        EntryView(at=to_text(entry.at), actor=entry.actor, act=entry.act, subject=entry.subject, detail=entry.detail)
        for entry in entries
    ]
    sealed = None if following is None else context.cursors.seal(following, *bound)
    # As of a page of objects: two cursors of one position differ, what the page shows does not.
    shown_tag = None if sealed is None else tag_of(msgspec.json.encode(Entries(items, "")))
    return answer(request, Entries(items, sealed), etag=shown_tag)
