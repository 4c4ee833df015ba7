"""Where something is: countries, regions and points of locations (section 4.10)."""

from __future__ import annotations

from typing import Any

Place = tuple[str, str, str]
"""Kind (country, region or point), value, path."""


def places(data: dict[str, Any]) -> list[Place]:
    """The places a location states: COUNTRY, region, point as `latitude,longitude` in degrees."""
    if data.get("type") != "location":
        return []
    found: list[Place] = []
    country, region = data.get("country"), data.get("region")
    if isinstance(country, str) and country:
        found.append(("country", country.strip().upper(), "country"))
    if isinstance(region, str) and region:
        found.append(("region", region.strip().lower(), "region"))
    latitude, longitude = _degrees(data.get("latitude"), 90), _degrees(data.get("longitude"), 180)
    if latitude is not None and longitude is not None:
        # Six decimals are 11 cm at the equator: finer is noise, and equal points should read alike.
        found.append(("point", f"{latitude:.6f},{longitude:.6f}", "latitude"))
    return found


def _degrees(value: Any, limit: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= limit:
        return None
    return round(float(value), 6) + 0.0  # minus zero becomes zero
