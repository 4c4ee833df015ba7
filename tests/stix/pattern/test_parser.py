"""Patterns: what section 9 allows is read, what it forbids is told with its place, and stix2-patterns agrees."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from stix2patterns.validator import run_validator

from kizuna.stix.pattern import (
    MAX_LENGTH,
    And,
    Binary,
    Comparison,
    FollowedBy,
    Hex,
    ObjectPath,
    Observation,
    ObservationExpression,
    Or,
    PatternError,
    Qualified,
    Repeats,
    StartStop,
    Timestamp,
    Within,
    canonical,
    equalities,
    parse,
)


def comparison(path: str, value: Any, operator: str = "=", negated: bool = False) -> Comparison:
    kind, _, steps = path.partition(":")
    return Comparison(ObjectPath(kind, tuple(steps.split("."))), operator, value, negated)


A, B, C = (Observation(comparison(f"{name}:b", 1)) for name in "acd")
START, STOP = "t'2016-06-01T00:00:00Z'", "t'2016-07-01T00:00:00.5Z'"

TREES: list[tuple[str, ObservationExpression]] = [
    ("[ipv4-addr:value = '198.51.100.1']", Observation(comparison("ipv4-addr:value", "198.51.100.1"))),
    ("[ a : b\n==\t1 ]", A),
    ("/* x */ [a:b = 1] // end", A),
    ("([a:b = 1])", A),
    ("[(a:b = 1)]", A),
    ("[a:b = 1] AND [c:b = 1] OR [d:b = 1]", Or((And((A, B)), C))),
    ("[a:b = 1] OR [c:b = 1] AND [d:b = 1]", Or((A, And((B, C))))),
    ("[a:b = 1] AND ([c:b = 1] OR [d:b = 1])", And((A, Or((B, C))))),
    ("[a:b = 1] OR [c:b = 1] FOLLOWEDBY [d:b = 1]", FollowedBy((Or((A, B)), C))),
    ("[a:b = 1] FOLLOWEDBY [c:b = 1] FOLLOWEDBY [d:b = 1]", FollowedBy((A, B, C))),
    ("([a:b = 1] FOLLOWEDBY [c:b = 1]) FOLLOWEDBY [d:b = 1]", FollowedBy((A, B, C))),
    ("[a:b = 1] FOLLOWEDBY ([c:b = 1] FOLLOWEDBY [d:b = 1])", FollowedBy((A, FollowedBy((B, C))))),
    ("[a:b = 1] AND ([c:b = 1] AND [d:b = 1])", And((A, B, C))),
    (
        "[a:b = 1 OR a:c = 2 AND a:d = 3]",
        Observation(Or((comparison("a:b", 1), And((comparison("a:c", 2), comparison("a:d", 3)))))),
    ),
    (
        "[(a:b = 1 OR a:c = 2) AND a:d = 3]",
        Observation(And((Or((comparison("a:b", 1), comparison("a:c", 2))), comparison("a:d", 3)))),
    ),
    ("[a:b = 1] AND [c:b = 1] WITHIN 5 SECONDS", And((A, Qualified(B, Within(5))))),
    ("([a:b = 1] AND [c:b = 1]) WITHIN 0.5 SECONDS", Qualified(And((A, B)), Within(0.5))),
    ("[a:b = 1] REPEATS 2 TIMES WITHIN 5 SECONDS", Qualified(Qualified(A, Repeats(2)), Within(5))),
    (
        f"[a:b = 1] START {START} STOP {STOP}",
        Qualified(A, StartStop(Timestamp("2016-06-01T00:00:00Z"), Timestamp("2016-07-01T00:00:00.5Z"))),
    ),
    ("[a:b NOT IN ('x', 'y')]", Observation(comparison("a:b", ("x", "y"), "IN", True))),
    ("[a:b IN ()]", Observation(comparison("a:b", (), "IN"))),
    ("[NOT EXISTS a:b]", Observation(comparison("a:b", None, "EXISTS", True))),
    ("[a:b NOT = true]", Observation(comparison("a:b", True, "=", True))),
    ("[a:b <> 'x']", Observation(comparison("a:b", "x", "!="))),
    ("[a:b >= -1.50]", Observation(comparison("a:b", -1.5, ">="))),
    ("[a:b = +7]", Observation(comparison("a:b", 7))),
    ("[a:b = .5]", Observation(comparison("a:b", 0.5))),
    ("[a:b = h'fFd8']", Observation(comparison("a:b", Hex(b"\xff\xd8")))),
    ("[a:b = b'AQI=']", Observation(comparison("a:b", Binary(b"\x01\x02")))),
    ("[a:b = t'2014-01-13T07:03:17.100Z']", Observation(comparison("a:b", Timestamp("2014-01-13T07:03:17.1Z")))),
    (r"[a:b LIKE '\\\'%']", Observation(comparison("a:b", "\\'%", "LIKE"))),
    ("[a:b MATCHES '絆.+']", Observation(comparison("a:b", "絆.+", "MATCHES"))),
    ("[a:b ISSUBSET '198.51.100.0/24']", Observation(comparison("a:b", "198.51.100.0/24", "ISSUBSET"))),
    ("[a:b.'c-d'.e = 1]", Observation(comparison("a:b.c-d.e", 1))),
    (
        "[a:'b'[*].c_ref[-1][0].'\\'' = 1]",
        Observation(Comparison(ObjectPath("a", ("b", None, "c_ref", -1, 0, "'")), "=", 1)),
    ),
]


@pytest.mark.parametrize(("text", "tree"), TREES)
def test_trees(text: str, tree: ObservationExpression) -> None:
    assert parse(text) == tree
    assert parse(canonical(tree)) == tree


WRONG = [
    ("", 0, "expected '[' or '('"),
    ("   ", 3, "expected"),
    ("file:size = 1280", 0, "expected '[' or '('"),
    ("[file:size = ]", 13, "expected a constant"),
    ("[file:size]", 10, "expected a comparison operator"),
    ("[file.size = 1280]", 5, "expected ':'"),
    ("[file:name MATCHES /.*/]", 19, "unexpected"),
    ("[file:name MATCHES 5]", 19, "expected a string"),
    ("[file:name ISSUBSET ]", 20, "expected a string"),
    ("[file:name > true]", 13, "order"),
    ("[file:a-b = 1]", 6, "hyphen"),
    ("[file:AND = 1]", 6, "expected a property"),
    ("[true:a = 1]", 1, "expected a comparison"),
    ("[file:name IN 'a']", 14, "expected '('"),
    ("[file:name IN ('a',)]", 19, "expected a constant"),
    ("[file:name IN ('a' 'b')]", 19, "expected ',' or ')'"),
    ("[file:name NOT EXISTS]", 15, "comparison operator"),
    ("[a:b = 1", 8, "expected AND, OR or ']'"),
    ("[a:b = 1] [a:b = 1]", 10, "expected an observation operator"),
    ("[a:b = 1] and [a:b = 1]", 10, "expected an observation operator"),
    ("([a:b = 1]", 10, "expected )"),
    ("[(a:b = 1]", 9, "expected AND, OR or ')'"),
    ("[a:b = 'x]", 7, "unexpected"),
    (r"[a:b = 'x\n']", 7, "unexpected"),
    ("[a:b = h'abc']", 7, "expected a constant"),
    ("[a:b = b'====']", 7, "expected a constant"),
    ("[a:b = t'2014-01-13']", 7, "expected a constant"),
    ("[a:b = t'2014-02-30T00:00:00Z']", 7, "calendar"),
    ("[a:b = 01]", 8, "expected AND, OR or ']'"),
    (f"[a:b = {'9' * 101}]", 7, "digits"),
    (f"[a:b = 0.{'9' * 101}]", 7, "digits"),
    (f"[a:b[{'9' * 5000}] = 1]", 5, "digits"),
    ("[a:b = 1] WITHIN 0 SECONDS", 17, "more than 0"),
    ("[a:b = 1] WITHIN 0.0 SECONDS", 17, "more than 0"),
    ("[a:b = 1] WITHIN -5 SECONDS", 17, "more than 0"),
    ("[a:b = 1] WITHIN 5 HOURS", 19, "expected SECONDS"),
    ("[a:b = 1] REPEATS 0 TIMES", 18, "at least 1"),
    ("[a:b = 1] REPEATS 1.5 TIMES", 18, "number of times"),
    ("[a:b = 1] REPEATS 2 TIMES REPEATS 2 TIMES", 26, "once"),
    (f"[a:b = 1] START {STOP} STOP {START}", 22 + len(STOP), "earlier"),
    (f"[a:b = 1] START {START} STOP {START}", 22 + len(START), "earlier"),
    ("[a:b = 1] START '2016' STOP '2017'", 16, "timestamp"),
    ("[a:b = 1 AND c:d = 1]", 13, "AND asks of one object: a and c"),
    ("[(a:b = 1 OR c:d = 1) AND e:f = 1]", 26, "AND asks of one object"),
    ("[" * 1_000, 1, "expected a comparison"),
    ("(" * 33 + "[a:b = 1]", 32, "32 levels"),
    ("[" + "(" * 33 + "a:b = 1", 33, "32 levels"),
    ("(" * 20 + "[" + "(" * 20 + "a:b = 1", 33, "32 levels"),
    ("([a:b = 1])" + " REPEATS 2 TIMES" * 5, 76, "4 levels"),
    ("[a:b = 1]" + " " * MAX_LENGTH, MAX_LENGTH, "limit"),
    ("/* " * 1_000, 0, "unexpected"),
    ("[a:b = '\ud800", 7, "unexpected"),
]


def wrong(text: str) -> PatternError | None:
    try:
        parse(text)
    except PatternError as error:
        return error
    return None


@pytest.mark.parametrize(("text", "position", "message"), WRONG)
def test_errors_tell_their_place(text: str, position: int, message: str) -> None:
    error = wrong(text)
    assert error is not None
    assert message in error.message
    assert error.position == position


def test_the_deepest_tree_is_written_and_read_again() -> None:
    text = "[a:b = 1]"
    for _ in range(32):
        text = f"({text} OR [c:d = 1]){' REPEATS 2 TIMES' * 4}"
    tree = parse(text)
    assert parse(canonical(tree)) == tree


def test_objects_that_may_be_the_same_may_be_joined_by_and() -> None:
    parse("[(a:b = 1 OR c:d = 1) AND a:f = 1]")


def test_equalities_are_what_is_looked_for() -> None:
    tree = parse("[a:b = 1 OR a:c IN ('x', 'y') OR a:d NOT != 2 OR a:e != 3 OR a:f NOT IN (4) OR a:g LIKE 'z']")
    assert [(steps, value) for _, steps, value in equalities(tree)] == [
        (("b",), 1),
        (("c",), "x"),
        (("c",), "y"),
        (("d",), 2),
    ]


# Generated patterns, with stix2-patterns as an oracle.


def oracle(text: str) -> list[str]:
    """What stix2-patterns finds wrong. It falls over negative indices, which its grammar allows."""
    try:
        return list(run_validator(text))
    except AttributeError:
        assume(False)
        raise


TYPES = st.sampled_from(["file", "ipv4-addr", "x-own_type", "network-traffic"])
NAMES = st.sampled_from(
    ["name", "size", "_a", "value_ref", "IN2", "'ntfs-ext'", "'IN'", "'it\\'s'", "'絆'", "t", "h", "b"]
)
STEPS = st.lists(NAMES.map(".{}".format) | st.sampled_from(["[*]", "[0]", "[12]"]), max_size=3).map("".join)
STRINGS = st.text(st.sampled_from("ab'\\ %_[]()絆\n"), max_size=5).map(
    lambda text: "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
)
ORDERED = (
    STRINGS
    | st.integers(-(10**20), 10**20).map(str)
    | st.floats(-1e9, 1e9).map("{:.6f}".format)
    | st.sampled_from(["+5", ".5", "-.25", "h''", "h'0aF9'", "b'AQ=='", "b'AQI='", "b'AQID'"])
    | st.sampled_from(["t'2016-06-01T01:30:00Z'", "t'2016-12-31T23:59:60.000Z'"])
)
CONSTANTS = ORDERED | st.sampled_from(["true", "false"])
SPACE = st.sampled_from([" ", "\n", "\t ", " /* c */ ", "\u3000"])


@st.composite
def single_tests(draw: st.DrawFn, kind: str) -> str:
    path = f"{kind}:{draw(NAMES)}{draw(STEPS)}"
    form = draw(st.integers(0, 4))
    if form == 0:
        return draw(st.sampled_from(["", "NOT "])) + f"EXISTS {path}"
    negation, space = draw(st.sampled_from(["", " NOT"])), draw(SPACE)
    if form == 1:
        return f"{path}{negation} {draw(st.sampled_from(['=', '!=', '==', '<>']))}{space}{draw(CONSTANTS)}"
    if form == 2:
        return f"{path}{negation} {draw(st.sampled_from(['<', '<=', '>', '>=']))}{space}{draw(ORDERED)}"
    if form == 3:
        return f"{path}{negation} IN{space}({','.join(draw(st.lists(CONSTANTS, max_size=3)))})"
    return (
        f"{path}{negation} {draw(st.sampled_from(['LIKE', 'MATCHES', 'ISSUBSET', 'ISSUPERSET']))}{space}{draw(STRINGS)}"
    )


def _joined(operands: st.SearchStrategy[str], words: list[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(operands, st.sampled_from(words), operands)
    return pair.map(lambda parts: f"{parts[0]} {parts[1]} {parts[2]}") | operands.map("({})".format)


COMPARISONS = TYPES.flatmap(
    lambda kind: st.recursive(single_tests(kind), lambda inner: _joined(inner, ["AND", "OR"]), max_leaves=4)
)
QUALIFIERS = st.sampled_from(
    ["", "", " WITHIN 5 SECONDS", " WITHIN 0.5 SECONDS", " REPEATS 3 TIMES", f" START {START} STOP {STOP}"]
)
OBSERVATIONS = st.recursive(
    st.tuples(COMPARISONS, QUALIFIERS).map(lambda parts: f"[{parts[0]}]{parts[1]}"),
    lambda inner: st.tuples(_joined(inner, ["AND", "OR", "FOLLOWEDBY"]), QUALIFIERS).map(
        lambda parts: f"({parts[0]}){parts[1]}"
    ),
    max_leaves=4,
)


@settings(max_examples=40, deadline=None)
@given(OBSERVATIONS)
def test_what_is_allowed_is_read_and_has_one_canonical_text(text: str) -> None:
    tree = parse(text)
    assert parse(canonical(tree)) == tree
    assert canonical(parse(canonical(tree))) == canonical(tree)
    assert oracle(text) == []


# Where we say no and stix2-patterns yes: what section 9 demands of the sense and its grammar cannot say, and our bounds.
STRICTER = (
    "calendar",
    "this time",
    "leap",
    "more than 0",
    "at least 1",
    "earlier",
    "AND asks",
    "digits",
    "levels",
    "limit",
)
SPLICES = st.sampled_from(
    """[ ] ( ) , . : = < > ' \\ NOT IN AND OR EXISTS LIKE WITHIN SECONDS START STOP REPEATS TIMES true 0 1 -1 .5 h'a' b'A' t''
    a 'x' a:b * [*] a-b FOLLOWEDBY /* // ISSUBSET""".split()  # noqa: SIM905
)


@settings(max_examples=60, deadline=None)
@given(OBSERVATIONS, SPLICES, st.data())
def test_a_changed_pattern_is_judged_as_stix2_patterns_judges_it(text: str, splice: str, data: st.DataObject) -> None:
    place, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    changed = text[:place] + f" {splice} " + text[min(end, place + 5) :]
    theirs, ours = oracle(changed), wrong(changed)
    if ours is None:
        # They check the lengths of hashes, too, which is no matter of the pattern language.
        assert all("hash" in one for one in theirs), theirs
    elif not theirs:
        assert any(word in ours.message for word in STRICTER), ours.message


@given(st.text(st.sampled_from("[]()ab:.,='\\ <>!hbt/*-+01\n\0AND絆\ud800"), max_size=40) | st.text(max_size=40))
def test_nothing_else_is_raised_whatever_comes(text: str) -> None:
    error = wrong(text)
    if error is None:
        assert parse(canonical(parse(text))) == parse(text)
    else:
        assert 0 <= error.position <= len(text)
