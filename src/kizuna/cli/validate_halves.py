"""Two processes for one large file: each checks half of its objects, and the lines come out in the order of the file.

What the halves cannot know of each other (the same id and version in both) makes the second half be done again.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from kizuna.cli.validate_lines import Lines
from kizuna.stix import Report, iter_objects, reports
from kizuna.stix.validation import Judge, identifier

_WORTH_IT = 4 << 20
_AT_MOST = 48 << 20  # two copies of the text and its parts stay well below 400 MB
_NAME_LENGTH = 8

_KEY = b'"objects"'
_FEWEST = 100


class _Container(msgspec.Struct):
    objects: list[msgspec.Raw] = []


_container = msgspec.json.Decoder(_Container).decode


class Parts(NamedTuple):
    """A container taken apart: the same container with its first object only, and all its objects."""

    container: bytes
    objects: list[bytes]


def take_apart(text: bytes) -> Parts | None:
    """The parts of a plain bundle or envelope that is worth two processes, or None."""
    if not (_WORTH_IT <= len(text) <= _AT_MOST and (os.cpu_count() or 1) > 1 and hasattr(os, "fork")):
        return None
    if text.count(_KEY) != 1:
        return None  # with one key in all of the text there is no doubt where the list of objects is
    try:
        objects = [bytes(one) for one in _container(text).objects]
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if len(objects) < _FEWEST:
        return None
    start = text.index(objects[0], text.index(_KEY))
    end = text.rindex(objects[-1]) + len(objects[-1])
    # The reader tells what is wrong with the container from this small one: everything else in it is as it came.
    return Parts(text[:start] + objects[0] + text[end:], objects)


def tell_halves(parts: Parts, lines: Lines) -> Iterator[tuple[bytes, bool]]:
    """Blocks of lines in the order of the file, each with whether all of it is valid."""
    middle = len(parts.objects) * 53 // 100  # the child starts later, and its lines travel
    first, second = parts.objects[:middle], parts.objects[middle:]
    reader, child = _start(second, middle, lines)
    judge = Judge()
    yield from _tell(first, 0, lines, judge)
    answer = _finish(reader, child)
    if answer is None or judge.versions is None or not judge.versions.isdisjoint(answer.versions):
        yield from _tell(second, middle, lines, judge)
    else:
        yield answer.lines, answer.valid
    yield from (lines(report) for report in reports(parts.container) if report.item is None)


def _tell(objects: Sequence[bytes], offset: int, lines: Lines, judge: Judge) -> Iterator[tuple[bytes, bool]]:
    for item in iter_objects(b"[%b]" % b",".join(objects)):
        index = None if item.index is None else item.index + offset
        yield lines(Report(index, identifier(item.data), judge(item)))


class _Answer(NamedTuple):
    lines: bytes
    valid: bool
    versions: array[int]


def _start(objects: Sequence[bytes], offset: int, lines: Lines) -> tuple[int, int]:
    """Begin a child process for these objects; it answers through a pipe when it is done."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        return reader, child
    code = 1
    try:
        os.close(reader)
        judge = Judge()
        told = list(_tell(objects, offset, lines, judge))
        versions = judge.versions
        if versions is not None:
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(len(versions).to_bytes(_NAME_LENGTH) + array("q", versions).tobytes())
                pipe.write(bytes([all(good for _, good in told)]) + b"".join(line for line, _ in told))
            code = 0
    finally:
        os._exit(code)  # no cleaning up of what belongs to the parent


def _finish(reader: int, child: int) -> _Answer | None:
    """What the child found, or None when it failed."""
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if status:
        return None
    end = _NAME_LENGTH * (1 + int.from_bytes(answer[:_NAME_LENGTH]))
    return _Answer(answer[end + 1 :], bool(answer[end]), array("q", answer[_NAME_LENGTH:end]))
