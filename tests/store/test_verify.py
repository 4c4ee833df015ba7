"""Each kind of damage beside the bytes is found; a store that is as it should be has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kizuna.labels import parse_label
from kizuna.store import Partner, Store
from kizuna.store.database import is_postgres
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, campaign, items, named, relationship, report, sdo

DAMAGE = {
    "delete from edge": "edge",
    "delete from value": "value",
    "update place set label=label+1": "place",
    "update time set first=first+1": "time",
    "update confidence set value=value+1": "confidence",
    "delete from confidence": "confidence",
    "delete from doc": "doc",
    "update doc set object=(select max(n) from object)": "doc",
    "update edge set label=label+1": "edge",
    "update object set version=version+1": "object",
    "update object set digest=(select digest from object where n=1) where n=2": "object",
    "update object set whole=whole+1": "object",
    "delete from body where n=1": "body",
    "insert into value select value, kind, 999, label from value": "value",
    "update feed set live=0": "feed",
    "update feed set last=0": "feed",
    "delete from waiting": "feed",
    "update meta set value='1' where key='ident_next'": "ident",
    "insert into feed select recipient, added+1000, object, ident, live, last from feed": "feed",
    "the words": "doc",
}


@pytest.fixture
def filled(make_store: Callable[..., Store]) -> Store:
    """Objects of all kinds of index rows, one marked in parts, one relabelled, one waiting, one deleted."""
    store = make_store()
    store.put_partner(Partner(name="Brussels", organisation="B", country="BEL", receives=("TLP:CLEAR",)))
    clear: dict[str, Any] = {"object_marking_refs": [CLEAR]}
    a, b, secret = campaign("a", **clear), campaign("b", **clear), campaign("secret", object_marking_refs=[AMBER])
    marked = campaign(
        "marked",
        description="beacon",
        granular_markings=[{"marking_ref": AMBER, "selectors": ["description"]}],
        **clear,
    )
    seen = {
        "type": "domain-name",
        "spec_version": "2.1",
        "id": named("domain-name", "d"),
        "value": "example.net",
        **clear,
    }
    where = sdo("location", "where", country="JP", latitude=35.0, longitude=139.0, **clear)
    first_seen = campaign("seen", first_seen="2026-01-01T00:00:00Z", confidence=50, **clear)
    everything = [
        a, b, secret, marked, seen, where, first_seen, relationship(a, "related-to", b, **clear), report("waits", [secret], **clear)
    ]  # fmt: skip
    list(store.writer(store.own_source()).add(items(*everything, campaign("gone", **clear))))
    store.relabel(b["id"], parse_label("PUBLIC", originator=store.organisation), by="test")
    store.hide(named("campaign", "gone"), by="test")
    return store


def test_a_sound_store_has_no_fault(filled: Store) -> None:
    assert list(verify(filled)) == []


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found(filled: Store, damage: str) -> None:
    other = (
        "update doc set words='other'"
        if is_postgres(filled.settings.store)
        else "insert into words(words) values ('delete-all')"
    )
    with filled.database.write() as connection:
        connection.execute(other if damage == "the words" else damage)
    assert DAMAGE[damage] in {fault.table for fault in verify(filled)}
