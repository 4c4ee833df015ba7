"""Quotas over TAXII: beyond them a POST is 429 with nothing taken, and a poll goes on later from where it was."""

from __future__ import annotations

import json
from typing import Any

import httpx
import msgspec

from kizuna.exchange.taxii.client import poll
from kizuna.exchange.taxii.media import TAXII
from kizuna.store import Store
from tests.builders import CLEAR, campaign
from tests.conftest import Clock

from .conftest import Node
from .test_client import brussels, clear, held, put, tokyo

__all__ = ["brussels", "tokyo"]  # fixtures


def post(node: Node, token: str, body: bytes, collection: str = "inbox") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "Accept": TAXII, "Content-Type": TAXII}
    return httpx.post(f"{node.url}/taxii2/real/collections/{collection}/objects/", content=body, headers=headers)


def envelope(*names: str) -> bytes:
    return json.dumps({"objects": [campaign(name, object_marking_refs=[CLEAR]) for name in names]}).encode()


def limited(store: Store, name: str, **quota: Any) -> None:
    store.put_partner(msgspec.structs.replace(store.partner(name), **quota))


def test_beyond_it_nothing_of_a_request_is_taken(node: Node, clock: Clock) -> None:
    limited(node.store, "Brussels", quota_objects=2)
    assert post(node, node.partner, envelope("a", "b", "c")).status_code == 202  # begun within it, so taken whole
    refused = post(node, node.partner, envelope("d"))
    assert (refused.status_code, refused.headers["content-type"]) == (429, TAXII)
    assert refused.json()["http_status"] == "429"
    assert int(refused.headers["retry-after"]) == 3600
    assert node.store.custodian().stats().objects == 3
    clock.forward(3600)
    assert post(node, node.partner, envelope("d")).status_code == 202


def test_what_is_no_envelope_counts_by_its_bytes(node: Node) -> None:
    limited(node.store, "Brussels", quota_bytes=1000)
    assert post(node, node.partner, b"x" * 1000).status_code == 422
    assert post(node, node.partner, envelope("a")).status_code == 429


def test_reading_and_one_s_own_people_have_none(node: Node) -> None:
    limited(node.store, "Brussels", quota_objects=1, quota_bytes=1)
    assert post(node, node.partner, envelope("a")).status_code == 202
    assert post(node, node.partner, envelope("b")).status_code == 429
    assert post(node, node.owner, envelope("b"), "everything").status_code == 202
    assert post(node, node.owner, envelope("c"), "everything").status_code == 202
    feed = f"{node.url}/taxii2/real/collections/feed/objects/"
    answer = httpx.get(feed, headers={"Authorization": f"Bearer {node.partner}", "Accept": TAXII})
    assert len(answer.json()["objects"]) == 2


def test_a_poll_goes_on_in_the_next_hour_from_where_it_was(tokyo: Store, brussels: Store, clock: Clock) -> None:
    put(tokyo, *clear(*"abcdefgh"))
    limited(brussels, "Tokyo", quota_objects=4)
    first = poll(brussels, "Tokyo")
    assert (first.received, first.paused_seconds) == (4, 3600)  # pages of two
    again = poll(brussels, "Tokyo")
    assert (again.received, again.paused_seconds) == (0, 3600)
    clock.forward(3600)
    rest, turns = poll(brussels, "Tokyo"), 1
    while rest.paused_seconds and turns < 5:
        clock.forward(rest.paused_seconds)
        rest, turns = poll(brussels, "Tokyo"), turns + 1
    assert sorted(held(brussels)) == list("abcdefgh")
