"""Tracks: the filter against its textbook form, its gate, and paths that stay bounded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.plane import Plane
from kizuna.domains.air.tracking import ACCELERATION, GATE, LONGEST, UNSTATED, Detection, Track, deviation
from kizuna.formats.track import Point
from tests.domains.air.given import HERE, T0, located


def at(time: float, east: float, north: float, spread: float = 5.0, plane: Plane = HERE) -> Detection:
    return Detection(T0 + time, *plane.degrees(east, north), spread, "roof")


class Matrices:
    """Constant velocity with white acceleration: position and speed, one axis, in matrices."""

    def __init__(self, spread: float) -> None:
        self.state = np.zeros((2, 2))  # columns: east, north
        self.covariance = np.diag([spread**2, 30.0**2])

    def off(self, step: float, place: np.ndarray[tuple[int], np.dtype[np.float64]], spread: float) -> float:
        move, noise = self._of(step)
        covariance = move @ self.covariance @ move.T + noise
        away = place - (move @ self.state)[0]
        return float(away @ away / (covariance[0, 0] + spread**2))

    def take(self, step: float, place: np.ndarray[tuple[int], np.dtype[np.float64]], spread: float) -> None:
        move, noise = self._of(step)
        seen = np.array([[1.0, 0.0]])
        state, covariance = move @ self.state, move @ self.covariance @ move.T + noise
        gain = covariance @ seen.T / (seen @ covariance @ seen.T + spread**2)
        self.state = state + gain @ (place[None, :] - seen @ state)
        self.covariance = (np.eye(2) - gain @ seen) @ covariance

    def _of(self, step: float) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], ...]:
        move = np.array([[1.0, step], [0.0, 1.0]])
        noise = ACCELERATION**2 * np.array([[step**4 / 4, step**3 / 2], [step**3 / 2, step**2]])
        return move, noise


STEPS = st.lists(
    st.tuples(st.floats(0, 20), st.floats(-300, 300), st.floats(-300, 300), st.floats(1, 50)), min_size=1, max_size=20
)


@given(STEPS)
def test_the_filter_is_that_of_the_textbook(steps: list[tuple[float, float, float, float]]) -> None:
    first = at(0.0, 0.0, 0.0)
    track, wanted, time = Track(1, first), Matrices(5.0), 0.0
    for step, east, north, spread in [(0.0, 0.0, 0.0, 5.0), *steps]:
        time += step
        detection = at(time, east, north, spread)
        passed = detection.time - track.last  # as the clock has it
        place = np.array(track.plane.metres(detection.latitude, detection.longitude))
        assert track.off(detection) == pytest.approx(wanted.off(passed, place, spread), rel=1e-6, abs=1e-9)
        assert track.take(detection)
        wanted.take(passed, place, spread)
        assert [track.east, track.north] == pytest.approx(wanted.state[0].tolist(), rel=1e-6, abs=1e-4)
        assert [track.east_speed, track.north_speed] == pytest.approx(wanted.state[1].tolist(), rel=1e-6, abs=1e-4)


def test_speed_is_learnt_and_noise_taken_out() -> None:
    draw = np.random.default_rng(1)
    track = Track(1, at(0, 0, 0))
    for second in range(1, 120):
        noise = draw.normal(0, 5, 2)
        track.take(at(second, 12.0 * second + noise[0], -5.0 * second + noise[1]))
    assert track.east_speed == pytest.approx(12, abs=4)
    assert track.north_speed == pytest.approx(-5, abs=4)
    assert track.off(at(120, 12 * 120, -5 * 120)) < GATE


def test_a_detection_from_before_leaves_things_as_they_are() -> None:
    track = Track(1, at(0, 0, 0))
    assert track.take(at(2, 10, 0))
    before = (track.east, track.east_speed, track.last, track.said)
    assert not track.take(at(1, 500, 0))
    assert (track.east, track.east_speed, track.last, track.said) == before


def test_points_of_a_path_are_in_order_of_time() -> None:
    flight = Flight("x", T0)
    for time in (0.0, 1.0, 3.0, 2.0, 1.0, 4.0, 4.0):
        flight.detected(located(10 * time), T0 + time, "roof")
    times = [point.time for point in flight.paths[0].points]
    assert times == sorted(times)
    assert len(times) == 5


def test_what_is_too_fast_for_it_is_another_path() -> None:
    flight = Flight("x", T0)
    flight.detected(located(0.0), T0, "roof")
    flight.detected(located(50.0), T0 + 1, "roof")
    _, path, before = flight.detected(located(5000.0), T0 + 2, "roof")
    assert before is flight.paths[0]
    assert path is flight.paths[1]
    assert flight.detected(located(100.0), T0 + 3, "roof")[1:] == (flight.paths[0], flight.paths[1])


@pytest.mark.parametrize("latitude", [0.0, -41.0, 66.0])
def test_the_date_line_is_no_border(latitude: float) -> None:
    plane = Plane(latitude, 179.9995)
    flight = Flight("x", T0)
    for second in range(60):
        place = plane.degrees(10.0 * second, 5.0 * second)
        flight.detected(located()._replace(latitude=place[0], longitude=place[1]), T0 + second, "roof")
    assert len(flight.paths) == 1
    longitudes = [point.longitude for point in flight.paths[0].points]
    assert max(longitudes) > 179.99
    assert min(longitudes) < -179.99
    assert all(-180 <= longitude <= 180 for longitude in longitudes)
    assert flight.paths[0].east_speed == pytest.approx(10, abs=0.5)


@pytest.mark.parametrize("latitude", [89.9999, -89.9999])
def test_at_a_pole_places_are_places(latitude: float) -> None:
    flight = Flight("x", T0)
    for second in range(60):
        pole = located()._replace(latitude=latitude, longitude=float(second * 77 % 360 - 180))
        flight.detected(pole, T0 + second, "roof")
    points = [point for path in flight.paths for point in path.points]
    assert all(-90 <= point.latitude <= 90 and -180 <= point.longitude <= 180 for point in points)


def test_a_plane_is_laid_anew_on_a_long_way() -> None:
    track = Track(1, at(0, 0, 0))
    place = Plane(46.2, 9.1)
    for second in range(1, 3000):
        place = Plane(*place.degrees(40.0, 30.0))
        track.take(Detection(T0 + second, place.latitude, place.longitude, 1.0, "roof"))
    assert track.plane.latitude != 46.2
    east, north = Plane(place.latitude, place.longitude).metres(*track.place())
    assert abs(east) + abs(north) < 5


def test_a_path_holds_so_many_points_and_keeps_the_first_and_the_latest() -> None:
    track = Track(1, at(0, 0, 0))
    for number in range(4 * LONGEST):
        track.add(Point(number, 0.0, 0.0))
    assert len(track.points) <= LONGEST
    times = [point.time for point in track.points]
    assert times[0] == 0
    assert times[-100:] == list(range(4 * LONGEST - 100, 4 * LONGEST))
    assert times == sorted(times)


def test_accuracy_is_stated_at_95_percent() -> None:
    assert deviation(10.0) == 5.0
    assert deviation(None) == deviation(float("nan")) == UNSTATED
    assert deviation(0.1) == 1.0


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180), st.floats(-1, 4e9)), max_size=30))
def test_any_places_at_any_times_stay_numbers(places: list[tuple[float, float, float]]) -> None:
    flight = Flight("x", 0.0)
    for latitude, longitude, time in places:
        flight.detected(located()._replace(latitude=latitude, longitude=longitude), time, "roof")
    points = [point for path in flight.paths for point in path.points]
    assert all(-90 <= point.latitude <= 90 and -180 <= point.longitude <= 180 for point in points)


def path(*places: tuple[float, float, float], number: int = 1) -> Track:
    """A path through places at times, with its points."""
    made = Track(number, at(*places[0]))
    for one in places:
        made.take(at(*one))
        latitude, longitude = HERE.degrees(*one[1:])
        made.add(Point(round((T0 + one[0]) * 1e6), latitude, longitude))
    return made


def test_paths_of_one_thing_become_one() -> None:
    first, second = (path(*((float(n), 0.0, 10.0 * n) for n in range(since, 40, 2))) for since in (0, 1))
    assert first.goes_with(second, 60.0)
    assert first.join(second) == 0
    assert [point.time for point in first.points] == [round((T0 + n) * 1e6) for n in range(40)]
    assert (first.first, first.last, first.number) == (T0, T0 + 39, 1)
    assert first.speed_to(at(40, 0, 400)) < 60
    assert first.take(at(40, 0, 400))


def test_a_path_that_is_too_far_away_is_of_another() -> None:
    first = path(*((float(n), 0.0, 10.0 * n) for n in range(20)))
    assert not first.goes_with(path(*((n + 0.5, 2000.0, 10.0 * n) for n in range(20))), 60.0)
    assert not first.goes_with(path((25.0, 0.0, 190.0), (26.0, 3000.0, 190.0)), 60.0)
    assert first.goes_with(path((25.0, 0.0, 250.0), (26.0, 0.0, 260.0)), 60.0)


def test_joined_paths_stay_bounded() -> None:
    first = path(*((float(n), 0.0, 0.0) for n in range(LONGEST)))
    second = path(*((n + 0.5, 0.0, 0.0) for n in range(LONGEST)))
    gone = first.join(second)
    assert len(first.points) <= LONGEST
    assert len(first.points) + gone == 2 * LONGEST


def test_from_what_is_not_sure_no_speed_is_measured() -> None:
    track = path((0.0, 0.0, 0.0), (1.0, 0.0, 10.0))
    assert track.take(at(2, 80, 20), sure=False)
    assert track.speed_to(at(2, 80, 20)) > 0
    assert track.speed_to(at(3, 0, 30)) < 1
