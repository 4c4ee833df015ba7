"""What reasons say: a text in both languages for each, whose values are those that are found."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

import kizuna.domains.air.truth as truth
from kizuna.domains.air.truth import WEIGHTS
from kizuna.domains.air.truth.words import OUTSIDE, TEXTS, outside, sentence
from kizuna.formats.track import Finding

SOURCES = sorted(Path(truth.__path__[0]).glob("*.py"))


def given() -> dict[str, set[str]]:
    """By code, the values that every place in the source finds it with; a mapping stands for the keys of the one above it."""
    found: dict[str, set[str]] = {}
    for source in SOURCES:
        tree = ast.parse(source.read_text())
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            dicts = {
                target.id: {key.value for key in node.value.keys if isinstance(key, ast.Constant)}
                for node in ast.walk(function)
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "find":
                    code = node.args[0]
                    names: set[str] = set()
                    for keyword in node.keywords:
                        if keyword.arg is not None:
                            names.add(keyword.arg)
                        elif isinstance(keyword.value, ast.Name):
                            names |= {str(name) for name in dicts[keyword.value.id]}
                    codes = [code.value] if isinstance(code, ast.Constant) else _QUIRKS
                    for each in codes:
                        found[str(each)] = found[str(each)] & names if str(each) in found else names
    return found


_QUIRKS = ["unknown-version", "impossible-value", "unknown-code", "reserved-bits", "pack-cut-short", "no-rates"]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_each_reason_has_a_weight_and_a_text() -> None:
    assert TEXTS.keys() == WEIGHTS.keys() == given().keys()
    assert all(0 < weight <= 1 for weight in WEIGHTS.values())


@pytest.mark.parametrize("code", WEIGHTS)
def test_texts_in_both_languages_name_values_that_are_found(code: str) -> None:
    english, japanese = TEXTS[code]["en"], TEXTS[code]["ja"]
    assert placeholders(english) | placeholders(japanese) <= given()[code]
    values: dict[str, float | str] = dict.fromkeys(given()[code], 1234.5)
    for language in ("en", "ja"):
        said = sentence(Finding(code, 1.0, 0, values), language)
        assert not re.search(r"[{}–]", said)
    assert re.search(r"[぀-ヿ一-鿿]", japanese)


def test_values_are_written_as_people_do() -> None:
    finding = Finding("jump", 0.7, 0, {"metres": 12345.0, "seconds": 0.1, "speed": 123450, "limit": 60.0})
    assert sentence(finding).startswith("moved 12,345 m within 0.1 s, 123,450 m/s; ")


def test_what_a_partner_sent_may_lack_values_or_be_unknown() -> None:
    assert sentence(Finding("jump", 1.0, 0, {"metres": "{speed.__class__}"})).startswith(
        "moved {speed.__class__} m within – s"
    )
    assert sentence(Finding("unheard-of", 1.0, 0)) == "unheard-of"


@pytest.mark.parametrize("code", ["too-strong", "out-of-range", "out-of-view", "signal-flat"])
def test_what_would_tell_where_the_sensor_is_is_told_without_numbers(code: str) -> None:
    found = Finding(code, 0.3, 5, dict.fromkeys(given()[code], 1234.5))
    told = outside(found)
    assert told == Finding(code, 0.3, 5)
    for language in ("en", "ja"):
        assert sentence(told, language) == OUTSIDE[code][language]
        assert not re.search(r"[0-9{}–]", sentence(told, language))
