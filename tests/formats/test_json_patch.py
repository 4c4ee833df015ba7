from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import InvalidInput
from kizuna.formats.json_patch import Operation, apply_patch, decode_patch

DOCUMENT: dict[str, Any] = {"a": [{"x": 1}, {"x": 2}], "b": {"m~n": 1, "o/p": 2}}


def patched(*operations: Operation) -> Any:
    return apply_patch(copy.deepcopy(DOCUMENT), list(operations), file="x")


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Operation("replace", "/a/1/x", 3), {**DOCUMENT, "a": [{"x": 1}, {"x": 3}]}),
        (Operation("remove", "/a/0"), {**DOCUMENT, "a": [{"x": 2}]}),
        (Operation("add", "/a/0", 0), {**DOCUMENT, "a": [0, {"x": 1}, {"x": 2}]}),
        (Operation("add", "/a/-", 0), {**DOCUMENT, "a": [{"x": 1}, {"x": 2}, 0]}),
        (Operation("add", "/a/2", 0), {**DOCUMENT, "a": [{"x": 1}, {"x": 2}, 0]}),
        (Operation("add", "/c", None), {**DOCUMENT, "c": None}),
        (Operation("remove", "/b/m~0n"), {**DOCUMENT, "b": {"o/p": 2}}),
        (Operation("remove", "/b/o~1p"), {**DOCUMENT, "b": {"m~n": 1}}),
        (Operation("test", "/a/0", {"x": 1}), DOCUMENT),
    ],
)
def test_each_operation_does_what_rfc_6902_says(operation: Operation, expected: Any) -> None:
    assert patched(operation) == expected


@pytest.mark.parametrize(
    "operation",
    [
        Operation("test", "/a/0/x", 2),
        Operation("remove", "/a/2"),
        Operation("replace", "/c", 1),
        Operation("replace", "/a/-", 1),
        Operation("add", "/a/3", 1),
        Operation("add", "/a/01", 1),
        Operation("add", "/a/-1", 1),
        Operation("add", "/a/0/x/y", 1),
        Operation("remove", ""),
        Operation("remove", "a"),
        Operation("remove", f"/a/{'9' * 10_000}"),
    ],
)
def test_what_does_not_fit_is_an_error_that_names_the_operation(operation: Operation) -> None:
    with pytest.raises(InvalidInput) as caught:
        patched(Operation("test", "/a/0/x", 1), operation)
    assert (caught.value.file, caught.value.item, caught.value.path) == ("x", 1, operation.path)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b'[{"op":"move","from":"/a","path":"/b"}]', b'[{"op":"add"}]', b"[" * 100_000]
)
def test_what_is_no_patch_is_an_error(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="not a JSON patch"):
        decode_patch(data, file="x")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(JSON, st.sampled_from(["test", "add", "remove", "replace"]), st.text(alphabet="/ab01-~", max_size=8), JSON)
def test_a_patch_fits_or_is_an_error_of_ours(document: Any, op: Any, path: str, value: Any) -> None:
    before = copy.deepcopy(document)
    try:
        after = apply_patch(document, [Operation(op, path, value)], file="x")
    except InvalidInput:
        assert document == before
        return
    assert op != "test" or after == before
