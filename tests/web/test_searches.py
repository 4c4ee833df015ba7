"""Searches that somebody keeps, on their pages; and searches to begin with, where nothing is asked."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

import httpx

from kizuna.store.searches import Searches
from tests.builders import CLEAR, campaign, items
from tests.web.conftest import OPEN, REPORT, Node


def sent(browser: httpx.Client, **fields: Any) -> httpx.Response:
    """The form of a search."""
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get("/objects").text)
    assert found is not None
    return browser.post("/searches", data={"csrf": found[1], **fields})


def test_a_search_is_saved_from_its_page_renamed_and_removed(node: Node) -> None:
    browser = node.browser()
    page = browser.get("/objects?q=open&type=campaign&came=week").text
    form = page.partition('action="/searches" class="acts"')[2].partition("</form>")[0]
    fields: dict[str, Any] = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    answer = browser.post("/searches", data={**fields, "what": "save", "name": "Öffentlich <b>"})
    assert answer.status_code == 200
    assert parse_qs(answer.url.query.decode()) == {"q": ["open"], "type": ["campaign"], "came": ["week"]}
    assert "Öffentlich &lt;b&gt;" in answer.text
    browser.post("/searches", data={**fields, "what": "save", "name": "Öffentlich <b>"})
    (one,) = browser.get("/searches.json").json()["items"]
    assert (one["name"], parse_qs(one["address"].partition("?")[2])["q"]) == ("Öffentlich <b>", ["open"])
    assert re.findall(r'name="id" value="([^"]+)"', browser.get(one["address"]).text) == [OPEN["id"]]
    assert "open; last 7 days; Campaign" in browser.get("/searches").text
    assert "open、過去 7 日間" in node.browser(language="ja").get("/searches").text
    assert node.browser("reader").get("/searches.json").json()["items"] == []
    assert "Öffentlich" not in node.browser("reader").get("/objects").text
    assert sent(browser, what="rename", number=one["number"], name="open ones").url.path == "/searches"
    assert [row["name"] for row in browser.get("/searches.json").json()["items"]] == ["open ones"]
    assert sent(node.browser("reader"), what="rename", number=one["number"], name="taken").status_code == 404
    sent(browser, what="remove", number=one["number"])
    assert browser.get("/searches.json").json()["items"] == []


def test_what_cannot_be_saved_is_told_and_stays_typed(node: Node) -> None:
    browser = node.browser()
    mine = Searches(node.store, "owner")
    mine.save("there", "q=there")
    for fields, status, words in (
        ({"what": "save", "name": "there", "q": "other"}, 409, "choose a different one"),
        ({"what": "save", "name": "", "q": "other"}, 400, "Give it a name"),
        ({"what": "save", "name": "empty"}, 400, "There is no question to keep"),
        ({"what": "save", "name": "odd", "from": "yesterday"}, 400, "There is no question to keep"),
    ):
        answer = sent(browser, **fields)
        assert (answer.status_code, words in answer.text) == (status, True), fields
    assert 'name="q" value="other"' in sent(browser, what="save", name="there", q="other").text
    assert 'value="there" maxlength' in sent(browser, what="save", name="there", q="other").text
    assert [one.name for one in mine.listed()] == ["there"]
    for number in range(99):
        mine.save(f"n{number}", "q=x")
    full = sent(browser, what="save", name="one more", q="x")
    assert "remove one first" in full.text
    assert full.status_code == 403


def test_where_nothing_is_asked_there_are_searches_that_work(node: Node) -> None:
    theirs = campaign("theirs", object_marking_refs=[CLEAR])
    list(node.store.writer(node.store.partner_source("Brussels")).add(items(theirs)))
    browser = node.browser()
    begin = browser.get("/objects").text.partition('class="begin"')[2].partition("</nav>")[0]
    links = re.findall(r'href="([^"]+)"', begin)
    assert links == ["/objects?came=today", "/objects?region=euro-atlantic", "/objects?type=report", "/release"]
    assert re.findall(r'name="id" value="([^"]+)"', browser.get(links[1]).text) == [theirs["id"]]
    assert REPORT["id"] in browser.get(links[2]).text
    assert browser.get(links[3]).status_code == 200
    assert 'class="begin"' not in browser.get("/objects?q=open").text
    assert (
        'href="/release"'
        not in node.browser("reader").get("/objects").text.partition('class="begin"')[2].partition("</nav>")[0]
    )
