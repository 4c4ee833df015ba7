"""One browser for all pages, and somebody who reads with it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kizuna.store import Store
from tests.browser.chromium import CHROMIUM, FLAGS
from tests.serving import served
from tests.web.conftest import Node, people

OF_CHROMIUM = ("Failed to load resource:", "Clear-Site-Data header", "GPU stall")
"""What Chromium says itself: of each page that is refused (what it loads is watched here), of logging out, of drawing in software."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            yield browser
            browser.close()


@pytest.fixture
def bare(make_store: Callable[..., Store]) -> Iterator[Node]:
    """A served node with people and partners, without objects."""
    store = make_store()
    with served(store) as url:
        made = Node(store, url)
        people(made)
        yield made
        made.close()


@contextmanager
def reading(chromium: Any, node: Node, user: str | None = "owner", **options: Any) -> Iterator[Any]:
    """A page of somebody who is logged in, or of nobody; options are the browser's.

    What it says on its console, asks of others or asks for in vain fails the test; documents may be refused.
    """
    context = chromium.new_context(base_url=node.url, **options)
    page = context.new_page()
    said: list[str] = []
    page.on(
        "console",
        lambda message: None if any(one in message.text for one in OF_CHROMIUM) else said.append(message.text),
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(node.url) else said.append(request.url))
    page.on(
        "response", lambda answer: said.append(answer.url) if answer.status >= 400 and not is_page(answer) else None
    )
    if user is not None:
        page.goto(f"/login/{node.accounts.create_link(user, by='test')}")
    yield page
    context.close()
    assert said == []


def is_page(answer: Any) -> bool:
    """Whether it is an answer to a page that was gone to, not to what a page loads."""
    return bool(answer.request.resource_type == "document")
