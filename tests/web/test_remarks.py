"""Notes and opinions by form: who would get them is shown first, saved once, and taken back while nobody else had them."""

from __future__ import annotations

import html
import re
from typing import Any

import msgspec
import pytest

from kizuna.labels import format_label
from kizuna.store import Stored
from kizuna.store.remarks import default_label
from tests.builders import campaign, identity
from tests.web.conftest import OPEN, OWN, SECRET, Node
from tests.web.test_window import form_of

PATH = f"/objects/{OPEN['id']}/note"
UNSTATABLE = "TLP:AMBER to=UKR & TLP:GREEN"
"""Markings of one object speak of one label: the addressee would belong to both parts."""


def asked(page: str, path: str = PATH) -> dict[str, Any]:
    """What the form of a page holds."""
    form = page.partition(f'action="{path}"')[2].partition("</form>")[0]
    values = re.findall(r'<input (?:type="hidden"|id="[^"]+") name="([^"]+)" value="([^"]*)"', form)
    values += re.findall(r'<textarea id="[^"]+" name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    values += re.findall(r'<input type="radio" name="(kind)" value="([^"]+)" checked', form)
    values += [("opinion", one) for one in re.findall(r'<option value="([^"]+)" selected', form)]
    return {name: html.unescape(value) for name, value in values}


def about(node: Node, id: str = OPEN["id"]) -> list[Stored]:
    """The notes and opinions about an object."""
    view = node.store.custodian()
    near = [one.id for one in view.neighbours(id) if one.type in ("note", "opinion")]
    return [stored for one in near if (stored := view.get(one)) is not None]


def written(node: Node, who: str = "analyst", **more: str) -> str:
    """The page that follows a note."""
    browser = node.browser(who)
    shown = browser.post(PATH, data=asked(browser.get(PATH).text) | {"content": "seen twice"} | more)
    assert shown.status_code == 200, shown.text
    done = browser.post(PATH, data=asked(shown.text) | {"sure": "yes"})
    assert done.url.params["done"] == "noted"
    return done.text


def test_who_would_get_it_is_shown_and_it_is_saved_once(node: Node) -> None:
    node.put(identity("CERT Tokyo") | {"id": node.store.settings.identity}, label="TLP:CLEAR")
    browser = node.browser("analyst")
    fields = asked(browser.get(PATH).text)
    assert (fields["label"], fields["kind"]) == ("OWN", "note")
    shown = browser.post(PATH, data=fields | {"content": "seen\r\ntwice", "label": "TLP:CLEAR", "confidence": "70"})
    assert 'class="verdict whole"' in shown.text.partition("</table>")[0]
    assert about(node) == []
    saving = asked(shown.text) | {"sure": "yes"}
    for _ in range(2):
        assert browser.post(PATH, data=saving).url.params["done"] == "noted"
    (note,) = about(node)
    data = msgspec.json.decode(note.raw)
    assert (data["content"], data["confidence"], data["object_refs"]) == ("seen\ntwice", 70, [OPEN["id"]])
    assert data["created_by_ref"] == node.store.settings.identity
    assert (format_label(note.label), note.area, note.source) == ("TLP:CLEAR", "cyber-defence", "own")
    assert "seen\ntwice" in browser.get(f"/objects/{OPEN['id']}").text
    other = browser.post(PATH, data=saving | {"label": "TLP:GREEN"})  # not what was shown
    assert "Save</button>" in other.text
    assert len(about(node)) == 1


def test_an_opinion(node: Node) -> None:
    written(node, kind="opinion", opinion="disagree")
    (one,) = about(node)
    data = msgspec.json.decode(one.raw)
    assert (data["type"], data["opinion"], data["explanation"]) == ("opinion", "disagree", "seen twice")
    assert format_label(one.label) == "OWN"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "Write what the note says."), ({"content": "x", "label": "TLP:PINK"}, "Say who may see it"),
        ({"content": "x", "label": ""}, "Say who"),
        ({"kind": "opinion", "opinion": "maybe"}, "Choose an opinion."), ({"content": "x", "confidence": "101"}, "a number from 0 to 100"),
    ],
)  # fmt: skip
def test_a_refused_form_keeps_what_was_typed(node: Node, more: dict[str, str], told: str) -> None:
    browser = node.browser("analyst")
    refused = browser.post(PATH, data=asked(browser.get(PATH).text) | {"abstract": "kept"} | more)
    assert refused.status_code == 422
    assert told in refused.text
    kept = asked(refused.text)
    assert kept["abstract"] == "kept"
    assert {key: kept[key] for key in more if key != "opinion"} == {
        key: text for key, text in more.items() if key != "opinion"
    }
    assert (
        browser.post(
            PATH,
            data=asked(refused.text) | {"content": "x", "began": "5", "label": "OWN", "kind": "note", "confidence": ""},
        ).status_code
        == 400
    )
    assert about(node) == []


@pytest.mark.parametrize(("language", "told"), [("en", "cannot state"), ("ja", "正確に表せません")])
def test_a_label_that_markings_cannot_state_is_refused_in_words(node: Node, language: str, told: str) -> None:
    browser = node.browser("analyst", language)
    refused = browser.post(PATH, data=asked(browser.get(PATH).text) | {"content": "kept", "label": UNSTATABLE})
    assert refused.status_code == 403
    assert told in refused.text
    assert '<span lang="en">' not in refused.text
    assert asked(refused.text)["content"] == "kept"
    assert about(node) == []


def test_the_label_that_is_offered_is_no_looser_than_what_it_is_about(node: Node) -> None:
    node.put(red := campaign("red"), label="TLP:RED persons=owner")
    path = f"/objects/{red['id']}/note"
    assert asked(node.browser().get(path).text, path)["label"] == "OWN & TLP:RED persons=owner"
    whole = node.store.custodian().whole_label(OWN["id"])
    assert whole is not None
    assert format_label(default_label(node.store, whole)) == "OWN"


def test_what_nobody_had_is_taken_back_by_who_wrote_it(node: Node) -> None:
    page = written(node)
    (note,) = about(node)
    path = f"/objects/{note.id}/take-back"
    assert "<button>Undo</button>" in page
    other = node.browser("owner")
    assert path not in other.get(f"/objects/{note.id}").text
    csrf = form_of(other.get("/objects").text, "/objects/label")["csrf"]
    assert other.post(path, data={"csrf": csrf}).url.path == f"/objects/{note.id}"
    assert len(about(node)) == 1
    browser = node.browser("analyst")
    again = form_of(browser.get(f"/objects/{note.id}").text, path)
    assert browser.post(path, data=again).url.path == f"/objects/{OPEN['id']}"
    assert about(node) == []
    assert browser.post(path, data=again).status_code == 404


def test_what_has_left_is_withdrawn(node: Node) -> None:
    page = written(node, label="TLP:CLEAR")
    (note,) = about(node)
    assert "Withdraw from Brussels…" in page
    assert "take-back" not in page
    browser = node.browser("analyst")
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
    browser.post(f"/objects/{note.id}/take-back", data={"csrf": csrf})
    assert len(about(node)) == 1


def test_who_may_and_what_is_not_there(node: Node) -> None:
    reader = node.browser("reader")
    page = reader.get(PATH).text
    assert "To write about an object takes an analyst." in page
    assert reader.post(PATH, data=asked(page)).status_code == 403
    owner = node.browser()
    csrf = asked(owner.get(PATH).text)["csrf"]
    for id in (SECRET["id"], campaign("nobody has it")["id"]):
        assert owner.get(f"/objects/{id}/note").status_code == 404
        assert owner.post(f"/objects/{id}/note", data={"csrf": csrf, "content": "x"}).status_code == 404
        assert owner.post(f"/objects/{id}/take-back", data={"csrf": csrf}).status_code == 404
    node.put(theirs := campaign("theirs"), label="TLP:AMBER", partner="Kyiv")
    assert f'href="/objects/{theirs["id"]}/note"' in owner.get(f"/objects/{theirs['id']}/edit").text
