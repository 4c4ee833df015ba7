"""From the text of a pattern to its tree: precedence, and what section 9 demands beyond the grammar."""

from __future__ import annotations

import re
from collections.abc import Callable

from kizuna.stix import timestamps

from .tokens import CONSTANTS, KEYWORDS, PatternError, Token, constant, integer, timestamp, token, unquote
from .tree import (
    And,
    Comparison,
    Constant,
    FollowedBy,
    Node,
    ObjectPath,
    Observation,
    ObservationExpression,
    Or,
    Qualified,
    Qualifier,
    Repeats,
    StartStop,
    Step,
    Within,
)

MAX_LENGTH = 1_000_000
"""Characters of a pattern."""

MAX_DEPTH = 32
"""Parentheses in parentheses."""

MAX_QUALIFIERS = 4
"""Qualifiers behind one another."""

_STEP = r"(?:[A-Za-z_][A-Za-z0-9_]*+|'[^'\\]*+')"
# The plainest comparison, by far the most frequent: path, operator, a string without escapes or a short integer.
_PLAIN = re.compile(
    rf" *+([A-Za-z_][A-Za-z0-9_-]*+):({_STEP})(?:\.({_STEP})|(?!))?+ *+(=|!=|<=|>=|[<>]|LIKE|MATCHES) *+"
    r"(?:'([^'\\]*+)'|(0|[1-9][0-9]{0,17}(?![0-9.]))) *+(?=(\]|(?:AND|OR)(?![A-Za-z0-9_-])|\)))"
)
_ORDER = frozenset(("<", "<=", ">", ">="))
_TEXTUAL = frozenset(("LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"))
_HYPHEN = "a name with a hyphen is written in quotation marks"


def parse(text: str) -> ObservationExpression:
    """The tree of a STIX 2.1 pattern. Raises PatternError."""
    if text[:1] == "[":
        match = _PLAIN.match(text, 1)
        if match is not None and match[7] == "]" and match.end() + 1 == len(text):
            plain = _plain(match)
            if plain is not None:
                return Observation(plain)
    if len(text) > MAX_LENGTH:
        raise PatternError(MAX_LENGTH, f"a pattern of {len(text)} characters; the limit is {MAX_LENGTH}")
    return _Parser(text).pattern()


_latest: tuple[str, ObservationExpression | None] = ("", None)


def parse_latest(text: str) -> ObservationExpression:
    """As `parse`, remembering the last tree: an object is checked, and then read, by its one pattern."""
    global _latest  # one assignment of a pair: safe between threads, of which each at worst parses again
    known, tree = _latest
    if tree is None or known != text:
        tree = parse(text)
        _latest = (text, tree)
    return tree


def _plain(match: re.Match[str]) -> Comparison | None:
    """The comparison of a plain match, or None where a keyword stands for a name or the operator wants a string."""
    kind, first, second, operator, string, number, _ = match.groups()
    if kind in KEYWORDS or first in KEYWORDS or second in KEYWORDS:
        return None
    if string is None and operator in _TEXTUAL:
        return None
    steps = (_step(first),) if second is None else (_step(first), _step(second))
    return Comparison(ObjectPath(kind, steps), operator, int(number) if string is None else string)


def _step(text: str) -> str:
    return text[1:-1] if text[0] == "'" else text


class _Parser:
    """One pass over one pattern; `token` is the one to be looked at next."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self._token = token(text, 0)

    def pattern(self) -> ObservationExpression:
        tree = self._followed_by()
        if self._token.kind != "end":
            raise self._wrong("an observation operator, a qualifier or the end")
        return tree

    # Words

    def _next(self) -> Token:
        """Take the token and look at the one behind it."""
        taken = self._token
        self._token = token(self._text, taken.end)
        return taken

    def _take(self, kind: str, wanted: str | None = None) -> Token:
        if self._token.kind != kind:
            raise self._wrong(wanted or kind)
        return self._next()

    def _wrong(self, wanted: str) -> PatternError:
        found = self._token
        text = found.text if len(found.text) <= 40 else found.text[:39] + "…"
        return PatternError(found.start, f"expected {wanted}, found {text!r}" if text else f"expected {wanted}")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise PatternError(self._token.start, f"parentheses nested deeper than {MAX_DEPTH} levels")

    # Observation expressions: AND binds tighter than OR, OR tighter than FOLLOWEDBY (section 9.6)

    def _followed_by(self) -> ObservationExpression:
        operands = [self._any()]
        while self._token.kind == "FOLLOWEDBY":
            self._next()
            operands.append(self._any())
        if len(operands) == 1:
            return operands[0]
        if isinstance(operands[0], FollowedBy):  # it groups from the left
            operands[:1] = operands[0].operands  # type: ignore[assignment]
        return FollowedBy(tuple(operands))

    def _any(self) -> ObservationExpression:
        operands = [self._all()]
        while self._token.kind == "OR":
            self._next()
            operands.append(self._all())
        return operands[0] if len(operands) == 1 else Or(_flat(Or, operands))

    def _all(self) -> ObservationExpression:
        operands = [self._qualified()]
        while self._token.kind == "AND":
            self._next()
            operands.append(self._qualified())
        return operands[0] if len(operands) == 1 else And(_flat(And, operands))

    def _qualified(self) -> ObservationExpression:
        simple = self._token.kind == "["
        operand = self._observation()
        used = _qualifiers(operand)
        while (read := _QUALIFIERS.get(self._token.kind)) is not None:
            start = self._token.start
            qualifier = read(self)
            if simple and type(qualifier) in used:
                raise PatternError(start, "an observation has each kind of qualifier once")
            if len(used) == MAX_QUALIFIERS:
                raise PatternError(start, f"more than {MAX_QUALIFIERS} levels of qualifiers")
            used.append(type(qualifier))
            operand = Qualified(operand, qualifier)
        return operand

    def _observation(self) -> ObservationExpression:
        if self._token.kind == "(":
            self._deeper()
            self._next()
            tree = self._followed_by()
            self._take(")")
            self._depth -= 1
            return tree
        opening = self._token
        if opening.kind != "[":
            raise self._wrong("'[' or '('")
        expression = self._any_comparison(opening.end)
        self._take("]", "AND, OR or ']'")
        return Observation(expression)

    # Qualifiers

    def _within(self) -> Qualifier:
        self._next()
        of = self._token
        if of.kind not in ("integer", "float"):
            raise self._wrong("a number of seconds")
        self._next()
        seconds = constant(of)
        if not (isinstance(seconds, (int, float)) and seconds > 0) or of.text[0] == "-":
            raise PatternError(of.start, "WITHIN takes more than 0 seconds")
        self._take("SECONDS")
        return Within(seconds)

    def _repeats(self) -> Qualifier:
        self._next()
        of = self._take("integer", "a number of times")
        times = integer(of)
        if times < 1:
            raise PatternError(of.start, "REPEATS takes at least 1 time")
        self._take("TIMES")
        return Repeats(times)

    def _start_stop(self) -> Qualifier:
        self._next()
        start = timestamp(self._take("timestamp", "a timestamp such as t'2014-01-13T07:03:17Z'"))
        self._take("STOP")
        of = self._take("timestamp", "a timestamp such as t'2014-01-13T07:03:17Z'")
        stop = timestamp(of)
        if not timestamps.is_before(start.text, stop.text):
            raise PatternError(of.start, "START must be earlier than STOP")
        return StartStop(start, stop)

    # Comparison expressions; `start` is where the first one may begin. The token is then the one behind them.

    def _any_comparison(self, start: int) -> Comparison | And | Or:
        operands = [self._all_comparisons(start)]
        while self._token.kind == "OR":
            operands.append(self._all_comparisons(self._token.end))
        return operands[0] if len(operands) == 1 else Or(_flat(Or, operands))

    def _all_comparisons(self, start: int) -> Comparison | And | Or:
        operands, starts = [self._comparison(start)], [start]
        while self._token.kind == "AND":
            starts.append(self._token.end)
            operands.append(self._comparison(starts[-1]))
        if len(operands) == 1:
            return operands[0]
        self._same_object(operands, starts)
        return And(_flat(And, operands))

    def _same_object(self, operands: list[Comparison | And | Or], starts: list[int]) -> None:
        """What AND joins in one observation is asked of one object, so of one type (section 9.5)."""
        first = operands[0]
        if isinstance(first, Comparison):
            kind = first.path.type
            if all(isinstance(one, Comparison) and one.path.type == kind for one in operands):
                return
        common = _types(first)
        for operand, start in zip(operands, starts, strict=True):
            if not common & _types(operand):
                raise PatternError(
                    token(self._text, start).start,
                    f"AND asks of one object: {', '.join(sorted(common))} and {', '.join(sorted(_types(operand)))}",
                )
            common &= _types(operand)

    def _comparison(self, start: int) -> Comparison | And | Or:
        match = _PLAIN.match(self._text, start)
        plain = _plain(match) if match is not None else None
        if match is not None and plain is not None:
            self._token = Token(match[7], match[7], match.start(7), match.end(7))
            return plain
        self._token = token(self._text, start)
        if self._token.kind == "(":
            self._deeper()
            expression = self._any_comparison(self._token.end)
            self._take(")", "AND, OR or ')'")
            self._depth -= 1
            return expression
        return self._test()

    def _test(self) -> Comparison:
        negated = self._token.kind == "NOT"
        if negated or self._token.kind == "EXISTS":
            if negated:
                self._next()
            self._take("EXISTS", "EXISTS")
            return Comparison(self._path(), "EXISTS", None, negated)
        path = self._path()
        if self._token.kind == "NOT":
            negated = True
            self._next()
        operator = self._token.kind
        if operator in ("=", "!="):
            self._next()
            return Comparison(path, operator, self._constant(), negated)
        if operator in _ORDER:
            self._next()
            if self._token.kind in ("true", "false"):
                raise self._wrong("a constant that has an order")
            return Comparison(path, operator, self._constant(), negated)
        if operator in _TEXTUAL:
            self._next()
            return Comparison(path, operator, unquote(self._take("string", "a string").text), negated)
        if operator == "IN":
            self._next()
            return Comparison(path, operator, self._set(), negated)
        raise self._wrong("a comparison operator")

    def _constant(self) -> Constant:
        of = self._token
        if of.kind not in CONSTANTS:
            raise self._wrong("a constant")
        value = constant(of)
        self._next()
        return value

    def _set(self) -> tuple[Constant, ...]:
        self._take("(", "'('")
        if self._token.kind == ")":
            self._next()
            return ()
        values = [self._constant()]
        while self._token.kind == ",":
            self._next()
            values.append(self._constant())
        self._take(")", "',' or ')'")
        return tuple(values)

    # Object paths

    def _path(self) -> ObjectPath:
        kind = self._take("word", "a comparison such as ipv4-addr:value = '198.51.100.1'").text
        self._take(":", "':' and a property")
        steps: list[Step] = [self._name()]
        while self._token.kind in (".", "["):
            if self._next().kind == ".":
                steps.append(self._name())
            else:
                steps.append(self._index())
                self._take("]", "']'")
        return ObjectPath(kind, tuple(steps))

    def _name(self) -> str:
        if self._token.kind == "string":
            return unquote(self._next().text)
        of = self._take("word", "a property")
        if "-" in of.text:
            raise PatternError(of.start, _HYPHEN)
        return of.text

    def _index(self) -> int | None:
        if self._token.kind == "*":
            self._next()
            return None
        return integer(self._take("integer", "an index or '*'"))


_QUALIFIERS: dict[str, Callable[[_Parser], Qualifier]] = {
    "WITHIN": _Parser._within,
    "REPEATS": _Parser._repeats,
    "START": _Parser._start_stop,
}


def _flat(
    kind: type[And] | type[Or], operands: list[Node] | list[Comparison | And | Or] | list[ObservationExpression]
) -> tuple[Node, ...]:
    """Operands with those of the same operator in parentheses taken up: both operators are associative."""
    found: list[Node] = []
    for one in operands:
        if isinstance(one, kind):
            found.extend(one.operands)
        else:
            found.append(one)
    return tuple(found)


def _qualifiers(operand: ObservationExpression) -> list[type]:
    """The kinds of the qualifiers that an expression ends with."""
    found: list[type] = []
    while isinstance(operand, Qualified):
        found.append(type(operand.qualifier))
        operand = operand.operand
    return found


def _types(expression: Node) -> frozenset[str]:
    """The types of object an expression can hold for."""
    if isinstance(expression, Comparison):
        return frozenset((expression.path.type,))
    sets = [_types(one) for one in expression.operands]  # type: ignore[union-attr]
    return frozenset.intersection(*sets) if isinstance(expression, And) else frozenset.union(*sets)
