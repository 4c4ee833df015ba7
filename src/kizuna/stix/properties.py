"""The words in which the specification's tables are written down: kinds of value, properties, object types."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """What a property's value may be; each subclass is one data type of section 2."""


class Text(Kind, frozen=True):
    """Any string."""


class Boolean(Kind, frozen=True):
    """True or false."""


class Integer(Kind, frozen=True):
    """An integer, within bounds where given."""

    low: int | None = None
    high: int | None = None


class Float(Kind, frozen=True):
    """A finite number, within bounds where given."""

    low: float | None = None
    high: float | None = None


class Timestamp(Kind, frozen=True):
    """A timestamp; `precision` is free, `milliseconds` (at least) or `seconds` (exactly)."""

    precision: str = "free"


class Ref(Kind, frozen=True):
    """An identifier of an object of an allowed type, or of any type that is not denied."""

    allowed: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()


class ListOf(Kind, frozen=True):
    """A non-empty list."""

    item: Kind


class Dictionary(Kind, frozen=True):
    """A non-empty dictionary of anything; its keys should be lowercase, unless they are others' names."""

    lowercase: bool = True


class Hashes(Kind, frozen=True):
    """A dictionary from hash algorithm to hash."""


class Hex(Kind, frozen=True):
    """Hexadecimal digits."""


class Binary(Kind, frozen=True):
    """Base64."""


class Url(Kind, frozen=True):
    """An RFC 3986 URL."""


class Language(Kind, frozen=True):
    """An RFC 5646 language tag."""


class Open(Kind, frozen=True):
    """A value of an open vocabulary."""

    vocabulary: str


class Enum(Kind, frozen=True):
    """A value of an enumeration."""

    vocabulary: str


class Special(Kind, frozen=True):
    """A value with a form of its own; the name is looked up among the checkers in `values`."""

    name: str


class Extensions(Kind, frozen=True):
    """The extensions of an object; `predefined` are those the specification gives to this type."""

    predefined: frozenset[str] = frozenset()


class Struct(Kind, frozen=True):
    """An embedded object with a table of its own, kept by name in `STRUCTS`."""

    name: str


class Table(msgspec.Struct, frozen=True):
    """The properties of one type of object, and the rules that bind several of them together."""

    section: str
    properties: Mapping[str, Kind]
    required: frozenset[str] = frozenset()
    rules: tuple[str, ...] = ()
    at_least_one: tuple[str, ...] = ()


TEXT = Text()
BOOLEAN = Boolean()
TIMESTAMP = Timestamp()
TEXTS = ListOf(TEXT)
INTEGER = Integer()
NATURAL = Integer(0)
HASHES = Hashes()
HEX = Hex()
URL = Url()


def ref(*types: str) -> Ref:
    """A reference to one of these types."""
    return Ref(allowed=frozenset(types))


def refs(*types: str) -> ListOf:
    """A list of references to these types."""
    return ListOf(ref(*types))


def table(
    section: str,
    properties: Mapping[str, Kind],
    *,
    required: str = "",
    rules: str = "",
    at_least_one: str = "",
) -> Table:
    """A table; names are given as words separated by spaces."""
    return Table(section, properties, frozenset(required.split()), tuple(rules.split()), tuple(at_least_one.split()))
