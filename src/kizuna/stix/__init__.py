"""The language: STIX 2.1 objects, ids, bundles, patterns and extensions. Pure: no I/O but reading the source handed in.

Start here: `iter_objects` reads, `check` and `validate` find what is wrong, `BUILTIN` is what every node knows.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# A function that shares its name with its module is imported at once, or the module would stand in its place.
from .canonical import canonical, canonical_is_simple, digest
from .places import places
from .problem import Problem
from .times import times

if TYPE_CHECKING:
    from .builtin import BUILTIN
    from .checker import check, errors_of
    from .definitions import marking_definitions
    from .ids import sco_id
    from .lift import is_20, lift, lift_all
    from .names import name_of
    from .normal import every_form, normalise_value
    from .observed import ObservedValue, observed_values, observes
    from .reader import Container, Item, ReadLimits, Share, iter_objects
    from .references import edges, marking_refs, mentions
    from .rules import RULES
    from .validation import Report, reports, validate
    from .versions import version_problems

__all__ = [
    "BUILTIN",
    "RULES",
    "Container",
    "Item",
    "ObservedValue",
    "Problem",
    "ReadLimits",
    "Report",
    "Share",
    "canonical",
    "canonical_is_simple",
    "check",
    "digest",
    "edges",
    "errors_of",
    "every_form",
    "is_20",
    "iter_objects",
    "lift",
    "lift_all",
    "marking_definitions",
    "marking_refs",
    "mentions",
    "name_of",
    "normalise_value",
    "observed_values",
    "observes",
    "places",
    "reports",
    "sco_id",
    "times",
    "validate",
    "version_problems",
]

_MODULES = {
    "BUILTIN": "builtin",
    "RULES": "rules",
    "Container": "reader",
    "Item": "reader",
    "ObservedValue": "observed",
    "ReadLimits": "reader",
    "Report": "validation",
    "Share": "reader",
    "check": "checker",
    "errors_of": "checker",
    "every_form": "normal",
    "edges": "references",
    "is_20": "lift",
    "iter_objects": "reader",
    "lift": "lift",
    "lift_all": "lift",
    "marking_definitions": "definitions",
    "marking_refs": "references",
    "mentions": "references",
    "name_of": "names",
    "normalise_value": "normal",
    "observed_values": "observed",
    "observes": "observed",
    "reports": "validation",
    "sco_id": "ids",
    "validate": "validation",
    "version_problems": "versions",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: a command that only reads does not compile the tables."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value
