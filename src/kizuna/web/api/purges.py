"""Purges: one operator proposes to destroy an id with its reason, another one confirms. Nothing answers whether there is such an object."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody

from kizuna import deadline
from kizuna.errors import NotFound
from kizuna.store.purging import Purge, Purges
from kizuna.store.two_people import MOST_TEXT
from kizuna.web.api.answer import answer
from kizuna.web.api.model import time_text
from kizuna.web.context import Asked, of

_DIGITS = 15


class NewPurge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to destroy, and why."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_TEXT)]


class PurgeView(msgspec.Struct, frozen=True, kw_only=True):
    """A purge: proposed, done, cancelled, expired or lifted. `id` is told while it is proposed."""

    number: int
    state: str
    id: str | None
    reason: str
    proposed: str
    proposed_by: str
    ended: str | None
    ended_by: str | None
    lifted: str | None
    lifted_by: str | None


class PurgeList(msgspec.Struct, frozen=True):
    """The newest thousand, newest first."""

    items: list[PurgeView]
    next: None = None


@get("/purges", opt={"right": "operate"}, sync_to_thread=True)
def read_purges(request: Asked) -> Response[PurgeList]:
    """What operators proposed to destroy, and what became of it."""
    return answer(request, PurgeList([_shown(one) for one in _purges(request).listed()]))


@post("/purges", opt={"right": "operate"}, status_code=200, sync_to_thread=True)
def propose_purge(request: Asked, data: JSONBody[NewPurge]) -> Response[PurgeView]:
    """Propose to destroy everything of an id here. It ends by itself after a week."""
    return answer(request, _shown(_purges(request).propose(data.id, data.reason, by=request.user.name)))


@post("/purges/{number:str}/confirm", opt={"right": "operate"}, status_code=200, sync_to_thread=True)
def confirm_purge(request: Asked, number: FromPath[str]) -> Response[PurgeView]:
    """Destroy what another operator proposed: all versions from all sources, for good, and let none come in again."""
    deadline.lift()
    done, _ = _purges(request).confirm(_number(number), by=request.user.name)
    return answer(request, _shown(done))


@delete("/purges/{number:str}", opt={"right": "operate"}, status_code=200, sync_to_thread=True)
def cancel_purge(request: Asked, number: FromPath[str]) -> Response[PurgeView]:
    """Give a proposal up."""
    return answer(request, _shown(_purges(request).cancel(_number(number), by=request.user.name)))


@post("/purges/{number:str}/lift", opt={"right": "operate"}, status_code=200, sync_to_thread=True)
def lift_purge(request: Asked, number: FromPath[str]) -> Response[PurgeView]:
    """Let what was purged come in again when somebody brings it."""
    return answer(request, _shown(_purges(request).lift(_number(number), by=request.user.name)))


def _purges(request: Asked) -> Purges:
    return Purges(of(request).store)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS:
        raise NotFound("no such purge")
    return int(text)


def _shown(one: Purge) -> PurgeView:
    return PurgeView(
        number=one.number,
        state=one.state,
        id=one.id,
        reason=one.reason,
        proposed=time_text(one.proposed) or "",
        proposed_by=one.proposed_by,
        ended=time_text(one.ended),
        ended_by=one.ended_by,
        lifted=time_text(one.lifted),
        lifted_by=one.lifted_by,
    )
