"""Zones that `kizuna air replay` and `watch` look at: who enters and who leaves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kizuna.cli.output import emit, say
from kizuna.cli.words import N_, _

if TYPE_CHECKING:
    from kizuna.domains.air.flight import Flight
    from kizuna.domains.air.picture import Position
    from kizuna.domains.air.zones import Alert, Watch
    from kizuna.domains.air.zones import Position as At
    from kizuna.formats.zone import Zone

_SECOND = 1_000_000  # microseconds
_FILE = "file"


class Zones:
    """Zones that are watched while flights move; tells who enters and leaves, by the name that is known by then.

    They are those of files, and those that are `held`, each behind its source; one that stands in both is that of the file.
    """

    def __init__(self, files: tuple[str, ...], held: Iterable[tuple[str, Zone]] = (), *, as_json: bool) -> None:
        self._as_json = as_json
        self._watch: Watch | None = None
        self._moved: list[At] = []
        self._names: dict[str, str] = {}  # of flights that are heard; one may come to be known by another name
        self.zones: list[Zone] = []
        if files:
            from kizuna.cli.air import read_zones
            from kizuna.errors import InvalidInput

            self.zones, _failed = read_zones(files, as_json=as_json, all_files=True)
            if not self.zones:
                raise InvalidInput("holds no zone", file=", ".join(files))
        self._sources = dict.fromkeys(self.zones, _FILE)
        for source, zone in held:
            if zone not in self._sources:
                self._sources[zone] = source
                self.zones.append(zone)
        if self.zones:
            from kizuna.domains.air.zones import Watch

            self._watch = Watch(self.zones)

    def moved(self, position: Position) -> None:
        """A flight has a new position; those of a second are looked at together."""
        if self._watch is None:
            return
        from kizuna.domains.air.zones import Position as At
        from kizuna.formats.remote_id.fields import HEIGHT_REFERENCES

        located, point = position.located, position.path.points[-1]
        if self._moved and not 0 <= point.time - self._moved[0].time < _SECOND:
            self.look()
        self._names[str(id(position.flight))] = position.flight.key
        self._moved.append(
            At(
                str(id(position.flight)), point.time, point.latitude, point.longitude, point.altitude, point.height,
                HEIGHT_REFERENCES[located.height_reference],
            )
        )  # fmt: skip

    def look(self) -> None:
        """Look at all that moved since."""
        if self._watch is not None and self._moved:
            moved, self._moved = self._moved, []
            self._tell(self._watch.seen(moved))

    def joined(self, part: Flight, flight: Flight) -> None:
        """A flight turned out to be a part of another one."""
        if self._watch is not None:
            self.look()
            self._watch.joined(str(id(part)), str(id(flight)))
            self._names.pop(str(id(part)), None)
            self._names[str(id(flight))] = flight.key

    def ended(self, flight: Flight) -> None:
        """A flight is heard no more."""
        if self._watch is not None:
            self.look()
            self._tell(self._watch.ended(str(id(flight)), round(flight.last * 1e6)))
            self._names.pop(str(id(flight)), None)

    def _tell(self, alerts: list[Alert]) -> None:
        from kizuna.clock import to_text

        for one in alerts:
            at, name = to_text(one.time), one.zone.name or one.zone.identifier
            source = self._sources[one.zone]
            aircraft = self._names.get(one.track, "-")
            if self._as_json:
                emit(
                    {
                        "event": one.kind,
                        "aircraft": aircraft,
                        "zone": one.zone.identifier,
                        "source": source,
                        "at": at,
                        "height_known": one.height_known,
                    }
                )
                continue
            if source != _FILE:
                name = _("{zone} (held, {source})", zone=name, source=source)
            sure = "" if one.height_known else " " + _("(height not known)")
            text = N_("{at}  {aircraft} enters {zone}") if one.kind == "enter" else N_("{at}  {aircraft} leaves {zone}")
            say(_(text, at=at, aircraft=aircraft, zone=name) + sure)
