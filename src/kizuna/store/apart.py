"""Reading and checking in processes of their own while this one writes: every core works on one large import.

The children never touch the database: they are given the definitions they may need, and send prepared parts.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO

from kizuna.stix import Share
from kizuna.store.parts import Inbox, Part, Parts, answer, pipe

Prepare = Callable[[Share], Iterator[Part]]
"""Prepares a share of a source."""

READERS = 2
"""One process writes faster than one reads, and slower than two do."""

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_NICE = 5  # who writes goes first: readers take what is left, which is all while it waits for them


def available() -> bool:
    """Whether this machine can and should work in several processes."""
    return hasattr(os, "fork") and len(os.sched_getaffinity(0)) > 1


@contextmanager
def prepared_apart(prepare: Prepare, readers: int = 1) -> Iterator[Parts]:
    """What `prepare` makes of the shares of one source, each made in a forked child."""
    with ExitStack() as ended:  # each of them, whatever goes wrong with another
        children = []
        for number in range(readers):
            children.append(child := _Child(prepare, Share(number, of=readers)))
            ended.callback(child.end)
        for child in children:
            child.inbox.listen()
        yield Parts([child.inbox for child in children])


class _Child:
    """One reading process."""

    def __init__(self, prepare: Prepare, share: Share) -> None:
        reading, writing = pipe()
        parent = os.getpid()
        try:
            self._pid = os.fork()
        except OSError:
            reading.close()
            writing.close()
            raise
        if self._pid == 0:
            end_with(parent)
            reading.close()
            _serve(prepare, share, writing)
        writing.close()
        self.inbox = Inbox(reading)

    def end(self) -> None:
        """End the child, wherever it is."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        self.inbox.close()


def end_with(parent: int) -> None:
    """End when the parent is killed, at once and not only when there is something to send (Linux alone can)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it was killed before this was said
            os._exit(1)


def _serve(prepare: Prepare, share: Share, writing: BinaryIO) -> None:
    """The child: send its parts, then end without any of the parent's clean-up."""
    status = 0
    os.nice(_NICE)
    try:
        with writing:
            answer(writing, prepare(share))
    except BrokenPipeError:
        status = 1  # the parent gave up first
    finally:
        os._exit(status)
