"""Withheld texts that stand in what would leave, and letting them, as far as the asker sees."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import anyio.to_thread
import msgspec
from litestar import Response, get, post
from litestar.params import JSONBody

from kizuna.store.clearing import Found
from kizuna.store.seen_finds import SeenFinds
from kizuna.web.again import show_again
from kizuna.web.api.answer import answer
from kizuna.web.api.once import Key, once
from kizuna.web.api.release import For
from kizuna.web.api.releasing import About, Of, Password
from kizuna.web.context import Asked, of

Text = Annotated[str, msgspec.Meta(min_length=12, max_length=64, pattern="^[0-9a-fA-F]+$")]


class FoundIn(msgspec.Struct, frozen=True):
    """An object in which a text stands, and where first."""

    id: str
    path: str


class FoundText(msgspec.Struct, frozen=True, kw_only=True):
    """A text that is withheld from the partner with one object and stands in what would leave of others; `digest` is its SHA-256."""

    digest: str
    text: str
    withheld_with: str
    held: list[FoundIn]


class FoundTexts(msgspec.Struct, frozen=True, kw_only=True):
    """The withheld texts that were found, in alphabetical order."""

    partner: str
    items: list[FoundText]


class Clear(About, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Texts, by at least twelve letters of their digests, that were found in these objects and may leave. The password is your own."""

    texts: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=1_000)]
    password: Password


@get("/release/found", opt={"right": "read"}, sync_to_thread=True)
def read_found(request: Asked, partner: For, id: Of) -> Response[FoundTexts]:
    """Which texts that are withheld from a partner, with some of these objects or what stands close to them, stand in what leaves of them.

    It is looked anew through what you see. What holds such a text when it enters a feed waits
    until somebody lets the text, or approves the object; whether it is held in truth rests on more than you may see, and is not said.
    """
    store, caller = of(request).store, request.user
    name = store.partner(partner).name
    store.settle()
    found = SeenFinds(store, caller.principal, by=caller.name).found(name, id)
    return answer(request, FoundTexts(partner=name, items=[_told(one) for one in found]))


@post("/release/clear", opt={"right": "release", "person": True}, status_code=200)
async def clear_found(request: Asked, data: JSONBody[Clear], key: Key = None) -> Response[FoundTexts]:
    """Say as a releaser that texts which are found in these objects may stand in what leaves to a partner, now and later.

    Who is logged in says so, by their password once more; tokens do not. It counts for what is under the label of what they see here,
    where the text is withheld with something under the label that they see, too: what they may not see is not let, and nothing here
    tells whether there is any. What was held for them leaves as rules and approvals say, unless another text is found in it.
    """
    await show_again(request, data.password)
    store, caller = of(request).store, request.user
    asked = msgspec.structs.replace(data, password="-")  # noqa: S106 - it is kept nowhere

    def work() -> FoundTexts:
        name = store.partner(data.partner).name
        texts = SeenFinds(store, caller.principal, by=caller.name).clear(name, data.ids, data.texts)
        return FoundTexts(partner=name, items=[_told(one) for one in texts])

    return await anyio.to_thread.run_sync(partial(once, request, key, asked, work))


def _told(one: Found) -> FoundText:
    held = [FoundIn(each.id, each.path) for each in one.held]
    return FoundText(digest=one.digest, text=one.text, withheld_with=one.of, held=held)
