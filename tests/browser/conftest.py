"""One browser for all pages."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kizuna.store import Store
from tests.browser.chromium import CHROMIUM, FLAGS
from tests.serving import served
from tests.web.conftest import Node, people


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
