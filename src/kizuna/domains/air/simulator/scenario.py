"""What is simulated, and what is true of it."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

Method = Literal["moved", "clone", "same-address", "ghost", "teleport", "swarm", "replay", "invalid"]
METHODS: tuple[Method, ...] = get_args(Method)
"""How something is planted: `spoofs` says of each what it does and what higher skill adds."""


class Spoof(msgspec.Struct, frozen=True):
    """One thing to plant, from the crudest way (skill 0) on."""

    method: Method
    skill: int = 0


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One capture. The same scenario gives the same bytes."""

    seed: int
    seconds: int = 600
    honest: int = 8
    """Number of honest aircraft."""
    spoofs: tuple[Spoof, ...] = ()
    latitude: float = 46.2
    longitude: float = 9.1
    altitude: float = 320.0
    """Where the receiver stands, in degrees and metres above the ellipsoid."""
    begin: int | None = None
    """Seconds since 1970; drawn from the seed where it is not given, in half of all so that a full hour passes."""
    clock: float | None = None
    """Seconds by which the receiver's clock is ahead; drawn where it is not given: by hours for one in four."""
    traffic: float = 10.0
    """Other frames a second."""
    radiotap: bool = True
    """Whether the receiver writes radiotap before frames of Wi-Fi; without it there are no signal levels."""
    rotation: float | None = None
    """Seconds after which every honest aircraft changes its address; where it is given, each sends over Bluetooth alone."""


class Path(msgspec.Struct, frozen=True):
    """Places over time: microseconds since 1970 on the receiver's clock, degrees, metres above the ellipsoid."""

    times: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    altitude: NDArray[np.float64]


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever says one identity: an honest aircraft (`method` is nothing), or what was planted. A clone has its victim's identity."""

    id: str
    raw_id: bytes
    id_type: int
    method: Method | None = None
    skill: int = 0
    since: int
    """Microseconds since 1970 on the receiver's clock, when its first frame was heard."""
    transmitters: tuple[str, ...]
    carriers: tuple[str, ...]
    frames: int
    """Frames that were heard of it."""
    path: Path
    """Where that which sends truly was: the aircraft, or the place on the ground from which it is forged."""
    claimed: Path
    """Where it said to be."""


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of a capture. Actors of whom no frame was heard are not in it."""

    actors: tuple[Actor, ...]
    begin: int
    """Microseconds since 1970 on the receiver's clock."""
    clock: float

    @property
    def spoofed(self) -> dict[str, Actor]:
        """By identity, what was planted under it."""
        return {actor.id: actor for actor in self.actors if actor.method is not None}

    @property
    def honest(self) -> dict[str, Actor]:
        """By identity, the aircraft whose identity nobody else uses."""
        spoofed = self.spoofed
        return {actor.id: actor for actor in self.actors if actor.id not in spoofed}


class Capture(msgspec.Struct, frozen=True):
    """A pcapng file, and what is true of it."""

    data: bytes
    truth: Truth
