"""Flights: metres become degrees exactly enough, and what flies keeps to what it can."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kizuna.domains.air.simulator.flight import Place, aeroplane, multirotor, outbound, wander

_EQUATOR, _POLE = 6_378_137.0, 6_356_752.314245


def earth_centred(latitude: float, longitude: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    phi, turn = math.radians(latitude), math.radians(longitude)
    radius = _EQUATOR**2 / math.hypot(_EQUATOR * math.cos(phi), _POLE * math.sin(phi))
    across = radius * math.cos(phi)
    return np.array(
        [across * math.cos(turn), across * math.sin(turn), (_POLE / _EQUATOR) ** 2 * radius * math.sin(phi)]
    )


@pytest.mark.parametrize("latitude", [0.0, 46.2, -33.9, 69.6])
@pytest.mark.parametrize(("east", "north"), [(1000.0, 0.0), (0.0, 1000.0), (-3000.0, 2000.0)])
def test_metres_are_degrees_on_the_ellipsoid(latitude: float, east: float, north: float) -> None:
    found = Place(latitude, 9.1, 0.0).degrees(np.array([east]), np.array([north]))
    apart = earth_centred(found[0][0], found[1][0]) - earth_centred(latitude, 9.1)
    # Over kilometres a map of metres bends away from the sphere: by 2 m over 3.6 km at 70° of latitude.
    assert np.sqrt(apart @ apart) == pytest.approx(math.hypot(east, north), abs=3)


@pytest.mark.parametrize("seed", range(10))
def test_a_multirotor_rises_from_its_place_and_stays_above_ground(seed: int) -> None:
    flight = multirotor(np.random.default_rng(seed), 600, np.array([500.0, 0.0]))
    assert (flight.places[:, 2] >= flight.ground).all()
    assert (flight.places[:, 2] < flight.ground + 130).all()
    on_ground = flight.places[~flight.airborne]
    assert (on_ground == [500.0, 0.0, flight.ground]).all()
    speeds = np.hypot(*np.diff(flight.places[:, :2], axis=0).T)
    assert 8 < speeds.max() < 20


@pytest.mark.parametrize("seed", range(10))
def test_an_aeroplane_never_stands_still(seed: int) -> None:
    flight = aeroplane(np.random.default_rng(seed), 600, np.array([500.0, 0.0]))
    speeds = np.hypot(*np.diff(flight.places[:, :2], axis=0).T)
    assert speeds.min() > 7
    assert speeds.max() < 36
    assert (flight.places[:, 2] > flight.ground + 20).all()


def test_what_flies_out_comes_from_near_to_far() -> None:
    far = np.hypot(*outbound(np.random.default_rng(1), 600).places[:, :2].T)
    assert far.min() == pytest.approx(200, abs=1)
    assert far.max() == pytest.approx(5000, abs=20)


def test_what_wanders_keeps_its_deviation() -> None:
    values = wander(np.random.default_rng(1), 50_000, 2.5, 0.9)
    assert values.std() == pytest.approx(2.5, rel=0.05)
    assert np.corrcoef(values[1:], values[:-1])[0, 1] == pytest.approx(0.9, abs=0.01)
