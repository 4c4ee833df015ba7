"""The log: a line for each request, transaction, act and poll, and for what goes wrong. Nothing in it was written by who asked.

Errors are told by their kind and by where in the code they arose, never by their message: that may quote an object.
"""

from __future__ import annotations

import logging
import traceback
from types import TracebackType

from kizuna.events import Act, Batch, Event, Fed, Poll, Request, Waited
from kizuna.observe.lines import Field, Level, Lines
from kizuna.trace import current

# Asked every few seconds by supervisors, or many at once by one page.
_QUIET = frozenset({"/healthz", "/readyz", "/static/{name}"})
SLOW_WAIT_SECONDS = 5.0
# Whose messages are sentences of a program; of others' only the kind of error is told, for they may quote anything.
_WORDED = ("kizuna", "uvicorn")
_FRAMES = 40


class Logs:
    """A listener that writes lines."""

    def __init__(self, lines: Lines, *, addresses: bool = False) -> None:
        self._lines = lines
        self._addresses = addresses

    def __call__(self, event: Event) -> None:
        """Tell of one thing that happened."""
        if isinstance(event, Request):
            self._request(event)
        elif isinstance(event, Batch):
            counts = {"imported": event.imported, "unchanged": event.unchanged, "failed": event.failed}
            self._add("info", "stored", {"source": event.source, **counts, "ms": _ms(event.seconds)})
        elif isinstance(event, Fed):
            self._add("info", "feeds", {"opened": event.opened, "ended": event.ended})
        elif isinstance(event, Act):
            self._add("info", "act", {"act": event.act})
        elif isinstance(event, Poll):
            self._poll(event)
        elif isinstance(event, Waited) and event.seconds > SLOW_WAIT_SECONDS:
            self._add("warning", "waited", {"for": "writer", "ms": _ms(event.seconds)})

    def say(self, level: Level, event: str, **facts: Field) -> None:
        """A line of the node itself: that it started, and the like."""
        self._lines.add(level, event, facts)

    def _request(self, event: Request) -> None:
        facts: dict[str, Field] = {
            "method": event.method,
            "route": event.route,
            "status": event.status,
            "ms": _ms(event.seconds),
            "bytes": event.size,
            "caller": event.caller,
            "trace_id": event.trace.id,
        }
        if self._addresses:
            facts["remote"] = event.remote
        level: Level = "error" if event.status >= 500 else "debug" if event.route in _QUIET else "info"
        self._lines.add(level, "request", facts)

    def _poll(self, event: Poll) -> None:
        facts: dict[str, Field] = {"partner": event.partner, "received": event.received, "ms": _ms(event.seconds)}
        if event.error is not None:
            level: Level = "warning" if event.news else "debug"
            self._add(level, "poll", {**facts, "error": event.error, "reason": event.reason})
        else:
            self._add("info" if event.news or event.received else "debug", "poll", facts)

    def _add(self, level: Level, event: str, facts: dict[str, Field]) -> None:
        trace = current()
        if trace is not None:
            facts["trace_id"] = trace.id
        self._lines.add(level, event, facts)


class Handler(logging.Handler):
    """Brings what Python's own logging is told, by us and by libraries, into the same lines."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of one record."""
        facts: dict[str, Field] = {"logger": record.name}
        worded = record.name.partition(".")[0] in _WORDED
        event = record.getMessage().strip().partition("\n")[0] if worded else "a library reports"
        if record.exc_info and record.exc_info[0] is not None:
            facts["error"] = record.exc_info[0].__name__
            facts["frames"] = frames(record.exc_info[2])
        trace = current()
        stated = getattr(record, "trace_id", None if trace is None else trace.id)
        if stated is not None:
            facts["trace_id"] = stated
        self._lines.add(_level(record.levelno), event, facts)


def frames(trace: TracebackType | None) -> list[str]:
    """Where in the code, outermost first: file, line and function."""
    found = traceback.extract_tb(trace)[-_FRAMES:]
    return [f"{_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in found]


def _place(file: str) -> str:
    # Where it is installed says nothing, and may name who installed it.
    for mark in ("/site-packages/", "/src/"):
        if mark in file:
            return file.rpartition(mark)[2]
    return file.rpartition("/")[2]


def _level(number: int) -> Level:
    return "error" if number >= 40 else "warning" if number >= 30 else "info" if number >= 20 else "debug"


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
