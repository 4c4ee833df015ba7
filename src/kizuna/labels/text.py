"""Labels as people type them: `PUBLIC`, `TLP:GREEN community=EU`, `TLP:AMBER to=JPN,NATO`, `TLP:RED persons="a,b"`, joined by ` & `.

Words are quoted as in a shell; `&` between parts stands alone. Within a word `\\,` is a comma that separates nothing, `\\=` and
`\\:` likewise, `\\\\` a backslash, a backslash before a space keeps the space, `\\e` is an empty text and `\\-` a category without
values. `!POLICY:LEVEL` is taken exactly as written, where TLP, IEP and the policies known here would not have it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

import msgspec

from kizuna.clock import to_text
from kizuna.errors import UsageError
from kizuna.labels.model import Category, Label, Part, moment
from kizuna.labels.policies import BUILTIN_POLICIES, GREEN, IEP, OWN, PUBLIC, TLP, TLP_ORDER

RELEASABLE = "Releasable To"
LIMIT = 100_000  # characters; a label that names every country and a thousand organisations has a fifth of it
_KINDS = ("permissive", "restrictive", "informative")
_EMPTY, _NO_VALUES = r"\e", r"\-"
_PIECE = re.compile(r"\\.|.", re.DOTALL)
_SEPARATORS = re.compile(r"[\\,=]")
_MICROSECONDS = re.compile(r"-?[0-9]{12,40}")


def parse_label(text: str, *, originator: str, community: str | None = None) -> Label:
    """Read the text form. `community` is what TLP:GREEN means when it names none. Raises UsageError."""
    if len(text) > LIMIT:
        raise UsageError(f"a label of more than {LIMIT:,} characters")
    parts: list[list[str]] = [[]]
    for word in _words(text):
        if word == "&":
            parts.append([])
        else:
            parts[-1].append(word)
    return Label(originator, tuple(_part(words, community) for words in parts))


def _words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace += "\u3000\u00a0"  # what Japanese and French keyboards give between words
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        return list(lexer)
    except ValueError as error:
        raise UsageError(f"label {text!r}: {error}") from None


def _part(words: list[str], community: str | None) -> Part:
    if not words:
        raise UsageError("an empty label; try PUBLIC, TLP:CLEAR, TLP:GREEN, TLP:AMBER, TLP:AMBER+STRICT or TLP:RED")
    policy, classification = _classification(words[0])
    found: dict[str, str] = {}
    categories: list[Category] = []
    for word in words[1:]:
        key, value = _pair(word)
        category = _category(key, value)
        if category is not None:
            categories.append(category)
        elif key in found:
            raise UsageError(f"label {words[0]!r}: {key} is given twice")
        else:
            found[key] = value
    stated = _single(found.pop("community", None))
    if policy in (TLP, IEP) and classification == GREEN:
        stated = stated or community
    persons = _values(found.pop("persons", ""))
    originator = _single(found.pop("originator", None))
    starts, ends = (_moment(found.pop(key, None)) for key in ("from", "until"))
    for key in found:
        raise UsageError(f"unknown key {key!r}; known: to, community, persons, originator, from, until, KIND:NAME")
    return Part(policy, classification, tuple(categories), stated, persons, originator, starts, ends)


def _pair(word: str) -> tuple[str, str]:
    key, value = _split_once(word, "=")
    if not value:
        raise UsageError(f"expected KEY=VALUE, got {word!r}")
    return key, value


def _category(key: str, value: str) -> Category | None:
    """`to=…` and `KIND:NAME=…`; None for other keys."""
    values = () if value == _NO_VALUES else _values(value)
    if key == "to":
        return Category(RELEASABLE, "permissive", values)
    kind, colon, name = key.partition(":")
    if not colon or kind not in _KINDS:
        return None
    return Category(_unescaped(_PIECE.findall(name)), kind, values)  # type: ignore[arg-type]


def _classification(word: str) -> tuple[str, str]:
    if word.startswith("!"):
        policy, level = _split_once(word[1:], ":")
        if not policy or not level:
            raise UsageError(f"expected !POLICY:LEVEL, got {word!r}")
        return _unescaped(_PIECE.findall(policy)), _unescaped(_PIECE.findall(level))
    upper = word.upper()
    if upper in (PUBLIC, OWN):
        return upper, upper
    policy, colon, level = word.partition(":")
    if policy.upper() in (TLP, IEP):
        if level.upper() not in TLP_ORDER:
            raise UsageError(f"no such TLP level: {level!r}; there are {', '.join(TLP_ORDER)}")
        return policy.upper(), level.upper()
    if colon and policy in BUILTIN_POLICIES and level not in BUILTIN_POLICIES[policy].levels:
        raise UsageError(
            f"policy {policy} has no level {level!r}; there are {', '.join(BUILTIN_POLICIES[policy].levels)}"
        )
    if colon and level:
        return policy, level
    raise UsageError(
        f"no such label: {word!r}; try PUBLIC, TLP:CLEAR, TLP:GREEN, TLP:AMBER, TLP:AMBER+STRICT or TLP:RED"
    )


def _split_once(text: str, separator: str) -> tuple[str, str]:
    """What is before and after the first separator without a backslash; the whole text and nothing where there is none."""
    before = 0
    for piece in _PIECE.findall(text):
        if piece == separator:
            return text[:before], text[before + 1 :]
        before += len(piece)
    return text, ""


def _values(text: str) -> tuple[str, ...]:
    values: list[list[str]] = [[]]
    for piece in _PIECE.findall(text):
        if piece == ",":
            values.append([])
        else:
            values[-1].append(piece)
    return tuple(_unescaped(value) for value in map(_stripped, values) if value)


def _stripped(tokens: list[str]) -> list[str]:
    start, end = 0, len(tokens)
    while start < end and tokens[start].isspace():
        start += 1
    while start < end and tokens[end - 1].isspace():
        end -= 1
    return tokens[start:end]


def _single(text: str | None) -> str | None:
    return None if text is None else _unescaped(_PIECE.findall(text))


def _unescaped(tokens: list[str]) -> str:
    """A backslash before anything that needs none stands for itself: `DOMAIN\\user`."""
    if tokens == [_EMPTY]:
        return ""
    return "".join(t[1] if len(t) == 2 and (t[1] in ",=:\\" or t[1].isspace()) else t for t in tokens)


def _moment(text: str | None) -> int | None:
    try:
        return moment(int(text) if text and _MICROSECONDS.fullmatch(text) else text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"no such moment: {error}") from None


def format_label(label: Label) -> str:
    """The text form; `parse_label` reads it back, given the same originator and no community."""
    return " & ".join(_format(part) for part in label.parts)


def format_part(part: Part) -> str:
    """The text form of one part, whoever made it: what a consent names."""
    return _format(msgspec.structs.replace(part, originator=None))


def _format(part: Part) -> str:
    words = [_head(part)]
    for category in part.categories:
        to = (category.name, category.kind) == (RELEASABLE, "permissive")
        key = "to" if to else f"{category.kind}:{_escaped(category.name)}"
        words.append(f"{key}={_list(category.values) or _NO_VALUES}")
    for key, value in (
        ("community", _text(part.community)),
        ("persons", _list(part.persons) or None),
        ("originator", _text(part.originator)),
        ("from", _date(part.starts)),
        ("until", _date(part.ends)),
    ):
        if value is not None:
            words.append(f"{key}={value}")
    return " ".join(shlex.quote(word) for word in words)


def _head(part: Part) -> str:
    stated = part.policy, part.classification
    plain = part.policy if stated in ((PUBLIC, PUBLIC), (OWN, OWN)) else ":".join(stated)
    try:
        if not plain.startswith("!") and _classification(plain) == stated:
            return plain
    except UsageError:
        pass  # as a policy unknown here has it
    policy, level = (_escaped(text).replace(":", r"\:") for text in stated)
    return f"!{policy}:{level}"


def _list(values: Iterable[str]) -> str:
    return ",".join(_escaped(value) for value in values)


def _text(value: str | None) -> str | None:
    return None if value is None else _escaped(value)


def _escaped(text: str) -> str:
    if not text:
        return _EMPTY
    found = _SEPARATORS.sub(r"\\\g<0>", text)
    start = "\\" if found[0].isspace() else ""
    return start + (f"{found[:-1]}\\{found[-1]}" if len(text) > 1 and found[-1].isspace() else found)


def _date(us: int | None) -> str | None:
    """RFC 3339 where a year 1–9999 has the moment, else microseconds of at least twelve digits, which no date has."""
    if us is None:
        return None
    try:
        return to_text(us)
    except OverflowError:
        return f"{us:013d}"
