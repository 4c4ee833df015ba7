"""Ids of renditions: equal for equal views, and for no other."""

from __future__ import annotations

import re
import uuid

from hypothesis import given
from hypothesis import strategies as st

from kizuna.store.views import Cut, _parts, rendition_id, views

KEY = b"k" * 32
IDS = [f"campaign--{uuid.UUID(int=i, version=4)}" for i in range(8)]
graphs = st.dictionaries(
    st.sampled_from(IDS),
    st.builds(Cut, st.sampled_from([b"", b"a", b"b"]), st.lists(st.sampled_from(IDS), max_size=3).map(tuple)),
    max_size=8,
)


def reached(cuts: dict[str, Cut], id: str) -> dict[str, tuple[bytes, frozenset[str]]]:
    """All of a graph that an object leads to."""
    found: dict[str, tuple[bytes, frozenset[str]]] = {}
    todo = [id]
    while todo:
        one = todo.pop()
        if one not in found:
            targets = frozenset(target for target in cuts[one].targets if target in cuts)
            found[one] = (cuts[one].withheld, targets)
            todo += targets
    return found


@given(graphs, graphs)
def test_views_are_equal_where_all_they_lead_to_is(one: dict[str, Cut], other: dict[str, Cut]) -> None:
    first, second = views(one), views(other)
    for id in one.keys() & other.keys():
        assert (first[id] == second[id]) == (reached(one, id) == reached(other, id))


@given(graphs)
def test_no_two_objects_have_one_view(cuts: dict[str, Cut]) -> None:
    found = views(cuts)
    assert found.keys() == cuts.keys()
    assert len(set(found.values())) == len(found)
    assert views(dict(reversed(cuts.items()))) == found


def test_a_long_chain() -> None:
    ids = [f"note--{i}" for i in range(20_000)]
    chain = {id: Cut(b"", [after]) for id, after in zip(ids, [*ids[1:], ids[0]], strict=True)}
    assert len(views(chain)) == 20_000  # one circle
    assert sum(len(part) for part in _parts(chain)) == 20_000


@given(st.binary(max_size=64))
def test_ids_are_of_version_4(view: bytes) -> None:
    made = rendition_id(KEY, IDS[0], view)
    assert re.fullmatch(r"campaign--[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made)
    assert made == rendition_id(KEY, IDS[0], view)
    assert made not in (rendition_id(b"x" * 32, IDS[0], view), rendition_id(KEY, IDS[1], view))
