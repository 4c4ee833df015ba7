"""What came in by day."""

from __future__ import annotations

import csv
import io

from tests.builders import campaign
from tests.web.conftest import Node


def test_days_count_what_was_reported_by_region_and_lead_to_it(node: Node) -> None:
    node.put(campaign("theirs"), campaign("more"), label="TLP:CLEAR", partner="Kyiv")
    node.put(campaign("hidden"), label="TLP:RED persons=somebody.else", partner="Kyiv")
    browser = node.browser()
    rows = browser.get("/timeline.json").json()["items"]
    assert len(rows) == 30
    today = rows[-1]
    assert today["euro-atlantic"] == 2
    assert today["indo-pacific"] == len(browser.get("/objects.json?source=own&limit=200").json()["items"])
    assert all(sum(value for key, value in one.items() if key != "day") == 0 for one in rows[:-1])
    assert [{key: str(value) for key, value in one.items()} for one in rows] == list(
        csv.DictReader(io.StringIO(browser.get("/timeline.csv").text))
    )
    found = browser.get(f"/objects.json?from={today['day']}&to={today['day']}&limit=200").json()["items"]
    assert len(found) == today["euro-atlantic"] + today["indo-pacific"]
    for path in ("/timeline", "/"):
        page = browser.get(path).text
        assert f'href="/objects?from={today["day"]}&amp;to={today["day"]}"' in page
        assert page.count('class="hit"') == 1
    assert browser.get(f"/objects?from={today['day']}&to={today['day']}").status_code == 200


def test_what_packs_bring_is_no_report(bare: Node) -> None:
    from kizuna.labels import parse_label
    from tests.builders import items

    source = bare.store.pack_source("x", "Kizuna", parse_label("PUBLIC", originator="Kizuna"))
    list(bare.store.writer(source).add(items(campaign("known"))))
    assert sum(bare.browser().get("/timeline.json").json()["items"][-1][key] for key in ("indo-pacific", "other")) == 0
    assert "nothing yet" in bare.browser().get("/").text
