"""Media types and timestamps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.exchange.taxii.media import accepts_taxii, is_taxii, version_text


@pytest.mark.parametrize(
    ("accept", "admitted"),
    [
        (None, True), ("", True), ("*/*", True), ("application/*", True), ("application/taxii+json", True),
        ("application/taxii+json;version=2.1", True), ('APPLICATION/TAXII+JSON; Version="2.1"', True),
        ("text/html, application/taxii+json;version=2.1;q=0.1", True), ("application/taxii+json;version=2.0", False),
        ("application/taxii+json;version=2.0, application/taxii+json;version=2.1", True), ("*/*;q=0", False),
        ("application/vnd.oasis.taxii+json; version=2.0", False), ("application/json", False), ("text/*", False), (",;,", False),
    ],
)  # fmt: skip
def test_what_an_accept_header_admits(accept: str | None, admitted: bool) -> None:
    assert accepts_taxii(accept) is admitted


@pytest.mark.parametrize(
    ("content_type", "taxii"),
    [
        ("application/taxii+json;version=2.1", True), ("application/taxii+json", True), ("application/taxii+json; version=2.1", True),
        ("application/taxii+json;version=2.0", False), ("application/json", False), ("", False), (None, False), ("*/*", False),
    ],
)  # fmt: skip
def test_what_a_content_type_is(content_type: str | None, taxii: bool) -> None:
    assert is_taxii(content_type) is taxii


@given(st.text(max_size=60))
def test_any_header_is_answered(text: str) -> None:
    assert accepts_taxii(text) in (True, False)
    assert is_taxii(text) in (True, False)


def test_a_version_is_shown_in_milliseconds_where_they_say_all() -> None:
    assert version_text(1_000_000, 5) == "1970-01-01T00:00:01.000Z"
    assert version_text(1_000_001, 5) == "1970-01-01T00:00:01.000001Z"
    assert version_text(None, 1_500_000) == "1970-01-01T00:00:01.500Z"
