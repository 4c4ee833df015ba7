"""The tree of a STIX pattern (section 9): observation expressions over comparison expressions."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

Step = str | int | None
"""One step of an object path: a property or key, a list index, or None for `[*]`."""


class ObjectPath(msgspec.Struct, frozen=True, gc=False):
    """What a comparison looks at: `file:hashes.'SHA-256'` is the type `file` and the steps hashes, SHA-256."""

    type: str
    steps: tuple[Step, ...]


class Hex(msgspec.Struct, frozen=True, gc=False):
    """A constant such as h'ffd8'."""

    value: bytes


class Binary(msgspec.Struct, frozen=True, gc=False):
    """A constant in base64, such as b'AQID'."""

    value: bytes


class Timestamp(msgspec.Struct, frozen=True, gc=False):
    """A constant such as t'2014-01-13T07:03:17Z'; the text has no zeros at the end of its fraction."""

    text: str


Constant = str | int | float | bool | Hex | Binary | Timestamp


class Comparison(msgspec.Struct, frozen=True):
    """One test of one property. `value` is a tuple for IN and None for EXISTS; `operator` is one of `OPERATORS`."""

    path: ObjectPath
    operator: str
    value: Constant | tuple[Constant, ...] | None
    negated: bool = False


OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "IN", "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET", "EXISTS")


class And(msgspec.Struct, frozen=True):
    """All operands hold: comparisons on the same object, or observations. Never nested directly in another And."""

    operands: tuple[Node, ...]


class Or(msgspec.Struct, frozen=True):
    """At least one operand holds. Never nested directly in another Or."""

    operands: tuple[Node, ...]


class FollowedBy(msgspec.Struct, frozen=True):
    """Observations in this order of time."""

    operands: tuple[Node, ...]


class Observation(msgspec.Struct, frozen=True):
    """What is in square brackets: one observed-data must satisfy it."""

    expression: Comparison | And | Or


class Within(msgspec.Struct, frozen=True):
    """All within so many seconds, more than 0."""

    seconds: int | float


class Repeats(msgspec.Struct, frozen=True):
    """So many times, at least 1."""

    times: int


class StartStop(msgspec.Struct, frozen=True):
    """From the first moment, before the second; the first is earlier."""

    start: Timestamp
    stop: Timestamp


Qualifier = Within | Repeats | StartStop


class Qualified(msgspec.Struct, frozen=True):
    """An observation expression under a qualifier."""

    operand: ObservationExpression
    qualifier: Qualifier


ObservationExpression = Observation | Qualified | And | Or | FollowedBy
Node = ObservationExpression | Comparison


def comparisons(tree: Node) -> Iterator[Comparison]:
    """Every comparison of a tree, from left to right."""
    stack: list[Node] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Comparison):
            yield node
        elif isinstance(node, Observation):
            stack.append(node.expression)
        elif isinstance(node, Qualified):
            stack.append(node.operand)
        else:
            stack.extend(reversed(node.operands))


def equalities(tree: Node) -> Iterator[tuple[str, tuple[Step, ...], Constant]]:
    """Type, steps and constant of every test for equality: `=`, each member of `IN`, and `NOT !=`."""
    for one in comparisons(tree):
        if one.operator == ("!=" if one.negated else "="):
            yield one.path.type, one.path.steps, one.value  # type: ignore[misc]
        elif one.operator == "IN" and not one.negated and isinstance(one.value, tuple):
            for value in one.value:
                yield one.path.type, one.path.steps, value
