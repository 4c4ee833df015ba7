"""How sure somebody is of an object, as STIX states it: 0 to 100, in the bands of its None / Low / Med / High scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNSTATED = "unstated"
BANDS = (UNSTATED, "none", "low", "medium", "high")
"""In the order of their numbers. STIX 2.1 appendix A: none is 0, low 1 to 29, medium 30 to 69, high 70 to 100."""
IN_SQL = "case when value=0 then 1 when value<30 then 2 when value<70 then 3 else 4 end"


def stated(data: Mapping[str, Any]) -> int | None:
    """The confidence that an object states; None where it states none, or what cannot be one."""
    value = data.get("confidence")
    return value if type(value) is int and 0 <= value <= 100 else None


def band_of(data: Mapping[str, Any]) -> str:
    """The band of an object's confidence."""
    value = stated(data)
    if value is None:
        return UNSTATED
    return BANDS[1 if value == 0 else 2 if value < 30 else 3 if value < 70 else 4]


__all__ = ["BANDS", "IN_SQL", "UNSTATED", "band_of", "stated"]
