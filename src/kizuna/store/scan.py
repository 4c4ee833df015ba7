"""Whether what is withheld from somebody stands in what leaves for them: a name cut from one object, say, in the text of another.

Words are those of the search (`words.index_text`): width, case, accents and punctuation hide nothing, nor does `[.]` in an address,
nor in Japanese, Chinese and Korean spaces, dots and brackets between the parts of a name. By design these are not found: a text
inside a longer word (`Acme` in `AcmeCorp`; scripts without spaces have no longer words), a single character of such a script, and
what is spread over several properties, encoded, told in other words or as a number. A hit is for a person to judge. The text it
carries is itself withheld: for one's own people alone.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from kizuna.stix import ObservedValue, observed_values, observes
from kizuna.stix.common import EVERY_COMMON, META_TABLES, STRUCTS, TYPES
from kizuna.stix.objects import DOMAIN, RELATIONSHIP
from kizuna.stix.observables import OBSERVABLES, PREDEFINED, SCO_STRUCTS
from kizuna.stix.vocab import ENUMERATIONS, VOCABULARIES
from kizuna.store.words import index_text, is_timestamp, texts

Json = dict[str, Any]
Key = TypeVar("Key", bound=Hashable)

MOST_WORDS = 24
"""Words of a text that are looked for: what goes on otherwise after them is found, too."""
MOST_HITS = 10
"""Withheld texts that are told of one property, the first ones; each property that holds any is told."""

# Weights in thirds of a letter: four letters, three capitals or kana, two Han characters or Hangul syllables tell something.
_LETTER, _CAPITAL_OR_KANA, _SYLLABLE = 3, 4, 6
_UNSPACED = "\u0e00"
_LEAST = 12
_LEAST_SENTENCE = 72
_LEAST_SENTENCE_WORDS = 4
# A number by itself is a year, a port, a version; addresses have four parts, telephone numbers more digits.
_LEAST_DIGITS = 7
_LEAST_NUMBERS = 4


class Hit(NamedTuple):
    """Where in an object that leaves a withheld text stands: in the property itself, or in the name of its last part."""

    path: str
    text: str


_NAMING = re.compile(
    r"(?:contents\.[^.]+\.)?(?:name|value|display_name|contact_information|street_address|(?:x_\w+_)?aliases\[\d+\])"
)
_OF_OTHERS = ("external_references", "kill_chain_phases")
_COMMONPLACE = frozenset({"software", "software:cpe"})
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|[。！？\n]+")
_BRACKETED = re.compile(r"\s*(?:[(\[（][^()\[\]（）]*[)\]）]\s*)+")
_BRACKETS = re.compile(r"[()（）【】「」『』［］\[\]]")
_LEGAL_FORM = re.compile(
    r"株式会社|有限会社|合同会社|[(（][株有][)）]|㈱|㈲|주식회사|有限公司"
    r"|\b(?:incorporated|inc|corporation|corp|company|co|limited|ltd|llc|plc|gmbh|k\.k|kk|ag|sa|oy|ab)\b\.?",
    re.IGNORECASE,
)
_NAME_LIKE = re.compile(r"[A-Z0-9]")
_ADDRESS = re.compile(
    r"(?<![\w.])(?:\d{1,3}(?:\[?\.\]?\d{1,3}){3}|[0-9a-fA-F]{32,128}|[\w.+-]{1,64}@\w[\w-]{0,62}(?:\.\w[\w-]{0,62}){1,8})(?!\w)",
    re.ASCII,
)
_SCHEME = re.compile(r"\A\s*[A-Za-z][A-Za-z0-9+.-]{0,20}://")
_PUNYCODE = re.compile(r"xn--([a-z0-9-]{1,59})")


def withheld_texts(data: Json, remaining: Json | None) -> list[str]:
    """The texts of an object that do not leave with `remaining`, None when nothing does, as far as they tell something.

    Of what is withheld whole: names, addresses, observed values (not software, which everybody has) and sentences, but neither what
    it cites nor labels and codes. Of what is cut: every text that was cut and is not a whole text of what remains as well; that it
    stands inside a longer one there is a hit. Of long texts, every sentence, address and hash by itself.
    Vocabulary, names of properties, short numbers and a few letters tell nothing.
    """
    said = texts(data)
    values = observed_values(data)
    if remaining is None:
        short = [text for path, text in said if _NAMING.fullmatch(path)]
        long = [text for path, text in said if not path.startswith(_OF_OTHERS)]
        values = [one for one in values if one.kind not in _COMMONPLACE]
    else:
        stays = {tuple(_words(text)) for _, text in texts(remaining)}
        short = long = [text for _, text in said if tuple(_words(text)) not in stays]
        still = {(one.kind, one.value) for one in observed_values(remaining)}
        values = [one for one in values if (one.kind, one.value) not in still]
    found = dict.fromkeys(form for text in short for form in _names(text) if _tells(form))
    found |= dict.fromkeys(form for value in values for form in _written(value) if _tells(form))
    found |= dict.fromkeys(part for text in long for part in _sentences(text))
    return list(found)


def said_openly(data: Json, hits: Iterable[Hit]) -> set[str]:
    """Of the texts that were found in what leaves, those it is about: its whole name, or a value that it observes.

    Its own label says that these are open, whatever else they are withheld with.
    """
    said, openly = dict[str, list[bytes]](), set[str]()
    values: set[tuple[bytes, ...]] | None = None
    for hit in hits:
        words = tuple(_words(hit.text))
        if _NAMING.fullmatch(hit.path):
            said = said or {path: _words(text) for path, text in texts(data)}
            if tuple(said.get(hit.path, ())) == words:
                openly.add(hit.text)
                continue
        if values is None:
            values = {tuple(_words(form)) for value in observed_values(data) for form in _written(value)}
        if words in values:
            openly.add(hit.text)
    return openly


def _names(text: str) -> Iterator[str]:
    """A name as it stands, without what stands in brackets, and that if in another script; these also without their legal form."""
    if len(_words(text)) > MOST_WORDS:
        return
    text = _SCHEME.sub("", text).strip()
    yield text
    parts = [part.strip() for part in _BRACKETS.split(text) if part.strip()]
    for part in parts:
        # In Latin script a name has a capital or a number; what has neither is a remark, such as (fictional).
        if part is parts[0] or (
            part.isascii() != parts[0].isascii() and (not part.isascii() or _NAME_LIKE.search(part))
        ):
            yield from (part, _LEGAL_FORM.sub(" ", part).strip(" ,"))


def _sentences(text: str) -> Iterator[str]:
    """Addresses, hashes and sentences of a text; what stands in brackets alone, such as a source, is none."""
    yield from (found[0] for found in _ADDRESS.finditer(text))
    for part in _SENTENCE_END.split(_SCHEME.sub("", text)):
        words = _words(part)
        if len(words) < _LEAST_SENTENCE_WORDS or _BRACKETED.fullmatch(part):
            continue
        if _weighs(part, words, _LEAST_SENTENCE):
            yield part


def _written(value: ObservedValue, *, scheme: bool = False) -> Iterator[str]:
    """An observed value as people write it; a URL without its scheme, which may be made harmless."""
    if value.kind == "autonomous-system":
        yield from (f"AS{value.value}", f"AS {value.value}")
        return
    text = value.value if scheme else _SCHEME.sub("", value.value)
    yield text
    if "xn--" in text:
        yield _PUNYCODE.sub(_in_own_script, text)


def _in_own_script(label: re.Match[str]) -> str:
    try:
        decoded = label[1].encode("ascii").decode("punycode")
        decoded.encode()  # halves of a character are none, and nothing can store them
    except (UnicodeError, ValueError, OverflowError):
        return label[0]
    return decoded if decoded.isprintable() else label[0]


def _tells(text: str) -> bool:
    """Whether a short text says enough to be looked for."""
    words = _words(text)
    if b"".join(words).isdigit():
        return len(words) >= _LEAST_NUMBERS or sum(map(len, words)) >= _LEAST_DIGITS
    return _weighs(text, words, _LEAST) and tuple(words) not in _TRIVIAL


def _weighs(text: str, words: list[bytes], least: int) -> bool:
    """Whether a text of these words has letters enough, less characters by themselves, which are no words."""
    weight = _LETTER * len(b"".join(words)) if text.isascii() else sum(map(_weight, _letters(words)))
    return weight >= least or weight + sum(map(str.isupper, text)) * (_CAPITAL_OR_KANA - _LETTER) >= least


def _letters(words: list[bytes]) -> Iterator[str]:
    """The letters of words; those of overlapping pairs once."""
    last = ""
    for word in words:
        letters = word.decode("utf-8", "surrogatepass")
        yield from letters[1:] if len(letters) == 2 and letters[0] == last >= _UNSPACED else letters
        last = letters[-1]


def _weight(letter: str) -> int:
    if letter < _UNSPACED:
        return _LETTER
    syllable = "\u3400" <= letter <= "\u9fff" or "\uac00" <= letter <= "\ud7a3" or letter >= "\U00020000"
    return _SYLLABLE if syllable else _CAPITAL_OR_KANA


_Node = dict[bytes, Any]  # by the next word, another node, or the number of the one text that goes on so
_NONE = -1
_REMEMBERED = 10_000
_END = b""
_WALL = b"\xff"  # between two texts: no text in UTF-8 has it

# As FTS5 cuts: at everything but letters and digits; `index_text` folds what is not ASCII but for signs in texts that need it nowhere.
_CUT = bytes(ord(chr(code).lower()) if chr(code).isalnum() else 32 for code in range(128)) + bytes(range(128, 256))
_SIGNS = re.compile("[\u00a0-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u2010-\u2027\u2030-\u205e]+")
_INVISIBLE = re.compile("[\u00ad\U000e0100-\U000e01ef]")  # soft hyphens, and which variant of a character is meant
_CJK = (
    "\u1100-\u11ff\u3005-\u3007\u3041-\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u9fff"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
)
# What may stand or not between the parts of a name: spaces, line ends, dots, hyphens, brackets; not what ends a phrase.
_BETWEEN = re.compile(
    rf"(?<=[{_CJK}])(?:(?![.,:;!?、。，．：；！？｡､])[\s!-/:-@\[-`{{-~\u00a0-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf"
    r"\u2000-\u206f\u2190-\u23ff\u2500-\u2775\u3003\u3008-\u3020\u3030\u30a0\u30fb\ufe30-\ufe6f\uff01-\uff0f\uff1a-\uff20"
    rf"\uff3b-\uff40\uff5b-\uff65])++(?=[{_CJK}])"
)
_ID = re.compile(r"--[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_ID_LENGTH = 38
_ENCODED = "payload_bin"
_TABLES = {**DOMAIN, **RELATIONSHIP, **META_TABLES, **OBSERVABLES, **PREDEFINED, **STRUCTS, **SCO_STRUCTS}
_DEFINED = EVERY_COMMON.union(PREDEFINED, *(table.properties for table in _TABLES.values()))


class _Typed(msgspec.Struct, gc=False):
    type: str = ""


class Scan:
    """Looks for withheld texts. They are filed word by word, so a word of what leaves is looked at once for all that begin alike.

    Time grows with the words of both sides, at most `MOST_WORDS` steps for each word, whatever they are.
    """

    def __init__(self, withheld: Iterable[str]) -> None:
        self._texts: list[str] = []
        self._words: list[list[bytes]] = []
        self._root: _Node = {}
        self._quiet: set[str] = set()
        for text in withheld:
            if words := _words(text)[:MOST_WORDS]:
                self._file(text, words)

    def hits(self, leaving: Mapping[Key, Json]) -> dict[Key, tuple[Hit, ...]]:
        """By key, what was found in each object that leaves; what holds nothing withheld is left out."""
        return {key: hits for key, data in leaving.items() if (hits := self._hits(data))}

    def may_hold(self, raw: bytes) -> bool:
        """Whether `hits` may find anything in an object that is stored so: seldom wrong, in a tenth of the time."""
        return bool(self.holding({0: raw}))

    def holding(self, stored: Mapping[Key, bytes]) -> set[Key]:
        """Those of these stored objects in which `hits` may find anything; many cost less together.

        All that an object says stands in its bytes word by word, unless they have escapes or letters that are folded, or values are
        looked for in normal form.
        """
        plain = {key: raw for key, raw in stored.items() if self._says_plainly(raw)}
        words = b" \xff ".join([*plain.values(), b""]).translate(_CUT).split()
        common = self._root.keys() & set(words)
        keys = list(plain)
        found = {keys[number] for number in self._found(words, common)} if common else set()
        return found | (stored.keys() - plain.keys())

    @staticmethod
    def _says_plainly(raw: bytes) -> bool:
        return raw.isascii() and b"\\" not in raw and not observes(msgspec.json.decode(raw, type=_Typed).type)

    def _hits(self, data: Json) -> tuple[Hit, ...]:
        spoken = _Spoken(data, self._is_quiet)
        found = self._found(_cut(spoken.texts))
        paths = {number: spoken.path(number) for number in found}
        return tuple(dict.fromkeys(Hit(paths[number], self._texts[one]) for number in found for one in found[number]))

    def _found(self, words: list[bytes], common: Collection[bytes] = ()) -> dict[int, dict[int, None]]:
        """By the number of walls before them, the first texts that stand in words that end with a wall.

        `common` are those that texts begin with, if somebody knows.
        """
        found: dict[int, dict[int, None]] = {}
        texts, number, before, until = self._words, 0, 0, 0
        if common:
            begun = [(start, self._root[word]) for start, word in enumerate(words) if word in common]
        else:
            begun = [(start, node) for start, node in enumerate(map(self._root.get, words)) if node is not None]
        # Most go on otherwise with the next word already.
        begun = [(at, node) for at, node in begun if type(node) is int or words[at + 1] in node or _END in node]
        for start, node in begun:
            below, at = (node, start) if start >= until else (None, start)
            while below is not None:
                if type(below) is int:
                    one = below if words[start : start + len(texts[below])] == texts[below] else None
                    below = None
                else:
                    at += 1
                    one, below = below.get(_END), below.get(words[at])
                if one is None:
                    continue
                number += words[before:start].count(_WALL)
                before = start
                here = found.setdefault(number, {})
                here[one] = None
                if len(here) == MOST_HITS:
                    until = words.index(_WALL, start)
                    break
        return found

    def _is_quiet(self, name: str) -> bool:
        """Whether nothing is found in the name of a property; few names name the properties of many objects."""
        if name in self._quiet:
            return True
        if self._found(_cut((name,))):
            return False
        if len(self._quiet) < _REMEMBERED:
            self._quiet.add(name)
        return True

    def _file(self, text: str, words: list[bytes]) -> None:
        """File a text as deep as others begin alike; one that was filed before is left out."""
        node, number = self._root, len(self._texts)
        for depth, word in enumerate([*words, _END]):
            below = node.get(word)
            if below is None:
                node[word] = number
                self._texts.append(text)
                self._words.append(words)
                return
            if isinstance(below, int):
                other = self._words[below]
                if other == words:
                    return
                below = node[word] = {other[depth + 1] if depth + 1 < len(other) else _END: below}
            node = below


class _Spoken:
    """Everything in an object that is text, names of properties that are neither defined by STIX nor quiet among it.

    More than `words.texts` gives: here nothing may pass because nobody would search for it. Timestamps and UUIDs say nothing.
    """

    def __init__(self, data: Json, is_quiet: Callable[[str], bool]) -> None:
        self.texts: list[str] = []
        self._steps: list[str | int] = []
        self._first: list[int] = []  # by node, the number of its first text
        self._nodes: list[tuple[Any, int, str | int]] = [(data, _NONE, "")]  # each with the number of the node it is in
        for node, _, _ in self._nodes:  # which grows meanwhile
            self._first.append(len(self.texts))
            if type(node) is dict:
                self._read(node.items())
                for name in node:
                    if name not in _DEFINED and not is_quiet(name):
                        self._add(name, name)
            else:
                self._read(enumerate(node))
        if values := observed_values(data):
            self._first.append(len(self.texts))
            self._nodes.append((None, _NONE, ""))
            said = set(self.texts)
            for value in values:  # in normal form, which may not be as it is written
                if (text := next(_written(value, scheme=True))) not in said:
                    self._add(text, value.path)

    def _read(self, members: Iterable[tuple[str | int, Any]]) -> None:
        node = len(self._first) - 1
        for step, member in members:
            kind = type(member)
            if kind is str:
                if step != _ENCODED:
                    self._add(member, step)
            elif kind is dict or kind is list:
                self._nodes.append((member, node, step))

    def _add(self, text: str, step: str | int) -> None:
        if text[-1:] == "Z" and is_timestamp(text):
            return
        if text[-_ID_LENGTH:-36] == "--" and _ID.fullmatch(text, len(text) - _ID_LENGTH):
            text = text[:-_ID_LENGTH]  # what kind of object it names
            if text in TYPES:
                return
        if text:
            self.texts.append(text)
            self._steps.append(step)

    def path(self, number: int) -> str:
        """Where a text stands."""
        steps = [self._steps[number]]
        _, node, step = self._nodes[bisect_right(self._first, number) - 1]
        while node != _NONE:
            steps.append(step)
            _, node, step = self._nodes[node]
        return "".join(f"[{one}]" if type(one) is int else f".{one}" for one in reversed(steps)).removeprefix(".")


def _words(text: str) -> list[bytes]:
    return _cut((text,))[:-1]


def _cut(several: Iterable[str]) -> list[bytes]:
    """The words of texts as the search cuts them, a wall after each text."""
    written = [text.encode() if text.isascii() else _folded(text) for text in several]
    return b" \xff ".join([*written, b""]).translate(_CUT).split()


def _folded(text: str) -> bytes:
    text = _BETWEEN.sub("", _INVISIBLE.sub("", text))
    # Single characters, which the index has as well, come after the end of the text: a text of several words never needs them.
    body = index_text(text + "\0").rpartition("\0")[0]
    return _SIGNS.sub(" ", body).encode("utf-8", "surrogatepass")


_EVERYWHERE = (
    "mitre-attack", "TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED", "none", "other", "various", "test", "root",
    "admin", "administrator", "guest", "localhost", "127.0.0.1", "不明", "その他", "なし", "テスト",
)  # fmt: skip
_VOCABULARY = frozenset().union(*VOCABULARIES.values(), *ENUMERATIONS.values())
_TRIVIAL = frozenset(tuple(_words(word)) for word in (*TYPES, *_DEFINED, *_VOCABULARY, *_EVERYWHERE))
"""What stands everywhere: vocabulary, types, names of properties."""
