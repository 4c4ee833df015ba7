"""Corrections to a JSON document as RFC 6902 JSON Patch: the original stays as it came, what we changed stays readable.

Read: `test`, `add`, `remove` and `replace`. `move` and `copy` are not: a correction says the value it writes.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kizuna.errors import InvalidInput


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One operation of a patch; `path` is an RFC 6901 JSON pointer."""

    op: Literal["test", "add", "remove", "replace"]
    path: str
    value: Any = None


_operations = msgspec.json.Decoder(list[Operation])


def decode_patch(data: bytes, *, file: str) -> list[Operation]:
    """Read a patch. Raises InvalidInput."""
    try:
        return _operations.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidInput(f"not a JSON patch: {error}", file=file) from None


def apply_patch(document: Any, patch: list[Operation], *, file: str) -> Any:
    """Apply a patch in place and return the document. Raises InvalidInput at the first operation that does not fit."""
    for number, operation in enumerate(patch):
        try:
            _apply(document, operation)
        except (LookupError, TypeError, ValueError) as error:
            raise InvalidInput(
                f"{operation.op} does not fit: {error}", file=file, item=number, path=operation.path
            ) from None
    return document


def _apply(document: Any, operation: Operation) -> None:
    *parents, last = _steps(operation.path)
    at = document
    for step in parents:
        at = at[_key(at, step)]
    key: Any = len(at) if last == "-" and isinstance(at, list) else _key(at, last)
    if operation.op == "add":
        if isinstance(at, list):
            if key > len(at):
                raise LookupError("beyond the end of the list")
            at.insert(key, operation.value)
        else:
            at[key] = operation.value
        return
    found = at[key]
    if operation.op == "test" and found != operation.value:
        raise ValueError("another value is there")
    if operation.op == "remove":
        del at[key]
    elif operation.op == "replace":
        at[key] = operation.value


def _steps(pointer: str) -> list[str]:
    if not pointer.startswith("/"):
        raise ValueError("a pointer begins with /")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def _key(at: object, step: str) -> Any:
    if isinstance(at, dict):
        return step
    if not isinstance(at, list):
        raise TypeError("points into a value that holds nothing")
    if not (step.isascii() and step.isdigit() and len(step) < 10 and (step == "0" or step[0] != "0")):
        raise ValueError("an index of a list is a number")
    return int(step)
