"""Reading and checking in processes of their own while this one writes: every core works on one large import.

The children never touch the database: they are given the definitions they may need, and send prepared blocks through
pipes. A thread for each pipe only moves bytes, so that a child need not wait while this process writes.
"""

from __future__ import annotations

import ctypes
import fcntl
import io
import os
import pickle
import signal
import struct
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from itertools import repeat
from queue import Empty, Queue
from typing import Any, BinaryIO

import msgspec

from kizuna.errors import InvalidInput, KizunaError
from kizuna.labels import Label
from kizuna.stix import BLOCK, Share
from kizuna.store.extract import Extract
from kizuna.store.prepare import Prepared, Refused

Batch = list[Prepared | Refused]
Prepare = Callable[[Share], Iterator[tuple[Batch, bool]]]
"""Prepares a share of a source: parts of its blocks in order, and whether a part ends its block."""

READERS = 2
"""One process writes faster than one reads, and slower than two do."""

_LENGTH = struct.Struct("<Q")
_BATCH_BYTES = 16 << 20
_PIPE_BYTES = 1 << 20
_REFUSED = 4  # fields of what does not come in
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_NICE = 5  # who writes goes first: readers take what is left, which is all while it waits for them
_WAITING = 8  # messages held for each child


class _Failed(msgspec.Struct):
    error: BaseException


def available() -> bool:
    """Whether this machine can and should work in several processes."""
    return hasattr(os, "fork") and len(os.sched_getaffinity(0)) > 1


def prepared_apart(prepare: Prepare, readers: int = 1, most: int = 4_000) -> Generator[Batch, None, None]:
    """What `prepare` makes of the shares of one source, in the source's order, each made in a forked child.

    Gives up to about `most` entries at once. An error there is raised here, when all before it has been given.
    """
    children = [_Child(prepare, Share(number, readers)) for number in range(readers)]
    try:
        for child in children:
            child.listen()
        turn = 0
        batch: Batch = []
        size = 0
        # Larger transactions write the pages of the indexes less often; small ones come first, so that writing begins early.
        enough = BLOCK
        while (message := children[turn].take()) is not None:
            labels, entries, ends_block = message
            batch += (part := _unpacked(labels, entries))
            size += sum(len(entry.raw) for entry in part)
            if ends_block:
                turn = (turn + 1) % readers
            if len(batch) >= enough or size >= _BATCH_BYTES:
                yield batch
                batch, size, enough = [], 0, min(2 * enough, most)
        if batch:
            yield batch
    finally:
        for child in children:
            child.end()


class _Child:
    """One reading process and the thread that empties its pipe."""

    def __init__(self, prepare: Prepare, share: Share) -> None:
        read_end, write_end = os.pipe()
        self._messages: Queue[bytes | None] = Queue(_WAITING)
        self._ended = False
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            _end_with(parent)
            os.close(read_end)
            _serve(prepare, share, write_end)
        os.close(write_end)
        with suppress(OSError, AttributeError):  # a larger pipe is only faster
            fcntl.fcntl(read_end, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._pipe = os.fdopen(read_end, "rb", buffering=0)
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def listen(self) -> None:
        """Begin to empty the pipe; only when every child is forked, for threads and forks do not mix."""
        self._thread.start()

    def take(self) -> tuple[list[Label], list[tuple[Any, ...]], bool] | None:
        """The next message, None behind the last. Raises what the child raised."""
        data = self._messages.get()
        if data is None:
            self._ended = True
            raise InvalidInput("the reading process ended early (out of memory?); what was acknowledged is stored")
        # The pipe's other end is our own child: its pickles are as trustworthy as this process.
        message: Any = pickle.loads(data)  # noqa: S301
        if isinstance(message, _Failed):
            raise message.error
        return message  # type: ignore[no-any-return]

    def end(self) -> None:
        """End the child, wherever it is, and its thread."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        while self._thread.is_alive():
            with suppress(Empty):
                self._messages.get(timeout=0.01)
        self._pipe.close()

    def _listen(self) -> None:
        while head := _exactly(self._pipe, _LENGTH.size):
            data = _exactly(self._pipe, _LENGTH.unpack(head)[0])
            if not data:
                break
            self._messages.put(data)
        self._messages.put(None)


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


def _end_with(parent: int) -> None:
    """End when the parent is killed, at once and not only when there is something to send (Linux alone can)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it was killed before this was said
            os._exit(1)


def _serve(prepare: Prepare, share: Share, write_end: int) -> None:
    """The child: send parts until there are no more, then end without any of the parent's clean-up."""
    status = 0
    os.nice(_NICE)
    try:
        with os.fdopen(write_end, "wb", buffering=0) as pipe:
            try:
                for batch, ends_block in prepare(share):
                    _send(pipe, (*_packed(batch), ends_block))
                _send(pipe, None)
            except (KizunaError, OSError) as error:
                _send(pipe, _Failed(error))
    except BrokenPipeError:
        status = 1  # the parent gave up first
    finally:
        os._exit(status)


def _send(pipe: BinaryIO, message: object) -> None:
    text = io.BytesIO()
    pickler = pickle.Pickler(text, protocol=5)
    pickler.fast = True  # nothing in a message refers to itself; to look for that would take half of the time
    pickler.dump(message)
    data = text.getbuffer()
    pipe.write(_LENGTH.pack(len(data)))
    while data:
        data = data[pipe.write(data) :]


def _packed(batch: Batch) -> tuple[list[Label], list[tuple[Any, ...]]]:
    """The labels of a batch, each once, and its entries as fields: what is flat pickles several times faster."""
    numbers: dict[int, int] = {}
    labels: list[Label] = []

    def number(label: Label) -> int:
        found = numbers.get(id(label))
        if found is None:
            found = numbers[id(label)] = len(labels)
            labels.append(label)
        return found

    entries: list[tuple[Any, ...]] = []
    for entry in batch:
        if isinstance(entry, Refused):
            entries.append((entry.index, entry.id, entry.raw, entry.problems))
            continue
        rows = entry.rows
        marked = bool(rows.edges) and rows.edges[0][2] is not None  # all of them, or none
        entries.append((
            entry.index, entry.id, entry.type, entry.version, entry.digest, entry.raw, entry.original,
            number(entry.label), number(entry.least), number(entry.whole), entry.area, entry.problems,
            rows.edges if marked else [text for edge in rows.edges for text in edge[:2]], *rows[1:],
        ))  # fmt: skip
    return labels, entries


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
        edges,
        values,
        places,
        times,
        docs,
    ) = fields
    if edges and isinstance(edges[0], str):
        edges = list(zip(edges[::2], edges[1::2], repeat(None)))
    rows = Extract(edges, values, places, times, docs)
    return Prepared(
        index, id, type, version, digest, raw, original, labels[label], labels[least], labels[whole], area, rows, problems
    )  # fmt: skip
