"""The pages in a real browser: no script, no foreign request, no overflow, nothing refused by their own policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.chromium import CHROMIUM, NOT_RUN
from tests.web.conftest import GREEN, OPEN, PASSWORD, Node

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason=NOT_RUN),
]


@pytest.fixture
def node(bare: Node) -> Node:
    """A node with a few objects."""
    bare.put(OPEN, label="TLP:CLEAR", area="cyber-defence")
    bare.put(GREEN, label="TLP:GREEN", area="space-security")
    return bare


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_status_page(chromium: Any, node: Node, language: str, scheme: str) -> None:
    context = chromium.new_context(
        locale=language, color_scheme=scheme, java_script_enabled=False, viewport={"width": 1280, "height": 900}
    )
    page = context.new_page()
    said: list[str] = []
    foreign: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(node.url) else None)
    page.goto(f"{node.url}/login/{node.accounts.create_link('owner', by='test')}")
    assert page.url == f"{node.url}/"
    assert page.locator(".tile").count() == 16
    assert page.locator(".tile.busy").count() == 2
    assert page.locator("html").get_attribute("lang") == language
    for width in (360, 390, 768, 1024, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        box = page.locator("body").bounding_box()
        shown = (one.bounding_box() for one in page.locator(".tile, .partners > li, .top *").all())
        widest = max(one["x"] + one["width"] for one in shown if one)
        assert box is not None
        assert widest <= width, width
    assert (said, foreign) == ([], [])
    context.close()


def test_the_way_in_and_out(chromium: Any, node: Node) -> None:
    node.accounts.set_password("reader", PASSWORD, by="test")
    context = chromium.new_context(locale="en")
    page = context.new_page()
    page.goto(node.url)
    assert page.url.endswith("/login")
    page.fill("#name", "reader")
    page.fill("#password", "wrong password")
    page.click("button.main")
    assert page.locator("[role=alert]").inner_text() == "The name or the password is wrong."
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_url(f"{node.url}/")
    page.click("button[value=ja]")
    page.wait_for_selector("html[lang=ja]")
    assert page.locator("h2").first.inner_text() == "地域横断"
    page.click(".leave button")
    page.wait_for_url(f"{node.url}/login")
    page.goto(node.url)
    assert page.url.endswith("/login")
    context.close()


def test_every_control_can_be_reached_and_has_a_name(chromium: Any, node: Node) -> None:
    context = chromium.new_context(locale="ja")
    page = context.new_page()
    page.goto(f"{node.url}/login/{node.accounts.create_link('owner', by='test')}")
    assert page.locator("h1").count() == 1
    reached = []
    for _ in range(13):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "document.activeElement.textContent.trim() || document.activeElement.getAttribute('aria-label')"
            )
        )
    assert reached == [
        "本文へ移動", "Kizuna 絆", "状況図", "オブジェクト", "開示", "パートナー", "オブジェクトを検索",
        "移動…Ctrl K", "English", "日本語", "owner", "設定", "ログアウト",
    ]  # fmt: skip
    context.close()
