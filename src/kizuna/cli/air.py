"""`kizuna air`: unmanned aircraft by what they send: captures read, watched as they grow, tracks and zones that are held."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.air_live import replay, watch
from kizuna.cli.folder import actor, node
from kizuna.cli.output import NumberRange, emit, node_options, output_file, rows_option, say, table, trouble
from kizuna.cli.words import N_, _, told

if TYPE_CHECKING:
    from kizuna.domains.air.holding import Seen
    from kizuna.formats.zone import Zone

PARTLY = 6


@click.group(short_help="Unmanned aircraft by their Remote ID.")
def command() -> None:
    """Unmanned aircraft by what they send (Remote ID): who flies where, and what is not to be believed. Detection only."""


command.add_command(replay)
command.add_command(watch)


@command.command("tracks", short_help="List the tracks that are held, or write them for maps.")
@click.option("--aircraft", metavar="NAME", help="Only this one: serial number, registration or transmitter.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@click.option("-o", "--output", metavar="FILE", help="Write them: .geojson, .kml or .cot (Cursor on Target).")
@rows_option
@node_options
@click.pass_context
def tracks(ctx: click.Context, aircraft: str | None, limit: int, output: str | None, data: Path, as_json: bool) -> None:
    """Tracks that this node saw or was given, the newest to arrive first. None is exit 3."""
    from itertools import islice

    from kizuna.domains.air.holding import seen, zones

    with node(data) as store:
        found = list(islice(seen(store.custodian(), aircraft=aircraft), limit))
        if output is not None:
            drawn = drawing(output, [one.track for one in found], zones(store.custodian()))
            with output_file(output) as write:
                write(drawn)
            if output != "-":
                say(_("tracks in {file}: {count:,}", count=len(found), file=output))
        else:
            columns = ("aircraft", "kind", "from", "to", "points", "doubt", "label", "source", "id")
            table(map(_row, found), columns, as_json=as_json, empty=N_("no track is held"))
    if not found:
        ctx.exit(3)


def drawing(name: str, tracks: list[Any], zones: list[Zone]) -> bytes:
    """Tracks and zones in the format that a file's name asks for. Raises UsageError."""
    from kizuna.errors import UsageError
    from kizuna.formats.cot import write_cot
    from kizuna.formats.geojson import write_geojson
    from kizuna.formats.kml import write_kml

    suffix = Path(name).suffix.lower()
    if suffix == ".kml":
        return write_kml(tracks, zones)
    if suffix in (".cot", ".xml"):
        return write_cot(tracks)
    if suffix in (".geojson", ".json") or name == "-":
        return write_geojson(tracks, zones)
    raise UsageError(f"{name}: end its name in .geojson, .kml or .cot")


def _row(one: Seen) -> dict[str, Any]:
    from kizuna.clock import to_text
    from kizuna.labels import format_label

    track = one.track
    return {
        "aircraft": track.name,
        "kind": track.aircraft,
        "from": to_text(track.points[0].time),
        "to": to_text(track.points[-1].time),
        "points": len(track.points),
        "doubt": track.doubt,
        "reasons": [finding.code for finding in track.findings],
        "label": format_label(one.label),
        "source": one.source,
        "id": one.id,
    }


@command.command("zones", short_help="Take in zones, or list them.")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--label", metavar="LABEL", help="Label of the zones that are taken in. Default: OWN.")
@rows_option
@node_options
@click.pass_context
def zones(ctx: click.Context, files: tuple[str, ...], label: str | None, data: Path, as_json: bool) -> None:
    """Take in zones for unmanned aircraft (files of EUROCAE ED-269 JSON); without a file, list what is held.

    A file has at most 64 MiB. A zone that is not understood is told and left out, and the others are taken in: exit 6, or 1 when none was.
    """
    from kizuna.domains.air.holding import put_zones
    from kizuna.domains.air.holding import zones as held

    with node(data) as store:
        if not files:
            columns = ("country", "identifier", "name", "restriction", "volumes", "always")
            table(map(_zone, held(store.custodian())), columns, as_json=as_json, empty=N_("no zone is held"))
            return
        from kizuna.labels import parse_label

        stated = None
        if label is not None:
            stated = parse_label(label, originator=store.organisation, community=store.settings.community)
        new, failed = read_zones(files, as_json=as_json)
        counts = dict(put_zones(store, new, stated))
        counts["failed"] = failed
        store.audit(actor(), "air.zones", ", ".join(files)[:500], counts)
    if as_json:
        emit(counts)
    else:
        say(_("{imported:,} taken in, {unchanged:,} unchanged, {failed:,} not understood", **counts))
        if counts["relabelled"]:
            say(_("under another label than before: {relabelled:,}", relabelled=counts["relabelled"]))
    if failed:
        ctx.exit(PARTLY if new else 1)


def read_zones(files: tuple[str, ...], *, as_json: bool = False, all_files: bool = False) -> tuple[list[Zone], int]:
    """The zones in files, and how many zones and files were not understood; what is wrong is told, item by item.

    With `all_files` what is no file of zones at all is raised.
    """
    from kizuna.errors import KizunaError
    from kizuna.formats import ed269

    found: list[Zone] = []
    failed = 0
    for file in files:
        try:
            reading = ed269.read_zones(_bytes(file, ed269.SIZE), file=file)
        except KizunaError as error:
            if all_files:
                raise
            trouble(f"{file}: {told(error.message)}")
            failed += 1
            continue
        found += reading.zones
        failed += reading.refused
        for problem in reading.problems:
            if as_json:
                emit({"file": file, "item": problem.item, "path": problem.path, "message": problem.message})
            else:
                place = _("{file}, item {item}", file=file, item=problem.item)
                trouble(f"{place}, {problem.path}: {told(problem.message)}")
    return found, failed


def _bytes(file: str, most: int) -> bytes:
    with click.open_file(file, "rb") as handle:
        return bytes(handle.read(most + 1))


def _zone(zone: Zone) -> dict[str, Any]:
    return {
        "country": zone.country,
        "identifier": zone.identifier,
        "name": zone.name,
        "restriction": zone.restriction,
        "reasons": list(zone.reasons),
        "volumes": len(zone.volumes),
        "always": not zone.periods,
    }


@command.command("sensors", short_help="Set up a sensor, or list them.")
@click.argument("name", required=False)
@click.option("--at", "place", metavar="LAT,LON[,M]", help="Where it stands: degrees, metres above WGS-84.")
@click.option(
    "--accuracy", type=NumberRange(min=0, max=1e6), metavar="M", help="How well its place is known; by default 10 m."
)
@click.option("--reach", type=NumberRange(min=1, max=1e6), metavar="M", help="How far it hears; by default 15,000 m.")
@click.option(
    "--azimuth", type=NumberRange(0, 360), metavar="DEG", help="Middle of its field of view, clockwise from north."
)
@click.option(
    "--width", type=NumberRange(0, 360), metavar="DEG", help="How wide its field of view is; by default all around."
)
@click.option("--label", metavar="LABEL", help="Label of what it sees. Default: OWN.")
@click.option("--operator-label", metavar="LABEL", help="Label of where operators are. Default: that of what it sees.")
@click.option("--own-label", metavar="LABEL", help="Label of the sensor itself. Default: OWN.")
@click.option("--area", help="Programme area of what it sees. Default: emerging-technologies.")
@rows_option
@node_options
def sensors(name: str | None, place: str | None, data: Path, as_json: bool, **settings: Any) -> None:
    """Set up a sensor, or change what is named of its settings; without a name, list the sensors."""
    import msgspec

    from kizuna.domains.air.holding import put_sensor
    from kizuna.domains.air.holding import sensors as held
    from kizuna.domains.air.sensors import Sensor

    with node(data) as store:
        if name is None:
            columns = ("name", "latitude", "longitude", "reach", "label")
            table(map(_sensor, held(store.custodian())), columns, as_json=as_json, empty=N_("no sensor is set up"))
            return
        given = {key: value for key, value in settings.items() if value is not None} | at(place)
        known = next((one for one in held(store.custodian()) if one.name == name), Sensor(name=name))
        made = msgspec.structs.replace(known, **given)
        new = put_sensor(store, made)
        store.audit(actor(), "air.sensor", name, {"label": made.label, "area": made.area})
    if as_json:
        emit({**_sensor(made), "changed": new})
    else:
        say(_("sensor {name}: what it sees is labelled {label}", name=name, label=made.label or "OWN"))


def at(place: str | None) -> dict[str, float]:
    """Latitude, longitude and perhaps altitude out of `LAT,LON[,M]`. Raises UsageError."""
    from kizuna.errors import UsageError

    if place is None:
        return {}
    names = ("latitude", "longitude", "altitude")
    try:
        values = [float(part) for part in place.split(",")]
    except ValueError:
        values = []
    bounds = (90.0, 180.0, 100_000.0)
    if len(values) not in (2, 3) or not all(abs(value) <= most for value, most in zip(values, bounds, strict=False)):
        raise UsageError(f"{place} is no place such as 47.1986,8.7302 or 47.1986,8.7302,512")
    return dict(zip(names, values, strict=False))


def _sensor(one: Any) -> dict[str, Any]:
    import msgspec

    return {name: getattr(one, name) for name in msgspec.structs.asdict(one)}
