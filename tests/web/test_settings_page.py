"""One's own settings: a language or none, another password, and what the node is for operators."""

from __future__ import annotations

import re

import httpx
import pytest

from kizuna import __version__
from tests.web.conftest import PASSWORD, Node

NEW = "quite another battery"


def csrf_of(browser: httpx.Client) -> str:
    return str(re.findall(r'name="csrf" value="([^"]+)"', browser.get("/settings").text)[0])


def test_there_is_no_language_until_somebody_chooses_and_none_again(node: Node) -> None:
    browser = node.browser(language="ja")
    assert "設定" in browser.get("/settings").text
    assert node.accounts.user("owner").language is None
    assert "kizuna_language" not in browser.cookies
    csrf = csrf_of(browser)
    chosen = browser.post("/settings", data={"csrf": csrf, "act": "language", "language": "en"})
    assert (chosen.url.path, chosen.headers["content-language"]) == ("/settings", "en")
    assert node.accounts.user("owner").language == browser.cookies["kizuna_language"] == "en"
    assert 'value="en" checked' in chosen.text
    none = browser.post("/settings", data={"csrf": csrf, "act": "language", "language": ""})
    assert none.headers["content-language"] == "ja"
    assert node.accounts.user("owner").language is None
    assert "kizuna_language" not in browser.cookies
    assert browser.post("/settings", data={"csrf": csrf, "act": "language", "language": "xx"}).status_code == 400


def test_another_password_ends_every_other_session(node: Node) -> None:
    node.accounts.set_password("owner", PASSWORD, by="test")
    browser, other = node.browser(), node.browser()
    fields = {"csrf": csrf_of(browser), "act": "password", "password": PASSWORD, "new": NEW, "repeat": NEW}
    done = browser.post("/settings", data=fields)
    assert (done.status_code, "Your password is another one now." in done.text) == (200, True)
    again = browser.post("/settings", data=fields)  # sent twice
    assert (again.status_code, "Your password is another one now." in again.text) == (200, True)
    assert browser.get("/settings").url.path == "/settings"
    assert other.get("/settings").url.path == "/login"
    assert node.accounts.check_password("owner", NEW) is not None
    assert node.accounts.check_password("owner", PASSWORD) is None


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"password": "not mine at all"}, 403, "This is not your password."),
        ({"password": ""}, 403, "This is not your password."),
        ({"password": "not mine at all", "new": PASSWORD, "repeat": PASSWORD}, 403, "This is not your password."),
        ({"new": "short", "repeat": "short"}, 422, "at least 12"),
        ({"new": "x" * 1025, "repeat": "x" * 1025}, 422, "at most 1,024"),
        ({"repeat": "another one still"}, 422, "not the same both times"),
    ],
)
def test_a_password_that_is_not_changed(node: Node, change: dict[str, str], status: int, said: str) -> None:
    node.accounts.set_password("owner", PASSWORD, by="test")
    browser = node.browser()
    fields = {"csrf": csrf_of(browser), "act": "password", "password": PASSWORD, "new": NEW, "repeat": NEW}
    refused = browser.post("/settings", data=fields | change)
    assert (refused.status_code, said in refused.text) == (status, True)
    assert PASSWORD not in refused.text
    assert NEW not in refused.text
    assert "Your password is another one now." not in refused.text
    assert node.accounts.check_password("owner", PASSWORD) is not None


def test_who_has_no_password_is_told_what_to_do(node: Node) -> None:
    browser = node.browser("reader")
    assert "kizuna user password reader" in browser.get("/settings").text
    fields = {"csrf": csrf_of(browser), "act": "password", "password": "", "new": NEW, "repeat": NEW}
    assert browser.post("/settings", data=fields).status_code == 409
    assert not node.accounts.user("reader").has_password


def test_what_the_node_is_is_told_to_operators(node: Node) -> None:
    page = node.browser().get("/settings").text
    assert all(text in page for text in (__version__, node.store.settings.identity, "CERT Tokyo"))
    kinds = ["SQLite", "PostgreSQL"]
    assert [kind for kind in kinds if kind in page] == [kinds[node.store.settings.store is not None]]
    assert "postgresql://" not in page
    assert "none: every label is taken in" in page
    assert "This node" not in node.browser("reader").get("/settings").text


def test_only_ones_own_form_changes_something(node: Node) -> None:
    browser = node.browser()
    fields = {"act": "language", "language": "ja"}
    assert browser.post("/settings", data=fields).status_code == 403
    assert node.accounts.user("owner").language is None
    assert browser.post("/settings", data=fields | {"csrf": csrf_of(browser), "act": "x"}).status_code == 400
    assert httpx.get(f"{node.url}/settings", headers={"Accept": "text/html"}).headers["location"] == "/login"
    for path in ("/", "/sessions"):
        assert 'href="/settings"' in browser.get(path).text
    assert 'href="/sessions"' in browser.get("/settings").text
