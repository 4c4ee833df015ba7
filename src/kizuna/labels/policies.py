"""Policies that ship: PUBLIC, TLP 2.0, IEP 2.0, one's own organisation, and one fictitious policy of levels."""

from __future__ import annotations

import msgspec

from kizuna.labels.model import Label, Part

PUBLIC = "PUBLIC"
TLP = "TLP"
IEP = "IEP"
OWN = "OWN"
CLEAR, GREEN, AMBER, STRICT, RED = "CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"
TLP_ORDER = (CLEAR, GREEN, AMBER, STRICT, RED)


class Policy(msgspec.Struct, frozen=True):
    """A policy of hierarchical levels, lowest first: a recipient needs clearance for the level or a higher one."""

    name: str
    levels: tuple[str, ...]


# Fictitious: it stands for the national policies an operator loads, and resembles none on purpose.
FICTIVE = Policy("KIZUNA-EXAMPLE", ("OPEN", "GUARDED", "SEALED"))
BUILTIN_POLICIES: dict[str, Policy] = {FICTIVE.name: FICTIVE}

PUBLIC_LABEL = Label("", (Part(PUBLIC, PUBLIC),))


def own_only(originator: str) -> Label:
    """For what has no label, an unknown one or a missing marking: the holding organisation only."""
    return Label(originator, (Part(OWN, OWN),))


def rank(part: Part, policies: dict[str, Policy] = BUILTIN_POLICIES) -> int | None:
    """How high a part stands in its policy; None when the policy does not rank it."""
    if part.policy == PUBLIC:
        return 0 if part.classification == PUBLIC else None
    if part.policy in (TLP, IEP):
        return TLP_ORDER.index(part.classification) if part.classification in TLP_ORDER else None
    policy = policies.get(part.policy)
    return policy.levels.index(part.classification) if policy and part.classification in policy.levels else None


def exceeds(label: Label, ceiling: Label, policies: dict[str, Policy] = BUILTIN_POLICIES) -> bool:
    """Whether any part stands above the ceiling's part of the same policy; a policy the ceiling does not name is not limited."""
    limits: dict[str, int] = {}
    for part in ceiling.parts:
        found = rank(part, policies)
        if found is not None:
            limits[_family(part.policy)] = min(found, limits.get(_family(part.policy), found))
    for part in label.parts:
        limit = limits.get(_family(part.policy))
        found = rank(part, policies)
        if limit is not None and (found is None or found > limit):
            return True
    return False


def _family(policy: str) -> str:
    return TLP if policy in (IEP, PUBLIC) else policy
