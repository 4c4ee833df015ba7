"""Which of TAXII's addresses a path is, without what stands in its places: ids tell, patterns do not."""

from __future__ import annotations

from kizuna.exchange.taxii.collections import ROOT
from kizuna.exchange.taxii.request import MOUNT

_BASE = f"/{MOUNT}/"
_BELOW = f"{_BASE}{ROOT}/collections/{{collection}}/"
_OF_COLLECTION = {
    (): _BELOW,
    ("manifest",): f"{_BELOW}manifest/",
    ("objects",): f"{_BELOW}objects/",
}
_OF_OBJECT = {(): f"{_BELOW}objects/{{id}}/", ("versions",): f"{_BELOW}objects/{{id}}/versions/"}
OTHER = f"{_BASE}other"


def route_of(path: str) -> str:
    """The pattern of a path under the mount, as the registry of exits writes it; `OTHER` for what is no resource."""
    match [part for part in path.split("/") if part][1:]:
        case []:
            return _BASE
        case [root] if root == ROOT:
            return f"{_BASE}{ROOT}/"
        case [root, "status", _] if root == ROOT:
            return f"{_BASE}{ROOT}/status/{{status}}/"
        case [root, "collections"] if root == ROOT:
            return f"{_BASE}{ROOT}/collections/"
        case [root, "collections", _, "objects", _, *rest] if root == ROOT:
            return _OF_OBJECT.get(tuple(rest), OTHER)
        case [root, "collections", _, *rest] if root == ROOT:
            return _OF_COLLECTION.get(tuple(rest), OTHER)
    return OTHER
