from __future__ import annotations

import math
import time
from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from kizuna.domains.air.outlines import Outlines, _Edges
from kizuna.formats.outline import metres_per_degree, unwrapped
from kizuna.formats.zone import Circle, Polygon
from kizuna.formats.zone import Position as Place
from tests.tracks import AROUND, FIELD, circles, longitudes, polygons, rings, square

# Where: exactly


def reference(ring: tuple[Place, ...], longitude: float, latitude: float) -> int:
    """1 inside, 0 on the border, -1 outside; slowly, one edge after the other, in fractions."""
    x, y = Fraction(longitude), Fraction(latitude)
    odd = False
    for (ax, ay), (bx, by) in pairwise(ring):
        x0, y0, x1, y1 = (Fraction(value) for value in (ax, ay, bx, by))
        if (
            (x1 - x0) * (y - y0) == (x - x0) * (y1 - y0)
            and min(x0, x1) <= x <= max(x0, x1)
            and min(y0, y1) <= y <= max(y0, y1)
        ):
            return 0
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            odd = not odd
    return 1 if odd else -1


def side(ring: tuple[Place, ...], longitude: float, latitude: float) -> int:
    sides = _Edges([list(ring)]).sides(np.array([0]), np.array([longitude]), np.array([latitude]))
    return int(sides[0])


def holds(shape: Polygon | Circle, longitude: float, latitude: float) -> bool:
    return len(Outlines([shape]).holding(np.array([longitude]), np.array([latitude]))[0]) > 0


coarse = st.integers(-4, 4).map(float)
fine = st.integers(-4, 4).map(lambda value: value + value * 2**-52) | st.floats(-5, 5)


@given(st.lists(st.tuples(coarse, coarse), min_size=3, max_size=8), coarse, coarse)
def test_on_a_grid_full_of_corners_and_borders(corners: list[Place], x: float, y: float) -> None:
    ring = (*corners, corners[0])
    assert side(ring, x, y) == reference(ring, x, y)


@given(st.lists(st.tuples(fine, fine), min_size=3, max_size=8), fine, fine)
@example([(0.0, 0.0), (5e-324, 1.0), (1.0, 5e-324)], 5e-324, 5e-324)
def test_at_the_last_bit(corners: list[Place], x: float, y: float) -> None:
    ring = (*corners, corners[0])
    assert side(ring, x, y) == reference(ring, x, y)


@given(rings(around=FIELD), st.data())
def test_in_real_places(ring: tuple[Place, ...], data: st.DataObject) -> None:
    first, second = data.draw(st.sampled_from(ring)), data.draw(st.sampled_from(ring))
    share = data.draw(st.floats(0, 1))
    x, y = (a + share * (b - a) for a, b in zip(first, second, strict=True))  # on an edge, as nearly as numbers go
    assert side(ring, x, y) == reference(ring, x, y)


def test_a_hole_is_outside_and_its_border_inside() -> None:
    shape = Polygon((*AROUND.rings, square(8.729, 47.197, 8.731, 47.199)))
    assert not holds(shape, 8.73, 47.198)
    assert holds(shape, 8.729, 47.198)
    assert holds(shape, 8.7285, 47.198)
    assert round(Outlines([shape]).distance(0, 8.73, 47.198)) == 76  # to its western and eastern border
    assert Outlines([shape]).distance(0, 8.7285, 47.198) == 0


@given(
    st.lists(polygons | circles, max_size=6),
    st.lists(st.tuples(longitudes, st.floats(-85, 85)), min_size=1, max_size=20),
    st.data(),
)
def test_many_at_once_are_as_each_alone(
    shapes: list[Polygon | Circle], places: list[Place], data: st.DataObject
) -> None:
    for shape in shapes:  # corners, and what lies near
        corner = (
            (shape.longitude, shape.latitude)
            if isinstance(shape, Circle)
            else data.draw(st.sampled_from(shape.rings[0]))
        )
        places = [*places, corner, (corner[0], min(85.0, corner[1] + data.draw(st.floats(-1, 1))))]
    x, y = np.array(places, dtype=np.float64).T
    outlines = Outlines(shapes)
    at, held = outlines.holding(x, y)
    pairs = list(zip(at.tolist(), held.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    for number, (longitude, latitude) in enumerate(places):
        for shape_number, shape in enumerate(shapes):
            if not isinstance(shape, Circle) or not 0 < outlines.distance(shape_number, longitude, latitude) < 1e-6:
                assert ((number, shape_number) in pairs) == by_turns(shape, longitude, latitude)


def by_turns(shape: Polygon | Circle, longitude: float, latitude: float) -> bool:
    """Whether a shape holds a place, slowly."""
    if isinstance(shape, Circle):
        return Outlines([shape]).distance(0, longitude, latitude) <= 0
    ring = tuple(unwrapped(shape.rings[0]))
    return any(reference(ring, longitude + turn, latitude) >= 0 for turn in (-360, 0, 360))


@given(st.floats(-0.01, 0.01), st.floats(-0.01, 0.01), st.sampled_from([0.0, 179.999, -179.999, 180.0, 90.0]))
def test_the_antimeridian_is_no_border(east: float, north: float, middle: float) -> None:
    def turned(x: float) -> float:
        return (x + 180) % 360 - 180

    ring = square(turned(middle - 0.005), -0.005, turned(middle + 0.005), 0.005)
    x = turned(middle + east)
    gone = math.hypot(east * metres_per_degree(0)[0], north * metres_per_degree(0)[1])
    if abs(abs(east) - 0.005) > 1e-9 and abs(abs(north) - 0.005) > 1e-9 and abs(gone - 500) > 0.01:
        assert holds(Polygon((ring,)), x, north) == (abs(east) < 0.005 and abs(north) < 0.005)
        assert holds(Circle(turned(middle), 0.0, 500.0), x, north) == (gone < 500)


def coast(corners: int, reach: float = 1.0) -> Polygon:
    """A ragged outline around the field."""
    numbers = np.random.default_rng(3)
    far = reach * (0.8 + 0.2 * numbers.random(corners))
    turned = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    ring = tuple(
        zip((FIELD[0] + far * np.cos(turned)).tolist(), (FIELD[1] + far * np.sin(turned)).tolist(), strict=True)
    )
    return Polygon(((*ring, ring[0]),))


def test_many_corners_are_as_exact_as_few() -> None:
    shape = coast(2_000)
    (ring,) = shape.rings
    numbers = np.random.default_rng(4)
    x, y = FIELD[0] + 2.2 * numbers.random(40) - 1.1, FIELD[1] + 2.2 * numbers.random(40) - 1.1
    held = set(Outlines([shape]).holding(x, y)[0].tolist())
    assert 10 < len(held) < 40
    for number in range(40):
        assert (number in held) == (reference(ring, float(x[number]), float(y[number])) >= 0)


def test_of_many_corners_few_are_looked_at() -> None:
    outlines = Outlines([coast(50_000)])
    numbers = np.random.default_rng(4)
    x, y = FIELD[0] + 2.2 * numbers.random(300) - 1.1, FIELD[1] + 2.2 * numbers.random(300) - 1.1
    began = time.process_time()
    for _ in range(10):
        outlines.holding(x, y)
    assert time.process_time() - began < 1.0  # all edges would take several


def test_edges_that_reach_far_do_not_multiply() -> None:
    ring = tuple((8 + number / 20_000, 47.0 + number % 2) for number in range(20_000))
    outlines = Outlines([Polygon(((*ring, (8.5, 46.0), ring[0]),))])
    assert len(outlines._edges._listed) <= 4 * 20_001


# Circles and distances: against a geodesic on the ellipsoid


def geodesic(x0: float, y0: float, x1: float, y1: float) -> float:
    """Metres between two places on the WGS-84 ellipsoid (Vincenty 1975, inverse)."""
    a, f = 6_378_137.0, 1 / 298.257223563
    u0, u1 = (math.atan((1 - f) * math.tan(math.radians(y))) for y in (y0, y1))
    wide = turn = math.radians((x1 - x0 + 180) % 360 - 180)
    for _ in range(200):
        sine = math.hypot(
            math.cos(u1) * math.sin(turn),
            math.cos(u0) * math.sin(u1) - math.sin(u0) * math.cos(u1) * math.cos(turn),
        )
        if sine == 0:
            return 0.0
        cosine = math.sin(u0) * math.sin(u1) + math.cos(u0) * math.cos(u1) * math.cos(turn)
        angle = math.atan2(sine, cosine)
        alpha = math.cos(u0) * math.cos(u1) * math.sin(turn) / sine
        square_ = 1 - alpha * alpha
        middle = cosine - 2 * math.sin(u0) * math.sin(u1) / square_ if square_ > 1e-15 else 0.0
        c = f / 16 * square_ * (4 + f * (4 - 3 * square_))
        before = turn
        turn = wide + (1 - c) * f * alpha * (angle + c * sine * (middle + c * cosine * (2 * middle**2 - 1)))
        if abs(turn - before) < 1e-13:
            break
    b = a * (1 - f)
    u = square_ * (a * a - b * b) / (b * b)
    big = 1 + u / 16_384 * (4_096 + u * (-768 + u * (320 - 175 * u)))
    small = u / 1_024 * (256 + u * (-128 + u * (74 - 47 * u)))
    delta = small * sine * (
        middle
        + small / 4 * (cosine * (2 * middle**2 - 1) - small / 6 * middle * (4 * sine**2 - 3) * (4 * middle**2 - 3))
    )  # fmt: skip
    return b * big * (angle - delta)


@given(longitudes, st.floats(-69, 69), st.floats(0, 2 * math.pi), st.floats(10, 200_000))
def test_distances_are_as_good_as_is_said(x: float, y: float, heading: float, far: float) -> None:
    across, along = metres_per_degree(y)
    north = y + far * math.cos(heading) / along
    east = (x + far * math.sin(heading) / across + 180) % 360 - 180
    if abs(north) < 70:
        true = geodesic(x, y, east, north)
        found = Outlines([Circle(x, y, 1.0)]).distance(0, east, north) + 1
        assert abs(found - true) < 0.001 * true + 0.01


@given(circles, st.floats(0, 2 * math.pi), st.floats(0, 1.1))
def test_the_box_of_a_circle_holds_all_of_it(circle: Circle, heading: float, share: float) -> None:
    across, along = metres_per_degree(circle.latitude)
    north = circle.latitude + share * circle.radius * math.cos(heading) / along
    east = (circle.longitude + share * circle.radius * math.sin(heading) / across + 180) % 360 - 180
    gone = Outlines([circle]).distance(0, east, north)
    # Longitudes are reckoned from other places in the two, so the last digits differ.
    assert abs(gone) < 1e-6 or holds(circle, east, north) == (gone < 0)


def test_a_box_at_a_pole_holds_every_longitude() -> None:
    assert all(holds(Circle(8.0, 89.99, 5_000.0), x, 89.99) for x in (-180.0, -90.0, 0.0, 8.0, 180.0))


def test_no_shapes_hold_nothing() -> None:
    assert [len(found) for found in Outlines([]).holding(np.array([8.0]), np.array([47.0]))] == [0, 0]
    assert len(Outlines([AROUND]).holding(np.zeros(0), np.zeros(0))[0]) == 0
