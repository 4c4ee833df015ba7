"""What a node holds of the air: kept once, given to partners without a word of who heard it, and safe from what they send."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from kizuna.domains.air import holding, stix
from kizuna.domains.air.flight import Flight
from kizuna.domains.air.holding import put_sensor, put_zones, record, seen, sensor, sensors, sky, zones
from kizuna.domains.air.replay import replayed
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.stix import WORDS, Recorder, is_track, track_of
from kizuna.domains.air.tracks import tracks
from kizuna.errors import InvalidInput, NotFound, UsageError
from kizuna.formats.pack import load
from kizuna.labels import Label, parse_label
from kizuna.stix import check
from kizuna.stix.builtin import RENDITION_EXTENSION, SENSOR_EXTENSION, TRACK_EXTENSION
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import Accounts
from kizuna.store.releasing import Releases
from kizuna.store.standing import Named, Rules
from kizuna.store.verify import verify
from tests.builders import CLEAR, identity, items, sdo
from tests.conftest import Clock
from tests.domains.air.given import T0, WELL, flying, heard, located, named, operated, report, serial
from tests.stores import SQLITE
from tests.tracks import AROUND, zone

pytestmark = SQLITE
ROOF = Sensor(name="Rooftop-Kamakura", latitude=35.3192, longitude=139.5467, label="TLP:CLEAR")


@pytest.fixture
def tokyo(store: Store) -> Store:
    """Tokyo with a partner who gets what is CLEAR, in part where it must be."""
    store.put_partner(
        Partner(name="Kyiv", organisation="CERT Kyiv (fictional)", country="UKR", receives=("TLP:CLEAR",))
    )
    for name in ("aoki", "baba"):
        Accounts(store).add_user(name, ("releaser", "operator"), by=name)
    one = {"name": "parts", "act": "send", "parts": True, "labels": ["TLP:CLEAR"]}
    Rules(store).put([msgspec.convert(one, Named)], by="test")
    Releases(store).grant("parts", by="aoki")
    return store


def flights(*, forged: bool = False) -> list[Flight]:
    (flight,) = heard(*flying(60, signal=-57, operated=operated(), operator_id="FIN87astrdge12k8")).values()
    if forged:
        flight.find("jump", 1.0, T0 + 3, metres=5000, seconds=1, speed=5000, limit=60)
    return [flight]


def fed(store: Store) -> list[bytes]:
    assert list(verify(store)) == []
    return [row.raw for row in store.feed("Kyiv").read(Query(), 0, 1_000).rows]


def test_what_is_recorded_is_there_once(tokyo: Store) -> None:
    first = record(tokyo, flights(forged=True), ROOF)
    assert first["imported"] > 8
    assert first["failed"] == 0
    again = record(tokyo, flights(forged=True), ROOF)
    assert (again["imported"], again["failed"]) == (0, 0)
    (held,) = seen(tokyo.custodian())
    assert held.track.serial == WELL
    assert held.track.points == tracks(flights()[0])[0].points
    assert list(seen(tokyo.custodian(), aircraft=WELL))
    assert not list(seen(tokyo.custodian(), aircraft="nobody"))
    assert sky(tokyo.custodian())[:2] == (1, 1)


def _with_maker(
    self: Recorder, kind: str, of: tuple[str, ...], first: int, last: int, label: Label | None
) -> dict[str, Any]:
    """An object as it was made while each named its maker."""
    marks = stix._marks(label)
    id = self._id(kind, *of, *marks.get("object_marking_refs", ()))
    times = {"created": stix._time(first), "modified": stix._time(max(first, last))}
    return {"type": kind, "spec_version": "2.1", "id": id, "created_by_ref": self._node, **times, **marks}


def test_what_was_kept_while_objects_named_their_maker_is_not_kept_once_more(
    tokyo: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same capture nothing is new; a flight that was heard for longer by now, or another one, is kept as today."""
    with monkeypatch.context() as former:
        former.setattr(Recorder, "_object", _with_maker)
        before = record(tokyo, flights(forged=True), ROOF)
    again = record(tokyo, flights(forged=True), ROOF)
    assert (again["imported"], again["failed"]) == (0, 0)
    assert again["unchanged"] >= before["imported"] - 1  # the sensor is there, too
    assert len(list(seen(tokyo.custodian()))) == 1
    (longer,) = heard(*flying(90, signal=-57, operated=operated(), operator_id="FIN87astrdge12k8")).values()
    assert record(tokyo, [longer], ROOF)["imported"] > 0
    (other,) = heard(*flying(60, names=named(serial(4)))).values()
    assert record(tokyo, [other], ROOF)["imported"] > 0
    assert len(list(seen(tokyo.custodian()))) == 3


@pytest.mark.parametrize("name", ["anafi4-real.pcapng.gz", "anafi4-spoofed.pcapng.gz"])
def test_a_real_capture_twice_is_nothing_new(tokyo: Store, name: str) -> None:
    data = load("remote-id").read(name)
    put_sensor(tokyo, ROOF)
    counts = [record(tokyo, replayed([data], ROOF), ROOF) for _ in range(2)]
    assert counts[0]["imported"] > 5
    assert counts[1]["imported"] == counts[0]["failed"] == counts[1]["failed"] == 0
    assert list(verify(tokyo)) == []


def test_a_partner_gets_the_track_and_not_who_heard_it(tokyo: Store) -> None:
    record(tokyo, flights(forged=True), ROOF)
    sent = fed(tokyo)
    plain = [json.loads(raw) for raw in sent]
    for one in plain:
        assert [problem for problem in check(one) if problem.severity == "error"] == []
    own = next(one for _, one in _held(tokyo, "identity") if SENSOR_EXTENSION in one.get("extensions", {}))
    for raw in sent:
        for hidden in (
            b"Kamakura",
            b"35.3192",
            own["id"].encode(),
            b"transmissions",
            b"dBm",
            b"sensor_ref",
            SENSOR_EXTENSION.encode(),
        ):
            assert hidden not in raw
    (observed,) = [one for one in plain if one["type"] == "observed-data"]
    track = track_of(observed)
    assert track is not None
    assert track.points == tracks(flights()[0])[0].points
    assert track.serial == WELL
    assert track.operator is not None
    (incident,) = [one for one in plain if one["type"] == "incident"]
    (words,) = [one for one in plain if one["type"] == "language-content"]
    assert words["object_ref"] == incident["id"]
    assert "なりすまし" in words["contents"]["ja"]["name"]
    assert {"sighting", "identity", "mac-addr"} <= {one["type"] for one in plain}
    (aircraft,) = [one for one in plain if one.get("name") == f"Aircraft {WELL}"]
    held = {id for id, _ in _held(tokyo, "identity")}
    assert aircraft["id"] in held
    assert {one["type"] for one in plain if RENDITION_EXTENSION in one.get("extensions", {})} == {
        "observed-data",
        "relationship",
        "sighting",
    }


def test_what_is_no_path_needs_no_leave_to_go_in_part(store: Store) -> None:
    store.put_partner(
        Partner(name="Kyiv", organisation="CERT Kyiv (fictional)", country="UKR", receives=("TLP:CLEAR",))
    )
    record(store, flights(forged=True), ROOF)
    put_zones(store, [zone(AROUND)], parse_label("TLP:CLEAR", originator=store.organisation))
    names = {one.get("name", one["type"]) for raw in fed(store) if (one := json.loads(raw))}
    assert {f"Aircraft {WELL}", f"Operator of {WELL}", str(zone(AROUND).name or zone(AROUND).identifier)} <= names
    # The reasons stand in the track too: while that is withheld, so is what tells them elsewhere.
    assert not names & {"observed-data", "sighting", f"Spoofed Remote ID: {WELL}"}


def _held(store: Store, type: str) -> list[tuple[str, dict[str, Any]]]:
    rows = store.custodian().read(Query(), 0, 1_000).rows
    return [(row.id, one) for row in rows if (one := json.loads(row.raw))["type"] == type]


def test_an_operator_may_be_for_fewer(tokyo: Store) -> None:
    record(tokyo, flights(), msgspec.structs.replace(ROOF, operator_label="TLP:AMBER+STRICT"))
    (observed,) = [one for raw in fed(tokyo) if (one := json.loads(raw))["type"] == "observed-data"]
    assert "operator" not in observed["extensions"][TRACK_EXTENSION]
    assert track_of(observed) is not None
    assert not [raw for raw in fed(tokyo) if json.loads(raw)["type"] == "location"]


def test_without_a_label_it_is_for_ones_own_only(tokyo: Store) -> None:
    record(tokyo, flights(forged=True), Sensor(name="roof"))
    assert len(list(seen(tokyo.custodian()))) == 1
    assert fed(tokyo) == []


def test_who_flies_on_is_recorded_anew(tokyo: Store) -> None:
    """As `watch --record` does: the same flight three times, longer and with more against it each time."""
    reports = list(flying(90, operated=operated()))
    for number in (30, 60, 90):
        (flight,) = heard(*reports[:number]).values()
        if number > 30:
            flight.find("jump", 1.0, T0 + 3 - number)
        assert record(tokyo, [flight], ROOF)["failed"] == 0
    held = list(seen(tokyo.custodian()))
    assert [len(one.track.points) for one in held] == [90]
    assert list(verify(tokyo)) == []


@pytest.mark.parametrize("name", ["\\x1b[31m", '"><script>', "X" * 80, "/", "~!@#$%^&*()"])
def test_hostile_names_are_recorded(tokyo: Store, name: str) -> None:
    many = list(heard(*flying(20, names=named(name), operator_id=name, operated=operated())).values())
    assert record(tokyo, many, ROOF)["failed"] == 0
    (held,) = seen(tokyo.custodian(), aircraft=name)
    assert held.track.serial == name


def test_the_longest_track_is_recorded(tokyo: Store) -> None:
    (flight,) = heard(*flying(5_000, since=-6_000.0, operated=operated())).values()
    assert record(tokyo, [flight], ROOF)["failed"] == 0
    (held,) = seen(tokyo.custodian())
    assert len(held.track.points) == 5_000


def test_who_teleports_without_end_is_recorded(tokyo: Store) -> None:
    hops = [
        report(float(n), located(40_000.0 * (n % 97), 40_000.0 * (n % 89 // 2)), names=named(serial(1)))
        for n in range(600)
    ]
    assert record(tokyo, list(heard(*hops).values()), ROOF)["failed"] == 0
    assert 1 <= len(list(seen(tokyo.custodian()))) <= 8


def test_times_that_nothing_states_are_recorded(tokyo: Store) -> None:
    untimed = [one._replace(time=-1.0) for one in flying(20)]
    assert record(tokyo, list(heard(*untimed).values()), ROOF)["failed"] == 0


def test_a_receiver_whose_clock_is_hours_ahead_is_told_and_the_rest_is_kept(tokyo: Store) -> None:
    """What is dated ahead waits (as all that is dated so), and stops nothing beside it."""
    ahead = list(heard(*flying(60, since=3 * 3600.0, names=named(serial(1)))).values())
    told: list[InvalidInput] = []
    counts = record(tokyo, [*ahead, *flights()], ROOF, told.append)
    assert counts["failed"] > 0
    assert len(told) == 1
    assert "ahead" in told[0].message
    assert [one.track.serial for one in seen(tokyo.custodian())] == [WELL]
    with pytest.raises(InvalidInput):
        record(tokyo, ahead, ROOF)


def test_aircraft_that_name_nobody_are_each_their_own(tokyo: Store) -> None:
    nameless = [
        one._replace(names=(), transmitter=number) for number in (7, 8) for one in flying(20, east=500.0 * number)
    ]
    assert record(tokyo, list(heard(*nameless).values()), ROOF)["failed"] == 0
    names = {one["name"] for _, one in _held(tokyo, "identity") if one["name"].startswith("Aircraft")}
    assert names == {"Aircraft 00:00:00:00:00:07", "Aircraft 00:00:00:00:00:08"}


def test_a_sensor_is_kept_and_changed(tokyo: Store, clock: Clock) -> None:
    assert put_sensor(tokyo, ROOF)
    assert not put_sensor(tokyo, ROOF)
    assert sensor(tokyo.custodian(), ROOF.name) == ROOF
    clock.forward(60)
    farther = msgspec.structs.replace(ROOF, reach=3000.0, label="TLP:AMBER")
    assert put_sensor(tokyo, farther)
    assert sensors(tokyo.custodian()) == [farther]
    with pytest.raises(NotFound):
        sensor(tokyo.custodian(), "none")
    with pytest.raises(UsageError):
        put_sensor(tokyo, Sensor(name="x", label="TLP:PURPLE"))


def test_what_a_partner_says_of_sensors_decides_no_label_here(tokyo: Store) -> None:
    put_sensor(tokyo, msgspec.structs.replace(ROOF, label=None))
    said = {"extension_type": "property-extension", "sensor": ROOF.name, "label": "TLP:CLEAR", "reach": 10.0}
    forged = identity(
        ROOF.name, description="Remote ID sensor", object_marking_refs=[CLEAR], extensions={SENSOR_EXTENSION: said}
    )
    outcomes = list(tokyo.writer(tokyo.partner_source("Kyiv")).add(items(forged)))
    assert [one.status for one in outcomes] == ["imported"]
    assert [one.label for one in sensors(tokyo.custodian())] == [None]
    assert sensor(tokyo.custodian(), ROOF.name).label is None


@pytest.mark.parametrize(
    "said",
    [
        {}, {"geometry": {"type": "LineString", "coordinates": [[1]]}, "times": ["2026-01-01T00:00:00Z"]},
        {"geometry": {"type": "Point", "coordinates": [9e99, -9e99]}, "times": ["9999-12-31T23:59:59Z"], "doubt": 1e300},
        {"geometry": {"type": "LineString", "coordinates": [{}, []]}, "times": [1, None]},
        {"geometry": {"type": "Point", "coordinates": [1, 2]}, "times": ["0001-01-01T00:00:00Z"], "serial": "\u001b[31m"},
        {"geometry": {"type": "Point", "coordinates": [1, 2]}, "times": ["0001-01-01T00:00:00Z"], "findings": [{"code": "x"}]},
    ],
)  # fmt: skip
def test_what_a_partner_wrote_into_a_track_stops_nothing(tokyo: Store, said: dict[str, Any]) -> None:
    record(tokyo, flights(), ROOF)
    observed = sdo(
        "observed-data", "theirs", first_observed="2026-01-01T00:00:00Z", last_observed="2026-01-01T00:00:00Z",
        number_observed=1, object_refs=["mac-addr--1c1e9d7b-5a3d-5d1c-8b0f-7f4c4c0d1b11"], object_marking_refs=[CLEAR],
        extensions={TRACK_EXTENSION: {"extension_type": "property-extension", "description": WORDS, **said}},
    )  # fmt: skip
    del observed["name"]
    list(tokyo.writer(tokyo.partner_source("Kyiv")).add(items(observed)))
    assert WELL in [one.track.serial for one in seen(tokyo.custodian())]
    held = list(seen(tokyo.custodian()))
    assert sky(tokyo.custodian()).tracks == len(held)
    assert [is_track(one.raw) for one in tokyo.custodian().search(WORDS, types=("observed-data",)).items].count(
        True
    ) == len(held)


def test_what_only_calls_itself_a_track_is_not_counted(tokyo: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as the newest are looked at; of what lies behind them, all that has the words counts."""
    observed: dict[str, Any] = {
        "first_observed": "2026-01-01T00:00:00Z", "last_observed": "2026-01-01T00:00:00Z", "number_observed": 1,
        "object_refs": ["mac-addr--1c1e9d7b-5a3d-5d1c-8b0f-7f4c4c0d1b11"], "object_marking_refs": [CLEAR],
    }  # fmt: skip
    theirs = [
        sdo("observed-data", str(n), **observed, extensions={
            TRACK_EXTENSION: {"extension_type": "property-extension", "description": f"{WORDS} {n}"}
        })
        for n in range(5)
    ]  # fmt: skip
    for one in theirs:
        del one["name"]
    list(tokyo.writer(tokyo.partner_source("Kyiv")).add(items(*theirs)))
    assert sky(tokyo.custodian()) == (0, 0, ())
    record(tokyo, flights(), ROOF)
    (other,) = heard(*flying(60, names=named(serial(4)), transmitter=4)).values()
    record(tokyo, [other], ROOF)
    assert sky(tokyo.custodian()).tracks == 2
    assert {track.serial for track in sky(tokyo.custodian()).newest} == {WELL, serial(4)}
    monkeypatch.setattr(holding, "_LOOKED_AT", 3)
    assert sky(tokyo.custodian()).tracks == 2 + 4


@pytest.mark.parametrize("first", [None, "TLP:AMBER", "TLP:GREEN to=UKR", "PUBLIC"])
@pytest.mark.parametrize("then", ["TLP:CLEAR", "TLP:AMBER to=UKR", "TLP:GREEN community=EU", "OWN"])
def test_a_zone_once_more_under_another_label_has_that(
    tokyo: Store, clock: Clock, first: str | None, then: str
) -> None:
    one, other = (
        None if text is None else parse_label(text, originator=tokyo.organisation, community="EU")
        for text in (first, then)
    )
    assert put_zones(tokyo, [zone(AROUND)], one) == {"imported": 1, "relabelled": 0, "unchanged": 0, "failed": 0}
    same = {"imported": 0, "relabelled": 0, "unchanged": 1, "failed": 0}
    clock.forward(1)
    assert put_zones(tokyo, [zone(AROUND)], one) == same
    changes = 0 if (first, then) == (None, "OWN") else 1
    found = put_zones(tokyo, [zone(AROUND)], other)
    assert found == {"imported": 0, "relabelled": changes, "unchanged": 1 - changes, "failed": 0}
    clock.forward(1)
    for label in (other, None):
        assert put_zones(tokyo, [zone(AROUND)], label) == same
    assert zones(tokyo.custodian()) == [zone(AROUND)]
    sent = [one for raw in fed(tokyo) if (one := json.loads(raw))["type"] == "location"]
    # The version before keeps its label, and so its place in the feed, as of all that is imported.
    before, after = (any(word in (text or "") for word in ("CLEAR", "PUBLIC", "UKR")) for text in (first, then))
    assert bool(sent) == (before or after)


def test_a_zone_that_somebody_labelled_by_hand(tokyo: Store, clock: Clock) -> None:
    amber, clear = (parse_label(text, originator=tokyo.organisation) for text in ("TLP:AMBER", "TLP:CLEAR"))
    put_zones(tokyo, [zone(AROUND)], clear)
    (id,) = [id for id, one in _held(tokyo, "location")]
    tokyo.relabel(id, amber, by="test")
    clock.forward(1)
    assert put_zones(tokyo, [zone(AROUND)], amber)["unchanged"] == 1
    assert put_zones(tokyo, [zone(AROUND)], clear)["relabelled"] == 1
    assert put_zones(tokyo, [zone(AROUND)], clear)["unchanged"] == 1
