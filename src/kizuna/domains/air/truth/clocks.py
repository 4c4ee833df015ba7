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
_SAME = 0.02  # seconds
_MOST_SHARING = 32  # of one clock; more say no more
_SHARE = 16  # of how many that are remembered one is looked at with each report, on average


class Consensus:
    """What time it is, by all who are heard: per flight the receiver's time less the stated one, of the hour or (`whole`) of all time.

    Who is spoofed has no say; and who agrees with the receiver's clock is not off, whatever others say: they may be many and one forger's.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self._whole = whole
        self._offsets: dict[int, tuple[float, float, Flight]] = {}
        self._common: float | None = None
        self._worked_out = 0.0
        self._since = 0  # times taken since then

    def check(self, flight: Flight, stated: float, time: float) -> None:
        """Take the time a flight states with a new position."""
        whole, offset = self._whole, time - stated
        if not whole:
            offset = (offset + HOUR / 2) % HOUR - HOUR / 2
        if offset != offset:
            return
        self._offsets[id(flight)] = (offset, time, flight)
        self._since += 1
        many = len(self._offsets)
        if many > _MOST or (not -_EVERY <= time - self._worked_out <= _EVERY and _SHARE * self._since >= many):
            self._work_out(time)
        common = self._common
        apart = offset if common is None else offset - common
        if -_OFF <= apart <= _OFF or flight.heard <= _LEAST:  # most are
            return
        apart = abs(apart if whole else (apart + HOUR / 2) % HOUR - HOUR / 2)
        if common is None:
            if apart > _OFF:
                flight.find("time-off", WEIGHTS["time-off"], time, seconds=round(abs(offset), 1))
        elif apart > _APART and abs(offset) > _AGREE:
            flight.find("time-apart", WEIGHTS["time-apart"], time, seconds=round(apart, 1))

    def _work_out(self, time: float) -> None:
        self._worked_out, self._since = time, 0
        self._offsets = {key: one for key, one in self._offsets.items() if abs(time - one[1]) < _RECENT}
        offsets = [offset for offset, _, flight in self._offsets.values() if flight.into is None and not flight.spoofed]
        middle = median(offsets) if offsets else 0.0
        agreeing = sum(1 for offset in offsets if abs(offset - middle) < _AGREE)
        self._common = middle if agreeing >= _LEAST and 2 * agreeing > len(offsets) else None
        if len(self._offsets) > _MOST:
            self._offsets.clear()


class SharedClocks:
    """Whose transmitters' clocks are one: by what an address's clock differs from the receiver's, which nobody else shares by chance.

    Of 200 transmitters that were switched on within an hour of each other, two do so now and then, three hardly ever.
    """

    def __init__(self) -> None:
        self._by_offset: dict[int, dict[int, tuple[float, float, Flight]]] = {}
        self._forgot = 0.0
        self._since = 0  # clocks taken since then

    def check(self, flight: Flight, offset: float, time: float) -> None:
        """Take the receiver's time less a transmitter's own, seconds."""
        self._since += 1
        if abs(time - self._forgot) > _RECENT and _SHARE * self._since >= len(self._by_offset):
            self._forget(time)
        place = round(offset / _SAME)
        here = self._by_offset.setdefault(place, {})
        here.pop(id(flight), None)
        here[id(flight)] = (offset, time, flight)  # its name may yet become known
        near = here
        if len(here) > _MOST_SHARING:
            del here[next(iter(here))]
            oldest = next(iter(here))
            _, when, of = here[oldest]
            if (
                of.into is None and 0 <= time - when < _RECENT
            ):  # all others are known by now: a storm of names costs no more looks
                flight.find("shared-clock", WEIGHTS["shared-clock"], time, names=len(here))
                return
        elif (before := self._by_offset.get(place - 1)) or self._by_offset.get(place + 1):
            near = {**(before or {}), **self._by_offset.get(place + 1, {}), **here}
        if len(self._by_offset) > _MOST:
            self._by_offset.clear()
        if len(near) < 2:
            return
        same = [
            of
            for other, when, of in near.values()
            if -_SAME < other - offset < _SAME and 0 <= time - when < _RECENT and of.into is None
        ]
        if len(same) < 2:
            return
        weight = WEIGHTS["shared-clock"] if len(same) > 2 else 0.3
        for of in same:
            if (known := of.findings.get("shared-clock")) is None or known.weight < weight:
                of.find("shared-clock", weight, time, names=len(same))

    def _forget(self, time: float) -> None:
        self._forgot, self._since = time, 0
        for place, here in list(self._by_offset.items()):
            kept = {key: one for key, one in here.items() if abs(time - one[1]) < _RECENT}
            if kept:
                self._by_offset[place] = kept
            else:
                del self._by_offset[place]
