"""Finding the marking definitions of a container before its objects are read: bundles often state them last."""

from __future__ import annotations

from typing import Any

import msgspec

_NEEDLE = b'"marking-definition"'


class _Container(msgspec.Struct):
    objects: list[msgspec.Raw] = []


_containers = msgspec.json.Decoder(_Container)
_objects = msgspec.json.Decoder(dict[str, Any])


def marking_definitions(raw: bytes) -> list[dict[str, Any]]:
    """The marking definitions in a bundle or envelope; none when it cannot be read as a whole."""
    if raw.find(_NEEDLE) < 0:
        return []
    try:
        objects = _containers.decode(raw).objects
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return []
    found = []
    for one in objects:
        text = bytes(one)
        if _NEEDLE in text:
            try:
                data = _objects.decode(text)
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                continue
            if data.get("type") == "marking-definition" and isinstance(data.get("id"), str):
                found.append(data)
    return found
