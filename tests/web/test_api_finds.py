"""Withheld texts and revoking through the API, as far as the asker sees."""

from __future__ import annotations

import pytest

from kizuna.store.accounts import SCOPES
from tests.builders import campaign, sdo
from tests.web.conftest import OPEN, OWN, PASSWORD, SECRET, Node, filled

BASE = "/api/v1/release"
NAME = "Kansai Grid Operator"
CLOSED, TELLING = sdo("identity", NAME), campaign("telling", description=f"seen at {NAME}")


@pytest.fixture
def tokyo(bare: Node) -> Node:
    bare.accounts.add_user("aoki", ["releaser"], by="test")
    bare.accounts.set_password("aoki", PASSWORD, by="test")
    bare.tokens["aoki"], _ = bare.accounts.create_token(user="aoki", scopes=SCOPES, by="test")
    filled(bare)
    bare.put(CLOSED, label="TLP:AMBER")
    bare.put(TELLING, label="TLP:CLEAR")
    return bare


def test_a_text_is_found_and_let(tokyo: Node) -> None:
    asked = {"as": "brussels", "id": [TELLING["id"], CLOSED["id"]]}
    found = tokyo.client("reader").get(f"{BASE}/found", params=asked).json()
    (one,) = found["items"]
    assert (found["partner"], one["text"], one["withheld_with"]) == ("Brussels", NAME, CLOSED["id"])
    assert one["held"] == [{"id": TELLING["id"], "path": "description"}]
    body = {"partner": "Brussels", "ids": asked["id"], "texts": [one["digest"][:12]], "password": PASSWORD}
    assert tokyo.client("aoki").post(f"{BASE}/clear", json=body).status_code == 403  # a token is no person
    browser = tokyo.session("aoki")
    assert browser.post(f"{BASE}/clear", json=body | {"password": "wrong"}).status_code == 403
    assert browser.post(f"{BASE}/clear", json=body | {"texts": ["0" * 12]}).status_code == 404
    assert len(tokyo.client("reader").get(f"{BASE}/found", params=asked).json()["items"]) == 1
    assert browser.post(f"{BASE}/clear", json=body, headers={"Idempotency-Key": "1"}).json() == found
    assert browser.post(f"{BASE}/clear", json=body, headers={"Idempotency-Key": "1"}).json() == found
    assert tokyo.client("reader").get(f"{BASE}/found", params=asked).json()["items"] == []


def test_own_objects_are_revoked_as_far_as_one_sees(tokyo: Node) -> None:
    theirs = campaign("theirs")
    tokyo.put(theirs, label="TLP:CLEAR", partner="Kyiv")
    marked = campaign("marked", description="x", granular_markings=[
        {"marking_ref": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", "selectors": ["description"]},
    ])  # fmt: skip
    tokyo.put(marked, label="TLP:CLEAR")
    client, absent = tokyo.client("aoki"), campaign("nobody has it")
    ids = [OPEN["id"], OWN["id"], theirs["id"], marked["id"], SECRET["id"], absent["id"]]
    done = client.post(f"{BASE}/revoke", json={"ids": ids}).json()
    assert done["revoked"] == [OPEN["id"], OWN["id"]]
    assert done["told"] == {"Brussels": [OPEN["id"]]}
    assert done["asked"] == {}
    failed = {one["id"]: one["reason"]["code"] for one in done["failed"]}
    assert failed == {
        theirs["id"]: "not-owner", marked["id"]: "seen-in-part", SECRET["id"]: "not-held", absent["id"]: "not-held",
    }  # fmt: skip
    assert client.get(f"/api/v1/objects/{OPEN['id']}").json()["object"]["revoked"] is True
    again = client.post(f"{BASE}/revoke", json={"ids": [OPEN["id"]]}).json()
    assert [one["reason"]["code"] for one in again["failed"]] == ["revoked-already"]
    assert tokyo.client("reader").post(f"{BASE}/revoke", json={"ids": [OPEN["id"]]}).status_code == 403
    stored = tokyo.store.custodian().get(SECRET["id"])
    assert stored is not None
    assert b"revoked" not in stored.raw
