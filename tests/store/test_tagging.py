"""Tags on many objects at once: tried first, own ones only, under the labels they have, each once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from kizuna.errors import UsageError
from kizuna.labels import parse_label
from kizuna.stix import sco_id
from kizuna.store import Partner, Store
from kizuna.store.act import Act
from kizuna.store.tagging import MOST_TAG, MOST_TAGS, Tagged, tag
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, GREEN, RED, campaign, items

CLEARLY: dict[str, Any] = {"object_marking_refs": [CLEAR]}


@pytest.fixture
def held(store: Store) -> Store:
    store.put_partner(Partner(name="Brussels", organisation="B", country="BEL", receives=("TLP:CLEAR",)))
    return store


def put(store: Store, *objects: dict[str, Any], source: str | None = None, label: str | None = None) -> None:
    whose = store.own_source() if source is None else store.partner_source(source)
    wanted = None if label is None else parse_label(label, originator=store.organisation)
    assert {one.status for one in store.writer(whose, label=wanted).add(items(*objects))} == {"imported"}


def tagged(
    store: Store, *objects: dict[str, Any], text: str = "seen in the wild", who: str = "ann", **more: Any
) -> Tagged:
    asked = {"by": who, "principal": store.principal_of_person(who), **more}
    return tag(store, [one["id"] for one in objects], text, **asked)


def tags(store: Store, one: dict[str, Any]) -> list[str]:
    found = store.custodian().get(one["id"])
    assert found is not None
    told: list[str] = msgspec.json.decode(found.raw).get("labels", [])
    return told


def quarantined(store: Store) -> int:
    return int(store.database.read().execute("select count(*) from quarantine").fetchone()[0])


def test_a_tag_is_tried_then_put_once_and_taken_off(held: Store) -> None:
    one, other = campaign("a", **CLEARLY), campaign("b", **CLEARLY, labels=["kept"])
    put(held, one, other)
    before = held.database.read().execute("select count(*) from object").fetchone()
    shown = tagged(held, one, other, dry=True)
    assert shown.done == (one["id"], other["id"])
    assert shown.gets == {"Brussels": {one["id"]: "whole", other["id"]: "whole"}}
    assert held.database.read().execute("select count(*) from object").fetchone() == before
    assert tags(held, one) == []
    assert tagged(held, one, other) == shown
    assert (tags(held, one), tags(held, other)) == (["seen in the wild"], ["kept", "seen in the wild"])
    again = tagged(held, one, other)
    assert (again.done, again.unchanged) == ((), (one["id"], other["id"]))
    assert held.feed("Brussels").count() == 4  # both versions of both
    assert tagged(held, one, other, text=" seen in the wild ", off=True).done == (one["id"], other["id"])
    assert (tags(held, one), tags(held, other)) == ([], ["kept"])
    assert [entry["act"] for entry in held.audit_trail() if entry["act"] == "tag"] == ["tag"] * 4
    assert list(verify(held)) == []


def test_what_changed_meanwhile_is_left_as_it_is(held: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = campaign("a", **CLEARLY), campaign("b", **CLEARLY)
    put(held, one, other)
    trial = held.trial

    @contextmanager
    def then_others_act() -> Iterator[Act]:
        with trial() as act:
            yield act
        held.relabel(one["id"], parse_label("TLP:AMBER+STRICT", originator=held.organisation), by="ann")

    monkeypatch.setattr(held, "trial", then_others_act)
    found = tagged(held, one, other)
    assert (found.done, found.refused) == ((other["id"],), {one["id"]: "changed"})
    assert (tags(held, one), tags(held, other)) == ([], ["seen in the wild"])
    assert list(verify(held)) == []


def test_what_nobody_here_may_change_is_named(held: Store) -> None:
    theirs, own = campaign("theirs", **CLEARLY), campaign("own", **CLEARLY)
    revoked, made = campaign("revoked", revoked=True, **CLEARLY), campaign("made", created_by_ref=_ID, **CLEARLY)
    value = {"type": "ipv4-addr", "spec_version": "2.1", "value": "192.0.2.1", "id": ""}
    value["id"] = sco_id(value) or ""
    mark = {"marking_ref": AMBER, "selectors": ["labels.[0]"]}
    marked = campaign("marked", labels=["one", "two"], granular_markings=[mark], **CLEARLY)
    full = campaign("full", labels=[str(n) for n in range(MOST_TAGS)], **CLEARLY)
    put(held, theirs, source="Brussels")
    put(held, own, revoked, made, value, marked, full)
    shown = tagged(held, theirs, own, revoked, made, value, full)
    assert shown.done == (own["id"],)
    assert shown.refused == {
        theirs["id"]: "foreign", revoked["id"]: "revoked", made["id"]: "maker", value["id"]: "unversioned", full["id"]: "full",
    }  # fmt: skip
    assert tagged(held, marked, text="two", off=True).refused == {marked["id"]: "marked"}
    assert quarantined(held) == 0


_ID = "identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a02"


def test_the_label_of_the_version_before_stays(held: Store) -> None:
    tight, loose, unmarked = (
        campaign("tight", **CLEARLY),
        campaign("loose", object_marking_refs=[AMBER]),
        campaign("no"),
    )
    put(held, tight, loose)
    put(held, unmarked, label="TLP:CLEAR")
    held.relabel(tight["id"], parse_label("TLP:RED persons=ann", originator=held.organisation), by="ann")
    held.relabel(loose["id"], parse_label("TLP:CLEAR", originator=held.organisation), by="ann")
    labels = {one["id"]: _label(held, one) for one in (tight, loose, unmarked)}
    shown = tagged(held, tight, loose, unmarked)
    assert set(shown.done) == set(labels)
    assert {one["id"]: _label(held, one) for one in (tight, loose, unmarked)} == labels
    assert shown.gets == {"Brussels": {loose["id"]: "whole", unmarked["id"]: "whole"}}
    assert list(verify(held)) == []


def _label(store: Store, one: dict[str, Any]) -> Any:
    found = store.custodian().get(one["id"])
    assert found is not None
    return found.label


def test_hidden_is_absent_and_a_part_is_not_enough(held: Store) -> None:
    secret = campaign("secret")
    put(held, secret, label="TLP:RED persons=bob")
    part = campaign("part", description="x", granular_markings=[{"marking_ref": RED, "selectors": ["description"]}],
                    object_marking_refs=[GREEN])  # fmt: skip
    put(held, part)
    shown = tagged(held, secret, campaign("absent"), part)
    assert (shown.done, shown.unchanged, shown.refused) == ((), (), {part["id"]: "part"})
    assert tags(held, secret) == []


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "x" * (MOST_TAG + 1), "\u202ereversed"])
def test_a_tag_that_is_none(held: Store, text: str) -> None:
    with pytest.raises(UsageError):
        tagged(held, text=text)
