"""What a new version of an object may change (section 3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import timestamps
from .problem import Problem
from .rules import problem


def version_problems(previous: Mapping[str, Any], new: Mapping[str, Any]) -> list[Problem]:
    """The breaches in going from one version of an object to the next; both must be valid by themselves."""
    if previous == new:
        return []  # the same version again is no new version
    found = [
        problem(rule, path, message)
        for rule, path, message in (
            ("version-id", "id", "a new version keeps the id"),
            ("version-created", "created", "a new version keeps the time of creation"),
            ("version-created-by", "created_by_ref", "only the creator makes a new version"),
        )
        if previous.get(path) != new.get(path)
    ]
    if previous.get("revoked") is True:
        found.append(problem("version-revoked", "$", "a revoked object has no further versions"))
    found.extend(_modified_problems(previous, new))
    return found


def _modified_problems(previous: Mapping[str, Any], new: Mapping[str, Any]) -> list[Problem]:
    before, after = previous.get("modified"), new.get("modified")
    if not (isinstance(before, str) and isinstance(after, str)):
        return []
    if timestamps.is_before(before, after):
        return []
    return [problem("version-modified", "modified", f"{after} is not later than the previous version's {before}")]
