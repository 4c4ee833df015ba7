"""What is seen of unmanned aircraft, on a page: the tracks a reader may see, drawn around one of them, and kept up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from math import ceil, cos, log10, radians, sin
from typing import Annotated, Any, TypeVar

from litestar import Response
from litestar.params import QueryParameter

from kizuna.clock import to_text
from kizuna.domains.air.flight import ENOUGH
from kizuna.domains.air.holding import Seen, seen, zones_of
from kizuna.domains.air.kinds import kind
from kizuna.domains.air.truth.words import sentence
from kizuna.errors import NotFound
from kizuna.formats.track import Point
from kizuna.formats.zone import Circle, Zone
from kizuna.labels import format_label
from kizuna.store import Stored
from kizuna.web.context import of
from kizuna.web.i18n import Language
from kizuna.web.listing import Listing, address, list_at, listed
from kizuna.web.naming import shortened, source_name
from kizuna.web.pages.render import AnyRequest, asks, language_of, page

COLUMNS = ("id", "name", "kind", "spoofed", "first", "last", "points", "latitude", "longitude", "label", "source")
MOST, ZONES, POINTS = 50, 200, 400
"""Tracks and zones that are shown, and points that are drawn of each line."""
AROUND, FRAMED, LEAST = 50_000.0, 5_000.0, 500.0
"""Metres: what lies further from the chosen track is not drawn with it; to what distance the drawing makes room; its least side."""
SIDE = 600.0
"""Units of the drawing, which is square."""
_DEGREE = 111_320.0  # metres
_ROUND = tuple((cos(radians(angle)), sin(radians(angle))) for angle in range(0, 360, 10))
T = TypeVar("T")
Placed = Callable[[float, float], tuple[float, float]]
Chosen = Annotated[
    str | None, QueryParameter(name="track", max_length=100, description="The ID of the track to draw around.")
]


@list_at("/air")
def show_air(request: AnyRequest, track: Chosen = None) -> Response[bytes]:
    """The newest tracks, and a drawing of those around one of them. Raises NotFound for a track that is not among them."""
    caller = asks(request)
    view = of(request).store.view(caller.principal)
    found = list(islice(seen(view, most=4 * MOST), MOST))
    if track is not None and all(one.id != track for one in found):
        raise NotFound("there is no such track among the newest")

    def shown() -> Response[bytes]:
        language = language_of(request, caller)
        chosen = next((one for one in found if track in (None, one.id)), None)
        return page(
            request,
            "air.html",
            caller=caller,
            place="picture",
            shown=[one.label for one in found],
            tracks=[_told(one, language, chosen) for one in found],
            chosen=None if chosen is None else _named(chosen),
            drawing=None if chosen is None else drawing(zones_of(view), chosen, found),
            most=MOST,
            here_again=address("/air", {"track": track}),
            others={form: address(f"/air.{form}", {"track": track}) for form in ("json", "csv")},
        )

    return listed(request, lambda: Listing(COLUMNS, [_row(one) for one in found]), shown)


def drawing(zones: Iterable[tuple[Stored, Zone]], chosen: Seen, found: Sequence[Seen]) -> dict[str, Any]:
    """Lines and zones around a track, north up, as paths of an SVG of SIDE by SIDE, and how long its scale is."""
    middle = chosen.track.points[-1]
    near = [
        one for one in found if _metres(middle, one.track.points[-1].longitude, one.track.points[-1].latitude) < AROUND
    ]
    points = [(point.longitude, point.latitude) for one in near for point in one.track.points]
    points += [(who.longitude, who.latitude) for one in near if (who := one.track.operator) is not None]
    within = FRAMED + max(_metres(middle, point.longitude, point.latitude) for point in chosen.track.points)
    at = [_flat(middle, *point) for point in points if _metres(middle, *point) < within]
    west, east = min(x for x, _ in at), max(x for x, _ in at)
    south, north = min(y for _, y in at), max(y for _, y in at)
    side = max(east - west, north - south, LEAST) * 1.25  # metres
    left, bottom = (west + east - side) / 2, (south + north - side) / 2

    def placed(longitude: float, latitude: float) -> tuple[float, float]:
        x, y = _flat(middle, longitude, latitude)
        return (x - left) / side * SIDE, SIDE - (y - bottom) / side * SIDE

    lines = []
    for one in near:
        path = [placed(point.longitude, point.latitude) for point in _thinned(one.track.points)]
        if not _framed(path):
            continue  # a link that nobody sees would still be reached by keys
        who = one.track.operator
        operator = None if who is None else placed(who.longitude, who.latitude)
        lines.append({
            "id": one.id, "name": _named(one), "path": _path(path), "last": path[-1], "spoofed": one.track.doubt >= ENOUGH,
            "anchor": "start" if path[-1][0] < SIDE / 4 else "end" if path[-1][0] > SIDE * 3 / 4 else "middle",
            "chosen": one is chosen, "operator": operator if operator is not None and _framed([operator]) else None,
        })  # fmt: skip
    return {"side": SIDE, "lines": lines, "zones": _zones(zones, middle, placed), "scale": _scale(side)}


def _zones(zones: Iterable[tuple[Stored, Zone]], middle: Point, placed: Placed) -> list[dict[str, Any]]:
    drawn = []
    for stored, zone in islice(zones, ZONES):
        for volume in zone.volumes[:4]:
            shape = volume.shape
            if isinstance(shape, Circle):
                if _metres(middle, shape.longitude, shape.latitude) > AROUND + shape.radius:
                    continue
                up, east = shape.radius / _DEGREE, shape.radius / (_DEGREE * max(cos(radians(shape.latitude)), 0.01))
                ring = [(shape.longitude + east * x, shape.latitude + up * y) for x, y in _ROUND]
            else:
                ring = list(_thinned(shape.rings[0]))
                if min(_metres(middle, *point) for point in ring) > AROUND:
                    continue
            name = shortened(zone.name or zone.identifier, 80)
            edge = [placed(*point) for point in ring]
            if _framed(edge):
                drawn.append({"id": stored.id, "name": name, "path": _path(edge) + "Z"})
    return drawn


def _framed(points: Sequence[tuple[float, float]]) -> bool:
    """Whether what lies around these points meets the picture."""
    return all(min(one[axis] for one in points) <= SIDE and max(one[axis] for one in points) >= 0 for axis in (0, 1))


def _told(one: Seen, language: Language, chosen: Seen | None) -> dict[str, Any]:
    last = one.track.points[-1]
    return {
        "id": one.id,
        "name": _named(one),
        "kind": kind(one.track.aircraft, language.code),
        "spoofed": one.track.doubt >= ENOUGH,
        "reasons": [sentence(finding, "ja" if language.code == "ja" else "en") for finding in one.track.findings],
        "first": one.track.points[0].time,
        "last": last.time,
        "speed": last.speed,
        "height": last.height,
        "label": one.label,
        "source": source_name(one.source, language),
        "chosen": one is chosen,
    }


def _row(one: Seen) -> tuple[str | int | None, ...]:
    track = one.track
    first, last = track.points[0], track.points[-1]
    return (
        one.id, track.name, track.aircraft, "yes" if track.doubt >= ENOUGH else "no", to_text(first.time), to_text(last.time),
        len(track.points), f"{last.latitude:.6f}", f"{last.longitude:.6f}", format_label(one.label), one.source,
    )  # fmt: skip


def _named(one: Seen) -> str:
    return shortened(one.track.name, 100)


def _flat(middle: Point, longitude: float, latitude: float) -> tuple[float, float]:
    """Metres east and north of a place: good over some tens of kilometres."""
    east = (longitude - middle.longitude + 180) % 360 - 180
    return east * _DEGREE * cos(radians(middle.latitude)), (latitude - middle.latitude) * _DEGREE


def _metres(middle: Point, longitude: float, latitude: float) -> float:
    x, y = _flat(middle, longitude, latitude)
    return float((x * x + y * y) ** 0.5)


def _thinned(points: Sequence[T]) -> Sequence[T]:
    step = ceil(len(points) / POINTS)
    return [*points[:-1:step], points[-1]]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _scale(side: float) -> dict[str, Any]:
    """The longest round length that takes up to a third of the drawing: metres, and in its units."""
    most = side / 3
    metres = next(m for k in (5, 2, 1) if (m := k * 10 ** int(log10(most))) <= most)
    return {"metres": metres, "length": round(metres / side * SIDE, 1)}


__all__ = ["drawing", "show_air"]
