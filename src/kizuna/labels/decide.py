"""The one decision: may this recipient have something of this label from this holder, and why.

TLP limits what a holder passes on (FIRST TLP 2.0). The originator may name its recipients, for TLP:AMBER and AMBER+STRICT by
a category or a partner's setting, for TLP:GREEN outside the community by a category; whether a recipient *is* addressed is
`addressed`'s question.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime

from kizuna.clock import from_datetime
from kizuna.labels.model import Category, Consent, Decision, Label, Part, Principal, Reason, moment
from kizuna.labels.persons import names_person
from kizuna.labels.policies import AMBER, BUILTIN_POLICIES, CLEAR, GREEN, IEP, OWN, PUBLIC, RED, STRICT, TLP, Policy
from kizuna.labels.text import format_part

_OBJECT = re.compile(r"[a-z0-9-]{3,250}--[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ALLOWED = Decision(True, (Reason("allowed"),))


def decide(
    label: Label,
    recipient: Principal,
    *,
    holder: Principal,
    at: int | datetime,
    consents: Collection[Consent] = (),
    policies: Mapping[str, Policy] = BUILTIN_POLICIES,
) -> Decision:
    """May `recipient` have it from `holder` at a moment (microseconds or an aware datetime)?

    Every part must allow; each refusal is a reason.
    """
    now = at if isinstance(at, int) else from_datetime(at)
    if not isinstance(label, Label):
        label = Label(*label)
    asked = _Asked(label, recipient, holder, now, consents, policies)
    refusals = [reason for part in label.parts for reason in asked.refusals(part)]
    return Decision(False, tuple(refusals)) if refusals else _ALLOWED


def names(category: Category, recipient: Principal, at: int) -> bool:
    """Whether a category names the recipient: its organisation, its country, a group it is in, or a clearance it holds."""
    values = category.values
    return (
        recipient.organisation in values
        or (recipient.country is not None and recipient.country in values)
        or any(group in values for group in recipient.groups(at))
    )


def addressed(
    label: Label, recipient: Principal, at: int, *, receives: Collection[str] = (), area: str | None = None
) -> bool:
    """Whether a partner is addressed: by a category that names it, or by what it is set to receive (TLP levels and areas).

    When `receives` lists areas, only objects of these areas; when it lists levels, only these levels; both, both.
    """
    if any(c.kind == "permissive" and names(c, recipient, at) for part in label.parts for c in part.categories):
        return True
    if not receives:
        return False
    levels = {r.upper() for r in receives if r.upper() == PUBLIC or r.upper().startswith("TLP:")}
    areas = {r for r in receives if r.upper() != PUBLIC and not r.upper().startswith("TLP:")}
    if areas and area not in areas:
        return False
    return not levels or all(_level_in(part, levels) for part in label.parts)


def _level_in(part: Part, levels: set[str]) -> bool:
    if part.policy == PUBLIC and part.classification == PUBLIC:
        return PUBLIC in levels or "TLP:CLEAR" in levels
    if part.policy in (TLP, IEP):
        return f"TLP:{part.classification}" in levels
    return part.policy != OWN  # another policy's levels are not what `receives` lists: `decide` has the word


class _Asked:
    """One question; each part of the label answers it."""

    def __init__(
        self,
        label: Label,
        recipient: Principal,
        holder: Principal,
        at: int,
        consents: Collection[Consent],
        policies: Mapping[str, Policy],
    ) -> None:
        self._label = label
        self._recipient = recipient
        self._holder = holder
        self._at = at
        self._consents = consents
        self._policies = policies
        self._own = recipient.organisation == holder.organisation

    def refusals(self, part: Part) -> list[Reason]:
        """Why one part refuses; empty when it allows."""
        found = [reason for c in part.categories if (reason := self._category(part, c)) is not None]
        found += self._dates(part)
        if part.policy == OWN:
            return found if self._own else [*found, Reason("own-organisation")]
        if part.policy == PUBLIC and part.classification == PUBLIC:
            return found
        if part.policy in (TLP, IEP):
            reason = self._tlp(part)
        elif part.policy in self._policies:
            reason = self._level(part, self._policies[part.policy])
        else:
            reason = None if self._own else Reason("unknown-policy", (part.policy,))
        return found if reason is None else [*found, reason]

    def _category(self, part: Part, category: Category) -> Reason | None:
        if category.kind == "informative":
            return None
        recipient = self._recipient
        if category.kind == "permissive":
            # What an organisation made it may always see, whomever it is addressed to.
            if recipient.organisation == self._originator(part) or names(category, recipient, self._at):
                return None
            return Reason("not-addressed", (category.name, *category.values))
        held = {value for policy, value in recipient.clearances if policy == part.policy} | recipient.groups(self._at)
        lacking = [value for value in category.values if value not in held]
        return Reason("lacks-category", (category.name, *lacking)) if lacking else None

    def _dates(self, part: Part) -> list[Reason]:
        # Where no policy is in force there is no label, and that means own organisation only.
        if self._own or self._recipient.organisation == self._originator(part):
            return []
        if part.starts is not None and self._at < part.starts:
            return [Reason("not-yet-valid", (str(part.starts),))]
        if part.ends is not None and self._at >= part.ends:
            return [Reason("no-longer-valid", (str(part.ends),))]
        return []

    def _tlp(self, part: Part) -> Reason | None:
        level, recipient = part.classification, self._recipient
        if level == CLEAR:
            return None
        if level == RED:
            if not names_person(part, recipient, self._originator(part)):
                return Reason("tlp-red-not-named")
            if self._own or self._originator(part) == self._holder.organisation or self._consented(part):
                return None
            return Reason("tlp-red-own-organisation")
        if level not in (GREEN, AMBER, STRICT):
            return None if self._own else Reason("unknown-classification", (part.policy, level))
        if self._own:
            return None
        if level == GREEN:
            return self._green(part)
        if self._originator(part) == self._holder.organisation or self._consented(part):
            return None
        if level == AMBER and recipient.organisation in self._holder.clients:
            return None
        return Reason("tlp-amber-own-organisation" if level == AMBER else "tlp-amber-strict-own-organisation")

    def _green(self, part: Part) -> Reason | None:
        recipient = self._recipient
        community = part.community
        if community is not None and (
            community in recipient.groups(self._at) or community in (recipient.organisation, recipient.country)
        ):
            return None
        # The originator may name somebody outside the community; nobody else may.
        if self._originator(part) == self._holder.organisation and any(
            c.kind == "permissive" and names(c, recipient, self._at) for c in part.categories
        ):
            return None
        return Reason("tlp-green-not-member", () if community is None else (community,))

    def _level(self, part: Part, policy: Policy) -> Reason | None:
        if part.classification not in policy.levels:
            return None if self._own else Reason("unknown-classification", (part.policy, part.classification))
        needed = policy.levels.index(part.classification)
        if needed == 0:
            return None
        held = [
            policy.levels.index(c) for p, c in self._recipient.clearances if p == policy.name and c in policy.levels
        ]
        return None if held and max(held) >= needed else Reason("not-cleared", (part.policy, part.classification))

    def _originator(self, part: Part) -> str:
        return part.originator or self._label.originator

    def _consented(self, part: Part) -> bool:
        """Whether the part's originator consented for this recipient: to this very part, or to the object in question.

        Whoever asks hands over, of the consents to single objects, those to the object in question only.
        """
        text = format_part(part)
        return any(
            consent.originator == self._originator(part)
            and consent.third_party == self._recipient.organisation
            and (consent.subject == text or _OBJECT.fullmatch(consent.subject) is not None)
            and not _expired(consent, self._at)
            for consent in self._consents
        )


def _expired(consent: Consent, at: int) -> bool:
    try:
        expires = moment(consent.expires)
    except ValueError:
        return True  # a date nobody can read is no consent
    return expires is not None and at >= expires
