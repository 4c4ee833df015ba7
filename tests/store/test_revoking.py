"""Revoking: a last version by the owner, that leaves as every version does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kizuna.labels import format_label, parse_label
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import Accounts
from kizuna.store.model import Source
from kizuna.store.releasing import Releases
from kizuna.store.revoking import revoke
from kizuna.store.standing import FIRST, Rules
from kizuna.store.verify import verify
from tests.builders import CLEAR, campaign, items

BRUSSELS = Partner(name="Brussels", organisation="CERT Brussels (fictional)", country="BEL", receives=("TLP:CLEAR",))


@pytest.fixture
def tokyo(store: Store) -> Store:
    store.put_partner(BRUSSELS)
    Accounts(store).add_user("aoki", ("releaser",), by="aoki")
    return store


def put(store: Store, one: dict[str, Any], source: Source | None = None) -> None:
    assert [o.status for o in store.writer(source or store.own_source()).add(items(one))] == ["imported"]


def fed(store: Store) -> list[bool]:
    """Of each version in the feed, whether it is revoked."""
    assert list(verify(store)) == []
    rows = store.feed("Brussels").read(Query(versions=("all",)), 0, 100).rows
    return [json.loads(row.raw).get("revoked", False) for row in rows]


def test_who_has_it_is_told_by_a_last_version(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", description="as it was", object_marking_refs=[CLEAR]))
    done = revoke(tokyo, [one["id"]], by="aoki")
    assert (done.done, done.told, done.asked) == ((one["id"],), {"Brussels": (one["id"],)}, {})
    assert fed(tokyo) == [False, True]
    stored = tokyo.custodian().get(one["id"])
    assert stored is not None
    assert {**json.loads(stored.raw), "modified": 0} == {**one, "modified": 0, "revoked": True}


def test_where_no_rule_sends_it_people_are_asked(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]))
    Rules(tokyo).remove(FIRST, by="test")
    done = revoke(tokyo, [one["id"]], by="aoki")
    assert (done.told, done.asked) == ({}, {"Brussels": (one["id"],)})
    assert fed(tokyo) == [False]
    Releases(tokyo).approve("Brussels", [one["id"]], by="aoki")
    assert fed(tokyo) == [False, True]


@pytest.mark.parametrize(
    ("raised", "gets"), [("TLP:AMBER+STRICT", []), ("TLP:CLEAR", [False, True])], ids=["closer", "as it is"]
)
def test_it_has_the_label_that_the_object_has(tokyo: Store, raised: str, gets: list[bool]) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]))
    tokyo.relabel(one["id"], parse_label(raised, originator=tokyo.organisation), by="aoki")
    before = tokyo.custodian().get(one["id"])
    revoke(tokyo, [one["id"]], by="aoki")
    after = tokyo.custodian().get(one["id"])
    assert before is not None
    assert after is not None
    assert format_label(after.label) == format_label(before.label)
    assert fed(tokyo) == gets


def test_a_label_that_was_loosened_here_is_loose_on_it_too(tokyo: Store) -> None:
    put(tokyo, one := campaign("one"))
    tokyo.relabel(one["id"], parse_label("TLP:CLEAR", originator=tokyo.organisation), by="aoki")
    assert fed(tokyo) == [False]
    revoke(tokyo, [one["id"]], by="aoki")
    assert fed(tokyo) == [False, True]


def test_what_is_not_ones_own_or_has_no_versions_or_is_revoked_is_told(tokyo: Store) -> None:
    put(tokyo, theirs := campaign("theirs", object_marking_refs=[CLEAR]), Source("partner:Brussels", "partner", "x"))
    put(tokyo, over := campaign("over", revoked=True, object_marking_refs=[CLEAR]))
    address = {"type": "ipv4-addr", "spec_version": "2.1", "value": "198.51.100.7"}
    address["id"] = "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3350f07c"
    put(tokyo, address)
    ids = [theirs["id"], over["id"], address["id"], "campaign--00000000-0000-4000-8000-000000000000"]
    done = revoke(tokyo, ids, by="aoki")
    assert done.done == ()
    assert [why.code for _, why in done.failed] == ["not-owner", "revoked-already", "no-versions", "not-held"]
