"""Whether a flight keeps to the form: the serial number's (ANSI/CTA-2063-A), and what the format does not allow."""

from __future__ import annotations

import re

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.reports import QUIRKS
from kizuna.domains.air.truth import WEIGHTS

_SERIAL = re.compile(r"[0-9A-HJ-NP-Z]{4}([1-9A-F])([0-9A-HJ-NP-Z]{1,15})")
_REASONS = {
    "version": "unknown-version",
    "range": "impossible-value",
    "code": "unknown-code",
    "reserved": "reserved-bits",
    "pack-cut-short": "pack-cut-short",
    "no-rates": "no-rates",
}
_OFTEN = 20
_BITS = tuple((1 << number, _REASONS[name]) for number, name in enumerate(QUIRKS))


def well_formed(serial: str) -> bool:
    """Whether a serial number is one by ANSI/CTA-2063-A: four characters of the maker, one of the length, as many of the number."""
    match = _SERIAL.fullmatch(serial)
    return match is not None and len(match[2]) == int(match[1], 16)


def check_serial(flight: Flight, serial: str, time: float) -> None:
    """Look at a serial number."""
    if not well_formed(serial):
        flight.find("serial-form", WEIGHTS["serial-form"], time, serial=serial)


def check_quirks(flight: Flight, quirks: int, time: float) -> None:
    """Note what the format does not allow. A value that cannot be may be a fault once; nobody honest goes on with it."""
    for bit, code in _BITS:
        if quirks & bit:
            flight.odd[code] = times = flight.odd.get(code, 0) + 1
            weight = 1.0 if code == "impossible-value" and times >= _OFTEN else WEIGHTS[code]
            flight.find(code, weight, time)
