"""One stored object in few words, for tables and JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kizuna.store import Stored


def summary(stored: Stored) -> dict[str, Any]:
    """What a list shows of an object: ids, name, label, whose word it is."""
    from kizuna.clock import to_text
    from kizuna.labels import format_label

    return {
        "id": stored.id,
        "type": stored.type,
        "name": name_of(stored),
        "version": None if stored.version is None else to_text(stored.version),
        "added": to_text(stored.added),
        "label": format_label(stored.label),
        "source": stored.source,
        "area": stored.area,
    }


def name_of(stored: Stored) -> str | None:
    """A name people know it by: `name`, else `value`, else the relationship's kind."""
    import msgspec

    data = msgspec.json.decode(stored.raw, type=dict[str, Any])
    named = (data.get(key) for key in ("name", "value", "opinion", "relationship_type", "path"))
    return next((text for text in named if isinstance(text, str) and text), None)
