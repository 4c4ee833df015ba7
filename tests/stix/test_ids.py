"""Identifiers, and ids computed from content."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stix2 import parsing

from kizuna.stix.ids import CONTRIBUTING, sco_id, type_of
from tests.stix_examples import HASHES, OBSERVABLES

PARSE: Callable[..., Any] = parsing.parse  # untyped
UUID4 = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"type": "ipv4-addr", "value": "198.51.100.3"}, "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"),
        ({"type": "domain-name", "value": "example.com"}, "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7"),
        ({"type": "process", "pid": 1}, None),
        ({"type": "campaign", "name": "x"}, None),
        ({"type": "user-account", "display_name": "x"}, None),
        ({"type": 5}, None),
        ({}, None),
    ],
)
def test_computed(data: dict[str, Any], expected: str | None) -> None:
    assert sco_id(data) == expected


@pytest.mark.parametrize("kind", sorted(CONTRIBUTING))
def test_same_as_stix2(kind: str) -> None:
    data = {name: value for name, value in OBSERVABLES[kind].items() if name != "id"}
    data.pop("extensions", None)  # stix2 2.1 writes default values of extensions into them
    data.pop("object_marking_refs")
    data.pop("granular_markings")
    assert sco_id(data) == PARSE(data, version="2.1", allow_custom=True).id


def test_one_hash_stands_for_all() -> None:
    first = sco_id({"type": "file", "hashes": HASHES})
    assert first == sco_id({"type": "file", "hashes": {"MD5": HASHES["MD5"]}})
    assert sco_id({"type": "file", "hashes": {"b-b": "1", "a-a": "2"}}) == sco_id(
        {"type": "file", "hashes": {"a-a": "2"}}
    )


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_is_a_uuid_of_version_five(name: str) -> None:
    made = sco_id({"type": "mutex", "name": name})
    assert made is not None
    assert uuid.UUID(made.removeprefix("mutex--")).version == 5


@pytest.mark.parametrize("kind", ["ipv4-addr", "x-own-type", "abc", "a" * 250])
def test_type_named(kind: str) -> None:
    assert type_of(f"{kind}--{UUID4}") == kind
    assert type_of(f"{kind}--{UUID4.upper()}") == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        UUID4,
        f"--{UUID4}",
        f"ab--{UUID4}",
        f"{'a' * 251}--{UUID4}",
        f"1ab--{UUID4}",
        f"X-own--{UUID4}",
        f"x_own--{UUID4}",
        f"x--own--{UUID4}",
        f"campaign-{UUID4}",
        f"campaign--{UUID4}\n",
        f"campaign--{UUID4[:-1]}",
        "campaign--8e2e2d2b-17d4-0cbf-938f-98ee46b3cd3f",
        "campaign--8e2e2d2b-17d4-4cbf-738f-98ee46b3cd3f",
        "campaign--8e2e2d2b17d44cbf938f98ee46b3cd3f",
    ],
)
def test_no_identifier(text: str) -> None:
    assert type_of(text) is None
