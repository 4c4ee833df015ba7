"""Selectors of granular markings: `name`, `labels.[0]`, `external_references.[0].url` (section 7.2.3.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SELECTOR = re.compile(r"[a-z0-9_-]{3,250}(?:\.(?:\[\d+\]|[a-zA-Z0-9_-]{1,250}))*|id")
_STEP = re.compile(r"\[(\d+)\]")
_LONGEST_INDEX = 12


class Unresolved(LookupError):
    """The selector names nothing in the object; its text says which step fails."""


def steps(selector: str) -> tuple[str | int, ...]:
    """The property names and list indices of a well-formed selector."""
    return tuple(_index(step) for step in selector.split("."))


def _index(step: str) -> str | int:
    match = _STEP.fullmatch(step)
    if match is None:
        return step
    # An index of a thousand digits selects nothing, and must not cost anything either.
    return int(match[1]) if len(match[1]) <= _LONGEST_INDEX else 10**_LONGEST_INDEX


def resolve(data: Mapping[str, Any], selector: str) -> Any:
    """What a selector names in an object. Raises `Unresolved`."""
    value: Any = data
    for step in steps(selector):
        if isinstance(step, int):
            if not isinstance(value, list):
                raise Unresolved(f"[{step}] is not asked of a list")
            if step >= len(value):
                raise Unresolved(f"the list has no element [{step}]")
            value = value[step]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            raise Unresolved(f"there is no {step}")
    return value
