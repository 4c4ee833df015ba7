"""What pages do by keys, with a script: everything can be reached without a mouse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.chromium import CHROMIUM, NOT_RUN
from tests.browser.conftest import reading
from tests.web.conftest import OPEN, Node, filled

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason=NOT_RUN)]
READY = "html[data-ready]"


@pytest.fixture
def page(chromium: Any, bare: Node) -> Iterator[Any]:
    """A page of somebody who is logged in, in English; whatever it says or fails at fails the test."""
    with reading(chromium, filled(bare), locale="en") as made:
        made.locator(READY).wait_for(state="attached")
        yield made


def test_the_palette_leads_to_pages_partners_and_objects(page: Any) -> None:
    page.keyboard.press("Control+k")
    field = page.locator("#palette input[name=q]")
    page.locator("#palette a", has_text="Rules").wait_for()
    field.fill("bruss")
    page.locator("#palette a", has_text="Brussels").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/partners/Brussels")
    page.locator(READY).wait_for(state="attached")
    page.keyboard.press("Control+k")
    page.locator("#palette input[name=q]").fill(OPEN["id"])
    page.locator(f'#palette a[href="/objects/{OPEN["id"]}"]').wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/objects/{OPEN['id']}")


def test_the_palette_has_its_own_list_on_the_page_of_the_same(page: Any) -> None:
    page.goto("/find?q=bruss")
    page.locator(READY).wait_for(state="attached")
    page.keyboard.press("Control+k")
    page.locator("#palette input[name=q]").fill("rules")
    page.locator("#palette a", has_text="Rules").wait_for()
    assert page.locator("main #reached a", has_text="Brussels").count() == 1


def test_the_palette_shows_data_as_text(page: Any, bare: Node) -> None:
    text = "<img src=x onerror=alert(1)> http://bad.example/x"
    bare.put(OPEN | {"id": "campaign--11111111-1111-4111-8111-111111111111", "name": text}, label="TLP:CLEAR")
    page.keyboard.press("Control+k")
    page.locator("#palette input[name=q]").fill("onerror")
    found = page.locator('#palette a[href^="/objects/campaign--1111"]')
    found.wait_for()
    assert "<img src=x onerror=alert(1)> hxxp://bad[.]example/x" in found.inner_text()
    assert page.locator("#palette img").count() == 0


def test_rows_are_walked_chosen_and_opened(page: Any) -> None:
    page.goto("/objects")
    page.locator(READY).wait_for(state="attached")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.url.endswith("#row-2")
    page.keyboard.press("x")
    chosen = page.locator("tr[data-current] input[type=checkbox]")
    assert chosen.is_checked()
    page.keyboard.press("k")
    page.keyboard.press("k")
    assert page.url.endswith("#row-1")
    name = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{name}")
    page.go_back()
    page.locator("tr[data-current]").wait_for()
    assert page.evaluate("document.activeElement.getAttribute('href')") == name
    page.locator("th.pick input").check()
    assert page.locator("tbody input[type=checkbox]:not(:checked)").count() == 0


def test_keys_search_tell_of_themselves_and_lead_on(page: Any) -> None:
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.type("j?x")
    assert page.locator(".find input").input_value() == "j?x"
    page.locator("h1").click()
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/release")


def test_an_id_is_copied(page: Any) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/objects/{OPEN['id']}")
    page.get_by_role("button", name="Copy").click()
    page.locator(".copy[data-done]").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == OPEN["id"]
