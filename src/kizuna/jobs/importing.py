"""An import as a job: batch by batch, each durable; what was stored before it broke off is found again and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any

from kizuna.errors import InvalidInput, TooLarge
from kizuna.formats.stix import bring_in_text, plain
from kizuna.jobs.turn import Turn
from kizuna.labels import parse_label
from kizuna.store import Outcome, Writer
from kizuna.store.caller import Caller
from kizuna.store.told import as_told

LISTED = 1_000


def bring(turn: Turn, caller: Caller | None) -> dict[str, Any]:
    """Store the objects that the job was given; counts, and at most 1,000 of those that failed. Raises Cancelled, Lost."""
    counts = {"imported": 0, "unchanged": 0, "failed": 0}
    faults: list[dict[str, Any]] = []
    for status, fault in _told(turn, caller):
        counts[status] += 1
        if fault is not None and len(faults) < LISTED:
            faults.append(fault)
    return {**counts, "failures": faults}


def _told(turn: Turn, caller: Caller | None) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """What became of each item, as whoever asked may be told it."""
    try:
        with closing(_outcomes(turn, _writer(turn, caller))) as outcomes:
            for outcome in outcomes:
                told = outcome if caller is None else as_told(outcome, _knows(turn, caller))
                yield told.status, _fault(told) if told.status == "failed" else None
    except (InvalidInput, TooLarge) as error:
        # The rest of it cannot be read; what was acknowledged before stays.
        problem = {"path": error.path or "$", "message": error.message, "section": ""}
        yield "failed", {"item": None, "id": None, "errors": [problem]}


def _writer(turn: Turn, caller: Caller | None) -> Writer:
    store, stated = turn.store, turn.job.arguments
    label, community = stated.get("label"), store.settings.community
    joined = None if label is None else parse_label(label, originator=store.organisation, community=community)
    free = caller is None or caller.may("release")
    return store.writer(store.own_source(), label=joined, area=stated.get("area"), may_release=free)


def _outcomes(turn: Turn, writer: Writer) -> Generator[Outcome, None, None]:
    name, limits = str(turn.job.arguments.get("file") or "job"), turn.store.settings.limits
    text = plain(turn.jobs.input(turn.job), name, limits)
    turn.at(0, len(text))
    with closing(bring_in_text(writer, text, name, limits)) as outcomes:
        for outcome in outcomes:  # each comes when its batch is durable
            yield outcome
            turn.at(writer.taken)


def _knows(turn: Turn, caller: Caller) -> Callable[[str], bool]:
    view = turn.store.view(caller.principal)
    return lambda id: view.get(id) is not None


def _fault(outcome: Outcome) -> dict[str, Any]:
    errors = [
        {"path": problem.path, "message": problem.message, "section": problem.section}
        for problem in outcome.problems
        if problem.severity == "error"
    ]
    return {"item": outcome.index, "id": outcome.id, "errors": errors}
