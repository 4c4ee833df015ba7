"""Objects by their IDs, to call them by their names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from kizuna.store import Query
from kizuna.store.view import View
from kizuna.web.naming import refs_in_title

Json = dict[str, Any]
MOST = 400


def named(view: View, ids: Iterable[str]) -> dict[str, Json]:
    """By ID, those of these objects of which the reader sees something; at most MOST."""
    wanted = tuple(dict.fromkeys(ids))[:MOST]
    if not wanted:
        return {}
    return {row.id: msgspec.json.decode(row.raw) for row in view.read(Query(ids=wanted), 0, MOST).rows}


def entitled(view: View, objects: Iterable[Json]) -> dict[str, Json]:
    """What the titles of these objects rest on."""
    return named(view, (ref for data in objects for ref in refs_in_title(data)))
