"""The programme's areas, as the pack that ships states them."""

from __future__ import annotations

from functools import lru_cache

from kizuna.formats.pack import Area, load
from kizuna.web.i18n import Language


@lru_cache(maxsize=1)
def areas() -> tuple[Area, ...]:
    """All of them, in the programme's order."""
    return load("programme").programme().areas


def area_name(name: str | None, language: Language) -> str | None:
    """What an area is called; one that the programme does not know is called as it is written."""
    for area in areas():
        if area.area == name and area.name is not None:
            return str(getattr(area.name, language.code))
    return name
