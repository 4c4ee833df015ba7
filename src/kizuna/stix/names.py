"""What people call an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMING = ("name", "value", "opinion", "relationship_type", "path")


def name_of(data: Mapping[str, Any]) -> str | None:
    """`name`, else `value`, else the relationship's kind, else what a translation calls its object; None without any."""
    named = [data.get(key) for key in _NAMING]
    contents = data.get("contents")
    if data.get("type") == "language-content" and isinstance(contents, dict):
        named += [words.get("name") for words in contents.values() if isinstance(words, dict)]
    return next((text for text in named if isinstance(text, str) and text), None)
