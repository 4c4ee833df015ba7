"""Cutting an object for a partner by form: suggested, shown, made once, and of what its reader sees."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from kizuna.store.releasing import Releases
from tests.builders import RED, campaign, identity, relationship
from tests.web.conftest import OWN, SECRET, Node
from tests.web.test_window import form_of

ONE = campaign("Amber Lantern", description="seen at Harbour Board, duty@harbour.example", objective="berth schedules")
VICTIM = identity("Harbour Board")
PATH = f"/objects/{ONE['id']}/cut"


@pytest.fixture
def port(node: Node) -> Node:
    """A campaign that no partner gets, against somebody in whose name nothing leaves."""
    node.put(ONE, label="TLP:AMBER")
    node.put(VICTIM, relationship(ONE, "targets", VICTIM), label="TLP:AMBER+STRICT")
    return node


def versions(node: Node, id: str = ONE["id"]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(one.raw) for one in node.store.custodian().history(id).items]


def asked(page: str) -> dict[str, Any]:
    """What the form of a page holds: hidden fields, and what is chosen."""
    form = page.partition(f'action="{PATH}"')[2].partition("</form>")[0]
    chosen = re.findall(r'name="cut" value="([^"]+)" checked', form)
    typed = {name: re.findall(rf'name="{name}" value="([^"]*)"', form)[0] for name in ("label", "keep")}
    return {**form_of(page, PATH), "cut": chosen, **typed}


def test_what_is_suggested_is_shown_then_made_and_let_out(port: Node) -> None:
    browser = port.browser()
    first = browser.get(f"{PATH}?as=Brussels").text
    assert "it holds an e-mail address" in first
    fields = asked(first)
    assert (fields["cut"], fields["label"], fields["keep"]) == (["description"], "TLP:AMBER to=BEL", "OWN")
    assert 'value="yes"' not in first  # nothing was shown yet
    shown = browser.post(PATH, data=fields).text
    assert 'class="hatched"' in shown
    assert "duty@harbour.example" in shown.partition('id="result"')[2].partition('class="hatched"')[0]
    assert len(versions(port)) == 1
    done = browser.post(PATH, data=asked(shown) | {"sure": "yes"})
    assert (done.url.path, done.url.params["as"]) == ("/release/look", "Brussels")
    now, before = versions(port)
    assert (before, now["description"]) == (ONE, ONE["description"])
    assert [mark["selectors"] for mark in now["granular_markings"]] == [["description"]]
    (item,) = Releases(port.store).items("Brussels", [ONE["id"]])
    assert (item.form, item.redacted) == ("rendition", ("description",))


def test_the_same_form_twice_makes_one_version(port: Node) -> None:
    browser = port.browser()
    fields = asked(browser.post(PATH, data=asked(browser.get(f"{PATH}?as=Brussels").text)).text) | {"sure": "yes"}
    answers = [browser.post(PATH, data=fields) for _ in range(2)]
    assert [answer.url.path for answer in answers] == ["/release/look"] * 2
    assert len(versions(port)) == 2


def test_what_changed_meanwhile_is_shown_again(port: Node) -> None:
    browser = port.browser()
    fields = asked(browser.post(PATH, data=asked(browser.get(f"{PATH}?as=Brussels").text)).text) | {"sure": "yes"}
    port.put(ONE | {"modified": "2026-03-01T00:00:00.000Z", "objective": "cranes"}, label="TLP:AMBER")
    refused = browser.post(PATH, data=fields)
    assert refused.status_code == 409
    assert "Nothing was done" in refused.text
    assert "cranes" in refused.text
    assert len(versions(port)) == 2
    assert browser.post(PATH, data=asked(refused.text) | {"sure": "yes"}).url.path == "/release/look"


@pytest.mark.parametrize(
    ("more", "status", "told"),
    [
        ({"cut": []}, 422, "Choose at least one part"), ({"label": ""}, 422, "Say which label"),
        ({"label": "TLP:PINK"}, 400, "This cannot be done"),
        ({"label": "TLP:CLEAR", "keep": "PUBLIC"}, 400, "give a stricter one"), ({"cut": ["nothing"]}, 400, "selects"),
    ],
)  # fmt: skip
def test_a_refused_form_says_why_and_keeps_what_was_chosen(
    port: Node, more: dict[str, Any], status: int, told: str
) -> None:
    browser = port.browser()
    fields = asked(browser.get(f"{PATH}?as=Brussels").text) | {"cut": ["objective"]} | more
    refused = browser.post(PATH, data=fields)
    assert refused.status_code == status
    assert told in refused.text
    kept = asked(refused.text)
    assert kept["cut"] == [one for one in fields["cut"] if one != "nothing"]
    assert kept["label"] == (fields["label"] or "TLP:AMBER to=BEL")
    assert len(versions(port)) == 1


def test_only_what_is_ones_own_and_seen_whole_is_cut(port: Node) -> None:
    port.put(theirs := campaign("theirs", description="x"), label="TLP:AMBER", partner="Kyiv")
    marks = [{"marking_ref": RED, "selectors": ["objective"]}]
    port.put(part := campaign("part", description="y", objective="zz", granular_markings=marks), label="TLP:AMBER")
    browser = port.browser()
    csrf = form_of(browser.get(f"{PATH}?as=Brussels").text, PATH)["csrf"]
    for one, told in ((theirs, "Only its owner makes new versions"), (part, "You see a part of it only")):
        path = f"/objects/{one['id']}/cut"
        page = browser.get(f"{path}?as=Brussels").text
        assert told in page
        assert "zz" not in page
        fields = {"csrf": csrf, "as": "Brussels", "cut": "description", "label": "TLP:CLEAR", "sure": "yes"}
        for shown in ("", "0" * 64):
            assert browser.post(path, data=fields | {"shown": shown}).status_code in (200, 403, 409)
        assert len(versions(port, one["id"])) == 1


def test_who_may_and_who_may_not(port: Node) -> None:
    fields = {"as": "Brussels", "cut": "description", "label": "TLP:CLEAR"}
    for who, status in (("reader", 403), ("analyst", 200)):
        browser = port.browser(who)
        page = browser.get(f"{PATH}?as=Brussels").text
        csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
        assert browser.post(PATH, data=fields | {"csrf": csrf}).status_code in (status, 403)
        assert ("Show what would leave" in page) is (who == "analyst")
    assert port.browser().post(PATH, data=fields).status_code == 403
    # an analyst makes no version that more people may see: that takes a releaser
    analyst = port.browser("analyst")
    shown = analyst.post(PATH, data=asked(analyst.get(f"{PATH}?as=Brussels").text))
    assert "needs the right to release" in shown.text
    assert analyst.post(PATH, data=asked(shown.text) | {"sure": "yes", "shown": "x"}).status_code in (403, 409)
    assert len(versions(port)) == 1


def test_hidden_and_absent_are_one_answer(port: Node) -> None:
    browser = port.browser()
    csrf = form_of(browser.get(f"{PATH}?as=Brussels").text, PATH)["csrf"]
    for id in (SECRET["id"], campaign("nobody has it")["id"], "x"):
        assert browser.get(f"/objects/{id}/cut?as=Brussels").status_code == 404
        assert browser.post(f"/objects/{id}/cut", data={"csrf": csrf, "as": "Brussels"}).status_code == 404
    assert browser.get(f"{PATH}?as=nobody").status_code == 404
    assert browser.get(PATH).status_code == 400


def test_it_is_linked_from_where_something_is_withheld(port: Node) -> None:
    link = f'href="{PATH}?as=Brussels"'
    assert link in port.browser().get(f"/objects/{ONE['id']}?as=Brussels").text
    assert link in port.browser().get(f"/release/look?as=Brussels&id={ONE['id']}").text
    assert link not in port.browser("reader").get(f"/objects/{ONE['id']}?as=Brussels").text
    assert f"/objects/{OWN['id']}/cut" not in port.browser().get(f"/objects/{OWN['id']}").text
