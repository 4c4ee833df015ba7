"""Labels: read one, and set one within one's rights."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get, put
from litestar.params import FromPath, HeaderParameter, JSONBody

from kizuna.labels import Label, format_label, parse_label
from kizuna.web.api.answer import answer, matches, tag_of
from kizuna.web.api.model import Labelled, LabelText, NewLabel, label_text
from kizuna.web.api.objects import offered, seen
from kizuna.web.context import Asked, of
from kizuna.web.problems import Changed

IfMatch = Annotated[str | None, HeaderParameter(name="If-Match", description="ETag of the label you read; else 412.")]


@get("/objects/{id:str}/label", opt={"right": "read"}, sync_to_thread=True)
def read_label(request: Asked, id: FromPath[str]) -> Response[LabelText]:
    """Who may see it. The ETag is for If-Match."""
    stored = seen(request, id)
    return answer(request, label_text(stored.label), etag=_tag(stored.label))


@put("/objects/{id:str}/label", opt={"right": "release"}, sync_to_thread=True)
def set_label(
    request: Asked, id: FromPath[str], data: JSONBody[NewLabel], if_match: IfMatch = None
) -> Response[Labelled]:
    """Set the label of all its versions; feeds follow in the same act.

    Its owner's node may loosen or tighten, every other node only tighten.
    """
    store = of(request).store
    view = store.view(request.user.principal)
    label = parse_label(data.label, originator=seen(request, id).label.originator, community=store.settings.community)
    # One transaction: between comparing the label and setting it nobody else can.
    with store.act():
        current = seen(request, id)
        if if_match is not None and not matches(if_match, _tag(current.label)):
            raise Changed("the label is another one by now")
        before = _fed(request, id)
        store.relabel(id, label, by=request.user.name, principal=request.user.principal)
    opened, ended = _moved(before, _fed(request, id))
    after = view.get(id)  # whoever tightens a label may be beyond it now
    label = after.label if after is not None else label
    return answer(request, Labelled(id=id, label=label_text(label), opened=opened, ended=ended), etag=_tag(label))


def _fed(request: Asked, id: str) -> dict[str, set[int | None]]:
    """The versions of an object in each partner's feed; none where they would tell of what the caller does not see."""
    store = of(request).store
    if store.view(request.user.principal).rests_on_unseen(id):
        return {}
    return {partner.name: offered(store, partner.name, id) for partner in store.partners()}


def _moved(
    before: dict[str, set[int | None]], after: dict[str, set[int | None]]
) -> tuple[dict[str, int], dict[str, int]]:
    """How many versions entered each feed, and how many left it."""
    names = before.keys() & after.keys()
    opened = {name: len(after[name] - before[name]) for name in names}
    ended = {name: len(before[name] - after[name]) for name in names}
    return tuple({name: n for name, n in sorted(found.items()) if n} for found in (opened, ended))  # type: ignore[return-value]


def _tag(label: Label) -> str:
    return tag_of(f"{label.originator}\0{format_label(label)}".encode())
