"""Who gets objects and why, through the API: as the command line tells it, of what the asker sees; hidden is absent."""

from __future__ import annotations

from typing import Any

from kizuna.store.releasing import Releases
from kizuna.store.standing import FIRST, Rules
from tests.builders import AMBER, RED, campaign, named, report
from tests.commands import kizuna
from tests.web.conftest import GREEN, LINKED, OPEN, OWN, REPORT, SECRET, Node

PATH = "/api/v1/release/explain"
ABSENT = named("campaign", "never stored")
SEEN = [OPEN["id"], GREEN["id"], LINKED["id"], REPORT["id"], OWN["id"]]


def told(node: Node, who: str = "owner", **query: Any) -> dict[str, Any]:
    answer = node.client(who).get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_it_is_what_the_command_line_tells(node: Node) -> None:
    marks = [{"marking_ref": AMBER, "selectors": ["objective"]}]
    part = campaign("part", objective="victim", granular_markings=marks)
    about = report("about", [part, OPEN])
    node.put(part, about, label="TLP:CLEAR")
    Releases(node.store).withdraw("Brussels", [OPEN["id"]], "x", by="test")
    asked = [*SEEN, part["id"], about["id"]]
    for more in ([], ["--as", "Kyiv"]):
        done = kizuna("explain", *asked, *more, "--data", node.store.folder, "--json")
        answer = told(node, id=asked, **({"as": "kYiV"} if more else {}))
        assert answer == {"items": done.lines(), "next": None}
    items = {(one["id"], one["partner"]): one for one in told(node, id=asked)["items"]}
    assert len(items) == 2 * len(asked)
    states = {
        key: (one["verdict"], one["in_feed"], [why["code"] for why in one["reasons"]]) for key, one in items.items()
    }
    assert states[OPEN["id"], "Brussels"] == ("whole", False, ["withdrawn"])
    assert states[REPORT["id"], "Brussels"] == ("whole", False, ["waits"])
    assert states[part["id"], "Brussels"] == ("rendition", False, ["not-receiving"])
    assert states[OWN["id"], "Kyiv"] == ("withheld", False, ["not-receiving"])


def test_in_the_feed_is_what_the_outbox_tells_as_offered(node: Node) -> None:
    Rules(node.store).remove(FIRST, by="test")
    node.put(later := campaign("later"), label="TLP:CLEAR")
    items = told(node, id=[OPEN["id"], later["id"]], **{"as": "Brussels"})["items"]
    assert [(one["in_feed"], one["reasons"][0]["code"]) for one in items] == [(True, "allowed"), (False, "not-let-out")]
    outbox = node.client("owner").get(
        "/api/v1/release/outbox", params={"as": "Brussels", "id": [OPEN["id"], later["id"]]}
    )
    assert [item["state"] for item in outbox.json()["items"]] == ["offered", "unproposed"]


def test_hidden_is_as_if_it_were_not_here(node: Node) -> None:
    client = node.client("owner")
    for more in ([], [OPEN["id"]]):
        hidden, absent = (client.get(PATH, params={"id": [*more, id]}) for id in (SECRET["id"], ABSENT))
        assert (hidden.status_code, hidden.content) == (200, absent.content)
        assert {item["id"] for item in hidden.json()["items"]} == set(more)
        assert hidden.headers["etag"] == absent.headers["etag"]
    about, to_none = report("about", [OPEN, SECRET]), report("to none", [OPEN, ABSENT])
    telling = campaign("telling", description=f"as {SECRET['id']} does")
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    part = campaign("part", description="x", granular_markings=marks)
    node.put(about, to_none, telling, part, label="TLP:CLEAR")
    one, other = told(node, id=[about["id"], to_none["id"]], **{"as": "Brussels"})["items"]
    assert {**one, "id": other["id"]} == other
    items = told(node, id=[telling["id"], part["id"]], **{"as": "Brussels"})["items"]
    assert [(one["verdict"], one["in_feed"]) for one in items] == [("whole", True)] * 2
    for odd in ("x", "\0", "%ED%A0%80", "a" * 5_000, "campaign--\0"):
        assert told(node, id=odd)["items"] == []


def test_who_may_ask(node: Node) -> None:
    for who, status in (("narrow", 200), ("reader", 200), ("partner", 403), (None, 401)):
        assert node.client(who).get(PATH, params={"id": OPEN["id"]}).status_code == status


def test_what_a_search_finds_page_by_page(node: Node) -> None:
    client = node.client("owner")
    for query in (
        {},
        {"q": "open"},
        {"type": "report"},
        {"area": "space-security"},
        {"q": "secret"},
        {"value": "192.0.2.1"},
    ):
        found = [item["id"] for item in client.get("/api/v1/search", params=query).json()["items"]]
        assert [one["id"] for one in told(node, **query)["items"][::2]] == found, query
    seen: list[str] = []
    page: dict[str, Any] = {"limit": "2"}
    while True:
        answer = client.get(PATH, params=page)
        seen += [item["id"] for item in answer.json()["items"][::2]]
        assert client.get(PATH, params=page, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
        if answer.json()["next"] is None:
            break
        page["cursor"] = answer.json()["next"]
    assert (len(seen), set(seen)) == (5, set(SEEN))
    for path, more in ((PATH, {"as": "Kyiv"}), (PATH, {"q": "open"}), ("/api/v1/release/preview", {"as": "Kyiv"})):
        assert client.get(path, params={**page, **more}).status_code == 400


def test_what_is_wrong_is_named(node: Node) -> None:
    client, one = node.client("owner"), OPEN["id"]
    for query, pointer in (
        ({"id": one, "q": "open"}, "/query/id"), ({"id": one, "limit": "50"}, "/query/id"), ({"limit": "501"}, "/query/limit"),
        ({"id": ["x"] * 1_001}, "/query/id"), ({"text": "open"}, "/query/text"),
    ):  # fmt: skip
        answer = client.get(PATH, params=query)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer), query
    assert client.get(PATH, params={"as": "nobody", "id": one}).status_code == 404
