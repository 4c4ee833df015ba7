"""What happens in a node, told to whoever listens: by kind and number, and never by what an object, a person or a secret is called.

Only `Poll` names something, the partner by its short key: that is for the node's own log and leaves it in no metric and no span.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from kizuna.trace import Trace

Level = Literal["debug", "info", "warning", "error"]
Fact = str | int | float | bool | list[str] | None
CallerKind = Literal["person", "partner", "none"]


class Request(NamedTuple):
    """A request that was answered. `route` is the pattern of its address; `status` 0 says that nobody waited for the answer.

    `size` is of the answer's body in bytes; `remote` is for the log alone, and only where the settings want it there.
    """

    method: str
    route: str
    status: int
    seconds: float
    size: int
    caller: CallerKind
    remote: str
    trace: Trace


class Batch(NamedTuple):
    """Objects of one transaction: the kind of source they came from (own, pack, partner), and what became of them."""

    source: str
    imported: int
    unchanged: int
    failed: int
    seconds: float


class Fed(NamedTuple):
    """What one transaction did to all feeds together."""

    opened: int
    ended: int


class Act(NamedTuple):
    """Something that is in the audit trail, by its kind alone."""

    act: str


class Waited(NamedTuple):
    """How long a writer waited for the one before it."""

    seconds: float


class Poll(NamedTuple):
    """A turn with one partner, whose place in the list of partners is `number`. `error` is the kind of failure, None for none.

    `reason` is a sentence of this node; what the partner itself said stays out of it. `news` is whether the turn before ended
    otherwise: a partner may be away for days.
    """

    partner: str
    number: int
    received: int
    seconds: float
    error: str | None = None
    reason: str | None = None
    news: bool = True


class Job(NamedTuple):
    """A turn of a job in a process of its own, and how it ended: done, failed, cancelled, or queued once more. `error` is a kind."""

    kind: str
    state: str
    attempt: int
    seconds: float
    error: str | None = None


class Said(NamedTuple):
    """A remark of the program itself, for the log: that it started, or what went wrong."""

    level: Level
    text: str
    facts: Mapping[str, Fact] = {}


class Told(NamedTuple):
    """An event, the microsecond in which it was over, and the request it belongs to."""

    at: int
    trace: Trace | None
    event: Event


Event = Request | Batch | Fed | Act | Waited | Poll | Job | Said
Listener = Callable[[Event], object]


def nobody(_event: Event) -> None:
    """The listener that does not listen."""
