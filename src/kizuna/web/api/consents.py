"""Consents: what originators let holders pass on, asked for and answered, as far as the asker sees the objects."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

import anyio.to_thread
import msgspec
from litestar import Response, get, post
from litestar.params import JSONBody

from kizuna.clock import from_text, to_text
from kizuna.errors import UsageError
from kizuna.store.consent_entries import Entry
from kizuna.store.notices import Kind
from kizuna.store.seen_consents import Said, SeenConsents
from kizuna.store.two_people import MOST_TEXT
from kizuna.web.again import show_again
from kizuna.web.api.answer import answer, tag_of
from kizuna.web.api.model import Reason, time_text
from kizuna.web.api.objects import Cursor, Limit
from kizuna.web.api.once import Key, once
from kizuna.web.api.release import MOST_IDS
from kizuna.web.api.releasing import Id, NotDone, Password
from kizuna.web.context import Asked, of

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_TEXT)]
Moment = Annotated[str, msgspec.Meta(max_length=40)]


class ConsentView(msgspec.Struct, frozen=True, kw_only=True):
    """A request, a consent or the end of one: sent by this node, or received from the partner.

    `third_party` is to whom it may go on, `expires` until when, null for ever; `settled` is when a request was answered. It is about
    objects, or about all that is its originator's own under a `label`.
    """

    at: str
    kind: Kind
    way: Literal["sent", "received"]
    partner: str
    third_party: str
    expires: str | None
    settled: str | None
    reason: str | None
    ids: tuple[str, ...]
    label: str | None = None


class ConsentViews(msgspec.Struct, frozen=True):
    """A page of them; `next` is the cursor of the next one, null at the end."""

    items: list[ConsentView]
    next: str | None = None


class AboutEither(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A partner, and objects or a label, TLP:AMBER or TLP:AMBER+STRICT: all that is its originator's own under it, now and later."""

    partner: Annotated[str, msgspec.Meta(max_length=200)]
    ids: Annotated[tuple[Id, ...], msgspec.Meta(max_length=MOST_IDS)] = ()
    label: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_TEXT)] | None = None

    def of_label(self) -> str | None:
        """The label, None where it is about objects. Raises UsageError."""
        if bool(self.ids) == (self.label is not None):
            raise UsageError("give ids or a label", path="/ids")
        return self.label


class ConsentRequest(AboutEither, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Objects of a partner's or its label to ask it about, to whom they would go on, until when (RFC 3339; null for ever), and why."""

    third_party: Text
    reason: Text
    until: Moment | None = None


class Consent(AboutEither, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Objects or a label of one's own that a partner may pass on, to whom, and until when (RFC 3339; null for ever), by your password."""

    third_party: Text
    password: Password
    until: Moment | None = None


class ConsentEnd(AboutEither, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Objects, or a label, that a partner passes on to somebody no more."""

    third_party: Text


class Consented(msgspec.Struct, frozen=True, kw_only=True):
    """What the partner is told with its next poll: about which objects, and about which not and why; or about which label."""

    kind: Kind
    partner: str
    third_party: str
    expires: str | None
    ids: tuple[str, ...]
    failed: list[NotDone]
    label: str | None = None


@get("/release/consents", opt={"right": "read"}, sync_to_thread=True)
def read_consents(request: Asked, limit: Limit = 50, cursor: Cursor = None) -> Response[ConsentViews]:
    """What was asked for and consented to, by this node and by partners, newest first; where you see all it is about."""
    context = of(request)
    bound = ("consents", request.user.name)
    items, more = _consents(request).entries(limit, context.cursors.open(cursor, *bound))
    told = [_view(one) for one in items]
    if more is None:
        return answer(request, ConsentViews(told))
    tag = tag_of(msgspec.json.encode(ConsentViews(told, "")))
    return answer(request, ConsentViews(told, context.cursors.seal(more, *bound)), etag=tag)


@post("/release/consents/request", opt={"right": "release"}, status_code=200, sync_to_thread=True)
def request_consent(request: Asked, data: JSONBody[ConsentRequest], key: Key = None) -> Response[Consented]:
    """Ask a partner whether its objects may be passed on to an organisation. It has the question with its next poll."""
    expires, label = _moment(data.until), data.of_label()

    def ask(consents: SeenConsents) -> Said:
        if label is not None:
            return consents.request_label(data.partner, label, data.third_party, reason=data.reason, expires=expires)
        return consents.request(data.partner, data.ids, data.third_party, reason=data.reason, expires=expires)

    return _said(request, key, data, ask)


@post("/release/consents/grant", opt={"right": "release", "person": True}, status_code=200)
async def grant_consent(request: Asked, data: JSONBody[Consent], key: Key = None) -> Response[Consented]:
    """Let a partner pass objects of one's own on to an organisation, as a releaser. Its rules and people say whether it does.

    Who is logged in consents, by their password once more; tokens do not. What you do not see all of is consented to by others.
    """
    await show_again(request, data.password)
    expires, label = _moment(data.until), data.of_label()

    def give(consents: SeenConsents) -> Said:
        if label is not None:
            return consents.grant_label(data.partner, label, data.third_party, expires=expires)
        return consents.grant(data.partner, data.ids, data.third_party, expires=expires)

    asked = msgspec.structs.replace(data, password="-")  # noqa: S106 - it is kept nowhere
    return await anyio.to_thread.run_sync(partial(_said, request, key, asked, give))


@post("/release/consents/end", opt={"right": "release"}, status_code=200, sync_to_thread=True)
def end_consent(request: Asked, data: JSONBody[ConsentEnd], key: Key = None) -> Response[Consented]:
    """Take a consent back: the partner passes the objects on no more. What went on before is asked back by a withdrawal."""
    label = data.of_label()

    def end(consents: SeenConsents) -> Said:
        if label is not None:
            return consents.end_label(data.partner, label, data.third_party)
        return consents.end(data.partner, data.ids, data.third_party)

    return _said(request, key, data, end)


def _said(
    request: Asked, key: str | None, asked: AboutEither, act: Callable[[SeenConsents], Said]
) -> Response[Consented]:  # fmt: skip
    def work() -> Consented:
        said = act(_consents(request))
        return Consented(
            kind=said.kind, partner=said.partner, third_party=said.third_party, expires=time_text(said.expires), ids=said.done,
            failed=[NotDone(id, Reason(why.code, why.parameters)) for id, why in said.failed], label=said.label,
        )  # fmt: skip

    return once(request, key, asked, work)


def _consents(request: Asked) -> SeenConsents:
    return SeenConsents(of(request).store, request.user.principal, by=request.user.name)


def _moment(text: str | None) -> int | None:
    try:
        return None if text is None else from_text(text)
    except (ValueError, OverflowError):
        raise UsageError("not an RFC 3339 time", path="/until") from None


def _view(one: Entry) -> ConsentView:
    return ConsentView(
        at=to_text(one.at), kind=one.kind, way="sent" if one.sent else "received", partner=one.partner, third_party=one.third_party,
        expires=time_text(one.expires), settled=time_text(one.settled), reason=one.reason, ids=one.ids, label=one.label,
    )  # fmt: skip
