"""A second process beside a server, which reads and checks most of what is large in a request while the server stores.

It comes with the first large request, is there for the next, and goes when none has come for a while. It reads the store
and never writes.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from kizuna.settings import Settings
from kizuna.stix import ReadLimits, Share
from kizuna.store.apart import available, end_with
from kizuna.store.model import Source
from kizuna.store.parts import Gone, Inbox, answer, pipe, receive, send, unbuffered

if TYPE_CHECKING:
    from kizuna.labels import Label

SIZES = range(128 << 10, 8 << 20)
"""Bytes of text: smaller ones are not worth the way, larger ones the memory of two processes."""

_ITS_SHARE = 3  # of so many blocks and one: the other process also writes
_BLOCK = 64
_IDLE_SECONDS = 60.0
_MAIN = "from kizuna.store.aside import main; main()"


class Question(msgspec.Struct, frozen=True):
    """What is to be prepared: of a text, as this source's, labelled and placed so."""

    text: bytes
    limits: ReadLimits
    source: Source
    space: str
    label: Label | None
    area: str | None
    known_problems: dict[str, str]


HERE = Share(_ITS_SHARE, of=_ITS_SHARE + 1, block=_BLOCK)
"""What is left to this process."""

_THERE = Share(0, _ITS_SHARE, of=_ITS_SHARE + 1, block=_BLOCK)
TURNS = (True,) * _ITS_SHARE + (False,)
"""Whose the blocks are, in turn: whether the other's."""


class Aside:
    """The second process of one open store; it is there or it is not, and nobody waits for it to come."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._free = threading.Lock()
        self._process: _Process | None = None
        self._not_before = 0.0

    @contextmanager
    def asked(self, question: Question) -> Iterator[Inbox]:
        """Ask, and take the answer from what is handed out. Raises Gone when nobody is there, or somebody else asks."""
        if not available() or not self._free.acquire(blocking=False):
            raise Gone("no reading process is free")
        inbox = None
        try:
            inbox = self._there().ask(question)
            yield inbox
        finally:
            if (
                inbox is not None and not inbox.ended
            ):  # of an answer that was not heard to its end the rest is in the way
                self._end()
            self._free.release()

    def close(self) -> None:
        """End it."""
        with self._free:
            self._end()

    def _there(self) -> _Process:
        if self._process is not None and self._process.has_gone():
            if not self._process.is_ready():  # it could not come, and why that is will not pass at once
                self._not_before = time.monotonic() + _IDLE_SECONDS
            self._end()
        if self._process is None:
            if time.monotonic() < self._not_before:
                raise Gone("the reading process cannot come")
            self._process = _Process(self._folder, self._settings)
        if not self._process.is_ready():
            raise Gone("the reading process is on its way")
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


class _Process:
    def __init__(self, folder: Path, settings: Settings) -> None:
        questions, self._questions = pipe()
        answers, theirs = pipe()
        with questions, theirs:
            self._child = subprocess.Popen([sys.executable, "-c", _MAIN], stdin=questions, stdout=theirs)  # noqa: S603
        self._inbox = Inbox(answers)
        self._inbox.listen()
        self._ready = False
        with suppress(BrokenPipeError):
            send(self._questions, (os.getpid(), str(folder), settings))

    def is_ready(self) -> bool:
        """Whether it has said that it has come."""
        if not self._ready:
            with suppress(Empty, Gone):
                self._ready = self._inbox.take(0.0001) is None
        return self._ready

    def has_gone(self) -> bool:
        """Whether it has ended."""
        return self._child.poll() is not None

    def ask(self, question: Question) -> Inbox:
        """Send a question. Raises Gone."""
        self._inbox.ended = False
        try:
            send(self._questions, question)
        except BrokenPipeError:
            raise Gone("the reading process has gone") from None
        return self._inbox

    def end(self) -> None:
        """End it, whatever it does."""
        self._child.kill()
        self._child.wait()
        self._questions.close()
        self._inbox.close()


def main() -> None:
    """The second process: answer questions until nobody has any."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells the whole family; the server ends this one
    questions, answers = unbuffered(0, "r"), unbuffered(1, "w")
    parent, folder, settings = _received(questions)
    end_with(parent)

    from kizuna.store.store import Store

    store = Store(Path(folder), settings, read_only=True)
    send(answers, None)
    with suppress(BrokenPipeError):
        while select.select([questions], [], [], _IDLE_SECONDS)[0]:
            question = _received(questions)
            if question is None:
                return
            writer = store.writer(
                question.source,
                space=question.space,
                label=question.label,
                area=question.area,
                known_problems=question.known_problems,
            )
            answer(answers, writer.prepared(question.text, question.limits, _THERE))


def _received(questions: BinaryIO) -> Any:
    data = receive(questions)
    return None if data is None else pickle.loads(data)  # noqa: S301
