"""Whether a flight lives at the time of the others: what it states against the receiver's clock, and against what others state.

A receiver's clock may be hours off; then it is so for all that it hears. Some senders forget leap seconds (18 s).
"""

from __future__ import annotations

from statistics import median

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.truth import WEIGHTS

HOUR = 3600.0
_AGREE = 20.0
_APART = 60.0
_OFF = 30.0
_EVERY = 5.0
_RECENT = 120.0
_LEAST = 3
_MOST = 10_000


class Consensus:
    """What time it is, by all who are heard: per flight the receiver's second of the hour less the stated one."""

    def __init__(self) -> None:
        self._offsets: dict[str, tuple[float, float]] = {}
        self._common: float | None = None
        self._worked_out = 0.0

    def check(self, flight: Flight, second: float, time: float) -> None:
        """Take the time a flight states with a new position."""
        offset = (time - second + HOUR / 2) % HOUR - HOUR / 2
        if offset != offset:
            return
        self._offsets[flight.key] = (offset, time)
        if time - self._worked_out > _EVERY or time < self._worked_out:
            self._work_out(time)
        apart = abs((offset - (self._common or 0.0) + HOUR / 2) % HOUR - HOUR / 2)
        if self._common is None:
            if apart > _OFF and flight.heard > _LEAST:
                flight.find("time-off", WEIGHTS["time-off"], time, seconds=round(offset, 1))
        elif apart > _APART and flight.heard > _LEAST:
            flight.find("time-apart", WEIGHTS["time-apart"], time, seconds=round(apart, 1))

    def _work_out(self, time: float) -> None:
        self._worked_out = time
        self._offsets = {key: one for key, one in self._offsets.items() if abs(time - one[1]) < _RECENT}
        if len(self._offsets) > _MOST:
            self._offsets.clear()
        offsets = [offset for offset, _ in self._offsets.values()]
        middle = median(offsets) if offsets else 0.0
        agreeing = sum(1 for offset in offsets if abs(offset - middle) < _AGREE)
        self._common = middle if agreeing >= _LEAST and 2 * agreeing > len(offsets) else None
