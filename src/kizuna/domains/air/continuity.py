"""Whose a new address is: an aircraft may change its address each second, and most of what it sends does not say who it is.

Two signs join what a new address says to the aircraft that another address sent. It says the very same place of the very same tenth of a
second: that is one aircraft, whichever radios it uses. Or it goes on, over the same carrier, where an address that has fallen silent left
off: so near as time, speed and heights allow. An address that is heard again was not given up, and what was joined to it comes apart.
"""

from __future__ import annotations

from math import cos, hypot, radians, sin

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.plane import Plane
from kizuna.domains.air.reports import Located
from kizuna.domains.air.truth.transmitter import Transmitter

HANDOVER = 10.0
"""Seconds that may lie between the last place of an address and the first of the one that follows it."""
_HOUR = 3600.0
_SECONDS = 3.0  # that the stated time may differ from the time that passed
_NEAR, _PER_SECOND, _BENDS = 60.0, 2.0, 0.75  # metres; m/s that a stated speed is off; m/s² of turns and stops
_HEIGHT, _CLIMBS = 60.0, 10.0  # metres, m/s
_FASTER, _GAINS = 6.0, 4.0  # m/s, m/s²
_UNSTATED = 20.0  # m/s, where no speed is stated
_CELLS = 200  # to a degree, so that one is more than 500 m from south to north
_REACH, _REACH_PER_SECOND = (
    2e-3,
    3e-4,
)  # degrees of latitude, some 220 and 33 m, beyond which nothing is looked at closely
_ROW = 1 << 20
_MOST_HERE = 32
_AROUND = tuple(row * _ROW + column for row in (-1, 0, 1) for column in (-1, 0, 1))


class Ends:
    """Where each address was last, by cells of the ground: to be asked which of them another goes on from. Bounded in each cell."""

    def __init__(self) -> None:
        self._cells: dict[int, dict[Transmitter, None]] = {}

    def put(self, sender: Transmitter, cell: int) -> None:
        """An address is in another cell."""
        self.drop(sender)
        sender.cell = cell
        here = self._cells.setdefault(cell, {})
        here[sender] = None
        if len(here) > _MOST_HERE:
            self.drop(next(iter(here)))

    def drop(self, sender: Transmitter) -> None:
        """An address is looked for no more."""
        if sender.cell is None:
            return
        here = self._cells[sender.cell]
        del here[sender]
        if not here:
            del self._cells[sender.cell]
        sender.cell = None

    def before(
        self, sender: Transmitter, said: Located, time: float, of: Flight | None
    ) -> tuple[Transmitter | None, Transmitter | None]:
        """Another address that said the very same, and the one that fell silent where this one goes on, the nearest of several.

        Who has a name (`of` is its flight) goes on from an address of its own, or else from one that never had a name.
        """
        same, best, least = None, None, 2.0
        latitude, longitude, second = said.latitude, said.longitude, said.second
        wide = 1 / max(cos(radians(latitude)), 0.01)
        for one in self._near(latitude, longitude):
            was, passed = one.said, time - one.located
            if was is None or one is sender:
                continue
            reach = _REACH + _REACH_PER_SECOND * passed
            if not (-reach <= was.latitude - latitude <= reach and abs(was.longitude - longitude) <= reach * wide):
                continue
            if was.second == second and was.latitude == latitude and was.longitude == longitude:
                same = one
            if not _fell_silent(one, sender, passed):
                continue
            whose = one.flight and one.flight.whole
            if of is not None and whose is not of and whose is not None and whose.names:
                continue
            off = _off(was, said, passed)
            if off < 1:
                off += of is not None and whose is not of
                if off < least:
                    best, least = one, off
        return same, best

    def _near(self, latitude: float, longitude: float) -> list[Transmitter]:
        cell, cells = cell_of(latitude, longitude), self._cells
        return [one for step in _AROUND if (here := cells.get(cell + step)) is not None for one in here]


def cell_of(latitude: float, longitude: float) -> int:
    """The cell of the ground that a place is in."""
    return int(latitude * _CELLS) * _ROW + int(longitude * _CELLS)


def _fell_silent(one: Transmitter, sender: Transmitter, passed: float) -> bool:
    """Whether an address of the same sensor and carrier was not heard since this one is, and nobody else goes on from it."""
    if one.last > sender.first or one.heir is not None or passed > HANDOVER or one is sender.refused:
        return False
    return sender.follows is None and one.key[:2] == sender.key[:2]


def _off(was: Located, now: Located, passed: float) -> float:
    """How far what is said now is from what was to be expected, as a share of what may be: 1 and more cannot be of one aircraft."""
    step = (now.second - was.second + _HOUR / 2) % _HOUR - _HOUR / 2
    if passed < 0 or abs(step - passed) > _SECONDS:  # what is not known speaks against nothing
        return 1.0
    faster = abs(now.speed - was.speed) / (_FASTER + _GAINS * passed)
    if faster != faster:
        faster = 0.0
    east, north = Plane(was.latitude, was.longitude).metres(now.latitude, now.longitude)
    (east_was, north_was, more), (east_now, north_now, slack) = _velocity(was), _velocity(now)
    away = hypot(east - passed * (east_was + east_now) / 2, north - passed * (north_was + north_now) / 2)
    away /= _NEAR + passed * (_PER_SECOND + (more + slack) / 2 + _BENDS * passed)
    if away >= 1 or faster >= 1:
        return 1.0
    climbed = [abs(new - old) for new, old in zip(now[5:8], was[5:8], strict=True) if new == new and old == old]
    higher = max(climbed, default=0.0) / (_HEIGHT + _CLIMBS * passed)
    return 1.0 if higher >= 1 else (away + faster + higher) / 3


def _velocity(said: Located) -> tuple[float, float, float]:
    """m/s east and north as stated, and how much they may be off for want of a direction or a speed."""
    speed, direction = said.speed, said.direction
    if speed != speed:
        return 0.0, 0.0, _UNSTATED
    if direction != direction:
        return 0.0, 0.0, speed
    turned = radians(direction)
    return speed * sin(turned), speed * cos(turned), 0.0
