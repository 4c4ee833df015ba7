"""Whether a flight can be where it says: its operator, what the receiver can hear, and how strong it was heard.

In free space a signal loses 40.2 dB over the first metre at 2.44 GHz, and 20 dB with every tenfold distance (Friis). No aircraft may
radiate more than 36 dBm (the most that any radio rule for 2.4 GHz allows), and a receiver's antenna adds little.
"""

from __future__ import annotations

from math import log10, sqrt

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.plane import distance
from kizuna.domains.air.reports import Operated
from kizuna.domains.air.tracking import Detection
from kizuna.domains.air.truth import WEIGHTS
from kizuna.formats.remote_id.radiotap import UNKNOWN_SIGNAL

FIRST_METRE = 40.2
"""dB lost over the first metre at 2.44 GHz."""
LOUDEST = 36.0 + 10.0
"""dBm radiated at most, and dB of an antenna that receives well."""
FAR, VERY_FAR = 10_000.0, 20_000.0
"""Metres between operator and aircraft: few rules and few radios allow the first, hardly any the second."""
_NEAREST = 100.0
_LEAST = 30
_LOG_STEP = 20.0
_TIMES = 5


def check_operator(flight: Flight, operated: Operated, detection: Detection) -> None:
    """Look at how far the operator is."""
    away = distance(operated.latitude, operated.longitude, detection.latitude, detection.longitude)
    if away > FAR:  # not-a-number is not
        weight = WEIGHTS["operator-far"] if away > VERY_FAR else WEIGHTS["operator-far"] / 2
        flight.find("operator-far", weight, detection.time, metres=round(away))


class Hearing:
    """How strong one transmitter is heard at one sensor, against the distance its messages claim."""

    __slots__ = ("far", "heard", "loud", "squares", "squares_signal", "sum_distance", "sum_products", "sum_signal")

    def __init__(self) -> None:
        self.heard = self.far = self.loud = 0
        self.sum_distance = self.sum_signal = self.squares = self.sum_products = self.squares_signal = 0.0

    def check(self, flight: Flight, away: float, signal: int, time: float, reach: float) -> None:
        """Look at one new position `away` metres from the sensor, heard with `signal` dBm; `reach` is how far the sensor hears."""
        if away > reach:
            self.far += 1
            if self.far >= _TIMES:
                flight.find("out-of-range", WEIGHTS["out-of-range"], time, metres=round(away), reach=reach)
        if signal == UNKNOWN_SIGNAL or away < _NEAREST:
            return
        lost = _LOG_STEP * log10(away)
        if signal > LOUDEST - FIRST_METRE - lost:
            self.loud += 1
            if self.loud >= _TIMES:
                most = round(LOUDEST - FIRST_METRE - lost)
                flight.find("too-strong", WEIGHTS["too-strong"], time, signal=signal, most=most, metres=round(away))
        self._flat(flight, lost, signal, time)

    def _flat(self, flight: Flight, lost: float, signal: int, time: float) -> None:
        """By regression: does the signal fall as the claimed distance grows? Free space is a slope of -1, towns are steeper."""
        self.heard += 1
        self.sum_distance += lost
        self.sum_signal += signal
        self.squares += lost * lost
        self.squares_signal += signal * signal
        self.sum_products += lost * signal
        number = self.heard
        if number < _LEAST or number % 10:
            return
        spread = self.squares - self.sum_distance**2 / number
        if spread / number < 9.0:  # the distance changed too little to tell: 3 dB
            return
        together = self.sum_products - self.sum_distance * self.sum_signal / number
        slope = together / spread
        rest = max(self.squares_signal - self.sum_signal**2 / number - slope * together, 0.0)
        unsure = sqrt(max(rest / (number - 2), 1.0) / spread)
        if slope > -0.3 and slope + 1.0 > 4 * unsure:
            expected = round(sqrt(spread / number), 1)
            flight.find(
                "signal-flat", WEIGHTS["signal-flat"], time, slope=round(slope, 2), expected=expected, heard=number
            )
