"""What this node gave to a partner, as the people of that partner read it; they read nothing else here."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from kizuna.clock import from_text, to_text
from kizuna.errors import UsageError
from kizuna.stix.builtin import RENDITION_EXTENSION
from kizuna.stix.ids import type_of
from kizuna.store.given import Given, GivenTo
from kizuna.web.api.answer import PRIVATE
from kizuna.web.api.model import time_text
from kizuna.web.api.objects import Cursor, Version, absent
from kizuna.web.context import of
from kizuna.web.listing import Listing, address, as_csv, list_at, listed
from kizuna.web.naming import level, refs_in_title, title_of, type_name
from kizuna.web.pages.named import Json, gist
from kizuna.web.pages.object import TEXT, printed, properties, refs_of, says
from kizuna.web.pages.objects import Limit
from kizuna.web.pages.render import FEED, AnyRequest, language_of, page, visits

COLUMNS = ("id", "type", "version", "added", "label", "form")
TAKEN_COLUMNS = ("at", "what", "ids", "reason")
VERSIONS, ABOUT = 20, 50
"""Versions of an object, and objects of a notice, that a page shows."""


@list_at(FEED)
def list_feed(request: AnyRequest, limit: Limit = 50, cursor: Cursor = None) -> Response[bytes]:
    """Everything that the partner has from this node, what came last first."""
    caller, partner = visits(request)
    context = of(request)
    given = GivenTo(context.store, partner)
    bound = ("feed page", caller.name)
    found, more = given.newest(limit, context.cursors.open(cursor, *bound))
    following = None if more is None else context.cursors.seal(more, *bound)

    def shown() -> Response[bytes]:
        language = language_of(request, caller)
        items = [(one, gist(one.raw)) for one in found]
        names = _named(given, [ref for _, data in items for ref in refs_in_title(data)])
        return page(
            request,
            "feed.html",
            caller=caller,
            place="feed",
            shown=[one.label for one in found],
            partner=partner,
            items=[
                {"given": one, "kind": type_name(str(data["type"]), language), "name": title_of(data, names), "form": _form(one)}
                for one, data in items
            ],
            following=None if following is None else address(FEED, {"cursor": following}),
            others={form: address(f"{FEED}.{form}", {"cursor": cursor}) for form in ("json", "csv")},
        )  # fmt: skip

    return listed(request, lambda: Listing(COLUMNS, [_row(one) for one in found], following), shown)


@list_at(f"{FEED}/withdrawn")
def list_withdrawn(request: AnyRequest, limit: Limit = 50, cursor: Cursor = None) -> Response[bytes]:
    """What this node asked the partner to give back, and what it gave again, the newest first."""
    caller, partner = visits(request)
    context = of(request)
    given = GivenTo(context.store, partner)
    bound = ("withdrawn page", caller.name)
    found, more = given.taken_back(limit, context.cursors.open(cursor, *bound))
    following = None if more is None else context.cursors.seal(more, *bound)

    def shown() -> Response[bytes]:
        names = _named(given, (id for one in found for id in one.about[:ABOUT]))
        language = language_of(request, caller)
        return page(
            request,
            "feed_withdrawn.html",
            caller=caller,
            place="withdrawn",
            partner=partner,
            notices=[
                {
                    "notice": one,
                    "about": [
                        _about(id, names, type_name(id.partition("--")[0], language)) for id in one.about[:ABOUT]
                    ],
                    "more": len(one.about) - ABOUT,
                }
                for one in found
            ],
            following=None if following is None else address(f"{FEED}/withdrawn", {"cursor": following}),
            others={form: address(f"{FEED}/withdrawn.{form}", {"cursor": cursor}) for form in ("json", "csv")},
        )

    def rows() -> Listing:
        told = [
            (to_text(one.at), "given again" if one.again else "withdrawn", " ".join(one.about), one.reason) for one in found
        ]  # fmt: skip
        return Listing(TAKEN_COLUMNS, [tuple(row) for row in told], following)

    return listed(request, rows, shown)


@get(f"{FEED}/{{id:str}}", sync_to_thread=True)
def show_given(request: AnyRequest, id: FromPath[str], version: Version = None) -> Response[bytes]:
    """One object exactly as the partner has it; with `.json` its bytes, with `.csv` its properties. Raises NotFound."""
    caller, partner = visits(request)
    id, _, form = id.partition(".")
    given = GivenTo(of(request).store, partner)
    one = given.get(id, _moment(version)) if form in ("", "json", "csv") and type_of(id) is not None else None
    if one is None:
        raise absent()
    data: Json = msgspec.json.decode(one.raw)
    if form == "json":
        return Response(one.raw, media_type="application/json", headers=PRIVATE)
    if form == "csv":
        return Response(as_csv(properties(data)), media_type="text/csv; charset=utf-8", headers=PRIVATE)
    language = language_of(request, caller)
    names = _named(given, refs_of(data))
    said, more = says(data, names, language)
    text = printed(data)
    path = f"{FEED}/{id}"
    return page(
        request,
        "feed_object.html",
        caller=caller,
        place="feed",
        shown=[one.label],
        given=one,
        path=path,
        form=_form(one),
        kind=type_name(str(data["type"]), language),
        name=title_of(data, names),
        said=said,
        more=more,
        version=version,
        versions=[(moment, to_text(moment), added) for moment, added in given.versions(id, VERSIONS)],
        text=text[:TEXT],
        longer=max(0, len(text) - TEXT),
        others={form: address(f"{path}.{form}", {"version": version}) for form in ("json", "csv")},
    )


def _named(given: GivenTo, ids: Any) -> dict[str, Json]:
    return {id: gist(raw) for id, raw in given.those(ids).items()}


def _about(id: str, names: dict[str, Json], kind: str) -> dict[str, Any]:
    return {"id": id, "kind": kind, "there": id in names, "name": title_of(names[id], names) if id in names else None}


def _form(one: Given) -> str:
    """Whether the object itself says that it is a rendition."""
    extensions = msgspec.json.decode(one.raw).get("extensions")
    return "rendition" if isinstance(extensions, dict) and RENDITION_EXTENSION in extensions else "whole"


def _row(one: Given) -> tuple[str | int | None, ...]:
    kind = one.id.partition("--")[0]
    return (one.id, kind, time_text(one.version), to_text(one.added), level(one.label), _form(one))


def _moment(version: str | None) -> int | None:
    try:
        return None if version is None else from_text(version)
    except (ValueError, OverflowError):
        raise UsageError("not an RFC 3339 time", path="/query/version") from None


HANDLERS = (*list_feed, *list_withdrawn, show_given)

__all__ = ["HANDLERS"]
