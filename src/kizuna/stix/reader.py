"""Reading objects out of what was received: bundles, lists, TAXII envelopes and single objects, good and bad.

The bytes of every object are kept exactly as received. Nothing here raises for bad input: each object is an Item, and
what kept it from being decoded is among its problems.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from .i_json import Bounds, decode_all, fault
from .problem import WHOLE, Problem
from .scanner import OBJECTS, Fault, Scanner, Text

MiB = 1 << 20

Source = bytes | str | Path | BinaryIO

BLOCK = 128
"""Objects that go to one reader together where several share a source."""

_BATCH = 64
_SHOWN = 4096


class ReadLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on reading; sizes in bytes. Sources above `split_above` are read in pieces, never held as a whole."""

    object: int = 16 * MiB
    split_above: int = 64 * MiB
    depth: int = 100
    values: int = 1_000_000


class Share(msgspec.Struct, frozen=True):
    """The part of a source that is read by one of several readers: of every `of` blocks of objects `count`, from `first` on.

    A block is a multiple of 64 objects.
    """

    first: int = 0
    count: int = 1
    of: int = 1
    block: int = BLOCK

    def has(self, index: int | None) -> bool:
        """Whether the item of this index is in it; what has no index is the first reader's."""
        return self.first <= ((index or 0) // self.block) % self.of < self.first + self.count


class Container(msgspec.Struct):
    """What the objects came in. `kind` is bundle, envelope (TAXII) or list.

    `header` has the members other than `objects`; it and `problems` (repeated keys, say) are complete only when the
    last item has been taken, since members may follow the objects.
    """

    kind: str
    header: dict[str, Any]
    problems: list[Problem]


class Item(msgspec.Struct, frozen=True, gc=False):
    """One object as received: `raw` its bytes, `data` the decoded object, None when `problems` kept it from being one.

    `index` counts from 0; it is None when the source is no container at all. A place in a container where
    something is wrong that belongs to no object (it ends too early, say) is an item too. `raw` of an object above the
    limit is only its beginning. `container` is None for a single object.
    """

    index: int | None
    raw: bytes
    data: dict[str, Any] | None
    problems: tuple[Problem, ...] = ()
    container: Container | None = None


_DEFAULT = ReadLimits()
_WHOLE = Share()
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"{\0", b"[\0", b"\0{", b"\0[")
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_TYPE_BUNDLE = re.compile(rb'[^{\[]*+\{[^{}\[\]]*?"type"[ \t\r\n]*+:[ \t\r\n]*+"bundle"')
_HEADER_LOOK = 1 << 16
_HEADER_MEMBERS = 10_000


def iter_objects(
    source: Source,
    *,
    limits: ReadLimits = _DEFAULT,
    on_container: Callable[[Container], None] | None = None,
    share: Share = _WHOLE,
) -> Iterator[Item]:
    """The objects of a bundle, a JSON list, a TAXII envelope, or one object by itself. A `str` is a path.

    `on_container` is called once, behind the last item, when there was a container. Of what is not in `share` the
    objects are counted and not decoded. Raises OSError alone: when the source cannot be read.
    """
    if isinstance(source, (str, Path)):
        with open(source, "rb") as file:
            yield from iter_objects(file, limits=limits, on_container=on_container, share=share)
        return
    text = _open(source, limits)
    kind = _kind(text, limits)
    if kind is None:
        if share.has(None):
            yield _alone(text, limits)
        return
    container = Container(kind, {}, [])
    for items in _Reader(text, container, limits, share).items():
        if share.has(items[0].index):
            yield from items
    if on_container is not None:
        on_container(container)


def _open(source: bytes | BinaryIO, limits: ReadLimits) -> Text:
    if isinstance(source, bytes):
        return Text(source)
    pieces = []
    held = 0
    while held <= limits.split_above and (piece := source.read(limits.split_above + 1 - held)):
        pieces.append(piece)
        held += len(piece)
    return Text(b"".join(pieces), source.read if held > limits.split_above else None)


def _kind(text: Text, limits: ReadLimits) -> str | None:
    """Which container the text is, None when it is a single object or no JSON of ours."""
    if text.data.startswith((_BOM, *_WIDE)):
        return None
    first = text.peek()
    if first == ord("["):
        return "list"
    if first != ord("{"):
        return None
    named = "bundle" if _TYPE_BUNDLE.match(text.data, 0, _HEADER_LOOK) else "envelope"
    if not text.is_whole() or (named == "bundle" and OBJECTS.search(text.data, 0, _HEADER_LOOK)):
        return named  # one object of this size is refused anyway
    try:
        members = _members(text.data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return named if OBJECTS.search(text.data) else None
    kind = bytes(members.get("type", b""))
    if kind == b'"bundle"':
        return "bundle"
    return "envelope" if not kind and bytes(members.get("objects", b""))[:1] == b"[" else None


def _alone(text: Text, limits: ReadLimits) -> Item:
    """A source that is one object, or that cannot be read at all: then it has no index."""
    raw = text.data
    bounds = _bounds(limits)
    if raw.startswith(_WIDE):
        return Item(None, raw[:_SHOWN], None, (fault("json-encoding", "this is not UTF-8, but UTF-16 or UTF-32"),))
    index = 0 if text.peek() == ord("{") and not raw.startswith(_BOM) else None
    value, problems = decode_all([raw if index == 0 else raw[: limits.object]], bounds)[0]
    if index is None:
        expected = "expected a STIX bundle, object, list or TAXII envelope in JSON"
        problems = problems or (fault("json-syntax", f"{expected}, found another value"),)
        problems = tuple(msgspec.structs.replace(one, message=f"{expected}: {one.message}") for one in problems[:1])
        return Item(None, raw[:_SHOWN], None, problems)
    return _item(0, raw, value, problems, None)


def _item(index: int, raw: bytes, value: Any, problems: tuple[Problem, ...], container: Container | None) -> Item:
    if problems or type(value) is dict:
        return Item(index, raw, value, problems, container)
    kind = type(value).__name__ if value is not None else "null"
    wrong = Problem("not-an-object", "error", WHOLE, f"expected a STIX object, got JSON of type {kind}", "3.2")
    return Item(index, raw, None, (wrong,), container)


def _bounds(limits: ReadLimits) -> Bounds:
    return Bounds(limits.object, limits.depth, limits.values)


class _Reader:
    """Reads one container: its list of objects, and around it the header of a bundle or envelope."""

    def __init__(self, text: Text, container: Container, limits: ReadLimits, share: Share) -> None:
        self._text = text
        self._share = share
        self._container = container
        self._bounds = _bounds(limits)
        self._scanner = Scanner(text, limits.object, limits.depth)
        self._index = 0
        self._header_size = 0
        self._header_members = 0
        self._keys: set[str] = set()

    def items(self) -> Iterator[list[Item]]:
        """Every object of the share, good or bad, and every place where the container is broken; some of one block at a time."""
        opening = self._text.peek()
        self._text.position += 1
        if opening == ord("["):
            yield from self._objects()
        else:
            yield from self._members()
        if not self._scanner.lost and self._text.peek() != -1:
            yield [self._broken(f"text behind the end, at byte {self._text.place()}")]

    def _objects(self) -> Iterator[list[Item]]:
        container, bounds = self._container, self._bounds
        for piece in self._scanner.elements():
            if isinstance(piece, Fault):
                yield [Item(self._next(), piece.raw, None, (piece.problem,), container)]
                continue
            for raws in _batches(piece, self._index):
                first = self._index
                self._index += len(raws)
                if self._share.has(first):
                    pairs = zip(raws, decode_all(raws, bounds), strict=True)
                    yield [
                        Item(index, raw, value, problems, container)
                        if type(value) is dict and not problems  # by far the most, without a call
                        else _item(index, raw, value, problems, container)
                        for index, (raw, (value, problems)) in enumerate(pairs, first)
                    ]

    def _members(self) -> Iterator[list[Item]]:
        """The members of the container object. Behind a broken one it goes on at the list of objects."""
        text, comma, first = self._text, True, True
        while not self._scanner.lost:
            byte = text.peek()
            if byte == ord("}") and (first or not comma):
                text.position += 1
                return
            if byte == ord(",") and not comma:
                text.position += 1
                comma = True
                continue
            key = self._key() if byte == ord('"') and comma else None
            comma = first = False
            if key == "objects" and text.peek() == ord("["):
                self._header_members += 1
                if self._header_members > _HEADER_MEMBERS:
                    self._scanner.lost = True
                    yield [self._broken("the container's own members are too many", "json-too-large")]
                    return
                yield from self._list()
                continue
            wrong = self._value(key) if key is not None else self._broken_header(byte)
            if wrong is not None:
                yield [wrong]
                if not self._scanner.recover(OBJECTS):
                    return
                text.position -= 1
                yield from self._list()

    def _broken_header(self, byte: int) -> Item:
        rule = "json-truncated" if byte == -1 else "json-syntax"
        return self._broken(f"the container is broken at byte {self._text.place()}", rule)

    def _list(self) -> Iterator[list[Item]]:
        before = self._index
        self._note("objects")
        self._text.position += 1
        yield from self._objects()
        if self._index == before:
            self._container.header["objects"] = []

    def _key(self) -> str | None:
        """The key at the position, taken with its colon; None when there is none."""
        key = self._scanner.value()
        if isinstance(key, Fault) or self._text.peek() != ord(":"):
            return None
        self._text.position += 1
        value, problems = decode_all([key], self._bounds)[0]
        self._container.problems.extend(problems)
        return value if isinstance(value, str) else ""

    def _value(self, key: str) -> Item | None:
        """Take the value of a member; an item when it cannot be told where it ends."""
        if self._text.peek() == -1:
            return self._broken_header(-1)
        value = self._scanner.value()
        if isinstance(value, Fault):
            return Item(self._next(), value.raw, None, (value.problem,), self._container)
        self._header_size += len(value)
        self._header_members += 1
        if self._header_size > self._bounds.size or self._header_members > _HEADER_MEMBERS:
            self._scanner.lost = True
            return self._broken("the container's own members are too many or too large", "json-too-large")
        decoded, problems = decode_all([value], self._bounds)[0]
        for problem in problems:
            path = key if problem.path == WHOLE else f"{key}.{problem.path}".replace(".[", "[")
            self._container.problems.append(msgspec.structs.replace(problem, path=path))
        self._note(key)
        self._container.header[key] = decoded
        return None

    def _note(self, key: str) -> None:
        if key in self._keys:
            message = f"the key {key[:60]!r} is repeated"
            self._container.problems.append(fault("json-duplicate-key", message))
        self._keys.add(key)

    def _next(self) -> int:
        self._index += 1
        return self._index - 1

    def _broken(self, message: str, rule: str = "json-syntax") -> Item:
        return Item(self._next(), b"", None, (fault(rule, message),), self._container)


def _batches(raws: list[bytes], index: int) -> Iterator[list[bytes]]:
    """Groups small enough that a fault in one makes few others be looked at again; none crosses a block's border."""
    start = 0
    while start < len(raws):
        end = start + _BATCH - (index + start) % _BATCH
        yield raws[start:end]
        start = end
