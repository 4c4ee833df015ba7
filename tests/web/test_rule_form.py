"""A rule made by form: tried first, refused by field, and made only as it was tried."""

from __future__ import annotations

import re
from typing import Any

import httpx
import msgspec
import pytest

from kizuna.store.standing import Named, Rules
from tests.builders import campaign
from tests.web.conftest import GREEN, OPEN, OWN, SECRET, Node

PATH = "/release/rules/new"


def fields_of(page: str) -> dict[str, str]:
    form = page.partition('action="/release/rules/new#tried"')[2].partition("</form>")[0]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


def sent(browser: httpx.Client, fields: dict[str, str], **typed: Any) -> httpx.Response:
    blank = {"name": "tried", "act": "propose", "approvers": "1", "do": "try"}
    return browser.post(PATH, data=fields | blank | typed)


def test_a_rule_is_tried_and_then_made(node: Node) -> None:
    browser = node.browser()
    fields = fields_of(browser.get(PATH).text)
    tried = sent(browser, fields, types=["campaign"], labels=["TLP:CLEAR"])
    assert tried.status_code == 200
    assert "It is about 1 objects that you may see, of 3 that were looked at." in tried.text
    assert f'href="/objects/{OPEN["id"]}"' in tried.text
    assert GREEN["id"] not in tried.text
    assert OWN["id"] not in tried.text
    assert "tried" not in {rule.name for rule in Rules(node.store).listed()}
    shown = fields_of(tried.text)
    made = sent(browser, shown, types=["campaign"], labels=["TLP:CLEAR"], do="make")
    assert "Done:" in made.text
    rule = Rules(node.store).named("tried")
    assert (rule.terms.types, rule.terms.labels, rule.terms.act, rule.version) == (
        ("campaign",), ("TLP:CLEAR",), "propose", 1,
    )  # fmt: skip
    again = sent(browser, shown, types=["campaign"], labels=["TLP:CLEAR"], do="make")
    assert "Done:" in again.text
    assert Rules(node.store).named("tried").version == 1


def test_only_what_was_tried_is_made(node: Node) -> None:
    browser = node.browser()
    shown = fields_of(sent(browser, fields_of(browser.get(PATH).text), types=["campaign"]).text)
    other = sent(browser, shown, types=["report"], act="send", do="make")
    assert "This is not what was tried. Nothing was made" in other.text
    assert "It is about 1 objects" in other.text
    assert [rule.name for rule in Rules(node.store).listed()] == ["as-labelled"]
    assert sent(browser, fields_of(other.text), types=["report"], act="send", do="make").status_code == 200
    page = browser.get("/release/rules").text
    assert "waits for people" in page.partition("tried")[2]
    assert Rules(node.store).named("tried").granted is None


def test_a_rule_is_changed_into_its_next_version(node: Node) -> None:
    browser = node.browser()
    typed = {
        "types": ["report"], "labels": ["TLP:GREEN"], "tags": "one\ntwo, three", "sources": ["own"], "confidence": "40", "query": "x",
        "approvers": "2", "until": "2030-01-02T03:04", "hourly": "9", "partners": ["Kyiv"], "act": "send", "more-areas": "a b\n\nc",
    }  # fmt: skip
    shown = fields_of(sent(browser, fields_of(browser.get(PATH).text), **typed).text)
    sent(browser, shown, **typed, do="make")
    terms = Rules(node.store).named("tried").terms
    assert (terms.tags, terms.areas) == (("one", "two, three"), ("a b", "c"))
    assert (terms.until, terms.hourly) == ("2030-01-02T03:04:00.000000Z", 9)
    opened = browser.get(f"{PATH}?rule=tried").text
    assert fields_of(opened)["version"] == "1"
    for text in (
        'value="2030-01-02T03:04:00"',
        'value="9"',
        'value="40"',
        "one\ntwo, three</textarea>",
        'value="c" checked',
        'value="Kyiv" checked',
        'value="own" checked',
        'value="send" checked',
    ):
        assert text in opened, text
    typed |= {"until": "2030-01-02T03:04:00", "hourly": "10", "areas": ["a b", "c"], "more-areas": ""}
    shown = fields_of(sent(browser, fields_of(opened), **typed).text)
    sent(browser, shown, **typed, do="make")
    assert (Rules(node.store).named("tried").version, Rules(node.store).named("tried").terms.hourly) == (2, 10)
    stale = sent(
        browser,
        fields_of(sent(browser, fields_of(opened), **(typed | {"hourly": "11"})).text),
        **(typed | {"hourly": "11"}),
        do="make",
    )
    assert stale.status_code == 409
    assert "The rule says something else by now." in stale.text
    assert 'value="11"' in stale.text


def test_a_change_does_not_widen_a_rule_by_accident(node: Node) -> None:
    terms = {
        "name": "narrow",
        "partners": ["kyiv", "Brussels"],
        "until": "2030-01-02T03:04:05.678901Z",
        "types": ["x-own"],
    }
    Rules(node.store).put([msgspec.convert(terms, Named)], by="test")
    node.store.remove_partner("Brussels")
    browser = node.browser()
    page = browser.get(f"{PATH}?rule=narrow").text
    for value in ("Kyiv", "Brussels", "x-own"):
        assert f'value="{value}" checked' in page
    assert 'value="2030-01-02T03:04:05"' in page
    refused = sent(browser, fields_of(page), name="narrow", partners=["Kyiv", "Brussels"])
    assert refused.status_code == 422
    assert '<a href="#partners">' in refused.text
    assert 'value="Brussels" checked' in refused.text


@pytest.mark.parametrize("tag", ["two\nlines", " a", "b\u2028c"])
def test_a_rule_that_cannot_be_typed_is_not_opened(node: Node, tag: str) -> None:
    Rules(node.store).put([msgspec.convert({"name": "odd", "tags": [tag]}, Named)], by="test")
    assert node.browser().get(f"{PATH}?rule=odd").status_code == 400


def test_a_name_is_not_taken_by_accident(node: Node) -> None:
    browser = node.browser()
    shown = fields_of(sent(browser, fields_of(browser.get(PATH).text), name="as-labelled").text)
    taken = sent(browser, shown, name="as-labelled", do="make")
    assert taken.status_code == 409
    assert "There is a rule of this name already" in taken.text
    assert Rules(node.store).named("as-labelled").version == 1


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": "Not a name"}, "name"), ({"act": "paint"}, "act"), ({"partners": ["Nobody"]}, "partners"),
        ({"confidence": "101"}, "confidence"), ({"confidence": "-1"}, "confidence"), ({"confidence": "٣"}, "confidence"),
        ({"approvers": ""}, "approvers"), ({"approvers": "0"}, "approvers"), ({"hourly": "0"}, "hourly"), ({"hourly": "x"}, "hourly"),
        ({"until": "soon"}, "until"), ({"until": "2001-01-01T00:00"}, "until"), ({"query": "x" * 251}, "query"),
        ({"query": "word", "parts": "yes"}, "query"), ({"more-labels": "TLP:\x07"}, "labels"), ({"tags": "x" * 251}, "tags"),
        ({"more-types": "\n".join(str(n) for n in range(1_001))}, "types"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_and_kept(node: Node, typed: dict[str, Any], field: str) -> None:
    browser = node.browser()
    refused = sent(browser, fields_of(browser.get(PATH).text), **({"hourly": "17"} | typed))
    assert refused.status_code == 422
    assert f'<a href="#{field}">' in refused.text
    assert f'aria-describedby="wrong-{field}"' in refused.text
    assert refused.text.count("aria-invalid") == 1
    assert "hourly" in typed or 'value="17"' in refused.text
    assert "It is about" not in refused.text
    assert [rule.name for rule in Rules(node.store).listed()] == ["as-labelled"]


def test_nobody_without_the_right_tries_or_makes(node: Node) -> None:
    analyst = node.browser("analyst")
    assert analyst.get(PATH).status_code == 403
    own = re.findall(r'name="csrf" value="([^"]+)"', analyst.get("/objects").text)[0]
    assert sent(analyst, {"csrf": own}).status_code == 403
    owner = node.browser()
    assert sent(owner, {}).status_code == 403
    assert owner.get(f"{PATH}?rule=none").status_code == 404
    assert PATH not in analyst.get("/release/rules").text


def test_labels_that_read_alike_are_counted_together(node: Node) -> None:
    node.put(campaign("from Brussels"), label="TLP:CLEAR", partner="Brussels")
    browser = node.browser()
    page = sent(browser, fields_of(browser.get(PATH).text), types=["campaign"], labels=["TLP:CLEAR"]).text
    counted = page.partition("<h3>By label</h3>")[2].partition("</table>")[0]
    assert re.findall(r'<td class="count">([0-9]+)</td>', counted) == ["2"]


def test_a_trial_tells_of_nothing_hidden(node: Node) -> None:
    browser = node.browser()
    before = re.sub(r"<time.*?</time>", "", sent(browser, fields_of(browser.get(PATH).text)).text)
    node.put(campaign("hidden"), label="TLP:RED persons=somebody.else", area="maritime-security")
    after = re.sub(r"<time.*?</time>", "", sent(browser, fields_of(browser.get(PATH).text)).text)
    assert after == before
    assert SECRET["id"] not in after


def test_it_speaks_japanese(node: Node) -> None:
    browser = node.browser(language="ja")
    page = sent(browser, fields_of(browser.get(PATH).text), types=["campaign"]).text
    assert "閲覧できるオブジェクトを3件調べました。対象となるのは3件です。" in page
    assert "名前" in sent(browser, fields_of(page), name="X").text
