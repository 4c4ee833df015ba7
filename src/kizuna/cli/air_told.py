"""What `kizuna air` says of flights: rows, reasons, sums, and what happens while it is watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kizuna.cli.output import emit, say, table
from kizuna.cli.words import N_, _, language

if TYPE_CHECKING:
    from kizuna.domains.air.flight import Flight
    from kizuna.domains.air.picture import Position
    from kizuna.domains.air.replay import Summary
    from kizuna.formats.track import Finding


MOST_ROWS = 10_000
"""Flights that a table lists: the most doubtful ones."""


class _Row(NamedTuple):
    """What a table tells of a flight that has ended."""

    row: dict[str, Any]
    spoofed: bool
    findings: tuple[Finding, ...]


class Rows:
    """Every flight in a row, and what speaks against it: with `--json` as it ends, else in a table with the most doubtful first."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._rows: list[tuple[float, float, _Row]] = []
        self.let_go = 0
        """Flights that the table does not list."""

    def ended(self, flight: Flight) -> None:
        """A flight is heard no more."""
        row = flight_row(flight)
        if self._as_json:
            emit({"event": "flight", **row})
            return
        self._rows.append((-flight.doubt, flight.first, _Row(row, flight.spoofed, _heaviest(flight))))
        if len(self._rows) > 2 * MOST_ROWS:
            self._shorten()

    def _shorten(self) -> None:
        self._rows.sort(key=lambda one: one[:2])
        self.let_go += max(len(self._rows) - MOST_ROWS, 0)
        del self._rows[MOST_ROWS:]

    def tell(self) -> None:
        """There are no more."""
        from kizuna.domains.air.truth.words import sentence

        if self._as_json:
            return
        self._shorten()
        rows = [one for _doubt, _first, one in self._rows]
        columns = ("aircraft", "kind", "heard", "tracks", "from", "to", "doubt")
        table((one.row for one in rows), columns, as_json=False, empty=N_("no aircraft"))
        for one in rows:
            if one.findings:
                text = N_("{aircraft} is taken for SPOOFED:") if one.spoofed else N_("{aircraft} is odd:")
                say("\n" + _(text, aircraft=one.row["aircraft"]))
                for finding in one.findings:
                    say(f"  {finding.weight:.1f}  {sentence(finding, language())}")


def _heaviest(flight: Flight) -> tuple[Finding, ...]:
    return tuple(sorted(flight.findings.values(), key=lambda one: -one.weight))


def flight_row(flight: Flight) -> dict[str, Any]:
    """A flight in one row."""
    from kizuna.domains.air.tracks import kind, paths

    found = paths(flight)
    return {
        "aircraft": flight.key,
        "kind": kind(flight) if found else "none",
        "heard": flight.heard,
        "tracks": len(found),
        "from": moment(flight.first),
        "to": moment(flight.last),
        "doubt": flight.doubt,
        "reasons": [one.code for one in _heaviest(flight)],
    }


def tell_summary(summary: Summary, recorded: dict[str, int] | None, *, as_json: bool) -> None:
    """All that was read, in numbers."""
    if as_json:
        emit(
            {
                "frames": summary.frames,
                "beacons": summary.beacons,
                "messages": summary.messages,
                "aircraft": summary.aircraft,
                "tracks": summary.tracks,
                "spoofed": [
                    {"serial": key, "doubt": round(sum(one.weight for one in found), 3), "reasons": _reasons(found)}
                    for key, found in sorted(summary.spoofed.items())
                ],
                "refused": dict(summary.refused),
                **({"let_go": dict(summary.let_go)} if summary.let_go else {}),
                **({} if recorded is None else {"recorded": recorded}),
            }
        )
        return
    messages = sum(summary.messages.values())
    say(
        "\n"
        + _(
            "frames: {frames:,}, beacons with Remote ID: {beacons:,}, messages: {messages:,}",
            frames=summary.frames,
            beacons=summary.beacons,
            messages=messages,
        )
    )
    counted = _(
        "aircraft: {aircraft:,}, tracks: {tracks:,}, spoofed: {spoofed:,}",
        aircraft=summary.aircraft,
        tracks=summary.tracks,
        spoofed=len(summary.spoofed),
    )
    say(counted)
    if summary.refused:
        say(_("left out:"))
        for reason, count in sorted(summary.refused.items()):
            say(f"  {count:,}  {_(LEFT_OUT[reason])} ({reason})")
    for what, count in sorted(summary.let_go.items()):
        say(_(_LET_GO[what], count=count))
    if recorded is not None:
        say(_("{imported:,} imported, {unchanged:,} unchanged, {failed:,} failed", **recorded))


LEFT_OUT = {
    "broken-off": N_("captures that end too early"),
    "checksum": N_("frames whose header says that they came damaged"),
    "cut-short": N_("frames that end too early"),
    "element-too-long": N_("elements that are longer than the frame they stand in"),
    "link-type": N_("frames of a link type that is not read"),
    "longer-than-its-block": N_("frames that are longer than their block in the capture"),
    "message-type": N_("messages of a type that the standard does not have"),
    "no-interface": N_("frames of an interface that the capture does not describe"),
    "no-message": N_("what should be messages and is none"),
    "not-advertising": N_("Bluetooth frames that are no advertisement"),
    "obsolete-block": N_("frames in blocks that pcapng has given up"),
    "pack-cut-short": N_("messages that a pack counts and does not hold"),
    "radiotap": N_("frames whose header cannot be read"),
}
"""What the reader leaves out of captures, by code, in words."""
_LET_GO = {
    "points": N_("to stay within memory, points left out of tracks: {count:,}"),
    "spoofed": N_("to stay within memory, spoofed aircraft that are not told: {count:,}"),
    "rows": N_("to stay within memory, flights that are not listed: {count:,}"),
    "drawn": N_("to stay within memory, tracks that are not drawn: {count:,}"),
}


def _reasons(found: tuple[Finding, ...]) -> list[dict[str, Any]]:
    from kizuna.domains.air.truth.words import sentence

    return [
        {
            "code": one.code,
            "weight": one.weight,
            "since": moment(one.since / 1e6),
            "text": sentence(one, language()),
            "values": one.values,
        }
        for one in found
    ]


def place_of(flight: Flight) -> dict[str, Any]:
    """Where a flight is now."""
    path = flight.path
    point = path.points[-1] if path is not None else None
    place = (
        {}
        if point is None
        else {"latitude": point.latitude, "longitude": point.longitude, "height": point.height, "speed": point.speed}
    )
    return {"aircraft": flight.key, "at": moment(flight.last), **place, "doubt": flight.doubt}


def moment(seconds: float) -> str:
    """Seconds since 1970 as text, to the millisecond."""
    from kizuna.clock import to_text

    return to_text(max(round(seconds * 1e3), 0) * 1000)


class Live:
    """Tells of flights as they come, and counts those that ended."""

    def __init__(self, *, as_json: bool) -> None:
        from kizuna.domains.air.replay import Tally

        self._as_json = as_json
        self._told: dict[int, float] = {}
        self._spoofed: set[int] = set()
        self.tally = Tally()

    def moved(self, position: Position) -> None:
        """A new position: the first of a flight is told, and with `--json` one each second."""
        flight, at = position.flight, position.detection.time
        last = self._told.get(id(flight))
        if last is not None and (not self._as_json or 0 <= at - last < 1.0):
            return
        self._told[id(flight)] = at
        if self._as_json:
            emit({"event": "position", **place_of(flight)})
        else:
            say(_("{at}  {aircraft} is seen", at=moment(at), aircraft=flight.key))

    def doubted(self, flight: Flight) -> None:
        """Something speaks against a flight."""
        from kizuna.domains.air.truth.words import sentence

        fresh, flight.fresh = flight.fresh, []
        for finding in fresh:
            said = sentence(finding, language())
            if self._as_json:
                emit(
                    {
                        "event": "doubt",
                        "aircraft": flight.key,
                        "code": finding.code,
                        "weight": finding.weight,
                        "doubt": flight.doubt,
                        "text": said,
                    }
                )
            else:
                say(
                    _(
                        "{at}  {aircraft}: {reason} (doubt {doubt:g})",
                        at=moment(flight.last),
                        aircraft=flight.key,
                        reason=said,
                        doubt=flight.doubt,
                    )
                )
        if flight.spoofed and id(flight) not in self._spoofed:
            self._spoofed.add(id(flight))
            if self._as_json:
                emit({"event": "spoofed", "aircraft": flight.key, "at": moment(flight.last), "doubt": flight.doubt})
            else:
                say(_("{at}  {aircraft} is taken for SPOOFED", at=moment(flight.last), aircraft=flight.key))

    def joined(self, part: Flight, flight: Flight) -> None:
        """A flight turned out to be a part of another one: what was told of it is told."""
        at = self._told.pop(id(part), None)
        if at is not None and self._as_json:
            self._told.setdefault(id(flight), at)
        self._spoofed.discard(id(part))

    def ended(self, flight: Flight) -> None:
        """A flight is heard no more."""
        self.doubted(flight)
        self.tally.ended(flight)
        self._told.pop(id(flight), None)
        self._spoofed.discard(id(flight))
        if self._as_json:
            emit({"event": "ended", **flight_row(flight)})
        else:
            say(_("{at}  {aircraft} is heard no more", at=moment(flight.last), aircraft=flight.key))
