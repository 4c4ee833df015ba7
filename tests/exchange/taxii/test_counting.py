"""Counting agrees with reading, for whatever stands between and inside of the objects."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.exchange.taxii.counting import holds_more

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(VALUES, max_size=20), st.integers(0, 25), st.sampled_from([None, 1]))
def test_it_counts_what_is_listed(values: list[Any], most: int, indent: int | None) -> None:
    assert holds_more(json.dumps({"objects": values}, indent=indent).encode(), most) == (len(values) > most)


@pytest.mark.parametrize(
    "text", [b"", b"[1,2,3]", b'{"objects":5}', b'{"objects":[1,2,3', b'{"more":true}', b"[" * 9999]
)
def test_what_is_no_envelope_holds_none(text: bytes) -> None:
    assert not holds_more(text, 0)


def test_a_name_written_in_another_way_is_the_same_name() -> None:
    assert holds_more(b'{"\\u006fbjects":[1,2,3]}', 2)
