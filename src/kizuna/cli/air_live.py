"""`kizuna air replay` and `kizuna air watch`: captures of radio in, flights and what speaks against them out."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.output import NumberRange, emit, node_options, output_file, say, table, trouble
from kizuna.cli.words import N_, _, language, told

if TYPE_CHECKING:
    from kizuna.domains.air.flight import Flight
    from kizuna.domains.air.picture import Position
    from kizuna.domains.air.replay import Summary
    from kizuna.domains.air.sensors import Sensor
    from kizuna.domains.air.zones import Alert, Watch
    from kizuna.domains.air.zones import Position as At
    from kizuna.errors import KizunaError
    from kizuna.formats.track import Finding
    from kizuna.store import Store

PARTLY = 6
_SECOND = 1_000_000
_MOST_ENDED = 1_000  # flights that wait to be kept
_sensor = click.option("--sensor", "name", metavar="NAME", help="The sensor that heard it (see `kizuna air sensors`).")
_place = click.option("--at", "place", metavar="LAT,LON[,M]", help="Where the receiver stood, without a --sensor.")
_zones = click.option(
    "--zones",
    "zone_files",
    multiple=True,
    metavar="FILE",
    help="Tell who enters or leaves these (ED-269); may be repeated.",
)


@click.command("replay", short_help="Read captures: who flew, and what is spoofed.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@_sensor
@_place
@_zones
@click.option("--record", is_flag=True, help="Keep the tracks on the node, labelled as --sensor says.")
@click.option("-o", "--output", metavar="FILE", help="Write the tracks: .geojson, .kml or .cot (Cursor on Target).")
@node_options
@click.pass_context
def replay(
    ctx: click.Context, files: tuple[str, ...], name: str | None, place: str | None, zone_files: tuple[str, ...], record: bool,
    output: str | None, data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Read captures of Wi-Fi and Bluetooth (pcap or pcapng, plain or gzip, `-` for standard input), all together in the order of time.

    A node is needed for --sensor and --record only. The last line of --json counts what there was. A capture that cannot be read to its
    end is told, and the others go on: exit 6, or 1 when none could be read.
    """
    from kizuna.domains.air.picture import Picture
    from kizuna.domains.air.replay import replay as play

    sensor = sensor_of(name, place, data, record=record)
    flights: list[Flight] = []
    failed: list[KizunaError] = []
    zones = Zones(zone_files, as_json=as_json)

    def ended(flight: Flight) -> None:
        flights.append(flight)
        zones.ended(flight)

    picture = Picture(ended=ended, moved=zones.moved)

    def note(error: KizunaError) -> None:
        failed.append(error)
        _note(error)

    summary = play(files, sensor, picture, flights, note)
    told_of = sorted(flights, key=lambda flight: (-flight.doubt, flight.first))
    _tell_all(told_of, as_json=as_json)
    recorded = _kept(data, flights, sensor, ", ".join(files)) if record else None
    if output is not None:
        _drawn(output, told_of, zones)
    _tell_summary(summary, recorded, as_json=as_json)
    if failed:
        ctx.exit(PARTLY if summary.frames else 1)
    if recorded is not None and recorded["failed"]:
        ctx.exit(PARTLY)


def _note(error: KizunaError) -> None:
    """Tell what went wrong with one of many."""
    trouble(
        f"{error.file}, {error.path}: {told(error.message)}" if error.path else f"{error.file}: {told(error.message)}"
    )


@click.command("watch", short_help="Watch a capture as it grows.")
@click.argument("source", metavar="SOURCE")
@_sensor
@_place
@_zones
@click.option("--record", is_flag=True, help="Keep the tracks on the node, labelled as --sensor says.")
@click.option(
    "--every",
    type=NumberRange(min=1, max=86_400),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="With --record, keep what changed so often.",
)
@click.option("--for", "seconds", type=NumberRange(min=0), metavar="SECONDS", help="Stop after so long.")
@node_options
def watch(
    source: str, name: str | None, place: str | None, zone_files: tuple[str, ...], record: bool, every: float, seconds: float | None,
    data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Tell of aircraft, and of what speaks against them, as it comes: from a capture that grows, from `-`, or from udp://HOST:PORT.

    A capture that grows is not packed. A datagram is one frame of Wi-Fi behind its radiotap header. Stop with Ctrl-C.
    """
    from kizuna.domains.air.picture import Picture
    from kizuna.domains.air.replay import summed
    from kizuna.domains.air.reports import Receiver
    from kizuna.domains.air.sources import live
    from kizuna.errors import KizunaError

    sensor = sensor_of(name, place, data, record=record)
    ends = None if seconds is None else time.monotonic() + seconds
    zones = Zones(zone_files, as_json=as_json)
    live_text = Live(as_json=as_json)
    kept = Keeping(data, sensor, source, every) if record else None

    def ended(flight: Flight) -> None:
        if kept is not None:
            kept.ended.append(flight)
        zones.ended(flight)
        live_text.ended(flight)

    def moved(position: Position) -> None:
        zones.moved(position)
        live_text.moved(position)

    picture = Picture(ended=ended, moved=moved)
    receiver = Receiver(source)
    last, since = 0.0, time.monotonic()
    failed: KizunaError | None = None
    try:
        with _interruptible(), suppress(KeyboardInterrupt):
            for piece in live(source, lambda: ends is not None and time.monotonic() > ends):
                for report in receiver.feed(piece):
                    flight = picture.take(report, sensor)
                    if flight is not None and flight.fresh:
                        live_text.doubted(flight)
                    last, since = report.time, time.monotonic()
                zones.look()
                if not piece:  # by the capture's clock, which need not be ours
                    picture.pass_to(last + time.monotonic() - since)
                if kept is not None:
                    kept.keep(picture.flights.values())
                if ends is not None and time.monotonic() > ends:
                    break
            else:
                if source == "-":
                    receiver.end()
    except KizunaError as error:
        failed = error  # what was seen before stands
    picture.end()
    if kept is not None:
        kept.keep((), now=True)
    _tell_summary(summed([receiver], live_text.tally), kept.counts if kept is not None else None, as_json=as_json)
    if failed is not None:
        raise failed


def sensor_of(name: str | None, place: str | None, data: Path, *, record: bool) -> Sensor:
    """The sensor that was named, or one for this once. Raises UsageError, NotFound."""
    from kizuna.cli.air import at
    from kizuna.domains.air.holding import sensor
    from kizuna.domains.air.sensors import Sensor
    from kizuna.errors import UsageError

    if name is None:
        if record:
            raise UsageError("--record needs --sensor: its settings say who may see what is kept")
        return Sensor(name="-", **at(place))  # type: ignore[arg-type]
    with node(data) as store:
        return sensor(store.custodian(), name)


class Zones:
    """Zones that are watched while flights move; tells who enters and leaves, by the name that is known by then."""

    def __init__(self, files: tuple[str, ...], *, as_json: bool) -> None:
        self._as_json = as_json
        self._watch: Watch | None = None
        self._moved: list[At] = []
        self._names: dict[str, str] = {}  # of flights that are heard; one may come to be known by another name
        if files:
            from kizuna.cli.air import read_zones
            from kizuna.domains.air.zones import Watch
            from kizuna.errors import InvalidInput

            self.zones, _failed = read_zones(files, as_json=as_json, all_files=True)
            if not self.zones:
                raise InvalidInput("holds no zone", file=", ".join(files))
            self._watch = Watch(self.zones)
        else:
            self.zones = []

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
            aircraft = self._names.get(one.track, "-")
            if self._as_json:
                emit(
                    {
                        "event": one.kind,
                        "aircraft": aircraft,
                        "zone": one.zone.identifier,
                        "at": at,
                        "height_known": one.height_known,
                    }
                )
                continue
            sure = "" if one.height_known else " " + _("(height not known)")
            text = N_("{at}  {aircraft} enters {zone}") if one.kind == "enter" else N_("{at}  {aircraft} leaves {zone}")
            say(_(text, at=at, aircraft=aircraft, zone=name) + sure)


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
            emit({"event": "position", **_place_of(flight)})
        else:
            say(_("{at}  {aircraft} is seen", at=_moment(at), aircraft=flight.key))

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
                        at=_moment(flight.last),
                        aircraft=flight.key,
                        reason=said,
                        doubt=flight.doubt,
                    )
                )
        if flight.spoofed and id(flight) not in self._spoofed:
            self._spoofed.add(id(flight))
            if self._as_json:
                emit({"event": "spoofed", "aircraft": flight.key, "at": _moment(flight.last), "doubt": flight.doubt})
            else:
                say(_("{at}  {aircraft} is taken for SPOOFED", at=_moment(flight.last), aircraft=flight.key))

    def ended(self, flight: Flight) -> None:
        """A flight is heard no more."""
        self.doubted(flight)
        self.tally.ended(flight)
        self._told.pop(id(flight), None)
        self._spoofed.discard(id(flight))
        if self._as_json:
            emit({"event": "ended", **flight_row(flight)})
        else:
            say(_("{at}  {aircraft} is heard no more", at=_moment(flight.last), aircraft=flight.key))


class Keeping:
    """Keeps tracks on the node every so often, those that changed since; `ended` are flights to keep that are heard no more."""

    def __init__(self, data: Path, sensor: Sensor, source: str, every: float) -> None:
        self._data, self._sensor, self._source, self._every = data, sensor, source, every
        self._last = time.monotonic()
        self._heard: dict[int, int] = {}
        self.ended: list[Flight] = []
        self.counts: dict[str, int] = {"imported": 0, "unchanged": 0, "failed": 0}

    def keep(self, flying: Iterable[Flight], *, now: bool = False) -> None:
        """Keep what changed, when it is time, or enough flights have ended."""
        if not now and time.monotonic() - self._last < self._every and len(self.ended) < _MOST_ENDED:
            return
        self._last = time.monotonic()
        still = list(flying)
        changed = [flight for flight in (*self.ended, *still) if self._heard.get(id(flight)) != flight.heard]
        if changed:
            counts = _kept(self._data, changed, self._sensor, self._source)
            self.counts = {name: self.counts[name] + count for name, count in counts.items()}
        self._heard = {id(flight): flight.heard for flight in still}
        self.ended.clear()


def _kept(data: Path, flights: list[Flight], sensor: Sensor, source: str) -> dict[str, int]:
    from kizuna.domains.air.holding import record

    def keep(store: Store) -> dict[str, int]:
        counts = dict(record(store, flights, sensor, _note))
        store.audit(actor(), "air.record", source[:500], {"sensor": sensor.name, **counts})
        return counts

    with node(data) as store:
        return keep(store)


def _drawn(output: str, flights: list[Flight], zones: Zones) -> None:
    from kizuna.cli.air import drawing
    from kizuna.domains.air.tracks import tracks

    drawn = drawing(output, [track for flight in flights for track in tracks(flight)], zones.zones)
    with output_file(output) as write:
        write(drawn)


def _tell_all(flights: list[Flight], *, as_json: bool) -> None:
    from kizuna.domains.air.truth.words import sentence

    if as_json:
        for flight in flights:
            emit({"event": "flight", **flight_row(flight)})
        return
    columns = ("aircraft", "kind", "heard", "tracks", "from", "to", "doubt")
    table(map(flight_row, flights), columns, as_json=False, empty=N_("no aircraft"))
    for flight in flights:
        if flight.findings:
            verdict = (
                _("{aircraft} is taken for SPOOFED:", aircraft=flight.key)
                if flight.spoofed
                else _("{aircraft} is odd:", aircraft=flight.key)
            )
            say(f"\n{verdict}")
            for finding in sorted(flight.findings.values(), key=lambda one: -one.weight):
                say(f"  {finding.weight:.1f}  {sentence(finding, language())}")


def flight_row(flight: Flight) -> dict[str, Any]:
    """A flight in one row."""
    from kizuna.domains.air.tracks import tracks

    found = tracks(flight)
    return {
        "aircraft": flight.key,
        "kind": found[0].aircraft if found else "none",
        "heard": flight.heard,
        "tracks": len(found),
        "from": _moment(flight.first),
        "to": _moment(flight.last),
        "doubt": flight.doubt,
        "reasons": [one.code for one in sorted(flight.findings.values(), key=lambda one: -one.weight)],
    }


def _tell_summary(summary: Summary, recorded: dict[str, int] | None, *, as_json: bool) -> None:
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
        refused = ", ".join(f"{reason} {count:,}" for reason, count in sorted(summary.refused.items()))
        say(_("left out: {refused}", refused=refused))
    if recorded is not None:
        say(_("{imported:,} imported, {unchanged:,} unchanged, {failed:,} failed", **recorded))


def _reasons(found: tuple[Finding, ...]) -> list[dict[str, Any]]:
    from kizuna.domains.air.truth.words import sentence

    return [
        {
            "code": one.code,
            "weight": one.weight,
            "since": _moment(one.since / 1e6),
            "text": sentence(one, language()),
            "values": one.values,
        }
        for one in found
    ]


def _place_of(flight: Flight) -> dict[str, Any]:
    path = flight.path
    point = path.points[-1] if path is not None else None
    place = (
        {}
        if point is None
        else {"latitude": point.latitude, "longitude": point.longitude, "height": point.height, "speed": point.speed}
    )
    return {"aircraft": flight.key, "at": _moment(flight.last), **place, "doubt": flight.doubt}


def _moment(seconds: float) -> str:
    from kizuna.clock import to_text

    return to_text(max(round(seconds * 1e3), 0) * 1000)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does: what was seen is kept before."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
