"""A rule made by form: typed, tried over all that the asker sees, and made only as it was tried."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import QueryParameter

from kizuna.errors import Conflict
from kizuna.labels import Label, format_label
from kizuna.store import Store
from kizuna.store.caller import Caller
from kizuna.store.rule_trying import Tried, try_rule
from kizuna.store.standing import Named, Rules
from kizuna.web.context import of
from kizuna.web.forms import MOST_BYTES, Fields, acts
from kizuna.web.i18n import Language
from kizuna.web.naming import TYPES, source_name, title_of, type_name
from kizuna.web.pages.areas import area_name, areas
from kizuna.web.pages.named import entitled, named
from kizuna.web.pages.render import AnyRequest, asks, language_of, page
from kizuna.web.pages.rule_draft import LABELS, LISTS, REASONS, Draft, draft_of, read, typed
from kizuna.web.pages.rules import ACTS, rules_page

OfRule = Annotated[
    str | None, QueryParameter(name="rule", max_length=64, description="The rule whose next version it is to be.")
]


@get("/release/rules/new", sync_to_thread=True)
def show_rule_form(request: AnyRequest, rule: OfRule = None) -> Response[bytes]:
    """An empty form, or a rule to be changed. Raises NotFound."""
    caller = asks(request, "release")
    draft = Draft() if rule is None else draft_of(Rules(of(request).store).named(rule), of(request).store)
    return _page(request, caller, draft)


@post("/release/rules/new", status_code=200, request_max_body_size=MOST_BYTES)
async def submit_rule_form(request: AnyRequest) -> Response[bytes]:
    """Try what is typed, or make it, where it is what was tried."""
    return await acts(request, "release", _submit)


def _submit(request: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
    store, draft = of(request).store, typed(form)
    rule, wrong = read(draft, store)
    if rule is None:
        return _page(request, caller, draft, wrong=wrong, status=422)
    makes = form.one("do") == "make"
    if makes and form.one("tried") == _digest(rule):
        try:
            reason = _make(store, rule, draft.version, by=caller.name)
        except Conflict:
            reason = "full"
        if reason is None:
            return rules_page(request, caller, done=rule.name)
        return _page(request, caller, draft, wrong={"name": reason}, status=409)
    tried = try_rule(store, rule, caller.principal)
    return _page(request, caller, draft, rule=rule, tried=tried, other=makes)


def _make(store: Store, rule: Named, version: str, *, by: str) -> str | None:
    """Make a rule, or the next version of the one that was opened; else why not. What is there already is there. Raises Conflict."""
    with store.act():
        before = next((one for one in Rules(store).listed() if one.name == rule.name), None)
        if before is not None and before.terms == rule.terms:
            return None
        if version != ("" if before is None else str(before.version)):
            return "changed" if version else "taken"
        Rules(store).put([rule], by=by)
    return None


def _page(
    request: AnyRequest, caller: Caller, draft: Draft, *, rule: Named | None = None, tried: Tried | None = None,
    wrong: dict[str, str] | None = None, other: bool = False, status: int = 200,
) -> Response[bytes]:  # fmt: skip
    store, language = of(request).store, language_of(request, caller)
    told = {} if tried is None else _told(store, caller, tried, language)
    return page(
        request,
        "rule.html",
        status=status,
        caller=caller,
        place="release",
        here="/release/rules/new",
        shown=None if tried is None else [one.label for one in tried.first] + [one.value for one in tried.labels],
        draft=draft,
        partners=list(dict.fromkeys([*(partner.name for partner in store.partners()), *draft.partners])),
        choices=_choices(store, draft, language),
        acts=ACTS,
        wrong=wrong or {},
        reasons=REASONS,
        rule=rule,
        tried=tried,
        digest="" if rule is None else _digest(rule),
        other=other,
        **{"types": (), "labels": (), "first": (), **told},
    )


def _choices(store: Store, draft: Draft, language: Language) -> dict[str, list[tuple[str, str]]]:
    """By field, what can be chosen and what it is called: what is usual, and what was chosen."""
    usual: dict[str, list[tuple[str, str]]] = {
        "types": sorted(((type, type_name(type, language)) for type in TYPES), key=lambda one: one[1]),
        "areas": [(one.area, area_name(one.area, language) or one.area) for one in areas()],
        "labels": [(label, label) for label in LABELS],
        "sources": [
            (source, source_name(source, language))
            for source in ("own", *(f"partner:{partner.name}" for partner in store.partners()))
        ],
    }
    for field in LISTS:
        known = {value for value, _ in usual[field]}
        usual[field] += [(value, value) for value in draft.chosen.get(field, ()) if value not in known]
    return usual


def _told(store: Store, caller: Caller, tried: Tried, language: Language) -> dict[str, Any]:
    view = store.view(caller.principal)
    names = named(view, (one.id for one in tried.first))
    names |= entitled(view, names.values())
    labels: dict[str, tuple[Label, int]] = {}
    for one in tried.labels:  # whoever made them, alike in words
        text = format_label(one.value)
        label, count = labels.get(text, (one.value, 0))
        labels[text] = (label, count + one.count)
    return {
        "labels": sorted(labels.values(), key=lambda one: -one[1]),
        "types": [(type_name(one.value, language), one.count) for one in tried.types],
        "first": [
            {
                "id": one.id,
                "kind": type_name(one.type, language),
                "name": title_of(names.get(one.id, {"id": one.id}), names),
                "label": one.label,
                "gets": one.gets,
            }
            for one in tried.first
        ],
    }


def _digest(rule: Named) -> str:
    """What was tried: all that a rule says."""
    return hashlib.sha256(msgspec.json.encode(rule, order="deterministic")).hexdigest()


HANDLERS = (show_rule_form, submit_rule_form)

__all__ = ["HANDLERS"]
