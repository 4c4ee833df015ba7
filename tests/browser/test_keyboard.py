"""With the keyboard alone: the main path from the log-in to what leaves, and every control of every page in its order, each seen."""

from __future__ import annotations

from typing import Any

import pytest

from kizuna.store import Query
from kizuna.store.standing import FIRST, Rules
from kizuna.web.i18n import Languages
from tests.browser.chromium import CHROMIUM, NOT_RUN
from tests.browser.conftest import reading
from tests.browser.test_window import OF_VISITORS, PAGES
from tests.stores import SQLITE
from tests.web.conftest import OPEN, PASSWORD, Node, filled

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason=NOT_RUN), SQLITE]

LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
HERE = """() => {
  const one = document.activeElement, {outlineStyle, outlineWidth} = getComputedStyle(one), box = one.getBoundingClientRect();
  const name = one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent ?? one.textContent;
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width > 0;
  return [name.replace(/\\s+/g, " ").trim(), inside && outlineStyle !== "none" && parseFloat(outlineWidth) >= 2];
}"""
"""What has the focus is called, and whether who looks sees that it has it."""


def tab_to(page: Any, name: str, most: int = 80) -> None:
    """Press Tab until something of this name has the focus; everything on the way is seen to have it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        found, seen = page.evaluate(HERE)
        assert seen, found
        if found == name:
            return
    raise AssertionError(f"{name} is not reached; the last was {found}")


def press(page: Any, name: str, *, leads: str) -> None:
    """Reach something by Tab and press it, which leads to an address."""
    tab_to(page, name)
    with page.expect_navigation(url=leads):
        page.keyboard.press("Enter")
    page.locator("html[data-ready]").wait_for(state="attached")


@LANGUAGES
def test_the_main_path_from_the_log_in_to_what_leaves(chromium: Any, bare: Node, language: str) -> None:
    Rules(bare.store).remove(FIRST, by="owner")  # so that nothing leaves by itself
    node, _ = filled(bare), Languages(None).choose(language)
    node.accounts.add_user("releaser", ["releaser"], by="test")
    for user in ("releaser", "owner"):
        node.accounts.set_password(user, PASSWORD, by="test")
    with reading(chromium, node, None, locale=language) as page:
        page.goto("/")
        for user in ("releaser", "owner"):
            assert page.evaluate(HERE) == [_("Name"), True]
            page.keyboard.type(user)
            tab_to(page, _("Password"))
            page.keyboard.type(PASSWORD)
            press(page, _("Log in"), leads="**/")
            tab_to(page, _("Search objects"))
            page.keyboard.type("open")
            with page.expect_navigation(url="**/objects?q=open"):
                page.keyboard.press("Enter")
            press(page, "open", leads=f"**/objects/{OPEN['id']}")
            press(page, _("View as %(partner)s", partner="Brussels"), leads="**?as=Brussels")
            press(page, _("What leaves"), leads="**/release/look?**")
            if user == "releaser":
                press(page, _("Propose"), leads="**/release/propose")
                assert node.store.feed("Brussels").read(Query(), 0, 100).rows == []
            else:
                tab_to(page, _("Your password, once more"))
                page.keyboard.type(PASSWORD)
                press(page, _("Approve for %(partner)s", partner="Brussels"), leads="**/release/approve")
            press(page, _("Log out"), leads="**/login")
    assert [row.id for row in node.store.feed("Brussels").read(Query(), 0, 100).rows] == [OPEN["id"]]


FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary"
EXPECTED = f"""() => {{
  const every = [...document.querySelectorAll("*")];
  window.stops = [];
  document.addEventListener("focusin", event => {{
    const {{outlineStyle, outlineWidth}} = getComputedStyle(event.target);
    window.stops.push([every.indexOf(event.target), outlineStyle !== "none" && parseFloat(outlineWidth) >= 2]);
  }});
  const radios = new Set();
  return [...document.querySelectorAll("{FOCUSABLE}")].filter(one => {{
    if (!one.checkVisibility() || one.disabled) return false;
    if (one.type !== "radio") return true;
    const group = [...document.querySelectorAll(`input[type=radio][name="${{one.name}}"]`)];
    return one === (group.find(other => other.checked) ?? group[0]);
  }}).map(one => every.indexOf(one));
}}"""
"""The places in the document of what Tab should stop at, a group of radio buttons once; from then on its stops are noted."""
ROOM = 12
"""Stops besides those: what scrolls has one too, and a field for a date one for each of its parts."""


@pytest.mark.parametrize(("user", "paths"), [("owner", PAGES), ("visitor", OF_VISITORS)], ids=["owner", "visitor"])
def test_tab_stops_at_everything_in_its_order_and_is_seen(
    chromium: Any, bare: Node, user: str, paths: tuple[str, ...]
) -> None:
    node = filled(bare)
    node.accounts.add_person_of("Brussels", "visitor", by="test")
    with reading(chromium, node, user, locale="en") as page:
        for path in paths:
            page.goto(path)
            page.locator("html[data-ready]").wait_for(state="attached")
            expected = page.evaluate(EXPECTED)
            for _ in range(len(expected) + ROOM):
                page.keyboard.press("Tab")
            stops = page.evaluate("window.stops")
            first = stops.index(stops[0], 1) if stops[0] in stops[1:] else len(stops)
            walked = [place for place, _ in stops[:first]]
            assert walked == sorted(walked), path
            assert set(expected) <= set(walked), (path, sorted(set(expected) - set(walked)))
            assert all(seen for _, seen in stops), path


@LANGUAGES
def test_one_key_skips_to_the_content(chromium: Any, bare: Node, language: str) -> None:
    with reading(chromium, filled(bare), locale=language) as page:
        tab_to(page, Languages(None).choose(language)("Skip to the content"), 1)
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")
