"""Notes and opinions about an object, by form: who would see them is shown before they are saved; taken back while nobody else had them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import quote

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from kizuna.errors import KizunaError, Refused, UsageError
from kizuna.labels import Label, format_label, parse_label
from kizuna.stix import Problem
from kizuna.store.caller import Caller
from kizuna.store.editing import Unfit
from kizuna.store.model import Stored
from kizuna.store.remarks import Kind, default_label, put, remark, take_back
from kizuna.store.trying import Would, tried
from kizuna.web.api.objects import absent
from kizuna.web.context import of
from kizuna.web.forms import MOST_BYTES, Fields, acts
from kizuna.web.i18n import N_
from kizuna.web.listing import address
from kizuna.web.naming import title_of, type_name
from kizuna.web.pages.effects import effect, left_out, told
from kizuna.web.pages.named import Json, entitled, named
from kizuna.web.pages.render import AnyRequest, asks, language_of, page, redirect

DAY = 86_400_000_000
OPINIONS = {
    "strongly-agree": N_("agrees strongly"), "agree": N_("agrees"), "neutral": N_("neither agrees nor disagrees"),
    "disagree": N_("disagrees"), "strongly-disagree": N_("disagrees strongly"),
}  # fmt: skip
_WRONG = {
    "content": N_("Write what the note says."),
    "opinion": N_("Choose an opinion."),
    "label": N_("Say who may see it, by a label such as OWN, TLP:GREEN or TLP:AMBER to=UKR."),
    "confidence": N_("This is a number from 0 to 100, or nothing."),
}


@get("/objects/{id:str}/note", sync_to_thread=True)
def show_remark(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
    """The form of a note or an opinion about an object. Raises NotFound."""
    caller = asks(request)
    return _page(request, caller, _about(request, caller, id), Fields([]))


@post("/objects/{id:str}/note", status_code=200, request_max_body_size=MOST_BYTES)
async def remark_on(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
    """Who would see a note or an opinion, and, when that was shown, the thing itself."""
    return await acts(request, "write", lambda request, caller, form: _remark(request, caller, id, form))


@post("/objects/{id:str}/take-back", status_code=200, request_max_body_size=MOST_BYTES)
async def take_back_remark(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
    """Delete a note or an opinion here, by who wrote it, while no partner had it; then the object that it was about."""
    return await acts(request, "write", lambda request, caller, form: _take_back(request, caller, id))


def _take_back(request: AnyRequest, caller: Caller, id: str) -> Response[bytes]:
    about = take_back(of(request).store, id, by=caller.name, principal=caller.principal)
    return redirect(f"/objects/{quote(id if about is None else about, safe='')}")  # whatever there is, its page says


def _about(request: AnyRequest, caller: Caller, id: str) -> Stored:
    stored = of(request).store.view(caller.principal).get(id)
    if stored is None:
        raise absent()
    return stored


def _remark(request: AnyRequest, caller: Caller, id: str, form: Fields) -> Response[bytes]:
    store, about = of(request).store, _about(request, caller, id)
    said, wrong = _said(form)
    label = _label(request, form)
    if label is None:
        wrong = [*wrong, "label"]
    if wrong:
        return _page(request, caller, about, form, wrong=wrong, status=422)
    data = remark(
        store,
        _kind(form),
        id,
        said,
        cast("Label", label),
        by=caller.name,
        principal=caller.principal,
        at=_began(request, form),
    )
    there = store.view(caller.principal).get(data["id"])
    if there is not None:  # the same form once more
        return redirect(_then(data["id"]))

    def work() -> None:
        put(store, data, cast("Label", label), by=caller.name, area=about.area)

    try:
        would = tried(store, [data["id"]], caller.principal, work)
        shown = _digest(data, cast("Label", label), would)
        if form.one("sure") and form.one("shown") == shown:
            work()
            return redirect(_then(data["id"]) if store.view(caller.principal).get(data["id"]) else f"/objects/{id}")
    except Unfit as error:
        return _page(request, caller, about, form, problems=error.problems, status=422)
    except Refused as error:
        return _page(
            request,
            caller,
            about,
            form,
            problems=[Problem(error.slug, "error", "", error.message, "")],
            status=error.status,
        )
    return _page(request, caller, about, form, would=would, shown=shown, id=data["id"])


def _kind(form: Fields) -> Kind:
    return "opinion" if form.one("kind") == "opinion" else "note"


def _said(form: Fields) -> tuple[Json, list[str]]:
    """What a form says, and what of it cannot be."""
    said: Json = {}
    texts = {key: form.one(key).replace("\r\n", "\n").strip() for key in ("abstract", "content", "confidence")}
    wrong = []
    if _kind(form) == "note":
        said = {"abstract": texts["abstract"], "content": texts["content"]}
        wrong += ["content"] * (not texts["content"])
    else:
        said = {"opinion": form.one("opinion"), "explanation": texts["content"]}
        wrong += ["opinion"] * (said["opinion"] not in OPINIONS)
    if texts["confidence"]:
        number = texts["confidence"]
        if number.isascii() and number.isdecimal() and len(number) < 4 and int(number) <= 100:
            said["confidence"] = int(number)
        else:
            wrong.append("confidence")
    return said, wrong


def _label(request: AnyRequest, form: Fields) -> Label | None:
    store, text = of(request).store, form.one("label").strip()
    try:
        return parse_label(text, originator=store.organisation, community=store.settings.community) if text else None
    except KizunaError:
        return None


def _began(request: AnyRequest, form: Fields) -> int:
    """When the form was opened: what is sent twice is one thing. Raises UsageError."""
    text, now = form.one("began"), of(request).store.clock()
    began = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
    if not now - DAY <= began <= now:
        raise UsageError("the form is of another day; open it again")
    return began


def _digest(data: Json, label: Label, would: Sequence[Would]) -> str:
    return hashlib.sha256(msgspec.json.encode([data, format_label(label), told(would, [data["id"]])])).hexdigest()


def _then(id: str) -> str:
    return address(f"/objects/{id}", {"done": "noted"})


def _page(
    request: AnyRequest, caller: Caller, about: Stored, form: Fields, *, would: Sequence[Would] = (), shown: str = "", id: str = "",
    wrong: Sequence[str] = (), problems: Sequence[Problem] = (), status: int = 200,
) -> Response[bytes]:  # fmt: skip
    store, language = of(request).store, language_of(request, caller)
    view = store.view(caller.principal)
    data: Json = msgspec.json.decode(about.raw)
    names = named(view, [about.id]) | entitled(view, [data])
    whole = view.whole_label(about.id) or about.label
    fields = ("abstract", "content", "opinion", "confidence")
    values: dict[str, Any] = {key: form.one(key) for key in fields}
    return page(
        request,
        "remark.html",
        status=status,
        caller=caller,
        place="objects",
        here=f"/objects/{about.id}/note",
        shown=[about.label, *([] if (typed := _label(request, form)) is None else [typed])],
        about=about.id,
        name=title_of(data, names) or about.id,
        of_type=type_name(about.type, language),
        label_now=about.label,
        kind=_kind(form),
        opinions=OPINIONS,
        values=values,
        label=form.one("label") if form.has("label") else format_label(default_label(store, whole)),
        began=form.one("began") or store.clock(),
        wrong={key: language(_WRONG[key]) for key in wrong},
        problems=problems,
        effects=[effect(one, id, language) for one in would],
        left_out=left_out(store, would) if would else [],
        digest=shown,
    )


HANDLERS = (show_remark, remark_on, take_back_remark)

__all__ = ["HANDLERS", "OPINIONS"]
