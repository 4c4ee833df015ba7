"""What is seen of unmanned aircraft, on a page."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.domains.air.flight import Flight
from kizuna.domains.air.holding import Seen, put_zones, record
from kizuna.domains.air.sensors import Sensor
from kizuna.formats.track import Operator, Point
from kizuna.labels import parse_label
from kizuna.web.pages.air import SIDE, drawing
from tests.domains.air.given import T0, WELL, flying, heard, operated
from tests.tracks import AROUND, track, zone
from tests.web.conftest import Node

ROOF = Sensor(name="Rooftop-Kamakura", latitude=35.3192, longitude=139.5467, label="TLP:GREEN")


def flights(*, forged: bool = False) -> list[Flight]:
    (flight,) = heard(*flying(60, signal=-57, operated=operated(), operator_id="FIN87astrdge12k8")).values()
    if forged:
        flight.find("jump", 1.0, T0 + 3, metres=5000, seconds=1, speed=5000, limit=60)
    return [flight]


@pytest.mark.parametrize(("language", "why"), [("en", "Why it is doubted"), ("ja", "疑う理由")])
def test_tracks_are_drawn_and_listed_alike(bare: Node, language: str, why: str) -> None:
    record(bare.store, flights(forged=True), ROOF)
    put_zones(bare.store, [zone(AROUND, identifier="ZÜRI <b>")], parse_label("TLP:CLEAR", originator="x"))
    browser = bare.browser(language=language)
    page = browser.get("/air").text
    rows = browser.get("/air.json").json()["items"]
    assert [(one["name"], one["spoofed"]) for one in rows] == [(WELL, "yes")]
    assert [{key: str(value) for key, value in one.items()} for one in rows] == list(
        csv.DictReader(io.StringIO(browser.get("/air.csv").text))
    )
    assert why in page
    assert page.count('<a class="track') == 1
    assert 'class="track spoofed chosen"' in page
    assert "<b>" not in page
    assert rows[0]["id"] in browser.get(f"/air?track={rows[0]['id']}").text
    assert browser.get("/air?track=observed-data--none").status_code == 404
    assert '<a href="/air">' in browser.get("/").text


def test_what_a_reader_may_not_see_is_not_drawn(bare: Node) -> None:
    roof = Sensor(name="roof", latitude=35.3, longitude=139.5, label="TLP:RED persons=somebody.else")
    record(bare.store, flights(), roof)
    assert bare.browser().get("/air.json").json()["items"] == []
    assert "Nothing was seen of aircraft yet" in bare.browser().get("/air").text
    held = next(iter(bare.store.custodian().search("Remote ID track").items))
    assert bare.browser().get(f"/air?track={held.id}").status_code == 404


def test_what_lies_outside_the_picture_is_no_link_in_it() -> None:
    label = parse_label("TLP:CLEAR", originator="x")
    here, far = Point(time=1, latitude=35.0, longitude=139.0, height=None), Operator(35.2, 139.0)
    away = Point(time=1, latitude=35.2, longitude=139.0, height=None)
    seen = [Seen(id, "own", label, 1, track(one, operator=far)) for id, one in (("here", here), ("away", away))]
    (line,) = drawing([], seen[0], seen)["lines"]
    assert (line["id"], line["operator"]) == ("here", None)


ANYWHERE = st.builds(
    Point, time=st.integers(0, 10**15), latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), height=st.none()
)


@given(st.lists(ANYWHERE, min_size=1, max_size=6), st.lists(ANYWHERE, min_size=1, max_size=3))
def test_any_track_is_drawn_within_its_frame(points: list[Point], others: list[Point]) -> None:
    """Whatever a partner says: the chosen line begins and ends somewhere, and its last place is in the picture."""
    label = parse_label("TLP:CLEAR", originator="x")
    first, second = points[0], others[0]
    made = [
        Seen(id, "own", label, 1, track(*some, operator=Operator(end.latitude, end.longitude)))
        for id, some, end in (("a", points, second), ("b", others, first))
    ]
    drawn = drawing([], made[0], made)
    line = next(one for one in drawn["lines"] if one["chosen"])
    assert all(-1 <= value <= SIDE + 1 for value in line["last"])
    assert not re.search("nan|inf", line["path"])
    assert all(0 <= value <= SIDE for one in drawn["lines"] if one["operator"] for value in one["operator"])
    assert 0 < drawn["scale"]["length"] <= SIDE / 3
