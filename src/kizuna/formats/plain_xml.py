"""XML without its traps: no document type, so no entities and nothing fetched; bounded in size, depth, number and length.

Comments and processing instructions say nothing. UTF-8 and UTF-16 are read, as XML 1.0 asks of every reader.
"""

from __future__ import annotations

import codecs
from collections import Counter
from xml.parsers import expat

from kizuna.errors import InvalidInput, TooLarge

SIZE = 1 << 18  # bytes
ELEMENTS = 5_000
DEPTH = 16
ATTRIBUTES = 32  # of one element
TEXT = 10_000  # characters of one text or attribute
NAME = 100  # characters

_SEPARATOR = " "  # no name has one, so what is behind the last is the local name
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DECLARED = {"utf-8": {None, "utf-8", "us-ascii"}, "utf-16": {None, "utf-16"}}


class Element:
    """An element: its namespace and name, attributes by (namespace, name), own text, children, and where it stands."""

    __slots__ = ("attributes", "children", "name", "namespace", "path", "text")

    def __init__(self, namespace: str, name: str, attributes: dict[tuple[str, str], str], path: str) -> None:
        self.namespace = namespace
        self.name = name
        self.attributes = attributes
        self.path = path
        self.text = ""
        self.children: list[Element] = []


def parse(data: bytes, *, file: str | None = None) -> Element:
    """The root of a document. Raises TooLarge, or InvalidInput naming the file and the line or element path."""
    if len(data) > SIZE:
        raise TooLarge(f"XML of more than {SIZE:,} bytes", file=file)
    encoding = "utf-16" if data.startswith(_UTF_16) else "utf-8"
    try:
        text = data.decode("utf-16" if encoding == "utf-16" else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"not {encoding.upper()}: byte {error.start}", file=file) from None
    # Before any parser sees it: what expat does with entities after a handler has refused differs by its version.
    if "<!DOCTYPE" in text:
        raise InvalidInput("has a document type; none is read, nor any entity", file=file)
    return _Builder(file, encoding).build(text.encode())


class _Builder:
    def __init__(self, file: str | None, encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        self._root: Element | None = None
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._lengths: list[int] = []
        self._siblings: list[Counter[str]] = [Counter()]
        self._count = 0

    def build(self, data: bytes) -> Element:
        parser = expat.ParserCreate("UTF-8", _SEPARATOR)
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            message = expat.ErrorString(error.code)
            raise InvalidInput(f"not XML: {message}", file=self._file, path=f"line {error.lineno}") from None
        if self._root is None:
            raise InvalidInput("not XML: no element", file=self._file)
        return self._root

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        declared = None if encoding is None else encoding.lower()
        if declared not in _DECLARED[self._encoding]:
            found = self._encoding.upper()
            raise InvalidInput(f"says it is {encoding[:NAME] if encoding else ''!r} and is {found}", file=self._file)

    def _doctype(self, *_declared: object) -> None:
        raise InvalidInput("has a document type; none is read, nor any entity", file=self._file)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, local = _split(name)
        # Names are cut in paths: they are the sender's.
        step = local[:NAME]
        self._siblings[-1][step] += 1
        nth = self._siblings[-1][step]
        above = self._open[-1].path if self._open else ""
        element = Element(
            namespace,
            local,
            {_split(key): value for key, value in attributes.items()},
            f"{above}/{step}" + (f"[{nth}]" if nth > 1 else ""),
        )
        self._count += 1
        self._bound(element)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)
        self._texts.append([])
        self._lengths.append(0)
        self._siblings.append(Counter())

    def _bound(self, element: Element) -> None:
        names = [element.name, *(name for _, name in element.attributes)]
        for wrong, what in (
            (len(self._open) >= DEPTH, f"deeper than {DEPTH} elements"),
            (self._count > ELEMENTS, f"more than {ELEMENTS:,} elements"),
            (len(element.attributes) > ATTRIBUTES, f"more than {ATTRIBUTES} attributes"),
            (max(map(len, names)) > NAME, f"a name of more than {NAME} characters"),
            (max(map(len, element.attributes.values()), default=0) > TEXT, f"more than {TEXT:,} characters"),
        ):
            if wrong:
                raise TooLarge(what, file=self._file, path=element.path)

    def _characters(self, text: str) -> None:
        self._texts[-1].append(text)
        self._lengths[-1] += len(text)
        if self._lengths[-1] > TEXT:
            raise TooLarge(f"more than {TEXT:,} characters", file=self._file, path=self._open[-1].path)

    def _end(self, _name: str) -> None:
        self._siblings.pop()
        self._lengths.pop()
        self._open.pop().text = "".join(self._texts.pop())


def _split(name: str) -> tuple[str, str]:
    namespace, _, local = name.rpartition(_SEPARATOR)
    return namespace, local
