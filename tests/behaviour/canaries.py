"""Canaries for every property of the specification's tables, and a detector that knows them again in disguise."""

from __future__ import annotations

import base64
import copy
import hashlib
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote

from kizuna.stix import canonical, check
from kizuna.stix.checker import finish
from kizuna.stix.common import META_TABLES, STRUCTS
from kizuna.stix.found import Finder, Found
from kizuna.stix.ids import SCO_NAMESPACE, sco_id
from kizuna.stix.objects import DOMAIN, RELATIONSHIP
from kizuna.stix.observables import OBSERVABLES, PREDEFINED, SCO_STRUCTS
from kizuna.stix.properties import (
    Binary,
    Boolean,
    Dictionary,
    Enum,
    Extensions,
    Float,
    Hashes,
    Hex,
    Integer,
    Kind,
    Language,
    ListOf,
    Open,
    Ref,
    Special,
    Struct,
    Table,
    Text,
    Timestamp,
    Url,
)
from kizuna.stix.tables import compile_struct
from kizuna.stix.vocab import ENUMERATIONS
from tests.builders import CLEAR, RED
from tests.stix_examples import EXTENSION, VALID, ref

Object = dict[str, Any]
Steps = tuple[str | int, ...]

TABLES: Mapping[str, Table] = {**DOMAIN, **RELATIONSHIP, **META_TABLES, **OBSERVABLES}
STRUCTURES: Mapping[str, Table] = {**STRUCTS, **SCO_STRUCTS}
INDIVISIBLE = ("type", "spec_version", "id", "object_marking_refs", "granular_markings")

WORD = "zqcanaryqz"
_DIGITS = "c0ffee00beef"
_NUMBER = 48_213
_FRACTION = 48.213
_MOMENT = "03-14T15:09:26.535Z"
_SECOND = "03-14T15:09:26Z"
_YEARS = ("2025", "2026", "2024")  # one of them fits between the other moments of an example
_STEMS = (WORD, WORD.encode().hex(), _DIGITS, "c0ffee00-beef-4", "zqcanary", str(_FRACTION), "15:09:26", "198.51.100.213",
          "2001:db8:c0ff:ee00::213", "c0:ff:ee:00:be:ef")  # fmt: skip
_SHORTEST = 8  # of what is looked for in base64: fewer letters stand anywhere by chance
_HASH_DIGITS = {"MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-512": 128}


class Leaf(NamedTuple):
    """A property's value with a canary inside: other valid surroundings of it, the steps to it, and what it is."""

    values: tuple[Any, ...]
    steps: Steps
    canary: Any


class Placed(NamedTuple):
    """A valid object with one canary in it."""

    type: str
    property: str
    steps: Steps
    data: Object
    canary: Any

    def selectors(self) -> list[str]:
        """Everything that may be marked to hide the canary: the place itself and all around it."""
        parts = [f"[{s}]" if isinstance(s, int) else s for s in (self.property, *self.steps)]
        return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]

    def marked(self, selector: str | None) -> Object:
        """The object with exactly that selector closed to all; None closes nothing."""
        data = {k: v for k, v in self.data.items() if k not in ("object_marking_refs", "granular_markings")}
        if self.property in INDIVISIBLE and self.property in self.data:
            data[self.property] = self.data[self.property]
        marks = [*data.get("granular_markings", [])]
        if selector is not None:
            marks.append({"marking_ref": RED, "selectors": [selector]})
        data["object_marking_refs"] = data.get("object_marking_refs") or [CLEAR]
        return {**data, "granular_markings": marks} if marks else data


# Values without and with a canary, by kind


class _Made:
    """Makes canaries, no two the same where the kind leaves room for it."""

    def __init__(self) -> None:
        self.count = 0

    def word(self) -> str:
        self.count += 1
        return f"{WORD}{self.count:05d}"

    def leaves(self, kind: Kind) -> Iterator[Leaf]:
        """Every place inside of a value of this kind where a canary can be."""
        if isinstance(kind, ListOf):
            plain = _plain(kind.item)
            for leaf in self.leaves(kind.item):
                yield Leaf(tuple([plain, v, plain] for v in leaf.values), (1, *leaf.steps), leaf.canary)
        elif isinstance(kind, Struct):
            yield from self.members(STRUCTURES[kind.name])
        elif isinstance(kind, Extensions):
            yield from self.extensions(kind)
        elif isinstance(kind, Special) and kind.name in _DICTIONARIES:
            yield from _DICTIONARIES[kind.name](self.word())
        elif isinstance(kind, Dictionary):
            yield from _dictionary(self.word())
        elif isinstance(kind, Hashes):
            for name, digits in _HASH_DIGITS.items():
                value = (_DIGITS * 11)[:digits]
                yield Leaf(({"MD5": "0" * 32, "SHA-256": "0" * 64, name: value},), (name,), value)
        elif isinstance(kind, Timestamp):
            moment = _SECOND if kind.precision == "seconds" else _MOMENT
            yield Leaf(tuple(f"{year}-{moment}" for year in _YEARS), (), moment)
        else:
            value = self.scalar(kind)
            yield Leaf((value,), (), value)

    def members(self, table: Table) -> Iterator[Leaf]:
        """Every place inside of an embedded object."""
        needed, finder = [name for name in table.properties if name in table.required], compile_struct(table)
        for name, kind in table.properties.items():
            others = [o for o in table.properties if o != name]
            around = [
                {o: _plain(table.properties[o]) for o in chosen}
                for chosen in ([o for o in others if o in needed], others, *([o, *needed] for o in others))
            ]
            for leaf in self.leaves(kind):
                values = (
                    {**{o: v for o, v in some.items() if o != name}, name: v} for v in leaf.values for some in around
                )
                yield Leaf((next(v for v in values if _holds(finder, v)),), (name, *leaf.steps), leaf.canary)

    def extensions(self, kind: Extensions) -> Iterator[Leaf]:
        """The predefined extensions, and one that a definition defines."""
        for name in sorted(kind.predefined):
            for leaf in self.members(PREDEFINED[name]):
                yield Leaf(tuple({name: v} for v in leaf.values), (name, *leaf.steps), leaf.canary)
        kind_of = {"extension_type": "property-extension"}
        word, key = self.word(), f"extension-definition--{self.uuid()}"
        yield Leaf(({EXTENSION: {**kind_of, "agent": word, "rank": 1}},), (EXTENSION, "agent"), word)
        yield Leaf(({EXTENSION: {**kind_of, "rank": [1, {"deep": word}]}},), (EXTENSION, "rank", 1, "deep"), word)
        yield Leaf(({EXTENSION: {**kind_of, f"x_{word}": 1}},), (EXTENSION, f"x_{word}"), word)
        yield Leaf(({EXTENSION: {**kind_of, "rank": 1}, key: {**kind_of, "rank": 1}},), (key,), key.partition("--")[2])

    def uuid(self) -> str:
        self.count += 1
        return f"c0ffee00-beef-4bad-8bad-{self.count:012x}"

    def scalar(self, kind: Kind) -> Any:
        """One canary of a kind that has no inside; small numbers, booleans and closed lists of words cannot be told apart."""
        if isinstance(kind, Text | Open):
            return self.word()
        if isinstance(kind, Integer):
            return _NUMBER if (kind.high or _NUMBER) >= _NUMBER else kind.high
        if isinstance(kind, Float):
            return _FRACTION
        if isinstance(kind, Ref):
            return f"{_type(kind)}--{self.uuid()}"
        if isinstance(kind, Hex):
            return self.word().encode().hex()
        if isinstance(kind, Binary):
            return base64.b64encode(self.word().encode()).decode()
        if isinstance(kind, Url):
            return f"https://{self.word()}.example/"
        if isinstance(kind, Language):
            return "qaa-x-zqcanary"
        if isinstance(kind, Enum):
            return min(ENUMERATIONS[kind.vocabulary])
        if isinstance(kind, Boolean):
            return True
        assert isinstance(kind, Special), kind
        return _SCALARS[kind.name](self.word())


@cache
def _plain(kind: Kind) -> Any:
    """A value of the same kind without a canary."""
    return _without(next(_Made().leaves(kind)).values[0])


def _holds(finder: Finder, value: Any) -> bool:
    """Whether an embedded object breaks no rule."""
    found: list[Found] = []
    finder(value, found)
    return not [problem for problem in finish(found) if problem.severity == "error"]


def _type(kind: Ref) -> str:
    return (
        min(kind.allowed) if kind.allowed else next(t for t in ("file", "campaign", "sighting") if t not in kind.denied)
    )


def _without(value: Any) -> Any:
    """The same value with other words, digits and moments in the canary's place."""
    if isinstance(value, dict):
        return {_without(k): _without(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without(v) for v in value]
    if isinstance(value, str):
        for stem, other in ((WORD, "plainwords"), (WORD.encode().hex(), b"plainwords".hex()), (_DIGITS, "0" * 12),
                            ("c0ffee00-beef-4", "00000000-0000-4"), ("15:09:26", "11:22:33"), ("zqcanary", "plain"),
                            ("enFjYW5hcnlxe", "cGxhaW53b3Jkc")):  # fmt: skip
            value = value.replace(stem, other)
        return value
    return {_NUMBER: 7, _FRACTION: 7.5}.get(value, value) if value.__class__ is not bool else value


def _dictionary(word: str) -> Iterator[Leaf]:
    """A canary as a value, as a key, and deeper."""
    yield Leaf(({"first": "f", "key": word, "other": "o"},), ("key",), word)
    yield Leaf(({"first": "f", word: "v"},), (word,), word)
    yield Leaf(({"first": {"deep": ["a", {"b": word}]}},), ("first", "deep", 1, "b"), word)


def _values(*keys: str, wrap: Callable[[str], Any] = str) -> Callable[[str], Iterator[Leaf]]:
    """Dictionaries whose keys have a form of their own: a canary under the first, something else under the others."""

    def make(word: str) -> Iterator[Leaf]:
        rest = {key: _without(wrap(word)) for key in keys[1:]}
        yield Leaf(({keys[0]: wrap(word), **rest},), (keys[0],), word)

    return make


def _numbers(*keys: str) -> Callable[[str], Iterator[Leaf]]:
    return lambda _word: iter([Leaf(({keys[0]: _NUMBER, keys[1]: 1},), (keys[0],), _NUMBER)])


def _contents(word: str) -> Iterator[Leaf]:
    other = {"uk": {"name": "Банк"}}
    yield Leaf(({"de": {"name": word, "goals": ["Ziel", "Geld"]}, **other},), ("de", "name"), word)
    yield Leaf(({"de": {"name": "Bank", "goals": ["Ziel", word]}, **other},), ("de", "goals", 1), word)
    yield Leaf(({"qaa-x-zqcanary": {"name": "n"}, "uk": {"name": "Банк"}},), ("qaa-x-zqcanary",), "qaa-x-zqcanary")
    yield Leaf(({"de": {f"x_{word}": "n", "name": "m"}},), ("de", f"x_{word}"), word)


def _observed(word: str) -> Iterator[Leaf]:
    """An embedded observable with its derived id; a second one refers to it."""
    domain = _named({"type": "domain-name", "value": f"{word}.example"})
    near = _named({"type": "domain-name", "value": "a.example"})
    far = _named({"type": "network-traffic", "protocols": ["ipv6"], "dst_ref": domain["id"]})
    yield Leaf(({"0": domain, "1": far},), ("0", "value"), domain["value"])
    file = _named({"type": "file", "name": "n", "mime_type": f"application/{word}"})
    yield Leaf(({"0": near, "1": file},), ("1", "mime_type"), file["mime_type"])
    file = _named({"type": "file", "name": word, "hashes": {"MD5": "0" * 32}})
    yield Leaf(({"0": near, "1": file},), ("1", "name"), word)


def _named(observable: Object) -> Object:
    return {**observable, "id": sco_id(observable)}


_DICTIONARIES: dict[str, Callable[[str], Iterator[Leaf]]] = {
    "ipfix": _values("key", "other"),
    "exif": _values("Make", "Model"),
    "pdf-info": _values("Title", "Author"),
    "http-headers": _values("Agent", "Host", wrap=lambda word: ["first", word]),
    "email-headers": _values("Agent", "Host"),
    "socket-options": _numbers("SO_ONE", "SO_TWO"),
    "startup-info": _values("lpTitle", "lpDesktop"),
    "contents": _contents,
    "observed-objects": _observed,
}
_SCALARS: dict[str, Callable[[str], Any]] = {
    "spec-version": lambda _word: "2.1",
    "kill-chain-name": str,
    "analysis-product": str,
    "relationship-type": str,
    "country": lambda _word: "JP",
    "mime-type": lambda word: f"application/{word}",
    "artifact-mime-type": lambda word: f"application/{word}",
    "charset": lambda _word: "utf-8",
    "protocol": str,
    "registry-key": lambda word: f"HKEY_LOCAL_MACHINE\\{word}",
    "cpe": lambda word: f"cpe:2.3:a:{word}:p:1:*:*:*:*:*:*:*",
    "windows-priority": lambda word: f"{word.upper()}_CLASS",
    "property-name": str,
    "extension-type": lambda _word: "new-sdo",
    "selector": lambda _word: "name",
}
_BY_TYPE: dict[tuple[str, str], Callable[[str], Any]] = {
    ("ipv4-addr", "value"): lambda _word: "198.51.100.213",
    ("ipv6-addr", "value"): lambda _word: "2001:db8:c0ff:ee00::213",
    ("mac-addr", "value"): lambda _word: "c0:ff:ee:00:be:ef",
    ("url", "value"): lambda word: f"https://{word}.example/",
    ("domain-name", "value"): lambda word: f"{word}.example",
    ("email-addr", "value"): lambda word: f"{word}@cert.example",
    ("indicator", "pattern"): lambda word: f"[domain-name:value = '{word}.example']",
    ("indicator", "pattern_type"): lambda _word: "stix",
    ("marking-definition", "definition_type"): lambda _word: "statement",
    ("extension-definition", "version"): lambda _word: "48.213.1",
}
"""Values that rules of a type shape further than the table says."""


def placed() -> Iterator[Placed]:
    """A valid object for every property of every type, and for every place inside of it."""
    made = _Made()
    for type, table in TABLES.items():
        for name, kind in table.properties.items():
            if name in INDIVISIBLE:
                yield Placed(type, name, (), copy.deepcopy(VALID[type]), VALID[type][name])
                continue
            for leaf in _leaves_of(made, type, name, kind):
                data = _valid(type, name, leaf)
                yield Placed(type, name, leaf.steps, data, leaf.canary)


def _leaves_of(made: _Made, type: str, name: str, kind: Kind) -> Iterable[Leaf]:
    special = _BY_TYPE.get((type, name))
    if special is not None:
        value = special(made.word())
        return [Leaf((value,), (), value)]
    if (type, name) == ("marking-definition", "definition"):
        word = made.word()
        return [Leaf(({"statement": word},), ("statement",), word)]
    return made.leaves(kind)


def _valid(type: str, name: str, leaf: Leaf) -> Object:
    """The example of a type with this value, less what does not go together with it."""
    table, example = TABLES[type], VALID[type]
    needed = {k: v for k, v in example.items() if k in table.required or k in ("id", "spec_version")}
    bases = [example, needed]
    bases += [{**needed, other: example[other]} for other in example]
    bases += [{k: v for k, v in example.items() if k != other} for other in example]
    bases += [{**needed, other: not value} for other, value in needed.items() if value.__class__ is bool]
    for value in leaf.values:
        for base in bases:
            data = copy.deepcopy({**base, name: value})
            data.pop("granular_markings", None)
            if type in OBSERVABLES:
                data["id"] = sco_id(data) or ref(type)
            if not [p for p in check(data) if p.severity == "error"]:
                return data
    raise AssertionError(f"no valid {type} with {name} {leaf.steps}: {[str(p) for p in check(data)]}")


# Knowing it again


def _encoded(text: str) -> Iterator[bytes]:
    """A text raw, percent-encoded, and in base64 at each of its three alignments."""
    raw = text.encode()
    yield raw
    yield quote(text, safe="").encode()
    for form in ("%{:02X}", "%{:02x}"):
        yield "".join(form.format(octet) for octet in raw).encode()
    for shift in range(3 if len(raw) >= _SHORTEST else 0):
        padded = b"\0" * shift + raw
        # The first and last letters also hold bits of the neighbours.
        whole = padded[: len(padded) // 3 * 3]
        letters = base64.b64encode(whole)[(0, 2, 3)[shift] :]
        yield letters
        yield letters.translate(bytes.maketrans(b"+/", b"-_"))


def derived(names: Iterable[str], canary: Any) -> set[bytes]:
    """What may be computed from a canary: UUIDv5 of it and of a property of these names, SHA-256 in hexadecimal and base64."""
    text = canary if isinstance(canary, str) else str(canary)
    sources = [text.encode(), *(canonical({name: canary}) for name in names)]
    found = {str(uuid.UUID(bytes=_uuid5(name))).encode() for name in sources}
    digest = hashlib.sha256(text.encode()).digest()
    encoded = base64.b64encode(digest).rstrip(b"=")
    return found | {digest.hex().encode(), encoded, encoded.translate(bytes.maketrans(b"+/", b"-_"))}


def _uuid5(name: bytes) -> bytes:
    octets = bytearray(hashlib.sha1(SCO_NAMESPACE.bytes + name, usedforsecurity=False).digest()[:16])
    octets[6] = octets[6] & 0x0F | 0x50
    octets[8] = octets[8] & 0x3F | 0x80
    return bytes(octets)


def _signs(stems: Iterable[str]) -> bytes:
    return b"|".join(re.escape(form) for stem in stems for form in sorted(set(_encoded(stem))))


_ANY = re.compile(_signs(_STEMS) + rf"|(?<![0-9a-f-]){_NUMBER}(?![0-9a-f-])".encode(), re.IGNORECASE)
_WORDS = re.compile(_signs(_STEMS[:5]), re.IGNORECASE)


def sings(output: bytes, forms: Iterable[bytes] = ()) -> bytes | None:
    """The first sign of any canary in what somebody was given; None when it is silent."""
    match = _ANY.search(output)
    if match is not None:
        return match[0]
    return next((form for form in forms if form in output), None)


def sings_in_words(output: bytes) -> bytes | None:
    """The first sign of a canary that is a word or an id: where clocks and counts are told, a number may be there by chance."""
    match = _WORDS.search(output)
    return None if match is None else match[0]


def can_sing(canary: Any) -> bool:
    """Whether the canary differs from everything else in an object, so that finding it means something."""
    return _ANY.search(str(canary).encode()) is not None


def forms_of(one: Placed) -> set[bytes]:
    """The exact and derived forms of one canary, with the id an observable has because of it."""
    found = derived([one.property, *(step for step in one.steps if isinstance(step, str))], one.canary)
    if can_sing(one.canary):
        found |= set(_encoded(str(one.canary)))
    made = sco_id(one.data)
    if made is not None and made != sco_id({k: v for k, v in one.data.items() if k != one.property}):
        found.add(made.encode()[-36:])
    if (one.type, one.property) == ("observed-data", "objects"):
        embedded = one.data["objects"][one.steps[0]]
        if sco_id(embedded) != sco_id({k: v for k, v in embedded.items() if k != one.steps[1]}):
            found.add(embedded["id"].encode()[-36:])
    return found
