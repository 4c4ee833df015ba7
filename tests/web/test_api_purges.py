"""Purges over the API: two people with a secret each, and no answer that tells whether there was anything."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from kizuna.store.accounts import ROLES, SCOPES
from tests.builders import named
from tests.web.conftest import OPEN, SECRET, Node


@pytest.fixture
def second(node: Node) -> Node:
    """A second operator."""
    node.accounts.add_user("second", ROLES, by="test")
    node.tokens["second"], _ = node.accounts.create_token(user="second", scopes=SCOPES, by="test")
    node.store.clock.now += 1  # type: ignore[attr-defined]
    return node


def test_two_operators_destroy_an_object(second: Node) -> None:
    owner, other = second.client("owner"), second.client("second")
    proposed = owner.post("/api/v1/purges", json={"id": OPEN["id"], "reason": "why"})
    assert (proposed.status_code, proposed.json()["state"], proposed.json()["id"]) == (200, "proposed", OPEN["id"])
    place = f"/api/v1/purges/{proposed.json()['number']}"
    assert owner.post(f"{place}/confirm").status_code == 403
    done = other.post(f"{place}/confirm")
    assert (done.status_code, done.json()["state"], done.json()["id"]) == (200, "done", None)
    assert owner.get(f"/api/v1/objects/{OPEN['id']}").status_code == 404
    assert owner.get("/api/v1/purges").json()["items"] == [done.json()]
    again = owner.post("/api/v1/import", json={"type": "bundle", "id": named("bundle", "x"), "objects": [OPEN]})
    # As of whatever is hidden from who brings it: taken, and not found.
    assert (again.json()["imported"], again.json()["failed"]) == (1, 0)
    assert owner.get(f"/api/v1/objects/{OPEN['id']}").status_code == 404
    assert other.post(f"{place}/lift").json()["state"] == "lifted"
    assert owner.post("/api/v1/import", json=OPEN).json()["imported"] == 1
    assert owner.get(f"/api/v1/objects/{OPEN['id']}").status_code == 200


def test_what_is_hidden_is_answered_as_what_is_absent(second: Node) -> None:
    owner, other = second.client("owner"), second.client("second")
    answers = []
    for id in (SECRET["id"], named("campaign", "nobody's")):
        proposed = owner.post("/api/v1/purges", json={"id": id, "reason": "why"}).json()
        done = other.post(f"/api/v1/purges/{proposed['number']}/confirm").json()
        answers.append([{**one, "number": 0, "id": None} for one in (proposed, done)])
    assert answers[0] == answers[1]
    assert second.store.custodian().get(SECRET["id"]) is None


@pytest.mark.parametrize("who", ["reader", "analyst", "narrow", "partner"])
def test_nobody_else_has_a_word(second: Node, who: str) -> None:
    number = second.client("owner").post("/api/v1/purges", json={"id": OPEN["id"], "reason": "why"}).json()["number"]
    client = second.client(who)
    assert client.get("/api/v1/purges").status_code == 403
    assert client.post("/api/v1/purges", json={"id": OPEN["id"], "reason": "why"}).status_code == 403
    for verb in ("confirm", "lift"):
        assert client.post(f"/api/v1/purges/{number}/{verb}").status_code == 403
    assert client.delete(f"/api/v1/purges/{number}").status_code == 403


def test_what_makes_no_sense(second: Node) -> None:
    owner = second.client("owner")
    id = OPEN["id"]
    strange: tuple[dict[str, object], ...] = (
        {},
        {"id": id},
        {"id": "x", "reason": "y"},
        {"id": id, "reason": "a\x1bb"},
        {"id": id, "reason": "z", "more": 1},
    )
    for body in strange:
        assert owner.post("/api/v1/purges", json=body).status_code in (400, 422), body
    for number in ("0", "x", "9" * 30, "-1"):
        assert owner.post(f"/api/v1/purges/{number}/confirm").status_code == 404
    assert owner.delete("/api/v1/purges/7").status_code == 404


def test_without_room_nothing_is_taken_in_and_all_is_read(second: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = second.client("owner")
    browser = second.browser()
    assert "too little room" not in browser.get("/").text
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=0, f_frsize=1))
    refused = owner.post("/api/v1/import", json=OPEN)
    assert (refused.status_code, refused.json()["type"]) == (507, "/problems/disk-nearly-full")
    taxii = "application/taxii+json;version=2.1"
    headers = {"Accept": taxii, "Content-Type": taxii}
    posted = owner.post("/taxii2/real/collections/everything/objects/", content=b"{}", headers=headers)
    assert (posted.status_code, posted.json()["http_status"]) == (507, "507")
    assert owner.get(f"/api/v1/objects/{OPEN['id']}").status_code == 200
    assert "no room" in owner.get("/readyz").text
    assert "too little room" in browser.get("/").text
    monkeypatch.undo()
    assert owner.get("/readyz").text == "ready\n"
