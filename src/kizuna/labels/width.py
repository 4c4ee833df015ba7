"""How much may be said of who may see one object: every part carries the categories of all, so what is long multiplies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kizuna.labels.model import Category, Label, Part
from kizuna.labels.policies import RED, TLP

MOST_MARKINGS = 64
"""Different marking definitions that one object names, for itself and for parts of it."""
MOST_SELECTORS = 1_000
"""Selectors of all granular markings of one object."""
MOST_TEXT = 16_384
"""Bytes, about, of all categories, persons and communities of a label in its stored form."""
_QUOTED = 3
_CATEGORY = 22


def nobody(originator: str) -> Label:
    """For what is marked with more than can be weighed: TLP:RED that names no person."""
    return Label(originator, (Part(TLP, RED),))


def marked_too_much(data: dict[str, Any]) -> bool:
    """Whether an object names more marking definitions, or selects more parts, than any labels are worked out for."""
    whole, granular = data.get("object_marking_refs"), data.get("granular_markings")
    named = {ref for ref in whole if isinstance(ref, str)} if isinstance(whole, list) else set()
    selected = 0
    for one in granular if isinstance(granular, list) else ():
        if isinstance(one, dict):
            named |= {ref} if isinstance(ref := one.get("marking_ref"), str) else set()
            selected += len(selectors) if isinstance(selectors := one.get("selectors"), list) else 0
    return len(named) > MOST_MARKINGS or selected > MOST_SELECTORS


def text_of(parts: Iterable[Part]) -> int:
    """About how many bytes these parts take beside their policies."""
    return sum(
        text_of_categories(part.categories) + sum(len(p) + _QUOTED for p in part.persons) + len(part.community or "")
        for part in parts
    )


def text_of_categories(categories: Iterable[Category]) -> int:
    """About how many bytes these categories take."""
    return sum(len(c.name) + _CATEGORY + sum(len(value) + _QUOTED for value in c.values) for c in categories)
