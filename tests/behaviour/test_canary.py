"""A canary in every property of STIX 2.1 in turn: once its property is closed, no exit lets it sing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter, defaultdict
from typing import Any

import pytest

from kizuna.labels import Label, Principal, decide, mark, redact
from kizuna.stix import BUILTIN, check, sco_id
from kizuna.stix.selectors import Unresolved, resolve
from tests.behaviour.canaries import INDIVISIBLE, TABLES, Placed, can_sing, forms_of, placed, sings

NOW = 1_795_392_000_000_000
READER = Principal("A", "reader")


@pytest.fixture(scope="module")
def every() -> list[Placed]:
    """Every place of every property of every type."""
    return list(placed())


def allowed(label: Label) -> bool:
    """What a person of one's own organisation may see whom TLP:RED does not name."""
    return decide(label, READER, holder=READER, at=NOW).allowed


def served(data: dict[str, Any]) -> dict[str, Any] | None:
    """What is left of an object for that person."""
    return redact(data, mark(data, BUILTIN.get, originator="A"), allowed).data


def test_every_property_of_every_type_has_a_canary(every: list[Placed]) -> None:
    covered = defaultdict(set)
    for one in every:
        covered[one.type].add(one.property)
    assert covered == {t: set(table.properties) for t, table in TABLES.items()}
    assert all(len(names) >= 8 for names in covered.values())
    singing = Counter(one.type for one in every if can_sing(one.canary))
    assert all(singing[type] >= 4 for type in TABLES)
    assert (len(TABLES), len(every) > 1000) == (42, True)


def test_the_detector_hears_every_canary_that_nobody_closed(every: list[Placed]) -> None:
    for one in every:
        if one.property not in INDIVISIBLE:
            open_ = served(one.marked(None))
            assert open_ is not None
            if can_sing(one.canary):
                assert sings(json.dumps(open_).encode()), one


@pytest.mark.parametrize(
    "name", ["raw", "percent", "base64 0", "base64 1", "base64 2", "uuid", "sha256", "sha256 base64"]
)
def test_the_detector_hears_a_canary_in_disguise(every: list[Placed], name: str) -> None:
    one = next(p for p in every if (p.type, p.property) == ("domain-name", "value"))
    text = str(one.canary).encode()
    disguises = {
        "raw": text,
        "percent": "".join(f"%{octet:02X}" for octet in text).encode(),
        **{f"base64 {n}": base64.b64encode(b"xyz"[:n] + text + b"tail") for n in range(3)},
        "uuid": str(one.data["id"])[-36:].encode(),
        "sha256": hashlib.sha256(text).hexdigest().encode(),
        "sha256 base64": base64.b64encode(hashlib.sha256(text).digest()),
    }
    assert sings(b'{"id":"x","of":"' + disguises[name] + b'"}', forms_of(one))
    assert not sings(b'{"id":"x","of":"nothing"}', forms_of(one))


def test_no_closed_property_is_served(every: list[Placed]) -> None:
    left: Counter[bool] = Counter()
    for one in every:
        for selector in one.selectors():
            data = one.marked(selector)
            assert not [p for p in check(data) if p.severity == "error"], (one, selector)
            shown = served(data)
            left[shown is not None] += 1
            if one.property in INDIVISIBLE:
                assert shown is None, (one.type, selector)
            if shown is None:
                continue
            output = json.dumps(shown).encode()
            assert not sings(output, forms_of(one)), (one.type, selector, sings(output, forms_of(one)), shown)
            assert not _still_there(shown, one, selector), (one.type, selector)
            assert not [p for p in check(shown) if p.severity == "error"], (one.type, selector)
    assert left[True] > 1000  # most properties can be cut; a redaction that withholds everything proves nothing
    assert left[False] > 300


def _still_there(shown: dict[str, Any], one: Placed, selector: str) -> bool:
    """Whether what was closed stands where it stood: for canaries too small to be told from other values."""
    try:
        return bool(resolve(shown, selector) == resolve(one.data, selector))
    except Unresolved:
        return False


def test_an_observable_whose_id_tells_the_value_is_withheld_whole(every: list[Placed]) -> None:
    tested = 0
    for one in every:
        opened = one.marked(None)
        without = {name: value for name, value in opened.items() if name != one.property}
        if sco_id(opened) is not None and sco_id(opened) != sco_id(without):
            assert served(one.marked(one.property)) is None, one
            tested += 1
    assert tested > 60
