"""What lies around an object: as much as going from neighbour to neighbour finds, and never what is hidden."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kizuna.labels import parse_label
from kizuna.store import Store
from kizuna.store import around as module
from kizuna.store.around import ENDS, Walk
from kizuna.store.view import View
from tests.builders import RED, campaign, identity, items, named, relationship, report, sdo

HIDDEN = "TLP:RED persons=somebody.else"


def put(store: Store, *objects: dict[str, Any], label: str = "TLP:CLEAR") -> None:
    stated = parse_label(label, originator=store.organisation)
    outcomes = list(store.writer(store.own_source(), label=stated).add(items(*objects)))
    assert {one.status for one in outcomes} <= {"imported", "unchanged"}, outcomes


def eyes(store: Store) -> View:
    return store.view(store.principal_of_person("reader"))


def walked(view: View, start: str, steps: int) -> Walk:
    found = view.around(start, steps)
    assert found is not None
    return found


def ids(view: View, walk: Walk) -> list[str]:
    names = view.ids_of(walk.rows.tolist())
    return [names[row] for row in walk.rows.tolist()]


def far(view: View, start: str, steps: int) -> dict[str, int]:
    """By id, how many steps away it is."""
    walk = walked(view, start, steps)
    return dict(zip(ids(view, walk), walk.steps.tolist(), strict=True))


def pairs(view: View, walk: Walk) -> set[frozenset[str]]:
    names = ids(view, walk)
    return {frozenset((names[source], names[target])) for source, target in walk.links[:, :2].tolist()}


def searched(view: View, start: str, steps: int) -> tuple[dict[str, int], set[frozenset[str]]]:
    """The same by a plain search: from neighbour to neighbour."""
    found, linked, frontier = {start: 0}, set[frozenset[str]](), [start]
    for step in range(1, steps + 1):
        for id in frontier:
            if id == start or id.partition("--")[0] not in ENDS:
                for near in view.neighbours(id, 10_000):
                    linked.add(frozenset((id, near.id)))
                    found.setdefault(near.id, step)
        frontier = [id for id, at in found.items() if at == step]
    return found, linked


def scattered(store: Store, seed: int) -> list[dict[str, Any]]:
    """Objects at random, linked at random, a third of all hidden; some have a newer version that is, some a hidden part."""
    chance = random.Random(seed)
    makers = (campaign, identity, lambda name: sdo("tool", name))
    nodes = [chance.choice(makers)(f"{seed}-{k}") for k in range(chance.randint(4, 14))]
    links: list[dict[str, Any]] = []
    for k in range(chance.randint(3, 30)):
        one, other = chance.sample(nodes, 2)
        links.append(relationship(one, f"related-to-{k}", other))
    for k in range(chance.randint(0, 5)):
        about = chance.sample([*nodes, *links], chance.randint(1, 4))
        marks = [{"selectors": ["object_refs.[0]"], "marking_ref": RED}] if chance.random() < 0.3 else []
        nodes.append(report(f"{seed}-r{k}", about) | ({"granular_markings": marks} if marks else {}))
    everything = [*nodes, *links]
    chance.shuffle(everything)
    for one in everything:
        put(store, one, label=HIDDEN if chance.random() < 0.3 else "TLP:CLEAR")
        if chance.random() < 0.2:
            newer = one | {"modified": "2026-02-02T00:00:00.000Z", "confidence": 50}
            put(store, newer, label=HIDDEN if chance.random() < 0.5 else "TLP:CLEAR")
    return nodes


@pytest.mark.parametrize("seed", range(12))
def test_it_is_what_going_from_neighbour_to_neighbour_finds(store: Store, seed: int) -> None:
    view = eyes(store)
    nodes = scattered(store, seed)
    seen = [one["id"] for one in nodes if view.get(one["id"]) is not None]
    assert len(seen) < len(nodes) or seed not in (0, 1)
    for start in seen[:6]:
        for steps in (1, 2, 3):
            walk = walked(view, start, steps)
            reached = dict(zip(ids(view, walk), walk.steps.tolist(), strict=True))
            assert (reached, pairs(view, walk)) == searched(view, start, steps)
            assert not walk.more
    hidden = [one["id"] for one in nodes if view.get(one["id"]) is None]
    assert all(view.around(id, 3) is None for id in (*hidden, named("campaign", "absent")))


def test_a_relationship_is_one_link_with_its_direction(store: Store) -> None:
    one, other = campaign("one"), campaign("other")
    link = relationship(one, "attributed-to", other)
    put(store, one, other, link)
    view = eyes(store)
    for start in (one, other):
        walk = walked(view, start["id"], 2)
        ((source, target, path, via),) = walk.links.tolist()
        names = ids(view, walk)
        assert (names[source], names[target], path) == (one["id"], other["id"], 0)
        assert view.ids_of([via]) == {via: link["id"]}
    assert far(view, link["id"], 1) == {link["id"]: 0, one["id"]: 1, other["id"]: 1}


def test_what_names_a_relationship_names_both_its_ends(store: Store) -> None:
    one, other = campaign("one"), campaign("other")
    link = relationship(one, "attributed-to", other)
    about = report("about", [link])
    put(store, one, other, link, about)
    assert far(eyes(store), about["id"], 1) == {about["id"]: 0, one["id"]: 1, other["id"]: 1}


def test_a_link_of_which_one_end_is_hidden_is_none(store: Store) -> None:
    one, other = campaign("one"), campaign("other")
    put(store, one, relationship(one, "attributed-to", other))
    put(store, other, label=HIDDEN)
    walk = walked(eyes(store), one["id"], 3)
    assert len(walk.rows) == 1
    assert len(walk.links) == 0


def test_whom_everything_names_leads_on_only_from_itself(store: Store) -> None:
    who = identity("who")
    mine, theirs = (campaign(name, created_by_ref=who["id"]) for name in ("mine", "theirs"))
    put(store, who, mine, theirs)
    view = eyes(store)
    assert far(view, mine["id"], 3) == {mine["id"]: 0, who["id"]: 1}
    assert far(view, who["id"], 1) == {who["id"]: 0, mine["id"]: 1, theirs["id"]: 1}


def test_the_nearest_and_the_newest_come_first_and_bounds_are_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre = campaign("centre")
    put(store, centre)
    for k in range(6):
        put(store, tool := sdo("tool", f"t{k}"), relationship(centre, "uses", tool))
    view = eyes(store)
    walk = walked(view, centre["id"], 2)
    assert ids(view, walk) == [centre["id"], *(named("tool", f"t{k}") for k in (5, 4, 3, 2, 1, 0))]
    narrow = walk.narrowed(None, 3)
    assert ids(view, narrow) == [centre["id"], named("tool", "t5"), named("tool", "t4")]
    assert narrow.links[:, :2].tolist() == [[0, 1], [0, 2]]
    monkeypatch.setattr(module, "MOST_NODES", 4)
    store.walks.clear()
    cut = walked(view, centre["id"], 2)
    assert (len(cut.rows), cut.more) == (4, True)
    monkeypatch.setattr(module, "MOST_LINKS", 2)
    store.walks.clear()
    cut = walked(view, centre["id"], 2)
    assert (len(cut.links), cut.more) == (2, True)
    assert ids(view, cut)[1] == named("tool", "t5")


def test_only_links_with_an_end_of_a_type(store: Store) -> None:
    centre, tool, other = campaign("centre"), sdo("tool", "tool"), campaign("other")
    put(store, centre, tool, other, relationship(centre, "uses", tool), relationship(other, "uses", tool),
        relationship(centre, "related-to", other))  # fmt: skip
    view = eyes(store)
    walk = walked(view, centre["id"], 2)
    types = {name: n for n, name in view.terms(walk.types.tolist()).items()}
    assert {view.terms([n])[n]: count for n, count in walk.counts().items()} == {"campaign": 1, "tool": 1}
    narrow = walk.narrowed(frozenset({types["tool"]}), 100)
    assert len(narrow.rows) == 3
    assert len(narrow.links) == 2
    assert len(walk.links) == 3


def test_what_is_kept_is_kept_for_who_asked_and_until_something_changes(store: Store) -> None:
    one, other = campaign("one"), campaign("other")
    put(store, one)
    put(store, other, relationship(one, "uses", other), label="TLP:RED persons=reader")
    mine, theirs = eyes(store), store.view(store.principal_of_person("another"))
    assert len(walked(mine, one["id"], 1).rows) == 2
    assert len(walked(theirs, one["id"], 1).rows) == 1
    assert walked(mine, one["id"], 1) is walked(mine, one["id"], 1)
    store.relabel(other["id"], parse_label(HIDDEN, originator=store.organisation), by="test")
    assert len(walked(mine, one["id"], 1).rows) == 1
    put(store, third := campaign("third"), relationship(one, "uses", third))
    assert len(walked(mine, one["id"], 1).rows) == 2


def test_a_link_by_a_hidden_part_is_none(store: Store) -> None:
    one, other = campaign("one"), campaign("other")
    marked = report("marked", [one, other]) | {
        "granular_markings": [{"selectors": ["object_refs.[1]"], "marking_ref": RED}]
    }
    put(store, one, other, marked)
    outside = store.view(store.principal_of_person("reader"))
    assert set(far(outside, marked["id"], 1)) == {near.id for near in outside.neighbours(marked["id"])} | {marked["id"]}
    assert np.all(walked(outside, marked["id"], 1).links[:, 3] == 0)


def test_labels_are_those_of_all_that_is_reached(make_store: Callable[..., Store]) -> None:
    store = make_store()
    one, other = campaign("one"), campaign("other")
    put(store, one)
    put(store, other, label="TLP:GREEN")
    put(store, relationship(one, "uses", other), label="TLP:AMBER")
    view = eyes(store)
    levels = {part.classification for label in view.labels_of(walked(view, one["id"], 1)) for part in label.parts}
    assert levels == {"CLEAR", "GREEN", "AMBER"}
