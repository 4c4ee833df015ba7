"""Objects by their IDs, to call them by their names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from kizuna.stix import name_of
from kizuna.store import Query
from kizuna.store.view import View
from kizuna.web.naming import refs_in_title, shortened

Json = dict[str, Any]
MOST = 400
_KEPT, _LONG = (
    "type", "id", "name", "value", "relationship_type", "source_ref", "target_ref", "sighting_of_ref", "object_ref", "abstract", "content",
    "explanation", "opinion", "description",
), 4_000  # fmt: skip


def named(view: View, ids: Iterable[str]) -> dict[str, Json]:
    """By ID, the gist of those of these objects of which the reader sees something; at most MOST."""
    wanted = tuple(dict.fromkeys(ids))[:MOST]
    if not wanted:
        return {}
    return {row.id: gist(row.raw) for row in view.read(Query(ids=wanted), 0, MOST).rows}


def gist(raw: bytes) -> Json:
    """What an object is called and begins with: pages hold hundreds of them, each of up to megabytes."""
    data = msgspec.json.decode(raw)
    kept = {key: shortened(one, _LONG) for key in _KEPT if isinstance(one := data.get(key), str)}
    if data.get("type") == "language-content" and (called := name_of(data)) is not None:
        kept.setdefault("name", shortened(called, _LONG))
    return kept


def entitled(view: View, objects: Iterable[Json]) -> dict[str, Json]:
    """What the titles of these objects rest on."""
    return named(view, (ref for data in objects for ref in refs_in_title(data)))
