"""Lists: one address is a page, with `.json` an object whose only list is `items`, with `.csv` one header line; all show the same rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from kizuna.web.api.answer import PRIVATE

AnyRequest = Request[Any, Any, Any]
Form = Literal["html", "json", "csv"]
Cell = str | int | None
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class Listing(msgspec.Struct, frozen=True):
    """Rows with a value for each column; `next` is the cursor of the next page, None at the end."""

    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    next: str | None = None


def list_at(path: str) -> Callable[[Callable[..., Response[bytes]]], tuple[HTTPRouteHandler, ...]]:
    """The handlers of a list at its three addresses. One handler for all of them would be wrapped anew for each by Litestar 2.25."""

    def made(handler: Callable[..., Response[bytes]]) -> tuple[HTTPRouteHandler, ...]:
        return tuple(get(f"{path}{end}", sync_to_thread=True)(handler) for end in ("", ".json", ".csv"))

    return made


def form_of(request: AnyRequest) -> Form:
    """How a list is asked for, by the end of its address."""
    path = str(request.scope["path"])
    return "json" if path.endswith(".json") else "csv" if path.endswith(".csv") else "html"


def listed(request: AnyRequest, rows: Callable[[], Listing], page: Callable[[], Response[bytes]]) -> Response[bytes]:
    """The list as it is asked for; only that form of it is made."""
    form = form_of(request)
    if form == "html":
        return page()
    listing = rows()
    data = as_json(listing) if form == "json" else as_csv(listing)
    media_type = "application/json" if form == "json" else "text/csv; charset=utf-8"
    return Response(data, media_type=media_type, headers=PRIVATE)


def as_json(listing: Listing) -> bytes:
    """An object whose only list is `items`."""
    items = [dict(zip(listing.columns, row, strict=True)) for row in listing.rows]
    return msgspec.json.encode({"items": items, "next": listing.next})


def as_csv(listing: Listing) -> bytes:
    """RFC 4180 with one header line. What a spreadsheet would take for a formula gets an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(listing.columns)
    writer.writerows([_harmless(cell) for cell in row] for row in listing.rows)
    return text.getvalue().encode()


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def address(path: str, query: Mapping[str, Any] | Sequence[tuple[str, str]] = ()) -> str:
    """A path of this node with a query; what is empty is left out."""
    pairs = list(query.items()) if isinstance(query, Mapping) else list(query)
    kept = [
        (name, one)
        for name, value in pairs
        for one in (value if isinstance(value, list | tuple) else [value])
        if one not in (None, "")
    ]
    return f"{path}?{urlencode(kept)}" if kept else path
