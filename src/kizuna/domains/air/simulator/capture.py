"""A scenario played: who flies, who forges, what a receiver has of them in its file, and what is true."""

from __future__ import annotations

import numpy as np

from kizuna.domains.air.simulator.fleet import Sender, fleet
from kizuna.domains.air.simulator.flight import Floats, Place
from kizuna.domains.air.simulator.radio import Heard, Scene, hear
from kizuna.domains.air.simulator.scenario import Actor, Capture, Path, Scenario, Truth
from kizuna.domains.air.simulator.spoofs import World, plant
from kizuna.domains.air.simulator.traffic import traffic
from kizuna.errors import InvalidInput
from kizuna.formats.pcap_writer import BLUETOOTH_LE, IEEE_802_11, RADIOTAP, Interface, pcapng

_DAYS = 20_454
"""2026-01-01, from which beginnings are drawn, in days since 1970."""


def simulate(scenario: Scenario) -> Capture:
    """The capture file of a scenario, and its truth. The same scenario gives the same bytes.

    Raises InvalidInput for one of less than twenty seconds, and for a clone where no honest aircraft is.
    """
    if scenario.seconds < 20:
        raise InvalidInput(f"a capture lasts at least 20 seconds, not {scenario.seconds}")
    scene = _scene(scenario)
    place = Place(scenario.latitude, scenario.longitude, scenario.altitude)
    senders = fleet(scenario.seed, scenario.honest, place, scene, rotation=scenario.rotation)
    world = World(place, scene, list(senders))
    for number, spoof in enumerate(scenario.spoofs):
        senders += plant(scenario.seed, number, spoof, world)
    frames, actors = [], []
    for number, sender in enumerate(senders):
        rng = np.random.default_rng((scenario.seed, 6, number))
        all_heard = [hear(rng, sender.said, radio, sender.places, scene, since=sender.since) for radio in sender.radios]
        heard = [one for one in all_heard if one.count]
        frames += [part for one in heard for part in one.frames]
        if heard:
            actors.append(_actor(sender, heard, place, scene))
    frames += traffic(scenario.seed, scene, scenario.traffic, bluetooth=True)
    interfaces = [
        Interface(RADIOTAP if scenario.radiotap else IEEE_802_11, "wlan0"),
        Interface(BLUETOOTH_LE, "bluetooth0"),
    ]
    truth = Truth(actors=tuple(actors), begin=_written(scene, scene.begin), clock=scene.clock)
    return Capture(pcapng(interfaces, frames), truth)


def _scene(scenario: Scenario) -> Scene:
    rng = np.random.default_rng((scenario.seed, 0))
    begin = (_DAYS + int(rng.integers(0, 365))) * 86_400 + int(rng.integers(0, 86_400))
    if rng.random() < 0.5:
        begin -= begin % 3600 - 3600 + int(scenario.seconds * rng.uniform(0.2, 0.8))
    hours = rng.random() < 0.25
    clock = float(rng.uniform(-9, 9)) * 3600 if hours else float(rng.normal(0, 0.05))
    return Scene(
        begin=float(begin if scenario.begin is None else scenario.begin),
        seconds=scenario.seconds,
        clock=clock if scenario.clock is None else scenario.clock,
        radiotap=scenario.radiotap,
    )


def _actor(sender: Sender, heard: list[Heard], place: Place, scene: Scene) -> Actor:
    said = sender.said
    at = int(sender.since)
    true = _path(sender.places[at:], said.moments[at:] - said.age, place, scene)
    return Actor(
        id=sender.identity.name,
        raw_id=sender.identity.raw,
        id_type=sender.identity.type,
        method=sender.method,
        skill=sender.skill,
        since=min(one.first for one in heard),
        transmitters=tuple(name for one in heard for name in one.addresses),
        carriers=tuple(one.carrier for one in heard),
        frames=sum(one.count for one in heard),
        path=true,
        claimed=_claimed(sender, at, true),
    )


def _path(places: Floats, moments: Floats, place: Place, scene: Scene) -> Path:
    latitude, longitude = place.degrees(places[:, 0], places[:, 1])
    return Path(_written_all(scene, moments), latitude, longitude, place.altitude + places[:, 2])


def _claimed(sender: Sender, at: int, true: Path) -> Path:
    location = sender.said.location
    n = len(sender.said.moments)
    altitude = location["geodetic_altitude"]
    told = np.full(n, np.nan) if altitude is None else np.broadcast_to(np.asarray(altitude, dtype=np.float64), (n,))
    return Path(true.times, location["latitude"][at:], location["longitude"][at:], told[at:])


def _written(scene: Scene, moment: float) -> int:
    return round((moment + scene.clock) * 1e6)


def _written_all(scene: Scene, moments: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.rint((moments + scene.clock) * 1e6).astype(np.int64)
