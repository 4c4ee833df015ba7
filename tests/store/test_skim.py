"""The one pass gives what the three careful walks give, whatever the object."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kizuna.stix import canonical, canonical_is_simple, edges
from kizuna.store.skim import skim
from kizuna.store.words import texts

ID = "identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01"
KEYS = st.sampled_from(
    """type id name description lang labels created_by_ref object_refs x_refs x_ref x_refsy x_references
    object_marking_refs granular_markings external_references kill_chain_phases schema definition x extensions""".split()  # noqa: SIM905
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([ID, "", "words", "2026-11-23T09:24:00.000Z", "endsWithZ", "a--b"]),
    st.text(max_size=5),
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_it_is_what_the_walks_give(data: dict[str, Any]) -> None:
    found = skim(data)
    assert found.texts == [text for _, text in texts(data)]
    assert found.links == edges(data)
    assert found.simple in (None, canonical_is_simple(data))
    assert canonical(data, simple=found.simple) == canonical(data)


def test_common_objects_need_one_pass_only() -> None:
    found = skim({
        "type": "report", "name": "n", "object_refs": [ID], "confidence": 5, "lang": "en",
        "external_references": [{"source_name": "s", "x_parts": [1, True, None]}],
    })  # fmt: skip
    assert found == (["n", "s"], [("object_refs[0]", ID)], True)


def test_beyond_the_depth_the_careful_walks_decide() -> None:
    deep: Any = ["bottom"]
    for _ in range(150):
        deep = {"x": deep}
    found = skim({"x": deep, "name": "top"})
    assert found.simple is None
    assert found.texts == ["top"]
