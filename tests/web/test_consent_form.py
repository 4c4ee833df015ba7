"""Consent by form: who is told what is shown first, only that is sent, and once."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest

from kizuna.store.consents import Consents
from kizuna.store.keys import make_key
from kizuna.store.notices import listed
from tests.builders import campaign
from tests.web.conftest import OPEN, OWN, PASSWORD, REPORT, SECRET, Node, filled

PATH = "/release/consents/new"
THEIRS = campaign("theirs")


@pytest.fixture
def tokyo(bare: Node) -> Node:
    """Brussels has what is open, and sent something."""
    if not (bare.store.folder / "node.key").exists():
        make_key(bare.store.folder)
    bare.accounts.set_password("owner", PASSWORD, by="owner")
    filled(bare)
    bare.put(THEIRS, label="TLP:CLEAR", partner="Brussels")
    return bare


def csrf_of(browser: httpx.Client) -> str:
    return str(re.findall(r'name="csrf" value="([^"]+)"', browser.get("/objects").text)[0])


def typed(browser: httpx.Client, what: str, *ids: str, **more: str) -> dict[str, Any]:
    usual = {"csrf": csrf_of(browser), "what": what, "as": "Brussels", "to": "Kyiv", "ids": "\n".join(ids)}
    return usual | ({"reason": "they are hit"} if what == "request" else {}) | more


def shown_by(page: str) -> dict[str, Any]:
    """The hidden fields of the form that sends what is shown."""
    form = page.partition('id="shown"')[2].partition("</form>")[0]
    fields: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(html.unescape(value))
    return fields


def sent(node: Node) -> list[tuple[str, tuple[str, ...], str | None]]:
    found = listed(node.store.database.read(), ("request", "consent", "consent-end"))
    return [(one.kind, one.about, one.third_party) for one in found]


def test_one_asks_the_originator_from_the_page_of_the_object(tokyo: Node) -> None:
    browser = tokyo.browser()
    link = re.findall(
        r'href="(/release/consents/new\?what=request[^"]+)"', browser.get(f"/objects/{THEIRS['id']}").text
    )
    page = browser.get(html.unescape(link[0])).text
    assert 'value="Brussels" checked' in page
    assert THEIRS["id"] in page
    shown = browser.post(PATH, data=typed(browser, "request", THEIRS["id"], OPEN["id"], SECRET["id"]))
    assert "Nothing is sent yet." in shown.text
    assert "CERT Kyiv (fictional)" in shown.text
    assert "they are hit" in shown.text
    assert "Ask Brussels" in shown.text
    assert shown.text.count(OPEN["id"]) >= 1
    assert sent(tokyo) == []
    fields = shown_by(shown.text) | {"sure": "yes"}
    for _ in range(2):  # sent twice, done once
        done = browser.post(PATH, data=fields)
        assert done.status_code == 200
        assert "Brussels gets it with its next poll." in done.text
    assert sent(tokyo) == [("request", (THEIRS["id"],), "CERT Kyiv (fictional)")]


def test_consent_is_given_by_password_and_ended(tokyo: Node) -> None:
    browser = tokyo.browser()
    shown = browser.post(PATH, data=typed(browser, "grant", OPEN["id"], REPORT["id"], until="2030-01-02T03:04"))
    assert "2030-01-02" in shown.text
    fields = shown_by(shown.text) | {"sure": "yes"}
    for password in ("", "not mine at all"):
        refused = browser.post(PATH, data=fields | {"password": password})
        assert refused.status_code == 403
        assert "This is not your password." in refused.text
        assert shown_by(refused.text)["id"] == fields["id"]
    assert sent(tokyo) == []
    for _ in range(2):
        assert browser.post(PATH, data=fields | {"password": PASSWORD}).status_code == 200
    assert [kind for kind, _, _ in sent(tokyo)] == ["consent"]
    page = browser.get("/release/consents").text
    (end,) = re.findall(r'href="(/release/consents/new\?what=end[^"]+id=[^"]+)"', page)
    assert "End it" in page
    opened = browser.get(html.unescape(end)).text
    assert OPEN["id"] in opened
    tokyo.store.clock.now += 1_000_000  # type: ignore[attr-defined]
    ended = browser.post(PATH, data=typed(browser, "end", OPEN["id"], REPORT["id"], to="CERT Kyiv (fictional)"))
    assert browser.post(PATH, data=shown_by(ended.text) | {"sure": "yes"}).status_code == 200
    assert [kind for kind, _, _ in sent(tokyo)] == ["consent-end", "consent"]
    tokyo.store.clock.now += 1_000_000  # type: ignore[attr-defined]
    again = browser.post(PATH, data=typed(browser, "grant", OPEN["id"], REPORT["id"], until="2030-01-02T03:04"))
    assert browser.post(PATH, data=shown_by(again.text) | {"sure": "yes", "password": PASSWORD}).status_code == 200
    assert [kind for kind, _, _ in sent(tokyo)] == ["consent", "consent-end", "consent"]


def test_only_what_was_shown_is_sent(tokyo: Node) -> None:
    browser = tokyo.browser()
    fields = shown_by(browser.post(PATH, data=typed(browser, "request", THEIRS["id"])).text) | {"sure": "yes"}
    for change in (
        {"to": "CERT Riga"},
        {"as": "Kyiv"},
        {"reason": "another"},
        {"until": "2030-01-01T00:00"},
        {"id": [OPEN["id"]]},
    ):
        stale = browser.post(PATH, data=fields | change)
        assert stale.status_code == 409, change
        assert "Nothing was sent; look at it again." in stale.text
    assert sent(tokyo) == []
    assert browser.post(PATH, data=fields).status_code == 200
    assert len(sent(tokyo)) == 1


def test_what_cannot_be_sent_is_said_and_why(tokyo: Node) -> None:
    browser = tokyo.browser()
    page = browser.post(PATH, data=typed(browser, "grant", THEIRS["id"], OWN["id"], SECRET["id"])).text
    assert "none of these objects is one that this can be said of" in page
    assert 'name="sure"' not in page
    absent = campaign("nobody has it")["id"]
    hidden = browser.post(PATH, data=typed(browser, "request", SECRET["id"])).text
    gone = browser.post(PATH, data=typed(browser, "request", absent)).text
    assert hidden.replace(SECRET["id"], "x") == gone.replace(absent, "x")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"as": "Nobody"}, "as"), ({"ids": ""}, "ids"), ({"ids": "x"}, "ids"), ({"to": ""}, "to"), ({"to": "x" * 501}, "to"),
        ({"reason": " "}, "reason"), ({"until": "soon"}, "until"), ({"until": "2001-01-01T00:00"}, "until"),
        ({"ids": " ".join(str(campaign(str(n))["id"]) for n in range(201))}, "ids"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_and_kept(tokyo: Node, change: dict[str, str], field: str) -> None:
    browser = tokyo.browser()
    refused = browser.post(PATH, data=typed(browser, "request", THEIRS["id"], reason="kept here") | change)
    assert refused.status_code == 422
    assert f'<a href="#{field}">' in refused.text
    assert f'id="wrong-{field}"' in refused.text
    assert field == "reason" or "kept here" in refused.text
    assert sent(tokyo) == []


def test_who_may_not_release_does_not_ask(tokyo: Node) -> None:
    analyst = tokyo.browser("analyst")
    assert analyst.get(PATH).status_code == 403
    assert PATH not in analyst.get(f"/objects/{THEIRS['id']}").text
    assert PATH not in analyst.get("/release/consents").text
    assert analyst.post(PATH, data=typed(analyst, "request", THEIRS["id"])).status_code == 403
    owner = tokyo.browser()
    assert owner.post(PATH, data=typed(owner, "request", THEIRS["id"], csrf="")).status_code == 403
    assert owner.get(f"{PATH}?what=paint").status_code == 400
    assert owner.post(PATH, data=typed(owner, "paint", THEIRS["id"])).status_code == 400
    assert Consents(tokyo.store).notices() == []


def test_it_speaks_japanese(tokyo: Node) -> None:
    browser = tokyo.browser(language="ja")
    page = browser.post(PATH, data=typed(browser, "request", THEIRS["id"])).text
    assert "まだ何も送っていません。" in page
    assert "Brussels に求める" in page


def test_a_whole_label_by_form(tokyo: Node) -> None:
    browser = tokyo.browser()
    about = {"ids": "", "label": "TLP:AMBER"}
    shown = browser.post(PATH, data=typed(browser, "grant", **about))
    assert "under this label" in shown.text
    assert sent(tokyo) == []
    fields = shown_by(shown.text) | {"sure": "yes", "password": PASSWORD}
    assert browser.post(PATH, data=fields | {"label": "TLP:AMBER+STRICT"}).status_code == 409
    for _ in range(2):  # sent twice, done once
        assert browser.post(PATH, data=fields).status_code == 200
    assert sent(tokyo) == [("consent", (), "CERT Kyiv (fictional)")]
    page = browser.get("/release/consents").text
    assert "now and later" in page
    (end,) = re.findall(r'href="(/release/consents/new\?what=end[^"]+)">End it', page)
    assert 'value="TLP:AMBER"' in browser.get(html.unescape(end)).text
    tokyo.store.clock.now += 1_000_000  # type: ignore[attr-defined]
    ended = browser.post(PATH, data=typed(browser, "end", **about))
    assert browser.post(PATH, data=shown_by(ended.text) | {"sure": "yes"}).status_code == 200
    assert [kind for kind, _, _ in sent(tokyo)] == ["consent-end", "consent"]
    for wrong, said in (
        ({"label": ""}, "or a label"),
        ({"ids": OPEN["id"]}, "or a label"),
        ({"label": "TLP:GREEN"}, "under which you see everything"),
        ({"label": "TLP:AMBER restrictive:Cleared=X"}, "under which you see everything"),
    ):
        refused = browser.post(PATH, data=typed(browser, "grant", **(about | wrong)))
        assert (refused.status_code, said in refused.text) == (422, True), wrong
    japanese = browser.get(PATH, headers={"Accept-Language": "ja"}).text
    assert "または取扱表示の全体" in japanese
