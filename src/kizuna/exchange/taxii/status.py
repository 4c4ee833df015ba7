"""What became of a POST (section 4.3): kept a day, and shown to nobody but who sent it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from kizuna.clock import from_text, to_text
from kizuna.errors import NotFound
from kizuna.exchange.taxii.media import version_text
from kizuna.stix import Item
from kizuna.store import Outcome, Store
from kizuna.store.caller import Caller

LISTED = 50_000
_MILLISECONDS = len("2026-11-23T09:24:00.000Z")  # the commonest form is as TAXII shows it


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


def status_resource(
    items: Iterable[Item], add: Callable[[Iterator[Item]], Iterable[Outcome]], now: int
) -> dict[str, Any]:
    """Take items in with `add`, one after the other, and tell of every object whether it is stored or why not.

    The counts are complete; of successes and of failures the first 50,000 are listed.
    """
    versions: dict[int | None, str] = {}
    counts = {"failed": 0, "stored": 0}
    listed: dict[str, list[dict[str, str]]] = {"failed": [], "stored": []}

    def noted() -> Iterator[Item]:
        for item in items:
            versions[item.index] = _version(item, now)
            yield item

    for outcome in add(noted()):
        version = versions.pop(outcome.index, None) or version_text(None, now)
        entry = {"id": outcome.id or f"item {outcome.index}", "version": version}
        which = "failed" if outcome.status == "failed" else "stored"
        counts[which] += 1
        if len(listed[which]) < LISTED:
            listed[which].append(entry | {"message": _why(outcome)} if which == "failed" else entry)
    return {
        "id": str(uuid.uuid4()),
        "status": "complete",
        "request_timestamp": to_text(now),
        "total_count": sum(counts.values()),
        "success_count": counts["stored"],
        "successes": listed["stored"],
        "failure_count": counts["failed"],
        "failures": listed["failed"],
        "pending_count": 0,
        "pendings": [],
    }


def _version(item: Item, now: int) -> str:
    data = item.data or {}
    stated = data.get("modified") or data.get("created")
    try:
        if not isinstance(stated, str):
            return version_text(None, now)
        moment = from_text(stated)
        return stated if len(stated) == _MILLISECONDS else version_text(moment, now)
    except (ValueError, OverflowError):
        return version_text(None, now)


def _why(outcome: Outcome) -> str:
    return "; ".join(f"{problem.path}: {problem.message}" for problem in outcome.problems[:20]) or "refused"
