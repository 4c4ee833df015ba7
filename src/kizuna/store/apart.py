"""Reading and checking in a process of their own while this one writes: two cores for one large import.

The child never touches the database: it is given the definitions it may need, and sends prepared batches through a pipe.
"""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import msgspec

from kizuna.errors import InvalidInput, KizunaError
from kizuna.store.extract import Extract
from kizuna.store.prepare import Prepared, Refused

Batch = list[Prepared | Refused]
Prepare = Callable[[], Iterator[Batch]]
_LENGTH = struct.Struct("<Q")


class _Failed(msgspec.Struct):
    error: BaseException


def available() -> bool:
    """Whether this machine can and should work in two processes."""
    return hasattr(os, "fork") and (os.cpu_count() or 1) > 1


def prepared_apart(prepare: Prepare) -> Iterator[Batch]:
    """The batches that `prepare` makes, made in a forked child. An error there is raised here."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _serve(prepare, write_end)
    os.close(write_end)
    try:
        with os.fdopen(read_end, "rb", buffering=1 << 20) as pipe:
            yield from _batches(pipe)
    finally:
        os.waitpid(child, 0)


def _serve(prepare: Prepare, write_end: int) -> None:
    """The child: send batches until there are no more, then end without any of the parent's clean-up."""
    status = 0
    try:
        with os.fdopen(write_end, "wb", buffering=1 << 20) as pipe:
            try:
                for batch in prepare():
                    _send(pipe, [_plain(entry) for entry in batch])
                _send(pipe, None)
            except (KizunaError, OSError) as error:
                _send(pipe, _Failed(error))
    except BrokenPipeError:
        status = 1  # the parent gave up first
    finally:
        os._exit(status)


def _send(pipe: BinaryIO, message: object) -> None:
    data = pickle.dumps(message, protocol=5)
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)


def _batches(pipe: BinaryIO) -> Iterator[Batch]:
    while True:
        head = pipe.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            raise InvalidInput("the reading process ended early (out of memory?); what was acknowledged is stored")
        # The pipe's other end is our own child: its pickles are as trustworthy as this process.
        message: Any = pickle.loads(pipe.read(_LENGTH.unpack(head)[0]))  # noqa: S301
        if message is None:
            return
        if isinstance(message, _Failed):
            raise message.error
        yield [_struct(fields) for fields in message]


def _plain(entry: Prepared | Refused) -> tuple[Any, ...]:
    """Fields only: structs pickle five times slower than tuples. Labels are shared, so they pickle once a batch."""
    if isinstance(entry, Refused):
        return entry.index, entry.id, entry.raw, entry.problems
    return (
        entry.index, entry.id, entry.type, entry.version, entry.digest, entry.raw, entry.original, entry.label, entry.whole,
        entry.area, tuple(entry.rows), entry.problems,
    )  # fmt: skip


def _struct(fields: tuple[Any, ...]) -> Prepared | Refused:
    if len(fields) == 4:
        return Refused(*fields)
    index, id, type, version, digest, raw, original, label, whole, area, rows, problems = fields
    return Prepared(index, id, type, version, digest, raw, original, label, whole, area, Extract._make(rows), problems)
