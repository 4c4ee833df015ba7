"""Finding the marking definitions of a container before its objects are read: bundles often state them last."""

from __future__ import annotations

from typing import Any

import msgspec

_NEEDLE = b'"marking-definition"'
_AT_ONCE = 256


class _Container(msgspec.Struct):
    objects: list[msgspec.Raw] = []


_containers = msgspec.json.Decoder(_Container | list[msgspec.Raw])
_objects = msgspec.json.Decoder(dict[str, Any])
_ERRORS = (msgspec.MsgspecError, UnicodeError, RecursionError)


def marking_definitions(raw: bytes) -> list[dict[str, Any]] | None:
    """The marking definitions in a bundle, envelope or list; None when it cannot be read as a whole."""
    left = raw.count(_NEEDLE)
    if not left:
        return []
    try:
        container = _containers.decode(raw)
    except _ERRORS:
        return None
    objects = container if isinstance(container, list) else container.objects
    found = []
    # Many are looked through at once: one by one that takes longer than to decode the container. No JSON has a zero byte.
    for start in range(0, len(objects), _AT_ONCE):
        some = objects[start : start + _AT_ONCE]
        here = b"\0".join(some).count(_NEEDLE)
        if here:
            found += [data for one in some if (data := _definition(bytes(one))) is not None]
        left -= here
        if not left:
            break
    return found


def _definition(text: bytes) -> dict[str, Any] | None:
    if _NEEDLE not in text:
        return None
    try:
        data = _objects.decode(text)
    except _ERRORS:
        return None
    return data if data.get("type") == "marking-definition" and isinstance(data.get("id"), str) else None
