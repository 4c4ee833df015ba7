"""Finding the marking definitions of a container before its objects are read: bundles often state them last."""

from __future__ import annotations

from typing import Any

import msgspec

_NEEDLE = b'"marking-definition"'


class _Container(msgspec.Struct):
    objects: list[msgspec.Raw] = []


_containers = msgspec.json.Decoder(_Container | list[msgspec.Raw])
_objects = msgspec.json.Decoder(dict[str, Any])
_ERRORS = (msgspec.MsgspecError, UnicodeError, RecursionError)


def marking_definitions(raw: bytes) -> list[dict[str, Any]] | None:
    """The marking definitions in a bundle, envelope or list; None when it cannot be read as a whole."""
    if raw.find(_NEEDLE) < 0:
        return []
    try:
        container = _containers.decode(raw)
    except _ERRORS:
        return None
    found = []
    for one in container if isinstance(container, list) else container.objects:
        text = bytes(one)
        if _NEEDLE in text:
            try:
                data = _objects.decode(text)
            except _ERRORS:
                continue
            if data.get("type") == "marking-definition" and isinstance(data.get("id"), str):
                found.append(data)
    return found
