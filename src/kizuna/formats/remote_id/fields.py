"""The fields of Open Drone ID messages (ASTM F3411-22a, section 5.4.5; EN 4709-002): where each lies, its unit, scale and range.

A message is 25 bytes: type in the high and version in the low half of the first, then these fields, little-endian. One table serves
decoding, encoding, the tests and the reference. `unknown` is what a sender writes when it does not know; it reads as not-a-number
(numbers) or as nothing (texts).
"""

from __future__ import annotations

from typing import Literal

import msgspec

SIZE = 25
"""Bytes of a message."""
MOST_PACKED = 9
"""Messages in one pack."""
VERSIONS = (0, 1, 2)
"""Protocol versions: F3411-19, F3411-20 (EN 4709-002) and F3411-22a; the fields lie at the same places in each."""

Kind = Literal["bits", "u8", "i8", "u16", "i32", "u32", "text", "bytes"]
Message = Literal["basic-id", "location", "authentication", "self-id", "system", "operator-id"]

TYPES: dict[int, Message] = {
    0: "basic-id",
    1: "location",
    2: "authentication",
    3: "self-id",
    4: "system",
    5: "operator-id",
}
PACK = 0xF


class Field(msgspec.Struct, frozen=True):
    """One field: `value = raw * scale + base` in `unit`. `size` is bytes of a text; `shift` and `width` place bits within a byte.

    `low` and `high` bound the value; outside of them it is no value that the standard allows.
    """

    name: str
    at: int
    kind: Kind
    unit: str = ""
    scale: float = 1.0
    base: float = 0.0
    unknown: int | None = None
    low: float | None = None
    high: float | None = None
    size: int = 0
    shift: int = 0
    width: int = 0
    names: tuple[str, ...] = ()
    """Of a code: what each means, from 0 on."""
    meant: int = 0
    """Of a code without names: how many have a meaning."""
    private: int | None = None
    """Of a code: from which on anybody may give them a meaning of their own."""


ID_TYPES = ("none", "serial-number", "registration", "utm-session", "specific-session")
AIRCRAFT = (
    "none", "aeroplane", "helicopter-or-multirotor", "gyroplane", "hybrid-lift", "ornithopter", "glider", "kite",
    "free-balloon", "captive-balloon", "airship", "free-fall-or-parachute", "rocket", "tethered-powered", "ground-obstacle", "other",
)  # fmt: skip
STATUS = ("undeclared", "ground", "airborne", "emergency", "remote-id-failure")
HORIZONTAL = (
    None, 18_520.0, 7_408.0, 3_704.0, 1_852.0, 926.0, 555.6, 185.2, 92.6, 30.0, 10.0, 3.0, 1.0,
)  # fmt: skip
"""Metres, 95 % of the time, by code of horizontal accuracy; None is unknown."""
VERTICAL = (None, 150.0, 45.0, 25.0, 10.0, 3.0, 1.0)
"""Metres, by code of vertical accuracy."""
SPEED = (None, 10.0, 3.0, 1.0, 0.3)
"""Metres a second, by code of speed accuracy."""
OPERATOR_PLACES = ("take-off", "live", "fixed")
CLASSIFICATIONS = ("undeclared", "european-union")
EU_CATEGORIES = ("undeclared", "open", "specific", "certified")
EU_CLASSES = ("undeclared", "C0", "C1", "C2", "C3", "C4", "C5", "C6")
SELF_TYPES = ("text", "emergency", "extended-status")
OPERATOR_ID_TYPES = ("operator-id",)
AUTHENTICATIONS = (
    "none",
    "uas-id-signature",
    "operator-id-signature",
    "message-set-signature",
    "network-remote-id",
    "specific",
)
HEIGHT_REFERENCES = ("above-take-off", "above-ground")


def _bits(name: str, at: int, shift: int, width: int, names: tuple[str, ...] = (), *, meant: int = 0) -> Field:
    return Field(name, at, "bits", shift=shift, width=width, names=names, meant=meant)


def _metres(name: str, at: int) -> Field:
    """Half metres from -1,000 m on; 0 is unknown."""
    return Field(name, at, "u16", "m", 0.5, -1000.0, unknown=0, low=-1000.0, high=31_767.5)


def _degrees(name: str, at: int, most: float) -> Field:
    return Field(name, at, "i32", "°", 1e-7, low=-most, high=most)


FIELDS: dict[Message, tuple[Field, ...]] = {
    "basic-id": (
        _bits("id_type", 1, 4, 4, ID_TYPES),
        _bits("aircraft", 1, 0, 4, AIRCRAFT),
        Field("id", 2, "text", size=20),
    ),
    "location": (
        _bits("status", 1, 4, 4, STATUS),
        _bits("height_reference", 1, 2, 1, HEIGHT_REFERENCES),
        _bits("west", 1, 1, 1),
        _bits("fast", 1, 0, 1),
        Field("direction_raw", 2, "u8"),
        Field("speed_raw", 3, "u8"),
        Field("vertical_speed", 4, "i8", "m/s", 0.5, unknown=126, low=-62.0, high=62.0),
        _degrees("latitude", 5, 90.0),
        _degrees("longitude", 9, 180.0),
        _metres("pressure_altitude", 13),
        _metres("geodetic_altitude", 15),
        _metres("height", 17),
        _bits("vertical_accuracy", 19, 4, 4, meant=len(VERTICAL)),
        _bits("horizontal_accuracy", 19, 0, 4, meant=len(HORIZONTAL)),
        _bits("pressure_accuracy", 20, 4, 4, meant=len(VERTICAL)),
        _bits("speed_accuracy", 20, 0, 4, meant=len(SPEED)),
        Field("second", 21, "u16", "s after the hour", 0.1, unknown=0xFFFF, low=0.0, high=3600.0),
        Field("time_accuracy", 23, "bits", "s", 0.1, shift=0, width=4, unknown=0),
    ),
    "authentication": (
        Field("authentication", 1, "bits", shift=4, width=4, names=AUTHENTICATIONS, private=10),
        _bits("page", 1, 0, 4),
        Field("last_page", 2, "u8"),
        Field("length", 3, "u8"),
        Field("signed", 4, "u32", "s since 2019-01-01"),
        Field("data", 8, "bytes", size=17),
    ),
    "self-id": (
        Field("description_type", 1, "u8", names=SELF_TYPES, private=201),
        Field("description", 2, "text", size=23),
    ),
    "system": (
        _bits("classification", 1, 2, 3, CLASSIFICATIONS),
        _bits("operator_place", 1, 0, 2, OPERATOR_PLACES),
        _degrees("operator_latitude", 2, 90.0),
        _degrees("operator_longitude", 6, 180.0),
        Field("area_count", 10, "u16"),
        Field("area_radius", 12, "u8", "m", 10.0),
        _metres("area_ceiling", 13),
        _metres("area_floor", 15),
        _bits("category", 17, 4, 4, EU_CATEGORIES),
        _bits("class", 17, 0, 4, EU_CLASSES),
        _metres("operator_altitude", 18),
        Field("stated", 20, "u32", "s since 2019-01-01", unknown=0),
    ),
    "operator-id": (
        Field("operator_id_type", 1, "u8", names=OPERATOR_ID_TYPES, private=201),
        Field("operator_id", 2, "text", size=20),
    ),
}
"""The fields of each message. Of an authentication, pages after the first hold data from byte 2 on."""

RESERVED: dict[Message, tuple[int, ...]] = {
    "basic-id": (22, 23, 24),
    "location": (24,),
    "authentication": (),
    "self-id": (),
    "system": (24,),
    "operator-id": (22, 23, 24),
}
"""Bytes that are zero."""

EPOCH_2019 = 1_546_300_800
"""2019-01-01T00:00:00Z in seconds since 1970, from which times of these messages count."""
FASTEST = 254.25
"""m/s, the highest speed that can be written."""
