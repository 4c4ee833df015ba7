"""Selectors find what they name, and say what is missing."""

from __future__ import annotations

import pytest

from kizuna.stix.checker import check
from kizuna.stix.selectors import SELECTOR, Unresolved, resolve, steps
from tests.stix_examples import TLP_GREEN, changed

DATA = {
    "name": "n",
    "labels": ["a", "b"],
    "external_references": [{"url": "u"}],
    "extensions": {"x-y-ext": {"A_b": [1]}},
}


@pytest.mark.parametrize(
    ("selector", "value"),
    [
        ("name", "n"),
        ("labels", ["a", "b"]),
        ("labels.[1]", "b"),
        ("external_references.[0].url", "u"),
        ("extensions.x-y-ext.A_b.[0]", 1),
    ],
)
def test_resolved(selector: str, value: object) -> None:
    assert SELECTOR.fullmatch(selector)
    assert resolve(DATA, selector) == value


@pytest.mark.parametrize(
    "selector", ["other", "labels.[2]", "name.[0]", "labels.a", "name.a", "labels.[" + "9" * 5000 + "]", "labels.[0].x"]
)
def test_unresolved(selector: str) -> None:
    with pytest.raises(Unresolved):
        resolve(DATA, selector)


@pytest.mark.parametrize(
    "selector", ["", "ab", "labels[0]", "labels.[a]", "labels.", ".labels", "Labels", "labels.[-1]", "a b c"]
)
def test_no_selector(selector: str) -> None:
    assert not SELECTOR.fullmatch(selector)


def test_steps() -> None:
    assert steps("labels.[10].x") == ("labels", 10, "x")


def test_several_selectors_are_told_one_by_one() -> None:
    mark = {"marking_ref": TLP_GREEN, "selectors": ["name", "missing", "labels.[5]"]}
    problems = check(changed("campaign", granular_markings=[mark]))
    assert [one.path for one in problems] == ["granular_markings[0].selectors[1]", "granular_markings[0].selectors[2]"]
