"""The status page: the programme's areas with what is held, given and got, and the partners. It reads as the person who asks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Response, get
from litestar.params import QueryParameter

from kizuna.domains.air.flight import ENOUGH
from kizuna.domains.air.holding import sky
from kizuna.domains.air.kinds import kind
from kizuna.formats.pack import Area
from kizuna.formats.track import Track
from kizuna.store import AreaTraffic
from kizuna.store.room import has_room
from kizuna.web.context import of
from kizuna.web.i18n import Language
from kizuna.web.pages.areas import areas
from kizuna.web.pages.links import SENTENCES, drawn, newest, tell
from kizuna.web.pages.partners import entries
from kizuna.web.pages.render import AnyRequest, language_of, page, reader, redirect
from kizuna.web.pages.timeline import drawn_days, timeline

Borders = Annotated[
    Literal["1"] | None, QueryParameter(description="Draw the boundaries of countries, which imply no endorsement.")
]


@get("/", sync_to_thread=True)
def status(request: AnyRequest, borders: Borders = None) -> Response[bytes]:
    """What this node exchanges, as the reader may see it."""
    caller = reader(request)
    if caller is None:
        return redirect("/login")
    store, language = of(request).store, language_of(request, caller)
    view = store.view(caller.principal)
    seen = sky(view)
    partners = entries(store, caller, language)
    links = tell(store, view, newest(store, view, SENTENCES), language)
    stopped = {one["name"] for one in partners if one["stopped"]}
    return page(
        request,
        "status.html",
        caller=caller,
        place="picture",
        tiles=tiles(view.traffic(), language),
        partners=partners,
        shown=[label for one in links for label in one["labels"]],
        links=links,
        map=drawn(store, links, stopped, language),
        borders=bool(borders),
        timeline=drawn_days(timeline(store, view), language),
        stats=view.stats(),
        room=has_room(store),
        sky=seen,
        aircraft=[_aircraft(track, language) for track in seen.newest],
    )


def tiles(traffic: list[AreaTraffic], language: Language) -> list[dict[str, Any]]:
    """One tile per area of the programme, then those that objects serve besides."""
    found = {entry.area: entry for entry in traffic}
    shown = [
        _tile(area.area, area, found.pop(area.area, None), number, language) for number, area in enumerate(areas(), 1)
    ]
    return shown + [_tile(name, None, entry, 0, language) for name, entry in found.items()]


def _tile(name: str, area: Area | None, traffic: AreaTraffic | None, number: int, language: Language) -> dict[str, Any]:
    named = getattr(area.name, language.code) if area is not None and area.name is not None else None
    return {
        "area": name,
        "number": number,
        "title": named if area is not None else name,
        "status": area.status if area is not None else "stated",
        "traffic": traffic if traffic is not None and (traffic.held or traffic.given or traffic.got) else None,
    }


def _aircraft(track: Track, language: Language) -> dict[str, Any]:
    return {
        "name": track.name,
        "kind": kind(track.aircraft, language.code),
        "spoofed": track.doubt >= ENOUGH,
        "last": track.points[-1].time,
    }
