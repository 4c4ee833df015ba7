"""The outbox: where objects stand for a partner, what people did about them, and doing it, as far as the asker sees."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import anyio.to_thread
import msgspec
from litestar import Response, get, post
from litestar.params import JSONBody, QueryParameter

from kizuna.clock import to_text
from kizuna.errors import UsageError
from kizuna.labels import format_label, parse_label
from kizuna.store.history import Happened
from kizuna.store.moves import Moved
from kizuna.store.outbox import Item, State
from kizuna.store.releasing import Acted, Releases, set_digest
from kizuna.store.revoking import revoke
from kizuna.store.seen_releasing import outbox_page, relabel
from kizuna.store.two_people import MOST_TEXT
from kizuna.web.again import show_again
from kizuna.web.api.answer import answer, tag_of
from kizuna.web.api.model import Reason, time_text
from kizuna.web.api.objects import Cursor, Limit
from kizuna.web.api.once import Key, once
from kizuna.web.api.release import MOST_IDS, For
from kizuna.web.context import Asked, of

Ids = Annotated[
    list[str] | None, QueryParameter(max_items=MOST_IDS, description="These objects, instead of a list of them.")
]
Of = Annotated[list[str], QueryParameter(max_items=MOST_IDS, description="About these objects.")]
States = Annotated[
    list[State] | None, QueryParameter(name="state", description="Only these; without it, and without IDs, proposed.")
]
With = Annotated[str | None, QueryParameter(name="as", max_length=200, description="Only about this partner.")]
Id = Annotated[str, msgspec.Meta(max_length=300)]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=1_024)]


class OutboxItem(msgspec.Struct, frozen=True, kw_only=True):
    """The newest version of an object, and where it stands for a partner: as a whole, or in part as a rendition.

    `digest` is the SHA-256 of the bytes that would leave, `label` theirs; `approved` are who approved these, of the `asked` people. `by`
    is the rule that proposes it, or who proposed or held it, `since` when they did.
    """

    id: str
    state: State
    form: str
    redacted: tuple[str, ...]
    version: str | None
    label: str
    digest: str
    approved: tuple[str, ...]
    asked: int
    by: str | None
    waits_for: str | None
    since: str | None


class OutboxView(msgspec.Struct, frozen=True, kw_only=True):
    """A page of an outbox; `set` is the digest of exactly these, for an approval; `next` is the cursor of the next page, null at the end.

    A page may be short, or empty, and others follow. `stopped` is since when nothing is exchanged with the partner.
    """

    partner: str
    stopped: str | None
    items: list[OutboxItem]
    set: str
    next: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that somebody did about an object and a partner."""

    at: str
    act: str
    partner: str
    person: str
    id: str
    reason: str | None


class Events(msgspec.Struct, frozen=True):
    """A page of what was done; `next` is the cursor of the next one, null at the end."""

    items: list[Event]
    next: str | None = None


class About(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A partner, and objects."""

    partner: Annotated[str, msgspec.Meta(max_length=200)]
    ids: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=MOST_IDS)]


class Proposal(About, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Objects to ask people about, for a partner."""


class Approval(About, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Objects that may leave to a partner exactly as they were shown: `set` is the outbox' digest of them. The password is your own."""

    set: Annotated[str, msgspec.Meta(max_length=64)]
    password: Password


class Stop(About, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Objects to hold back from a partner."""


class Withdrawal(About, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Objects to take back from a partner, and why."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_TEXT)]


class Relabel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Objects, and the label to set, in its text form; with `dry_run` it is only told what that would change."""

    ids: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=MOST_IDS)]
    label: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
    dry_run: bool = False


class Revoke(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Objects of one's own that are wrong."""

    ids: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=MOST_IDS)]


class NotDone(msgspec.Struct, frozen=True):
    """An object of which something was not done, and why."""

    id: str
    reason: Reason


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: the objects as they stand now, what was not done, and how many of them are offered from now on, and no more.

    `set` is the digest of these, for another approval.
    """

    partner: str
    items: list[OutboxItem]
    failed: list[NotDone]
    opened: int
    ended: int
    set: str


class Relabelled(msgspec.Struct, frozen=True, kw_only=True):
    """What another label did, or would do in a dry run: on how many objects it is, and on how many of their versions.

    Only their owner may loosen the `refused` ones. By partner, how many of them are offered from now on, how many no more, and which those
    are: it may have fetched them. `changes` are those that are offered in another form than before: `was` and `now` are whole, rendition
    or null.
    """

    label: str
    objects: int
    touched: int
    refused: tuple[str, ...]
    failed: list[NotDone]
    opened: dict[str, int]
    ended: dict[str, int]
    given: dict[str, tuple[str, ...]]
    changes: dict[str, tuple[Moved, ...]]
    dry_run: bool


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    """What has a last version now that says `revoked`, and what has none and why.

    By partner, which of them it is offered in this version (`told`), and of which it has an older one and people are asked (`asked`).
    """

    revoked: tuple[str, ...]
    failed: list[NotDone]
    told: dict[str, tuple[str, ...]]
    asked: dict[str, tuple[str, ...]]


@get("/release/outbox", opt={"right": "read"}, sync_to_thread=True)
def read_outbox(
    request: Asked, partner: For, id: Ids = None, states: States = None, limit: Limit = 50, cursor: Cursor = None
) -> Response[OutboxView]:
    """Where objects stand for a partner: what is proposed, or stands as `state` says, newest first.

    It is said as far as you can see, as in the preview: offered is what people or rules let out, with all that you see of what it refers
    to. What you may not see is taken as not being here, so in truth it may be held up, or wait for the next hour.
    """
    context = of(request)
    store, principal = context.store, request.user.principal
    if id and request.query_params.keys() - {"as", "id", "state"}:
        raise UsageError("give IDs, or ask for pages", path="/query/id")
    name = store.partner(partner).name
    wanted: tuple[State, ...] = tuple(dict.fromkeys(states or ()))
    if id:
        items = Releases(store).items(name, list(dict.fromkeys(id)), principal)
        return answer(request, _view(request, name, [item for item in items if not wanted or item.state in wanted]))
    bound = ("outbox", request.user.name, name, *sorted(wanted))
    position = context.cursors.open(cursor, *bound)
    items, more = outbox_page(store, name, wanted or ("proposed",), limit, principal, position)
    page = _view(request, name, items)
    if more is None:
        return answer(request, page)
    following = msgspec.structs.replace(page, next=context.cursors.seal(more, *bound))
    return answer(request, following, etag=tag_of(msgspec.json.encode(msgspec.structs.replace(page, next=""))))


@get("/release/history", opt={"right": "read"}, sync_to_thread=True)
def read_release_history(
    request: Asked, id: Of, partner: With = None, limit: Limit = 50, cursor: Cursor = None
) -> Response[Events]:
    """What people proposed, approved, stopped and withdrew of objects, newest first; of versions that you see."""
    context = of(request)
    bound = ("release history", request.user.name, partner or "", *sorted(id))
    position = context.cursors.open(cursor, *bound)
    found = Releases(context.store).history(
        list(dict.fromkeys(id)), partner, limit + 1, principal=request.user.principal, before=position
    )
    items = [_event(one) for one in found[:limit]]
    if len(found) <= limit:
        return answer(request, Events(items))
    following = context.cursors.seal(found[limit - 1].number, *bound)
    return answer(request, Events(items, following), etag=tag_of(msgspec.json.encode(Events(items, ""))))


@post("/release/propose", opt={"right": "release"}, status_code=200, sync_to_thread=True)
def propose_release(request: Asked, data: JSONBody[Proposal], key: Key = None) -> Response[Done]:
    """Ask people to let objects leave to a partner that no rule proposes or sends."""
    return _acted(request, key, data, lambda releases, by: releases.propose(data.partner, data.ids, **by))


@post("/release/approve", opt={"right": "release", "person": True}, status_code=200)
async def approve_release(request: Asked, data: JSONBody[Approval], key: Key = None) -> Response[Done]:
    """Say as a releaser that objects may leave to a partner, with the bytes and the label that you were shown; another of either voids it.

    Who is logged in approves, by their password once more; tokens do not. What asks for two people leaves when a second one
    approved it. 409 where something of the set is another by now.
    """
    await show_again(request, data.password)
    asked = msgspec.structs.replace(data, password="-")  # noqa: S106 - it is kept nowhere
    work = partial(
        _acted, request, key, asked,
        lambda releases, by: releases.approve(data.partner, data.ids, shown=data.set, **by),
    )  # fmt: skip
    return await anyio.to_thread.run_sync(work)


@post("/release/stop", opt={"right": "release"}, status_code=200, sync_to_thread=True)
def stop_release(request: Asked, data: JSONBody[Stop], key: Key = None) -> Response[Done]:
    """Hold objects back from a partner, whatever rules say, until people approve them anew; what left already is withdrawn instead."""
    return _acted(request, key, data, lambda releases, by: releases.stop(data.partner, data.ids, **by))


@post("/release/withdraw", opt={"right": "release"}, status_code=200, sync_to_thread=True)
def withdraw_release(request: Asked, data: JSONBody[Withdrawal], key: Key = None) -> Response[Done]:
    """Take objects back that left to a partner, with what refers to them: they leave no more until people approve them anew."""
    return _acted(request, key, data, lambda releases, by: releases.withdraw(data.partner, data.ids, data.reason, **by))


@post("/release/relabel", opt={"right": "release"}, status_code=200, sync_to_thread=True)
def relabel_objects(request: Asked, data: JSONBody[Relabel], key: Key = None) -> Response[Relabelled]:
    """Set the label of all versions that you see of many objects, in one act; feeds follow. What others own is only tightened.

    With `dry_run` nothing is stored, and no Idempotency-Key is remembered: the answer says what would be, in the same words.
    """
    store, caller = of(request).store, request.user
    label = parse_label(data.label, originator=store.organisation, community=store.settings.community)

    def work() -> Relabelled:
        found = relabel(store, data.ids, label, by=caller.name, principal=caller.principal, dry=data.dry_run)
        known = {*found.done, *found.refused}
        absent = [id for id in dict.fromkeys(data.ids) if id not in known]
        return Relabelled(
            label=format_label(label),
            objects=len(found.done),
            touched=found.touched,
            refused=found.refused,
            failed=[NotDone(id, Reason("not-held", ())) for id in absent],
            opened=found.opened,
            ended=found.ended,
            given=found.given,
            changes=found.changes,
            dry_run=data.dry_run,
        )

    return once(request, None if data.dry_run else key, data, work)


@post("/release/revoke", opt={"right": "release"}, status_code=200, sync_to_thread=True)
def revoke_objects(request: Asked, data: JSONBody[Revoke], key: Key = None) -> Response[Revocation]:
    """Say that objects of your own are wrong: each gets a last version that says `revoked`, under the label it has.

    It leaves as every version does, by rules or people's word. What you do not see all of is revoked by others.
    """
    store, caller = of(request).store, request.user

    def work() -> Revocation:
        done = revoke(store, data.ids, by=caller.name, principal=caller.principal)
        failed = [NotDone(id, Reason(why.code, why.parameters)) for id, why in done.failed]
        return Revocation(revoked=done.done, failed=failed, told=done.told, asked=done.asked)

    return once(request, key, data, work)


def _acted(request: Asked, key: str | None, asked: About, act: Any) -> Response[Done]:
    """Do something about the outbox as the caller."""
    store, caller = of(request).store, request.user

    def work() -> Done:
        partner = store.partner(asked.partner).name
        acted: Acted = act(Releases(store), {"by": caller.name, "principal": caller.principal})
        failed = {id: NotDone(id, Reason(why.code, why.parameters)) for id, why in acted.failed}
        return Done(
            partner=partner,
            items=[_item(item) for item in acted.items],
            failed=[failed[id] for id in dict.fromkeys(asked.ids) if id in failed],
            opened=acted.opened,
            ended=acted.ended,
            set=set_digest(partner, acted.items),
        )

    return once(request, key, asked, work)


def _view(request: Asked, partner: str, items: list[Item]) -> OutboxView:
    store = of(request).store
    stopped = next(recipient.stopped for recipient in store.recipients() if recipient.partner.name == partner)
    told = [_item(item) for item in items]
    return OutboxView(partner=partner, stopped=time_text(stopped), items=told, set=set_digest(partner, items))


def _item(item: Item) -> OutboxItem:
    return OutboxItem(
        id=item.id, state=item.state, form=item.form, redacted=item.redacted, version=time_text(item.version),
        label=format_label(item.label), digest=item.digest.hex(), approved=item.approved, asked=item.asked, by=item.by,
        waits_for=item.waits_for, since=time_text(item.since),
    )  # fmt: skip


def _event(one: Happened) -> Event:
    return Event(
        at=to_text(one.at), act=one.act, partner=one.partner, person=one.person, id=one.id, reason=one.detail.get("reason")
    )  # fmt: skip
