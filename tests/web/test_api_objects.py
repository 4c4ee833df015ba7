"""Objects through the API: each caller's view, the same answer for hidden and absent, pages, tags."""

from __future__ import annotations

from kizuna.web.api.answer import matches
from tests.builders import campaign, named
from tests.web.conftest import GREEN, LINKED, OPEN, OWN, REPORT, SECRET, Node

ABSENT = named("campaign", "never stored")


def ids(node: Node, **query: str) -> set[str]:
    answer = node.client("owner").get("/api/v1/search", params=query).json()
    return {item["id"] for item in answer["items"]}


def test_search(node: Node) -> None:
    assert ids(node) == {thing["id"] for thing in (OPEN, GREEN, OWN, LINKED, REPORT)}
    assert ids(node, q="open") == {OPEN["id"]}
    assert ids(node, value="192.0.2.1") == set()
    assert ids(node, type="report") == {REPORT["id"]}
    assert ids(node, area="space-security") == {GREEN["id"], LINKED["id"]}
    assert ids(node, q="secret") == ids(node, q="nothing at all") == ids(node, area="maritime-security") == set()


def test_facets_count_what_the_search_finds(node: Node) -> None:
    client = node.client("owner")
    for query in ({}, {"q": "open"}, {"type": "report"}, {"area": "space-security"}, {"q": "secret"}):
        told = client.get("/api/v1/search/facets", params=query).json()
        assert told["objects"] == len(ids(node, **query)), query
        assert sum(one["count"] for one in told["labels"]) == told["objects"]
        assert sum(one["count"] for one in told["sources"]) == told["objects"]
    told = client.get("/api/v1/search/facets", params={"type": "report"}).json()
    assert {one["value"]: one["count"] for one in told["types"]} == {"campaign": 3, "relationship": 1, "report": 1}
    assert client.get("/api/v1/search/facets", params={"limit": "3"}).status_code == 400
    assert node.client("partner").get("/api/v1/search/facets").status_code == 403


def test_what_else_a_search_is_narrowed_to(node: Node) -> None:
    sure = campaign("sure", confidence=80)
    node.put(sure, label="TLP:CLEAR")
    assert ids(node, confidence="high") == {sure["id"]}
    assert ids(node, confidence="low") == set()
    assert ids(node, domain="space") == {GREEN["id"], LINKED["id"]}
    assert ids(node, region="indo-pacific") == ids(node)
    assert ids(node, region="euro-atlantic") == ids(node, region="nowhere") == set()
    assert ids(node, came="today") == ids(node, came="week") == ids(node)
    assert ids(node, came="older") == ids(node, to="2020-01-01") == ids(node, **{"from": "2999-01-01"}) == set()
    told = node.client("owner").get("/api/v1/search/facets", params={"confidence": "high"}).json()
    count = len(ids(node))
    assert {one["value"]: one["count"] for one in told["confidences"]} == {"unstated": count - 1, "high": 1}
    assert {one["value"]: one["count"] for one in told["came"]} == dict.fromkeys(
        ("today", "week", "month", "year"), 1
    ) | {"older": 0}
    assert told["regions"] == [{"value": "indo-pacific", "count": 1}]
    assert told["domains"] == [{"value": "cyber", "count": 1}]


def test_a_question_that_is_none_is_told(node: Node) -> None:
    client = node.client("owner")
    for query in (
        {"from": "yesterday"},
        {"to": "2026-02-30"},
        {"came": "soon"},
        {"domain": "sea"},
        {"confidence": "99"},
    ):
        for address in ("/api/v1/search", "/api/v1/search/facets"):
            answer = client.get(address, params=query)
            assert answer.status_code == 400, (address, query)
            assert answer.json()["errors"][0]["pointer"] == f"/query/{next(iter(query))}"


def test_pages_follow_each_other(node: Node) -> None:
    node.put(*(campaign(f"many {n}") for n in range(7)), label="TLP:CLEAR")
    client, seen, query = node.client("owner"), [], {"q": "many", "limit": "3"}
    while True:
        page = client.get("/api/v1/search", params=query).json()
        seen += [item["name"] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert sorted(seen) == [f"many {n}" for n in range(7)]


def test_many_versions_come_in_pages(node: Node) -> None:
    one = campaign("many versions")
    moments = [f"2026-02-01T00:00:{second:02}.000Z" for second in range(7)]
    node.put(*({**one, "modified": moment} for moment in moments), label="TLP:CLEAR")
    client, seen, query = node.client("owner"), [], {"limit": "3"}
    while True:
        page = client.get(f"/api/v1/objects/{one['id']}/versions", params=query).json()
        seen += [item["version"][:19] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
        if len(seen) == 3:  # what comes meanwhile is newer than what follows
            node.put({**one, "modified": "2026-03-01T00:00:00.000Z"}, label="TLP:CLEAR")
    assert seen == [moment[:19] for moment in reversed(moments)]


def test_a_parameter_nobody_knows_is_told(node: Node) -> None:
    client = node.client("owner")
    question = "q, value, type, area, source, label, domain, region, confidence, came, from, to"
    for address, known in (("search", f"{question}, limit, cursor"), ("search/facets", question), ("stats", "none")):
        answer = client.get(f"/api/v1/{address}", params={"limt": "3"})
        told = answer.json()
        assert (answer.status_code, told["errors"][0]["pointer"]) == (400, "/query/limt")
        assert told["detail"] == f"unknown parameter 'limt'; this address knows {known}"
    assert node.client(None).get("/api/v1/search", params={"limt": "3"}).status_code == 401


def test_a_cursor_is_for_its_own_question_and_caller(node: Node) -> None:
    client = node.client("owner")
    cursor = client.get("/api/v1/search", params={"limit": 1}).json()["next"]
    assert client.get("/api/v1/search", params={"limit": 1, "cursor": cursor}).status_code == 200
    for who, query in (("owner", {"q": "open"}), ("reader", {}), ("owner", {"type": "report"})):
        answer = node.client(who).get("/api/v1/search", params={**query, "cursor": cursor})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/query/cursor")
    assert client.get("/api/v1/search", params={"cursor": "x" * 41}).status_code == 400


def test_an_object_as_it_came(node: Node) -> None:
    answer = node.client("reader").get(f"/api/v1/objects/{GREEN['id']}")
    assert answer.json()["object"] == GREEN
    assert answer.json()["label"] == {"text": "TLP:GREEN", "originator": "CERT Tokyo (fictional)"}
    assert answer.json()["area"] == "space-security"


def test_hidden_and_absent_are_answered_alike(node: Node) -> None:
    client = node.client("owner")
    for rest in ("", "/versions", "/neighbours", "/visibility", "/label", "?version=2026-01-01T00:00:00Z"):
        hidden, absent = (client.get(f"/api/v1/objects/{id}{rest}") for id in (SECRET["id"], ABSENT))
        assert hidden.status_code == 404
        assert hidden.content == absent.content
        told = [
            {name: value for name, value in answer.headers.items() if name != "date"} for answer in (hidden, absent)
        ]
        assert told[0] == told[1]
    hidden, absent = (
        client.put(f"/api/v1/objects/{id}/label", json={"label": "PUBLIC"}) for id in (SECRET["id"], ABSENT)
    )
    assert (hidden.status_code, hidden.content) == (404, absent.content)


def test_versions(node: Node) -> None:
    newer = campaign("open", modified="2026-02-01T00:00:00.000Z")
    node.put(newer, label="TLP:CLEAR")
    client = node.client("owner")
    found = client.get(f"/api/v1/objects/{OPEN['id']}/versions").json()["items"]
    assert [item["version"][:10] for item in found] == ["2026-02-01", "2026-01-01"]
    path = f"/api/v1/objects/{OPEN['id']}"
    assert client.get(path).json()["object"] == newer
    assert client.get(path, params={"version": "2026-01-01T00:00:00Z"}).json()["object"] == OPEN
    for wrong in ("yesterday", "2026", "0000-00-00T00:00:00Z"):
        assert client.get(path, params={"version": wrong}).status_code == 400


def test_neighbours(node: Node) -> None:
    near = node.client("owner").get(f"/api/v1/objects/{OPEN['id']}/neighbours").json()["items"]
    assert {(item["id"], item["direction"]) for item in near} == {(GREEN["id"], "out"), (REPORT["id"], "in")}


def test_who_may_see_it_and_why(node: Node) -> None:
    client = node.client("owner")
    verdicts = client.get(f"/api/v1/objects/{GREEN['id']}/visibility").json()["items"]
    assert [(v["partner"], v["allowed"]) for v in verdicts] == [("Brussels", False), ("Kyiv", False)]
    assert verdicts[0]["reasons"] == [{"code": "tlp-green-not-member", "parameters": []}]
    one = client.get(f"/api/v1/objects/{OPEN['id']}/visibility", params={"as": "kyiv"}).json()["items"]
    assert [(v["partner"], v["allowed"], v["in_feed"]) for v in one] == [("Kyiv", True, False)]
    given = client.get(f"/api/v1/objects/{OPEN['id']}/visibility", params={"as": "Brussels"}).json()["items"]
    assert [(v["allowed"], v["in_feed"]) for v in given] == [(True, True)]
    assert client.get(f"/api/v1/objects/{OPEN['id']}/visibility", params={"as": "nobody"}).status_code == 404


def test_tags_save_what_is_known(node: Node) -> None:
    client, path = node.client("owner"), f"/api/v1/objects/{OPEN['id']}"
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    node.put(campaign("open", modified="2026-02-01T00:00:00.000Z"), label="TLP:CLEAR")
    assert client.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_headers_of_tags() -> None:
    assert matches('"a", W/"b"', '"b"')
    assert matches("*", '"b"')
    assert not matches('"a"', '"b"')
    assert not matches(None, '"b"')


def test_head_is_get_without_a_body(node: Node) -> None:
    client, path = node.client("owner"), f"/api/v1/objects/{OPEN['id']}"
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert (head.headers["etag"], head.headers["content-length"]) == (
        get.headers["etag"],
        get.headers["content-length"],
    )


def test_what_is_wrong_is_named(node: Node) -> None:
    answer = node.client("owner").get("/api/v1/search", params={"limit": "0", "q": "x" * 1001})
    assert answer.status_code == 400
    assert {error["pointer"] for error in answer.json()["errors"]} <= {"/query/limit", "/query/q"}
    assert answer.headers["content-type"] == "application/problem+json"


def test_odd_ids_are_not_found(node: Node) -> None:
    for id in ("x", "%00", "%F0%9F", "a" * 5000, "..%2f..%2fetc", "%ED%A0%80"):
        assert node.client("owner").get(f"/api/v1/objects/{id}").status_code == 404, id
