"""What else a search may be narrowed to, and what it is narrowed to: each with the address that chooses it or lets it go."""

from __future__ import annotations

from typing import Any

from kizuna.labels import format_label
from kizuna.store.confidence import BANDS
from kizuna.store.domains import DOMAINS
from kizuna.store.model import Count, Facets
from kizuna.web.i18n import N_, Language
from kizuna.web.listing import address
from kizuna.web.naming import source_name, type_name
from kizuna.web.narrowing import CAME, Question
from kizuna.web.pages.areas import area_name
from kizuna.web.regions import by_region, region_name

SHOWN = 8
"""Entries of a facet that are shown."""
DOMAIN_NAMES = {"cyber": N_("Cyber"), "information": N_("Information"), "space": N_("Space"), "air": N_("Air")}
CAME_NAMES = {
    "today": N_("today"), "week": N_("last 7 days"), "month": N_("last 30 days"), "year": N_("this year"), "older": N_("before this year"),
}  # fmt: skip
CONFIDENCE_NAMES = {
    "high": N_("high (70 to 100)"), "medium": N_("medium (30 to 69)"), "low": N_("low (1 to 29)"), "none": N_("none (0)"),
    "unstated": N_("not stated"),
}  # fmt: skip
_KEYS = ("value", "domain", "region", "came", "from", "to", "type", "area", "source", "label", "confidence")


def facets_of(facets: Facets, question: Question, language: Language) -> list[dict[str, Any]]:
    """What else to choose: of each kind the most frequent, of time and confidence all in their order."""
    asked = question.asked
    labels: dict[str, int] = {}
    for one in facets.labels:
        text = format_label(one.value)
        labels[text] = labels.get(text, 0) + one.count
    by_label = [Count(text, count) for text, count in sorted(labels.items(), key=lambda pair: (-pair[1], pair[0]))]
    came = [Count[str](name, count) for name, count in zip(CAME, facets.spans, strict=True) if count]
    found = {
        "domain": _in_order(facets.domains, DOMAINS),
        "region": by_region(facets.countries),
        "came": came,
        "type": facets.types,
        "area": facets.areas,
        "source": facets.sources,
        "label": by_label,
        "confidence": _in_order(facets.confidences, (*reversed(BANDS[1:]), BANDS[0])),
    }
    return [_counted(key, counts, asked, language) for key, counts in found.items()]


def chosen_of(question: Question, language: Language) -> list[dict[str, str]]:
    """What a search is narrowed to, each with the address that widens it again."""
    asked = question.asked
    return [
        {"key": key, "title": title_of(key, value, language),
         "address": address("/objects", {**asked, key: [one for one in _listed(asked[key]) if one != value]})}
        for key in _KEYS
        for value in _listed(asked[key])
    ]  # fmt: skip


def title_of(key: str, value: str, language: Language) -> str:
    """What an entry of a facet is called."""
    if key == "type":
        return type_name(value, language)
    if key == "source":
        return source_name(value, language)
    if key == "label":
        return language(N_("own organisation only")) if value == "OWN" else value
    if key == "region":
        return region_name(value, language)
    if key == "area":
        return area_name(value, language) or value
    if key in ("from", "to"):
        return (
            language(N_("from %(day)s")) % {"day": value}
            if key == "from"
            else language(N_("to %(day)s")) % {"day": value}
        )
    names = {"domain": DOMAIN_NAMES, "came": CAME_NAMES, "confidence": CONFIDENCE_NAMES}.get(key, {})
    if value not in names:
        return value
    title = language(names[value])
    return title if key != "confidence" else language(N_("confidence %(band)s")) % {"band": title}


def _counted(key: str, counts: list[Count[str]], asked: dict[str, Any], language: Language) -> dict[str, Any]:
    def entry(one: Count[str]) -> dict[str, Any]:
        title = language(CONFIDENCE_NAMES[one.value]) if key == "confidence" else title_of(key, one.value, language)
        chosen = one.value in _listed(asked[key])
        return {
            "title": title,
            "lang": language.code if title != one.value else "",
            "count": one.count,
            "chosen": chosen,
            "address": address("/objects", {**asked, key: None if chosen else one.value}),
        }

    entries = [entry(one) for one in counts[:SHOWN]]
    return {"key": key, "entries": entries, "more": len(counts) - len(entries)}


def _in_order(counts: list[Count[str]], order: tuple[str, ...]) -> list[Count[str]]:
    return sorted(counts, key=lambda one: order.index(one.value))


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


__all__ = ["CAME_NAMES", "CONFIDENCE_NAMES", "DOMAIN_NAMES", "chosen_of", "facets_of", "title_of"]
