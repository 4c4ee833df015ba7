"""How long the work for one request may take: what it asks of the database ends then, wherever it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

_end: ContextVar[float | None] = ContextVar("deadline", default=None)


def begin(seconds: float) -> None:
    """From now on this task, and the threads it waits for, have so many seconds."""
    _end.set(monotonic() + seconds)


def lift() -> None:
    """What follows is finished, however long it takes: what was taken in is told of."""
    _end.set(None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is done inside has so many seconds of its own, whatever is left otherwise."""
    token = _end.set(monotonic() + seconds)
    try:
        yield
    finally:
        _end.reset(token)


def left() -> float | None:
    """Seconds that are left, below 0 when none are; None where nobody waits."""
    end = _end.get()
    return None if end is None else end - monotonic()


def passed() -> bool:
    """Whether nobody waits for the answer any more."""
    end = _end.get()
    return end is not None and monotonic() > end
