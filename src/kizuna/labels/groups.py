"""Groups of countries and organisations whose members come and go by date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from kizuna.labels.model import Label, Moment, moment

Membership = tuple[str, int | None, int | None]


class Group(msgspec.Struct, frozen=True):
    """A named group; `members` are (country code or organisation, from, until), from inclusive, until exclusive."""

    name: str
    members: tuple[tuple[str, Moment, Moment], ...]
    title: dict[str, str] = {}

    def __post_init__(self) -> None:
        dated = tuple((member, moment(start), moment(end)) for member, start, end in self.members)
        msgspec.structs.force_setattr(self, "members", dated)


def memberships_of(organisation: str, country: str | None, groups: Iterable[Group]) -> tuple[Membership, ...]:
    """The dated memberships that an organisation has by itself or through its country."""
    return tuple(
        (group.name, start, end)  # type: ignore[misc]
        for group in groups
        for member, start, end in group.members
        if member in (organisation, country)
    )


def next_change(memberships: Sequence[tuple[str, Moment, Moment]], at: int) -> int | None:
    """The first moment after `at` when one of them begins or ends; None when nothing will change."""
    moments = [m for _, start, end in memberships for m in (start, end) if isinstance(m, int) and m > at]
    return min(moments, default=None)


def label_changes(label: Label, at: int) -> int | None:
    """The first moment after `at` when a label itself begins or ends to hold (IEP dates)."""
    moments = [m for part in label.parts for m in (part.starts, part.ends) if m is not None and m > at]
    return min(moments, default=None)
