"""Words for search in every language: one segmentation for what is indexed and for what is asked.

The index is FTS5 with `unicode61 remove_diacritics 0`: it cuts at everything but letters and digits. Before that, text
is folded here (width, case, accents), and scripts written without spaces are cut into pairs of characters. A question of
one character finds single characters, of two a pair, and longer ones a phrase of overlapping pairs.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

MAX_DEPTH = 100

MAX_QUESTION = 1000
"""Characters of a question that are looked at."""

_FOLDED_SPECIALLY = {
    "ı": "i",  # Turkish dotless i: found by either i, like İ, whose dot is a mark
    "ł": "l",
    "ø": "o",
    "đ": "d",
    "ħ": "h",
    "æ": "ae",
    "œ": "oe",
    "ё": "е",
    "ـ": "",  # Arabic tatweel only stretches a word
    "أ": "ا",
    "إ": "ا",
    "آ": "ا",
    "ٱ": "ا",
    "ى": "ي",
}
# Marks that a reader leaves out when typing: accents, Hebrew points, Arabic vowels. Marks of Indic scripts are letters to
# their readers and stay; in Thai, Lao, Burmese and Khmer FTS5 would cut at them, so there they are dropped.
_DROPPED_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0e31-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0ec8-\u0ecd"
    "\u102b-\u103e\u17b4-\u17d3\u3099\u309a\ufe00-\ufe0f\u200b-\u200f\u2060\ufeff\u00ad]"
)
_LATIN_OR_GREEK = re.compile("[a-zα-ω]")
# Scripts without spaces between words, and Hangul, whose endings stick to words: Thai, Lao, Burmese, Khmer, kana,
# bopomofo, Han.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035"
    "\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U000323af]+)"
)
# ASCII and typographic signs: FTS5 cuts at these signs by itself, so such text, the commonest by far, needs no folding.
_PLAIN = re.compile("[\x00-\x7f\u00a0-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u2010-\u2027\u2030-\u205e]*+")
# What needs folding, with what little ASCII stands between: no ASCII character changes by what comes before it.
_FOREIGN = re.compile("[^\x00-\x7f]+(?:[\x00-\x7f]{1,16}[^\x00-\x7f]+)*")
_REMEMBERED = 20_000


class _Folding(dict[int, str]):
    """What each character becomes: itself, its base letter, nothing, or a space where words end."""

    def __missing__(self, code: int) -> str:
        found = _folded(chr(code))
        if len(self) < _REMEMBERED:
            self[code] = found
        return found


def _folded(character: str) -> str:
    if character in _FOLDED_SPECIALLY:
        return _FOLDED_SPECIALLY[character]
    if _DROPPED_MARKS.match(character):
        return ""
    parts = unicodedata.normalize("NFD", character)
    if len(parts) > 1 and _LATIN_OR_GREEK.match(parts) and all(map(_DROPPED_MARKS.match, parts[1:])):
        return parts[0]
    category = unicodedata.category(character)
    return character if category[0] in "LNM" or category == "Co" else " "


_FOLDING = _Folding()


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().translate(_FOLDING)


def index_text(text: str) -> str:
    """The text to put into the index. Pairs stand where the text stood, single characters at the end."""
    if text.isascii() or _PLAIN.fullmatch(text):
        return text
    singles: dict[str, None] = {}
    parts: list[str] = []
    done = 0
    for found in _FOREIGN.finditer(text):
        start = max(found.start() - 1, done)  # the character before may carry the mark that the piece begins with
        parts += (text[done:start], _cut(text[start : found.end()], singles))
        done = found.end()
    parts.append(text[done:])
    return f"{''.join(parts)} {' '.join(singles)}" if singles else "".join(parts)


def _cut(piece: str, singles: dict[str, None]) -> str:
    """A piece folded and cut; the single characters of what is cut into pairs are added to `singles`."""
    parts = _UNSPACED.split(_fold(piece))  # other scripts, unspaced run, other scripts, …
    runs = parts[1::2]
    if not runs:
        return parts[0]
    singles |= dict.fromkeys("".join(runs))
    parts[1::2] = map(_pairs, runs)
    return " ".join(parts)


def _pairs(run: str) -> str:
    """The overlapping pairs of a run; nothing for one character, which is among the singles anyway."""
    return " ".join([run[i : i + 2] for i in range(len(run) - 1)])


def phrases(text: str) -> list[str]:
    """What an object must hold to answer a question, each a phrase of words; none when it has no letter or digit.

    What stands between spaces is found as a phrase: an address, say.
    """
    return [phrase for word in text[:MAX_QUESTION].split() for phrase in _phrases(_fold(word))]


def _phrases(word: str) -> list[str]:
    found: list[str] = []
    position = 0
    for match in _UNSPACED.finditer(word):
        found.append(_plain(word[position : match.start()]))
        found.append(match[0] if len(match[0]) < 3 else _pairs(match[0]))
        position = match.end()
    found.append(_plain(word[position:]))
    return [phrase for phrase in found if phrase]


def _plain(text: str) -> str:
    """Words of other scripts, cut where FTS5 would cut them; marks alone are no word."""
    return " ".join(word for word in text.split() if any(map(str.isalnum, word)))


# What says how an object is made and not what it says.
PLUMBING = frozenset(
    """type id spec_version created modified lang object_marking_refs granular_markings extension_type pattern_type
    pattern_version payload_bin schema definition_type""".split()  # noqa: SIM905
)
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,40}Z")


def texts(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Path and text of everything in an object that people would search for, in its order.

    Ids, references, types, timestamps, markings and encoded content are not; neither are numbers, nor what lies deeper
    than 100 levels.
    """
    found: list[tuple[str, str]] = []
    for key, value in data.items():
        if key in PLUMBING:
            continue
        if type(value) is str:
            if value and key[-4:] != "_ref" and not (value[-1] == "Z" and is_timestamp(value)):
                found.append((key, value))
        elif (type(value) is list or type(value) is dict) and key[-5:] != "_refs":
            _collect(key, value, found, MAX_DEPTH)
    return found


def _collect(path: str, value: Any, found: list[tuple[str, str]], depth: int) -> None:
    """Add the texts inside of a list or object."""
    if type(value) is list:
        for index, member in enumerate(value):
            if type(member) is str:
                if member and not (member[-1] == "Z" and is_timestamp(member)):
                    found.append((f"{path}[{index}]", member))
            elif (type(member) is dict or type(member) is list) and depth:
                _collect(f"{path}[{index}]", member, found, depth - 1)
        return
    for key, member in value.items():
        if key in PLUMBING:
            continue
        if type(member) is str:
            if member and key[-4:] != "_ref" and not (member[-1] == "Z" and is_timestamp(member)):
                found.append((f"{path}.{key}", member))
        elif depth and (type(member) is dict or type(member) is list) and key[-5:] != "_refs":
            _collect(f"{path}.{key}", member, found, depth - 1)


def is_timestamp(value: str) -> bool:
    """Whether a text is a moment, which nobody searches as words."""
    return value[10:11] == "T" and _TIMESTAMP.fullmatch(value) is not None
