"""What is known of a sensor: where it stands, how far and where it hears, and who may see what it hears and what it is."""

from __future__ import annotations

import msgspec

REACH = 15_000.0
"""Metres; Remote ID over Wi-Fi or Bluetooth is not heard from further away without a dish."""


class Sensor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One receiver. Degrees and metres; without a place, nothing that rests on where it stands is looked at.

    `azimuth` and `width` are its field of view in degrees, all around by default. `label` is that of what it sees, and
    `operator_label` of where operators are, where that differs; `own_label` is that of the sensor itself, which stays within the
    organisation without one. Which sensor heard something, and how well, always stays there.
    """

    name: str
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    accuracy: float = 10.0
    """How well its own place is known, metres: it is nowhere else than within these."""
    reach: float = REACH
    azimuth: float = 0.0
    width: float = 360.0
    label: str | None = None
    own_label: str | None = None
    operator_label: str | None = None
    area: str | None = None
