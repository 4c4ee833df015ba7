"""Cutting the objects out of a container without decoding it, in bounded memory and whatever is wrong with it.

Two ways. A *window* guesses where an object ends and lets the decoder prove the guess: text that is a valid list up to
there was cut rightly (some 3 GB/s). Where no guess can be proven, objects are *measured* one by one: strings are
skipped and brackets counted (some 100 MB/s). When brackets do not match, it goes on at the next text that looks like
the beginning of a STIX object and is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

import msgspec

from .i_json import fault
from .problem import Problem

WINDOW = 1 << 20
"""Bytes that are cut at once; also the least that is read at once."""

_SHOWN = 4096
_TRIES = 4
# Enough for accidents, and a bound on what a hostile source can cost: places looked at to go on behind one broken
# object, bytes looked at again in all, brackets counted in one object, and in all that is thrown away.
_WAYS_ON = 64
_SECOND_LOOKS = 64 << 20
_BRACKETS = 2_000_000
_SKIPPED_BRACKETS = 1_000_000

_list_of = msgspec.json.Decoder(list[msgspec.Raw]).decode
_raw = msgspec.json.Decoder(msgspec.Raw).decode
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_ERRORS = (msgspec.MsgspecError, UnicodeError, RecursionError)

_SPACE = re.compile(rb"[ \t\r\n]*+")
# `|(?!)` ends each possessive group: before Python 3.11.5 such a group kept what a failed last turn had read (gh-106052).
_INSIDE = rb'[^"\\]*+(?:\\.[^"\\]*+|(?!))*+'
_TO_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"%b"[^"{}\[\]]*+|(?!))*+' % _INSIDE, re.DOTALL)
_STRING = re.compile(rb'"%b"' % _INSIDE, re.DOTALL)
_IN_STRING = re.compile(_INSIDE, re.DOTALL)
_SCALAR = re.compile(rb'[^ \t\r\n,\[\]{}"]++')
_SEPARATOR = re.compile(rb'[ \t\r\n]*+,[ \t\r\n]*+\{[ \t\r\n]*+"')
_BEGINNING = re.compile(
    rb',[ \t\r\n]*+(?=\{[ \t\r\n]*+"(?:type|id|spec_version|created|modified|name|created_by_ref)"[ \t\r\n]*+:)'
)
OBJECTS = re.compile(rb'"objects"[ \t\r\n]*+:[ \t\r\n]*+\[')

_OPENING = b"{["
_CLOSES = {ord("{"): ord("}"), ord("["): ord("]")}
_COMMA, _BEGIN_OBJECT, _END_LIST, _QUOTE = b',{]"'


class Fault(NamedTuple):
    """A place in a container where no good object is: what it holds (its beginning, when it is long) and why."""

    raw: bytes
    problem: Problem


Piece = list[bytes] | Fault
"""Some objects as received, or what is wrong."""


class Text:
    """A source from its beginning to its end; `data` is the part in memory, all before `position` is done with."""

    def __init__(self, data: bytes, read: Callable[[int], bytes] | None = None) -> None:
        self.data = data
        self.position = 0
        self._offset = 0
        self._read = read

    def more(self) -> bool:
        """Forget what is done with and read on; False at the end. Doubles what it holds, so looking again is cheap."""
        if self._read is None:
            return False
        chunk = self._read(max(WINDOW, len(self.data) - self.position))
        if not chunk:
            self._read = None
            return False
        self._offset += self.position
        self.data = self.data[self.position :] + chunk
        self.position = 0
        return True

    def is_whole(self) -> bool:
        """Whether all of the source is in memory."""
        return self._read is None

    def hold(self, size: int) -> None:
        """Have so many bytes from the position on, or all there are."""
        while len(self.data) - self.position < size and self.more():
            pass

    def place(self, index: int | None = None) -> int:
        """How many bytes of the source come before an index of `data`, or before the position."""
        return self._offset + (self.position if index is None else index)

    def peek(self) -> int:
        """The next byte that is no space, now at the position; -1 at the end."""
        while True:
            self.position = _SPACE.match(self.data, self.position).end()  # type: ignore[union-attr]
            if self.position < len(self.data):
                return self.data[self.position]
            if not self.more():
                return -1


class Scanner:
    """Reads one list of objects. `size` and `depth` bound an object; beyond them it is a fault and is left out."""

    def __init__(self, text: Text, size: int, depth: int) -> None:
        self._text = text
        self._size = size
        self._depth = depth
        self._separator = b'},{"type"'
        self._careful_until = 0
        self._second_looks = _SECOND_LOOKS
        self._brackets = _SKIPPED_BRACKETS
        self._overlong = False
        self.lost = False
        """Whether the rest of the source cannot be cut any more."""

    def elements(self) -> Iterator[Piece]:
        """The elements of the list that begins before the position; ends behind its bracket."""
        text, comma, first = self._text, True, True
        while not self.lost:
            if not self._past_overlong():
                if self._brackets <= 0:
                    yield self._fault("json-too-large", "too many brackets; nothing behind them can be told apart")
                return
            byte = text.peek()
            if byte == -1:
                yield self._fault("json-truncated", "the list of objects does not end")
                self.lost = True
            elif byte == _END_LIST:
                if comma and not first:
                    yield self._fault("json-syntax", "a comma before the end of the list")
                text.position += 1
                return
            elif byte == _COMMA and not comma:
                text.position += 1
                comma = True
            elif not comma and byte != _BEGIN_OBJECT:
                yield self._resynchronise("stray", b"")
            else:
                if not comma:
                    yield self._fault("json-syntax", "a comma is missing between two objects")
                comma = first = False
                yield self._window() or self._one()

    def value(self) -> bytes | Fault:
        """The value at the position, whole; a fault leaves the position where it is, unless the value is left out."""
        text = self._text
        if text.peek() not in _OPENING:
            scalar = self._scalar()
            text.position += len(scalar or b"")
            return scalar or self._fault("json-syntax", "expected a value")
        state, length = self._measure(0)
        raw = text.data[text.position : text.position + length]
        if state == "whole":
            text.position += length
            return raw
        if state != "mismatch" and _is_sound(raw):
            return self._leave_out(state, raw)
        return Fault(raw[:_SHOWN], self._fault("json-syntax", "brackets do not match").problem)

    def recover(self, beginning: re.Pattern[bytes]) -> bool:
        """Go on behind the next match, or to the end."""
        text = self._text
        if not self._past_overlong():
            return False
        while True:
            match = beginning.search(text.data, text.position)
            if match is not None:
                text.position = match.end()
                return True
            text.position = max(text.position, len(text.data) - 64)
            if not text.more():
                text.position = len(text.data)
                return False

    # Windows

    def _window(self) -> list[bytes] | None:
        """As many objects as a proven guess gives; None where the next one has to be measured."""
        text = self._text
        if text.place() < self._careful_until:
            return None
        text.hold(WINDOW)
        data, start = text.data, text.position
        for end in self._guesses():
            try:
                found = _list_of(b"".join((b"[", memoryview(data)[start:end], b"]")))
            except _ERRORS:
                continue
            text.position = end
            return [bytes(one) for one in found]
        self._careful_until = text.place() + WINDOW
        return None

    def _guesses(self) -> Iterator[int]:
        """Where the last whole object of the window may end, likeliest first."""
        text = self._text
        data, start = text.data, text.position
        end = start + WINDOW
        if len(data) <= end:
            last = data.rfind(b"]", start)
            if last > start:
                yield last
        for separator in dict.fromkeys((self._separator, b'},{"type"', b"},")):
            last = end
            for _ in range(_TRIES):
                last = data.rfind(separator, start, last)
                if last < 0:
                    break
                yield last + 1

    # One by one

    def _one(self) -> Piece:
        text = self._text
        if text.data[text.position] not in _OPENING:
            value = self._scalar()
            if value is None or self._behind(len(value)) not in (b",", b"]", b""):
                return self._resynchronise("stray", value or b"")
            text.position += len(value)
            return [value]
        state, length = self._measure(0)
        start = text.position
        raw = text.data[start : start + length]
        if state == "whole" and (_is_json(raw) or self._goes_on_well(length)):
            self._learn(start + length)
            text.position = start + length
            return [raw]
        if state not in ("deep", "whole") and _is_sound(raw):
            return self._leave_out(state, raw)
        return self._resynchronise(state, raw)

    def _measure(self, skip: int, *, read: bool = True) -> tuple[str, int]:
        """The length of the value `skip` bytes behind the position; how it ends: whole, deep, large, mismatch or cut."""
        text = self._text
        stack = bytearray()
        index = text.position + skip
        for _ in range(_BRACKETS):
            data = text.data
            index = _TO_BRACKET.match(data, index).end()  # type: ignore[union-attr]
            length = index - text.position - skip
            if length >= self._size:
                return "large", self._size
            if index == len(data) or data[index] == _QUOTE:
                if len(data) - text.position - skip >= self._size:
                    return "large", self._size  # a string that goes on and on: `index` waits where it began
                done = index - text.position
                if not (read and text.more()):
                    return "cut", len(text.data) - text.position - skip
                index = text.position + done
                continue
            byte = data[index]
            index += 1
            if byte in _OPENING:
                stack.append(_CLOSES[byte])
                if len(stack) > self._depth:
                    return "deep", length + 1
            elif stack.pop() != byte:
                return "mismatch", length + 1
            elif not stack:
                return "whole", length + 1
        return "large", min(index - text.position - skip, self._size)

    def _scalar(self) -> bytes | None:
        """A string, number or word at the position, None when there is none."""
        text = self._text
        while True:
            begins = text.data[text.position : text.position + 1] == b'"'
            match = (_STRING if begins else _SCALAR).match(text.data, text.position)
            if match is not None and match.end() < len(text.data):
                return match[0]
            if len(text.data) - text.position > self._size:
                return None
            if not text.more():
                return None if match is None else match[0]

    def _learn(self, end: int) -> None:
        """Remember how the next object is separated from this one: so are most of the others."""
        data = self._text.data
        match = _SEPARATOR.match(data, end)
        if match is not None:
            self._separator = data[end - 1 : match.end()]

    def _behind(self, length: int) -> bytes:
        """The first byte that is no space so far behind the position; nothing at the end."""
        text = self._text
        text.hold(length + WINDOW)
        rest = _SPACE.match(text.data, text.position + length).end()  # type: ignore[union-attr]
        return text.data[rest : rest + 1]

    def _goes_on_well(self, length: int) -> bool:
        """Whether behind a broken but balanced object the list ends, or another object follows that is JSON."""
        text = self._text
        text.hold(length + self._size)
        match = _SEPARATOR.match(text.data, text.position + length)
        if match is None:
            return self._behind(length) in (b"]", b"")
        start = text.data.index(b"{", text.position + length) - text.position
        state, size = self._measure(start, read=False)
        self._second_looks -= size
        begin = text.position + start
        return state == "whole" and _is_json(text.data[begin : begin + size])

    # Ways on

    def _resynchronise(self, state: str, raw: bytes) -> Fault:
        """Take the broken object to end where something begins that is a whole STIX object."""
        text = self._text
        text.hold(self._size)
        start = text.position
        looked = start
        for match in islice(_BEGINNING.finditer(text.data, start + 1, start + self._size), _WAYS_ON):
            self._second_looks -= match.start() - looked
            looked = match.start()
            if self._second_looks < 0:
                break
            state_of_next, size = self._measure(match.end() - start, read=False)
            self._second_looks -= size
            if state_of_next == "whole" and _is_stix(text.data[match.end() : match.end() + size]):
                raw = text.data[start : match.start()]
                text.position = match.start()
                deep = f"more than {self._depth} levels {self._from(start)}"
                broken = f"broken JSON {self._from(start)}"
                return Fault(raw, fault("json-depth", deep) if state == "deep" else fault("json-syntax", broken))
        return self._leave_out(state, raw)

    def _leave_out(self, state: str, raw: bytes) -> Fault:
        """No good object begins nearby: leave this one out as far as its brackets tell, or give up."""
        text = self._text
        place = self._from(text.position)
        if state == "whole":
            text.position += len(raw)
            return Fault(raw, fault("json-syntax", f"broken JSON {place}"))
        if state in ("large", "deep"):
            self._overlong = True
            rule = "json-too-large" if state == "large" else "json-depth"
            limit = f"{self._size} bytes or {_BRACKETS} brackets" if state == "large" else f"{self._depth} levels"
            return Fault(raw[:_SHOWN], fault(rule, f"more than {limit} {place}"))
        self.lost = True
        began = text.place()
        text.position += len(raw)
        if state == "cut":
            message = f"the text ends at byte {text.place()} inside of what began at byte {began}"
            return Fault(raw, fault("json-truncated", message))
        if state == "stray":
            message = f"expected ',' or ']' at byte {text.place()}; nothing behind it can be told apart"
            return Fault(raw, fault("json-syntax", message))
        message = f"brackets do not match at byte {text.place() - 1}; nothing behind it can be told apart"
        return Fault(raw, fault("json-syntax", f"{message} ({place})"))

    def _past_overlong(self) -> bool:
        """Throw away what was reported as too large or too deep; False when nothing can be told apart behind it.

        Reported first: nobody waits for its end to hear of it.
        """
        if self._overlong:
            self._overlong = False
            self.lost = not self._skip()
        return not self.lost

    def _skip(self) -> bool:
        """Throw a value away that is too large to hold; False when it does not end, or ends after too many brackets."""
        text = self._text
        open_brackets = 0
        while self._brackets > 0:
            text.position = _TO_BRACKET.match(text.data, text.position).end()  # type: ignore[union-attr]
            if text.position == len(text.data):
                if not text.more():
                    return False
                continue
            byte = text.data[text.position]
            text.position += 1
            if byte == _QUOTE:
                if not self._skip_string():
                    return False
                continue
            self._brackets -= 1
            open_brackets += 1 if byte in _OPENING else -1
            if open_brackets <= 0:
                return True
        return False

    def _skip_string(self) -> bool:
        text = self._text
        while True:
            text.position = _IN_STRING.match(text.data, text.position).end()  # type: ignore[union-attr]
            if text.data[text.position : text.position + 1] == b'"':
                text.position += 1
                return True
            if not text.more():
                return False

    def _from(self, index: int) -> str:
        return f"from byte {self._text.place(index)}"

    def _fault(self, rule: str, message: str) -> Fault:
        return Fault(b"", fault(rule, f"{message}, at byte {self._text.place()}"))


def _is_json(raw: bytes) -> bool:
    try:
        _raw(raw)
    except _ERRORS:
        return False
    return True


def _is_sound(raw: bytes) -> bool:
    """Whether a text is the beginning of something that may be JSON, as far as the decoder tells."""
    try:
        _raw(raw)
    except _ERRORS as error:
        return isinstance(error, RecursionError) or "truncated" in str(error)
    return True


def _is_stix(raw: bytes) -> bool:
    try:
        members = _object(raw)
        return b"--" in bytes(members["id"]) and bytes(members["type"]).startswith(b'"')
    except (*_ERRORS, KeyError):
        return False
