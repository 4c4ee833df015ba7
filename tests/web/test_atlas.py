"""The map's places and lines."""

from __future__ import annotations

import itertools
import re
from importlib import resources

import pytest

from kizuna.formats.pack import load
from kizuna.web.atlas import THEATRES, VIEW, Place, Theatre, arc, centre, frame, on_map
from kizuna.web.pages.links import side

POINT = re.compile(r"([ML])(-?[0-9.]+),(-?[0-9.]+)")


def test_names_of_neighbours_stand_apart() -> None:
    west, east, far = ({"x": x, "y": 10.0} for x in (100.0, 160.0, 500.0))
    assert [side(one, [west, east, far]) for one in (west, east, far)] == ["west", "east", ""]


def test_places_lie_where_the_land_is_drawn() -> None:
    """The same numbers as the file of the land, whose edges are known."""
    file = resources.files("kizuna.web").joinpath("static", "land.svg").read_text()
    assert f'viewBox="{" ".join(map(str, VIEW))}"' in file
    assert on_map(Place(40, 0)) == (500, 0)
    assert on_map(Place(40, 84))[1] == pytest.approx(VIEW[1], abs=0.1)
    assert on_map(Place(40, -57))[1] == pytest.approx(VIEW[1] + VIEW[3], abs=0.1)
    assert on_map(Place(-139.999, 0))[0] == pytest.approx(0, abs=0.2)
    assert on_map(Place(219.999, 0))[0] == pytest.approx(1000, abs=0.2)


@pytest.mark.parametrize(
    ("country", "west", "east", "south", "north"),
    [
        ("JPN", 129, 146, 31, 46),
        ("UKR", 22, 40, 44, 53),
        ("BE", 2, 7, 49, 52),
        ("SGP", 103, 105, 1, 2),
        ("USA", -125, -66, 25, 49),
    ],
)
def test_a_country_stands_in_its_middle(country: str, west: int, east: int, south: int, north: int) -> None:
    at = centre(country)
    assert at is not None
    assert west < at.longitude < east
    assert south < at.latitude < north


def test_nearly_every_country_is_known_and_what_is_none_is_not() -> None:
    countries = [code for region in load("regions").regions().regions for code in region.countries]
    unknown = {"GIB", "SJM", "CCK", "CXR", "TKL", "TUV", "UMI", "MYT", "REU", "BES", "GLP", "GUF", "MTQ"}
    assert {
        code for code in countries if centre(code) is None
    } == unknown  # parts of others, or smaller than the map tells
    assert centre("XXX") is None
    assert centre("") is None


def test_an_arc_is_one_line_or_two_at_the_edge() -> None:
    plain = POINT.findall(arc(Place(139, 36), Place(5, 51)))
    assert [kind for kind, *_ in plain].count("M") == 1
    cut = POINT.findall(arc(Place(179, 50), Place(-120, 45)))
    assert [kind for kind, *_ in cut].count("M") == 2
    steps = [abs(float(b[1]) - float(a[1])) for a, b in itertools.pairwise(cut) if b[0] == "L"]
    assert max(steps) < 60
    assert POINT.findall(arc(Place(10, 10), Place(10, 10)))


@pytest.mark.parametrize("theatre", THEATRES)
def test_a_theatre_is_a_region_of_the_pack_and_lies_on_the_map(theatre: Theatre) -> None:
    assert theatre.region in {region.region for region in load("regions").regions().regions}
    points = POINT.findall(frame(theatre))
    assert len(points) == 128
    for _, x, y in points:
        assert VIEW[0] <= float(x) <= VIEW[0] + VIEW[2]
        assert VIEW[1] <= float(y) <= VIEW[1] + VIEW[3]
