"""What crosses regions: the newest links between what partners of different regions and this node reported, as a list and for the map."""

from __future__ import annotations

from typing import Any

from litestar import Response

from kizuna.clock import to_text
from kizuna.link import cross_regional
from kizuna.store import Store
from kizuna.store.meeting import Meeting, Report
from kizuna.store.view import View
from kizuna.web.atlas import THEATRES, VIEW, arc, centre, frame, on_map
from kizuna.web.context import of
from kizuna.web.i18n import Language
from kizuna.web.listing import Listing, address, list_at, listed
from kizuna.web.naming import shortened, title_of, type_name
from kizuna.web.pages.named import gist
from kizuna.web.pages.render import AnyRequest, asks, language_of, page
from kizuna.web.regions import region_name, region_of

COLUMNS = (
    "kind",
    "what",
    "earlier",
    "earlier_source",
    "earlier_at",
    "later",
    "later_source",
    "later_at",
    "apart_seconds",
    "added",
)
MOST, SENTENCES = 100, 6
"""Links of the list; and of those on the front page."""
CLOSE = 150.0
"""Units of the map within which two names would run into one another, where the map is small."""


@list_at("/links")
def list_links(request: AnyRequest) -> Response[bytes]:
    """The newest links whose ends were reported from different regions."""
    caller = asks(request)
    store = of(request).store
    view = store.view(caller.principal)
    found = newest(store, view, MOST)

    def shown() -> Response[bytes]:
        language = language_of(request, caller)
        told = tell(store, view, found, language)
        labels = [label for one in told for label in one["labels"]]
        others = {form: f"/links.{form}" for form in ("json", "csv")}
        return page(request, "links.html", caller=caller, place="picture", shown=labels, links=told, others=others)

    return listed(request, lambda: Listing(COLUMNS, [_row(one) for one in found]), shown)


def newest(store: Store, view: View, most: int) -> list[Meeting]:
    """The newest links that cross the regions of the pack of regions."""
    return cross_regional(store, view, region_of, most)


def tell(store: Store, view: View, found: list[Meeting], language: Language) -> list[dict[str, Any]]:
    """Links as pages tell them: who, what, how far apart, and the labels of what is shown."""
    read = {id: stored for one in found for id in _ids(one) if (stored := view.get(id)) is not None}
    gists = {id: gist(stored.raw) for id, stored in read.items()}
    places = store.countries()
    told = []
    for number, one in enumerate(found, 1):
        ends = [
            {
                "id": report.id,
                "name": _named(store, report),
                "kind": type_name(report.type, language),
                "at": report.at,
                "country": places.get(report.source),
            }
            for report in (one.earlier, one.later)
        ]
        title = title_of(gists[one.what], gists) if one.what in gists else one.what
        told.append({
            "number": number,
            "kind": one.kind,
            "title": shortened(title, 160),
            "address": address("/objects", {"value": one.what}) if one.kind == "value" else f"/objects/{one.what}",
            "earlier": ends[0],
            "later": ends[1],
            "apart": language.span(one.later.at - one.earlier.at),
            "labels": [read[id].label for id in _ids(one) if id in read],
        })  # fmt: skip
    return told


def drawn(store: Store, links: list[dict[str, Any]], stopped: set[str], language: Language) -> dict[str, Any]:
    """The map: two theatres, this node and its partners where their countries lie, and an arc for each link."""
    nodes = [{"name": store.settings.name, "country": store.settings.country, "own": True}]
    nodes += [{"name": one.name, "country": one.country, "own": False} for one in store.partners()]
    placed, taken = [], set[tuple[float, float]]()
    for node in nodes:
        at = centre(str(node["country"]))
        if at is None:
            continue
        x, y = on_map(at)
        while (x, y) in taken:  # several of one country stand below each other
            y += 14
        taken.add((x, y))
        placed.append({**node, "x": round(x, 1), "y": round(y, 1), "stopped": node["name"] in stopped})
    for node in placed:
        node["side"] = side(node, placed)
    frames = []
    for theatre in THEATRES:
        x, y = on_map(theatre.corner)
        frames.append({"name": region_name(theatre.region, language), "path": frame(theatre), "x": x, "y": y})
    arcs = []
    for one in links:
        ends = [centre(end["country"] or "") for end in (one["earlier"], one["later"])]
        if ends[0] is not None and ends[1] is not None:
            arcs.append({"number": one["number"], "path": arc(ends[0], ends[1])})
    return {"view": " ".join(map(str, VIEW)), "nodes": placed, "theatres": frames, "arcs": arcs}


def side(node: dict[str, Any], others: list[dict[str, Any]]) -> str:
    """To which side of its place a name is written, so that it stays clear of those of its neighbours; empty is above it."""
    for other in others:
        across = other["x"] - node["x"]
        if other is not node and abs(across) < CLOSE and abs(other["y"] - node["y"]) < CLOSE / 4 and across:
            return "west" if across > 0 else "east"
    return ""


def _named(store: Store, report: Report) -> str:
    return store.settings.name if report.source == "own" else report.source.partition(":")[2]


def _ids(one: Meeting) -> tuple[str, ...]:
    ends = (one.earlier.id, one.later.id)
    return ends if one.kind == "value" else (one.what, *ends)


def _row(one: Meeting) -> tuple[str | int, ...]:
    earlier, later = one.earlier, one.later
    return (
        one.kind, one.what, earlier.id, earlier.source, to_text(earlier.at), later.id, later.source, to_text(later.at),
        (later.at - earlier.at) // 1_000_000, to_text(later.added),
    )  # fmt: skip


__all__ = ["SENTENCES", "drawn", "list_links", "newest", "tell"]
