"""What a node holds of the air: its sensors, zones and tracks, as objects like all others, each with its label and read through a view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.clock import from_text, to_text
from kizuna.domains.air.flight import Flight
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.stix import (
    ALWAYS,
    SENSOR_WORDS,
    SPOOFED_WORDS,
    WORDS,
    Recorder,
    is_track,
    keyed_id,
    sensor_of,
    track_of,
)
from kizuna.domains.air.tracks import tracks, transmitters
from kizuna.errors import InvalidInput, KizunaError, NotFound
from kizuna.formats.remote_id.radio import CARRIERS
from kizuna.formats.track import Track
from kizuna.formats.zone import Circle, Zone, from_json, to_json
from kizuna.labels import Label, to_markings
from kizuna.stix import iter_objects
from kizuna.stix.builtin import BUILTIN, ZONE_EXTENSION
from kizuna.store.keys import derived_key

if TYPE_CHECKING:
    from kizuna.store import Store, Stored, View

AREA = "emerging-technologies"
"""The programme area that what is seen of unmanned aircraft serves by default: autonomous systems are among these technologies."""
ZONE_WORDS = "Zone for unmanned aircraft"
_OWN = "own"  # the source of what this node's people and tools say
_PAGE = 200
_LOOKED_AT, _LATEST, _SHOWN = 50, 12, 3

Json = dict[str, Any]
Trouble = Callable[[InvalidInput], object]


class Seen(NamedTuple):
    """A track that is held: the object it is of, whose it is, and the path."""

    id: str
    source: str
    label: Label
    added: int
    track: Track


class Sky(NamedTuple):
    """How many tracks and spoofed flights somebody may see, and the aircraft that were seen last."""

    tracks: int
    spoofed: int
    newest: tuple[Track, ...]


def sensors(view: View) -> list[Sensor]:
    """This node's own sensors that somebody may see, by name: what a partner says of sensors decides no label here."""
    held = _objects(view, SENSOR_WORDS, "identity")
    found = (sensor_of(data) for stored, data in held if stored.source == _OWN)
    return sorted((one for one in found if one is not None), key=lambda one: one.name)


def sensor(view: View, name: str) -> Sensor:
    """One sensor. Raises NotFound."""
    for one in sensors(view):
        if one.name == name:
            return one
    raise NotFound(f"there is no sensor {name}; `kizuna air sensors` lists them, and sets one up")


def put_sensor(store: Store, one: Sensor) -> bool:
    """Keep a sensor; whether anything about it is new. Raises UsageError for a label that is none, Refused for one above the ceiling."""
    recorder = _recorder(store, one)
    if one in sensors(store.custodian()):
        return False
    _store(store, recorder.sensor(store.clock()), one.area)
    return True


def record(store: Store, flights: Iterable[Flight], one: Sensor, trouble: Trouble | None = None) -> Counter[str]:
    """Keep the tracks of flights, and all that is said of them; how many objects came of it (imported, unchanged, failed).

    What fails, such as what a receiver whose clock is ahead dates so, keeps nothing else from being kept; then the first such error goes
    to `trouble`, or is raised where there is none.
    """
    recorder = _recorder(store, one)
    view = store.custodian()
    found = list(recorder.sensor(store.clock())) if one not in sensors(view) else []
    kept = 0
    for flight in flights:
        if told := tracks(flight):
            made = recorder.flight(told, heard(flight), first=round(flight.first * 1e6), last=round(flight.last * 1e6))
            if _is_kept_with_maker(view, recorder, told, made):
                kept += len(made)
            else:
                found += made
    counts = _store(store, found, one.area, trouble)
    counts["unchanged"] += kept
    return counts


def _is_kept_with_maker(view: View, recorder: Recorder, told: list[Track], made: list[Json]) -> bool:
    """Whether a flight was kept as it is now by a node whose objects named it as their maker, each under another identifier."""
    ends = [from_text(data["modified"]) for data in made if data["type"] == "observed-data"]
    held = (view.get(recorder.with_maker(track)) for track in told)
    return all(one is not None and one.version == end for one, end in zip(held, ends, strict=True))


def heard(flight: Flight) -> Json:
    """What only the receiver knows of a flight."""
    found: Json = {
        "transmissions": flight.heard,
        "transmitters": transmitters(flight),
        "carriers": sorted({CARRIERS[carrier] for carrier, _ in flight.senders}),
    }
    if flight.signal is not None:
        count, total, least, most = flight.signal
        found["signal"] = {"least": least, "mean": round(total / count, 1), "most": most, "unit": "dBm"}
    return {key: value for key, value in found.items() if value}


def seen(view: View, *, aircraft: str | None = None, most: int | None = None) -> Iterator[Seen]:
    """The tracks somebody may see, the newest to arrive first; those of one aircraft by its serial number or other name.

    At most `most` objects are looked at: anybody may call anything a track.
    """
    words = WORDS if aircraft is None else f"{WORDS} {aircraft}"
    for stored, data in islice(_objects(view, words, "observed-data"), most):
        track = track_of(data)
        if track is not None and (aircraft is None or aircraft in (track.serial, track.registration, track.name)):
            yield Seen(stored.id, stored.source, stored.label, stored.added, track)


def sky(view: View) -> Sky:
    """What somebody may see of the air, counted: what only calls itself a track is none, as far as the newest are looked at one by one."""
    found = view.search(WORDS, types=("observed-data",), limit=_LOOKED_AT)
    real = [stored for stored in found.items if is_track(stored.raw)]
    if not real:  # most nodes: nothing is counted for them
        return Sky(0, 0, ())
    newest: dict[str, Track] = {}
    for stored in real[:_LATEST]:
        if (track := track_of(msgspec.json.decode(stored.raw))) is not None:
            newest.setdefault(f"{track.name} {track.doubt}", track)
    held = len(real)
    if found.cursor is not None:
        held += _count(view, WORDS, "observed-data") - len(found.items)
    return Sky(held, _count(view, SPOOFED_WORDS, "incident"), tuple(newest.values())[:_SHOWN])


def _count(view: View, words: str, kind: str) -> int:
    return next((one.count for one in view.facets(words, types=(kind,)).types if one.value == kind), 0)


def zones(view: View, source: str | None = None) -> list[Zone]:
    """The zones somebody may see, of one source or of all, by country and identifier."""
    return sorted((one for _, one in zones_of(view, source)), key=lambda one: (one.country, one.identifier))


def zones_of(view: View, source: str | None = None) -> Iterator[tuple[Stored, Zone]]:
    """The zones somebody may see, each behind the object that it stands in."""
    for stored, data in _objects(view, ZONE_WORDS, "location"):
        if source in (None, stored.source) and (zone := zone_of(data)) is not None:
            yield stored, zone


def put_zones(store: Store, new: Iterable[Zone], label: Label | None) -> Counter[str]:
    """Keep zones, each a location, and count them; what is there stays, or becomes a new version under another label (relabelled)."""
    key = derived_key(store.folder, "air")
    there = {(zone.country, zone.identifier): (zone, of) for of, zone in zones_of(store.custodian(), _OWN)}
    found: list[Json] = []
    again: list[Json] = []
    counts: Counter[str] = Counter(imported=0, relabelled=0, unchanged=0, failed=0)
    for zone in new:
        held, of = there.get((zone.country, zone.identifier), (None, None))
        if held == zone and of is not None and label in (None, of.label):
            counts["unchanged"] += 1
        else:
            (again if held == zone else found).append(_location(store, key, zone, label, of))
    if label is not None and (found or again):
        _store(store, [one for one in to_markings(label) if one["id"] not in BUILTIN], None)
    counts.update(_store(store, found, None))
    under_another = _store(store, again, None)
    counts["relabelled"] = under_another.pop("imported")
    counts.update(under_another)
    return counts


def zone_of(data: Json) -> Zone | None:
    """The zone that a location is; None where it is none, or one that cannot be."""
    extensions = data.get("extensions")
    said = extensions.get(ZONE_EXTENSION) if isinstance(extensions, dict) else None
    try:
        return None if not isinstance(said, dict) else from_json(said.get("zone"))
    except KizunaError:
        return None


def _location(store: Store, key: bytes, zone: Zone, label: Label | None, held: Stored | None) -> Json:
    """A zone as it is kept. It names no maker, so that it leaves whole, unless the version before did: all of them must name the same."""
    maker = None if held is None else msgspec.json.decode(held.raw).get("created_by_ref")
    now = to_text(store.clock() // 1000 * 1000)
    longitude, latitude = _middle(zone)
    return {
        "type": "location",
        "spec_version": "2.1",
        "id": keyed_id(key, "location", "zone", zone.country, zone.identifier),
        **({} if maker is None else {"created_by_ref": maker}),
        "created": to_text(ALWAYS),
        "modified": now,
        "name": zone.name or zone.identifier,
        "description": f"{ZONE_WORDS} {zone.country} {zone.identifier}",
        "latitude": latitude,
        "longitude": longitude,
        "extensions": {ZONE_EXTENSION: {"extension_type": "property-extension", "zone": to_json(zone)}},
        **({} if label is None else {"object_marking_refs": [one["id"] for one in to_markings(label)]}),
    }


def _middle(zone: Zone) -> tuple[float, float]:
    shape = zone.volumes[0].shape
    return (shape.longitude, shape.latitude) if isinstance(shape, Circle) else shape.rings[0][0]


def _recorder(store: Store, one: Sensor) -> Recorder:
    settings = store.settings
    return Recorder(settings.identity, store.organisation, settings.community, one, derived_key(store.folder, "air"))


def _store(store: Store, objects: list[Json], area: str | None, trouble: Trouble | None = None) -> Counter[str]:
    counts: Counter[str] = Counter(imported=0, unchanged=0, failed=0)
    if not objects:
        return counts
    writer = store.writer(store.own_source(), area=area or AREA)
    failed: InvalidInput | None = None
    for outcome in writer.add(iter_objects(msgspec.json.encode(objects))):
        counts[outcome.status] += 1
        if outcome.status == "failed" and failed is None:
            problem = next((one for one in outcome.problems if one.severity == "error"), None)
            message = problem.message if problem is not None else "was refused"
            failed = InvalidInput(message, file=outcome.id, path=problem.path if problem is not None else None)
    if failed is not None:
        if trouble is None:
            raise failed
        trouble(failed)
    return counts


def _objects(view: View, words: str, kind: str) -> Iterator[tuple[Stored, Json]]:
    """Objects of a type that hold these words, newest first."""
    cursor = None
    while True:
        found = view.search(words, types=(kind,), limit=_PAGE, cursor=cursor)
        for stored in found.items:
            yield stored, msgspec.json.decode(stored.raw)
        if (cursor := found.cursor) is None:
            return
