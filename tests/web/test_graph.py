"""What lies around an object: the same rows in each form, bounded, and nothing of what is hidden."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from typing import Any

import httpx
import pytest

from kizuna.web.i18n import catalogue
from kizuna.web.pages import graph as module
from tests.builders import campaign, relationship, report, sdo
from tests.web.conftest import GREEN, LINKED, OPEN, OWN, REPORT, SECRET, Node

HIDDEN = "TLP:RED persons=somebody.else"
HERE = f"/objects/{OPEN['id']}/graph"
NAMED = campaign("http://bad.example/<b>")


def items(browser: httpx.Client, query: str = "", id: str = OPEN["id"]) -> list[dict[str, Any]]:
    answer = browser.get(f"/objects/{id}/graph.json{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def drawn(browser: httpx.Client, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = browser.get(f"{HERE}/drawing.json{query}").json()
    return found


def hub(node: Node, count: int) -> None:
    tools = [sdo("tool", f"tool {k}") for k in range(count)]
    node.put(*tools, *(relationship(OPEN, "uses", tool) for tool in tools), label="TLP:CLEAR")


def test_the_same_rows_as_page_json_and_csv(node: Node) -> None:
    browser = node.browser()
    rows = items(browser)
    assert {(one["source"], one["kind"], one["target"], one["via"]) for one in rows} == {
        (OPEN["id"], "attributed-to", GREEN["id"], LINKED["id"]),
        (REPORT["id"], "object_refs", OPEN["id"], None),
    }
    assert {one["source_name"] for one in rows} == {"open", "a report"}
    text = browser.get(f"{HERE}.csv").text
    table = list(csv.DictReader(io.StringIO(text)))
    assert table == [{key: "" if value is None else str(value) for key, value in one.items()} for one in rows]
    page = browser.get(HERE).text
    body = re.findall(r"<tr><td>(\d)</td><td><a href=\"/objects/([^\"]+)\".*?→.*?href=\"/objects/([^\"]+)\"", page)
    assert body == [(str(one["step"]), one["source"], one["target"]) for one in rows]
    assert f'href="{HERE}"' in browser.get(f"/objects/{OPEN['id']}").text


@pytest.mark.parametrize(("language", "counts"), [("en", "3 objects, 2 links"), ("ja", "オブジェクト 3 件、関連 2 件")])
def test_it_is_counted_by_type_in_words(node: Node, language: str, counts: str) -> None:
    page = node.browser(language=language).get(HERE).text
    assert counts in page
    legend = re.findall(r'<li data-type="([^"]+)">.*?class="word">([^<]+)<.*?class="count">([^<]+)<', page)
    words = [catalogue(language).gettext(word) for word in ("Campaign", "Report")]
    assert legend == [("campaign", words[0], "1"), ("report", words[1], "1")]
    assert f'src="{HERE}/drawing.json?steps=2"' in page
    assert re.search(r"<kz-graph [^>]*hidden></kz-graph>", page)


def test_what_is_hidden_is_absent(node: Node) -> None:
    browser = node.browser()
    before = [browser.get(f"{HERE}{end}").text for end in ("", ".json", ".csv", "/drawing.json")]
    hidden = relationship(OPEN, "uses", campaign("own"))
    node.put(hidden, report("hidden", [OPEN, GREEN]), label=HIDDEN)
    node.put(relationship(OPEN, "targets", SECRET), label="TLP:CLEAR")
    after = [browser.get(f"{HERE}{end}").text for end in ("", ".json", ".csv", "/drawing.json")]
    plain = [re.sub(r'name="csrf" value="[^"]+"', "", text) for text in (*before, *after)]
    assert plain[:4] == plain[4:]
    for end in ("", ".json", ".csv", "/drawing.json"):
        asked = [browser.get(f"/objects/{id}/graph{end}") for id in (SECRET["id"], campaign("absent")["id"], "x")]
        assert [one.status_code for one in asked] == [404] * 3
    owner, reader = items(browser), items(node.browser("reader"))
    assert owner == reader


def test_a_drawing_is_the_same_graph(node: Node) -> None:
    browser = node.browser()
    found = drawn(browser)
    ids = [f"{found['types'][kind]}--{id}" for kind, id in zip(found["type"], found["id"], strict=True)]
    ends = [(ids[one], ids[other]) for one, other in zip(found["link"][::2], found["link"][1::2], strict=True)]
    assert ends == [(one["source"], one["target"]) for one in items(browser)]
    assert found["kind"] == ["attributed-to", "About"] or found["kind"] == ["About", "attributed-to"]
    assert found["step"] == [0, 1, 1]
    assert (found["x"][0], found["y"][0]) == (0, 0)
    assert len({*zip(found["x"], found["y"], strict=True)}) == 3
    assert sorted(found["name"]) == ["a report", "green", "open"]


def test_steps_lead_on_and_types_narrow(node: Node) -> None:
    far = campaign("far")
    node.put(far, relationship(GREEN, "uses", far), label="TLP:CLEAR")
    browser = node.browser()
    assert [len(items(browser, f"?steps={steps}")) for steps in (1, 2, 3)] == [2, 3, 3]
    assert [one["source"] for one in items(browser, "?type=report")] == [REPORT["id"]]
    assert items(browser, "?type=zz") == []
    assert items(browser, id=OWN["id"]) == []
    assert "Nothing that you may see" in browser.get(f"/objects/{OWN['id']}/graph").text
    for wrong in ("?steps=0", "?steps=4", "?most=0", "?most=20001", "?zz=1", "?cursor=AAAA", "?steps=x"):
        assert browser.get(f"{HERE}.json{wrong}").status_code == 400, wrong


def test_a_large_one_begins_with_counts_and_goes_on(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS", 4)
    monkeypatch.setattr(module, "FEW", 5)
    hub(node, 9)
    browser = node.browser()
    page = browser.get(HERE).text
    assert "12 objects, 11 links" in page
    assert "Shown: 5 objects, 4 links." in page
    assert "data-later" in page
    assert "data-later" not in browser.get(f"{HERE}?most=20000").text
    assert len(drawn(browser)["id"]) == 5
    assert len(drawn(browser, "?most=20000")["id"]) == 12
    found, path = [], f"{HERE}?most=20000"
    while path:
        page = browser.get(path).text
        found += re.findall(r"→</span></td><td><a href=\"/objects/([^\"]+)\"", page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = unescape(following[1]) if following else ""
    listed = items(browser, "?most=20000")
    assert len(listed) == 4
    assert found[:4] == [one["target"] for one in listed]
    assert len(found) == 11
    assert len({*found}) == 11


def test_names_are_text_and_cannot_be_followed(node: Node) -> None:
    node.put(NAMED, relationship(OPEN, "uses", NAMED), label="TLP:CLEAR")
    browser = node.browser()
    page = browser.get(HERE).text
    assert "hxxp://bad[.]example/&lt;b&gt;" in page
    assert "<b>" not in page
    assert "hxxp://bad[.]example/<b>" in drawn(browser)["name"]


def test_a_drawing_is_made_for_who_asks(node: Node) -> None:
    mine = campaign("mine")
    node.put(mine, relationship(OPEN, "uses", mine), label="TLP:RED persons=owner")
    owner, reader = node.browser(), node.browser("reader")
    assert [len(drawn(one)["id"]) for one in (owner, reader, owner, reader)] == [4, 3, 4, 3]
