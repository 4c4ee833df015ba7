"""Text for the search index, in every language: one pure cutting of words, used for what is stored and what is asked.

NFKC and case folding; Han, kana and Hangul, which have no spaces between words, are cut into single characters *and*
overlapping pairs, so that queries of one, two and more characters find. The index itself is FTS5 with unicode61.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

# Han with extensions and compatibility, hiragana, katakana with phonetic extensions, bopomofo, Hangul and jamo.
_CJK = (
    "\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3040-\u30ff\u3100-\u318f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_CJK}]+")
_TOKEN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
# Accents of Latin and Greek letters, and the vowel signs of Arabic and Hebrew, are often left out; Cyrillic й and ї never.
_ACCENTS = re.compile("([a-zα-ω])[\u0300-\u036f]+")
_VOWELS = re.compile("[\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
_SKIPPED = frozenset(
    {
        "id",
        "type",
        "spec_version",
        "created",
        "modified",
        "extension_type",
        "object_marking_refs",
        "granular_markings",
        "lang",
    }
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
MAX_QUERY = 1_000


def fold(text: str) -> str:
    """One spelling for what people write differently: width, case, accents; both Turkish i become i, ß becomes ss."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).replace("İ", "i").replace("ı", "i").casefold()
    # Taken apart, accents can be dropped; composing again restores Hangul syllables and kana with their sound marks.
    return unicodedata.normalize("NFKC", _VOWELS.sub("", _ACCENTS.sub(r"\1", unicodedata.normalize("NFD", folded))))


def index_text(text: str) -> str:
    """Words as the index keeps them, separated by spaces."""
    if text.isascii():
        return text  # the index's own tokeniser lowers ASCII and cuts it at what is no letter or digit
    folded = fold(text)
    if _RUN.search(folded) is None:
        return folded
    return _RUN.sub(lambda run: f" {' '.join(_pieces(run[0]))} ", folded)


def _pieces(run: str) -> Iterator[str]:
    """Characters and pairs in reading order: a, ab, b, bc, c."""
    for i, character in enumerate(run):
        yield character
        if i + 1 < len(run):
            yield run[i : i + 2]


def query(text: str, *, prefix: bool = False) -> str | None:
    """The FTS5 expression for all words of a query, always quoted; None when it holds no word.

    A run of CJK characters must stand together: it is a phrase of its pieces. With `prefix` the last word may go on.
    """
    tokens = _TOKEN.findall(fold(text[:MAX_QUERY]))
    if not tokens:
        return None
    words = []
    for token in tokens:
        pieces = list(_pieces(token)) if _RUN.match(token) else [token]
        words.append('"' + " ".join(pieces) + '"')
    if prefix and not _RUN.match(tokens[-1]):
        words[-1] += "*"
    return " ".join(words)


def texts(data: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, text) of everything a person might look for in an object: strings at any depth but ids, references and times."""
    found: list[tuple[str, str]] = []
    for key, value in data.items():
        if key in _SKIPPED or key.endswith(("_ref", "_refs")):
            continue
        if type(value) is str:
            if not _TIME.fullmatch(value):
                found.append((key, value))
        elif value.__class__ in (list, dict):
            _deep(value, key, found)
        elif type(value) is int:
            found.append((key, str(value)))
    return found


def _deep(value: Any, path: str, found: list[tuple[str, str]]) -> None:
    members = value.items() if type(value) is dict else enumerate(value)
    for key, member in members:
        if type(key) is str and (key in _SKIPPED or key.endswith(("_ref", "_refs"))):
            continue
        place = f"{path}[{key}]" if type(key) is int else f"{path}.{key}"
        if type(member) is str:
            if not _TIME.fullmatch(member):
                found.append((place, member))
        elif member.__class__ in (list, dict):
            _deep(member, place, found)
        elif type(member) is int:
            found.append((place, str(member)))
