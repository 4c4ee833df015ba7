"""The full check of one decoded object."""

from __future__ import annotations

from typing import Any

from .extensions import new_type
from .found import Finder, Found, mismatch
from .problem import WHOLE, Problem
from .rules import RULES, problem
from .tables import OBJECTS, OWN_OBJECT, OWN_OBSERVABLE

CLEAN: list[Problem] = []
"""What a clean object gives; shared, so it is never to be changed."""

_REMEMBERED = 16_384
_problems: dict[Found, Problem] = {}

_WARNINGS = frozenset(name for name, rule in RULES.items() if rule.severity == "warning")
_VERSIONED = ("created", "modified")


def check(data: dict[str, Any]) -> list[Problem]:
    """Every problem of one STIX 2.1 object, paths relative to it; the shared empty list when there is none.

    `data` is JSON as a decoder gives it. References are not followed: whether a target exists is the store's business.
    """
    return finish(_found(data))


def errors_of(data: dict[str, Any]) -> list[Problem]:
    """The errors among what `check` finds: what keeps an object out."""
    return finish([one for one in _found(data) if one[0] not in _WARNINGS])


def _found(data: Any) -> list[Found]:
    found: list[Found] = []
    if isinstance(data, dict):
        kind = data.get("type")
        finder = OBJECTS.get(kind) if kind.__class__ is str else None
        (finder or _other_finder(data))(data, found)
    else:
        found.append(mismatch("not-an-object", "a STIX object", data, WHOLE, ""))
    return found


def finish(found: list[Found]) -> list[Problem]:
    """What was found, as problems."""
    return [_problems.get(one) or _remember(one) for one in found] if found else CLEAN


def _other_finder(data: dict[str, Any]) -> Finder:
    """The checker of an object whose type the tables do not have: what is common to own types."""
    if data.get("type") == "bundle":
        return _nested_bundle
    declared = new_type(data.get("extensions"))
    if declared is None:
        # Nothing else tells an own domain object from an own observable: only the former has versions.
        declared = "new-sdo" if any(name in data for name in _VERSIONED) else "new-sco"
    return OWN_OBSERVABLE if declared == "new-sco" else OWN_OBJECT


def _nested_bundle(data: dict[str, Any], found: list[Found]) -> None:
    found.append(("bundle-nested", WHOLE, "a bundle is no STIX object and cannot be inside of one", ""))


def _remember(one: Found) -> Problem:
    """The same problems come again and again in one file; each is built once."""
    rule, path, message, section = one
    made = problem(rule, path or WHOLE, message, section)
    if len(_problems) >= _REMEMBERED:
        _problems.clear()
    _problems[one] = made
    return made
