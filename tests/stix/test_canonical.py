"""Canonical JSON is RFC 8785, always: the fast path against the reference implementation."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import InvalidInput
from kizuna.stix.canonical import canonical, digest

SAFE = 2**53 - 1
TRICKY = st.sampled_from(
    ["1.5", ":1.5", ",2e3", "[3.", '":4.0', "null", "é", "\ufb33", "😀", "\u2028", "\x7f", "\x00", "9" * 20]
)
STRINGS = st.text() | TRICKY
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | STRINGS
    | st.sampled_from([1e21, 1e-7, -0.0, 5e-324, 1.0, 123456789012345680.0])
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(STRINGS, inner), max_leaves=20)


@given(JSON)
def test_is_what_the_reference_gives(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(st.integers())
def test_integers_are_exact_or_refused(number: int) -> None:
    if abs(number) <= SAFE:
        assert canonical({"n": number}) == b'{"n":%d}' % number
    else:
        with pytest.raises(InvalidInput):
            canonical({"n": number})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 2**53, -(2**53), 10**400, "\ud800"])
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"a": v}, lambda v: {"a": [0, {"b": v}]}])
def test_what_is_not_i_json_is_refused(value: Any, wrap: Any) -> None:
    with pytest.raises(InvalidInput):
        canonical(wrap(value))


def test_too_deep_is_refused_not_raised() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidInput):
        canonical(deep)


def test_keys_are_ordered_by_utf_16() -> None:
    value = {"\ufb33": 1, "\U0001f600": 2, "a": 3}
    assert list(json.loads(canonical(value))) == ["a", "\U0001f600", "\ufb33"]


def test_order_of_keys_does_not_change_the_digest() -> None:
    assert (
        digest({"b": 1, "a": [1, 2]}) == digest({"a": [1, 2], "b": 1}) == hashlib.sha256(b'{"a":[1,2],"b":1}').digest()
    )
    assert digest({"a": [1, 2]}) != digest({"a": [2, 1]})
