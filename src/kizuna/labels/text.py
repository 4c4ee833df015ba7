"""Labels as people type them: `PUBLIC`, `TLP:GREEN community=EU`, `TLP:AMBER to=JPN,NATO`, `TLP:RED persons="a,b"`, joined by ` & `."""

from __future__ import annotations

import re
import shlex

import msgspec

from kizuna.errors import UsageError
from kizuna.labels.model import Category, Label, Part, moment
from kizuna.labels.policies import BUILTIN_POLICIES, GREEN, IEP, OWN, PUBLIC, TLP, TLP_ORDER

RELEASABLE = "Releasable To"
_SPLIT = re.compile(r"\s+&\s+")


def parse_label(text: str, *, originator: str, community: str | None = None) -> Label:
    """Read the text form. `community` is what TLP:GREEN means when it names none. Raises UsageError."""
    if len(text) > 10_000:
        raise UsageError("a label of more than 10,000 characters")
    parts = [_part(piece, community) for piece in _SPLIT.split(text.strip())]
    return Label(originator, tuple(parts))


def _part(text: str, community: str | None) -> Part:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"label {text!r}: {error}") from None
    if not words:
        raise UsageError("an empty label; try PUBLIC, TLP:CLEAR, TLP:GREEN, TLP:AMBER, TLP:AMBER+STRICT or TLP:RED")
    policy, classification = _classification(words[0])
    found: dict[str, str] = {}
    categories: list[Category] = []
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals or not value:
            raise UsageError(f"label {text!r}: expected KEY=VALUE, got {word!r}")
        category = _category(key, value)
        if category is not None:
            categories.append(category)
        elif key in found:
            raise UsageError(f"label {text!r}: {key} is given twice")
        else:
            found[key] = value
    stated = found.pop("community", None)
    if policy in (TLP, IEP) and classification == GREEN:
        stated = stated or community
    persons = _values(found.pop("persons", ""))
    originator = found.pop("originator", None)
    starts, ends = (_moment(found.pop(key, None)) for key in ("from", "until"))
    for key in found:
        raise UsageError(f"label {text!r}: unknown key {key!r}; known: to, community, persons, from, until, KIND:NAME")
    return Part(policy, classification, tuple(categories), stated, persons, originator, starts, ends)


def _category(key: str, value: str) -> Category | None:
    """`to=…` and `KIND:NAME=…`; None for other keys."""
    if key == "to":
        return Category(RELEASABLE, "permissive", _values(value))
    kind, colon, name = key.partition(":")
    if not colon or kind not in ("permissive", "restrictive", "informative"):
        return None
    return Category(name, kind, _values(value))  # type: ignore[arg-type]


def _classification(word: str) -> tuple[str, str]:
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


def _values(text: str) -> tuple[str, ...]:
    return tuple(value.strip() for value in text.split(",") if value.strip())


def _moment(text: str | None) -> int | None:
    try:
        return moment(int(text) if text and text.isdigit() and len(text) > 11 else text)
    except ValueError as error:
        raise UsageError(f"no such moment: {error}") from None


def format_label(label: Label) -> str:
    """The text form; `parse_label` reads it back."""
    return " & ".join(_format(part) for part in label.parts)


def format_part(part: Part) -> str:
    """The text form of one part, whoever made it: what a consent names."""
    return _format(msgspec.structs.replace(part, originator=None))


def _format(part: Part) -> str:
    words = [part.policy if part.policy in (PUBLIC, OWN) else f"{part.policy}:{part.classification}"]
    for category in part.categories:
        key = (
            "to" if (category.name, category.kind) == (RELEASABLE, "permissive") else f"{category.kind}:{category.name}"
        )
        words.append(f"{key}={','.join(category.values)}")
    for key, value in (
        ("community", part.community),
        ("persons", ",".join(part.persons) or None),
        ("originator", part.originator),
        ("from", part.starts),
        ("until", part.ends),
    ):
        if value is not None:
            words.append(f"{key}={value}")
    return " ".join(shlex.quote(word) for word in words)
