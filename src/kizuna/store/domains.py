"""The domain of an object: cyber, information, space or air, by the programme area it serves, and where that says too little by what it is.

Nothing is kept of it: it follows from area, type and source, so this table may change with a release.
"""

from __future__ import annotations

from typing import NamedTuple

DOMAINS = ("cyber", "information", "space", "air")


class Rule(NamedTuple):
    """What of some areas belongs to a domain; no types, like no sources, are all of them."""

    domain: str
    areas: tuple[str, ...]
    types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


RULES = (
    Rule("cyber", ("cyber-defence",)),
    Rule("information", ("strategic-communications", "public-diplomacy")),
    Rule("space", ("space-security",)),
    # Attacks on what learns are of the same area as unmanned aircraft. Aircraft are observed; the rest are ways to attack.
    Rule("cyber", ("emerging-technologies",), sources=("pack:atlas",)),
    Rule(
        "air",
        ("emerging-technologies",),
        types=(
            "identity", "incident", "language-content", "location", "mac-addr", "observed-data", "relationship", "sighting",
            "user-account",
        ),
    ),
    Rule("cyber", ("emerging-technologies",)),
)  # fmt: skip
"""The first that fits counts; what fits none is of no domain."""


def domain_of(area: str | None, type: str, source: str) -> str | None:
    """The domain of an object, None where it is of none."""
    for rule in RULES:
        if (
            area in rule.areas
            and (not rule.types or type in rule.types)
            and (not rule.sources or source in rule.sources)
        ):
            return rule.domain
    return None


__all__ = ["DOMAINS", "RULES", "Rule", "domain_of"]
