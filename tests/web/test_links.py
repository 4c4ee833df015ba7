"""What crosses regions, as a list and on the front page."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from tests.builders import sdo
from tests.web.conftest import Node

THING = sdo("indicator", "thing <b>", pattern="[domain-name:value = 'bad.example']", pattern_type="stix",
            valid_from="2026-11-01T00:00:00Z")  # fmt: skip


def sighting(name: str, seen: str) -> dict[str, Any]:
    made = sdo("sighting", name, sighting_of_ref=THING["id"], first_seen=seen)
    return {key: value for key, value in made.items() if key != "name"}


@pytest.fixture
def node(bare: Node) -> Node:
    """Tokyo and Kyiv saw one thing nine hours apart; of what Brussels saw, nobody here may know."""
    bare.put(THING, sighting("ours", "2026-11-02T00:00:00Z"), label="TLP:CLEAR")
    bare.put(sighting("theirs", "2026-11-02T09:00:00Z"), label="TLP:CLEAR", partner="Kyiv")
    bare.put(sighting("hidden", "2026-11-02T10:00:00Z"), label="TLP:RED persons=somebody.else", partner="Brussels")
    return bare


def test_the_same_rows_as_page_json_and_csv(node: Node) -> None:
    browser = node.browser()
    rows = browser.get("/links.json").json()["items"]
    assert [(one["kind"], one["what"], one["later_source"], one["apart_seconds"]) for one in rows] == [
        ("seen", THING["id"], "partner:Kyiv", 32_400)
    ]
    table = list(csv.DictReader(io.StringIO(browser.get("/links.csv").text)))
    assert [{key: str(value) for key, value in one.items()} for one in rows] == table
    page = browser.get("/links").text
    assert page.count("<li data-arc=") == 1
    assert f'href="/objects/{THING["id"]}"' in page


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", "saw the same thing, 9 hours apart"), ("ja", "が 9 時間の間隔で同じものを観測しました")],
)
def test_the_front_page_tells_a_sentence_and_draws_an_arc(node: Node, language: str, sentence: str) -> None:
    page = node.browser(language=language).get("/").text
    assert sentence in re.sub(r"<[^>]+>", "", page)
    assert page.count('class="arc"') == 1
    assert "thing &lt;b&gt;" in page
    assert "Brussels saw" not in page
    assert 'href="/partners/Kyiv"' in page
    assert "#borders" not in page


def test_boundaries_are_drawn_on_demand_and_endorse_nothing(node: Node) -> None:
    browser = node.browser()
    page = browser.get("/?borders=1").text
    assert "#borders" in page
    assert "Boundaries imply no endorsement." in page
    assert browser.get("/?borders=2").status_code == 400


def test_a_node_where_nothing_crosses_says_so(bare: Node) -> None:
    page = bare.browser().get("/").text
    assert "Nothing crosses regions yet" in page
    assert bare.browser().get("/links.json").json() == {"items": [], "next": None}
