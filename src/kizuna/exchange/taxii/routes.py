"""Which of TAXII's addresses a path is, without what stands in its places: ids tell, patterns do not."""

from __future__ import annotations

from kizuna.exchange.taxii.collections import ROOT
from kizuna.exchange.taxii.request import MOUNT

_BASE = f"/{MOUNT}/"
_ROOT = f"{_BASE}{ROOT}/"
_COLLECTION = f"{_ROOT}collections/{{collection}}/"
OTHER = f"{_BASE}other"
# By their number of pieces: the words of a resource, "" where an id or a name stands, and its pattern.
_RESOURCES: dict[int, tuple[tuple[tuple[str, ...], str], ...]] = {
    1: (((MOUNT,), _BASE),),
    2: (((MOUNT, ROOT), _ROOT),),
    3: (((MOUNT, ROOT, "collections"), f"{_ROOT}collections/"),),
    4: (
        ((MOUNT, ROOT, "collections", ""), _COLLECTION),
        ((MOUNT, ROOT, "status", ""), f"{_ROOT}status/{{status}}/"),
    ),
    5: (
        ((MOUNT, ROOT, "collections", "", "objects"), f"{_COLLECTION}objects/"),
        ((MOUNT, ROOT, "collections", "", "manifest"), f"{_COLLECTION}manifest/"),
    ),
    6: (((MOUNT, ROOT, "collections", "", "objects", ""), f"{_COLLECTION}objects/{{id}}/"),),
    7: (((MOUNT, ROOT, "collections", "", "objects", "", "versions"), f"{_COLLECTION}objects/{{id}}/versions/"),),
}


def route_of(path: str) -> str:
    """The pattern of a path under the mount, as the registry of exits writes it; `OTHER` for what is no resource."""
    pieces = [piece for piece in path.split("/") if piece]
    for words, pattern in _RESOURCES.get(len(pieces), ()):
        if all(not word or word == piece for word, piece in zip(words, pieces, strict=True)):
            return pattern
    return OTHER
