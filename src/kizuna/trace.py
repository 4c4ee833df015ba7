"""Which request something belongs to: W3C Trace Context (w3.org/TR/trace-context), taken over from who asks or begun here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import ContextVar
from random import Random
from typing import NamedTuple

# Numbers that find a line in a log: they need to differ, and open nothing to who guesses one.
_random = Random()  # noqa: S311
_PARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?")


class Trace(NamedTuple):
    """One request: the trace it is part of, its own number in it, and the caller's, None when it began here."""

    id: str
    span: str
    parent: str | None = None
    flags: str = "00"

    @property
    def header(self) -> bytes:
        """The value of `traceparent` that names this request."""
        return f"00-{self.id}-{self.span}-{self.flags}".encode()


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def begun() -> Trace:
    """A trace that begins here."""
    return Trace(f"{_random.getrandbits(128) | 1:032x}", f"{_random.getrandbits(64) | 1:016x}")


def taken(headers: Iterable[tuple[bytes, bytes]]) -> Trace:
    """The trace that a request's one `traceparent` names; a new one where there is none, several, or one that is none."""
    stated = [value for name, value in headers if name == b"traceparent"]
    match = _PARENT.fullmatch(stated[0]) if len(stated) == 1 else None
    if match is None or (match[1] == b"00" and match[5]):
        return begun()
    # Of the flags only the first bit means something to us: whether the caller keeps its spans.
    flags = f"{int(match[4], 16) & 1:02x}"
    return Trace(match[2].decode(), f"{_random.getrandbits(64) | 1:016x}", match[3].decode(), flags)


def enter(trace: Trace) -> None:
    """Let what follows in this task, and in the threads it waits for, belong to a trace."""
    _current.set(trace)


def current() -> Trace | None:
    """The trace of what is being done, None outside of requests."""
    return _current.get()
