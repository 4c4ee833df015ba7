"""Any value is found by its key, and every key fits an index."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kizuna.store.keyed import LONGEST, keyed


@given(st.text(max_size=2_000), st.text(max_size=2_000))
def test_keys_are_bounded_and_tell_values_apart(one: str, other: str) -> None:
    assert len(keyed(one)) <= LONGEST
    assert len(keyed(one).encode("utf-8", "surrogatepass")) < 2_600
    if one.replace("\0", "␀") != other.replace("\0", "␀"):
        assert keyed(one) != keyed(other)


def test_long_values_that_begin_alike_differ() -> None:
    assert keyed("a" * 10_000 + "b") != keyed("a" * 10_000 + "c")
    assert keyed("a" * LONGEST) == "a" * LONGEST
    assert "\0" not in keyed("x\0" * 1_000)
