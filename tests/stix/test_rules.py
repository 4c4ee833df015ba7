"""Every rule is registered, breakable by an example, and nothing is reported that is not registered."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kizuna.stix
from kizuna.stix.checker import check
from kizuna.stix.rules import RULES
from tests.stix_breaches import BREACHES, COMPANIONS
from tests.stix_examples import VALID

SOURCES = sorted(Path(kizuna.stix.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("kind", VALID)
def test_example_is_clean(kind: str) -> None:
    assert check(VALID[kind]) == []


@pytest.mark.parametrize("rule", BREACHES)
def test_example_breaks_exactly_its_rule(rule: str) -> None:
    problems = BREACHES[rule]()
    assert {problem.rule for problem in problems} == {rule} | COMPANIONS.get(rule, frozenset())
    assert all(problem.severity == RULES[problem.rule].severity for problem in problems)
    assert all(problem.message and problem.section and problem.path for problem in problems)


def test_every_rule_has_an_example() -> None:
    assert BREACHES.keys() == RULES.keys()


def test_sections_and_texts_are_given() -> None:
    for rule in RULES.values():
        assert rule.section[0].isdigit() or rule.section.startswith(("RFC ", "reading limits"))
        assert rule.text.endswith(".")


def _reported(tree: ast.AST) -> set[str]:
    """First elements of tuples in the shape of a finding, and first arguments of the functions that make them."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple) and len(node.elts) == 4:
            first = node.elts[0]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            if node.func.id not in ("mismatch", "problem", "_form", "_remembering", "_text_or_integer"):
                continue
            first = node.args[0]
        else:
            continue
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            names.add(first.value)
    return names


def test_the_source_reports_registered_rules_only() -> None:
    names = set().union(*(_reported(ast.parse(path.read_text("utf-8"))) for path in SOURCES))
    assert len(names) > 80
    assert {name for name in names if "-" in name or name in RULES} <= RULES.keys()
