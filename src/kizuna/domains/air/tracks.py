"""Flights as tracks, the form in which they are drawn, stored and exchanged: one for each path that was flown, or claimed to be."""

from __future__ import annotations

from math import isnan

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.picture import address
from kizuna.domains.air.tracking import Track as Path
from kizuna.formats.remote_id.fields import AIRCRAFT, HEIGHT_REFERENCES, OPERATOR_PLACES
from kizuna.formats.track import Finding, Operator, Track

MOST = 8
"""Paths of one flight that are told; a spoofer that teleports claims any number."""


def tracks(flight: Flight) -> list[Track]:
    """The tracks of a flight, the longest first; none where it never said where it was."""
    return [_track(flight, path) for path in paths(flight)]


def paths(flight: Flight) -> list[Path]:
    """The paths of a flight that are told, the longest first: of several none that is but a point."""
    found = sorted((path for path in flight.paths if path.points), key=lambda path: -len(path.points))
    return [path for number, path in enumerate(found) if number == 0 or len(path.points) > 1][:MOST]


def kind(flight: Flight) -> str:
    """What kind of aircraft it says to be, a word of `remote_id.fields.AIRCRAFT`."""
    return AIRCRAFT[flight.kind] if flight.kind < len(AIRCRAFT) else "other"


def _track(flight: Flight, path: Path) -> Track:
    located = flight.located
    reference = located.height_reference if located is not None else 0
    return Track(
        id=f"{flight.key}/{round(flight.first * 1e6)}/{path.number}",
        serial=flight.serial,
        registration=flight.registration,
        transmitter=transmitters(flight)[0] if flight.senders else None,
        aircraft=kind(flight),
        operator_id=flight.operator_id or None,
        operator=_operator(flight),
        status=flight.statement(),
        height_reference=HEIGHT_REFERENCES[reference],
        points=tuple(path.points),
        findings=findings(flight),
        doubt=flight.doubt,
    )


def transmitters(flight: Flight) -> list[str]:
    """The addresses a flight was sent by, the latest first."""
    newest = sorted(flight.senders.items(), key=lambda one: -one[1])
    return list(dict.fromkeys(address(number) for (_, number), _ in newest))


def findings(flight: Flight) -> tuple[Finding, ...]:
    """What speaks against a flight, the heaviest first."""
    return tuple(sorted(flight.findings.values(), key=lambda one: (-one.weight, one.since, one.code)))


def _operator(flight: Flight) -> Operator | None:
    said = flight.operated
    if said is None:
        return None
    place = OPERATOR_PLACES[said.place] if said.place < len(OPERATOR_PLACES) else "live"
    altitude = None if isnan(said.altitude) else said.altitude
    return Operator(said.latitude, said.longitude, altitude, place)
