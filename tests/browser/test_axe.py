"""No page breaks a rule of axe: WCAG 2.2 at A and AA, and what axe calls best practice. Nothing is left out."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from tests.browser.chromium import CHROMIUM, NOT_RUN
from tests.browser.conftest import reading
from tests.browser.test_window import OF_VISITORS, PAGES
from tests.web.conftest import OPEN, Node
from tests.web.sets import NOTE, REPORT, VISITOR, demo

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason=NOT_RUN)]

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
RUN = """async runOnly => (await axe.run({runOnly, resultTypes: ["violations"]})).violations.flatMap(
  rule => rule.nodes.map(one => `${rule.id}: ${one.target} ${one.html.slice(0, 200)} ${one.failureSummary}`))"""
OTHER = {"light": "dark", "dark": "light"}
READERS: dict[str, dict[str, Any]] = {
    "en": {"locale": "en", "color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "ja": {"locale": "ja", "color_scheme": "dark", "viewport": {"width": 360, "height": 800}},
}
LISTS, ROWS = ("/objects", "/release", "/feed"), 15
"""Long lists, and how much of them is looked at: axe takes ten seconds for what fifty rows hold."""
OF_THE_DEMO = (
    f"/objects/{REPORT}?as=Kyiv", f"/release/look?as=Brussels&id={NOTE}", "/release?as=Brussels&state=withheld", "/objects/nothing",
    "/release/rules/new?rule=open",
)  # fmt: skip
OF_NOBODY = ("/login", "/problems", "/problems/not-found")
FORMS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("/objects?q=open", {"tag": "seen"}, "button[formaction='/objects/tag'][value=on]"),
    ("/objects?q=open", {"label": "TLP:GREEN"}, "#label ~ button"),
    ("/objects?q=open", {"label": "nothing of the kind"}, "#label ~ button"),
    ("/objects?q=open", {}, "button[name=chosen]"),
    ("/release/rules/new", {"name": "brief", "query": "power"}, "button[value=try]"),
    ("/release/rules/new", {"name": "NO NAME", "approvers": "x"}, "button[value=try]"),
    (f"/release/consents/new?what=grant&as=Brussels&id={OPEN['id']}", {"to": "Kyiv"}, "button.main"),
    (f"/objects/{OPEN['id']}/cut?as=Kyiv", {}, "form.deed .acts button"),
    (f"/objects/{OPEN['id']}/edit", {"p.description": "more of it"}, "form .acts button"),
)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The demo's."""
    with demo(tmp_path_factory.mktemp("demo")) as made:
        yield made


def broken(page: Any, scheme: str) -> list[str]:
    """What the page breaks, in its scheme of colours and then, as far as colours go, in the other."""
    page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN, {"type": "tag", "values": TAGS})
    page.emulate_media(color_scheme=OTHER[scheme])
    found += page.evaluate(RUN, {"type": "rule", "values": COLOURS})
    page.emulate_media(color_scheme=scheme)
    return found


def address(path: str) -> str:
    """A page, where it is a long list the beginning of it."""
    place, _, query = path.partition("?")
    return f"{place}?{query}&limit={ROWS}" if place in LISTS else path


@pytest.mark.parametrize("language", READERS)
@pytest.mark.parametrize(("user", "paths"), [("owner", PAGES + OF_THE_DEMO), (VISITOR, OF_VISITORS), (None, OF_NOBODY)])
def test_no_page_breaks_a_rule(
    chromium: Any, node: Node, user: str | None, paths: tuple[str, ...], language: str
) -> None:
    told = {}
    with reading(chromium, node, user, **READERS[language]) as page:
        for path in paths:
            page.goto(address(path))
            told[path] = broken(page, READERS[language]["color_scheme"])
    assert {path: found for path, found in told.items() if found} == {}


@pytest.mark.parametrize("language", READERS)
def test_nothing_that_a_form_shows_breaks_a_rule(chromium: Any, node: Node, language: str) -> None:
    told = {}
    with reading(chromium, node, **READERS[language]) as page:
        for path, typed, button in FORMS:
            page.goto(path)
            for box in page.locator(f"main input[value='{OPEN['id']}'], main input[name=cut]").all()[:1]:
                box.check()
            for name, text in typed.items():
                page.locator(f"main [name='{name}']").first.fill(text)
            before = page.content()
            page.locator(button).first.click()
            page.wait_for_load_state()
            assert page.content() != before, path
            told[path, button] = broken(page, READERS[language]["color_scheme"])
    assert {path: found for path, found in told.items() if found} == {}


def test_no_dialog_breaks_a_rule(chromium: Any, node: Node) -> None:
    with reading(chromium, node, **READERS["ja"]) as page:
        page.goto("/sessions")
        page.locator("html[data-ready]").wait_for(state="attached")
        page.keyboard.press("?")
        assert broken(page, "dark") == []
        page.keyboard.press("Escape")
        page.keyboard.press("Control+k")
        page.locator("#jumps a").first.wait_for()
        assert broken(page, "dark") == []


def test_what_breaks_a_rule_is_found(chromium: Any, node: Node) -> None:
    with reading(chromium, node, None) as page:
        page.goto("/login")
        page.locator("label").first.evaluate("one => one.remove()")
        page.locator("h1").evaluate("one => { one.style.color = '#eee' }")
        found = broken(page, "light")
        assert {one.partition(":")[0] for one in found} >= {"label", "color-contrast"}
