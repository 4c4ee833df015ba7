"""Links that cross regions: those whose ends were reported from different ones come first."""

from __future__ import annotations

from collections.abc import Callable

from kizuna.store import Store
from kizuna.store.meeting import Meeting
from kizuna.store.view import View

RegionOf = Callable[[str], str | None]
"""The region of a country, None for no known one."""


def country_of(store: Store) -> Callable[[str], str | None]:
    """A function that tells the country of a source by its name: this node's, or a partner's; None for packs."""
    countries = {f"partner:{partner.name}": partner.country for partner in store.partners()}
    countries["own"] = store.settings.country
    return countries.get


def cross_regional(store: Store, view: View, region_of: RegionOf, most: int) -> list[Meeting]:
    """The newest meetings of reports from two regions, over what the reader may see."""
    country = country_of(store)

    def place(source: str) -> str | None:
        found = country(source)
        return None if found is None else region_of(found)

    return view.meetings(place, most)
