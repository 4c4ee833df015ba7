"""Names in labels and settings that mean nobody and nothing: slips that would otherwise only show when nothing arrives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kizuna.cli.output import note
from kizuna.cli.words import _

if TYPE_CHECKING:
    from kizuna.labels import Label
    from kizuna.store import Store


def tell_of_strangers(label: Label, store: Store) -> None:
    """Remark on every organisation, country, group or community of a label that nobody known to this node answers to."""
    for name in strangers(label, store):
        note(
            _("nobody here is called {name!r}: labels name organisations, countries such as JPN, and groups", name=name)
        )


def strangers(label: Label, store: Store) -> list[str]:
    """The names in a label that are no partner's, not our own, and no group's nor a member's of one; each once."""
    named = {
        value
        for part in label.parts
        for category in part.categories
        if category.kind == "permissive"
        for value in category.values
    }
    named |= {part.community for part in label.parts if part.community}
    partners, groups = store.partners(), store.groups()
    known = {store.organisation, store.settings.country}
    known |= {name for partner in partners for name in (partner.organisation, partner.country)}
    known |= {group.name for group in groups} | {member for group in groups for member, _start, _end in group.members}
    return sorted(named - known)


def tell_of_unknown_areas(names: Iterable[str]) -> None:
    """Remark on every name that is no area of the programme."""
    named = sorted(set(names))
    if not named:
        return
    from kizuna.formats.pack import load

    known = [area.area for area in load("programme").programme().areas]
    for name in named:
        if name not in known:
            note(_("the programme has no area {name!r}; its areas are {known}", name=name, known=", ".join(known)))
