"""The server, asked over HTTP by hand and by the peer's own client."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest
from taxii2client.v21 import Collection, Server

from kizuna.clock import to_text
from kizuna.labels import Group, parse_label
from tests.builders import AMBER, CLEAR, GREEN, RED, campaign, identity, items, report
from tests.conftest import Clock

from .conftest import Node, everything

TAXII = "application/taxii+json;version=2.1"


def put(node: Node, *objects: dict[str, Any], **more: Any) -> None:
    """One's own import."""
    assert all(o.status != "failed" for o in node.store.writer(node.store.own_source(), **more).add(items(*objects)))


def feed(node: Node) -> Collection:
    """Brussels' feed through the peer's client."""
    server = Server(node.taxii, user="token", password=node.partner)
    found: Collection = next(c for c in server.api_roots[0].collections if c.can_read)
    return found


def ask(node: Node, path: str, *, token: str | None = None, method: str = "GET", **more: Any) -> httpx.Response:
    """One request."""
    headers = {"Accept": TAXII, **more.pop("headers", {})}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return httpx.request(method, node.taxii + path, headers=headers, **more)


@pytest.mark.parametrize(
    "path", ["", "real/", "real/collections/", "real/collections/feed/objects/", "nonsense/", "real/status/x/"]
)
@pytest.mark.parametrize(
    "headers", [{}, {"Accept": "text/html"}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic !!!"}]
)
def test_nobody_unknown_is_answered(node: Node, path: str, headers: dict[str, str]) -> None:
    answer = ask(node, path, headers=headers)
    assert answer.status_code == 401
    assert "Basic" in answer.headers["www-authenticate"]
    assert answer.headers["content-type"] == TAXII
    assert answer.json()["http_status"] == "401"


def test_a_partner_has_its_feed_and_its_inbox(node: Node) -> None:
    found = ask(node, "real/collections/", token=node.partner).json()["collections"]
    assert [(c["alias"], c["can_read"], c["can_write"]) for c in found] == [
        ("feed", True, False),
        ("inbox", False, True),
    ]
    own = ask(node, "real/collections/", token=node.owner).json()["collections"]
    assert [(c["alias"], c["can_read"], c["can_write"]) for c in own] == [("everything", True, True)]


def test_another_ones_collection_is_absent(node: Node) -> None:
    (own,) = ask(node, "real/collections/", token=node.owner).json()["collections"]
    other = ask(node, f"real/collections/{own['id']}/", token=node.partner)
    absent = ask(node, "real/collections/5b9f8e1e-0000-4000-8000-000000000000/", token=node.partner)
    assert other.status_code == absent.status_code == 404
    assert other.json() | {"error_id": ""} == absent.json() | {"error_id": ""}


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/taxii+json", 200), ("application/taxii+json;version=2.1", 200), ("*/*", 200), ("application/*", 200),
        ("application/taxii+json; version=2.0", 406), ("application/json", 406), ("text/html, */*;q=0.1", 200),
        ("application/taxii+json;version=2.1;q=0", 406),
    ],
)  # fmt: skip
def test_content_is_negotiated(node: Node, accept: str, status: int) -> None:
    assert ask(node, "", token=node.partner, headers={"Accept": accept}).status_code == status


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 400), ("limit=-1", 400), ("limit=a", 400), ("limit=1&limit=2", 400), ("added_after=yesterday", 400),
        ("next=nonsense", 400), ("match[version]=1", 400), ("limit=100000", 200), ("unknown=1", 200),
        ("match[spec_version]=2.0", 200), ("added_after=2026-01-01T00:00:00Z", 200),
    ],
)  # fmt: skip
def test_parameters_are_checked(node: Node, query: str, status: int) -> None:
    answer = ask(node, f"real/collections/feed/objects/?{query}", token=node.partner)
    assert answer.status_code == status, answer.text


def test_methods_are_told(node: Node) -> None:
    answer = ask(node, "real/collections/", token=node.partner, method="POST")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_filters(node: Node) -> None:
    one = campaign("one", object_marking_refs=[CLEAR])
    newer = {**one, "modified": "2026-02-01T00:00:00.000Z"}
    who = identity("who", object_marking_refs=[CLEAR])
    put(node, one, newer, who)

    def found(**match: str) -> list[str]:
        query = "&".join(f"match[{key}]={value}" for key, value in match.items())
        got = ask(node, f"real/collections/feed/objects/?{query}", token=node.partner).json()["objects"]
        return [f"{o['name']} {o['modified'][:10]}" for o in got]

    assert found() == ["one 2026-02-01", "who 2026-01-01"]
    assert found(version="all") == ["one 2026-01-01", "one 2026-02-01", "who 2026-01-01"]
    assert found(version="first") == ["one 2026-01-01", "who 2026-01-01"]
    assert found(version="2026-01-01T00:00:00Z") == ["one 2026-01-01", "who 2026-01-01"]
    assert found(type="identity") == ["who 2026-01-01"]
    assert found(type="identity,campaign", id=one["id"]) == ["one 2026-02-01"]
    assert found(spec_version="2.0") == []
    versions = ask(node, f"real/collections/feed/objects/{one['id']}/versions/", token=node.partner).json()
    assert versions == {"more": False, "versions": ["2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"]}


def test_the_bytes_are_those_received(node: Node) -> None:
    raw = json.dumps(campaign("one", object_marking_refs=[CLEAR]), indent=3).encode()
    from kizuna.stix import iter_objects

    list(node.store.writer(node.store.own_source()).add(iter_objects(raw)))
    assert (
        ask(node, "real/collections/feed/objects/", token=node.partner).content
        == b'{"more":false,"objects":[' + raw + b"]}"
    )


def test_a_token_for_the_next_page_serves_nobody_else(node: Node) -> None:
    put(node, *(campaign(f"c{i}", object_marking_refs=[CLEAR]) for i in range(3)))
    first = ask(node, "real/collections/feed/objects/?limit=1", token=node.partner).json()
    assert first["more"]
    second = ask(node, f"real/collections/feed/objects/?limit=1&next={first['next']}", token=node.partner).json()
    assert second["objects"] != first["objects"]
    assert ask(node, f"real/collections/everything/objects/?next={first['next']}", token=node.owner).status_code == 400
    other_filter = f"real/collections/feed/objects/?match[type]=identity&next={first['next']}"
    assert ask(node, other_filter, token=node.partner).status_code == 400


def test_hidden_answers_as_absent(node: Node) -> None:
    red = campaign("red", object_marking_refs=[RED])
    put(node, red)
    for path in ("", "versions/"):
        hidden = ask(node, f"real/collections/feed/objects/{red['id']}/{path}", token=node.partner)
        absent = ask(node, f"real/collections/feed/objects/{campaign('none')['id']}/{path}", token=node.partner)
        assert hidden.status_code == absent.status_code == 404
        assert hidden.json() | {"error_id": ""} == absent.json() | {"error_id": ""}


def test_the_peers_client_posts_to_the_inbox_and_reads_its_status(node: Node) -> None:
    server = Server(node.taxii, user="token", password=node.partner)
    inbox = next(c for c in server.api_roots[0].collections if c.can_write)
    good, bad = campaign("theirs"), {**campaign("bad"), "created": "yesterday"}
    status = inbox.add_objects({"objects": [good, bad]})
    assert (status.status, status.success_count, status.failure_count) == ("complete", 1, 1)
    assert "created" in status.failures[0]["message"]
    status.refresh()
    assert status.total_count == 2
    stored = node.store.custodian().get(good["id"])
    assert stored is not None
    assert (stored.source, stored.label) == (
        "partner:Brussels",
        parse_label("TLP:GREEN", originator="CERT Brussels (fictional)", community="ENTENTE"),
    )
    assert ask(node, f"real/status/{status.id}/", token=node.owner).status_code == 404


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 422), (b"[]", {}, 422), (b"\xff", {}, 422), (b'{"objects": 1}', {}, 422), (b'"x"', {}, 422),
        (b'{"objects": []}', {"Content-Type": "application/json"}, 415),
        (b'{"objects": []}', {"Content-Encoding": "br"}, 415), (b"not gzip", {"Content-Encoding": "gzip"}, 422),
        (gzip.compress(b" " * (1 << 26), mtime=0), {"Content-Encoding": "gzip"}, 413), (b'{"objects": []}', {}, 202),
        (gzip.compress(b'{"objects": []}', mtime=0), {"Content-Encoding": "gzip"}, 202),
        (gzip.compress(b'{"objects": []}', mtime=0)[:-6], {"Content-Encoding": "gzip"}, 422),
        (b'{"objects": [' + b"[" * 20_000 + b"]" * 20_000 + b"]}", {}, 422), (b'{"objects": [' + b"9" * 10_000 + b"]}", {}, 202),
    ],
)  # fmt: skip
def test_hostile_bodies_are_answered(node: Node, body: bytes, headers: dict[str, str], status: int) -> None:
    sent = {"Content-Type": TAXII} | headers
    answer = ask(node, "real/collections/inbox/objects/", token=node.partner, method="POST", content=body, headers=sent)
    assert answer.status_code == status, answer.text
    if status == 202:
        assert answer.json()["success_count"] == 0


def test_deleting_is_for_ones_own_releasers_and_only_here(node: Node) -> None:
    one = campaign("one", object_marking_refs=[CLEAR])
    put(node, one)
    path = f"objects/{one['id']}/"
    assert ask(node, f"real/collections/feed/{path}", token=node.partner, method="DELETE").status_code == 403
    assert ask(node, f"real/collections/everything/{path}", token=node.reader, method="DELETE").status_code == 403
    assert ask(node, f"real/collections/everything/{path}", token=node.owner, method="DELETE").status_code == 200
    assert ask(node, f"real/collections/feed/{path}", token=node.partner).status_code == 404
    assert ask(node, f"real/collections/everything/{path}", token=node.owner, method="DELETE").status_code == 404


def test_a_reader_does_not_write(node: Node) -> None:
    body, headers = b'{"objects": []}', {"Content-Type": TAXII}
    for token, alias, status in (
        (node.reader, "everything", 403),
        (node.partner, "feed", 403),
        (node.owner, "everything", 202),
    ):
        path = f"real/collections/{alias}/objects/"
        assert ask(node, path, token=token, method="POST", content=body, headers=headers).status_code == status


def test_what_becomes_visible_late_arrives_once(node: Node, clock: Clock) -> None:
    """A watermark is taken; then a label is loosened and a member joins by date alone: the old watermark brings each once."""
    node.store.put_group(Group(name="ENTENTE", members=(("JPN", None, None), ("BEL", clock.now + 60_000_000, None))))
    first, amber, waits = (
        campaign("first", object_marking_refs=[CLEAR]),
        campaign("amber", object_marking_refs=[AMBER]),
        campaign("for members", object_marking_refs=[GREEN]),
    )
    about = report("about amber", [amber], object_marking_refs=[CLEAR])
    put(node, first, amber, waits, about)
    collection = feed(node)
    assert [o["name"] for o in everything(collection)] == ["first"]
    watermark = to_text(clock.now + 1_000_000)
    clock.forward(10)
    node.store.relabel(amber["id"], parse_label("TLP:CLEAR", originator=node.store.organisation), by="test")
    assert sorted(o["name"] for o in everything(collection, added_after=watermark)) == ["about amber", "amber"]
    clock.forward(60)
    late = ["about amber", "amber", "for members"]
    assert sorted(o["name"] for o in everything(collection, added_after=watermark)) == late
    listed = collection.get_manifest(added_after=watermark)["objects"]
    assert sorted(entry["id"] for entry in listed) == sorted(o["id"] for o in (about, amber, waits))
    assert len({entry["date_added"] for entry in listed}) == 3
    by_entry = [collection.get_object(entry["id"])["objects"][0]["name"] for entry in listed]
    assert sorted(by_entry) == late


def test_a_revoked_token_counts_at_once(node: Node) -> None:
    from kizuna.store.accounts import Accounts

    assert ask(node, "", token=node.partner).status_code == 200
    node.store.remove_partner("Brussels")
    assert ask(node, "", token=node.partner).status_code == 401
    assert Accounts(node.store).find("token", node.partner) is None
