"""Honest aircraft, as untidy as real ones are."""

from __future__ import annotations

import msgspec
import numpy as np

from kizuna.domains.air.simulator.claims import Identity, Said, identity, letters, say
from kizuna.domains.air.simulator.flight import Flight, Floats, Place, aeroplane, disc, multirotor
from kizuna.domains.air.simulator.radio import Radio, Scene
from kizuna.domains.air.simulator.scenario import Method

_MULTIROTOR, _AEROPLANE = 2, 1


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who says something from somewhere: an aircraft, or whoever forges one."""

    identity: Identity
    said: Said
    radios: tuple[Radio, ...]
    places: Floats
    """Where the transmitter truly is, second by second, shape (n, 3)."""
    method: Method | None = None
    skill: int = 0
    since: float = 0.0
    """Seconds after the beginning at which it begins to send."""


def fleet(seed: int, count: int, place: Place, scene: Scene, *, rotation: float | None = None) -> list[Sender]:
    """That many aircraft. The first names itself by serial number in beacons; in half of all the second passes it within 20 m.

    With a `rotation` all send over Bluetooth alone, by an address that is another after so many seconds.
    """
    flights = [_flight(np.random.default_rng((seed, 1, index)), scene.seconds) for index in range(count)]
    rng = np.random.default_rng((seed, 2))
    if count > 1 and rng.random() < 0.5:
        at = int(scene.seconds * rng.uniform(0.3, 0.8))
        aside = np.array([*disc(rng, 6, 17), rng.uniform(-6, 6)])
        kind, other = flights[1]
        flights[1] = kind, other.moved(flights[0][1].places[at] - other.places[at] + aside)
    found = [
        _aircraft(np.random.default_rng((seed, 3, index)), kind, flight, place, scene, first=index == 0)
        for index, (kind, flight) in enumerate(flights)
    ]
    return found if rotation is None else [_rotating(number, one, rotation) for number, one in enumerate(found)]


def _rotating(number: int, sender: Sender, rotation: float) -> Sender:
    own = sender.radios[0]
    radio = Radio(
        carrier="extended" if number % 2 else "legacy", address=own.address, power=own.power, counter=own.counter, lost=own.lost,
        silent=own.silent, rotation=rotation,
    )  # fmt: skip
    return msgspec.structs.replace(sender, radios=(radio,))


def _flight(rng: np.random.Generator, seconds: int) -> tuple[int, Flight]:
    if rng.random() < 0.25:
        return _AEROPLANE, aeroplane(rng, seconds, disc(rng, 200, 1000))
    return _MULTIROTOR, multirotor(rng, seconds, disc(rng, 100, 1300))


def _aircraft(
    rng: np.random.Generator, kind: int, flight: Flight, place: Place, scene: Scene, *, first: bool
) -> Sender:
    who = identity(rng, aircraft=kind, plain=first)
    said = say(rng, who, flight, place, scene.begin)
    return Sender(identity=who, said=said, radios=_radios(rng, scene, first=first), places=flight.places)


def _radios(rng: np.random.Generator, scene: Scene, *, first: bool) -> tuple[Radio, ...]:
    """What it sends on: Wi-Fi, Bluetooth, or both at once; with gaps out of range, and one in ten restarts in flight."""
    how = rng.random()
    silent = _gaps(rng, scene.seconds)
    restart = float(rng.uniform(0.2, 0.8)) * scene.seconds if rng.random() < 0.1 else None
    wifi = msgspec.structs.replace(honest_radio(rng), silent=silent, restart=restart)
    blue = Radio(
        carrier="legacy" if rng.random() < 0.5 else "extended",
        address=bytes(rng.integers(0, 256, 6).tolist()),
        power=float(rng.uniform(8, 18)),
        counter=int(rng.integers(0, 256)),
        lost=float(rng.uniform(0.05, 0.6)),
        silent=silent,
        rotation=float(rng.choice((0.0, 900.0, 900.0, 1.0))),
    )
    if first or how < 0.45:
        return (wifi,) if how < 0.75 else (wifi, blue)
    if how < 0.55:
        return (msgspec.structs.replace(wifi, carrier="nan", restart=None, full=True),)
    return (blue,) if how < 0.77 else (wifi, blue)


def honest_radio(rng: np.random.Generator) -> Radio:
    """Beacons as a real aircraft sends them, or for one in six as a module added to it does."""
    return Radio(
        carrier="beacon",
        address=b"\x90" + bytes(rng.integers(0, 256, 5).tolist()),
        ssid=f"UA-{letters(rng, 6)}",
        manner="module" if rng.random() < 0.16 else "access-point",
        power=float(rng.uniform(15, 20)),
        clock=float(rng.uniform(15, 3000)),
        drift=float(rng.normal(0, 1e-5)),
        sequence=int(rng.integers(0, 4096)),
        counter=int(rng.integers(0, 256)),
        lost=float(rng.uniform(0.02, 0.6)),
    )


def _gaps(rng: np.random.Generator, seconds: int) -> tuple[tuple[float, float], ...]:
    if rng.random() > 0.35:
        return ()
    starts = rng.uniform(0.1, 0.9, int(rng.integers(1, 3))) * seconds
    return tuple((float(start), float(start + rng.uniform(20, 40))) for start in starts)
