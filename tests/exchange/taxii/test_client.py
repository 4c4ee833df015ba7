"""Polling and pushing between two real nodes: nothing lost, nothing twice, and every refusal told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kizuna.errors import InvalidInput, NotFound, PeerFailed
from kizuna.exchange.taxii import client, peer
from kizuna.exchange.taxii.client import collections, pending, poll, push
from kizuna.labels import parse_label
from kizuna.settings import Limits, write_private
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import Accounts
from tests.builders import AMBER, CLEAR, campaign, identity, items
from tests.serving import served

from .foreign import Asked, Foreign, Said, serving

TOKYO = "CERT Tokyo (fictional)"
BRUSSELS = "CERT Brussels (fictional)"


@pytest.fixture
def tokyo(make_store: Callable[..., Store]) -> Store:
    """Serves pages of two."""
    store = make_store("Tokyo", TOKYO, "JPN", limits=Limits(page=2))
    store.put_partner(Partner(name="Brussels", organisation=BRUSSELS, country="BEL", receives=("TLP:CLEAR",)))
    return store


@pytest.fixture
def brussels(make_store: Callable[..., Store], tokyo: Store) -> Iterator[Store]:
    """Knows where Tokyo is and has a token there."""
    store = make_store("Brussels", BRUSSELS, "BEL", limits=Limits(object=50_000))
    token, _ = Accounts(tokyo).create_token(by="test", partner="Brussels", scopes=("read", "write"))
    write_private(store.folder / "tokyo.token", token.encode())
    with served(tokyo) as url:
        store.put_partner(
            Partner(name="Tokyo", organisation=TOKYO, country="JPN", receives=("TLP:CLEAR",), url=f"{url}/taxii2/")
        )
        yield store


def put(store: Store, *objects: dict[str, Any]) -> None:
    """One's own import."""
    assert all(o.status == "imported" for o in store.writer(store.own_source()).add(items(*objects)))


def clear(*names: str) -> list[dict[str, Any]]:
    """Campaigns that anybody may have."""
    return [campaign(name, object_marking_refs=[CLEAR]) for name in names]


def held(store: Store) -> list[str]:
    """Names of everything stored."""
    rows = store.custodian().read(Query(), 0, 1000).rows
    return sorted(json.loads(row.raw)["name"] for row in rows)


def test_a_poll_brings_the_feed_once(tokyo: Store, brussels: Store) -> None:
    put(tokyo, *clear("a", "b", "c", "d", "e"), campaign("amber", object_marking_refs=[AMBER]))
    seen: list[int] = []
    report = poll(brussels, "tokyo", progress=seen.append)
    assert (report.received, report.imported, report.failed, report.problems) == (5, 5, 0, [])
    assert seen == [2, 4, 5]
    assert held(brussels) == ["a", "b", "c", "d", "e"]
    again = poll(brussels, "Tokyo")
    assert (again.received, again.imported) == (0, 0)
    assert brussels.last_exchange("Tokyo") is not None


def test_what_is_loosened_later_arrives_with_the_next_poll(tokyo: Store, brussels: Store) -> None:
    amber = campaign("amber", object_marking_refs=[AMBER])
    put(tokyo, amber, *clear("a"))
    poll(brussels, "Tokyo")
    tokyo.relabel(amber["id"], parse_label("TLP:CLEAR", originator=TOKYO), by="test")
    report = poll(brussels, "Tokyo")
    assert (report.received, report.imported) == (1, 1)
    assert held(brussels) == ["a", "amber"]


@pytest.mark.parametrize("pages", [1, 2])
def test_a_poll_that_is_cut_off_goes_on_where_it_was(tokyo: Store, brussels: Store, pages: int) -> None:
    put(tokyo, *clear("a", "b", "c", "d", "e"))

    def cut(received: int) -> None:
        if received >= 2 * pages:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        poll(brussels, "Tokyo", progress=cut)
    assert len(held(brussels)) == 2 * pages
    report = poll(brussels, "Tokyo")
    assert held(brussels) == ["a", "b", "c", "d", "e"]
    # One object is read twice, because others might stand at the very same moment.
    assert (report.imported, report.unchanged) == (5 - 2 * pages, 1)


def test_a_push_fills_the_inbox_once(tokyo: Store, brussels: Store) -> None:
    put(brussels, *clear("a", "b", "c"), campaign("kept"))
    report = push(brussels, "Tokyo")
    assert (report.sent, report.accepted, report.failed, report.pending) == (3, 3, 0, 0)
    assert held(tokyo) == ["a", "b", "c"]
    stored = tokyo.custodian().get(campaign("a")["id"])
    assert stored is not None
    assert stored.source == "partner:Brussels"
    assert push(brussels, "Tokyo").sent == 0
    put(brussels, *clear("d"))
    assert push(brussels, "Tokyo").accepted == 1
    assert poll(brussels, "Tokyo").received == 0


def test_what_a_push_would_send_is_told_and_not_sent(tokyo: Store, brussels: Store) -> None:
    put(brussels, *clear("a", "b"), campaign("kept"))
    for _ in range(2):
        assert sorted(row.id for row in pending(brussels, "Tokyo")) == sorted(campaign(name)["id"] for name in "ab")
        assert held(tokyo) == []
    push(brussels, "Tokyo")
    assert list(pending(brussels, "Tokyo")) == []


def test_a_push_tells_what_was_refused_and_goes_on(tokyo: Store, brussels: Store) -> None:
    mine = campaign("a", object_marking_refs=[CLEAR])
    put(tokyo, mine)
    other = {**mine, "modified": "2026-02-01T00:00:00.000Z"}
    put(brussels, other, *clear("b"))
    report = push(brussels, "Tokyo")
    assert (report.sent, report.accepted, report.failed) == (2, 1, 1)
    assert [problem["id"] for problem in report.problems] == [other["id"]]
    assert "owner" in report.problems[0]["message"]


def test_batches_are_bounded_in_bytes(tokyo: Store, brussels: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BATCH_BYTES", 500)
    put(brussels, *clear("a", "b", "c"), campaign("long", description="x" * 2000, object_marking_refs=[CLEAR]))
    steps: list[int] = []
    assert push(brussels, "Tokyo", progress=steps.append).accepted == 4
    assert len(steps) > 1
    assert held(tokyo) == ["a", "b", "c", "long"]


def test_a_batch_refused_as_a_whole_is_sent_in_halves(brussels: Store, tokyo: Store) -> None:
    def post(asked: Asked) -> Said:
        found = json.loads(asked.body)["objects"]
        if any(one["name"] == "bad" for one in found):
            return Said(b'{"title": "Unprocessable"}', status=422)
        return Said.json({"id": "s", "status": "complete", "success_count": len(found), "failure_count": 0})

    put(brussels, *clear("a", "b", "bad", "c", "d"))
    token = "secret"
    write_private(brussels.folder / "other.token", token.encode())
    with serving(Foreign(lambda _: Said(b"{}"), post=post)) as url:
        other = Partner(name="Other", organisation="Other", country="NLD", receives=("TLP:CLEAR",), url=url)
        brussels.put_partner(other)
        report = push(brussels, "Other")
    assert (report.sent, report.accepted, report.failed) == (5, 4, 1)
    assert report.problems[0]["id"] == campaign("bad")["id"]


def test_bad_objects_of_a_partner_are_told_and_the_good_kept(brussels: Store) -> None:
    large = campaign("large", description="x" * 50_000)
    objects = [campaign("good"), {**campaign("bad"), "created": "yesterday"}, 5, large]
    write_private(brussels.folder / "other.token", b"secret")
    with serving(Foreign(lambda _: Said.json({"objects": objects}))) as url:
        brussels.put_partner(Partner(name="Other", organisation="Other", country="NLD", url=url))
        report = poll(brussels, "Other")
    assert (report.received, report.imported, report.failed) == (4, 1, 3)
    assert report.problems[0]["id"] == campaign("bad")["id"]
    assert report.problems[0]["errors"][0]["path"] == "created"


def test_a_poll_that_takes_too_long_keeps_what_came(
    tokyo: Store, brussels: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tokyo, *clear("a", "b", "c"))
    with pytest.raises(PeerFailed, match="the rest comes next time"):
        poll(brussels, "Tokyo", progress=lambda _: monkeypatch.setattr(peer, "TURN_SECONDS", -1.0))
    assert held(brussels) == ["a", "b"]


def test_collections_of_a_partner(brussels: Store) -> None:
    assert [one["alias"] for one in collections(brussels, "Tokyo")] == ["feed", "inbox"]


def test_what_is_missing_is_said(brussels: Store, tokyo: Store) -> None:
    with pytest.raises(NotFound):
        poll(brussels, "Nobody")
    with pytest.raises(InvalidInput, match="no TAXII address"):
        poll(tokyo, "Brussels")
    (brussels.folder / "tokyo.token").unlink()
    with pytest.raises(InvalidInput, match="token"):
        poll(brussels, "Tokyo")


def test_a_wrong_token_is_a_failure_of_the_peer(brussels: Store) -> None:
    write_private(brussels.folder / "tokyo.token", b"wrong")
    with pytest.raises(PeerFailed, match="401"):
        poll(brussels, "Tokyo")


def test_who_offers_nothing_to_read(brussels: Store) -> None:
    write_private(brussels.folder / "other.token", b"secret")
    app = Foreign(lambda _: Said(b"{}"), **{"/root/collections/": lambda _: Said.json({"collections": []})})
    with serving(app) as url:
        brussels.put_partner(Partner(name="Other", organisation="Other", country="NLD", url=url))
        for act in (poll, push):
            with pytest.raises(PeerFailed, match="no collection"):
                act(brussels, "Other")


def test_an_identity_and_what_refers_to_it_travel_together(tokyo: Store, brussels: Store) -> None:
    author = identity("author", object_marking_refs=[CLEAR])
    put(tokyo, campaign("by author", object_marking_refs=[CLEAR], created_by_ref=author["id"]), author)
    assert poll(brussels, "Tokyo").imported == 2
