"""Links that cross regions: those whose ends were reported from different ones come first."""

from __future__ import annotations

from collections.abc import Callable

from kizuna.store import Store
from kizuna.store.meeting import Meeting
from kizuna.store.view import View

RegionOf = Callable[[str], str | None]
"""The region of a country, None for no known one."""


def cross_regional(store: Store, view: View, region_of: RegionOf, most: int) -> list[Meeting]:
    """The newest meetings of reports from two regions, over what the reader may see."""
    countries = store.countries()

    def place(source: str) -> str | None:
        found = countries.get(source)
        return None if found is None else region_of(found)

    return view.meetings(place, most)
