"""Where and when: the times that an object states, places next to it, and who saw it where, as far as its reader sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kizuna.clock import from_text
from kizuna.store import Query
from kizuna.store.model import Neighbour
from kizuna.store.view import View
from kizuna.web.i18n import Language
from kizuna.web.naming import property_name, title_of, type_name
from kizuna.web.pages.named import Json, named

TIMES = ("first_seen", "last_seen", "first_observed", "last_observed", "valid_from", "valid_until", "published")
PLACES, SIGHTINGS = 50, 20


def where_and_when(
    view: View, data: Json, near: Sequence[Neighbour], names: dict[str, Json], language: Language
) -> dict[str, Any]:
    """Times of an object, places next to it with how they are, and its sightings with who saw it when."""
    told = [(key, moment_of(str(data[key]))) for key in TIMES if isinstance(data.get(key), str)]
    times = [{"title": property_name(key, language), "at": at} for key, at in told if at is not None]
    places = [
        {**_place(one.id, names, language), "how": _how(one, str(data.get("id")), language)}
        for one in near
        if one.type == "location"
    ]  # fmt: skip
    sightings = _sightings(view, data, near, language)
    return {"times": times, "places": places[:PLACES], "sightings": sightings}


def _how(one: Neighbour, of: str, language: Language) -> str:
    """By which property, or by which kind of relationship."""
    through = one.via not in (one.id, of)
    return one.path if through else property_name(one.path.partition("[")[0].partition(".")[0], language)


def _sightings(view: View, data: Json, near: Sequence[Neighbour], language: Language) -> list[dict[str, Any]]:
    """The sightings of an object; of a sighting, itself."""
    ids = tuple(dict.fromkeys(one.id for one in near if one.type == "sighting" and one.direction == "in"))[:SIGHTINGS]
    read = [msgspec.json.decode(row.raw) for row in view.read(Query(ids=ids), 0, SIGHTINGS).rows] if ids else []
    found = [one for one in read if one.get("sighting_of_ref") == data.get("id")]
    if data.get("type") == "sighting":
        found.insert(0, data)
    names = named(view, [ref for one in found for ref in _seen_by(one)])
    return [
        {"id": one["id"], "first": moment_of(str(one.get("first_seen"))), "last": moment_of(str(one.get("last_seen"))),
         "count": one.get("count", 1),
         "by": [_place(ref, names, language) for ref in _seen_by(one)]}
        for one in found
    ]  # fmt: skip


def _seen_by(data: Json) -> list[str]:
    refs = data.get("where_sighted_refs")
    return [ref for ref in refs if isinstance(ref, str)][:SIGHTINGS] if isinstance(refs, list) else []


def moment_of(text: str) -> int | None:
    """A time of an object in microseconds; None where it is none."""
    try:
        return from_text(text) if len(text) >= 20 and text[4] == "-" and text[-1] == "Z" else None
    except (ValueError, OverflowError):
        return None


def _place(id: str, names: dict[str, Json], language: Language) -> dict[str, Any]:
    return {
        "id": id, "there": id in names, "name": title_of(names[id], names) if id in names else None,
        "kind": type_name(id.partition("--")[0], language),
    }  # fmt: skip


__all__ = ["moment_of", "where_and_when"]
