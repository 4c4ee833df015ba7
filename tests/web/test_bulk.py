"""Several objects at once: a tag and an export, each shown before it is done, and done once."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.builders import AMBER, campaign
from tests.web.conftest import GREEN, OPEN, OWN, SECRET, Node
from tests.web.test_window import form_of

ONCE = {"Content-Type": "application/x-www-form-urlencoded"}


def sent(browser: httpx.Client, path: str, **fields: Any) -> httpx.Response:
    """A form of this browser's own session."""
    csrf = form_of(browser.get("/objects").text, "/objects/label")["csrf"]
    return browser.post(path, data={"csrf": csrf, **fields})


def tags(node: Node, one: dict[str, Any]) -> list[str]:
    told: list[str] = node.browser().get(f"/objects/{one['id']}.json").json().get("labels", [])
    return told


def test_a_tag_is_shown_then_put_then_taken_off(node: Node) -> None:
    browser = node.browser()
    shown = sent(browser, "/objects/tag", id=[OPEN["id"], GREEN["id"]], tag="seen <b>here</b>", what="on")
    assert shown.status_code == 200
    assert "Nothing is changed yet. Objects that would get a new version: 2." in shown.text
    assert "Brussels" in shown.text.partition('id="gets"')[2]
    assert "<b>here" not in shown.text
    assert tags(node, OPEN) == []
    fields = form_of(shown.text, "/objects/tag")
    assert fields["id"] == [OPEN["id"], GREEN["id"]]
    done = browser.post("/objects/tag", data={**fields, "tag": "seen <b>here</b>", "sure": "yes"})
    assert "Done. Objects with a new version: 2." in done.text
    assert tags(node, OPEN) == tags(node, GREEN) == ["seen <b>here</b>"]
    again = browser.post("/objects/tag", data={**fields, "tag": "seen <b>here</b>", "sure": "yes"})
    assert "Done. Objects with a new version: 0." in again.text
    assert again.text.count("It has the tag already.") == 2
    unseen = sent(browser, "/objects/tag", id=OPEN["id"], tag="seen <b>here</b>", what="off", sure="yes")
    assert "Nothing was saved; look again." in unseen.text
    assert tags(node, OPEN) == ["seen <b>here</b>"]
    off = {**form_of(unseen.text, "/objects/tag"), "tag": "seen <b>here</b>", "sure": "yes"}
    other = browser.post("/objects/tag", data={**off, "id": [OPEN["id"], GREEN["id"]]})
    assert "Nothing was saved; look again." in other.text
    assert "Done. Objects with a new version: 1." in browser.post("/objects/tag", data=off).text
    assert (tags(node, OPEN), tags(node, GREEN)) == ([], ["seen <b>here</b>"])


def test_what_is_not_changed_is_named_with_the_reason(node: Node) -> None:
    theirs = campaign("theirs", object_marking_refs=[AMBER])
    source = node.store.partner_source("Brussels")
    from tests.builders import items

    assert [one.status for one in node.store.writer(source).add(items(theirs))] == ["imported"]
    for language, words in (("en", "only its owner makes new versions"), ("ja", "新しい版を作れるのは所有者だけです")):
        shown = sent(
            node.browser(language=language), "/objects/tag", id=[theirs["id"], SECRET["id"]], tag="x", what="on"
        )
        assert words in shown.text
        assert SECRET["id"] not in shown.text
        assert 'name="sure"' not in shown.text


@pytest.mark.parametrize(
    ("fields", "status"), [({"tag": "x"}, 200), ({"id": OPEN["id"]}, 200), ({"id": OPEN["id"], "tag": "a\nb"}, 400)]
)
def test_a_tag_that_cannot_be_put_says_what_to_do(node: Node, fields: dict[str, str], status: int) -> None:
    answer = sent(node.browser(), "/objects/tag", **fields, sure="yes")
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert tags(node, OPEN) == []


def test_who_may_not_write_puts_no_tag(node: Node) -> None:
    browser = node.browser("reader")
    assert 'formaction="/objects/tag"' not in browser.get("/objects").text
    assert sent(browser, "/objects/tag", id=OPEN["id"], tag="x", sure="yes").status_code == 403
    assert sent(node.browser(), "/objects/tag", id=[f"campaign--{n}" for n in range(201)], tag="x").status_code == 400
    assert tags(node, OPEN) == []


def test_chosen_objects_are_exported(node: Node) -> None:
    browser = node.browser()
    shown = sent(browser, "/objects/export", id=[OPEN["id"], OWN["id"], SECRET["id"]], chosen="yes")
    assert "Objects in it: 2." in shown.text
    fields = form_of(shown.text, "/objects/export")
    assert fields["id"] == [OPEN["id"], OWN["id"]]
    got = browser.post("/objects/export", data={**fields, "sure": "yes"})
    assert got.headers["content-type"] == "application/stix+json;version=2.1"
    assert "attachment" in got.headers["content-disposition"]
    bundle = got.json()
    assert re.fullmatch(r"bundle--[0-9a-f-]{36}", bundle["id"])
    assert bundle["objects"] == [browser.get(f"/objects/{one['id']}.json").json() for one in (OPEN, OWN)]
    assert "None is chosen." in sent(browser, "/objects/export", chosen="yes", sure="yes").text
    assert node.store.audit_trail()[0]["act"] == "export"


def test_what_a_search_finds_is_exported(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = node.browser("reader")
    page = browser.get("/objects?q=open&type=campaign").text
    form = page[page.index('<form method="post" action="/objects/export"') :]
    fields = form_of(form, "/objects/export")
    assert fields["q"] == ["open"]
    shown = browser.post("/objects/export", data=fields)
    assert "Objects in it: 1." in shown.text
    got = browser.post("/objects/export", data={**form_of(shown.text, "/objects/export"), "sure": "yes"}).json()
    assert [one["id"] for one in got["objects"]] == [OPEN["id"]]
    every = [row["id"] for row in browser.get("/objects.json?limit=200").json()["items"]]
    got = sent(browser, "/objects/export", sure="yes").json()
    assert [one["id"] for one in got["objects"]] == every
    monkeypatch.setattr("kizuna.web.pages.bulk.MOST_EXPORTED", 2)
    assert f"The search finds {len(every)}; the bundle holds the 2 newest." in sent(browser, "/objects/export").text
    assert [one["id"] for one in sent(browser, "/objects/export", sure="yes").json()["objects"]] == every[:2]
    assert "finds nothing that you may see" in sent(browser, "/objects/export", q="zznothing", sure="yes").text
    assert sent(browser, "/objects/export", came="soon").status_code == 400
