"""What is built in is valid, and the same as others have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from stix2 import parsing
from stix2.v21 import common

from kizuna.stix import BUILTIN
from kizuna.stix.builtin import LABEL_EXTENSION, TLP_1, TLP_2
from kizuna.stix.checker import check
from tests.stix_examples import changed

PARSE: Callable[..., Any] = parsing.parse  # untyped


@pytest.mark.parametrize("identifier", BUILTIN)
def test_valid(identifier: str) -> None:
    assert check(BUILTIN[identifier]) == []
    assert BUILTIN[identifier]["id"] == identifier


@pytest.mark.parametrize("theirs", [common.TLP_WHITE, common.TLP_GREEN, common.TLP_AMBER, common.TLP_RED])
def test_same_tlp_as_stix2(theirs: Any) -> None:
    ours = TLP_1[theirs.id]
    assert ours["definition"] == dict(theirs.definition)
    assert PARSE(ours) == theirs


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
