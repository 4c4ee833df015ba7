"""A rule as somebody types it into a form: what was typed is kept as it is, and read as a rule or refused field by field."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from kizuna.clock import from_text, to_text
from kizuna.errors import UsageError
from kizuna.store import Store
from kizuna.store.standing import Named, Rule
from kizuna.web.forms import Fields
from kizuna.web.i18n import N_

MOST_TEXTS, LONGEST = 1_000, 250
LISTS = ("types", "areas", "labels", "sources")
"""Fields with choices, beside which others may be typed, each in a line of its own."""
LABELS = ("PUBLIC", "TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED", "OWN")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_NUMBERS = {"confidence": (0, 100), "approvers": (1, 9), "hourly": (1, 10**9)}
_TEXTS = N_("Give at most 1,000 entries of at most 250 characters, each in a line of its own.")
REASONS = {
    "name": N_("Give 1 to 64 small letters, digits and hyphens, a letter or digit first."),
    "taken": N_("There is a rule of this name already: choose another name, or change that rule from the page of rules."),
    "changed": N_("The rule says something else by now. Open it again from the page of rules."),
    "full": N_("There are as many rules as there can be: remove some first."),
    "act": N_("Choose what the rule does."),
    "partners": N_("Choose partners that this node knows."),
    "types": _TEXTS,
    "areas": _TEXTS,
    "sources": _TEXTS,
    "tags": _TEXTS,
    "labels": N_("Give labels such as TLP:AMBER, each in a line of its own."),
    "confidence": N_("Give a whole number from 0 to 100, or nothing."),
    "approvers": N_("Give a whole number from 1 to 9."),
    "hourly": N_("Give a whole number from 1 to 1,000,000,000, or nothing."),
    "query": N_("Give at most 250 characters."),
    "words-of-parts": N_("What leaves in part is not asked for by words, which would tell of cut words: leave out one of the two."),
    "until": N_("Give a date and a time that are still to come, or nothing."),
}  # fmt: skip


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What is typed. `version` is that of the rule it is the next version of, empty for a new rule; `chosen` and `typed` are by field."""

    name: str = ""
    version: str = ""
    act: str = "propose"
    partners: tuple[str, ...] = ()
    chosen: dict[str, tuple[str, ...]] = {}
    typed: dict[str, str] = {}
    tags: str = ""
    confidence: str = ""
    query: str = ""
    parts: bool = False
    approvers: str = "1"
    until: str = ""
    hourly: str = ""


def typed(form: Fields) -> Draft:
    """What a form brings."""
    return Draft(
        name=form.one("name").strip(), version=form.one("version"), act=form.one("act"), partners=tuple(form.many("partners")),
        chosen={field: tuple(form.many(field)) for field in LISTS}, typed={field: form.one(f"more-{field}") for field in LISTS},
        tags=form.one("tags"), confidence=form.one("confidence").strip(), query=form.one("query").strip(), parts=bool(form.one("parts")),
        approvers=form.one("approvers").strip(), until=form.one("until").strip(), hourly=form.one("hourly").strip(),
    )  # fmt: skip


def draft_of(rule: Rule, store: Store) -> Draft:
    """A rule, to be changed. Raises UsageError for one that says what cannot be typed: changed here, it would say something else.

    A partner that is gone stays, for without it the rule might be for every partner.
    """
    terms = rule.terms
    if any(text.strip().splitlines() != [text] for field in (*LISTS, "tags") for text in getattr(terms, field)):
        raise UsageError("this rule holds texts that no form can; change it by `kizuna release rules put`")
    names = {partner.name.casefold(): partner.name for partner in store.partners()}
    partners = tuple(dict.fromkeys(names.get(name.casefold(), name) for name in terms.partners))
    return Draft(
        name=rule.name, version=str(rule.version), act=terms.act, partners=partners,
        chosen={field: getattr(terms, field) for field in LISTS}, tags="\n".join(terms.tags), confidence=_number(terms.confidence),
        query=terms.query or "", parts=terms.parts, approvers=str(terms.approvers), hourly=_number(terms.hourly),
        until="" if terms.ends is None else to_text(terms.ends)[: len("2026-01-01T00:00:00")],  # browsers keep no more
    )  # fmt: skip


def read(draft: Draft, store: Store) -> tuple[Named | None, dict[str, str]]:
    """The rule that a draft is; None where something is wrong, with the reason by field."""
    wrong: dict[str, str] = {}
    values = {
        field: _texts((*draft.chosen.get(field, ()), *draft.typed.get(field, "").splitlines())) for field in LISTS
    }
    values["tags"] = _texts(draft.tags.splitlines())
    wrong |= {field: field for field, texts in values.items() if not _few(texts)}
    if not all(label.isprintable() for label in values["labels"]):
        wrong["labels"] = "labels"
    numbers = {field: _read_number(getattr(draft, field), *bounds) for field, bounds in _NUMBERS.items()}
    wrong |= {field: field for field, number in numbers.items() if number is False}
    if numbers["approvers"] is None:
        wrong["approvers"] = "approvers"
    if not _NAME.fullmatch(draft.name):
        wrong["name"] = "name"
    if draft.act not in ("propose", "send"):
        wrong["act"] = "act"
    known = {partner.name for partner in store.partners()}
    if not known.issuperset(draft.partners):
        wrong["partners"] = "partners"
    until = _moment(draft.until)
    if draft.until and (until is None or until <= store.clock()):
        wrong["until"] = "until"
    if len(draft.query) > LONGEST:
        wrong["query"] = "query"
    elif draft.query and draft.parts:
        wrong["query"] = "words-of-parts"
    if wrong:
        return None, wrong
    said = {
        "name": draft.name, "act": draft.act, "partners": draft.partners, **values, "query": draft.query or None, "parts": draft.parts,
        "until": None if until is None else to_text(until), **numbers,
    }  # fmt: skip
    return msgspec.convert(said, Named), {}


def _texts(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for line in lines if (text := line.strip())))


def _few(texts: tuple[str, ...]) -> bool:
    return len(texts) <= MOST_TEXTS and all(len(text) <= LONGEST for text in texts)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _read_number(text: str, least: int, most: int) -> int | bool | None:
    """The number, None where nothing is typed, False where it is none of these."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        return False
    number = int(text)
    return number if least <= number <= most else False


def _moment(text: str) -> int | None:
    """Microseconds of a date and time in UTC, with or without its seconds and its Z."""
    whole = text if text.endswith("Z") else f"{text}:00Z" if len(text) == len("2026-01-01T00:00") else f"{text}Z"
    try:
        return from_text(whole)
    except (ValueError, OverflowError):
        return None
