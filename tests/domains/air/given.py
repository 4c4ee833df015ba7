"""Reports as a receiver hands them on, with a flight that nothing speaks against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.picture import Picture
from kizuna.domains.air.plane import Plane
from kizuna.domains.air.reports import SERIAL, Located, Named, Operated, Report
from kizuna.domains.air.sensors import Sensor
from kizuna.formats.remote_id.radio import BEACON
from kizuna.formats.remote_id.radiotap import UNKNOWN_SIGNAL

NAN = float("nan")
T0 = 1_795_392_000.0
WELL = "1581A0123456789"
"""A serial number as ANSI/CTA-2063-A asks: maker, length (ten), number."""
SENDER = 0x903AE65BC8A8
HERE = Plane(46.2, 9.1)
SENSOR = Sensor(name="roof")
PLACED = Sensor(name="roof", latitude=46.2, longitude=9.1)


def serial(number: int) -> str:
    """A serial number of its own for each number."""
    return f"1581A{number:010d}"


def located(east: float = 500.0, north: float = 0.0, **more: Any) -> Located:
    """So many metres from 46.2°, 9.1°."""
    latitude, longitude = HERE.degrees(east, north)
    said: dict[str, Any] = {
        "status": 2, "height_reference": 0, "vertical_speed": 0.0, "latitude": latitude, "longitude": longitude,
        "pressure_altitude": 400.0, "altitude": 410.0, "height": 50.0, "vertical_accuracy": 4, "horizontal_accuracy": 11,
        "second": 0.0, "direction": 90.0, "speed": 10.0,
    }  # fmt: skip
    return Located(**{**said, **more})


def operated(east: float = 0.0, north: float = 0.0, stated: int = 0) -> Operated:
    """An operator so many metres from 46.2°, 9.1°."""
    return Operated(0, *HERE.degrees(east, north), 350.0, stated)


def named(name: str = WELL, id_type: int = SERIAL) -> tuple[Named, ...]:
    """A name."""
    return (Named(id_type, 2, name),)


def report(second: float, place: Located | None = None, **more: Any) -> Report:
    """What is heard so many seconds after T0, with honest clocks: the transmitter was switched on 1,000 s before."""
    time = T0 + second
    if place is not None and place.second == 0.0:
        place = place._replace(second=round((time - 0.4) % 3600, 1))
    said: dict[str, Any] = {
        "time": time, "carrier": BEACON, "transmitter": SENDER, "signal": UNKNOWN_SIGNAL,
        "clock": round((1000 + second) * 1e6), "sequence": round(second * 10) % 4096, "counter": int(second) % 256, "quirks": 0,
        "names": named(), "located": place, "operated": None, "operator_id": "",
    }  # fmt: skip
    return Report(**{**said, **more})


def flying(
    seconds: int = 120, *, since: float = 0.0, east: float = 500.0, north: float = 0.0, speed: float = 10.0, **more: Any
) -> Iterator[Report]:
    """A position each second of an aircraft that flies north."""
    for second in range(seconds):
        when = since + second
        yield report(when, located(east, north + speed * second, speed=abs(speed)), **more)


def heard(*reports: Report, sensor: Sensor = SENSOR) -> dict[str, Flight]:
    """The flights in these reports, by name; of several of one name the most doubtful."""
    ended: list[Flight] = []
    picture = Picture(ended=ended.append)
    for one in sorted(reports, key=lambda one: one.time):
        picture.take(one, sensor)
    picture.end()
    return {flight.key: flight for flight in sorted(ended, key=lambda flight: flight.doubt)}


def reasons(*reports: Report, sensor: Sensor = SENSOR, name: str = WELL) -> dict[str, dict[str, float | str]]:
    """What is found of one flight: the values by code."""
    return {code: one.values for code, one in heard(*reports, sensor=sensor)[name].findings.items()}


def weight(code: str, *reports: Report, sensor: Sensor = SENSOR, name: str = WELL) -> float:
    """What a reason weighs for one flight, 0 where it is none."""
    found = heard(*reports, sensor=sensor)[name].findings.get(code)
    return 0.0 if found is None else found.weight
