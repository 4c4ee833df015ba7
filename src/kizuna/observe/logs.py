"""The log: a line for each request, transaction, act and poll, and for what goes wrong. Nothing in it was written by who asked.

Errors are told by their kind and by where in the code they arose, never by their message: that may quote an object.
"""

from __future__ import annotations

import logging
import traceback
from types import TracebackType

from kizuna.events import Act, Batch, Fact, Fed, Job, Level, Listener, Poll, Request, Said, Told, Waited
from kizuna.observe.lines import Lines

# Asked every few seconds by supervisors, or many at once by one page.
_QUIET = frozenset({"/healthz", "/readyz", "/static/{name}"})
SLOW_WAIT_SECONDS = 5.0
# Whose messages are sentences of a program; of others' only the kind of error is told, for they may quote anything.
_WORDED = ("kizuna", "uvicorn")
_FRAMES = 40
Facts = dict[str, Fact]


class Logs:
    """A listener that writes lines."""

    def __init__(self, lines: Lines, *, addresses: bool = False) -> None:
        self._lines = lines
        self._addresses = addresses

    def __call__(self, told: Told) -> None:
        """Tell of one thing that happened."""
        level, event, facts = self._line(told)
        if told.trace is not None:
            facts.setdefault("trace_id", told.trace.id)
        self._lines.add(told.at, level, event, facts)

    def flush(self) -> None:
        """Write what was told."""
        self._lines.flush()

    def _line(self, told: Told) -> tuple[Level, str, Facts]:
        event = told.event
        match event:
            case Request():
                return self._request(event)
            case Batch():
                counts = {"imported": event.imported, "unchanged": event.unchanged, "failed": event.failed}
                return "info", "stored", {"source": event.source, **counts, "ms": _ms(event.seconds)}
            case Fed():
                return "info", "feeds", {"opened": event.opened, "ended": event.ended}
            case Act():
                return "info", "act", {"act": event.act}
            case Poll():
                return _poll(event)
            case Job():
                return _job(event)
            case Waited():
                slow = event.seconds > SLOW_WAIT_SECONDS
                return "warning" if slow else "debug", "waited", {"for": "writer", "ms": _ms(event.seconds)}
            case Said():
                return event.level, event.text, dict(event.facts)

    def _request(self, event: Request) -> tuple[Level, str, Facts]:
        facts: Facts = {
            "method": event.method,
            "route": event.route,
            "status": event.status,
            "ms": _ms(event.seconds),
            "bytes": event.size,
            "caller": event.caller,
        }
        if self._addresses:
            facts["remote"] = event.remote
        level: Level = "error" if event.status >= 500 else "debug" if event.route in _QUIET else "info"
        return level, "request", facts


def _poll(event: Poll) -> tuple[Level, str, Facts]:
    facts: Facts = {"partner": event.partner, "received": event.received, "ms": _ms(event.seconds)}
    if event.error is not None:
        return "warning" if event.news else "debug", "poll", {**facts, "error": event.error, "reason": event.reason}
    return "info" if event.news or event.received else "debug", "poll", facts


def _job(event: Job) -> tuple[Level, str, Facts]:
    facts: Facts = {"kind": event.kind, "state": event.state, "attempt": event.attempt, "ms": _ms(event.seconds)}
    return ("warning", "job", {**facts, "error": event.error}) if event.error else ("info", "job", facts)


class Handler(logging.Handler):
    """Brings what Python's own logging is told, by us and by libraries, to a listener."""

    def __init__(self, tell: Listener) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of one record."""
        facts: Facts = {"logger": record.name}
        worded = record.name.partition(".")[0] in _WORDED
        text = record.getMessage().strip().partition("\n")[0] if worded else "a library reports"
        if record.exc_info and record.exc_info[0] is not None:
            facts["error"] = record.exc_info[0].__name__
            facts["frames"] = frames(record.exc_info[2])
        if (stated := getattr(record, "trace_id", None)) is not None:
            facts["trace_id"] = str(stated)
        self._tell(Said(_level(record.levelno), text, facts))


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
