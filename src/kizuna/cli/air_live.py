"""`kizuna air replay` and `kizuna air watch`: captures of radio in, flights and what speaks against them out."""

from __future__ import annotations

import gc
import math
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from kizuna.cli.air_alerts import Zones
from kizuna.cli.air_told import Live, Rows, tell_summary
from kizuna.cli.folder import actor, node
from kizuna.cli.output import NumberRange, node_options, output_file, trouble
from kizuna.cli.words import told

if TYPE_CHECKING:
    from kizuna.domains.air.flight import Flight
    from kizuna.domains.air.picture import Position
    from kizuna.domains.air.sensors import Sensor
    from kizuna.errors import KizunaError
    from kizuna.formats.track import Track
    from kizuna.formats.zone import Zone

PARTLY = 6
_MOST_ENDED, _MOST_WAITING = 1_000, 200_000  # flights that wait to be kept, and their points
_NAMELESS = 30.0  # seconds that a flight that is heard waits for its name before it is kept under its address
MOST_DRAWN = 1_000_000
"""Points that are drawn, of the most doubtful flights."""
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
    from kizuna.domains.air.replay import Tally
    from kizuna.domains.air.replay import replay as play

    sensor = sensor_of(name, place, data, record=record)
    tally = Tally()
    failed: list[KizunaError] = []
    zones, rows = Zones(zone_files, as_json=as_json), Rows(as_json=as_json)
    kept = Keeping(data, sensor, ", ".join(files), math.inf) if record else None
    drawing = Drawing() if output is not None else None

    def ended(flight: Flight) -> None:
        tally.ended(flight)
        zones.ended(flight)
        rows.ended(flight)
        if drawing is not None:
            drawing.ended(flight)
        if kept is not None:
            kept.take(flight)
            kept.keep(())

    picture = Picture(ended=ended, moved=zones.moved if zones.zones else None, joined=zones.joined)

    def note(error: KizunaError) -> None:
        failed.append(error)
        _note(error)

    with _rarely_collected():
        summary = play(files, sensor, picture, tally, note)
    rows.tell()
    if kept is not None:
        kept.keep((), now=True)
    if output is not None and drawing is not None:
        drawing.write(output, zones.zones)
        tally.let_go += Counter(drawn=drawing.let_go)
    tally.let_go += Counter(rows=rows.let_go)
    tell_summary(summary, kept.counts if kept is not None else None, as_json=as_json)
    if failed:
        ctx.exit(PARTLY if summary.frames else 1)
    if kept is not None and kept.counts["failed"]:
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
@click.pass_context
def watch(
    ctx: click.Context, source: str, name: str | None, place: str | None, zone_files: tuple[str, ...], record: bool, every: float,
    seconds: float | None, data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Tell of aircraft, and of what speaks against them, as it comes: from a capture that grows, from `-`, or from udp://HOST:PORT.

    A capture that grows is not packed. A datagram is one frame of Wi-Fi behind its radiotap header. Stop with Ctrl-C.

    With a node (--sensor, --data or KIZUNA_DATA) the zones that it holds are watched as well, as they are at the start.
    """
    from kizuna.domains.air.picture import Picture
    from kizuna.domains.air.replay import summed
    from kizuna.domains.air.reports import Receiver
    from kizuna.domains.air.sources import live
    from kizuna.errors import KizunaError

    sensor = sensor_of(name, place, data, record=record)
    ends = None if seconds is None else time.monotonic() + seconds
    stated = ctx.get_parameter_source("data")
    there = stated is ParameterSource.ENVIRONMENT and (data / "node.json").is_file()
    with_node = name is not None or stated is ParameterSource.COMMANDLINE or there
    zones = Zones(zone_files, _held(data) if with_node else (), as_json=as_json)
    live_text = Live(as_json=as_json)
    kept = Keeping(data, sensor, source, every) if record else None

    def ended(flight: Flight) -> None:
        if kept is not None:
            kept.take(flight)
        zones.ended(flight)
        live_text.ended(flight)

    def moved(position: Position) -> None:
        zones.moved(position)
        live_text.moved(position)

    def joined(part: Flight, flight: Flight) -> None:
        zones.joined(part, flight)
        live_text.joined(part, flight)

    picture = Picture(ended=ended, moved=moved, joined=joined)
    receiver = Receiver(source)
    last, since = 0.0, time.monotonic()
    failed: KizunaError | None = None
    try:
        with _interruptible(), _rarely_collected(), suppress(KeyboardInterrupt):
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
    tell_summary(summed([receiver], live_text.tally), kept.counts if kept is not None else None, as_json=as_json)
    if failed is not None:
        raise failed


def _held(data: Path) -> list[tuple[str, Zone]]:
    """The zones that a node holds, each behind its source."""
    from kizuna.domains.air.holding import zones_of

    with node(data) as store:
        return [(of.source, zone) for of, zone in zones_of(store.custodian())]


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
    if place is not None:
        raise UsageError("--at does not go with --sensor, whose place is known; `kizuna air sensors` changes it")
    with node(data) as store:
        return sensor(store.custodian(), name)


class Keeping:
    """Keeps tracks on the node every so often, those that changed since, and those that have ended."""

    def __init__(self, data: Path, sensor: Sensor, source: str, every: float) -> None:
        self._data, self._sensor, self._source, self._every = data, sensor, source, every
        self._last = time.monotonic()
        self._heard: dict[int, int] = {}
        self._ended: list[Flight] = []
        self._waiting = 0
        self.counts: dict[str, int] = {"imported": 0, "unchanged": 0, "failed": 0}

    def take(self, flight: Flight) -> None:
        """A flight is to be kept, and heard no more."""
        self._ended.append(flight)
        self._waiting += flight.size()

    def keep(self, flying: Iterable[Flight], *, now: bool = False) -> None:
        """Keep what changed, when it is time, or enough flights have ended."""
        many = len(self._ended) >= _MOST_ENDED or self._waiting >= _MOST_WAITING
        if not now and not many and time.monotonic() - self._last < self._every:
            return
        self._last = time.monotonic()
        still = [flight for flight in flying if flight.names or flight.last - flight.first > _NAMELESS]
        changed = [flight for flight in (*self._ended, *still) if self._heard.get(id(flight)) != flight.heard]
        if changed:
            counts = _kept(self._data, changed, self._sensor, self._source)
            self.counts = {name: self.counts[name] + count for name, count in counts.items()}
        self._heard = {id(flight): flight.heard for flight in still}
        self._ended.clear()
        self._waiting = 0


def _kept(data: Path, flights: list[Flight], sensor: Sensor, source: str) -> dict[str, int]:
    from kizuna.domains.air.holding import record

    with node(data) as store:
        counts = dict(record(store, flights, sensor, _note))
        store.audit(actor(), "air.record", source[:500], {"sensor": sensor.name, **counts})
        return counts


class Drawing:
    """The tracks of flights that have ended, to be drawn: those of the most doubtful ones where there are too many."""

    def __init__(self) -> None:
        self._of: list[tuple[float, float, list[Track]]] = []
        self._points = 0
        self.let_go = 0
        """Tracks that are not drawn."""

    def ended(self, flight: Flight) -> None:
        """A flight is heard no more."""
        from kizuna.domains.air.tracks import tracks

        self._of.append((-flight.doubt, flight.first, found := tracks(flight)))
        self._points += sum(len(track.points) for track in found)
        if self._points > MOST_DRAWN:
            self._sort()
            while self._points > MOST_DRAWN * 3 // 4 and self._of:
                gone = self._of.pop()[2]
                self._points -= sum(len(track.points) for track in gone)
                self.let_go += len(gone)

    def _sort(self) -> None:
        self._of.sort(key=lambda one: one[:2])

    def write(self, output: str, zones: list[Zone]) -> None:
        """Draw them, with zones."""
        from kizuna.cli.air import drawing

        self._sort()
        drawn = drawing(output, [track for _doubt, _first, found in self._of for track in found], zones)
        with output_file(output) as write:
            write(drawn)


@contextmanager
def _rarely_collected() -> Iterator[None]:
    """A storm of names makes objects by the hundred thousand that stay; looking through them for rings is half of its cost."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


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
