"""The pages of people of partners: their feed as it is, and nothing else anywhere."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import httpx
import msgspec
import pytest

from kizuna.store.releasing import Releases
from kizuna.web.exits import EXITS, SILENT
from tests.behaviour.worlds import DRIVES
from tests.builders import campaign
from tests.web.conftest import GREEN, OPEN, OWN, PASSWORD, REPORT, SECRET, Node

STRICT = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"  # TLP:AMBER+STRICT
THEIRS = {
    "/feed",
    "/feed.json",
    "/feed.csv",
    "/feed/{id}",
    "/feed/withdrawn",
    "/feed/withdrawn.json",
    "/feed/withdrawn.csv",
}
EVERYBODYS = {"/login", "/logout", "/language", "/problems", "/static/{name}", "/healthz", "/readyz", "/problems/{slug}", "/",
              "/api/v1/openapi.json"}  # fmt: skip


def taxii(node: Node) -> list[dict[str, Any]]:
    headers = {"Accept": "application/taxii+json;version=2.1"}
    client = node.client("partner", **headers)
    collections = client.get("/taxii2/real/collections/").json()["collections"]
    (feed,) = [one["id"] for one in collections if one["can_read"]]
    return list(client.get(f"/taxii2/real/collections/{feed}/objects/").json().get("objects", []))


def test_the_list_is_the_feed(node: Node) -> None:
    browser = node.visitor()
    told = browser.get("/feed.json").json()
    assert {row["id"] for row in told["items"]} == {one["id"] for one in taxii(node)} == {OPEN["id"], REPORT["id"]}
    added = [row["added"] for row in told["items"]]
    assert added == sorted(added, reverse=True)
    assert {(row["label"], row["form"]) for row in told["items"]} == {("TLP:CLEAR", "whole")}
    as_text = [{key: "" if value is None else str(value) for key, value in row.items()} for row in told["items"]]
    assert list(csv.DictReader(io.StringIO(browser.get("/feed.csv").text))) == as_text
    page = browser.get("/feed").text
    assert "From Tokyo" in page
    assert all(f'href="/feed/{row["id"]}"' in page for row in told["items"])
    assert "Search objects" not in page
    assert not re.search(r'href="/(objects|release|partners|sessions|people)', page)
    for one in (GREEN, OWN, SECRET):
        assert one["id"] not in page


def test_pages_follow_one_another(node: Node) -> None:
    node.put(*(campaign(f"more {n}") for n in range(5)), label="TLP:CLEAR")
    browser = node.visitor()
    everything = [row["id"] for row in browser.get("/feed.json").json()["items"]]
    found, path = [], "/feed?limit=2"
    while path:
        page = browser.get(path).text
        found += re.findall(r'<a href="/feed/([a-z-]+--[0-9a-f-]+)">', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert found == everything
    other = node.visitor(name="another")
    cursor = browser.get("/feed.json?limit=2").json()["next"]
    assert other.get(f"/feed.json?cursor={cursor}").status_code == 400  # somebody else's place


def test_an_object_is_as_it_is_in_the_feed(node: Node) -> None:
    marked = campaign("marked", description="for us alone")
    marked["granular_markings"] = [{"marking_ref": STRICT, "selectors": ["description"]}]
    node.put(marked, label="TLP:CLEAR")
    Releases(node.store).approve("Brussels", [marked["id"]], by="owner")
    browser = node.visitor()
    (part,) = [one for one in taxii(node) if one.get("name") == "marked"]
    assert part["id"] != marked["id"]
    assert browser.get(f"/feed/{part['id']}.json").json() == part
    page = browser.get(f"/feed/{part['id']}").text
    assert "in part" in page
    assert "for us alone" not in page
    assert browser.get(f"/feed/{marked['id']}").status_code == 404
    raw = browser.get(f"/feed/{OPEN['id']}.json").content
    assert msgspec.json.decode(raw) == msgspec.json.decode(msgspec.json.encode(OPEN))
    report = browser.get(f"/feed/{REPORT['id']}").text
    assert f'href="/feed/{OPEN["id"]}"' in report
    assert 'href="/objects/' not in report
    rows = list(csv.DictReader(io.StringIO(browser.get(f"/feed/{OPEN['id']}.csv").text)))
    assert ("name", "open") in [(row["property"], row["value"]) for row in rows]


@pytest.mark.parametrize("end", ["", ".json", ".csv", ".xml"])
@pytest.mark.parametrize("id", [SECRET["id"], OWN["id"], campaign("nobody has it")["id"], "x", "..%2fobjects"])
def test_hidden_and_absent_are_one_answer(node: Node, id: str, end: str) -> None:
    browser = node.visitor()
    absent = browser.get(f"/feed/{campaign('absent')['id']}")
    answer = browser.get(f"/feed/{id}{end}")
    assert answer.status_code == absent.status_code == 404
    vary = r"<code>[0-9a-f]{32}</code>|value=\"/feed[^\"]*\""
    assert re.sub(vary, "", answer.text) == re.sub(vary, "", absent.text)


def test_versions_that_they_have(node: Node) -> None:
    node.put(OPEN | {"modified": "2026-02-01T00:00:00.000Z", "description": "now we know more"}, label="TLP:CLEAR")
    browser = node.visitor()
    page = browser.get(f"/feed/{OPEN['id']}").text
    assert "now we know more" in page
    older = re.findall(rf'href="(/feed/{OPEN["id"]}\?version=[^"]+)"', page)[-1]
    answer = browser.get(older)
    assert answer.status_code == 200
    assert "now we know more" not in answer.text
    assert browser.get(f"/feed/{OPEN['id']}?version=x").status_code == 400


def test_what_was_taken_back_is_told(node: Node) -> None:
    browser = node.visitor()
    assert "Nothing was taken back." in browser.get("/feed/withdrawn").text
    Releases(node.store).withdraw("Brussels", [OPEN["id"]], "a <mistake>", by="owner")
    page = browser.get("/feed/withdrawn").text
    assert OPEN["id"] in page
    assert "a &lt;mistake&gt;" in page
    (row,) = browser.get("/feed/withdrawn.json").json()["items"]
    assert (row["what"], row["ids"], row["reason"]) == ("withdrawn", OPEN["id"], "a <mistake>")
    assert "withdrawn" in browser.get("/feed/withdrawn.csv").text
    assert browser.get(f"/feed/{OPEN['id']}").status_code == 404


def test_everything_else_is_closed_to_them(node: Node) -> None:
    browser = node.visitor()
    csrf = re.findall(r'name="csrf" value="([^"]+)"', browser.get("/feed").text)[0]
    browser.headers["X-CSRF-Token"] = csrf
    browser.follow_redirects = False
    places = {
        "id": OPEN["id"], "partner": "Brussels", "rule": "as-labelled", "job": "00000000-0000-4000-8000-000000000000", "number": "1",
        "collection": "feed", "status": "x", "secret": "x", "slug": "not-found", "name": "x",
    }  # fmt: skip
    seen = 0
    for method, template in sorted({(exit.method, exit.path) for exit in EXITS} | SILENT):
        if template in THEIRS | EVERYBODYS or template.startswith("/login"):
            continue
        path = template.format(**places)
        for drive in DRIVES[method, template][:1]:
            body = {"csrf": csrf, **(drive.form or {}), "id": OPEN["id"]}
            if method == "POST" and not path.startswith(("/api/", "/taxii2/")):
                answer = browser.post(path, data=body)
            else:
                answer = browser.request(method, path)
        expected = (401, 406) if path.startswith("/taxii2/") else (403,)
        assert answer.status_code in expected, (method, path, answer.status_code)
        seen += 1
    assert seen > 80
    assert browser.get("/").headers["location"] == "/login"
    assert browser.get("/login").headers["location"] == "/feed"


def test_ones_own_people_and_partners_programs_do_not_read_there(node: Node) -> None:
    assert node.browser().get("/feed").status_code == 403
    assert node.browser().get("/feed.json").status_code == 403
    assert node.client("partner").get("/feed.json").status_code == 403
    assert node.client().get("/feed.json").status_code == 401
    assert httpx.get(f"{node.url}/feed", headers={"Accept": "text/html"}).headers["location"] == "/login"


def test_a_password_lets_them_in_too(node: Node) -> None:
    node.accounts.add_person_of("Brussels", "anna", by="test")
    node.accounts.set_password("anna", PASSWORD, by="test")
    answer = httpx.post(f"{node.url}/login", data={"name": "anna", "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/feed")


def test_they_are_out_at_once_when_the_partner_is(node: Node) -> None:
    browser = node.visitor()
    assert browser.get("/feed").status_code == 200
    node.store.remove_partner("Brussels")
    assert browser.get("/feed").url.path == "/login"
    assert browser.get("/feed.json", headers={"Accept": "application/json"}).status_code == 401


def test_an_operator_lets_them_in_and_out(node: Node) -> None:
    browser = node.browser()
    page = browser.get("/partners/Brussels").text
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
    fields = {"csrf": csrf, "name": "anna", "display": "Anna <b>", "act": "add"}
    added = browser.post("/partners/Brussels/people", data=fields)
    assert added.status_code == 200
    (link,) = re.findall(r'<code lang="">(http[^<]+/login/kzl_[^<]+)</code>', added.text)
    assert "Anna &lt;b&gt;" in added.text
    assert "kzl_" not in browser.get("/partners/Brussels").text
    assert browser.post("/partners/Brussels/people", data=fields).status_code == 200  # sent twice
    assert [one.name for one in node.accounts.people_of_partners("Brussels")] == ["anna"]
    theirs = httpx.Client(base_url=node.url, follow_redirects=True, headers={"Accept": "text/html"})
    assert theirs.get(link).url.path == "/feed"
    assert theirs.get(link).status_code == 401
    again = browser.post("/partners/Brussels/people", data={"csrf": csrf, "name": "anna", "act": "link"}).text
    assert "/login/kzl_" in again
    assert browser.post("/partners/Kyiv/people", data={"csrf": csrf, "name": "anna", "act": "link"}).status_code == 404
    assert (
        browser.post("/partners/Brussels/people", data={"csrf": csrf, "name": "owner", "act": "remove"}).status_code
        == 404
    )
    assert (
        browser.post("/partners/Brussels/people", data={"csrf": csrf, "name": "anna", "act": "remove"}).status_code
        == 200
    )
    assert theirs.get("/feed").url.path == "/login"
    theirs.close()
    gone = browser.post("/partners/Brussels/people", data=fields)
    assert gone.status_code == 409
    assert 'value="anna"' in gone.text
    assert "names are not used again" in gone.text
    wrong = browser.post("/partners/Brussels/people", data=fields | {"name": "a b"})
    assert wrong.status_code == 400
    assert 'value="a b"' in wrong.text


def test_only_operators_let_them_in(node: Node) -> None:
    analyst = node.browser("analyst")
    csrf = re.findall(r'name="csrf" value="([^"]+)"', analyst.get("/partners/Brussels").text)[0]
    assert "Its people" not in analyst.get("/partners/Brussels").text
    answer = analyst.post("/partners/Brussels/people", data={"csrf": csrf, "name": "anna", "act": "add"})
    assert answer.status_code == 403
    assert node.accounts.people_of_partners() == []


@pytest.mark.parametrize("path", ["/feed", f"/feed/{OPEN['id']}", "/feed/withdrawn"])
def test_their_pages_speak_their_language(node: Node, path: str) -> None:
    browser = node.visitor(language="ja")
    assert 'lang="ja"' in browser.get(path).text[:60]
    assert "Tokyo から" in browser.get(path).text
    assert "撤回されたもの" in browser.get(path).text
    browser.post("/language", data={"language": "en", "next": path})
    assert "From Tokyo" in browser.get(path).text
    assert node.accounts.user("visitor").language == "en"
