"""The page of tracks keeps itself up to date, and leaves its reader where they are."""

from __future__ import annotations

from typing import Any

import pytest

from kizuna.domains.air.holding import record
from kizuna.domains.air.sensors import Sensor
from tests.browser.chromium import CHROMIUM, NOT_RUN
from tests.domains.air.given import flying, heard
from tests.stores import SQLITE
from tests.web.conftest import Node

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason=NOT_RUN), SQLITE]


def test_a_track_that_comes_in_appears_and_the_map_stays_as_it_was_turned(chromium: Any, bare: Node) -> None:
    (flight,) = heard(*flying(60)).values()
    record(bare.store, [flight], Sensor(name="roof", latitude=35.3, longitude=139.5, label="TLP:GREEN"))
    context = chromium.new_context(locale="en", base_url=bare.url)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"/login/{bare.accounts.create_link('owner', by='test')}")
    page.goto("/air")
    page.locator("html[data-ready]").wait_for(state="attached")
    assert page.locator("tbody tr").count() == 1
    page.get_by_role("button", name="Nearer").click()
    turned = page.locator("svg[data-map]").get_attribute("viewBox")
    assert turned != "0 0 600.0 600.0"
    record(bare.store, [flight], Sensor(name="garden", latitude=35.3, longitude=139.5, label="TLP:GREEN"))
    page.locator("tbody tr").nth(1).wait_for(timeout=20_000)
    page.get_by_role("button", name="Nearer").wait_for()
    assert page.locator("svg[data-map]").get_attribute("viewBox") == turned
    context.close()
    assert said == []
