"""How many forged aircraft are found and how many honest ones are blamed, over simulated captures of ten minutes with known truth.

A sensor stands where the simulator's does. What the rates are is printed (`-s`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import pytest

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.plane import Plane
from kizuna.domains.air.replay import replayed
from kizuna.domains.air.sensors import Sensor
from kizuna.domains.air.simulator import METHODS, Actor, Scenario, Spoof, simulate

SENSOR = Sensor(name="roof", latitude=46.2, longitude=9.1)
SECONDS = 600
Way = tuple[str, int]


class Scored(NamedTuple):
    """What came of one capture or several."""

    planted: Counter[Way]
    found: Counter[Way]
    hours: float
    blamed: list[str]
    errors: list[float]
    """Metres from the truth, at each point of honest tracks."""
    continuity: list[float]
    """By honest aircraft, the share of its time that its longest track covers."""


def scored(seed: int) -> Scored:
    """One capture with a spoof of every method, its skill by the seed."""
    spoofs = tuple(
        Spoof(method, (seed + number) % (4 if method == "invalid" else 3)) for number, method in enumerate(METHODS)
    )
    capture = simulate(Scenario(seed=seed, seconds=SECONDS, spoofs=spoofs))
    flights: dict[str, list[Flight]] = defaultdict(list)
    for flight in replayed([capture.data], SENSOR):
        for name in {*flight.names.values(), flight.key}:
            flights[name].append(flight)
    honest = capture.truth.honest
    score = Scored(Counter(), Counter(), 0.0, [], [], [])
    for actor in capture.truth.actors:
        of = flights.get(actor.id, [])
        if actor.method is not None:
            way = (actor.method, actor.skill)
            told = way in (("invalid", 1), ("invalid", 2)) and any(flight.findings for flight in of)
            score.planted[way] += 1
            score.found[way] += told or any(flight.spoofed for flight in of)
        elif actor.id in honest:
            score = score._replace(hours=score.hours + SECONDS / 3600)
            score.blamed.extend(f"{seed} {actor.id} {sorted(flight.findings)}" for flight in of if flight.spoofed)
            _follow(score, actor, of)
    return score


def _follow(score: Scored, actor: Actor, flights: list[Flight]) -> None:
    """How near the tracks of an honest aircraft are to where it truly was, and how whole they are."""
    paths = [path.points for flight in flights for path in flight.paths if path.points]
    if not paths:
        return
    plane = Plane(float(actor.path.latitude[0]), float(actor.path.longitude[0]))
    for points in paths:
        times = np.array([point.time for point in points])
        latitude = np.interp(times, actor.path.times, actor.path.latitude)
        longitude = np.interp(times, actor.path.times, actor.path.longitude)
        north = (latitude - [point.latitude for point in points]) * Plane(0.0, 0.0).per_longitude
        east = (longitude - [point.longitude for point in points]) * plane.per_longitude
        score.errors.extend(np.hypot(north, east).tolist())
    lasts = [points[-1].time - points[0].time for points in paths]
    begin, end = min(points[0].time for points in paths), max(points[-1].time for points in paths)
    if end - begin > 10e6:
        score.continuity.append(max(lasts) / (end - begin))


def together(scores: list[Scored]) -> Scored:
    """All of them as one, told."""
    planted: Counter[Way] = sum((one.planted for one in scores), Counter())
    found: Counter[Way] = sum((one.found for one in scores), Counter())
    whole = Scored(
        planted, found, sum(one.hours for one in scores), [name for one in scores for name in one.blamed],
        [error for one in scores for error in one.errors], [share for one in scores for share in one.continuity],
    )  # fmt: skip
    print()
    for way in sorted(planted):
        print(f"{way[0]:>14} skill {way[1]}: {found[way]:5} of {planted[way]:5}")
    middle, most = np.percentile(whole.errors, [50, 95])
    print(
        f"found {found.total()} of {planted.total()}; blamed {len(whole.blamed)} in {whole.hours:.1f} h: {whole.blamed}"
    )
    print(f"metres off: median {middle:.1f}, 95 % {most:.1f}; longest track covers {np.mean(whole.continuity):.4f}")
    return whole


def holds(score: Scored) -> None:
    """Found at least 99 of 100, blamed at most once in 100 hours, followed closely and without a break."""
    planted = score.planted.total()
    assert planted - score.found.total() <= max(1, planted // 100)
    assert len(score.blamed) <= max(0.0, score.hours / 100)
    middle, most = np.percentile(score.errors, [50, 95])
    assert middle < 8
    assert most < 40
    assert np.mean(score.continuity) > 0.98


def test_few_captures() -> None:
    holds(together([scored(seed) for seed in range(12)]))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_hundred_captures() -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        score = together(list(pool.map(scored, range(100, 200))))
    holds(score)
    for way, count in score.planted.items():
        assert score.found[way] >= 0.95 * count, way
