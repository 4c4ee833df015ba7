"""Standing rules as a page: what each lets leave or proposes, by whose word, and letting it count, stop or end."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, post

from kizuna.clock import to_text
from kizuna.errors import KizunaError, UsageError
from kizuna.store import Store
from kizuna.store.caller import Caller
from kizuna.store.releasing import Releases
from kizuna.store.standing import Rule, Rules
from kizuna.web.api.rules import state_of
from kizuna.web.context import of
from kizuna.web.forms import MOST_BYTES, Fields, acts
from kizuna.web.i18n import N_, Language
from kizuna.web.listing import Listing, list_at, listed
from kizuna.web.naming import type_name
from kizuna.web.pages.areas import area_name
from kizuna.web.pages.render import AnyRequest, asks, language_of, page

COLUMNS = (
    "rule",
    "version",
    "act",
    "state",
    "asked",
    "approved",
    "partners",
    "says",
    "until",
    "hourly",
    "made",
    "made_by",
)
STATES = {
    "counts": N_("counts"), "waits": N_("waits for people"), "stopped": N_("stopped"), "expired": N_("expired"), "ended": N_("ended")
}  # fmt: skip
ACTS = {"send": N_("lets leave by itself"), "propose": N_("proposes to people")}
WORDS = {
    "types": N_("Type"), "areas": N_("Area"), "labels": N_("Label"), "tags": N_("Tags"), "sources": N_("From"),
    "confidence": N_("Confidence"), "query": N_("Words"),
}  # fmt: skip


@list_at("/release/rules")
def show_rules(request: AnyRequest) -> Response[bytes]:
    """The newest version of every rule."""
    caller = asks(request)
    store = of(request).store

    def rows() -> Listing:
        return Listing(COLUMNS, [_row(store, rule) for rule in Rules(store).listed()])

    return listed(request, rows, lambda: rules_page(request, caller))


@post("/release/rules", status_code=200, request_max_body_size=MOST_BYTES)
async def act_on_rule(request: AnyRequest) -> Response[bytes]:
    """Approve, stop or remove a rule; approving takes one's password once more."""
    return await acts(request, "release", _act, again=lambda form: form.one("act") == "approve")


def _act(request: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
    store, name, what = of(request).store, form.one("rule"), form.one("act")
    try:
        if what == "approve":
            if form.refused is not None:
                raise form.refused
            version = form.one("version")
            Releases(store).grant(
                name, by=caller.name, version=int(version) if version.isdecimal() and len(version) < 10 else -1
            )
        elif what in ("stop", "remove"):
            getattr(Rules(store), what)(name, by=caller.name)
        else:
            raise UsageError("approve, stop or remove")
    except KizunaError as error:
        if error.slug not in ("wrong-password", "too-many-tries", "conflict", "refused"):
            raise
        return rules_page(request, caller, wrong=error.slug, status=error.status)
    return rules_page(request, caller, done=name)


def rules_page(
    request: AnyRequest, caller: Caller, *, wrong: str | None = None, done: str | None = None, status: int = 200
) -> Response[bytes]:
    """Every rule, with what was done or refused."""
    store, language = of(request).store, language_of(request, caller)
    return page(
        request,
        "rules.html",
        status=status,
        caller=caller,
        place="release",
        rules=[_entry(store, rule, language) for rule in Rules(store).listed()],
        states=STATES,
        acts=ACTS,
        wrong=wrong,
        done=done,
        others={form: f"/release/rules.{form}" for form in ("json", "csv")},
    )


def _entry(store: Store, rule: Rule, language: Language) -> dict[str, Any]:
    terms, releases = rule.terms, Releases(store)
    sends = terms.act == "send"
    told = {
        "types": [type_name(one, language) for one in terms.types],
        "areas": [area_name(one, language) or one for one in terms.areas],
    }
    return {
        "rule": rule,
        "state": state_of(rule, store.clock()),
        "asked": releases.asked_for(rule) if sends else 0,
        "approved": releases.granted_by(rule) if sends else (),
        "fits": [
            (title, _listed(told.get(key, getattr(terms, key)))) for key, title in WORDS.items() if getattr(terms, key)
        ],
    }


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def _row(store: Store, rule: Rule) -> tuple[str | int | None, ...]:
    releases, terms = Releases(store), rule.terms
    sends = terms.act == "send"
    return (
        rule.name, rule.version, terms.act, state_of(rule, store.clock()), releases.asked_for(rule) if sends else 0,
        " ".join(releases.granted_by(rule)) if sends else "", " ".join(terms.partners), msgspec.json.encode(terms).decode(), terms.until,
        terms.hourly, to_text(rule.made), rule.made_by,
    )  # fmt: skip


HANDLERS = (*show_rules, act_on_rule)

__all__ = ["ACTS", "HANDLERS", "rules_page"]
