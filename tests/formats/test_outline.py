from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kizuna.formats.outline import CORNERS, Ring, crossings, cut_polygon, metres_per_degree, rings_of, unwrapped
from kizuna.formats.zone import Circle, Polygon, Position
from tests.tracks import circles, longitudes, polygons, square


def area(ring: Ring) -> float:
    """Square degrees, positive for a ring that runs counter-clockwise."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)) / 2


@given(polygons | circles)
def test_what_is_cut_covers_as_much_and_lies_between_the_meridians(shape: Polygon | Circle) -> None:
    rings = rings_of(shape)
    cut = cut_polygon(rings)
    assert 1 <= len(cut) <= 2
    for part in cut:
        for ring in part:
            assert ring[0] == ring[-1]
            assert all(-180 <= x <= 180 for x, _ in ring)
        assert area(part[0]) >= 0
    assert math.isclose(sum(area(part[0]) for part in cut), abs(area(rings[0])), abs_tol=1e-6)


def test_a_square_over_the_antimeridian_is_two_and_its_hole_too() -> None:
    shape = Polygon((square(170, -10, -170, 10), square(175, -5, -175, 5)))
    (east, west) = cut_polygon(rings_of(shape))
    assert {x for x, _ in east[0]} == {170, 180}
    assert {x for x, _ in west[0]} == {-180, -170}
    assert [area(ring) for ring in (*east, *west)] == [200, -50, 200, -50]


def test_what_crosses_nothing_stays_digit_for_digit() -> None:
    ring = square(8.1234567, 47.1, 8.2, 47.2)
    assert cut_polygon(rings_of(Polygon((ring,)))) == [[list(ring)]]


def test_a_hole_on_the_other_side_of_the_antimeridian_is_moved_to_its_ring() -> None:
    outer, hole = rings_of(Polygon((square(170, -10, -170, 10), square(-178, -5, -172, 5))))
    assert (min(x for x, _ in hole), max(x for x, _ in hole)) == (182, 188)
    assert max(x for x, _ in outer) == 190


@given(st.lists(st.tuples(longitudes, st.floats(-90, 90)), max_size=20))
def test_unwrapped_lines_step_less_than_half_a_turn(line: list[Position]) -> None:
    made = unwrapped(line)
    assert len(made) == len(line)
    assert all(abs(b[0] - a[0]) <= 180.000001 for a, b in pairwise(made))
    assert all(math.isclose((a[0] - b[0] + 180) % 360, 180, abs_tol=1e-6) for a, b in zip(made, line, strict=True))


def test_crossings_tell_where_and_how_far() -> None:
    assert crossings([(179, 0), (-179, 10), (-178, 0), (178, 0)]) == [(0, 0.5, 180.0), (2, 0.5, -180.0)]
    assert crossings([(8.7, 47.1), (8.8, 47.2)]) == []
    assert crossings([(180, 0), (-180, 0)]) == [(0, 0.0, 180.0)]


@given(circles)
def test_corners_of_a_circle_lie_on_it(circle: Circle) -> None:
    (ring,) = rings_of(circle)
    assert len(ring) == CORNERS + 1
    for x, y in ring:
        across, along = metres_per_degree((y + circle.latitude) / 2)
        gone = math.hypot((x - circle.longitude) * across, (y - circle.latitude) * along)
        assert abs(gone - circle.radius) < 0.01 * circle.radius


def test_a_degree_measures_what_the_ellipsoid_says() -> None:
    # 111.32 km and 110.574 km at the equator; 111.694 km to the north at a pole (NIMA TR8350.2).
    assert [round(value) for value in metres_per_degree(0)] == [111_319, 110_574]
    assert round(metres_per_degree(90)[1]) == 111_694
