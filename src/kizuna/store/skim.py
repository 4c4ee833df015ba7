"""One pass over an object for its texts, its references, and whether the fast canonical encoder is right for it.

`words.texts`, `stix.edges` and `stix.canonical` each walk an object by themselves and are the measure: this gives what
they give, in a third of their time together, and asks them where an object is unusual.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kizuna.stix import edges
from kizuna.store.words import MAX_DEPTH, PLUMBING, is_timestamp, texts

_MAX_INTEGER = 2**53 - 1


class Skimmed(NamedTuple):
    """Texts and links (path, target) in the object's order; `simple` as `stix.canonical_is_simple` says, None unasked."""

    texts: list[str]
    links: list[tuple[str, str]]
    simple: bool | None


def skim(data: dict[str, Any]) -> Skimmed:
    """Read an object whose properties all have one label."""
    found: list[str] = []
    links: list[tuple[str, str]] = []
    odd: list[bool] = []  # True: a reference lies deeper; False: something only the careful walks know
    simple = True
    for key, value in data.items():
        kind = type(value)
        if kind is str:
            if key in PLUMBING:
                continue
            if key[-4:] == "_ref":
                if "--" in value:
                    links.append((key, value))
                continue
            if value and not (value[-1] == "Z" and is_timestamp(value)):
                found.append(value)
            if key[-5:] == "_refs" and "--" in value:
                links.append((key, value))
        elif kind is list:
            if key[-5:] == "_refs":
                for index, one in enumerate(value):
                    if type(one) is not str:
                        odd.append(False)
                    elif "--" in one and key != "object_marking_refs":
                        links.append((f"{key}[{index}]", one))
            elif key in PLUMBING or key[-4:] == "_ref":
                odd.append(False)
            else:
                _deeper(value, found, odd, MAX_DEPTH)
        elif kind is dict:
            if key in PLUMBING or key[-5:] == "_refs" or key[-4:] == "_ref":
                odd.append(False)
            else:
                _deeper(value, found, odd, MAX_DEPTH)
        elif kind is not bool and value is not None and not (kind is int and -_MAX_INTEGER <= value <= _MAX_INTEGER):
            simple = False
    if not odd:
        return Skimmed(found, links, simple)
    if all(odd):
        return Skimmed(found, edges(data), simple)
    return Skimmed([text for _, text in texts(data)], edges(data), None)


def _deeper(value: list[Any] | dict[str, Any], found: list[str], odd: list[bool], depth: int) -> None:
    """The same inside of a list or object."""
    if type(value) is list:
        for member in value:
            kind = type(member)
            if kind is str:
                if member and not (member[-1] == "Z" and is_timestamp(member)):
                    found.append(member)
            elif (kind is dict or kind is list) and depth:
                _deeper(member, found, odd, depth - 1)
            elif (
                kind is not bool
                and member is not None
                and not (kind is int and -_MAX_INTEGER <= member <= _MAX_INTEGER)
            ):
                odd.append(False)
        return
    for key, member in value.items():  # type: ignore[union-attr]
        kind = type(member)
        if kind is str:
            if key in PLUMBING:
                continue
            if "_ref" in key and key.endswith(("_ref", "_refs")):
                odd.append(True)
                if key[-4:] == "_ref":
                    continue
            if member and not (member[-1] == "Z" and is_timestamp(member)):
                found.append(member)
        elif kind is list or kind is dict:
            if key in PLUMBING or not depth or key[-4:] == "_ref" or key[-5:] == "_refs":
                odd.append(False)
            else:
                _deeper(member, found, odd, depth - 1)
        elif kind is not bool and member is not None and not (kind is int and -_MAX_INTEGER <= member <= _MAX_INTEGER):
            odd.append(False)
