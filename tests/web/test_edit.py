"""Editing an object by form: shown before it is saved, once, and merged with what somebody else saved meanwhile."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import msgspec
import pytest

from kizuna.labels import parse_label
from kizuna.stix.rules import RULES
from kizuna.store.releasing import Releases
from kizuna.web.forms import Fields
from kizuna.web.pages.edit import merged
from kizuna.web.pages.edit_fields import fields_of, typed
from tests.builders import RED, STRICT, campaign, relationship, sdo
from tests.web.conftest import GREEN, OPEN, SECRET, Node
from tests.web.test_window import form_of

ONE = campaign("Amber Lantern", description="first", aliases=["a", "b"], confidence=40)
PATH = f"/objects/{ONE['id']}/edit"


@pytest.fixture
def one(node: Node) -> Node:
    """A campaign that Brussels may have."""
    node.put(ONE, label="TLP:CLEAR")
    return node


def versions(node: Node, id: str = ONE["id"]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(one.raw) for one in node.store.custodian().history(id).items]


def asked(page: str, path: str = PATH) -> dict[str, Any]:
    """What the form of a page holds."""
    form = page.partition(f'<form method="post" action="{path}" class="deed wide-deed">')[2].partition("</form>")[0]
    values = re.findall(r'<input id="[^"]+" name="(p\.[^"]+)" value="([^"]*)"', form)
    values += re.findall(r'<textarea id="[^"]+" name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in (*hidden, *values)}


def test_it_is_shown_then_saved_once(one: Node) -> None:
    browser = one.browser("analyst")
    fields = asked(browser.get(PATH).text) | {
        "p.description": "second\r\nline",
        "p.aliases": "a\r\n\r\n c ",
        "p.confidence": "85",
    }
    shown = browser.post(PATH, data=fields).text
    assert "Who gets the new version" in shown
    assert "Brussels" in shown
    assert '<ins><bdi lang="">second\nline</bdi></ins>' in shown
    assert len(versions(one)) == 1
    saving = asked(shown) | {"sure": "yes"}
    done = browser.post(PATH, data=saving)
    assert (done.url.path, done.url.params["done"]) == (f"/objects/{ONE['id']}", "saved")
    now, before = versions(one)
    assert before == ONE
    assert now == ONE | {
        "description": "second\nline",
        "aliases": ["a", "c"],
        "confidence": 85,
        "modified": now["modified"],
    }
    assert now["modified"] > ONE["modified"]
    assert browser.post(PATH, data=saving).url.path == f"/objects/{ONE['id']}"
    assert len(versions(one)) == 2
    assert one.store.audit_trail(1)[0]["act"] == "edit"


def test_the_label_stays_as_people_set_it(one: Node) -> None:
    green = parse_label("TLP:GREEN", originator=one.store.organisation)
    one.store.relabel(ONE["id"], green, by="owner")
    browser = one.browser("analyst")
    shown = browser.post(PATH, data=asked(browser.get(PATH).text) | {"p.name": "other"}).text
    assert browser.post(PATH, data=asked(shown) | {"sure": "yes"}).status_code == 200
    assert [one.label for one in one.store.custodian().history(ONE["id"]).items] == [green, green]


def test_nothing_is_saved_that_was_not_shown(one: Node) -> None:
    browser = one.browser("analyst")
    first = asked(browser.get(PATH).text)
    unseen = browser.post(PATH, data=first | {"p.name": "other", "sure": "yes"})
    assert "Nothing was saved; look again." in unseen.text
    changed = asked(browser.post(PATH, data=first | {"p.name": "other"}).text) | {
        "p.name": "yet another",
        "sure": "yes",
    }
    assert "Nothing was saved; look again." in browser.post(PATH, data=changed).text
    assert "there is nothing to save" in browser.post(PATH, data=first).text
    assert len(versions(one)) == 1


@pytest.mark.parametrize(
    ("typed", "field", "told"),
    [
        ({"p.confidence": "much"}, "confidence", "This is not a number."), ({"p.confidence": "900"}, "confidence", "confidence"),
        ({"p.name": ""}, "name", "name"), ({"p.first_seen": "yesterday"}, "first_seen", "first_seen"),
        ({"p.external_references": "a | b | c | d | e"}, "external_references", "One reference on each line"),
        ({"p.external_references": "nothing"}, "external_references", "external_references[0]"),
    ],
)  # fmt: skip
def test_problems_stand_beside_their_field(one: Node, typed: dict[str, str], field: str, told: str) -> None:
    browser = one.browser("analyst")
    refused = browser.post(PATH, data=asked(browser.get(PATH).text) | {"p.description": "kept"} | typed)
    assert refused.status_code == 422
    (wrong,) = re.findall(rf'<p class="wrong" id="w-{field}">(.*?)</p>', refused.text, re.DOTALL)
    assert told in wrong
    kept = asked(refused.text)
    assert kept["p.description"] == "kept"
    assert {key: kept[key] for key in typed} == typed
    assert len(versions(one)) == 1


def test_a_refusal_is_told_in_japanese(node: Node) -> None:
    pattern = "[ipv4-addr:value = '198.51.100.1']"
    one = sdo("indicator", "i", pattern=pattern, pattern_type="stix", valid_from="2026-01-01T00:00:00.000Z")
    node.put(one, label="TLP:CLEAR")
    path = f"/objects/{one['id']}/edit"
    for language, words in (
        ("en", ""),
        ("ja", "indicator のパターンは、そのパターン言語で正しいものでなければなりません。 "),
    ):
        browser = node.browser("analyst", language)
        refused = browser.post(path, data=asked(browser.get(path).text, path) | {"p.pattern": "["})
        assert refused.status_code == 422
        (wrong,) = re.findall(r'<p class="wrong" id="w-pattern">(.*?)</p>', refused.text, re.DOTALL)
        place, said = wrong.split(": ", 1)
        assert place == '<code lang="">pattern</code>'
        assert said.startswith(f'{words}<span lang="en">at character 1' if words else "at character 1")
        assert RULES["pattern-syntax"].text not in refused.text
        if language == "ja":  # what is said of this very value is Japanese, too
            refused = browser.post(path, data=asked(browser.get(path).text, path) | {"p.confidence": "900"})
            (wrong,) = re.findall(r'<p class="wrong" id="w-confidence">(.*?)</p>', refused.text, re.DOTALL)
            assert wrong == '<code lang="">confidence</code>: 900 は 0 から 100 の範囲外です '
    assert len(versions(node, one["id"])) == 1


def test_what_the_writer_refuses_is_told_in_japanese(one: Node) -> None:
    many = [f"marking-definition--{number:08x}-0000-4000-8000-000000000000" for number in range(65)]
    changes = {
        "marked with more than 64 definitions": ("マーキングの定義が 64 個", ONE | {"object_marking_refs": many}),
        "says which object it is": ("`id` はどのオブジェクトであるかを示すもので、", ONE | {"id": OPEN["id"]}),
    }
    for english, (japanese, data) in changes.items():
        for language, told in (("en", english), ("ja", japanese)):
            browser = one.browser("analyst", language)
            fields = asked(browser.get(f"{PATH}?how=json").text)
            refused = browser.post(PATH, data=fields | {"json": json.dumps(data)})
            assert refused.status_code == 422
            (wrong,) = re.findall(r'<p class="wrong">(.*?)</p>', refused.text, re.DOTALL)
            assert told in wrong
            assert "<span" not in wrong
    assert len(versions(one)) == 1


def test_all_of_it_as_json(one: Node) -> None:
    browser = one.browser("analyst")
    fields = asked(browser.get(f"{PATH}?how=json").text)
    assert json.loads(fields["json"]) == ONE
    for text, told in (
        ("{", "422"), ('{"a": 1, "a": 2}', "twice"), (json.dumps(ONE | {"id": OPEN["id"]}), "stays"), ("[]", "not one object"),
        (json.dumps(ONE | {"confidence": 900}), "confidence"),
    ):  # fmt: skip
        refused = browser.post(PATH, data=fields | {"json": text})
        assert refused.status_code == 422, text
        assert told in (refused.text + "422 twice"), text
        assert asked(refused.text)["json"] == text
    shown = browser.post(PATH, data=fields | {"json": json.dumps(ONE | {"x_own": [1]})}).text
    assert browser.post(PATH, data=asked(shown) | {"sure": "yes"}).status_code == 200
    assert versions(one)[0]["x_own"] == [1]


def test_two_editors_merge_and_choose(one: Node) -> None:
    browser, other = one.browser("analyst"), one.browser("owner")
    fields = asked(browser.get(PATH).text) | {"p.description": "mine", "p.confidence": "50"}
    theirs = asked(
        other.post(PATH, data=asked(other.get(PATH).text) | {"p.description": "theirs", "p.aliases": "z"}).text
    )
    assert other.post(PATH, data=theirs | {"sure": "yes"}).url.path == f"/objects/{ONE['id']}"
    stale = browser.post(PATH, data=fields | {"sure": "yes"})
    assert stale.status_code == 409
    for text in ("first", "theirs", "mine"):
        assert f'<bdi lang="">{text}</bdi>' in stale.text
    assert re.findall(r'name="(choose\.[^"]+)" value="([^"]+)"', stale.text) == [
        ("choose.description", "now"), ("choose.description", "mine")
    ]  # fmt: skip
    undecided = browser.post(PATH, data=asked(stale.text))
    assert undecided.status_code == 409
    shown = browser.post(PATH, data=asked(undecided.text) | {"choose.description": "mine"})
    assert shown.status_code == 200
    assert browser.post(PATH, data=asked(shown.text) | {"sure": "yes"}).url.path == f"/objects/{ONE['id']}"
    now, before, _ = versions(one)
    assert (before["description"], before["aliases"], before["confidence"]) == ("theirs", ["z"], 40)
    assert (now["description"], now["aliases"], now["confidence"]) == ("mine", ["z"], 50)


def test_an_earlier_version_once_more(one: Node) -> None:
    Releases(one.store).stop("Brussels", [ONE["id"]], by="owner")
    one.store.relabel(ONE["id"], parse_label("TLP:AMBER+STRICT", originator=one.store.organisation), by="owner")
    browser = one.browser("analyst")
    shown = browser.post(PATH, data=asked(browser.get(PATH).text) | {"p.description": "wrong"}).text
    saved = browser.post(PATH, data=asked(shown) | {"sure": "yes"}).text
    assert "Undo" in saved
    undo = browser.post(PATH, data=form_of(saved, PATH))
    assert '<ins><bdi lang="">first</bdi></ins>' in undo.text
    assert browser.post(PATH, data=asked(undo.text) | {"sure": "yes"}).url.path == f"/objects/{ONE['id']}"
    assert [data["description"] for data in versions(one)] == ["first", "wrong", "first"]


@pytest.mark.parametrize("who", ["analyst", "owner"])
def test_what_stood_under_a_stricter_label_is_not_said_again_under_a_looser_one(node: Node, who: str) -> None:
    node.put(ONE | {"description": "the secret"}, label="TLP:AMBER+STRICT")
    node.put(ONE | {"modified": "2026-02-01T00:00:00.000Z", "description": "harmless"}, label="TLP:CLEAR")
    browser = node.browser(who)
    earlier = node.store.custodian().history(ONE["id"]).items[1]
    undo = browser.post(PATH, data={"csrf": asked(browser.get(PATH).text)["csrf"], "again": str(earlier.version)})
    assert undo.status_code == 422
    assert "labelled more strictly" in undo.text
    assert [data["description"] for data in versions(node)] == ["harmless", "the secret"]


def test_what_has_left_is_withdrawn_and_not_undone(one: Node) -> None:
    browser = one.browser("analyst")
    shown = browser.post(PATH, data=asked(browser.get(PATH).text) | {"p.description": "wrong"}).text
    saved = browser.post(PATH, data=asked(shown) | {"sure": "yes"}).text.partition('id="visible"')[0]
    assert "Withdraw from Brussels…" in saved
    assert "<button>Undo</button>" not in saved


def test_only_what_is_ones_own_and_seen_whole_is_edited(one: Node) -> None:
    one.put(theirs := campaign("theirs", description="x"), label="TLP:AMBER", partner="Kyiv")
    marks = [{"marking_ref": RED, "selectors": ["objective"]}]
    one.put(part := campaign("part", description="y", objective="zz", granular_markings=marks), label="TLP:AMBER")
    one.put(revoked := campaign("over", revoked=True), label="TLP:AMBER")
    browser = one.browser()
    csrf = asked(browser.get(PATH).text)["csrf"]
    for data, told in (
        (theirs, "Only its owner makes new versions"),
        (part, "You see a part of it only"),
        (revoked, "It is revoked"),
    ):
        path = f"/objects/{data['id']}/edit"
        page = browser.get(path).text
        assert told in page
        assert "zz" not in page
        assert "<textarea" not in page
        fields = {"csrf": csrf, "began": "1767225600000000", "p.description": "mine", "sure": "yes"}
        assert browser.post(path, data=fields).status_code == 403
        assert len(versions(one, data["id"])) == 1


def test_marks_of_parts_do_not_slip(one: Node) -> None:
    marks = [{"marking_ref": STRICT, "selectors": ["aliases.[0]"]}]
    one.put(
        marked := campaign("marked", description="x", aliases=["victim", "b"], granular_markings=marks),
        label="TLP:CLEAR",
    )
    path = f"/objects/{marked['id']}/edit"
    owner, analyst = one.browser("owner"), one.browser("analyst")
    assert "p.aliases" not in asked(owner.get(path).text, path)
    fields = asked(analyst.get(f"{path}?how=json").text, path)
    slipped = json.dumps(marked | {"aliases": ["new", "victim", "b"]})
    refused = analyst.post(path, data=fields | {"json": slipped})
    assert (refused.status_code, "marks of parts reach into it" in refused.text) == (422, True)
    del marked["granular_markings"]
    assert analyst.post(path, data=fields | {"json": json.dumps(marked)}).status_code == 403
    mine = asked(owner.get(f"{path}?how=json").text, path)
    assert "Who gets the new version" in owner.post(path, data=mine | {"json": json.dumps(marked)}).text
    assert len(versions(one, marked["id"])) == 1


def test_who_may_and_what_is_not_there(one: Node) -> None:
    reader, owner = one.browser("reader"), one.browser()
    page = reader.get(PATH).text
    assert "To make a version takes an analyst." in page
    assert reader.post(PATH, data=asked(page)).status_code == 403
    assert owner.post(PATH, data={"p.name": "x"}).status_code == 403
    csrf = asked(owner.get(PATH).text)["csrf"]
    for id in (SECRET["id"], campaign("nobody has it")["id"], "x"):
        assert owner.get(f"/objects/{id}/edit").status_code == 404
        assert owner.post(f"/objects/{id}/edit", data={"csrf": csrf, "began": "0"}).status_code == 404
    for fields in ({"began": "0"}, {"began": "x"}, {}, {"again": "-1"}):
        assert owner.post(PATH, data={"csrf": csrf, **fields}).status_code == 400
    assert owner.post(PATH, data={"csrf": csrf, "again": "0"}).status_code == 404
    assert f'href="{PATH}"' in owner.get(f"/objects/{ONE['id']}").text
    assert f'href="{PATH}"' not in reader.get(f"/objects/{ONE['id']}").text
    link = relationship(OPEN, "related-to", GREEN)
    one.put(link, label="TLP:CLEAR")
    assert owner.get(f"/objects/{link['id']}/edit").status_code == 200


def test_what_was_not_touched_stays_as_it_is_written() -> None:
    references = [
        {"source_name": "a", "url": "https://a.example/"},
        {"source_name": "b", "hashes": {"MD5": "x"}},
        {"source_name": "c|d"},
    ]
    data = sdo(
        "report", "r", description="one\r\ntwo", external_references=references, labels=["x", " y"], confidence=5
    )
    pairs = [(f"p.{field.key}", field.value) for field in fields_of(data)]
    assert typed(Fields(pairs), data) == (data, {})
    assert "p.labels" not in dict(pairs)  # a field could not give it back
    lines = dict(pairs)["p.external_references"] + "\nd | 7"
    more, _ = typed(Fields([("p.external_references", lines)]), data)
    assert more["external_references"] == [*references, {"source_name": "d", "external_id": "7"}]
    assert "confidence" not in typed(Fields([("p.confidence", " ")]), data)[0]


def test_merging_property_by_property() -> None:
    began, now, mine = {"a": 1, "b": 1, "c": 1, "d": 1}, {"a": 2, "b": 1, "c": 2}, {"a": 1, "b": 3, "c": 3, "d": 4}
    open = merged(began, now, mine, {})
    assert (open.data, open.open) == ({"a": 2, "b": 3, "c": 2}, ["c", "d"])
    chosen = merged(began, now, mine, {"c": "mine", "d": "now"})
    assert (chosen.data, chosen.open) == ({"a": 2, "b": 3, "c": 3}, [])
