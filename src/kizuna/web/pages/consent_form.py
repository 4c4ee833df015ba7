"""Consent by form: asking the originator, giving it, ending it; who is told what is shown before it is sent, and only that is sent."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import QueryParameter

from kizuna.clock import from_text
from kizuna.errors import Conflict, NotFound, UsageError
from kizuna.labels import passed_on_whole
from kizuna.stix.ids import type_of
from kizuna.store.answered import Answered
from kizuna.store.caller import Caller
from kizuna.store.seen_consents import Said, SeenConsents
from kizuna.store.two_people import MOST_TEXT
from kizuna.web.context import of
from kizuna.web.forms import MOST_BYTES, Fields, acts
from kizuna.web.i18n import N_
from kizuna.web.naming import title_of, type_name
from kizuna.web.pages.named import named
from kizuna.web.pages.render import AnyRequest, asks, language_of, page
from kizuna.wording import worded

MOST = 200
"""Objects of one form."""
What = Literal["request", "grant", "end"]
TITLES: dict[What, str] = {
    "request": N_("Ask for consent"), "grant": N_("Give consent"), "end": N_("End a consent"),
}  # fmt: skip
REASONS = {
    "as": N_("Choose a partner."),
    "ids": N_("Give 1 to 200 IDs of objects, each in a line of its own, or a label."),
    "label": N_("Give TLP:AMBER or TLP:AMBER+STRICT, under which you see everything, or nothing."),
    "to": N_("Say to whom they would be passed on, in at most 500 characters."),
    "reason": N_("Say why, in at most 500 characters: the partner reads it."),
    "until": N_("Give a date and a time that are still to come, or nothing."),
}
AsWhat = Annotated[What, QueryParameter(name="what", description="To ask for it, to give it, or to end it.")]
ToPartner = Annotated[str | None, QueryParameter(name="as", max_length=200, description="The partner that is told.")]
Third = Annotated[str | None, QueryParameter(name="to", max_length=MOST_TEXT, description="To whom it would go on.")]
OfLabel = Annotated[
    str | None,
    QueryParameter(name="label", max_length=MOST_TEXT, description="All under this label, instead of objects."),
]
Ids = Annotated[list[str] | None, QueryParameter(name="id", max_items=MOST, description="These objects.")]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What is typed; `until` is in microseconds as far as it could be read."""

    what: What
    partner: str = ""
    ids: tuple[str, ...] = ()
    label: str = ""
    third_party: str = ""
    reason: str = ""
    until_text: str = ""
    until: int | None = None


@get("/release/consents/new", sync_to_thread=True)
def show_consent_form(
    request: AnyRequest,
    what: AsWhat = "request",
    partner: ToPartner = None,
    third: Third = None,
    ids: Ids = None,
    label: OfLabel = None,
) -> Response[bytes]:
    """The form, filled in as far as the address says."""
    caller = asks(request, "release")
    draft = Draft(
        what=what, partner=partner or "", third_party=third or "", ids=tuple(dict.fromkeys(ids or ())), label=label or ""
    )  # fmt: skip
    return _page(request, caller, draft)


@post("/release/consents/new", status_code=200, request_max_body_size=MOST_BYTES)
async def submit_consent_form(request: AnyRequest) -> Response[bytes]:
    """Show what would be sent, or send what was shown; giving consent takes one's password once more."""
    return await acts(
        request, "release", _submit, again=lambda form: form.one("what") == "grant" and bool(form.one("sure"))
    )


def _submit(request: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
    draft = _typed(form)
    wrong = _wrong(request, caller, draft)
    if wrong:
        return _page(request, caller, draft, wrong=wrong, status=422)
    shown = form.one("shown")
    if not form.one("sure"):
        return _preview(request, caller, draft)
    if form.refused is not None:
        return _preview(request, caller, draft, refused=form.refused.slug, status=form.refused.status)
    try:
        said = _send(request, caller, draft, shown)
    except Conflict:
        return _preview(request, caller, draft, refused="conflict", status=409)
    return _page(request, caller, draft, said=said, done=True)


def _typed(form: Fields) -> Draft:
    what, until = form.one("what"), form.one("until").strip()
    if what not in TITLES:
        raise UsageError("request, grant or end")
    return Draft(
        what=what, partner=form.one("as"), third_party=form.one("to").strip(), reason=form.one("reason").strip(),
        ids=tuple(dict.fromkeys([*form.many("id"), *form.one("ids").split()])), until_text=until, until=_moment(until),
        label=form.one("label").strip(),
    )  # fmt: skip


def _wrong(request: AnyRequest, caller: Caller, draft: Draft) -> dict[str, str]:
    store, wrong = of(request).store, []
    try:
        store.partner(draft.partner)
    except NotFound:
        wrong.append("as")
    if bool(draft.ids) == bool(draft.label) or len(draft.ids) > MOST or not all(type_of(id) for id in draft.ids):
        wrong.append("ids")
    if draft.label and "as" not in wrong and not _may_name(request, caller, draft):
        wrong.append("label")
    if not (draft.third_party and len(draft.third_party) <= MOST_TEXT and draft.third_party.isprintable()):
        wrong.append("to")
    if draft.what == "request" and not (draft.reason and len(draft.reason) <= MOST_TEXT and draft.reason.isprintable()):
        wrong.append("reason")
    if draft.what != "end" and draft.until_text and (draft.until is None or draft.until <= store.clock()):
        wrong.append("until")
    return {field: field for field in wrong}


def _may_name(request: AnyRequest, caller: Caller, draft: Draft) -> bool:
    """Whether what is typed is a label that consents name, and all under it is the caller's to see."""
    store = of(request).store
    whose = store.partner(draft.partner).organisation if draft.what == "request" else store.organisation
    try:
        label = passed_on_whole(draft.label, originator=whose)
    except UsageError:
        return False
    return SeenConsents(store, caller.principal, by=caller.name).sees_label(label)


def _act(request: AnyRequest, caller: Caller, draft: Draft) -> Said:
    consents = SeenConsents(of(request).store, caller.principal, by=caller.name)
    if draft.label:
        return _act_on_label(consents, draft)
    if draft.what == "request":
        return consents.request(draft.partner, draft.ids, draft.third_party, reason=draft.reason, expires=draft.until)
    if draft.what == "grant":
        return consents.grant(draft.partner, draft.ids, draft.third_party, expires=draft.until)
    return consents.end(draft.partner, draft.ids, draft.third_party)


def _act_on_label(consents: SeenConsents, draft: Draft) -> Said:
    if draft.what == "request":
        return consents.request_label(
            draft.partner, draft.label, draft.third_party, reason=draft.reason, expires=draft.until
        )  # fmt: skip
    if draft.what == "grant":
        return consents.grant_label(draft.partner, draft.label, draft.third_party, expires=draft.until)
    return consents.end_label(draft.partner, draft.label, draft.third_party)


def _send(request: AnyRequest, caller: Caller, draft: Draft, shown: str) -> Said:
    """Do it, once however often it is sent; nothing where something else than what was shown would be said. Raises Conflict."""
    store = of(request).store
    at, _, digest = shown.partition(".")
    answered, key = Answered(store), f"consent form {shown}"
    with store.act():
        before = answered.find(caller.name, key, digest.encode())
        if before is not None:
            return msgspec.json.decode(before, type=Said)
        said = _act(request, caller, draft)
        if _digest(at, draft, said) != shown:
            raise Conflict("something else than what was shown")
        answered.remember(caller.name, key, digest.encode(), msgspec.json.encode(said))
    return said


def _preview(
    request: AnyRequest, caller: Caller, draft: Draft, *, refused: str | None = None, status: int = 200
) -> Response[bytes]:
    store = of(request).store
    with store.trial():
        said = _act(request, caller, draft)
    shown = _digest(str(store.clock()), draft, said)
    return _page(request, caller, draft, said=said, shown=shown, refused=refused, status=status)


def _digest(at: str, draft: Draft, said: Said) -> str:
    """What is shown at a moment: who is told what of which objects."""
    told = [at, said.kind, said.partner, said.third_party, said.expires, draft.reason, said.done, said.label]
    return f"{at}.{hashlib.sha256(msgspec.json.encode(told)).hexdigest()}"


def _page(
    request: AnyRequest, caller: Caller, draft: Draft, *, said: Said | None = None, shown: str = "", done: bool = False,
    wrong: dict[str, str] | None = None, refused: str | None = None, status: int = 200,
) -> Response[bytes]:  # fmt: skip
    store, language = of(request).store, language_of(request, caller)
    names = {} if said is None else named(store.view(caller.principal), said.done)

    def about(id: str) -> dict[str, Any]:
        kind = type_name(id.partition("--")[0], language)
        return {"id": id, "kind": kind, "name": title_of(names.get(id, {"id": id}), names)}

    return page(
        request,
        "consent.html",
        status=status,
        caller=caller,
        place="release",
        here="/release/consents",
        draft=draft,
        titles=TITLES,
        partners=[partner.name for partner in store.partners()],
        wrong=wrong or {},
        reasons=REASONS,
        refused=refused,
        said=said,
        about=[] if said is None else [about(id) for id in said.done],
        failed=[] if said is None else [
            (about(id), worded(why.code, why.parameters, language.code)) for id, why in said.failed
        ],
        shown_digest=shown,
        done=done,
    )  # fmt: skip


def _moment(text: str) -> int | None:
    """Microseconds of a date and time in UTC, with or without seconds; None for what is none."""
    try:
        return from_text(f"{text}:00Z" if len(text) == len("2026-01-01T00:00") else f"{text.removesuffix('Z')}Z")
    except (ValueError, OverflowError):
        return None


HANDLERS = (show_consent_form, submit_consent_form)

__all__ = ["HANDLERS", "MOST"]
