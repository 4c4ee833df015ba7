"""Patterns of TAXII's addresses: those of the registry, and never what stands in their places."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.exchange.taxii.routes import OTHER, route_of
from kizuna.web.exits import EXITS, SILENT

REGISTERED = sorted(
    {path for _, path in [*((e.method, e.path) for e in EXITS), *SILENT] if path.startswith("/taxii2/")}
)


@pytest.mark.parametrize("pattern", REGISTERED)
def test_every_registered_address_has_its_pattern(pattern: str) -> None:
    path = re.sub(r"\{\w+\}", "zqcanary", pattern)
    assert route_of(path) == route_of(path.rstrip("/")) == pattern


@given(
    st.lists(
        st.sampled_from(["real", "collections", "objects", "versions", "manifest", "status", "", "zqcanary"]),
        max_size=8,
    )
)
def test_whatever_is_asked_for_is_a_pattern(pieces: list[str]) -> None:
    assert route_of("/".join(["/taxii2", *pieces])) in {*REGISTERED, OTHER}
