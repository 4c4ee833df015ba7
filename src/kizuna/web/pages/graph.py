"""What lies around an object: a table of links, counts by type, and for those who have a script a drawing of the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from kizuna.store.around import MOST_NODES, Walk
from kizuna.store.caller import Caller
from kizuna.store.view import View
from kizuna.web.api.answer import PRIVATE
from kizuna.web.api.objects import Cursor, absent
from kizuna.web.context import of
from kizuna.web.i18n import Language
from kizuna.web.listing import Listing, address, list_at, listed
from kizuna.web.naming import defanged, property_name, shortened, title_of, type_name
from kizuna.web.narrowing import Types
from kizuna.web.pages.named import Json, entitled, named
from kizuna.web.pages.render import AnyRequest, asks, language_of, page
from kizuna.web.radial import radial

COLUMNS = ("step", "source", "source_type", "source_name", "kind", "target", "target_type", "target_name", "via")
ROWS, FEW = 100, 500
"""Links on a page of the table; objects that are listed and drawn where nobody asks for more."""
NAMES, KINDS = 300, 300
"""Objects of a drawing that are named, the nearest; and links up to which each tells its kind."""
Steps = Annotated[int, QueryParameter(ge=1, le=3, description="So many steps from the object.")]
Most = Annotated[
    int | None, QueryParameter(ge=1, le=MOST_NODES, description="At most so many objects, the nearest first.")
]


class Around(NamedTuple):
    """What one reader is shown around an object: `found` is all, `shown` what they asked for of it."""

    view: View
    found: Walk
    shown: Walk
    terms: dict[int, str]


class Told(NamedTuple):
    """A link by the ids of its ends."""

    step: int
    source: str
    kind: str
    target: str
    via: str | None
    by_property: bool


@list_at("/objects/{id:str}/graph")
def show_graph(
    request: AnyRequest,
    id: FromPath[str],
    steps: Steps = 2,
    most: Most = None,
    types: Types = None,
    cursor: Cursor = None,
) -> Response[bytes]:
    """The links around an object, the nearest first. Raises NotFound."""
    caller, context = asks(request), of(request)
    around = _around(request, caller, id, steps, most, types)
    bound = ("graph", caller.name, id, str(steps), str(most), *sorted(types or ()))
    begin = context.cursors.open(cursor, *bound) or 0
    told = links_of(around, range(begin, min(begin + ROWS, len(around.shown.links))))
    names = _names(around.view, [id, *(end for one in told for end in (one.source, one.target))])
    following = context.cursors.seal(begin + ROWS, *bound) if begin + ROWS < len(around.shown.links) else None
    asked = {"steps": steps, "most": most, "type": types}

    def rows() -> Listing:
        return Listing(COLUMNS, [_row(one, names) for one in told], following)

    def shown() -> Response[bytes]:
        return _page(request, caller, id, around, told, names, asked, following)

    return listed(request, rows, shown)


@get("/objects/{id:str}/graph/drawing.json", sync_to_thread=True)
def show_drawing(
    request: AnyRequest, id: FromPath[str], steps: Steps = 2, most: Most = None, types: Types = None
) -> Response[bytes]:
    """The same as whole numbers, for the script that draws it. Raises NotFound."""
    caller = asks(request)
    language = language_of(request, caller)
    around = _around(request, caller, id, steps, most, types)
    key = (around.shown.key, language.code)
    drawn = of(request).drawings.get(key, lambda: msgspec.json.encode(drawing(around, language)))
    return Response(drawn, media_type="application/json", headers=PRIVATE)


def _around(
    request: AnyRequest, caller: Caller, id: str, steps: int, most: int | None, types: Sequence[str] | None
) -> Around:
    view = of(request).store.view(caller.principal)
    found = view.around(id, steps)
    if found is None:
        raise absent()
    terms = view.terms(set(found.types.tolist()) | {n for n in set(found.links[:, 2].tolist()) if n})
    wanted = None if not types else frozenset(n for n in set(found.types.tolist()) if terms[n] in types)
    return Around(view, found, found.narrowed(wanted, most or FEW), terms)


def links_of(around: Around, places: range) -> list[Told]:
    """Some links of what is shown, by the ids of their ends; without what somebody has hidden meanwhile."""
    walk, links = around.shown, around.shown.links[places.start : places.stop].tolist()
    rows = walk.rows.tolist()
    ids = around.view.ids_of(sorted({row for s, t, _, via in links for row in (rows[s], rows[t], via) if row}))
    kinds = named(around.view, [ids[via] for _, _, path, via in links if not path and via in ids])
    told = []
    for source, target, path, via in links:
        ends, through = (ids.get(rows[source]), ids.get(rows[target])), ids.get(via)
        kind = (
            around.terms[path].partition("[")[0]
            if path
            else str(kinds.get(through or "", {}).get("relationship_type", ""))
        )
        if ends[0] and ends[1] and (through or not via):
            step = 1 + int(min(walk.steps[source], walk.steps[target]))
            told.append(Told(step, ends[0], kind, ends[1], through, bool(path)))
    return told


def drawing(around: Around, language: Language) -> Json:
    """Types, places and names of objects, and pairs of their places for links; names of the nearest alone."""
    walk = around.shown
    x, y = radial(walk.steps, walk.links)
    ids = around.view.ids_of(walk.rows.tolist())
    every = [ids.get(row, "") for row in walk.rows.tolist()]
    names = _names(around.view, [id for id in every[:NAMES] if id])
    types = sorted({*walk.types.tolist()})
    places = {n: place for place, n in enumerate(types)}
    kinds = [] if len(walk.links) > KINDS else [_kind(one, language) for one in links_of(around, range(KINDS))]
    return {
        "types": [around.terms[n] for n in types],
        "type": [places[n] for n in walk.types.tolist()],
        "id": [id.partition("--")[2] for id in every],
        "name": [defanged(shortened(names.get(id, ""), 60)) for id in every[:NAMES]],
        "step": walk.steps.tolist(),
        "x": x.tolist(),
        "y": y.tolist(),
        "link": walk.links[:, :2].ravel().tolist(),
        "kind": kinds if len(kinds) == len(walk.links) else [],
    }


def _page(
    request: AnyRequest, caller: Caller, id: str, around: Around, told: list[Told], names: dict[str, str], asked: dict[str, Any],
    following: str | None,
) -> Response[bytes]:  # fmt: skip
    language, path = language_of(request, caller), f"/objects/{id}/graph"
    found, shown = around.found, around.shown
    chosen = list(asked["type"] or ())
    facets = [
        {
            "type": name,
            "kind": type_name(name, language),
            "count": count,
            "chosen": name in chosen,
            "address": address(path, asked | {"type": sorted({*chosen} ^ {name})}),
        }
        for name, count in sorted(
            ((around.terms[n], k) for n, k in found.counts().items()), key=lambda one: (-one[1], one[0])
        )
    ]
    return page(
        request,
        "graph.html",
        caller=caller,
        place="objects",
        shown=around.view.labels_of(shown),
        id=id,
        name=names.get(id, id),
        kind=type_name(around.terms[int(found.types[0])], language),
        facets=facets,
        chosen=chosen,
        steps=[{"steps": n, "address": address(path, asked | {"steps": n}), "chosen": n == asked["steps"]} for n in (1, 2, 3)],
        objects=len(found.rows),
        links=len(found.links),
        more=found.more,
        drawn=len(shown.rows),
        drawn_links=len(shown.links),
        # Of what is large the table and the counts come first; it is drawn for who asks.
        later=len(found.rows) > FEW and asked["most"] is None and not chosen,
        everything=address(path, asked | {"most": MOST_NODES}) if len(shown.rows) < len(found.rows) and not chosen else None,
        whole=address(path, asked | {"type": None}) if chosen else None,
        source=address(f"{path}/drawing.json", asked),
        told=[_line(one, names, language) for one in told],
        first=address(path, asked) if request.query_params.get("cursor") else None,
        following=address(path, asked | {"cursor": following}) if following else None,
        others={form: address(f"{path}.{form}", asked) for form in ("json", "csv")},
    )  # fmt: skip


def _names(view: View, ids: Sequence[str]) -> dict[str, str]:
    """What objects are called, by their id."""
    read = named(view, ids)
    others = entitled(view, read.values())
    return {id: title_of(data, {**others, **read}) for id, data in read.items()}


def _kind(one: Told, language: Language) -> str:
    """What a link says: the kind of the relationship, else the property in the reader's language."""
    kind = shortened(one.kind, 100)
    return property_name(kind.partition(".")[0], language) if one.by_property else kind


def _line(one: Told, names: dict[str, str], language: Language) -> dict[str, Any]:
    ends = [
        {"id": id, "kind": type_name(id.partition("--")[0], language), "name": names.get(id), "there": True}
        for id in (one.source, one.target)
    ]
    return {
        "step": one.step,
        "source": ends[0],
        "target": ends[1],
        "kind": _kind(one, language),
        "data": not one.by_property,
        "via": one.via,
    }


def _row(one: Told, names: dict[str, str]) -> tuple[str | int | None, ...]:
    ends = [(id, id.partition("--")[0], names.get(id)) for id in (one.source, one.target)]
    return (one.step, *ends[0], one.kind, *ends[1], one.via)


HANDLERS = (*show_graph, show_drawing)

__all__ = ["HANDLERS"]
