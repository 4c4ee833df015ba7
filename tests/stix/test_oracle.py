"""stix2 as an oracle: what we call valid it accepts, and what it refuses we call wrong, but for a written list."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stix2 import parsing

from kizuna.stix.checker import check
from kizuna.stix.ids import sco_id
from tests.stix.test_checker import TABLES
from tests.stix_examples import CREATED, EARLY, LATE, OBSERVABLES, VALID, Object, ref

PARSE: Callable[..., Any] = parsing.parse  # untyped

_COERCES = "it turns the value into one of the type, whatever it was"
_NO_FORM = "it does not look at the form of this string"
_DROPS = "it drops null and empty lists before it looks"
_DEFAULTS = "it fills in what is missing"

STIX2_ACCEPTS = {
    "string": _COERCES,
    "boolean": _COERCES,
    "integer": _COERCES,
    "float": _COERCES,
    "timestamp": _COERCES,
    "list": "it takes a single value for a list of one",
    "dictionary": _DROPS,
    "null-value": _DROPS,
    "list-empty": _DROPS,
    "identifier": _DROPS,
    "enum": _DROPS,
    "binary": _DROPS,
    "hex": _DROPS,
    "artifact-content": _DROPS,
    "observed-content": _DROPS,
    "email-body": _DROPS,
    "email-body-multipart": _DROPS,
    "malware-analysis-result": _DROPS,
    "required": _DEFAULTS,
    "spec-version": _DEFAULTS,
    "modified-before-created": "it compares after cutting to milliseconds, and not on every type",
    "timestamp-precision": "it writes the missing digits itself",
    "number-range": "it knows few of the ranges",
    "location-coordinates": _DROPS,
    "id-needs-uuid4": "it takes any UUID for an observable without id-contributing properties",
    "integer-safe": "Python's integers have no bounds",
    "language": _NO_FORM,
    "url": _NO_FORM,
    "charset": _NO_FORM,
    "artifact-mime-type": _NO_FORM,
    "email-address": _NO_FORM,
    "ipv4-address": _NO_FORM,
    "ipv6-address": _NO_FORM,
    "mac-address": _NO_FORM,
    "domain-name": _NO_FORM,
    "cpe": _NO_FORM,
    "registry-key": _NO_FORM,
    "relationship-type": _NO_FORM,
    "hash-key": _NO_FORM,
    "property-name": _NO_FORM,
    "contents-property": _NO_FORM,
    "email-header-value": _NO_FORM,
    "reference-type": "it lets own types and bundles stand where the property is not closed",
    "artifact-key": "it asks for no encryption_algorithm beside a decryption_key",
    "at-least-one": "it looks for a property in some structures only",
    "marking-content": "it takes an extension for the definition even beside a definition_type",
}
"""Rules that stix2 lets pass, with the reason. Whatever else we call wrong, it must refuse."""

STIX2_REFUSES = {
    "definition_type must be a valid marking type": "section 7.2.1 deprecates own types of marking, it does not forbid them",
    "Selector external_references.[2].url": "it does not follow selectors into the objects of a list",
    "Selector definition.statement": "it does not follow selectors into the definition of a marking",
    "'is_active' must be False if 'end' is present": "section 6.12 says so of a given is_active; the property is optional",
}
"""What is in its messages where it refuses what the specification allows, with the reason."""


def verdict(data: Object) -> str | None:
    """Why stix2 refuses an object, or None."""
    try:
        PARSE(copy.deepcopy(data), allow_custom=True, version="2.1")
    except Exception as error:  # the oracle raises whatever its parts raise, even UnboundLocalError
        return f"{type(error).__name__}: {error}"
    return None


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 101),
    st.sampled_from([2**53, -(2**53), 1.5, 999_999_999, 1_000_000_000, 65_536]),
    st.sampled_from(["", "x", "2.1", "en", "JP", "true", CREATED, EARLY, LATE, "2026-02-30T00:00:00Z", "[a:b = 1]"]),
    st.sampled_from(["identity", "malware", "file", "bundle", "relationship", "marking-definition", "x-own"]).map(ref),
    st.sampled_from([[], {}, [None], ["x"], {"MD5": "x"}, {"a": 1}, [{}], [ref("identity")]]),
)


@st.composite
def objects(draw: st.DrawFn) -> Object:
    """An example with one to three properties taken away or set to something else."""
    kind = draw(st.sampled_from(sorted(VALID)))
    data = copy.deepcopy(VALID[kind])
    data.pop("granular_markings", None)
    names = [name for name in TABLES[kind].properties if name not in ("type", "id", "extensions", "granular_markings")]
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)):
        if draw(st.booleans()):
            data.pop(name, None)
        else:
            data[name] = draw(VALUES)
    return data


@settings(max_examples=600, deadline=None)
@given(objects())
def test_stix2_agrees_but_for_the_list(data: Object) -> None:
    ours = {one.rule for one in check(data) if one.severity == "error"}
    theirs = verdict(data)
    if theirs is None:
        assert ours <= STIX2_ACCEPTS.keys()
    elif not ours:
        assert any(part in theirs for part in STIX2_REFUSES)


@pytest.mark.parametrize("kind", sorted(VALID))
def test_stix2_accepts_every_example(kind: str) -> None:
    theirs = verdict(VALID[kind])
    assert theirs is None or any(part in theirs for part in STIX2_REFUSES)


@pytest.mark.parametrize("kind", sorted(OBSERVABLES))
def test_what_stix2_writes_is_valid(kind: str) -> None:
    written = json.loads(PARSE(copy.deepcopy(OBSERVABLES[kind]), allow_custom=True, version="2.1").serialize())
    written["id"] = sco_id(written) or written["id"]
    assert [one for one in check(written) if one.severity == "error"] == []
