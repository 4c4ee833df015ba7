"""The simulator: the same seed gives the same file, files are sound, and the truth told is the truth of the file."""

from __future__ import annotations

import functools
import math
import struct

import numpy as np
import pytest

from kizuna.domains.air.simulator import METHODS, Actor, Capture, Method, Path, Scenario, Spoof, simulate
from kizuna.errors import InvalidInput
from tests.domains.air import mini

SECONDS = 240


@functools.cache
def played(seed: int, method: Method | None = None, skill: int = 0) -> Capture:
    spoofs = () if method is None else (Spoof(method, skill),)
    return simulate(Scenario(seed=seed, seconds=SECONDS, honest=4, spoofs=spoofs, traffic=4))


@functools.cache
def heard(seed: int, method: Method | None = None, skill: int = 0) -> list[mini.Heard]:
    return mini.heard(played(seed, method, skill).data)


def planted(seed: int, method: Method, skill: int) -> Actor:
    return next(actor for actor in played(seed, method, skill).truth.actors if actor.method == method)


def of(actor: Actor, frames: list[mini.Heard]) -> list[mini.Heard]:
    return [frame for frame in frames if frame.sender in set(actor.transmitters)]


def metres(one: Path, other: Path) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    north = (one.latitude - other.latitude) * 111_200
    east = (one.longitude - other.longitude) * 111_200 * math.cos(math.radians(one.latitude[0]))
    return np.hypot(north, east)


def last(path: Path, n: int) -> Path:
    return Path(path.times[-n:], path.latitude[-n:], path.longitude[-n:], path.altitude[-n:])


def place(message: bytes) -> tuple[float, float]:
    latitude, longitude = struct.unpack_from("<ii", message, 5)
    return latitude / 1e7, longitude / 1e7


def location(frame: mini.Heard) -> bytes | None:
    return next((message for message in frame.messages if message[0] >> 4 == 1), None)


EVERY = [(method, skill) for method in METHODS for skill in range(3)] + [("invalid", 3)]


def test_the_same_seed_gives_the_same_bytes() -> None:
    scenario = Scenario(seed=5, seconds=60, spoofs=tuple(Spoof(method, 1) for method in METHODS))
    assert simulate(scenario).data == simulate(scenario).data
    assert simulate(Scenario(seed=6, seconds=60)).data != simulate(Scenario(seed=7, seconds=60)).data


def test_what_is_planted_changes_nothing_of_the_honest() -> None:
    alone, beside = heard(3), heard(3, "ghost", 1)
    ghost = planted(3, "ghost", 1)
    assert alone == [frame for frame in beside if frame.sender not in ghost.transmitters]


@pytest.mark.parametrize("seed", range(6))
def test_times_rise_and_lie_within_the_capture(seed: int) -> None:
    capture = played(seed)
    times = [packet.time for packet in mini.packets(capture.data)]
    assert times == sorted(times)
    assert times[0] >= capture.truth.begin * 1000
    assert times[-1] < (capture.truth.begin + SECONDS * 1_000_000) * 1000


@pytest.mark.parametrize("seed", range(6))
def test_honest_frames_say_what_the_truth_says(seed: int) -> None:
    for actor in played(seed).truth.actors:
        frames = of(actor, heard(seed))
        assert len(frames) == actor.frames - sum(frame.carrier == "nan" for frame in frames)
        assert frames[0].time // 1000 == actor.since or "nan" in actor.carriers
        steps = np.rint(np.stack([actor.claimed.latitude, actor.claimed.longitude], axis=1) / 1e-7)
        said = set(map(tuple, steps.tolist()))
        messages = [message for frame in frames if (message := location(frame))]
        assert all(struct.unpack_from("<ii", message, 5) in said for message in messages)


@pytest.mark.parametrize("seed", range(6))
def test_honest_aircraft_say_about_where_they_are(seed: int) -> None:
    for actor in played(seed).truth.actors:
        off = metres(actor.path, actor.claimed)
        assert np.median(off) < 15
        assert np.percentile(off, 90) < 60
        assert off.max() < 360  # without satellites the last place is said again, up to twelve seconds long


@pytest.mark.parametrize("seed", range(20))
def test_honest_aircraft_fly_as_aircraft_do(seed: int) -> None:
    for actor in simulate(Scenario(seed=seed, traffic=0)).truth.actors:
        step = np.stack([np.diff(actor.path.latitude) * 111_200, np.diff(actor.path.longitude) * 77_000], axis=1)
        speed = np.hypot(step[:, 0], step[:, 1])
        assert speed.max() < 42
        assert np.hypot(*np.diff(step, axis=0).T).max() < 12
        assert np.abs(np.diff(actor.path.altitude)).max() < 8


def test_beacons_repeat_their_message_ten_times_and_count_seconds() -> None:
    actor = next(one for one in played(1).truth.actors if one.carriers[0] == "beacon")
    frames = [frame for frame in of(actor, heard(1)) if frame.carrier == "beacon"]
    by_counter: dict[int, set[tuple[bytes, ...]]] = {}
    for frame in frames:
        by_counter.setdefault(frame.counter, set()).add(frame.messages)
    assert all(len(messages) == 1 for messages in by_counter.values())
    assert len(by_counter) > SECONDS / 4
    assert {elements for one in range(6) for elements in _elements(one)} == {(0, 1, 3, 5, 7, 42, 50, 221), (0, 1, 221)}


def _elements(seed: int) -> set[tuple[int, ...]]:
    return {frame.elements for frame in heard(seed) if frame.carrier == "beacon"}


@pytest.mark.parametrize(("method", "skill"), EVERY)
def test_each_way_is_told_in_the_truth(method: Method, skill: int) -> None:
    truth = played(8, method, skill).truth
    actors = [actor for actor in truth.actors if actor.method == method]
    assert len(actors) == (20 if method == "swarm" else 1)
    for actor in actors:
        assert actor.skill == skill
        assert truth.begin + 0.04e6 * SECONDS < actor.since < truth.begin + 0.6e6 * SECONDS
        assert actor.id in truth.spoofed
        assert actor.id not in truth.honest
        assert of(actor, heard(8, method, skill))
        assert np.ptp(actor.path.latitude) == 0


@pytest.mark.parametrize("skill", range(3))
def test_a_moved_set_of_messages_keeps_its_time(skill: int) -> None:
    frames = of(planted(8, "moved", skill), heard(8, "moved", skill))
    messages = [message for frame in frames if (message := location(frame))]
    assert len({message[21:23] for message in messages}) == 1
    assert len({message[5:13] for message in messages}) > 10
    assert (len({frame.counter for frame in frames}) == 1) == (skill < 2)
    assert (frames[0].tsf == 0) == (skill == 0)
    assert frames[0].elements == (0, 221) or skill


@pytest.mark.parametrize("method", ["clone", "same-address"])
@pytest.mark.parametrize("skill", range(3))
def test_a_clone_flies_elsewhere_at_the_same_time(method: Method, skill: int) -> None:
    clone = planted(8, method, skill)
    victim = next(one for one in played(8, method, skill).truth.actors if one.id == clone.id and one.method is None)
    assert (clone.transmitters[0] in victim.transmitters) == (method == "same-address")
    shared = np.intersect1d(victim.path.times // 1_000_000, clone.path.times // 1_000_000)
    assert len(shared) > SECONDS / 3
    late = last(victim.path, len(clone.claimed.times))
    assert np.median(metres(late, clone.claimed)) > 150


@pytest.mark.parametrize("skill", range(3))
def test_a_ghost_goes_far_at_one_signal_level(skill: int) -> None:
    capture = simulate(Scenario(seed=8, spoofs=(Spoof("ghost", skill),), traffic=0))
    ghost = capture.truth.spoofed[next(iter(capture.truth.spoofed))]
    signals = [frame.signal for frame in of(ghost, mini.heard(capture.data, check=False)) if frame.signal is not None]
    assert np.std(signals) < 2
    middle = np.hypot(*((ghost.claimed.latitude - 46.2) * 111_200, (ghost.claimed.longitude - 9.1) * 77_000))
    assert middle.max() / middle.min() > 2.5


@pytest.mark.parametrize("skill", range(2))
def test_what_teleports_goes_faster_than_it_says(skill: int) -> None:
    actor = planted(8, "teleport", skill)
    north, east = np.diff(actor.claimed.latitude) * 111_200, np.diff(actor.claimed.longitude) * 77_000
    assert np.hypot(north, east).max() > (500 if skill == 0 else 80)


@pytest.mark.parametrize("skill", range(2))
def test_a_swarm_comes_from_one_transmitter(skill: int) -> None:
    actors = [one for one in played(8, "swarm", skill).truth.actors if one.method == "swarm"]
    assert len({one.transmitters for one in actors}) == (1 if skill == 0 else 20)
    assert len({(one.path.latitude[0], one.path.longitude[0]) for one in actors}) == 1
    frames = sorted(
        {frame for one in actors for frame in of(one, heard(8, "swarm", skill))}, key=lambda frame: frame.time
    )
    steps = np.diff([(frame.sequence or 0) for frame in frames]) % 4096
    assert (steps < 60).all()


def test_a_replay_is_late_and_all_others_are_not() -> None:
    capture = played(8, "replay", 0)
    replay = planted(8, "replay", 0)
    late: dict[str, list[float]] = {}
    for actor in capture.truth.actors:
        for frame in of(actor, heard(8, "replay", 0)):
            message = location(frame)
            if message is None:
                continue
            true = frame.time / 1e9 - capture.truth.clock
            second = struct.unpack_from("<H", message, 21)[0] / 10
            late.setdefault(actor.id, []).append((true - second + 1800) % 3600 - 1800)
    assert abs(np.median(late.pop(replay.id))) > 250
    for values in late.values():
        assert -20 < np.median(values) < 3


def test_what_is_invalid_is_so_on_the_air() -> None:
    by_skill = [
        [
            message
            for frame in of(planted(8, "invalid", skill), heard(8, "invalid", skill))
            if (message := location(frame))
        ]
        for skill in range(4)
    ]
    assert all(place(message)[0] > 90 for message in by_skill[0])
    assert "!" in planted(8, "invalid", 1).id
    assert all(message[0] & 15 > 2 for message in by_skill[2])
    assert all(message[1] >> 4 == 9 for message in by_skill[3])


def test_without_radiotap_frames_stand_by_themselves() -> None:
    capture = simulate(Scenario(seed=4, seconds=60, radiotap=False, spoofs=(Spoof("moved", 0),)))
    assert {packet.link for packet in mini.packets(capture.data)} == {105, 251}
    assert all(frame.signal is None for frame in mini.heard(capture.data))


@pytest.mark.parametrize(
    "scenario", [Scenario(seed=1, seconds=19), Scenario(seed=1, honest=0, spoofs=(Spoof("clone"),))]
)
def test_what_cannot_be_played_is_refused(scenario: Scenario) -> None:
    with pytest.raises(InvalidInput):
        simulate(scenario)


def test_an_hour_s_replay_is_told_by_the_operators_time_alone() -> None:
    frames = of(planted(8, "replay", 1), heard(8, "replay", 1))
    stated = [
        (
            frame.time / 1e9 - played(8, "replay", 1).truth.clock,
            struct.unpack_from("<I", message, 20)[0] + 1_546_300_800,
        )
        for frame in frames
        for message in frame.messages
        if message[0] >> 4 == 4
    ]
    assert stated
    assert all(3599 <= now - then <= 3603 for now, then in stated)


@functools.cache
def many() -> list[Capture]:
    return [simulate(Scenario(seed=seed, traffic=0)) for seed in range(30)]


def test_captures_differ_in_what_real_ones_differ() -> None:
    """Clocks off by hours, hours that pass, every carrier, other identities than serial numbers, addresses that rotate."""
    truths = [capture.truth for capture in many()]
    assert 3 <= sum(abs(truth.clock) > 600 for truth in truths) <= 14
    begins = [truth.begin / 1e6 - truth.clock for truth in truths]
    assert 8 <= sum(begin % 3600 > 3000 for begin in begins) <= 24
    actors = [actor for truth in truths for actor in truth.actors]
    assert {carrier for actor in actors for carrier in actor.carriers} == {"beacon", "nan", "legacy", "extended"}
    assert {actor.id_type for actor in actors} == {1, 2, 3}
    assert {1, 2} < {min(len(actor.transmitters), 3) for actor in actors}


def test_a_transmitters_clock_goes_as_the_receivers_but_for_milliseconds() -> None:
    for actor in played(1).truth.actors:
        own = [frame for frame in of(actor, heard(1)) if frame.carrier == "beacon"]
        gone = np.array([frame.time / 1e3 - (frame.tsf or 0) for frame in own])
        late = gone - gone.min(initial=np.inf)
        if len(own) and (np.diff([frame.tsf or 0 for frame in own]) > 0).all():
            assert 300 < np.mean(late) < 20_000
            assert late.max() < 50_000


def test_some_aircraft_pass_each_other_closely() -> None:
    passed = 0
    for capture in many():
        one, other = capture.truth.actors[:2]
        n = min(len(one.path.times), len(other.path.times))
        off = metres(last(one.path, n), last(other.path, n))
        passed += bool((np.hypot(off, one.path.altitude[-n:] - other.path.altitude[-n:]) < 20).any())
    assert 8 <= passed <= 24


def test_some_restart_take_off_vanish_and_come_back() -> None:
    restarted = taken_off = vanished = 0
    for capture in many()[:8]:
        frames = mini.heard(capture.data, check=False)
        for actor in capture.truth.actors:
            own = [frame for frame in of(actor, frames) if frame.carrier == "beacon"]
            clocks = np.diff([frame.tsf or 0 for frame in own])
            assert (clocks < 0).sum() <= 1
            restarted += bool((clocks < 0).any())
            status = [message[1] >> 4 for frame in own if (message := location(frame))]
            assert status == sorted(status)
            taken_off += 1 in status and 2 in status
            vanished += bool((np.diff([frame.time for frame in own]) > 20e9).any())
    assert restarted
    assert taken_off >= 6
    assert vanished >= 5


def test_signals_of_aircraft_fall_with_distance_and_fade() -> None:
    distances, levels = [], []
    for capture in many()[:6]:
        frames = mini.heard(capture.data, check=False)
        for actor in capture.truth.actors:
            north, east = (actor.path.latitude - 46.2) * 111_200, (actor.path.longitude - 9.1) * 77_000
            for frame in of(actor, frames):
                if frame.carrier == "beacon" and frame.signal is not None:
                    at = np.searchsorted(actor.path.times, frame.time // 1000) - 1
                    distances.append(math.hypot(north[at], east[at], actor.path.altitude[at] - 320))
                    levels.append(frame.signal)
    near = np.array(distances) < 500  # farther off, faint frames are missing
    slope, offset = np.polyfit(np.log10(np.array(distances)[near]), np.array(levels)[near], 1)
    assert -27 < slope < -15
    off = np.array(levels)[near] - slope * np.log10(np.array(distances)[near]) - offset
    assert 3.5 < off.std() < 6
