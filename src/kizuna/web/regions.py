"""Regions of the world as the pack draws them, each by the countries in it: the operator may edit it, so nothing is kept of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from kizuna.formats.pack import Regions, load
from kizuna.store.model import Count
from kizuna.web.i18n import Language


@lru_cache(maxsize=1)
def regions() -> Regions:
    """The regions, and how countries are written."""
    return load("regions").regions()


@lru_cache(maxsize=512)
def region_of(country: str) -> str | None:
    """The region of a country, else its M49 subregion; None for no known country."""
    return regions().of(country)


def countries_of(region: str, countries: Iterable[str]) -> tuple[str, ...]:
    """Those of these countries that are in a region."""
    return tuple(country for country in countries if region_of(country) == region)


def by_region(countries: Iterable[Count[str]]) -> list[Count[str]]:
    """Counts by country as counts by region, the most first."""
    counted: Counter[str] = Counter()
    for one in countries:
        if (region := region_of(one.value)) is not None:
            counted[region] += one.count
    return [Count(region, count) for region, count in sorted(counted.items(), key=lambda one: (-one[1], one[0]))]


def region_name(region: str, language: Language) -> str:
    """What a region is called; one that the pack does not know is called as it is written."""
    names = {one.region: one.name for one in regions().regions} | {one.m49: one.name for one in regions().fallback}
    return str(getattr(names[region], language.code)) if region in names else region


__all__ = ["by_region", "countries_of", "region_name", "region_of", "regions"]
