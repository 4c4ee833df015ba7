"""The status page: the programme's areas with what is held, given and got, and the partners. It reads as the person who asks."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from litestar import Response, get

from kizuna.domains.air.flight import ENOUGH
from kizuna.domains.air.holding import sky
from kizuna.domains.air.kinds import kind
from kizuna.formats.pack import Area, load
from kizuna.formats.track import Track
from kizuna.labels import Principal
from kizuna.store import AreaTraffic, Store
from kizuna.store.epochs import stopped_partners
from kizuna.store.exchanged import Exchanged, exchanged
from kizuna.store.room import has_room
from kizuna.web.context import of
from kizuna.web.i18n import Language
from kizuna.web.pages.render import AnyRequest, language_of, page, reader, redirect


@get("/", sync_to_thread=True)
def status(request: AnyRequest) -> Response[bytes]:
    """What this node exchanges, as the reader may see it."""
    caller = reader(request)
    if caller is None:
        return redirect("/login")
    store, language = of(request).store, language_of(request, caller)
    view = store.view(caller.principal)
    seen = sky(view)
    return page(
        request,
        "status.html",
        caller=caller,
        tiles=tiles(view.traffic(), language),
        partners=_partners(store, caller.principal, language),
        stats=view.stats(),
        room=has_room(store),
        sky=seen,
        aircraft=[_aircraft(track, language) for track in seen.newest],
    )


@lru_cache(maxsize=1)
def areas() -> tuple[Area, ...]:
    """The programme's areas, as the pack that ships states them."""
    return load("programme").programme().areas


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


def _partners(store: Store, principal: Principal, language: Language) -> list[dict[str, Any]]:
    counts = exchanged(store, principal)
    stopped = stopped_partners(store.database.read())
    return [
        {
            "name": partner.name,
            "organisation": partner.organisation,
            "country": language.country(partner.country),
            "levels": [entry for entry in partner.receives if _is_level(entry)],
            "areas": [_area_name(entry, language) for entry in partner.receives if not _is_level(entry)],
            "stopped": stopped.get(partner.name),
            "pinned": partner.public_key is not None,
            "exchanged": counts.get(partner.name, Exchanged()),
        }
        for partner in store.partners()
    ]


def _is_level(entry: str) -> bool:
    return entry.upper() == "PUBLIC" or entry.upper().startswith("TLP:")


def _area_name(name: str, language: Language) -> str:
    for area in areas():
        if area.area == name and area.name is not None:
            return str(getattr(area.name, language.code))
    return name
