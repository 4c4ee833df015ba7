"""Labels and principals: plain values, equal when they mean the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Literal

import msgspec

from kizuna.clock import from_datetime, from_text

CategoryKind = Literal["permissive", "restrictive", "informative"]
Moment = int | str | None


class Category(msgspec.Struct, frozen=True, order=True, gc=False):
    """A named set of values: permissive (one is enough), restrictive (all are needed) or informative (decides nothing)."""

    name: str
    kind: CategoryKind
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "values", tuple(sorted(set(self.values))))


class Part(msgspec.Struct, frozen=True, order=True, gc=False):
    """One policy's word: its classification, categories, the community of TLP:GREEN and the persons of TLP:RED.

    A person is named `person@organisation`, or given as a pair of both; a bare name is a person of the originator's
    organisation. `originator` is set only where a join brought parts of several originators together.
    """

    policy: str
    classification: str
    categories: tuple[Category, ...] = ()
    community: str | None = None
    persons: tuple[str, ...] = ()
    originator: str | None = None
    starts: int | None = None
    ends: int | None = None

    def __post_init__(self) -> None:
        categories = tuple(sorted({c if isinstance(c, Category) else Category(*c) for c in self.categories or ()}))
        msgspec.structs.force_setattr(self, "categories", categories)
        persons = {p if isinstance(p, str) else "@".join(p) for p in self.persons or ()}
        msgspec.structs.force_setattr(self, "persons", tuple(sorted(persons)))


class Label(msgspec.Struct, frozen=True, gc=False):
    """Who may see something: every part must allow. `originator` made it.

    No parts at all, like no label, mean own organisation only: the part that says so is put in.
    """

    originator: str
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        parts = {p if isinstance(p, Part) else Part(*p) for p in self.parts} or {Part("OWN", "OWN")}
        msgspec.structs.force_setattr(self, "parts", tuple(sorted(parts, key=_order)))


def _order(part: Part) -> tuple[str, str, str]:
    return part.policy, part.classification, repr(part)


class Principal(msgspec.Struct, frozen=True, gc=False):
    """Somebody who may see or hold: an organisation, perhaps a person of it.

    `clearances` are (policy, classification or restrictive value); `memberships` are (group, from, until) in microseconds,
    from inclusive, until exclusive, None for always; `clients` are organisations that TLP:AMBER may be passed to.
    """

    organisation: str
    person: str | None = None
    country: str | None = None
    clearances: tuple[tuple[str, str], ...] = ()
    memberships: tuple[tuple[str, Moment, Moment], ...] = ()
    clients: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        dated = tuple((group, moment(start), moment(end)) for group, start, end in self.memberships or ())
        msgspec.structs.force_setattr(self, "memberships", dated)
        msgspec.structs.force_setattr(self, "clearances", tuple((str(p), str(c)) for p, c in self.clearances or ()))
        msgspec.structs.force_setattr(self, "clients", tuple(self.clients or ()))

    def groups(self, at: int) -> frozenset[str]:
        """The groups this principal is in at a moment, by date."""
        return frozenset(
            group
            for group, start, end in self.memberships
            if (start is None or start <= at) and (end is None or at < end)  # type: ignore[operator]
        )


class Consent(msgspec.Struct, frozen=True, gc=False):
    """An originator's word that a holder may pass on; its signature is verified by the caller.

    `subject` is the label's text form or an object id; `expires` is exclusive, None for never.
    """

    originator: str
    subject: str
    third_party: str
    expires: Moment = None


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why: a code and its parameters, worded by the windows."""

    code: str
    parameters: tuple[str, ...] = ()


class Decision(msgspec.Struct, frozen=True, gc=False):
    """May this recipient have it, and every reason."""

    allowed: bool
    reasons: tuple[Reason, ...] = ()

    def __bool__(self) -> bool:
        return self.allowed


def moment(value: Moment | date) -> int | None:
    """Microseconds of a moment given as such, as a datetime, or as an ISO date or RFC 3339 text. Raises ValueError."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, str):
        if len(value) > 10:
            return from_text(value)
        value = date.fromisoformat(value)
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return from_datetime(value if value.tzinfo else value.replace(tzinfo=UTC))
