"""Every page to every role, in both languages, over nothing, the demo's data and a lot: what each should see, and nothing wrong with it.

KIZUNA_PICTURES names a folder that then gets a picture of each, light and dark, narrow and wide.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kizuna.store.caller import ROLES_WITH, Right
from kizuna.store.standing import FIRST
from tests.browser.chromium import CHROMIUM, NOT_RUN
from tests.browser.conftest import reading
from tests.browser.test_window import OF_VISITORS, PAGES
from tests.web.conftest import Node
from tests.web.sets import SETS, VISITOR
from tests.web.test_pages import Texts, strange
from tests.web.test_window import LISTS, alike

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason=NOT_RUN)]

USERS = ("reader", "analyst", "releaser", "operator", VISITOR)
SCRIPTED = ("analyst", VISITOR)
"""Who has JavaScript."""
WIDTHS = (360, 1440)
NEEDS: dict[str, Right] = {"/people": "operate", "/release/rules/new": "release", "/release/consents/new": "release"}
"""What a page needs besides the right to read."""
WIDER = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
  .filter(one => one.getBoundingClientRect().right > innerWidth && !one.closest(".scroll, svg")).map(one => one.outerHTML.slice(0, 120))"""
"""What is wider than the window, where the page is."""
PICTURES = os.environ.get("KIZUNA_PICTURES")


@pytest.fixture(scope="module", params=SETS)
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Node]]:
    """A node over each set of data, for all tests."""
    with SETS[request.param](tmp_path_factory.mktemp(request.param)) as node:
        yield request.param, node


def answer(kept: str, user: str, path: str) -> int:
    """The status that somebody should get."""
    place, _, query = path.partition("?")
    if (user == VISITOR) != (path in OF_VISITORS):
        return 200 if place == "/" else 403  # whose first page is another
    if user != VISITOR and user not in ROLES_WITH[NEEDS.get(place, "read")]:
        return 403
    absent = kept == "empty" and re.search("--[0-9a-f]{8}", place)
    return 404 if absent or (kept == "demo" and query == f"rule={FIRST}") else 200


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("user", USERS)
def test_everybody_sees_what_they_should(chromium: Any, kept: tuple[str, Node], user: str, language: str) -> None:
    which, node = kept
    odd = (USERS.index(user) + (language == "ja")) % 2 == 1
    options = {"locale": language, "color_scheme": "dark" if odd else "light", "java_script_enabled": user in SCRIPTED}
    widths = WIDTHS
    with reading(chromium, node, user, **options) as page:
        for path in PAGES + OF_VISITORS:
            got = page.goto(path)
            assert got.status == answer(which, user, path), path
            shown = Texts(got.text())
            assert got.headers["content-language"] == language
            assert strange(shown, language) == [], path
            widths = widths[::-1]  # one change of the window for each page
            for width in widths:
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate(WIDER) == [], (path, width)
            if PICTURES and got.status == 200:
                pictures(page, Path(PICTURES) / which / user, f"{named(path)}-{language}")


@pytest.mark.parametrize("path", [*LISTS, "/release?as=Brussels&state=offered", "/objects?q=open&type=campaign"])
def test_a_list_has_the_same_rows_in_each_form(kept: tuple[str, Node], path: str) -> None:
    which, node = kept
    assert alike(node.browser(), path) > 0 or which == "empty" or path == "/searches"


def named(path: str) -> str:
    """A page as the name of a file."""
    return re.sub("[^a-z]+", "-", re.sub("--[0-9a-f-]{36}", "", path.lower())).strip("-") or "picture"


def pictures(page: Any, folder: Path, name: str) -> None:
    """Keep how a page looks."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=True)
