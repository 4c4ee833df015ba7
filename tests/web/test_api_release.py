"""The preview of a release through the API: as the command line tells it, of what the asker sees; hidden is absent."""

from __future__ import annotations

from typing import Any

from tests.builders import AMBER, RED, campaign, named, report
from tests.commands import kizuna
from tests.web.conftest import GREEN, LINKED, OPEN, OWN, REPORT, SECRET, Node

PATH = "/api/v1/release/preview"
ABSENT = named("campaign", "never stored")
SEEN = [OPEN["id"], GREEN["id"], LINKED["id"], REPORT["id"], OWN["id"]]


def told(node: Node, who: str = "owner", **query: Any) -> dict[str, Any]:
    """The answer about a partner, Brussels if none is named."""
    answer = node.client(who).get(PATH, params={"as": "Brussels", **query})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def ids(node: Node, **query: Any) -> list[str]:
    return [item["id"] for item in told(node, **query)["items"]]


def test_it_is_what_the_command_line_tells(node: Node) -> None:
    marks = [
        {"marking_ref": RED, "selectors": ["description"]}, {"marking_ref": AMBER, "selectors": ["objective"]}
    ]  # fmt: skip
    part = campaign("part", objective="victim", granular_markings=marks[1:])
    about = report("about", [part, OPEN])
    node.put(part, about, label="TLP:CLEAR")
    asked = [*SEEN, part["id"], about["id"]]
    for partner in ("Brussels", "Kyiv"):
        done = kizuna("release", "preview", "--as", partner, *asked, "--data", node.store.folder, "--json")
        answer = told(node, id=asked) if partner == "Brussels" else told(node, id=asked, **{"as": "kYiV"})
        assert answer == {"partner": partner, "stopped": None, "items": done.lines(), "next": None}
    items = {item["id"]: item for item in told(node, id=asked)["items"]}
    assert items[part["id"]] == {
        "id": part["id"],
        "verdict": "rendition",
        "reasons": [{"code": "not-receiving", "parameters": []}],
        "redacted": ["objective"],
        "cascade": 1,
    }
    assert [items[one]["verdict"] for one in SEEN] == ["whole", "withheld", "withheld", "whole", "withheld"]


def test_what_a_reader_may_not_see_is_as_if_it_were_not_here(node: Node) -> None:
    about = report("about", [OPEN, SECRET])
    to_none = report("to none", [OPEN, ABSENT])
    telling = campaign("telling", description=f"as {SECRET['id']} does")
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    part = campaign("part", description=f"as {SECRET['id']} does", granular_markings=marks)
    node.put(about, to_none, telling, part, label="TLP:CLEAR")
    one, other = told(node, id=[about["id"], to_none["id"]])["items"]
    assert {**one, "id": other["id"]} == other
    assert (one["verdict"], one["redacted"]) == ("rendition", ["object_refs"])
    whole = {"verdict": "whole", "reasons": [{"code": "allowed", "parameters": []}], "redacted": [], "cascade": 0}
    items = told(node, id=[telling["id"], part["id"]])["items"]
    assert items == [{"id": telling["id"], **whole}, {"id": part["id"], **whole}]


def test_hidden_and_absent_are_left_out_alike(node: Node) -> None:
    client = node.client("owner")
    for more in ([], [OPEN["id"]]):
        hidden, absent = (
            client.get(PATH, params={"as": "Brussels", "id": [*more, id]}) for id in (SECRET["id"], ABSENT)
        )
        assert (hidden.status_code, hidden.content) == (200, absent.content)
        assert [item["id"] for item in hidden.json()["items"]] == more
        assert hidden.headers["etag"] == absent.headers["etag"]
    for odd in ("x", "\0", "%ED%A0%80", "a" * 5_000, "campaign--\0"):
        assert ids(node, id=odd) == []


def test_who_may_ask(node: Node) -> None:
    query = {"as": "Kyiv", "id": OPEN["id"]}
    for who, status in (("narrow", 200), ("reader", 200), ("partner", 403), (None, 401)):
        assert node.client(who).get(PATH, params=query).status_code == status
    for way in ("objects", "stats"):  # in the words in which a partner is refused everywhere
        address = "/api/v1/stats" if way == "stats" else f"/api/v1/objects/{OPEN['id']}"
        refused = node.client("partner").get(address)
        assert node.client("partner").get(PATH, params=query).json() == refused.json()


def test_what_a_search_finds(node: Node) -> None:
    client = node.client("owner")
    for query in ({}, {"q": "open"}, {"type": "report"}, {"area": "space-security"}, {"q": "secret"}, {"limit": "2"}):
        found = client.get("/api/v1/search", params=query).json()["items"]
        assert ids(node, **query) == [item["id"] for item in found], query
    assert set(ids(node)) == set(SEEN)
    assert ids(node, value="192.0.2.1") == []


def test_pages_follow_each_other(node: Node) -> None:
    client, seen, query = node.client("owner"), [], {"as": "Brussels", "limit": "2"}
    while True:
        page = client.get(PATH, params=query)
        seen += [item["id"] for item in page.json()["items"]]
        again = client.get(PATH, params=query, headers={"If-None-Match": page.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        if page.json()["next"] is None:
            break
        query["cursor"] = page.json()["next"]
    assert (len(seen), set(seen)) == (5, set(SEEN))
    for who, more in (("owner", {"q": "open"}), ("owner", {"as": "Kyiv"}), ("reader", {})):
        assert node.client(who).get(PATH, params={**query, **more}).status_code == 400


def test_what_is_wrong_is_named(node: Node) -> None:
    client, one = node.client("owner"), OPEN["id"]
    for query, pointer in (
        ({"as": "Kyiv", "id": one, "q": "open"}, "/query/id"),
        ({"as": "Kyiv", "id": one, "limit": "50"}, "/query/id"),
        ({"as": "Kyiv", "id": one, "cursor": "AAAA"}, "/query/id"),
        ({"as": "Kyiv", "limit": "501"}, "/query/limit"),
        ({"as": "Kyiv", "id": ["x"] * 1_001}, "/query/id"),
        ({"as": "Kyiv", "text": "open"}, "/query/text"),
    ):
        answer = client.get(PATH, params=query)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer), query
    nameless = client.get(PATH, params={"id": one})
    assert nameless.status_code == 400
    assert client.get(PATH, params={"as": "nobody", "id": one}).status_code == 404
    assert client.get(PATH, params={"as": "nobody"}).status_code == 404


def test_a_thousand_ids_fit(node: Node) -> None:
    many = [named("attack-pattern", str(n)) for n in range(999)]
    assert ids(node, id=[*many, OPEN["id"]]) == [OPEN["id"]]


def test_that_the_exchange_rests_is_told(node: Node) -> None:
    client = node.client("owner")
    with node.store.database.write() as connection:
        connection.execute("update partner set stopped=? where name=?", (node.store.clock(), "Brussels"))
    answer = client.get(PATH, params={"as": "Brussels", "id": OPEN["id"]}).json()
    assert (answer["stopped"], answer["items"][0]["verdict"]) == ("2026-11-23T00:00:00.000000Z", "whole")
