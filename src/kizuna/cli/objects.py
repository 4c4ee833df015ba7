"""One stored object in few words, for tables and JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kizuna.store import Stored


def summary(stored: Stored) -> dict[str, Any]:
    """What a list shows of an object: ids, name, label, whose word it is."""
    import msgspec

    from kizuna.clock import to_text
    from kizuna.labels import format_label
    from kizuna.stix import name_of

    return {
        "id": stored.id,
        "type": stored.type,
        "name": name_of(msgspec.json.decode(stored.raw, type=dict[str, Any])),
        "version": None if stored.version is None else to_text(stored.version),
        "added": to_text(stored.added),
        "label": format_label(stored.label),
        "source": stored.source,
        "area": stored.area,
    }
