"""What is found by its form: every place that is named can be cut by a selector, whatever the object holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.release.sensitive import codes_of, places_of, selector_of
from kizuna.stix.selectors import SELECTOR, resolve
from tests.builders import campaign

TELLING = st.sampled_from(
    ["10.0.0.1", "a@b.example", "db.lan", "35.111, 139.222", r"CORP\anna", "https://wiki/x", "plain", ""]
)
NAMES = st.sampled_from(
    ["x_lat", "x", "labels", "a.b", "ÄÖ", "latitude", "extensions", "external_references", "objects", "id", "0"]
)
VALUES = st.recursive(
    TELLING | st.floats(-90, 90) | st.none(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(NAMES, inside, max_size=3),
)


@given(more=st.dictionaries(NAMES.filter(lambda name: name != "id"), VALUES, max_size=5))
def test_every_place_can_be_selected(more: dict[str, Any]) -> None:
    one = campaign("one", **more)
    for place in places_of(one):
        assert SELECTOR.fullmatch(place.selector)
        resolve(one, place.selector)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("1.2.3.4 and 8.8.8.8, version 10.1.2", []),
        ("172.16.0.1", ["internal-address"]),
        ("10[.]0[.]0[.]1", ["internal-address"]),
        ("fd12:3456::1 or ::ffff:10.0.0.1", ["internal-address"]),
        ("999.1.1.1", []),
        ("anna[at]cert[.]example", ["email"]),
        (r"C:\Users\anna\x.doc", ["account"]),
        (r"HKLM\SOFTWARE\Run", []),
        ("/home/anna/.ssh", ["account"]),
        ("[user-account:account_login = 'anna']", ["account"]),
        ("fileserver.corp.", ["internal-host"]),
        ("local news of the home office", []),
        ("35°41'N", ["position"]),
        ("北緯35度41分", ["position"]),
        ("costs 35.5, 40.5", []),
    ],
)
def test_codes(text: str, codes: list[str]) -> None:
    assert list(codes_of(text)) == codes


def test_what_is_never_cut_has_no_selector() -> None:
    one = campaign("one", object_marking_refs=["x"])
    assert [selector_of(one, path) for path in ("id", "modified", "object_marking_refs[0]", "name", "nothing")] == [
        None, None, None, "name", None
    ]  # fmt: skip
