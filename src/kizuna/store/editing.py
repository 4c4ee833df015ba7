"""New versions of one's own objects, by people who see all of what they change: once, and only of the version they began from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kizuna.store.store import Store

Json = dict[str, Any]


def unversionable(store: Store, data: Json, *, own: bool) -> str | None:
    """Why nobody here makes a new version of an object, as a code; None where somebody may. `own` is whether it came in here first."""
    if not own:
        return "foreign"
    if data.get("created_by_ref") not in (None, store.settings.identity):
        return "maker"
    if "modified" not in data:
        return "unversioned"
    return "revoked" if data.get("revoked") is True else None
