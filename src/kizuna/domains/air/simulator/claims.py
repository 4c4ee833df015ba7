"""What an aircraft says each second: its identity, place and operator, with the errors of its satellite receiver."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from kizuna.domains.air.simulator.flight import Flight, Floats, Place, disc, still, wander
from kizuna.formats.remote_id.blocks import Bytes, encode_many
from kizuna.formats.remote_id.fields import EPOCH_2019
from kizuna.formats.remote_id.messages import name_text

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Of serial numbers (ANSI/CTA-2063-A, section 4): without O and I, which look like digits."""
SERIAL, REGISTRATION, SESSION = 1, 2, 3
GROUND, AIRBORNE = 1, 2


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who it says to be."""

    raw: bytes
    type: int = SERIAL
    aircraft: int = 2
    operator: str | None = None

    @property
    def name(self) -> str:
        return name_text(self.type, self.raw)


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What is said, one row a second from the moment given on: columns of the location and of the system message."""

    identity: Identity
    moments: Floats
    """Seconds since 1970, true time, from which each row is sent."""
    age: float = 0.0
    """Seconds since the satellite receiver measured what is said."""
    location: dict[str, Any]
    system: dict[str, Any] | None = None
    version: int = 2

    def messages(self) -> tuple[Bytes, list[Bytes]]:
        """The location messages, and blocks of the messages beside them, all of shape (n, 25)."""
        n, identity = len(self.moments), self.identity
        named = {"id_type": identity.type, "aircraft": identity.aircraft, "id": identity.raw}
        basic = encode_many("basic-id", named, n, version=self.version)  # type: ignore[arg-type]
        others = [basic]
        if self.system is not None:
            others.append(encode_many("system", self.system, n, version=self.version))
        if identity.operator is not None:
            told: dict[str, Any] = {"operator_id": identity.operator}
            others.append(encode_many("operator-id", told, n, version=self.version))
        return encode_many("location", self.location, n, version=self.version), others

    def changed(self, **columns: Any) -> Said:
        """The same with other columns of the location."""
        return msgspec.structs.replace(self, location={**self.location, **columns})


def letters(rng: np.random.Generator, n: int) -> str:
    return "".join(_ALPHABET[index] for index in rng.integers(0, len(_ALPHABET), n))


def serial(rng: np.random.Generator) -> bytes:
    """A serial number: code of its maker, how long the rest is, the rest."""
    length = int(rng.integers(8, 16))
    return f"{letters(rng, 4)}{length:X}{letters(rng, length)}".encode()


def identity(rng: np.random.Generator, *, aircraft: int = 2, plain: bool = False) -> Identity:
    """Four of five name themselves by serial number, all if `plain`; the others by registration or by a session's number."""
    kind = rng.random()
    operator = f"FIN{letters(rng, 12).lower()}" if rng.random() < 0.4 else None
    if plain or kind < 0.8:
        return Identity(raw=serial(rng), aircraft=aircraft, operator=operator)
    if kind < 0.9:
        return Identity(raw=f"XX-{letters(rng, 5)}".encode(), type=REGISTRATION, aircraft=aircraft, operator=operator)
    return Identity(raw=bytes(rng.integers(1, 256, 16).tolist()), type=SESSION, aircraft=aircraft, operator=operator)


def say(
    rng: np.random.Generator,
    who: Identity,
    flight: Flight,
    place: Place,
    begin: float,
    *,
    clean: bool = False,
    early: float = 0.0,
    complete: bool = False,
) -> Said:
    """What an aircraft on that flight says; `clean` without errors of measurement, `complete` with its operator for certain.

    `early` seconds is its clock behind.
    """
    n = len(flight.places)
    moments = begin + rng.uniform(0, 1) + np.arange(n, dtype=np.float64)
    age = float(rng.uniform(0.1, 0.9))
    code, error = _errors(rng, n, clean)
    latitude, longitude = place.degrees(flight.places[:, 0] + error[:, 0], flight.places[:, 1] + error[:, 1])
    clock = 18.0 if not clean and rng.random() < 0.05 else 0.0  # some forget that satellites count no leap seconds
    location: dict[str, Any] = {
        "status": np.where(flight.airborne, AIRBORNE, GROUND),
        "latitude": latitude,
        "longitude": longitude,
        "horizontal_accuracy": code,
        "vertical_accuracy": int(rng.choice((0, 3, 4, 5))),
        "speed_accuracy": int(rng.choice((0, 3, 4))),
        "second": np.round((moments - age - early + clock) % 3600, 1) % 3600,
        "time_accuracy": float(rng.choice((0.1, 0.5, 1.0))),
        **_motion(rng, flight, clean),
        **_heights(rng, flight, place, error[:, 2]),
    }
    if not clean and rng.random() < 0.2:
        _hold(rng, location, n)
    system = _system(rng, flight, place, moments - early, complete=complete)
    version = int(rng.choice((0, 1, 2, 2)))
    return Said(identity=who, moments=moments, age=age, location=location, system=system, version=version)


def _hold(rng: np.random.Generator, location: dict[str, Any], n: int) -> None:
    """Without satellites for some seconds, the last place is said again, with its time."""
    for _ in range(int(rng.integers(1, 4))):
        at, length = int(rng.integers(0, n)), int(rng.integers(2, 12))
        for name in ("latitude", "longitude", "second"):
            location[name][at : at + length] = location[name][at]


def _errors(rng: np.random.Generator, n: int, clean: bool) -> tuple[int, Floats]:
    """The code of accuracy stated, and errors in metres (n, 3): slow ones within it, and for half of all now and then a reflection."""
    code = int(rng.choice((0, 9, 10, 10, 10, 11, 11)))
    deviation = {0: 2.0, 9: 6.0, 10: 2.5, 11: 0.9}[code]
    if clean:
        return code, np.zeros((n, 3))
    error = np.stack([wander(rng, n, part * deviation, 0.97) for part in (1.0, 1.0, 1.8)], axis=1)
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(1, 4))):
            at, length = int(rng.integers(0, n)), int(rng.integers(1, 10))
            error[at : at + length] += np.array([*disc(rng, 10, 40), rng.normal(0, 15)])
    return code, error


def _motion(rng: np.random.Generator, flight: Flight, clean: bool) -> dict[str, Any]:
    velocity = flight.velocity + (0 if clean else rng.normal(0, 0.25, flight.places.shape))
    velocity[~flight.airborne] = 0
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    course = np.degrees(np.arctan2(velocity[:, 0], velocity[:, 1])) % 360
    if not clean:  # who hovers has no course: the nose's, or nothing
        course = np.where(speed < 0.7, float(rng.choice((np.nan, 84.0, 271.0))), course)
    return {"speed": speed, "direction": course, "vertical_speed": np.clip(velocity[:, 2], -62, 62)}


def _heights(rng: np.random.Generator, flight: Flight, place: Place, error: Floats) -> dict[str, Any]:
    """Three heights, of which one aircraft in three leaves one or two unknown."""
    n = len(error)
    above = place.altitude + flight.places[:, 2]
    heights: dict[str, Any] = {
        "geodetic_altitude": above + error,
        "pressure_altitude": above + float(rng.normal(0, 60)) + wander(rng, n, 0.6, 0.99),
        "height": flight.places[:, 2] - flight.ground + wander(rng, n, 0.6, 0.99),
        "height_reference": int(rng.random() < 0.15),
    }
    if rng.random() < 0.35:
        for name in rng.choice(
            ("geodetic_altitude", "pressure_altitude", "height"), int(rng.integers(1, 3)), replace=False
        ):
            heights[str(name)] = None
    return heights


def _system(
    rng: np.random.Generator, flight: Flight, place: Place, moments: Floats, *, complete: bool
) -> dict[str, Any] | None:
    """Where the operator is: not said, at the take-off, walking, at a fixed place, or kilometres away."""
    n, home = len(moments), flight.places[0, :2]
    how = rng.uniform(0.15 if complete else 0.0, 1.0)
    if how < 0.15:
        return None
    feet = still(home + disc(rng, 0, 40), n)
    kind = 0
    if how < 0.5:
        kind = 1
        pace = rng.normal(0, 0.7, (n, 2)) * (rng.random(n) < 0.4)[:, None]
        feet = feet + np.cumsum(pace, axis=0)
    elif how < 0.7:
        kind = 2
    elif how < 0.8:
        kind, feet = 2, still(home + disc(rng, 3000, 9000), n)
    latitude, longitude = place.degrees(feet[:, 0], feet[:, 1])
    european = int(rng.random() < 0.6)
    return {
        "classification": european,
        "operator_place": kind,
        "operator_latitude": latitude,
        "operator_longitude": longitude,
        "area_count": 1,
        "category": european,
        "class": int(rng.integers(1, 5)) if european else 0,
        "operator_altitude": place.altitude + flight.ground if rng.random() < 0.6 else None,
        "stated": np.floor(moments) - EPOCH_2019 if rng.random() < 0.7 else None,
    }
