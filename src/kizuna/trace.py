"""Which request something belongs to: W3C Trace Context (w3.org/TR/trace-context), taken over from who asks or begun here."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from contextvars import ContextVar
from random import Random

# Numbers that find a line in a log: they need to differ, and open nothing to who guesses one.
_random = Random()  # noqa: S311
_drawing = threading.Lock()
_PARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?")
_TRACE_DIGITS = 32


class Trace:
    """One request: the trace it is part of, its own number in it, and the caller's, None when it began here.

    Numbers are drawn when somebody first asks for them, which is after the answer, if at all.
    """

    __slots__ = ("_digits", "flags", "parent")

    def __init__(self, id: str | None = None, parent: str | None = None, flags: str = "00") -> None:
        self._digits = None if id is None else f"{id}{_random.getrandbits(64):016x}"
        self.parent = parent
        self.flags = flags

    @property
    def id(self) -> str:
        """The trace, 32 hexadecimal digits."""
        return self._drawn()[:_TRACE_DIGITS]

    @property
    def span(self) -> str:
        """This request within it, 16 digits."""
        return self._drawn()[_TRACE_DIGITS:]

    @property
    def header(self) -> bytes:
        """The value of `traceparent` that names this request."""
        return f"00-{self.id}-{self.span}-{self.flags}".encode()

    def _drawn(self) -> str:
        if self._digits is None:
            with _drawing:  # threads that ask at once are told the same
                if self._digits is None:
                    self._digits = f"{_random.getrandbits(192):048x}"
        return self._digits


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def taken(headers: Iterable[tuple[bytes, bytes]]) -> Trace:
    """The trace that a request's one `traceparent` names; a new one where there is none, several, or one that is none."""
    stated = None
    for name, value in headers:
        if name == b"traceparent":
            if stated is not None:
                return Trace()
            stated = value
    match = None if stated is None else _PARENT.fullmatch(stated)
    if match is None or (match[1] == b"00" and match[5]):
        return Trace()
    # Of the flags only the first bit means something to us: whether the caller keeps its spans.
    return Trace(match[2].decode(), match[3].decode(), f"{int(match[4], 16) & 1:02x}")


def enter(trace: Trace) -> None:
    """Let what follows in this task, and in the threads it waits for, belong to a trace."""
    _current.set(trace)


def current() -> Trace | None:
    """The trace of what is being done, None outside of requests."""
    return _current.get()
