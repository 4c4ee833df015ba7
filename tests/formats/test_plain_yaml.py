from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import InvalidInput
from kizuna.formats.plain_yaml import SIZE, decode


class Country(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    since: str | None = None
    rank: int = 0
    open: bool = False


def test_words_of_yaml_1_1_stay_what_they_look_like() -> None:
    data = b"[NO, yes, on, 2023-04-04, 1:30, 0x10, 010, 1_000, .inf, ~]"
    assert decode(data, list[str], file="x") == [
        "NO",
        "yes",
        "on",
        "2023-04-04",
        "1:30",
        "0x10",
        "010",
        "1_000",
        ".inf",
        "~",
    ]


def test_what_json_knows_is_read_as_json_does() -> None:
    assert decode(b"{a: 12, b: -3, c: true, d: null, e: , f: '7'}", dict[str, Any], file="x") == {
        "a": 12, "b": -3, "c": True, "d": None, "e": None, "f": "7",
    }  # fmt: skip


def test_a_document_becomes_the_type_asked_for() -> None:
    assert decode(b"- {code: FIN, since: 2023-04-04, rank: 31}", list[Country], file="x") == [
        Country("FIN", "2023-04-04", 31)
    ]


@pytest.mark.parametrize(
    ("data", "path", "says"),
    [
        (b"a: &x [1]\nb: *x", "line 2", "aliases are not read"),
        (b"a: 1\nb: 2\na: 3", "line 3", "a key is a text that occurs once"),
        (b"? [1, 2]\n: 3", "line 1", "a key is a text that occurs once"),
        (b"a: 1\n7: 3", "line 2", "a key is a text that occurs once"),
        (b"a: [1", "line 1", "not YAML"),
        (b"a: !!python/object/apply:os.getcwd []", "line 1", "could not determine a constructor"),
        (b"a: 1\n---\nb: 2", "line 2", "not YAML"),
        (b"a: \x00", None, "not YAML"),
        (b"\xff\xfe\xff", None, "not YAML"),
    ],
)
def test_traps_are_errors_that_name_the_place(data: bytes, path: str | None, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        decode(data, dict[str, Any], file="some.yaml")
    assert (caught.value.file, caught.value.path) == ("some.yaml", path)


def test_a_wrong_value_is_named_by_its_path() -> None:
    with pytest.raises(InvalidInput) as caught:
        decode(b"- {code: FIN}\n- {code: SWE, rank: second}", list[Country], file="x")
    assert caught.value.path == "$[1].rank"


def test_depth_length_and_long_numbers_end_in_an_error() -> None:
    for data in (b"[" * 50_000, b" " * (SIZE + 1)):
        with pytest.raises(InvalidInput):
            decode(data, list[Any], file="x")
    assert decode(b"[" + b"9" * 10_000 + b"]", list[str], file="x") == ["9" * 10_000]


@given(st.binary(max_size=200) | st.text(alphabet="ab:-[]{}&*!|>'\"\n #?,%@", max_size=60).map(str.encode))
def test_any_bytes_are_plain_data_or_an_error_of_ours(data: bytes) -> None:
    try:
        value = decode(data, Any, file="x")
    except InvalidInput:
        return
    assert msgspec.json.decode(msgspec.json.encode(value)) == value
