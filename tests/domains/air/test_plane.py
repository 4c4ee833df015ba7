"""The ground as a plane: there and back, and against the sphere."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.domains.air.plane import EARTH, Plane, distance

LATITUDES = st.floats(-70, 70)
LONGITUDES = st.floats(-180, 180)
NEAR = st.floats(-50_000, 50_000)


@given(LATITUDES, LONGITUDES, NEAR, NEAR)
def test_there_and_back(latitude: float, longitude: float, east: float, north: float) -> None:
    plane = Plane(latitude, longitude)
    there = plane.degrees(east, north)
    assert -180 <= there[1] <= 180
    assert plane.metres(*there) == pytest.approx((east, north), abs=1e-3)


@given(LATITUDES, LONGITUDES, NEAR, NEAR)
def test_metres_are_those_over_ground(latitude: float, longitude: float, east: float, north: float) -> None:
    there = Plane(latitude, longitude).degrees(east, north)
    # Over 50 km a degree of longitude shrinks by up to 2 % at 70° of latitude; half of it counts.
    assert distance(latitude, longitude, *there) == pytest.approx(math.hypot(east, north), rel=0.012, abs=0.01)


def test_distances_of_known_places() -> None:
    assert distance(0, 0, 0, 1) == pytest.approx(EARTH * math.radians(1))
    assert distance(90, 0, -90, 0) == pytest.approx(EARTH * math.pi)
    assert distance(0, 179.9, 0, -179.9) == pytest.approx(EARTH * math.radians(0.2))
    assert distance(0, 0, 0, 180) == pytest.approx(EARTH * math.pi)


@pytest.mark.parametrize("place", range(4))
def test_the_distance_to_nowhere_is_none(place: int) -> None:
    places = [46.0, 9.0, 46.1, 9.1]
    places[place] = math.nan
    assert math.isnan(distance(*places))
