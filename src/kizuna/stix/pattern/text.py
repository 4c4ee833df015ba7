"""From the tree of a pattern to its canonical text: one spelling for each tree."""

from __future__ import annotations

import base64
import re
from decimal import Decimal

from .tokens import KEYWORDS
from .tree import (
    And,
    Binary,
    Comparison,
    Constant,
    FollowedBy,
    Hex,
    Node,
    ObjectPath,
    Observation,
    Or,
    Qualified,
    Qualifier,
    Repeats,
    Step,
    Within,
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TIGHTNESS: dict[type, int] = {FollowedBy: 0, Or: 1, And: 2}
_WORDS = {FollowedBy: " FOLLOWEDBY ", Or: " OR ", And: " AND "}


def canonical(tree: Node) -> str:
    """The one text of a tree: single spaces, no redundant parentheses, quotation marks only where needed.

    `parse(canonical(tree)) == tree` for every tree that `parse` gives, unless the text is longer than it takes.
    """
    if isinstance(tree, Comparison):
        return _comparison(tree)
    if isinstance(tree, Observation):
        return f"[{canonical(tree.expression)}]"
    if isinstance(tree, Qualified):
        return _qualified(tree)
    return _WORDS[type(tree)].join(_joined(one, tree, index) for index, one in enumerate(tree.operands))


def _joined(operand: Node, parent: And | Or | FollowedBy, index: int) -> str:
    tightness = _TIGHTNESS.get(type(operand))
    loose = tightness is not None and tightness <= _TIGHTNESS[type(parent)]
    return f"({canonical(operand)})" if loose else canonical(operand)


def _qualified(tree: Qualified) -> str:
    """An operand with the qualifiers behind it; in parentheses when composed, or when one kind comes twice."""
    qualifiers = [tree.qualifier]
    operand = tree.operand
    while isinstance(operand, Qualified):
        qualifiers.append(operand.qualifier)
        operand = operand.operand
    plain = isinstance(operand, Observation) and len(set(map(type, qualifiers))) == len(qualifiers)
    text = canonical(operand) if plain else f"({canonical(operand)})"
    return " ".join([text, *map(_qualifier, reversed(qualifiers))])


def _qualifier(of: Qualifier) -> str:
    if isinstance(of, Within):
        return f"WITHIN {_constant(of.seconds)} SECONDS"
    if isinstance(of, Repeats):
        return f"REPEATS {of.times} TIMES"
    return f"START {_constant(of.start)} STOP {_constant(of.stop)}"


def _comparison(of: Comparison) -> str:
    path = _path(of.path)
    negation = "NOT " if of.negated else ""
    if of.operator == "EXISTS":
        return f"{negation}EXISTS {path}"
    value = of.value
    text = f"({', '.join(map(_constant, value))})" if isinstance(value, tuple) else _constant(value)  # type: ignore[arg-type]
    return f"{path} {negation}{of.operator} {text}"


def _path(path: ObjectPath) -> str:
    first, *rest = path.steps
    return f"{path.type}:{_name(str(first))}{''.join(map(_step, rest))}"


def _step(step: Step) -> str:
    if isinstance(step, str):
        return f".{_name(step)}"
    return "[*]" if step is None else f"[{step}]"


def _name(name: str) -> str:
    return name if _NAME.fullmatch(name) and name not in KEYWORDS else _quoted(name)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _constant(value: Constant) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text = format(Decimal(repr(value)), "f")
        return text if "." in text else text + ".0"
    if isinstance(value, Hex):
        return f"h'{value.value.hex()}'"
    if isinstance(value, Binary):
        return f"b'{base64.b64encode(value.value).decode()}'"
    return f"t'{value.text}'"
