"""What became of a POST (section 4.3): kept a day, and shown to nobody but who sent it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from kizuna.clock import from_text, to_text
from kizuna.errors import NotFound
from kizuna.exchange.taxii.media import version_text
from kizuna.stix import Item
from kizuna.store import Outcome, Store
from kizuna.store.caller import Caller


class Statuses:
    """Statuses of one node."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, resource: dict[str, Any], caller: Caller) -> None:
        """Keep a status for its sender."""
        self._store.put_status(str(resource["id"]), f"{caller.kind}:{caller.name}", msgspec.json.encode(resource))

    def get(self, id: str, caller: Caller) -> dict[str, Any]:
        """A status of one's own. Raises NotFound."""
        found = self._store.status_of(id, f"{caller.kind}:{caller.name}")
        if found is None:
            raise NotFound("no such status")
        resource: dict[str, Any] = msgspec.json.decode(found)
        return resource


def status_resource(items: Sequence[Item], outcomes: Iterable[Outcome], now: int) -> dict[str, Any]:
    """The complete status of a POST: every object, stored or why not."""
    versions = {item.index: _version(item, now) for item in items}
    successes, failures = [], []
    for outcome in outcomes:
        entry = {
            "id": outcome.id or f"item {outcome.index}",
            "version": versions.get(outcome.index, version_text(None, now)),
        }
        if outcome.status == "failed":
            failures.append(entry | {"message": _why(outcome)})
        else:
            successes.append(entry)
    return {
        "id": str(uuid.uuid4()),
        "status": "complete",
        "request_timestamp": to_text(now),
        "total_count": len(successes) + len(failures),
        "success_count": len(successes),
        "successes": successes,
        "failure_count": len(failures),
        "failures": failures,
        "pending_count": 0,
        "pendings": [],
    }


def _version(item: Item, now: int) -> str:
    data = item.data or {}
    stated = data.get("modified") or data.get("created")
    try:
        return version_text(from_text(stated), now) if isinstance(stated, str) else version_text(None, now)
    except ValueError:
        return version_text(None, now)


def _why(outcome: Outcome) -> str:
    return "; ".join(f"{problem.path}: {problem.message}" for problem in outcome.problems[:20]) or "refused"
