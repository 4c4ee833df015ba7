"""Reading: the bytes stay, only I-JSON enters, and what is good in a broken container is kept."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.stix.reader import Container, Item, ReadLimits, iter_objects

SMALL = ReadLimits(object=2_000, split_above=100, depth=20)
"""Limits at which everything is read as a stream."""


def one(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "campaign", "id": f"campaign--{name}", "name": name, **more}


def text(*objects: Any) -> bytes:
    return json.dumps({"type": "bundle", "id": "bundle--1", "objects": objects}).encode()


def read(source: bytes, limits: ReadLimits = SMALL) -> list[Item]:
    """The items, which must not depend on how the source came."""
    whole = list(iter_objects(source, limits=ReadLimits(object=limits.object, depth=limits.depth)))
    streamed = list(iter_objects(io.BytesIO(source), limits=limits))
    if len(source) > limits.split_above and any(item.container for item in streamed):
        assert [(i.raw, i.data, _rules(i)) for i in streamed] == [(i.raw, i.data, _rules(i)) for i in whole]
    return whole


def _rules(item: Item) -> list[str]:
    return [problem.rule for problem in item.problems]


def names(items: list[Item]) -> list[Any]:
    return [item.data["name"] if item.data else _rules(item) for item in items]


CONTAINERS = [
    (b'{"type":"bundle","id":"b","objects":[{"a":1},{"b":[2]}]}', "bundle"),
    (b'{"objects":[{"a":1},{"b":[2]}],"id":"b","type":"bundle"}', "bundle"),
    (b'{"more":false,"objects":[{"a":1},{"b":[2]}]}', "envelope"),
    (b' [ {"a":1} ,\n{"b":[2]}\t] \n', "list"),
]


@pytest.mark.parametrize(("source", "kind"), CONTAINERS)
@pytest.mark.parametrize("limits", [ReadLimits(), ReadLimits(split_above=5)])
def test_containers(source: bytes, kind: str, limits: ReadLimits) -> None:
    found: list[Container] = []
    items = list(iter_objects(io.BytesIO(source), limits=limits, on_container=found.append))
    assert [(item.index, item.raw, item.data) for item in items] == [
        (0, b'{"a":1}', {"a": 1}),
        (1, b'{"b":[2]}', {"b": [2]}),
    ]
    assert len(found) == 1
    assert found[0].kind in (kind, "envelope")
    assert not found[0].problems
    assert items[0].container is found[0]


def test_the_header_is_what_is_not_objects() -> None:
    found: list[Container] = []
    source = b'{"type":"bundle","x_a":{"b":[1]},"objects":[{}],"id":"b"}'
    list(iter_objects(source, on_container=found.append))
    assert found[0].header == {"type": "bundle", "x_a": {"b": [1]}, "id": "b"}


def test_an_empty_list_of_objects_is_told_from_none() -> None:
    found: list[Container] = []
    list(iter_objects(b'{"type":"bundle","id":"b","objects":[]}', on_container=found.append))
    list(iter_objects(b'{"type":"bundle","id":"b"}', on_container=found.append))
    assert [one.header for one in found] == [
        {"type": "bundle", "id": "b", "objects": []},
        {"type": "bundle", "id": "b"},
    ]


@pytest.mark.parametrize("source", [b'{"type":"x","objects":{"0":{}}}', b' {"type":"x", "objects":[1]}\n', b"{}"])
def test_a_single_object_is_itself(source: bytes) -> None:
    (item,) = read(source)
    assert (item.index, item.raw, item.data, item.container) == (0, source, json.loads(source), None)


def test_sources(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(text(one("a")))
    for source in (file, str(file), file.read_bytes(), io.BytesIO(file.read_bytes())):
        assert names(list(iter_objects(source))) == ["a"]


NO_CONTAINER = [
    (b"", "json-truncated"),
    (b"   ", "json-truncated"),
    (b"<xml/>", "json-syntax"),
    (b"123", "json-syntax"),
    (b'"text"', "json-syntax"),
    (b"null", "json-syntax"),
    (b"\xef\xbb\xbf{}", "json-bom"),
    (b"\xff\xfe{\0}\0", "json-encoding"),
    (b"\0\0\0\0", "json-syntax"),
    (b"\xff", "json-encoding"),
    (b"1" * 10_000, "json-number"),
]


@pytest.mark.parametrize(("source", "rule"), NO_CONTAINER)
def test_what_is_no_container_is_one_item_without_index(source: bytes, rule: str) -> None:
    (item,) = read(source, ReadLimits())
    assert (item.index, item.data, _rules(item)) == (None, None, [rule])


NOT_I_JSON = [
    (b'{"a":1,"a":2}', "json-duplicate-key", "$"),
    (b'{"x":[{"a":1},{"b":{"c":1,"c":1}}]}', "json-duplicate-key", "x[1].b"),
    (b'{"a\\u0022":1,"a\\"":2}', "json-duplicate-key", "$"),
    (b'{"\\u0061":1,"a":2}', "json-duplicate-key", "$"),
    (b'{"a":"\\u0022","a":""}', "json-duplicate-key", "$"),
    (b'{"a":"\\u0022\\u0022","b":1,"b":1}', "json-duplicate-key", "$"),
    (b'{"a":"\\ud800"}', "json-surrogate", "a"),
    (b'{"a":["\\udc00\\ud800"]}', "json-surrogate", "a[0]"),
    (b'{"\\ud800":1}', "json-surrogate", "$"),
    (b'{"a":"\xed\xa0\x80"}', "json-encoding", "$"),
    (b'{"a":"\xff"}', "json-encoding", "$"),
    (b'{"a":"\xc3"}', "json-encoding", "$"),
    (b'{"a":NaN}', "json-number", "a"),
    (b'{"a":[-Infinity]}', "json-number", "a[0]"),
    (b'{"a":1e400}', "json-number", "a"),
    (b'{"a":9007199254740992}', "json-number", "a"),
    (b'{"a":-9007199254740992}', "json-number", "a"),
    (b'{"a":%b}' % (b"1" * 1_500), "json-number", "a"),
    (b'{"a":0.%b}' % (b"1" * 1_500), "json-number", "a"),
    (b'{"a":%b1%b}' % (b"[" * 20, b"]" * 20), "json-depth", "a" + "[0]" * 19),
    (b'{"a":"\0"}', "json-syntax", "$"),
    (b'{"a":"\n"}', "json-syntax", "$"),
    (b'{"a":1,}', "json-syntax", "$"),
    (b"{'a':1}", "json-syntax", "$"),
    (b'{"a":01}', "json-syntax", "$"),
    (b'{"a":nul}', "json-syntax", "$"),
    (b'{"a" 1}', "json-syntax", "$"),
    (b'{"a":"\\x"}', "json-syntax", "$"),
]


@pytest.mark.parametrize(("bad", "rule", "path"), NOT_I_JSON)
def test_an_object_that_is_not_i_json_is_refused_and_its_neighbours_are_kept(bad: bytes, rule: str, path: str) -> None:
    good = b'{"type":"campaign","id":"campaign--1","name":"good"}'
    items = read(b"[%b,%b,%b]" % (good, bad, good))
    assert names(items) == ["good", [rule], "good"]
    assert items[1].raw == bad
    if rule != "json-depth":
        assert items[1].problems[0].path == path


GOOD = [
    b'{"a":9007199254740991,"b":-9007199254740991}',
    b'{"a":0.12345678901234567890}',
    b'{"a":1e300}',
    b'{"a":"0000000000000000000000"}',
    b'{"a":"\\ud83d\\ude00"}',
    b'{"a":"\\u0000"}',
    b'{"a":"\\u0022","b":"\\u0022"}',
    b'{"a":{"a":{"a":1}}}',
    b'{"a":"\\\\","b":"\\\\\\""}',
    b'{"":1}',
    '{"名":"絆"}'.encode(),
]


@pytest.mark.parametrize("source", GOOD)
def test_what_is_i_json_enters(source: bytes) -> None:
    (item,) = read(source)
    assert item.problems == ()
    assert item.data == json.loads(source)


def test_all_faults_of_an_object_are_told() -> None:
    (item,) = read(b'{"a":1,"a":2,"b":[NaN,"\\ud800"]}')
    assert [(p.rule, p.path) for p in item.problems] == [
        ("json-duplicate-key", "$"),
        ("json-number", "b[0]"),
        ("json-surrogate", "b[1]"),
    ]


@pytest.mark.parametrize("element", [b"1", b'"a"', b"null", b"[]", b"true"])
def test_what_is_no_object_is_told(element: bytes) -> None:
    assert names(read(b'[{"name":"a"},%b,{"name":"b"}]' % element)) == ["a", ["not-an-object"], "b"]


BROKEN = [
    (b'{"type":"bundle","objects":[A,B', ["a", ["json-truncated"]]),
    (b'{"type":"bundle","objects":[A,', ["a", ["json-truncated"]]),
    (b'{"type":"bundle","objects":[A', ["a", ["json-truncated"]]),
    (b'{"type":"bundle","objects":[A]', ["a", ["json-truncated"]]),
    (b"[A C]", ["a", ["json-syntax"], "c"]),
    (b"[A,C,]", ["a", "c", ["json-syntax"]]),
    (b"[A]x", ["a", ["json-syntax"]]),
    (b'[A,{"x":"unclosed},C,D]', ["a", ["json-syntax"], "c", "d"]),
    (b'[A,{"x":[1,C,D]', ["a", ["json-truncated"]]),
    (b'[A,{"x":1]},C,D]', ["a", ["json-syntax"], "c", "d"]),
    (b'[A,{"x":nul},C]', ["a", ["json-syntax"], "c"]),
    (b"[A,nul,C]", ["a", ["json-syntax"], "c"]),
    (b'[A,"unclosed,C]', ["a", ["json-syntax"], "c"]),
    (b'{"type":"bundle",oops,"objects":[A,C]}', [["json-syntax"], "a", "c"]),
    (b'{"type":"bundle","x":[},"objects":[A,C]}', [["json-syntax"], "a", "c"]),
]


@pytest.mark.parametrize(("source", "expected"), BROKEN)
@pytest.mark.parametrize("space", [b"", b"\n  "])
def test_what_is_good_in_a_broken_container_is_kept(source: bytes, expected: list[Any], space: bytes) -> None:
    parts = {b"A": one("a"), b"C": one("c"), b"D": one("d")}
    for mark, value in parts.items():
        source = source.replace(mark, space + json.dumps(value).encode() + space)
    source = source.replace(b"B", b'{"type":"campaign","id":"campaign--b","na')
    assert names(read(source)) == expected


def test_a_cut_at_any_byte_keeps_the_whole_objects() -> None:
    objects = [one(str(number), description='quo"te \\ {[', nested=[{"a": [1]}]) for number in range(4)]
    source = text(*objects)
    ends = [source.index(json.dumps(each).encode()) + len(json.dumps(each)) for each in objects]
    for cut in range(source.index(b"[") + 1, len(source)):
        items = read(source[:cut])
        good = [item.data["name"] for item in items if item.data]
        assert good == [str(number) for number, end in enumerate(ends) if end <= cut]
        assert _rules(items[-1]) == ["json-truncated"]
        assert len(items) == len(good) + 1


def test_an_object_above_the_limit_is_left_out_and_the_next_one_is_read() -> None:
    large = one("large", description="x" * 3_000)
    lists = one("lists", values=[[{"a": "]"}]] * 500)
    items = read(text(one("a"), large, one("b"), lists, one("c")))
    assert names(items) == ["a", ["json-too-large"], "b", ["json-too-large"], "c"]


def test_an_object_above_the_limit_is_told_before_its_end_is_looked_for() -> None:
    source = io.BytesIO(b'[{"a":"%b' % (b'\\"a' * 10_000_000))
    items = iter_objects(source, limits=ReadLimits(object=1 << 20, split_above=1 << 20))
    assert _rules(next(iter(items))) == ["json-too-large"]
    assert source.tell() <= 8 << 20
    assert list(items) == []
    assert source.tell() == len(source.getvalue())


def test_a_string_without_end_does_not_hide_what_follows_a_large_object() -> None:
    source = b'[{"type":"campaign","id":"campaign--a","name":"a"},{"x":"%b}' % (b"y" * 1_000)
    source += b',{"type":"campaign","id":"campaign--b","name":"b"}' * 40 + b"]"
    assert names(read(source)) == ["a", ["json-syntax"], *["b"] * 40]


def test_an_object_of_too_many_values_is_refused() -> None:
    limits = ReadLimits(values=100_000)
    (item,) = iter_objects(b'{"a":[%b1]}' % (b"[]," * 400_000), limits=limits)
    assert _rules(item) == ["json-too-large"]


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000])
@pytest.mark.parametrize(
    "place", [b"%b", b"[%b]", b'{"x":%b}', b'[{"x":%b}]', b'{"type":"bundle","x":%b,"objects":[{}]}']
)
def test_ten_thousand_levels_are_one_problem(deep: bytes, place: bytes) -> None:
    items = list(iter_objects(place % deep))
    assert 1 <= len(items) <= 3
    assert any(rule in ("json-depth", "json-truncated", "json-syntax") for rule in _rules(items[0]))


HEADERS = [
    (b'{"type":"bundle","id":"a","id":"b","objects":[{}]}', "json-duplicate-key", "$"),
    (b'{"objects":[{}],"objects":[{}],"type":"bundle"}', "json-duplicate-key", "$"),
    (b'{"type":"bundle","x":{"a":1,"a":1},"objects":[{}]}', "json-duplicate-key", "x"),
    (b'{"type":"bundle","x":[99999999999999999999],"objects":[{}]}', "json-number", "x[0]"),
]


@pytest.mark.parametrize(("source", "rule", "path"), HEADERS)
@pytest.mark.parametrize("limits", [ReadLimits(), ReadLimits(split_above=5)])
def test_faults_of_the_container_itself(source: bytes, rule: str, path: str, limits: ReadLimits) -> None:
    found: list[Container] = []
    items = list(iter_objects(io.BytesIO(source), limits=limits, on_container=found.append))
    assert all(item.data == {} for item in items)
    assert [(problem.rule, problem.path) for problem in found[0].problems] == [(rule, path)]


TEXTS = st.text(st.sampled_from('a"\\{}[],: é絆😀\u2028'), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS | st.floats(-1e20, 1e20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=4), max_size=8)


@given(OBJECTS, st.sampled_from([None, 1, 4]), st.booleans(), st.integers(1, 40))
def test_any_objects_come_out_as_they_went_in(objects: list[Any], indent: int | None, ascii: bool, split: int) -> None:
    source = json.dumps(objects, indent=indent, ensure_ascii=ascii).encode()
    for limits in (ReadLimits(), ReadLimits(split_above=split)):
        items = list(iter_objects(io.BytesIO(source), limits=limits))
        assert [item.data for item in items] == objects
        assert all(json.loads(item.raw) == item.data and item.raw in source for item in items)


class Pairs(list[tuple[str, Any]]):
    """A JSON object that may repeat keys."""


def _repeats(value: Any) -> bool:
    if isinstance(value, Pairs):
        return len({key for key, _ in value}) < len(value) or any(_repeats(member) for _, member in value)
    return isinstance(value, list) and any(map(_repeats, value))


def _dump(value: Any, escape: bool) -> str:
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{_dump(key, escape)}:{_dump(member, not escape)}" for key, member in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_dump(member, escape) for member in value) + "]"
    if isinstance(value, str) and escape:
        return '"' + "".join("\\u0022" if one == '"' else json.dumps(one)[1:-1] for one in value) + '"'
    return json.dumps(value)


SHORT = st.text(st.sampled_from('a"\\'), max_size=2)
REPEATING = st.recursive(
    SHORT | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(SHORT, inner), max_size=4).map(Pairs),
    max_leaves=15,
)


@given(st.lists(st.tuples(SHORT, REPEATING), max_size=4).map(Pairs), st.booleans())
def test_repeated_keys_are_found_exactly_where_there_are_some(value: Pairs, escape: bool) -> None:
    (item,) = iter_objects(b"[%b]" % _dump(value, escape).encode())
    assert ("json-duplicate-key" in _rules(item)) == _repeats(value)


PIECES = st.sampled_from(
    rb"""{ } [ ] , : " \ 1 - 1e999 nul "objects":[ {"type":"bundle", {"type":"a","id":"a--1"} "a":1 \u0022 "\ud800"
    999999999999999999999999999999""".split()
) | st.sampled_from([b"\n", b"\xff", b"\0", b"\xef\xbb\xbf"])


@given(st.lists(PIECES, max_size=25).map(b"".join) | st.binary(max_size=60), st.integers(1, 60))
def test_nothing_raises_whatever_comes(source: bytes, split: int) -> None:
    for limits in (ReadLimits(), ReadLimits(split_above=split, object=40, depth=5)):
        items = list(iter_objects(io.BytesIO(source), limits=limits))
        for item in items:
            assert (item.data is None) == bool(item.problems)
            assert item.index is not None or len(items) == 1


@given(OBJECTS, st.data())
def test_one_wrong_byte_never_loses_the_objects_before_it(objects: list[Any], data: st.DataObject) -> None:
    texts = [json.dumps(value).encode() for value in objects]
    source = b"[" + b",".join(texts) + b"]"
    place = data.draw(st.integers(0, len(source) - 1))
    wrong = source[:place] + data.draw(st.sampled_from([b"", b"x", b'"', b"{", b"]", b"\xff"])) + source[place + 1 :]
    before, end = 0, 1
    for written in texts:
        end += len(written) + 1
        before += end <= place
    items = list(iter_objects(wrong))
    if place:
        assert [item.data for item in items[:before]] == objects[:before]
