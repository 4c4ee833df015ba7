"""The window in a real browser: narrow and wide, light and dark, in both languages, without a script."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.chromium import CHROMIUM, NOT_RUN
from tests.browser.conftest import reading
from tests.web.conftest import LINKED, OPEN, OWN, Node, filled

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason=NOT_RUN)]

PAGES = (
    "/?borders=1", "/air", "/timeline", "/links", "/searches", "/find?q=open",
    "/objects", "/objects?q=nothing&value=203.0.113.9&type=campaign", "/objects?domain=cyber&confidence=unstated&from=2026-01-01",
    f"/objects/{OPEN['id']}", f"/objects/{LINKED['id']}?as=Brussels", f"/objects/{OPEN['id']}/graph",
    "/release?as=Brussels&state=offered", f"/release/look?as=Brussels&id={OPEN['id']}&id={OWN['id']}", "/release/rules",
    "/release/rules/new", "/release/rules/new?rule=as-labelled",
    "/release/consents", "/release/consents/new", "/release/consents/new?what=grant", "/partners", "/partners/Brussels", "/settings",
    f"/objects/{OPEN['id']}/cut?as=Kyiv", f"/objects/{OPEN['id']}/edit", f"/objects/{OPEN['id']}/note", "/sessions", "/people",
)  # fmt: skip
OF_VISITORS = ("/feed", f"/feed/{OPEN['id']}", "/feed/withdrawn")


@pytest.fixture
def node(bare: Node) -> Node:
    """A node with a few objects."""
    return filled(bare)


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ja", "dark")])
def test_every_page_fits_says_nothing_and_asks_nobody(chromium: Any, node: Node, language: str, scheme: str) -> None:
    with reading(chromium, node, locale=language, color_scheme=scheme, java_script_enabled=False) as page:
        for path in PAGES:
            for width in (360, 1440):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.goto(path).status == 200
                assert page.locator("h1").count() == 1
                assert page.locator("html").get_attribute("lang") == language
                shown = (one.bounding_box() for one in page.locator(".top *, main > *, main > * > :not(.scroll)").all())
                assert max(one["x"] + one["width"] for one in shown if one) <= width, (path, width)


def test_pages_of_people_of_partners(chromium: Any, node: Node) -> None:
    node.accounts.add_person_of("Brussels", "anna", by="test")
    context = chromium.new_context(locale="ja", color_scheme="dark", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{node.url}/login/{node.accounts.create_link('anna', by='test')}")
    for path in OF_VISITORS:
        for width in (360, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.goto(f"{node.url}{path}").status == 200
            assert page.locator("h1").count() == 1
            shown = (one.bounding_box() for one in page.locator(".top *, main > *, main > * > :not(.scroll)").all())
            assert max(one["x"] + one["width"] for one in shown if one) <= width, (path, width)
    page.get_by_role("navigation").get_by_role("link", name="Tokyo から").click()
    page.locator(f'a[href="/feed/{OPEN["id"]}"]').click()
    assert page.locator("h1").inner_text() == "open"
    page.get_by_role("button", name="ログアウト").click()
    assert page.url.endswith("/login")
    context.close()


def test_the_main_path_by_hand(chromium: Any, node: Node) -> None:
    """From the front page to what a partner gets of an object, and taking it back, by what stands on the pages."""
    context = chromium.new_context(locale="en", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{node.url}/login/{node.accounts.create_link('owner', by='test')}")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Objects").click()
    page.get_by_role("searchbox", name="Words, in any language").fill("open")
    page.get_by_role("button", name="Search").click()
    page.locator(f'a[href="/objects/{OPEN["id"]}"]').first.click()
    assert "its label allows it" in page.locator(".visibility li", has_text="Brussels").inner_text()
    page.get_by_role("link", name="View as Brussels").click()
    assert page.get_by_role("heading", name="What Brussels sees").is_visible()
    page.locator(".visibility li", has_text="Brussels").get_by_role("link", name="What leaves").click()
    page.get_by_label("Reason, which the partner reads").fill("a mistake")
    page.get_by_role("button", name="Withdraw").click()
    assert "Done." in page.locator("[role=status]").first.inner_text()
    page.goto(f"{node.url}/release?as=Brussels&state=withdrawn")
    assert page.locator(f'a[href="/objects/{OPEN["id"]}"]').count() == 1
    context.close()


def test_what_was_chosen_is_looked_at(chromium: Any, node: Node) -> None:
    context = chromium.new_context(locale="ja", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{node.url}/login/{node.accounts.create_link('owner', by='test')}")
    page.goto(f"{node.url}/release?as=Brussels&state=offered")
    assert page.locator("nav a[aria-current=page]").first.inner_text() == "開示"
    page.locator(f'input[value="{OPEN["id"]}"]').check()
    page.get_by_role("button", name="選んだものの開示内容を確認").click()
    assert page.locator(".beside").count() == 1
    context.close()
