"""The programme area an object serves when nobody says: the field its framework belongs to, else STIX's home, cyber defence."""

from __future__ import annotations

from typing import Any

DEFAULT = "cyber-defence"
# Kill chains name the framework, and frameworks the field.
_BY_KILL_CHAIN = {
    "disarm": "strategic-communications",
    "sparta": "space-security",
    "mitre-atlas": "emerging-technologies",
}


def area_of(data: dict[str, Any]) -> str | None:
    """The area an object's own words name; None when they name none."""
    phases = data.get("kill_chain_phases")
    if not phases:
        return None
    return next((area for phase in phases if (area := _BY_KILL_CHAIN.get(phase.get("kill_chain_name", "")))), None)
