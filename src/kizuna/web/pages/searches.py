"""Searches that somebody keeps: listed, renamed and removed; and searches to begin with, where nothing is asked."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from litestar import Response, post

from kizuna.clock import to_text
from kizuna.errors import Conflict, KizunaError, Refused, UsageError
from kizuna.store.caller import Caller
from kizuna.store.model import Facets
from kizuna.store.searches import MOST, MOST_NAME, Saved, Searches
from kizuna.web.context import Context, of
from kizuna.web.forms import MOST_BYTES, Fields, acts
from kizuna.web.i18n import N_, Language
from kizuna.web.listing import Listing, address, list_at, listed
from kizuna.web.narrowing import Question, question_of
from kizuna.web.pages.facets import chosen_of, title_of
from kizuna.web.pages.render import AnyRequest, asks, language_of, page, redirect
from kizuna.web.regions import by_region, region_of

COLUMNS = ("number", "name", "address", "saved")
_SUGGESTED_REGIONS = 2


@list_at("/searches")
def list_searches(request: AnyRequest) -> Response[bytes]:
    """The searches that one keeps, by name."""
    caller = asks(request)
    found = Searches(of(request).store, caller.name).listed()
    rows = [(one.number, one.name, f"/objects?{one.question}", to_text(one.saved)) for one in found]
    return listed(request, lambda: Listing(COLUMNS, list(rows)), lambda: _page(request, caller, found))


@post("/searches", status_code=303, request_max_body_size=MOST_BYTES)
async def change_searches(request: AnyRequest) -> Response[bytes]:
    """Keep a search, give one another name, or remove one: one's own."""
    return await acts(request, "read", _change)


def _change(request: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
    searches, what = Searches(of(request).store, caller.name), form.one("what")
    question = question_of(form.one, form.many) if what == "save" else Question()
    try:
        if what == "save":
            question.narrowed(of(request).store)  # what can be asked at all
            searches.save(form.one("name"), address("", question.asked).removeprefix("?"))
        elif what == "rename":
            searches.rename(_number(form), form.one("name"))
        elif what == "remove":
            searches.remove(_number(form))
        else:
            raise UsageError("say what to do with the search")
    except (UsageError, Conflict, Refused) as error:
        return _page(request, caller, searches.listed(), wrong=error, form=form, question=question)
    return redirect(address("/objects", question.asked) if what == "save" else "/searches")


def _page(
    request: AnyRequest,
    caller: Caller,
    found: list[Saved],
    *,
    wrong: KizunaError | None = None,
    form: Fields | None = None,
    question: Question | None = None,
) -> Response[bytes]:
    language = language_of(request, caller)
    return page(
        request,
        "searches.html",
        status=200 if wrong is None else wrong.status,
        caller=caller,
        place="objects",
        here="/searches",
        searches=[{"number": one.number, "name": one.name, "saved": one.saved, "address": f"/objects?{one.question}",
                   "told": told(one, language)} for one in found],
        most=MOST,
        most_name=MOST_NAME,
        wrong=None if wrong is None else _wrong(wrong),
        typed="" if form is None else form.one("name"),
        number="" if form is None else form.one("number"),
        asked={} if question is None or question.empty else question.asked,
        others={end: f"/searches.{end}" for end in ("json", "csv")},
    )  # fmt: skip


def _wrong(error: KizunaError) -> str:
    """Why a form was refused, and what to do."""
    if isinstance(error, Conflict):
        return N_("Another search of yours has this name: choose a different one.")
    if isinstance(error, Refused):
        return N_("You keep as many searches as one can: remove one first.")
    if error.path == "name":
        return N_("Give it a name, of at most 100 letters, digits and signs on one line.")
    return N_("There is no question to keep: search for something, or narrow down, first.")


def told(saved: Saved, language: Language) -> str:
    """What a search asks for, in words."""
    question = asked_by(saved)
    if question is None:
        return saved.question
    words = [] if question.q is None else [question.q]
    return language.listing.join([*words, *(one["title"] for one in chosen_of(question, language))])


def asked_by(saved: Saved) -> Question | None:
    """The question of a search; None of one that an earlier release understood."""
    fields = Fields(parse_qsl(saved.question, keep_blank_values=True))
    try:
        return question_of(fields.one, fields.many)
    except UsageError:
        return None


def suggested(context: Context, caller: Caller, facets: Facets, language: Language) -> list[dict[str, Any]]:
    """Searches to begin with, each of which finds something."""
    found: list[dict[str, Any]] = []
    if facets.spans[0]:
        found.append(
            {"title": language(N_("Came in today")), "count": facets.spans[0], "address": "/objects?came=today"}
        )
    here = region_of(context.store.settings.country)
    for one in [one for one in by_region(facets.countries) if one.value != here][:_SUGGESTED_REGIONS]:
        title = language(N_("Reported from %(region)s"), region=title_of("region", one.value, language))
        found.append({"title": title, "count": one.count, "address": address("/objects", {"region": one.value})})
    reports = next((one.count for one in facets.types if one.value == "report"), 0)
    if reports:
        found.append({"title": language(N_("Reports")), "count": reports, "address": "/objects?type=report"})
    if caller.may("release"):
        found.append({"title": language(N_("Waiting for release")), "count": None, "address": "/release"})
    return found


def _number(form: Fields) -> int:
    number = form.one("number")
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        raise UsageError("choose a search")
    return int(number)


__all__ = ["change_searches", "list_searches", "suggested"]
