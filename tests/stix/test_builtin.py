"""What is built in is valid, and the same as others have."""

from __future__ import annotations

import pytest
import stix2
from stix_examples import changed

from kizuna.stix import BUILTIN
from kizuna.stix.builtin import LABEL_EXTENSION, TLP_1, TLP_2
from kizuna.stix.checker import check


@pytest.mark.parametrize("identifier", BUILTIN)
def test_valid(identifier: str) -> None:
    assert check(BUILTIN[identifier]) == []
    assert BUILTIN[identifier]["id"] == identifier


@pytest.mark.parametrize("theirs", [stix2.TLP_WHITE, stix2.TLP_GREEN, stix2.TLP_AMBER, stix2.TLP_RED])
def test_same_tlp_as_stix2(theirs: stix2.MarkingDefinition) -> None:
    ours = TLP_1[theirs.id]
    assert ours["definition"] == dict(theirs.definition)
    assert stix2.parse(ours) == theirs


def test_families() -> None:
    assert len(TLP_1) == 4
    assert [one["name"] for one in TLP_2.values()] == [
        "TLP:CLEAR",
        "TLP:GREEN",
        "TLP:AMBER",
        "TLP:AMBER+STRICT",
        "TLP:RED",
    ]
    assert LABEL_EXTENSION in BUILTIN


@pytest.mark.parametrize("identifier", TLP_1)
@pytest.mark.parametrize(
    "change", [{"name": "TLP"}, {"created": "2017-01-20T00:00:00.001Z"}, {"created_by_ref": changed("identity")["id"]}]
)
def test_tlp_is_exactly_as_given(identifier: str, change: dict[str, str]) -> None:
    assert [one.rule for one in check({**TLP_1[identifier], **change})] == ["marking-tlp"]
