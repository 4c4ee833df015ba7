"""What the API changes: imports with an outcome per item, labels within one's rights."""

from __future__ import annotations

import json

import pytest

from kizuna.labels import parse_label
from kizuna.store import Query
from tests.builders import CLEAR, campaign, items
from tests.commands import bundle
from tests.web.conftest import OPEN, OWN, SECRET, Node

IMPORT = "/api/v1/import"


def test_import(node: Node) -> None:
    bad = {**campaign("bad"), "created": "yesterday"}
    body = bundle(campaign("new"), bad, OPEN)
    answer = node.client("analyst").post(IMPORT, content=body, params={"label": "TLP:CLEAR", "area": "cyber-defence"})
    report = answer.json()
    assert answer.status_code == 200
    assert (report["imported"], report["unchanged"], report["failed"], report["complete"]) == (1, 1, 1, True)
    assert [(item["item"], item["status"]) for item in report["items"]] == [
        (0, "imported"),
        (1, "failed"),
        (2, "unchanged"),
    ]
    assert "created" in report["items"][1]["errors"][0]["path"]
    stored = node.client("reader").get(f"/api/v1/objects/{campaign('new')['id']}").json()
    assert (stored["label"]["text"], stored["area"]) == ("TLP:CLEAR", "cyber-defence")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 20_000, b"\xff\xfe", b'"text"', b'{"type": "bundle", "objects": 5}', b"1" * 20_000]
)
def test_what_is_no_bundle_is_one_failure(node: Node, body: bytes) -> None:
    report = node.client("analyst").post(IMPORT, content=body).json()
    assert (report["imported"], report["failed"]) == (0, 1)
    assert report["items"][0]["errors"]


def test_a_body_may_be_large(node: Node) -> None:
    body = bundle(campaign("large", description="x" * (3 << 20)), campaign("other"))
    assert node.client("analyst").post(IMPORT, content=body).json()["imported"] == 2


def test_a_body_has_a_bound(node: Node) -> None:
    import msgspec

    settings = node.store.settings
    node.store.settings = msgspec.structs.replace(settings, limits=msgspec.structs.replace(settings.limits, body=1000))
    for content in (b" " * 1001, iter([b" " * 600, b" " * 600])):  # by the length it states, and by what comes
        answer = node.client("analyst").post(IMPORT, content=content)
        assert (answer.status_code, answer.json()["detail"]) == (413, "the body is larger than 1000 bytes")
    assert node.client("analyst").post(IMPORT, content=bundle(campaign("x"))).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Content-Type": "text/csv"}, {"Content-Encoding": "gzip"}, {"Content-Type": "application/jsonx"}]
)
def test_formats_it_does_not_read(node: Node, headers: dict[str, str]) -> None:
    answer = node.client("analyst").post(IMPORT, content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")


def test_a_repeated_request_is_answered_alike(node: Node) -> None:
    client, key = node.client("analyst"), {"Idempotency-Key": "once"}
    first = client.post(IMPORT, content=bundle(campaign("new")), headers=key)
    assert first.json()["imported"] == 1
    assert client.post(IMPORT, content=bundle(campaign("new")), headers=key).content == first.content
    assert client.post(IMPORT, content=bundle(campaign("other")), headers=key).status_code == 409
    other = node.client("owner").post(IMPORT, content=bundle(campaign("new")), headers=key)
    assert other.json()["unchanged"] == 1


def test_importing_what_one_may_not_see_tells_nothing(node: Node) -> None:
    hidden = node.client("analyst").post(IMPORT, content=bundle(SECRET)).json()
    unknown = node.client("analyst").post(IMPORT, content=bundle(campaign("never seen"))).json()
    assert hidden["items"][0]["status"] == unknown["items"][0]["status"] == "imported"
    theirs = campaign("theirs")
    source = node.store.partner_source("Brussels")
    label = parse_label("TLP:RED persons=somebody.else", originator=source.organisation)
    list(node.store.writer(source, label=label).add(items(theirs)))
    newer = campaign("theirs", modified="2026-03-01T00:00:00.000Z")
    assert node.client("analyst").post(IMPORT, content=bundle(newer)).json()["failed"] == 0


def test_labels(node: Node) -> None:
    client, path = node.client("owner"), f"/api/v1/objects/{OWN['id']}/label"
    read = client.get(path)
    assert read.json()["text"] == "TLP:AMBER+STRICT"
    feed = [row.id for row in node.store.feed("Brussels").read(Query(), 0, 100).rows]
    assert OWN["id"] not in feed
    done = client.put(path, json={"label": "TLP:CLEAR"}, headers={"If-Match": read.headers["etag"]})
    assert done.json()["opened"] == {"Brussels": 1, "Kyiv": 0} or done.json()["opened"] == {"Brussels": 1}
    assert OWN["id"] in [row.id for row in node.store.feed("Brussels").read(Query(), 0, 100).rows]
    late = client.put(path, json={"label": "PUBLIC"}, headers={"If-Match": read.headers["etag"]})
    assert (late.status_code, late.json()["type"]) == (412, "/problems/changed")
    assert client.get(path).json()["text"] == "TLP:CLEAR"


def test_a_label_may_shut_out_who_sets_it(node: Node) -> None:
    client, path = node.client("owner"), f"/api/v1/objects/{OPEN['id']}/label"
    done = client.put(path, json={"label": "TLP:RED persons=somebody.else"})
    assert (done.status_code, done.json()["label"]["text"]) == (200, "TLP:RED persons=somebody.else")
    assert client.get(path).status_code == 404


def test_what_others_own_is_only_tightened(node: Node) -> None:
    theirs = {**campaign("theirs"), "object_marking_refs": [CLEAR]}
    list(node.store.writer(node.store.partner_source("Brussels")).add(items(theirs)))
    client, path = node.client("owner"), f"/api/v1/objects/{theirs['id']}/label"
    assert client.put(path, json={"label": "TLP:AMBER+STRICT"}).status_code == 200
    answer = client.put(path, json={"label": "PUBLIC"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/refused")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"label": 5}',
        b'{"label": ""}',
        b'{"label": "TLP:PINK"}',
        b'{"label": "PUBLIC", "x": 1}',
        b"[" * 9999,
        b"\xff",
    ],
)
def test_a_label_that_is_none(node: Node, body: bytes) -> None:
    answer = node.client("owner").put(f"/api/v1/objects/{OPEN['id']}/label", content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_numbers_are_those_of_the_view(node: Node) -> None:
    stats = node.client("owner").get("/api/v1/stats").json()
    assert stats["objects"] == sum(stats["by_type"].values()) == 5
    assert {area["area"] for area in stats["areas"]} == {"cyber-defence", "space-security"}
    partners = node.client("owner").get("/api/v1/partners").json()["items"]
    assert [(partner["name"], partner["given"], partner["got"]) for partner in partners] == [
        ("Brussels", 2, 0),
        ("Kyiv", 0, 0),
    ]


def test_the_audit_trail_names_who_did_it(node: Node) -> None:
    node.client("owner").put(f"/api/v1/objects/{OPEN['id']}/label", json={"label": "TLP:GREEN"})
    node.client("analyst").post(IMPORT, content=bundle(campaign("new")))
    assert [(entry["actor"], entry["act"]) for entry in node.store.audit_trail(2)] == [
        ("analyst", "import"),
        ("owner", "relabel"),
    ]
    assert "new" not in json.dumps(node.store.audit_trail(2))
