"""The audit trail over the API: for operators, in pages, without what others did with objects."""

from __future__ import annotations

from tests.web.conftest import OPEN, Node


def test_operators_read_it_and_nobody_else(node: Node) -> None:
    assert node.client("owner").get("/api/v1/audit").status_code == 200
    for who in ("reader", "analyst", "narrow", "partner"):
        assert node.client(who).get("/api/v1/audit").status_code == 403, who
    assert node.client().get("/api/v1/audit").status_code == 401


def test_it_tells_of_people_and_of_ones_own_acts(node: Node) -> None:
    node.store.audit("analyst", "import", "api", {"imported": 3})
    owner = node.client("owner")
    label = {"label": "TLP:GREEN"}
    assert owner.put(f"/api/v1/objects/{OPEN['id']}/label", json=label).status_code == 200
    items = owner.get("/api/v1/audit", params={"limit": 100}).json()["items"]
    assert (items[0]["act"], items[0]["actor"], items[0]["subject"]) == ("relabel", "owner", OPEN["id"])
    acts = {item["act"] for item in items}
    assert {"user.add", "token.create"} < acts
    assert "import" not in acts
    assert items[0].keys() == {"at", "actor", "act", "subject", "detail"}


def test_pages_join_and_belong_to_who_asked(node: Node) -> None:
    owner = node.client("owner")
    whole = owner.get("/api/v1/audit", params={"limit": 100}).json()["items"]
    first = owner.get("/api/v1/audit", params={"limit": 4}).json()
    found, following = first["items"], first["next"]
    while following:
        page = owner.get("/api/v1/audit", params={"limit": 4, "cursor": following}).json()
        found, following = found + page["items"], page["next"]
    assert found == whole
    again = owner.get("/api/v1/audit", params={"limit": 4})
    assert again.headers["etag"] == owner.get("/api/v1/audit", params={"limit": 4}).headers["etag"]
    assert owner.get("/api/v1/search", params={"cursor": first["next"]}).status_code == 400
