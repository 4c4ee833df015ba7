"""What came in during the last days, by the region of who reported it: a list, and bars on the Picture that lead to the objects."""

from __future__ import annotations

from typing import Any, NamedTuple

from litestar import Response

from kizuna.store import Store
from kizuna.store.view import View
from kizuna.web.atlas import THEATRES
from kizuna.web.context import of
from kizuna.web.i18n import N_, Language
from kizuna.web.listing import Listing, address, list_at, listed
from kizuna.web.narrowing import days
from kizuna.web.pages.render import AnyRequest, asks, language_of, page
from kizuna.web.regions import region_name, region_of

DAYS = 30
KINDS = (*(theatre.region for theatre in THEATRES), "other")
COLUMNS = ("day", *KINDS)
ELSEWHERE = N_("other regions")
WIDTH, HEIGHT, BETWEEN = 900.0, 110.0, 4.0


class Day(NamedTuple):
    """A day of the node, such as 2026-11-28, and how many objects came in of each of KINDS."""

    day: str
    counts: tuple[int, ...]


@list_at("/timeline")
def show_timeline(request: AnyRequest) -> Response[bytes]:
    """The last days, each with how much came in."""
    caller = asks(request)
    store = of(request).store
    found = timeline(store, store.view(caller.principal))

    def shown() -> Response[bytes]:
        language = language_of(request, caller)
        others = {form: f"/timeline.{form}" for form in ("json", "csv")}
        told = drawn_days(found, language)
        return page(
            request, "timeline.html", caller=caller, place="picture", timeline=told, days=found[::-1], others=others
        )

    return listed(request, lambda: Listing(COLUMNS, [(one.day, *one.counts) for one in found]), shown)


def timeline(store: Store, view: View) -> list[Day]:
    """How much this node and its partners reported on each of the last days; frameworks that packs bring are no reports."""
    countries = store.countries()
    places = {source: KINDS.index(region) if (region := region_of(country)) in KINDS else len(KINDS) - 1
              for source, country in countries.items()}  # fmt: skip
    last = days(store, DAYS)
    found = []
    for (day, _), arrived in zip(last, view.arrivals([span for _, span in last]), strict=True):
        counts = [0] * len(KINDS)
        for source, count in arrived.items():
            if source in places:
                counts[places[source]] += count
        found.append(Day(day.isoformat(), tuple(counts)))
    return found


def drawn_days(found: list[Day], language: Language) -> dict[str, Any]:
    """The bars as rectangles of an SVG, each day with the address of its objects."""
    most = max((sum(one.counts) for one in found), default=0) or 1
    wide = WIDTH / max(len(found), 1)
    bars = []
    for place, one in enumerate(found):
        parts, top = [], HEIGHT
        for kind, count in enumerate(one.counts):
            if count:
                tall = max(count / most * (HEIGHT - 4), 1.5)
                top -= tall
                parts.append({"kind": kind, "y": round(max(top, 0), 1), "height": round(tall, 1)})
        bars.append({
            "day": one.day, "count": sum(one.counts), "x": round(place * wide + BETWEEN / 2, 1), "width": round(wide - BETWEEN, 1),
            "parts": parts, "address": address("/objects", {"from": one.day, "to": one.day}),
        })  # fmt: skip
    return {
        "bars": bars,
        "most": most if any(one["parts"] for one in bars) else 0,
        "names": [*(region_name(theatre.region, language) for theatre in THEATRES), language(ELSEWHERE)],
        "size": (WIDTH, HEIGHT),
    }


__all__ = ["drawn_days", "show_timeline", "timeline"]
