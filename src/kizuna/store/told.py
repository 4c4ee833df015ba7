"""What a writer is told of their own write: as if rows hidden from them did not exist."""

from __future__ import annotations

from collections.abc import Callable

from kizuna.store.model import Outcome

# Refusals that speak of what others brought or had destroyed, and of what was brought for the same source.
OF_OTHERS = frozenset({"foreign-version", "purged"})
OF_STORED = OF_OTHERS | {
    "duplicate-version", "looser-label", "version-id", "version-created", "version-created-by", "version-revoked", "version-modified",
}  # fmt: skip


def as_told(outcome: Outcome, knows: Callable[[str], bool], *, about: frozenset[str] = OF_STORED) -> Outcome:
    """The outcome as the writer may be told it; `knows` says whether they may see an id.

    `about` are the rules whose refusals speak of stored rows that may be hidden from them: a partner knows what it sent itself.
    """
    errors = {problem.rule for problem in outcome.problems if problem.severity == "error"}
    speaks = outcome.status == "unchanged" or (outcome.status == "failed" and bool(errors) and errors <= about)
    if not speaks or outcome.id is None or knows(outcome.id):
        return outcome
    return Outcome(outcome.index, outcome.id, "imported", version=outcome.version)


__all__ = ["OF_OTHERS", "OF_STORED", "as_told"]
