"""One object: what it says, who sees what of it and why, its history, and what is one step away; also as one partner would see it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from kizuna.clock import from_text
from kizuna.errors import UsageError
from kizuna.labels import Form
from kizuna.stix.ids import type_of
from kizuna.store import Store, Stored
from kizuna.store.caller import Caller
from kizuna.store.editing import editable
from kizuna.store.explaining import Looked, looked_at
from kizuna.store.model import Neighbour
from kizuna.store.remarks import deletable
from kizuna.store.view import View
from kizuna.web.api.answer import PRIVATE
from kizuna.web.api.model import FORMS
from kizuna.web.api.objects import Version, absent
from kizuna.web.context import of
from kizuna.web.i18n import Language
from kizuna.web.listing import Listing, address, as_csv
from kizuna.web.naming import property_name, shortened, source_name, title_of, type_name
from kizuna.web.pages.areas import area_name
from kizuna.web.pages.named import Json, named
from kizuna.web.pages.render import AnyRequest, asks, language_of, page
from kizuna.web.pages.where_and_when import moment_of, where_and_when
from kizuna.wording import worded

VERSIONS, NEIGHBOURS, NAMED, LONG = 20, 100, 200, 4_000
PROPERTIES, ENTRIES, CHANGES, TEXT = 300, 2_000, 50, 64 * 1024
"""Properties, entries of lists, changes of a version, characters of JSON: what a page shows of one object. Of the rest it says how much."""
REPORTED = 50
"""Rows of who reported it that are shown, the latest."""
PATIENCE = 10.0
"""Seconds after which a page begins to work out no further partner."""
PartnerName = Annotated[str | None, QueryParameter(name="as", max_length=200, description="As this partner sees it.")]
Done = Annotated[Literal["saved", "noted"] | None, QueryParameter(description="What was done just before.")]
_HEAD = ("name", "description")
_TAIL = ("type", "id", "spec_version", "created", "modified", "object_marking_refs", "granular_markings", "extensions")


@get("/objects/{id:str}", sync_to_thread=True)
def show_object(
    request: AnyRequest, id: FromPath[str], version: Version = None, partner: PartnerName = None, done: Done = None
) -> Response[bytes]:
    """One object; with `.json` its bytes as the reader may see them, with `.csv` its properties. Raises NotFound."""
    caller = asks(request)
    id, _, form = id.partition(".")
    store = of(request).store
    view = store.view(caller.principal)
    stored = view.get(id, _moment(version)) if form in ("", "json", "csv") else None
    if stored is None:
        raise absent()
    if partner and version:
        raise UsageError("a partner gets the newest version: leave `version` out, or `as`", path="/query/as")
    first = store.partner(partner).name if partner else None
    if form == "" or first is not None:
        seen = what_partners_get(store, caller, id, first, alone=form != "")
    own: Json = msgspec.json.decode(stored.raw)
    data = own if first is None else _as_partner(seen.get(first), own)
    if form == "json":
        raw = stored.raw if not partner else msgspec.json.encode(data or {})
        return Response(raw, media_type="application/json", headers=PRIVATE)
    if form == "csv":
        return Response(as_csv(properties(data or {})), media_type="text/csv; charset=utf-8", headers=PRIVATE)
    return _page(request, caller, view, stored, own, data, seen, first, version, done)


def _page(
    request: AnyRequest, caller: Caller, view: View, stored: Stored, own: Json, data: Json | None, seen: dict[str, Looked],
    partner: str | None, version: str | None, done: str | None,
) -> Response[bytes]:  # fmt: skip
    store, language = of(request).store, language_of(request, caller)
    near = view.neighbours(stored.id, NEIGHBOURS)
    names = named(view, [*(id for one in near for id in (one.id, one.via)), *refs_of(data or {})])
    said, more = says(data or {}, names, language)
    text = "" if data is None else printed(data)
    path = f"/objects/{stored.id}"
    versions = _history(view, stored.id, language)
    may_edit = caller.may("write") and version is None and _is_editable(store, caller, stored.id)
    return page(
        request,
        "object.html",
        caller=caller,
        place="objects",
        shown=[stored.label],
        stored=stored,
        path=path,
        kind=type_name(stored.type, language),
        name=title_of(data or own, names),
        area=area_name(stored.area, language),
        source=source_name(stored.source, language),
        originator=stored.source.partition("partner:")[2],
        partner=partner,
        missing=data is None,
        said=said,
        more=more,
        unknown=[one.name for one in store.partners() if one.name not in seen],
        cut=[property_name(key.partition(".")[0].partition("[")[0], language) for key in stored.cut],
        partners=[_told(name, one, language) for name, one in seen.items()],
        columns=_columns(own, seen, language),
        versions=versions,
        done=done,
        may_edit=may_edit,
        may_take_back=caller.may("write") and _is_deletable(store, caller, stored),
        undo=versions[1]["version"] if may_edit and len(versions) > 1 else None,
        left=[name for name, one in seen.items() if one.said.in_feed],
        version=version,
        near=[_near(stored.id, one, names, language) for one in near if one.type not in ("note", "opinion")],
        where=where_and_when(view, own, near, names, language),
        reported=[{"source": source_name(one.source, language), "version": one.version, "added": one.added, "label": one.label}
                  for one in view.reported(stored.id, REPORTED)],
        remarks=_remarks(names, near),
        text=text[:TEXT],
        longer=max(0, len(text) - TEXT),
        others={form: address(f"{path}.{form}", {"as": partner, "version": version}) for form in ("json", "csv")},
    )  # fmt: skip


def _is_editable(store: Store, caller: Caller, id: str) -> bool:
    with store.database.snapshot() as reader:
        return editable(store, reader, id, caller.principal).why is None


def _is_deletable(store: Store, caller: Caller, stored: Stored) -> bool:
    if stored.type not in ("note", "opinion"):
        return False
    with store.database.snapshot() as reader:
        return deletable(store, reader, stored, by=caller.name, principal=caller.principal)


def what_partners_get(
    store: Store, caller: Caller, id: str, first: str | None = None, *, alone: bool = False
) -> dict[str, Looked]:
    """By partner, how an object leaves as far as the caller sees, and what of it; of one partner first, or alone.

    An object of tens of thousands of references takes seconds for each: after PATIENCE the others are left out.
    """
    store.settle()  # as before a feed is read
    began, names = monotonic(), [partner.name for partner in store.partners()]
    found: dict[str, Looked] = {}
    with store.database.snapshot() as reader:
        for name in [first] if alone and first is not None else sorted(names, key=lambda name: name != first):
            if monotonic() - began > PATIENCE:
                break
            if (one := looked_at(store, reader, name, [id], caller.principal).get(id)) is not None:
                found[name] = one
    return {name: found[name] for name in names if name in found}


def _as_partner(one: Looked | None, data: Json) -> Json | None:
    """What a partner gets of an object; None where it is nothing."""
    if one is None or one.said.form is Form.WITHHELD:
        return None
    return data if one.said.form is Form.WHOLE else one.made and one.made.data


def ordered(data: Json) -> list[str]:
    """The properties of an object: what it is called first, what only machines need last."""
    order = {key: place for place, key in enumerate(_HEAD)} | {key: 100 + place for place, key in enumerate(_TAIL)}
    return sorted(data, key=lambda key: order.get(key, 50))


def says(
    data: Json, names: dict[str, Json], language: Language, keys: Sequence[str] | None = None
) -> tuple[list[dict[str, Any]], int]:
    """What an object says, property by property, and how many more there are than are shown."""
    wanted = ordered(data) if keys is None else [key for key in keys if key in data]
    told, left = [], ENTRIES
    for key in wanted[:PROPERTIES]:
        value = data[key]
        told.append({
            "key": key, "title": property_name(shortened(key, 250), language), "more": 0,
            **_value(key, value, names, language, max(1, min(NAMED, left))),
        })  # fmt: skip
        left -= len(value) if isinstance(value, list) else 0
    return told, max(0, len(wanted) - PROPERTIES)


def printed(value: Any) -> str:
    """JSON for people, in lines where it is short: indented, a megabyte nested deeply would be a hundred."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) > TEXT else json.dumps(value, ensure_ascii=False, indent=2)


def _value(key: str, value: Any, names: dict[str, Json], language: Language, most: int) -> dict[str, Any]:
    if isinstance(value, str) and key != "id" and type_of(value) is not None:
        return {"form": "refs", "value": [_ref(value, names, language)]}
    if isinstance(value, str):
        moment = moment_of(value)
        return _cut("text", value) if moment is None else {"form": "time", "value": moment}
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        if all(type_of(one) is not None for one in value):
            told: list[Any] = [_ref(one, names, language) for one in value[:most]]
            return {"form": "refs", "value": told, "more": len(value) - len(told)}
        told = [shortened(one, LONG) for one in value[:most]]
        return {"form": "list", "value": told, "more": len(value) - len(told)}
    if isinstance(value, bool | int | float):
        return {"form": "text", "value": json.dumps(value)}
    return _cut("json", printed(value))


def _cut(form: str, text: str) -> dict[str, Any]:
    return {"form": form, "value": text[:LONG], "more": max(0, len(text) - LONG)}


def _ref(id: str, names: dict[str, Json], language: Language) -> dict[str, Any]:
    """A reference; it leads somewhere only where the reader sees something there."""
    return {
        "id": id,
        "kind": type_name(id.partition("--")[0], language),
        "name": title_of(names[id], names) if id in names else None,
        "there": id in names,
    }


def refs_of(data: Json) -> Iterator[str]:
    for value in data.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and type_of(one) is not None:
                yield one


def _moment(version: str | None) -> int | None:
    try:
        return None if version is None else from_text(version)
    except (ValueError, OverflowError):
        raise UsageError("not an RFC 3339 time", path="/query/version") from None


def _told(name: str, one: Looked, language: Language) -> dict[str, Any]:
    said = one.said
    reasons = [worded(reason.code, reason.parameters, language.code) for reason in said.reasons]
    return {
        "name": name,
        "form": FORMS[said.form],
        "in_feed": said.in_feed,
        "state": one.item.state if one.item else None,
        "reasons": reasons,
    }


def _columns(data: Json, seen: dict[str, Looked], language: Language) -> list[dict[str, Any]]:
    """Of each property, what each partner gets of it: all, not all, or nothing."""
    return [
        {"title": property_name(shortened(key, 250), language),
         "cells": ["none" if one.said.form is Form.WITHHELD else _of_property(key, data[key], one) for one in seen.values()]}
        for key in ordered(data)[:PROPERTIES]
        if key not in ("type", "spec_version")
    ]  # fmt: skip


def _of_property(key: str, value: Any, one: Looked) -> str:
    if one.said.form is Form.WHOLE:
        return "all"
    if one.made is None or key not in one.made.data:
        return "cut"
    return "all" if one.made.data[key] == value else "part" if key in one.made.cut else "changed"


def _history(view: View, id: str, language: Language) -> list[dict[str, Any]]:
    """The newest versions, each with what it changed of the one before."""
    versions = view.history(id, VERSIONS + 1).items
    told: list[dict[str, Any]] = []
    after: Json = msgspec.json.decode(versions[0].raw) if versions else {}
    for place, stored in enumerate(versions[:VERSIONS]):
        before = msgspec.json.decode(versions[place + 1].raw) if place + 1 < len(versions) else None
        changed = [] if before is None else list(changes(before, after, language))
        after = before or {}
        told.append(
            {
                "version": stored.version,
                "added": stored.added,
                "source": source_name(stored.source, language),
                "label": stored.label,
                "first": before is None,
                "changes": changed[:CHANGES],
                "more": max(0, len(changed) - CHANGES),
            }
        )
    return told


def changes(before: Json, after: Json, language: Language) -> Iterator[dict[str, str]]:
    """What differs between two versions, property by property."""
    for key in sorted(before.keys() | after.keys() - {"modified"}):
        if key != "modified" and before.get(key) != after.get(key):
            yield {
                "title": property_name(shortened(key, 250), language),
                "was": _short(before.get(key)),
                "now": _short(after.get(key)),
            }


def _short(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shortened(text, 300)


def _near(of: str, one: Neighbour, names: dict[str, Json], language: Language) -> dict[str, Any]:
    through = one.via not in (one.id, of)
    path = shortened(one.path, 250)
    kind = path if through else property_name(path.partition("[")[0].partition(".")[0], language)
    return {
        **_ref(one.id, names, language),
        "path": kind,
        "direction": one.direction,
        "via": one.via if through else None,
    }


def _remarks(names: dict[str, Json], near: Sequence[Neighbour]) -> list[dict[str, Any]]:
    """Notes and opinions about the object."""
    found = (names[one.id] for one in near if one.type in ("note", "opinion") and one.id in names)
    return [
        {
            "id": one["id"],
            "title": one.get("abstract") or one.get("opinion"),
            "text": one.get("content") or one.get("explanation") or "",
        }
        for one in found
    ]


def properties(data: Json) -> Listing:
    rows = [
        (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)) for key, value in data.items()
    ]
    return Listing(("property", "value"), [tuple(row) for row in rows])


__all__ = ["PROPERTIES", "changes", "ordered", "printed", "refs_of", "says", "show_object", "what_partners_get"]
