"""What partners write and browsers send is hostile: no page fails at it, costs more than its share, or misleads who reads it."""

from __future__ import annotations

import httpx
import pytest

from kizuna.web.i18n import Language, zone_of
from tests.builders import campaign
from tests.web.conftest import Node

SQLITE = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first and the last microsecond of the years 1 to 9999."""


def look(node: Node, *ids: str, browser: httpx.Client | None = None) -> httpx.Response:
    """What leaves of some objects for Brussels."""
    return (browser or node.browser()).get("/release/look", params={"as": "Brussels", "id": list(ids)})


@pytest.mark.parametrize("country", ["JPN", "HND", "GBR"])
@pytest.mark.parametrize("us", [FIRST, LAST])
def test_the_ends_of_time_have_words(country: str, us: int) -> None:
    zone = zone_of(country)
    assert Language("en").moment(us, zone)
    assert Language("ja").utc(us, zone).endswith("Z")


@SQLITE
def test_an_object_of_the_last_day_is_shown(node: Node) -> None:
    one = campaign("one", last_seen="9999-12-31T23:59:59.999Z", x_first="0001-01-01T00:00:00Z")
    node.put(one, label="TLP:CLEAR")
    browser = node.browser()
    assert "9999-12-31" in browser.get(f"/objects/{one['id']}").text
    assert look(node, one["id"], browser=browser).status_code == 200
