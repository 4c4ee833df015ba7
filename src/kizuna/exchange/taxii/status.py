"""What became of a POST (section 4.3): kept a day, and shown to nobody but who sent it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

import msgspec

from kizuna.clock import to_text
from kizuna.errors import NotFound
from kizuna.exchange.taxii.media import version_text
from kizuna.settings import MiB
from kizuna.store import Outcome, Store
from kizuna.store.caller import Caller

# Of successes and of failures each: nobody reads more, and it is kept a day, however small what it tells of was.
LISTED_BYTES = MiB
_SHOWN_ID = 200
_SHOWN_WHY = 2_000


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


def status_resource(outcomes: Iterable[Outcome], now: int) -> dict[str, Any]:
    """Tell of every object that is taken in whether it is stored or why not.

    The counts are complete; of successes and of failures as many are listed, from the first, as one MiB holds each.
    """
    stored, failed = _Listed(), _Listed()
    for outcome in outcomes:
        version = version_text(outcome.version, now)
        entry = {"id": (outcome.id or f"item {outcome.index}")[:_SHOWN_ID], "version": version}
        if outcome.status == "failed":
            failed.add(entry | {"message": _why(outcome)})
        else:
            stored.add(entry)
    return {
        "id": str(uuid.uuid4()),
        "status": "complete",
        "request_timestamp": to_text(now),
        "total_count": stored.count + failed.count,
        "success_count": stored.count,
        "successes": stored.entries,
        "failure_count": failed.count,
        "failures": failed.entries,
        "pending_count": 0,
        "pendings": [],
    }


class _Listed:
    """What is counted, and the first of it."""

    def __init__(self) -> None:
        self.count = 0
        self.entries: list[dict[str, str]] = []
        self._size = 0

    def add(self, entry: dict[str, str]) -> None:
        """Count one, and keep it while there is room; nothing is kept behind the first that found none."""
        self.count += 1
        if self._size <= LISTED_BYTES:
            self._size += len(msgspec.json.encode(entry)) + 1
            if self._size <= LISTED_BYTES:
                self.entries.append(entry)


def _why(outcome: Outcome) -> str:
    said = "; ".join(f"{problem.path}: {problem.message}" for problem in outcome.problems[:20])
    return said[:_SHOWN_WHY] or "refused"
