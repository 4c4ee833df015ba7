"""The drawing of what is around an object, with WebGL in software: nothing is refused, and a click leads to what was clicked."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.chromium import CHROMIUM, FLAGS, NOT_RUN
from tests.web.conftest import OPEN, Node, filled

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason=NOT_RUN)]
GL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@pytest.fixture(scope="module")
def drawing() -> Iterator[Any]:
    """A browser that draws without a graphics processor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            flags = [flag for flag in FLAGS if flag != "--disable-gpu"]
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*flags, *GL])
            yield browser
            browser.close()


def test_it_is_drawn_and_a_click_leads_to_the_object(drawing: Any, bare: Node) -> None:
    node = filled(bare)
    context = drawing.new_context(locale="ja", color_scheme="dark", viewport={"width": 1200, "height": 1000})
    page = context.new_page()
    said: list[str] = []
    foreign: list[str] = []
    # What the software renderer says of its own speed is no word of ours.
    page.on("console", lambda message: None if "GPU stall" in message.text else said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(node.url) else None)
    page.goto(f"{node.url}/login/{node.accounts.create_link('owner', by='test')}")
    page.goto(f"{node.url}/objects/{OPEN['id']}/graph")
    element = page.locator("kz-graph[data-drawn]")
    element.wait_for(timeout=60_000)
    assert element.get_attribute("data-drawn") == "3", said
    ids = page.evaluate("fetch(document.querySelector('kz-graph').getAttribute('src')).then(one => one.json())")
    x, y = (int(one) for one in str(element.get_attribute("data-first")).split(","))
    element.click(position={"x": x, "y": y})
    page.wait_for_url(f"**/objects/{ids['types'][ids['type'][1]]}--{ids['id'][1]}", timeout=60_000)
    assert (said, foreign) == ([], [])
    context.close()
