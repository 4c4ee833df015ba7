"""What can be planted: eight ways to forge aircraft, each of several grades of skill. Written to files only; nothing is transmitted.

Skill 0 is what simple tools do (time stamps and sequence numbers of zero, no elements beside the name); with more skill one trace
after another goes away, and what remains is what the way itself cannot avoid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from kizuna.domains.air.simulator.claims import Identity, Said, identity, letters, say
from kizuna.domains.air.simulator.fleet import Sender, honest_radio
from kizuna.domains.air.simulator.flight import Flight, Floats, Place, aeroplane, disc, multirotor, outbound, still
from kizuna.domains.air.simulator.radio import Radio, Scene
from kizuna.domains.air.simulator.scenario import METHODS, Method, Spoof
from kizuna.errors import InvalidInput
from kizuna.formats.remote_id.fields import EPOCH_2019

SWARM = 20
"""Identities that one transmitter forges."""


class World(msgspec.Struct, frozen=True):
    """What a forger finds: the place, the receiver's scene and the honest aircraft."""

    place: Place
    scene: Scene
    honest: list[Sender]

    @property
    def seconds(self) -> int:
        return self.scene.seconds


def plant(seed: int, number: int, spoof: Spoof, world: World) -> list[Sender]:
    """The senders of one spoof, beginning within the first half of the capture."""
    rng = np.random.default_rng((seed, 4, number, METHODS.index(spoof.method), spoof.skill))
    since = float(rng.uniform(0.05, 0.5)) * world.seconds
    senders = _WAYS[spoof.method](rng, spoof.skill, world)
    return [_begun(one, spoof, one.since + since) for one in senders]


def _begun(sender: Sender, spoof: Spoof, since: float) -> Sender:
    """A clock that starts with the forgery stands at zero then."""
    radios = tuple(
        msgspec.structs.replace(radio, clock=0.2 - since) if radio.clock == 0 else radio for radio in sender.radios
    )
    return msgspec.structs.replace(sender, method=spoof.method, skill=spoof.skill, since=since, radios=radios)


def _station(rng: np.random.Generator, world: World) -> Floats:
    """The forger's place, on the ground."""
    return still(np.array([*disc(rng, 60, 700), rng.uniform(-5, 15)]), world.seconds)


def _radio(rng: np.random.Generator, skill: int, **habits: Any) -> Radio:
    """Crude: all zeros and nothing beside the name. Better: a clock just started. Best: as an aircraft that has been running."""
    radio = msgspec.structs.replace(honest_radio(rng), moves=False, power=20.0, lost=float(rng.uniform(0.02, 0.3)))
    if skill == 0:
        crude = {"clock": None, "sequence": 0, "sequence_step": 0, "manner": "bare"}
        return msgspec.structs.replace(radio, **{**crude, **habits})
    if skill == 1:
        return msgspec.structs.replace(radio, **{"clock": 0.0, "sequence": 0, "manner": "module", **habits})
    return msgspec.structs.replace(radio, **habits)


def _elsewhere(rng: np.random.Generator, world: World) -> Flight:
    return multirotor(rng, world.seconds, disc(rng, 300, 1500))


def _claim(
    rng: np.random.Generator, who: Identity, flight: Flight, world: World, skill: int, early: float = 0.0
) -> Said:
    """Without errors of measurement unless skilled; where its operator is said to be is in it always."""
    return say(rng, who, flight, world.place, world.scene.begin, clean=skill == 0, early=early, complete=True)


def _frozen(columns: dict[str, Any], at: int) -> dict[str, Any]:
    return {name: value[at] if isinstance(value, np.ndarray) else value for name, value in columns.items()}


def _moved(rng: np.random.Generator, skill: int, world: World) -> list[Sender]:
    """One set of messages recorded earlier, sent again and again with other places; its time stands still (below skill 2 its counter too).

    At skill 0 the capture is the forger's own: two copies every four seconds.
    """
    who = identity(rng, plain=True)
    flight = _elsewhere(rng, world)
    said = _claim(rng, who, flight, world, 0, early=float(rng.uniform(600, 90_000)))
    step = 4 if skill == 0 else 1
    held = np.arange(world.seconds) // step * step
    places = {name: said.location[name][held] for name in ("latitude", "longitude")}
    location = {**_frozen(said.location, 0), **places}
    system = _frozen(said.system, 0) if said.system else None
    said = msgspec.structs.replace(said, location=location, system=system)
    radio = _radio(rng, skill, full=True, counter_step=0 if skill < 2 else 1)
    if skill == 0:
        radio = msgspec.structs.replace(radio, injected=True, period=4.06, lost=0.0)
    return [Sender(identity=who, said=said, radios=(radio,), places=_station(rng, world))]


def _victim(rng: np.random.Generator, world: World) -> Sender:
    """An honest aircraft that sends beacons."""
    able = [one for one in world.honest if one.radios[0].carrier == "beacon"]
    if not able:
        raise InvalidInput("a clone needs an honest aircraft")
    return able[int(rng.integers(0, len(able)))]


def _clone(rng: np.random.Generator, skill: int, world: World) -> list[Sender]:
    """The identity of an aircraft that flies here, at the same time from another address elsewhere; its name too from skill 1."""
    victim = _victim(rng, world)
    aside = np.array([*disc(rng, 400, 2500), 0.0])
    flight = _elsewhere(rng, world).moved(aside)
    said = _claim(rng, victim.identity, flight, world, skill)
    radio = _radio(rng, skill)
    if skill >= 1:
        radio = msgspec.structs.replace(radio, ssid=victim.radios[0].ssid)
    return [Sender(identity=victim.identity, said=said, radios=(radio,), places=_station(rng, world))]


def _same_address(rng: np.random.Generator, skill: int, world: World) -> list[Sender]:
    """A clone that also has its victim's address: two clocks, two counts of frames and two signal levels under one."""
    victim = _victim(rng, world)
    (clone,) = _clone(rng, skill, msgspec.structs.replace(world, honest=[victim]))
    real = victim.radios[0]
    radio = msgspec.structs.replace(clone.radios[0], address=real.address, ssid=real.ssid)
    return [msgspec.structs.replace(clone, radios=(radio,))]


def _ghost(rng: np.random.Generator, skill: int, world: World) -> list[Sender]:
    """An invented aircraft between 200 m and 5 km away, from one place on the ground: the signal stays as it is."""
    who = identity(rng, plain=True)
    said = _claim(rng, who, outbound(rng, world.seconds), world, skill)
    return [Sender(identity=who, said=said, radios=(_radio(rng, skill),), places=_station(rng, world))]


def _teleport(rng: np.random.Generator, skill: int, world: World) -> list[Sender]:
    """An invented aircraft that is elsewhere at once (skill 0), or goes ten times as fast as it says (from skill 1)."""
    who = identity(rng, plain=True)
    flight = _elsewhere(rng, world)
    said = _claim(rng, who, flight, world, skill)
    n = world.seconds
    if skill == 0:
        hops = np.cumsum(rng.random(n) < 0.1)
        corners = np.stack([disc(rng, 500, 4000) for _ in range(int(hops[-1]) + 1)])[hops]
    else:
        turn = np.arange(n) * float(rng.uniform(0.06, 0.1))
        corners = np.stack([np.sin(turn), np.cos(turn)], axis=1) * 1800
    latitude, longitude = world.place.degrees(flight.places[:, 0] + corners[:, 0], flight.places[:, 1] + corners[:, 1])
    said = said.changed(latitude=latitude, longitude=longitude)
    return [Sender(identity=who, said=said, radios=(_radio(rng, skill),), places=_station(rng, world))]


def _swarm(rng: np.random.Generator, skill: int, world: World) -> list[Sender]:
    """Twenty invented aircraft from one transmitter, by turns: one address (skill 0), or twenty with one clock and one count of frames."""
    base, station = _radio(rng, 1, manner="module" if skill else "bare", period=1.0), _station(rng, world)
    senders = []
    for index in range(SWARM):
        who = identity(rng, plain=True)
        said = _claim(rng, who, multirotor(rng, world.seconds, disc(rng, 100, 1500)), world, skill)
        radio = msgspec.structs.replace(base, full=True, sequence=base.sequence + index, sequence_step=SWARM)
        said = msgspec.structs.replace(said, moments=world.scene.begin + np.arange(world.seconds, dtype=np.float64))
        if skill:
            radio = msgspec.structs.replace(
                radio, address=base.address[:5] + bytes((index,)), ssid=f"UA-{letters(rng, 6)}"
            )
        senders.append(Sender(identity=who, said=said, radios=(radio,), places=station, since=index / SWARM))
    return senders


def _replay(rng: np.random.Generator, skill: int, world: World) -> list[Sender]:
    """An honest flight recorded about an hour ago (skill 0), or exactly one hour: then only the operator's full time tells."""
    early = 3600.0 if skill else float(rng.uniform(2400, 3300))
    flight = aeroplane(rng, world.seconds, disc(rng, 200, 900)) if rng.random() < 0.3 else _elsewhere(rng, world)
    who = identity(rng, plain=True)
    said = _claim(rng, who, flight, world, 1, early=early)
    stated = np.floor(said.moments - early) - EPOCH_2019
    said = msgspec.structs.replace(said, system={**(said.system or {}), "stated": stated})
    return [Sender(identity=who, said=said, radios=(_radio(rng, 2),), places=_station(rng, world))]


def _invalid(rng: np.random.Generator, skill: int, world: World) -> list[Sender]:
    """What no standard allows: a latitude beyond the pole (skill 0), no serial number (1), no version (2), codes without meaning (3)."""
    who = identity(rng, plain=True)
    said = _claim(rng, who, _elsewhere(rng, world), world, 1)
    if skill == 0:
        said = said.changed(latitude=np.full(world.seconds, float(rng.uniform(91, 200))))
    elif skill == 1:
        who = msgspec.structs.replace(who, raw=f"oi{letters(rng, 3)}!{letters(rng, 5)}".encode())
        said = msgspec.structs.replace(said, identity=who)
    elif skill == 2:
        said = msgspec.structs.replace(said, version=int(rng.integers(4, 16)))
    else:
        said = said.changed(status=np.full(world.seconds, 9), second=np.full(world.seconds, 4321.0))
    return [Sender(identity=who, said=said, radios=(_radio(rng, 2),), places=_station(rng, world))]


_WAYS: dict[Method, Callable[[np.random.Generator, int, World], list[Sender]]] = {
    "moved": _moved,
    "clone": _clone,
    "same-address": _same_address,
    "ghost": _ghost,
    "teleport": _teleport,
    "swarm": _swarm,
    "replay": _replay,
    "invalid": _invalid,
}
