"""Whether a flight can be where it says: its operator, what the receiver can hear, and how strong it was heard.

In free space a signal loses 40.2 dB over the first metre at 2.44 GHz, and 20 dB with every tenfold distance (Friis). No aircraft may
radiate more than 36 dBm (the most that any radio rule for 2.4 GHz allows), and a receiver's antenna adds little.
"""

from __future__ import annotations

from functools import lru_cache
from math import asin, atan2, degrees, hypot, log10, sqrt

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.plane import Plane, distance
from kizuna.domains.air.reports import Operated
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.tracking import Detection
from kizuna.domains.air.truth import WEIGHTS
from kizuna.formats.remote_id.radiotap import UNKNOWN_SIGNAL

FIRST_METRE = 40.2
"""dB lost over the first metre at 2.44 GHz."""
LOUDEST = 36.0 + 10.0
"""dBm radiated at most, and dB of an antenna that receives well."""
FAR, VERY_FAR = 10_000.0, 20_000.0
"""Metres between operator and aircraft: few rules and few radios allow the first, hardly any the second."""
SURE = 3.0
"""Standard deviations that a claimed place may be off, as with jumps."""
_NEAREST = 100.0
_LEAST = 30
_LOG_STEP = 20.0
_TIMES = 5
_TIMES_BESIDE = 20
_BESIDE = 0.1  # of the reach: so far an antenna hears to all sides, by lobes that are 20 dB weaker
_BEAM = 20.0  # degrees; no beam ends at its border, nor is an antenna put up better than that
_STEADY = 100  # positions
_STILL = 2.0  # dB
_MOVED = 300.0  # metres
_DOUBTFUL, _CERTAIN = 4.0, 30.0  # standard errors from the slope of free space; simulated aircraft stay below 7


@lru_cache(maxsize=1024)
def _around(latitude: float, longitude: float) -> Plane:
    return Plane(latitude, longitude)


def check_operator(flight: Flight, operated: Operated, detection: Detection, plane: Plane) -> None:
    """Look at how far the operator is; `plane` lies where the aircraft is."""
    away = plane.between(operated.latitude, operated.longitude, detection.latitude, detection.longitude)
    if away > FAR:  # not-a-number is not
        weight = WEIGHTS["operator-far"] if away > VERY_FAR else WEIGHTS["operator-far"] / 2
        flight.find("operator-far", weight, detection.time, metres=round(away))


class Hearing:
    """How strong one transmitter is heard at one sensor, against what its messages claim: how far away it is, and that it moves."""

    __slots__ = (
        "accuracy", "beside", "east", "far", "heard", "loud", "measured", "narrow", "north", "plane", "reach", "sensor", "south", "squares",
        "squares_signal", "squares_signals", "sum_distance", "sum_products", "sum_signal", "sum_signals", "west",
    )  # fmt: skip

    def __init__(self, sensor: Sensor) -> None:
        self.sensor = sensor
        self.accuracy, self.reach, self.narrow = sensor.accuracy, sensor.reach, sensor.width < 360
        self.plane: Plane | None = None
        """The ground around the sensor, where it is known where that is."""
        if sensor.latitude is not None and sensor.longitude is not None:
            self.plane = _around(sensor.latitude, sensor.longitude)
        self.heard = self.far = self.beside = self.loud = self.measured = 0
        self.sum_distance = self.sum_signal = self.squares = self.sum_products = self.squares_signal = 0.0
        self.sum_signals = self.squares_signals = 0.0
        self.north = self.east = float("-inf")
        self.south = self.west = float("inf")

    def steady(self, flight: Flight, detection: Detection, signal: int) -> None:
        """Look at a new position that was heard with `signal` dBm, wherever the sensor is.

        What moves is heard stronger and weaker by turns, for reflections come and go with every wavelength (12 cm); what stands does not.
        """
        latitude, longitude = detection.latitude, detection.longitude
        if latitude > self.north:
            self.north = latitude
        if latitude < self.south:
            self.south = latitude
        if longitude > self.east:
            self.east = longitude
        if longitude < self.west:
            self.west = longitude
        self.heard += 1
        self.sum_signals += signal
        self.squares_signals += signal * signal
        number = self.heard
        if number < _STEADY or number % 10:
            return
        deviation = sqrt(max(self.squares_signals / number - (self.sum_signals / number) ** 2, 0.0))
        if deviation > _STILL:
            return
        extent = distance(self.south, self.west, self.north, self.east)
        if extent > _MOVED:
            sure = number >= 2 * _STEADY and extent > 2 * _MOVED
            weight = 1.0 if sure else WEIGHTS["signal-steady"]
            flight.find(
                "signal-steady",
                weight,
                detection.time,
                deviation=round(deviation, 1),
                metres=round(extent),
                heard=number,
            )

    def check(self, flight: Flight, detection: Detection, signal: int) -> None:
        """Look at one new position, heard with `signal` dBm, where it is known where the sensor stands.

        The sensor's place and the claimed one are each known so well and no better: what speaks against a flight has to hold at the least
        distance, and in every direction, that both allow.
        """
        if self.plane is None:
            return
        east, north = self.plane.metres(detection.latitude, detection.longitude)
        away, unsure, time = hypot(east, north), self.accuracy + SURE * detection.deviation, detection.time
        least = away - unsure
        if least > self.reach:
            self.far += 1
            if self.far == _TIMES:
                values = {"metres": round(away), "reach": self.reach}
                flight.find("out-of-range", WEIGHTS["out-of-range"], time, **values)
        if self.narrow and least > _BESIDE * self.reach:
            self._beside(flight, degrees(atan2(east, north)) % 360, away, unsure, time)
        if signal == UNKNOWN_SIGNAL or away < _NEAREST:
            return
        if least >= _NEAREST and signal > LOUDEST - FIRST_METRE - _LOG_STEP * log10(least):
            self._loud(flight, least, signal, time)
        if unsure < away / 2:  # who may as well be twice as near has no distance that a signal could follow
            self._flat(flight, _LOG_STEP * log10(away), signal, time)

    def _beside(self, flight: Flight, bearing: float, away: float, unsure: float, time: float) -> None:
        """Does it claim to be where the sensor does not look? `bearing` is in degrees from north."""
        aside = abs((bearing - self.sensor.azimuth + 180) % 360 - 180)
        if aside - self.sensor.width / 2 > _BEAM + degrees(asin(unsure / away)):
            self.beside += 1
            if self.beside == _TIMES_BESIDE:
                values = {"bearing": round(bearing) % 360, "azimuth": self.sensor.azimuth, "width": self.sensor.width}
                flight.find("out-of-view", WEIGHTS["out-of-view"], time, **values)

    def _loud(self, flight: Flight, least: float, signal: int, time: float) -> None:
        """It is stronger than any radio may be at the least distance, metres."""
        self.loud += 1
        if self.loud == _TIMES:
            most = LOUDEST - FIRST_METRE - _LOG_STEP * log10(least)
            values = {"signal": signal, "most": round(most), "metres": round(least)}
            flight.find("too-strong", WEIGHTS["too-strong"], time, **values)

    def _flat(self, flight: Flight, lost: float, signal: int, time: float) -> None:
        """By regression: does the signal fall as the claimed distance grows? Free space is a slope of -1, towns are steeper."""
        self.measured += 1
        self.sum_distance += lost
        self.sum_signal += signal
        self.squares += lost * lost
        self.squares_signal += signal * signal
        self.sum_products += lost * signal
        number = self.measured
        if number < _LEAST or number % 10:
            return
        spread = self.squares - self.sum_distance**2 / number
        if spread / number < 9.0:  # the distance changed too little to tell: 3 dB
            return
        together = self.sum_products - self.sum_distance * self.sum_signal / number
        slope = together / spread
        rest = max(self.squares_signal - self.sum_signal**2 / number - slope * together, 0.0)
        unlike = (slope + 1.0) / sqrt(max(rest / (number - 2), 1.0) / spread)
        if slope > -0.3 and unlike > _DOUBTFUL:
            weight = 1.0 if unlike > _CERTAIN and slope < 0.3 else WEIGHTS["signal-flat"]
            expected = round(sqrt(spread / number), 1)
            flight.find("signal-flat", weight, time, slope=round(slope, 2), expected=expected, heard=number)
