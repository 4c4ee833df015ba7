"""The relationships that the specification suggests between two types (the tables of sections 4 and 6)."""

from __future__ import annotations

from .common import SCO, TYPES

COMMON = frozenset(("derived-from", "duplicate-of", "related-to"))
SAME_TYPE = frozenset(("derived-from", "duplicate-of"))

_USES = "attack-pattern infrastructure malware tool"
_VICTIMS = "identity location vulnerability"
_NETWORK = "ipv4-addr ipv6-addr domain-name url"

_SUGGESTED: dict[str, dict[str, str]] = {
    "attack-pattern": {"delivers": "malware", "targets": _VICTIMS, "uses": "malware tool"},
    "campaign": {
        "attributed-to": "intrusion-set threat-actor",
        "compromises": "infrastructure",
        "originates-from": "location",
        "targets": _VICTIMS,
        "uses": _USES,
    },
    "course-of-action": {
        "investigates": "indicator",
        "mitigates": "attack-pattern indicator malware tool vulnerability",
        "remediates": "malware vulnerability",
    },
    "identity": {"located-at": "location"},
    "indicator": {
        "indicates": "attack-pattern campaign infrastructure intrusion-set malware threat-actor tool",
        "based-on": "observed-data",
    },
    "infrastructure": {
        "communicates-with": f"infrastructure {_NETWORK}",
        "consists-of": "infrastructure observed-data " + " ".join(sorted(SCO)),
        "controls": "infrastructure malware",
        "delivers": "malware",
        "has": "vulnerability",
        "hosts": "tool malware",
        "located-at": "location",
        "uses": "infrastructure",
    },
    "intrusion-set": {
        "attributed-to": "threat-actor",
        "compromises": "infrastructure",
        "hosts": "infrastructure",
        "owns": "infrastructure",
        "originates-from": "location",
        "targets": _VICTIMS,
        "uses": _USES,
    },
    "malware": {
        "authored-by": "threat-actor intrusion-set",
        "beacons-to": "infrastructure",
        "exfiltrates-to": "infrastructure",
        "communicates-with": _NETWORK,
        "controls": "malware",
        "downloads": "malware tool file",
        "drops": "malware tool file",
        "exploits": "vulnerability",
        "originates-from": "location",
        "targets": "identity infrastructure location vulnerability",
        "uses": _USES,
        "variant-of": "malware",
    },
    "malware-analysis": {
        "characterizes": "malware",
        "analysis-of": "malware",
        "static-analysis-of": "malware",
        "dynamic-analysis-of": "malware",
    },
    "threat-actor": {
        "attributed-to": "identity",
        "compromises": "infrastructure",
        "hosts": "infrastructure",
        "owns": "infrastructure",
        "impersonates": "identity",
        "located-at": "location",
        "targets": _VICTIMS,
        "uses": _USES,
    },
    "tool": {
        "delivers": "malware",
        "drops": "malware",
        "has": "vulnerability",
        "targets": "identity infrastructure location vulnerability",
        "uses": "infrastructure",
    },
    "domain-name": {"resolves-to": "domain-name ipv4-addr ipv6-addr"},
    "ipv4-addr": {"resolves-to": "mac-addr", "belongs-to": "autonomous-system"},
    "ipv6-addr": {"resolves-to": "mac-addr", "belongs-to": "autonomous-system"},
}

SUGGESTED: dict[tuple[str, str], frozenset[str]] = {
    (source, kind): frozenset(targets.split())
    for source, kinds in _SUGGESTED.items()
    for kind, targets in kinds.items()
}
"""Suggested types of target, by type of source and relationship type."""


def doubt(source: str, kind: str, target: str) -> str | None:
    """Why a relationship is not one the specification suggests, or None; own types are not doubted."""
    if kind in COMMON or source not in TYPES or target not in TYPES:
        return None
    targets = SUGGESTED.get((source, kind))
    if targets is None:
        return f"{kind} is not suggested for {source}"
    return None if target in targets else f"{source} {kind} {target} is not suggested"
