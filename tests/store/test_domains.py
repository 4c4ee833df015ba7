"""The domain of an object follows from its area, and where that says too little from what it is and whose."""

from __future__ import annotations

import pytest

from kizuna.formats.pack import load
from kizuna.store.areas import area_of
from kizuna.store.domains import DOMAINS, RULES, domain_of


@pytest.mark.parametrize(
    ("area", "type", "source", "domain"),
    [
        ("cyber-defence", "indicator", "own", "cyber"),
        ("strategic-communications", "campaign", "pack:disarm", "information"),
        ("space-security", "report", "partner:Brussels", "space"),
        ("emerging-technologies", "observed-data", "own", "air"),
        ("emerging-technologies", "relationship", "own", "air"),
        ("emerging-technologies", "relationship", "pack:atlas", "cyber"),
        ("emerging-technologies", "attack-pattern", "own", "cyber"),
        ("maritime-security", "report", "own", None),
        (None, "report", "own", None),
    ],
)
def test_of_which_domain_something_is(area: str | None, type: str, source: str, domain: str | None) -> None:
    assert domain_of(area, type, source) == domain


def test_the_table_knows_the_areas_and_the_domains() -> None:
    areas = {one.area for one in load("programme").programme().areas}
    for rule in RULES:
        assert set(rule.areas) <= areas
        assert rule.domain in DOMAINS
    assert (
        domain_of(area_of({"kill_chain_phases": [{"kill_chain_name": "sparta"}]}), "attack-pattern", "own") == "space"
    )
