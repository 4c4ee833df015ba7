"""Going to anything by a few words: pages, partners, areas and objects. The command palette asks it; without a script it is a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, NamedTuple
from urllib.parse import quote

from litestar import Response
from litestar.params import QueryParameter

from kizuna.labels import Label
from kizuna.stix.ids import type_of
from kizuna.store import Store
from kizuna.store.caller import Caller
from kizuna.store.model import Stored
from kizuna.store.view import View
from kizuna.web.context import of
from kizuna.web.i18n import N_, Language
from kizuna.web.listing import Listing, address, list_at, listed
from kizuna.web.naming import shortened, title_of, type_name
from kizuna.web.pages.areas import area_name, areas
from kizuna.web.pages.named import entitled, gist
from kizuna.web.pages.render import PLACES, AnyRequest, asks, language_of, page

COLUMNS = ("kind", "title", "address")
MOST = 8
"""Objects that are offered; for more there is the search."""
MORE: tuple[tuple[str, str], ...] = (
    ("/links", N_("Across regions")), ("/timeline", N_("What came in, by day")), ("/air", N_("Unmanned aircraft")),
    ("/searches", N_("Saved searches")), ("/release/rules", N_("Rules")), ("/release/consents", N_("Consents")),
    ("/settings", N_("Settings")), ("/sessions", N_("Sessions")),
)  # fmt: skip
OPERATED = (("/people", N_("People")),)
"""Pages of those who operate the node."""
PAGE, PARTNER, AREA, SEARCH = N_("Page"), N_("Partner"), N_("Area"), N_("Search")
Asked = Annotated[str | None, QueryParameter(name="q", max_length=200, description="A few words.")]


class Place(NamedTuple):
    """Somewhere to go. `title` is of ours where `data` is not set."""

    kind: str
    title: str
    address: str
    data: bool = False
    label: Label | None = None


@list_at("/find")
def find(request: AnyRequest, words: Asked = None) -> Response[bytes]:
    """Where a few words lead; without words, the pages."""
    caller = asks(request)
    store, language = of(request).store, language_of(request, caller)
    view, asked = store.view(caller.principal), (words or "").strip()

    def found() -> list[Place]:
        return [*_pages(caller, asked, language), *(_named(store, view, asked, language) if asked else ())]

    def rows() -> Listing:
        return Listing(COLUMNS, [(one.kind, one.title, one.address) for one in found()])

    def shown() -> Response[bytes]:
        reached = found()
        labels = [one.label for one in reached if one.label is not None]
        others = {form: address(f"/find.{form}", {"q": asked}) for form in ("json", "csv")}
        return page(request, "find.html", caller=caller, shown=labels, reached=reached, asked=asked, others=others)

    return listed(request, rows, shown)


def _pages(caller: Caller, asked: str, language: Language) -> Iterator[Place]:
    operated = OPERATED if caller.may("operate") else ()
    for path, title in (*((path, title) for _, path, title in PLACES), *MORE, *operated):
        if _says(language(title), asked):
            yield Place(language(PAGE), language(title), path)


def _named(store: Store, view: View, asked: str, language: Language) -> Iterator[Place]:
    if type_of(asked) is not None and (stored := view.get(asked)) is not None:
        yield from _objects(view, [stored], language)
        return
    for partner in store.partners():
        if _says(partner.name, asked) or _says(partner.organisation, asked):
            yield Place(language(PARTNER), partner.name, f"/partners/{quote(partner.name, safe='')}", data=True)
    for area in areas():
        name = area_name(area.area, language)
        if name and _says(name, asked):
            yield Place(language(AREA), name, address("/objects", {"area": area.area}))
    seen = [*view.search(value=asked, limit=MOST).items, *view.search(asked, limit=MOST).items]
    yield from _objects(view, list({one.id: one for one in seen}.values())[:MOST], language)
    yield Place(language(SEARCH), asked, address("/objects", {"q": asked}), data=True)


def _objects(view: View, found: list[Stored], language: Language) -> Iterator[Place]:
    read = [gist(stored.raw) for stored in found]
    others = entitled(view, read)
    for stored, data in zip(found, read, strict=True):
        name = shortened(title_of(data, others) or stored.id, 160)
        yield Place(type_name(stored.type, language), name, f"/objects/{stored.id}", data=True, label=stored.label)


def _says(text: str, asked: str) -> bool:
    return asked.casefold() in text.casefold()


__all__ = ["find"]
