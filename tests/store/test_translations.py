"""Translations are as closed as what they translate, whichever comes first."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kizuna.labels import parse_label
from kizuna.store import Partner, Query, Source, Store
from tests.builders import CLEAR, GREEN, RED, campaign, items, named

SECRET = "zzsecretzz"
DEFINED = named("marking-definition", "ours")


def put(store: Store, *objects: dict[str, Any], source: Source | None = None, **more: Any) -> None:
    """An import of one's own, or of another source."""
    outcomes = list(store.writer(source or store.own_source(), **more).add(items(*objects)))
    assert all(o.status != "failed" for o in outcomes), outcomes


def translation(target: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The name of an object in French and its description in German."""
    return {
        "type": "language-content", "spec_version": "2.1", "id": named("language-content", target["id"]),
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "object_ref": target["id"],
        "object_marking_refs": [CLEAR], "contents": {"fr": {"name": "un nom"}, "de": {"description": SECRET}}, **more,
    }  # fmt: skip


def marked(*selectors: str, ref: str = RED, **more: Any) -> dict[str, Any]:
    """A campaign with marked properties."""
    marks = [{"marking_ref": ref, "selectors": list(selectors)}] if selectors else []
    more = {"granular_markings": marks, **more} if marks else more
    return campaign("one", description="what it is", object_marking_refs=[CLEAR], **more)


def contents(store: Store, id: str) -> dict[str, Any] | None:
    """What a reader of one's own sees of a translation, in every way the same."""
    view = store.view(store.principal_of_person("reader"))
    seen = view.get(id)
    searched = bool(view.search(SECRET).items)
    rows = [row for row in view.read(Query(types=("language-content",)), 0, 10).rows if row.id == id]
    assert [row.raw for row in rows] == ([] if seen is None else [seen.raw])
    found: dict[str, Any] | None = None if seen is None else json.loads(seen.raw)["contents"]
    assert searched == (found is not None and "de" in found)
    return found


@pytest.fixture
def store(store: Store) -> Store:
    """A node whose partner receives what is clear."""
    store.put_partner(Partner(name="Brussels", organisation="B", country="BEL", receives=("TLP:CLEAR",)))
    return store


def fed(store: Store) -> list[str]:
    """The types in the partner's feed."""
    return [row.id.partition("--")[0] for row in store.feed("Brussels").read(Query(), 0, 10).rows]


@pytest.mark.parametrize("order", ["target first", "translation first", "together"])
def test_the_translation_of_a_marked_property_is_marked(store: Store, order: str) -> None:
    target = marked("description")
    both = [target, translation(target)]
    if order == "together":
        put(store, *both)
    else:
        for one in both if order == "target first" else reversed(both):
            put(store, one)
    assert contents(store, both[1]["id"]) == {"fr": {"name": "un nom"}}
    assert fed(store) == []


@pytest.mark.parametrize("first", [True, False])
def test_the_translation_of_a_closed_object_is_closed(store: Store, first: bool) -> None:
    target = campaign("one", description="what it is", object_marking_refs=[RED])
    both = [target, translation(target)]
    for one in both if first else reversed(both):
        put(store, one)
    assert contents(store, both[1]["id"]) is None
    assert fed(store) == []


def test_what_nobody_marked_is_translated_openly(store: Store) -> None:
    target = marked()
    put(store, translation(target))
    assert contents(store, translation(target)["id"]) == translation(target)["contents"]
    put(store, target)
    assert contents(store, translation(target)["id"]) == translation(target)["contents"]
    assert sorted(fed(store)) == ["campaign", "language-content"]


def test_it_follows_when_the_target_is_relabelled(store: Store) -> None:
    target = marked()
    put(store, target, translation(target))
    for label, seen in (("TLP:RED", False), ("TLP:CLEAR", True), ("TLP:GREEN", True)):
        store.relabel(target["id"], parse_label(label, originator=store.organisation), by="t")
        assert (contents(store, translation(target)["id"]) is not None) == seen
        assert ("language-content" in fed(store)) == (label == "TLP:CLEAR")


def test_a_label_of_its_own_does_not_open_it(store: Store) -> None:
    target = marked("description")
    put(store, target, translation(target, object_marking_refs=[GREEN]))
    store.relabel(translation(target)["id"], parse_label("PUBLIC", originator=store.organisation), by="t")
    assert contents(store, translation(target)["id"]) == {"fr": {"name": "un nom"}}


def test_it_follows_a_definition_that_comes_late(store: Store) -> None:
    target = marked("description", ref=DEFINED)
    definition = {
        "type": "marking-definition", "spec_version": "2.1", "id": DEFINED, "created": "2026-01-01T00:00:00.000Z",
        "extensions": {
            "extension-definition--5d1f7a3e-9c0b-4e0e-8f7b-6b5a0a9c2e41": {
                "extension_type": "property-extension", "policy": "TLP", "classification": "RED",
            }
        },
    }  # fmt: skip
    put(store, target, translation(target))
    assert contents(store, translation(target)["id"]) == translation(target)["contents"]  # own organisation only
    assert fed(store) == []
    put(store, definition)
    assert contents(store, translation(target)["id"]) == {"fr": {"name": "un nom"}}


@pytest.mark.parametrize(
    "broken", [{"contents": ["x"]}, {"object_ref": 7}, {"object_modified": "0000-01-01T00:00:00Z"}]
)
def test_a_broken_one_that_a_pack_keeps_is_taken_in(store: Store, broken: dict[str, Any]) -> None:
    target = marked("description")
    bent = {**translation(target), **broken}
    put(store, target, bent, known_problems={bent["id"]: "shipped so"})
    assert store.custodian().get(bent["id"]) is not None


def test_only_the_version_it_names_counts_where_it_is_here(store: Store) -> None:
    old = marked("description")
    new = marked(modified="2026-02-01T00:00:00.000Z")
    put(store, old, new, translation(old, object_modified="2026-02-01T00:00:00Z"))
    assert contents(store, translation(old)["id"]) == translation(old)["contents"]
    put(store, translation(old, modified="2026-03-01T00:00:00.000Z", object_modified="2026-01-01T00:00:00Z"))
    view = store.view(store.principal_of_person("reader")).get(translation(old)["id"])
    assert view is not None
    assert json.loads(view.raw)["contents"] == {"fr": {"name": "un nom"}}
    put(store, translation(old, modified="2026-04-01T00:00:00.000Z"))
    view = store.view(store.principal_of_person("reader")).get(translation(old)["id"])
    assert view is not None
    assert json.loads(view.raw)["contents"] == {"fr": {"name": "un nom"}}


def test_what_another_source_says_of_the_target_changes_nothing(store: Store) -> None:
    target = campaign("one", description="what it is")
    put(store, target, label=parse_label("TLP:CLEAR", originator=store.organisation))
    put(store, translation(target))
    assert "language-content" in fed(store)
    put(store, target, source=store.partner_source("Brussels"))  # no default label: own organisation only
    assert "language-content" in fed(store)


def test_a_definition_of_a_partner_does_not_reword_a_mark_at_reading(store: Store) -> None:
    forged = {
        "type": "marking-definition", "spec_version": "2.1", "id": DEFINED, "created": "2026-01-01T00:00:00.000Z",
        "extensions": {
            "extension-definition--5d1f7a3e-9c0b-4e0e-8f7b-6b5a0a9c2e41": {
                "extension_type": "property-extension", "policy": "TLP", "classification": "CLEAR",
            }
        },
    }  # fmt: skip
    put(store, forged, source=store.partner_source("Brussels"))
    stated = {"extension_type": "property-extension", "policy": "TLP", "classification": "RED"}
    ours = {**forged, "extensions": {next(iter(forged["extensions"])): stated}}
    outcomes = store.writer(store.own_source()).add(items(ours, marked("description", ref=DEFINED)))
    assert [o.status for o in outcomes] == ["imported", "imported"]  # each source words its own
    seen = store.view(store.principal_of_person("reader")).get(marked()["id"])
    assert seen is not None
    assert "description" not in json.loads(seen.raw)
