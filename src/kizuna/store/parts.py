"""Prepared parts of a source on their way from the process that reads and checks them to the one that writes.

Messages go through a pipe, with a thread that only moves bytes, so that the reader need not wait while the other writes.
"""

from __future__ import annotations

import fcntl
import io
import os
import pickle
import struct
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import repeat
from math import inf
from queue import Empty
from typing import Any, BinaryIO, Protocol, cast

import msgspec

from kizuna.errors import InvalidInput, KizunaError
from kizuna.labels import Label
from kizuna.store.extract import Extract
from kizuna.store.prepare import Prepared, Refused

Batch = list[Prepared | Refused]
Part = tuple[Batch, bool]
"""Entries in the source's order, and whether they end a block."""

MOST = 10_000
"""Entries of one transaction, or a few more: large ones write the pages of the indexes less often."""

PATIENCE = 0.1
"""Seconds that a transaction, which keeps every other writer out, waits for its next part."""

_MOST_BYTES = 32 << 20
_LENGTH = struct.Struct("<Q")
_PIPE_BYTES = 1 << 20
_REFUSED = 5  # fields of what does not come in
_WAITING_BYTES = 8 << 20  # held of each pipe, and one message at least
_LABELS = 4_000  # of those the other end is told once; beyond it they are numbered anew


class Gone(InvalidInput):
    """The process that reads ended in the middle."""


class Reader(Protocol):
    """Whoever prepares some blocks of a source."""

    def take(self, patience: float | None) -> Part | None:
        """The next part, None behind the last. Raises what went wrong there, and Empty when none comes in time."""


class Parts:
    """The parts of one source in its order: its blocks were dealt to readers in turn.

    What goes wrong with a reader is raised by `more`, when all before it has been given.
    """

    def __init__(self, readers: Sequence[Reader]) -> None:
        self._readers = readers
        self._turn = 0
        self._next: Batch | None = None
        self._failure: Exception | None = None
        self._ended = False

    def more(self) -> bool:
        """Wait for the next part; whether there is one."""
        self._take(None)
        if self._next is None and self._failure is not None:
            raise self._failure
        return self._next is not None

    def ready(self) -> Iterator[Batch]:
        """The parts of one transaction: as many as belong together, while each comes soon after the one before."""
        count = size = 0
        while self._next is not None:
            part, self._next = self._next, None
            yield part
            count += len(part)
            size += sum(len(entry.raw) for entry in part)
            if count >= MOST or size >= _MOST_BYTES:
                return
            self._take(PATIENCE)

    def _take(self, patience: float | None) -> None:
        while self._next is None and not self._ended:
            try:
                part = self._readers[self._turn].take(patience)
            except Empty:
                return
            except (KizunaError, OSError) as error:
                self._ended, self._failure = True, error
                return
            if part is None:
                self._ended = True
                return
            batch, ends_block = part
            if ends_block:
                self._turn = (self._turn + 1) % len(self._readers)
            self._next = batch or None


class Here:
    """A reader that is this process itself: what it prepared beforehand."""

    def __init__(self, parts: Iterator[Part]) -> None:
        self._parts = iter(list(parts))

    def take(self, _patience: float | None) -> Part | None:
        """The next part."""
        return next(self._parts, None)


class _Failed(msgspec.Struct):
    error: Exception


class Inbox:
    """The receiving end of a pipe. The other end is our own child: its pickles are as trustworthy as this process."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._messages = _Messages()
        self._thread = threading.Thread(target=self._listen, name="inbox", daemon=True)
        self._labels: list[Label] = []
        self.ended = False

    def listen(self) -> None:
        """Begin to empty the pipe; only when every child is forked, for threads and forks do not mix."""
        self._thread.start()

    def take(self, patience: float | None) -> Part | None:
        """The next part, as a Reader gives it."""
        data = self._messages.get(patience)
        if data is None:
            raise Gone("the reading process ended early (out of memory?); what was acknowledged is stored")
        message: Any = pickle.loads(data)  # noqa: S301
        if isinstance(message, _Failed):
            self.ended = True
            raise message.error
        if message is None:
            self.ended = True
            return None
        known, labels, entries, ends_block = message
        self._labels[known:] = labels
        return _unpacked(self._labels, entries), ends_block

    def close(self) -> None:
        """Let go of the pipe, when its other end is closed."""
        self._messages.unwanted()
        if self._thread.is_alive():  # and not one that never began
            self._thread.join()
        self._pipe.close()

    def _listen(self) -> None:
        while (data := receive(self._pipe)) is not None:
            self._messages.put(data)
        self._messages.put(None)


class _Messages:
    """A queue of messages that is full by their bytes: parts of small objects are many, those of large ones few."""

    def __init__(self) -> None:
        self._waiting: deque[bytes | None] = deque()
        self._size = 0
        self._most: float = _WAITING_BYTES
        self._changed = threading.Condition()

    def put(self, data: bytes | None) -> None:
        """Add a message when there is room for it, or None behind the last."""
        with self._changed:
            size = len(data or b"")
            self._changed.wait_for(lambda: not self._size or self._size + size <= self._most)
            self._waiting.append(data)
            self._size += size
            self._changed.notify_all()

    def get(self, patience: float | None) -> bytes | None:
        """The next message; None behind the last, however often. Raises Empty when none comes in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting, patience):
                raise Empty
            if self._waiting[0] is None:
                return None
            data = self._waiting.popleft()
            self._size -= len(data or b"")
            self._changed.notify_all()
            return data

    def unwanted(self) -> None:
        """Make whoever puts wait no more."""
        with self._changed:
            self._most = inf
            self._changed.notify_all()


def pipe() -> tuple[BinaryIO, BinaryIO]:
    """The reading and the writing end of a large pipe, neither buffered."""
    reading, writing = os.pipe()
    with suppress(OSError, AttributeError):  # that it is large is only faster
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return unbuffered(reading, "r"), unbuffered(writing, "w")


def unbuffered(descriptor: int, mode: str) -> BinaryIO:
    """An end of a pipe as a file."""
    return cast("BinaryIO", io.FileIO(descriptor, mode))


def answer(pipe: BinaryIO, parts: Iterator[Part]) -> None:
    """Send parts until there are no more, or what went wrong with them."""
    packing = _Packing()
    try:
        for batch, ends_block in parts:
            send(pipe, (*packing.packed(batch), ends_block))
        send(pipe, None)
    except BrokenPipeError:
        raise  # nobody listens
    except (KizunaError, OSError) as error:
        send(pipe, _Failed(error))


def send(pipe: BinaryIO, message: object) -> None:
    """Write one message into an unbuffered pipe."""
    text = io.BytesIO()
    pickler = pickle.Pickler(text, protocol=5)
    pickler.fast = True  # nothing in a message refers to itself; to look for that would take half of the time
    pickler.dump(message)
    data = text.getbuffer()
    pipe.write(_LENGTH.pack(len(data)))
    while data:
        data = data[pipe.write(data) :]


def receive(pipe: BinaryIO) -> bytes | None:
    """The bytes of the next message; None when the pipe ends."""
    head = _exactly(pipe, _LENGTH.size)
    return (_exactly(pipe, _LENGTH.unpack(head)[0]) or None) if head else None


def _exactly(pipe: BinaryIO, size: int) -> bytes:
    """So many bytes; none when the pipe ends before."""
    found = bytearray(size)
    view = memoryview(found)
    done = 0
    while done < size:
        count = pipe.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            return b""
        done += count
    return found  # type: ignore[return-value]


class _Packing:
    """Puts entries as fields, since what is flat pickles several times faster, and labels as numbers: each is sent once."""

    def __init__(self) -> None:
        self._labels: list[Label] = []
        self._numbers: dict[int, int] = {}  # by identity: what is held here lives

    def packed(self, batch: Batch) -> tuple[int, list[Label], list[tuple[Any, ...]]]:
        """How many labels the other end keeps, those that come behind them, and the entries."""
        if len(self._labels) > _LABELS:
            self._labels, self._numbers = [], {}
        known = len(self._labels)
        entries = [self._fields(entry) for entry in batch]
        return known, self._labels[known:], entries

    def _fields(self, entry: Prepared | Refused) -> tuple[Any, ...]:
        if isinstance(entry, Refused):
            return entry.index, entry.id, entry.raw, entry.problems, entry.version
        rows = entry.rows
        marked = bool(rows.edges) and rows.edges[0][2] is not None  # all of them, or none
        return (
            entry.index, entry.id, entry.type, entry.version, entry.digest, entry.raw, entry.original,
            self._number(entry.label), self._number(entry.least), self._number(entry.whole), entry.area, entry.problems, entry.unstated,
            rows.edges if marked else [text for edge in rows.edges for text in edge[:2]], *rows[1:],
        )  # fmt: skip

    def _number(self, label: Label) -> int:
        found = self._numbers.get(id(label))
        if found is None:
            found = self._numbers[id(label)] = len(self._labels)
            self._labels.append(label)
        return found


def _unpacked(labels: list[Label], entries: list[tuple[Any, ...]]) -> Batch:
    return [Refused(*fields) if len(fields) == _REFUSED else _prepared(labels, fields) for fields in entries]


def _prepared(labels: list[Label], fields: tuple[Any, ...]) -> Prepared:
    (
        index,
        id,
        type,
        version,
        digest,
        raw,
        original,
        label,
        least,
        whole,
        area,
        problems,
        unstated,
        edges,
        values,
        places,
        times,
        docs,
        confidences,
    ) = fields
    if edges and isinstance(edges[0], str):
        edges = list(zip(edges[::2], edges[1::2], repeat(None)))
    rows = Extract(edges, values, places, times, docs, confidences)
    return Prepared(
        index, id, type, version, digest, raw, original, labels[label], labels[least], labels[whole], area, rows, problems,
        unstated,
    )  # fmt: skip
