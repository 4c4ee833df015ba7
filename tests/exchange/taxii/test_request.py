"""Requests as they come off the wire, without a socket: any text is understood or refused, never an accident."""

from __future__ import annotations

import asyncio
import io
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.clock import from_text
from kizuna.errors import UsageError
from kizuna.exchange.taxii import request as module
from kizuna.exchange.taxii.request import Request, TooSlow
from kizuna.settings import Limits


async def nothing() -> dict[str, Any]:
    """A body that never comes."""
    await asyncio.sleep(3600)
    return {}


def made(path: str = "/taxii2/", query: str | bytes = b"", root: str = "", **headers: str) -> Request:
    """A request from an ASGI scope."""
    raw = query.encode("latin-1") if isinstance(query, str) else query
    named = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": "http", "method": "get", "path": path, "query_string": raw, "headers": named, "root_path": root}
    return Request.of({**scope, "scheme": "https"}, nothing)


@pytest.mark.parametrize(
    ("path", "root", "pieces", "base"),
    [
        ("/taxii2/real/", "", ("real",), "https://here:1/taxii2/"),
        ("/real/", "", ("real",), "https://here:1/taxii2/"),
        ("/taxii2/real", "/taxii2", ("real",), "https://here:1/taxii2/"),
        ("/node/taxii2/", "/node", (), "https://here:1/node/taxii2/"),
        ("/node/taxii2/real/", "/node/taxii2", ("real",), "https://here:1/node/taxii2/"),
        ("/taxii2//real//a%2Fb/", "", ("real", "a%2Fb"), "https://here:1/taxii2/"),
    ],
)
def test_the_place_it_is_mounted_at(path: str, root: str, pieces: tuple[str, ...], base: str) -> None:
    request = made(path, root=root, host="here:1")
    assert (request.path, request.base) == (pieces, base)


@pytest.mark.parametrize("host", ["", "evil/../x", "a b", "<script>", "x" * 300, "ü", "a@b"])
def test_an_odd_host_is_not_repeated(host: str) -> None:
    assert made(host=host).base == "/taxii2/"


def test_a_filter_unites_lists() -> None:
    query = urlencode(
        [("match[id]", "a,b"), ("match[id]", "c"), ("match[type]", "x"), ("match[version]", "first,2026-01-01T00:00:00.5Z"),
         ("match[spec_version]", "2.1"), ("added_after", "2026-01-01T00:00:00+01:00")]
    )  # fmt: skip
    found = made(query=query).filter()
    assert found.ids == ("a", "b", "c")
    assert found.types == ("x",)
    assert found.versions == ("first", from_text("2026-01-01T00:00:00.5Z"))
    assert found.spec_versions == ("2.1",)
    assert found.after == from_text("2025-12-31T23:00:00Z")


def test_the_default_is_the_last_version() -> None:
    assert made().filter().versions == ("last",)
    assert made(query="match[version]=").filter().versions == ("last",)


@pytest.mark.parametrize("text", ["0", "-1", "+1", "1.0", "", " 1", "１", "1" * 19, "1e3", "0x1"])
def test_a_limit_that_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        made(query=f"limit={quote(text)}").limit(1000)


@given(st.integers(1, 10**17), st.integers(1, 5000))
def test_a_limit_is_capped(asked: int, most: int) -> None:
    assert made(query=f"limit={asked}").limit(most) == min(asked, most)


MOMENTS = st.from_regex(r"\d{4}-\d\d-\d\dT[\d:.]{2,20}([Zz]|[+-]\d\d:\d\d)")


@given(st.binary(max_size=300))
def test_any_query_is_understood_or_refused(raw: bytes) -> None:
    with suppress(UsageError):  # anything else fails the test
        request = made(query=raw)
        request.filter()
        request.limit(10)
        request.next()


@given(st.sampled_from(["added_after", "match[version]"]), st.text(max_size=40) | MOMENTS)
def test_any_moment_is_understood_or_refused(name: str, text: str) -> None:
    with suppress(UsageError):
        found = made(query=urlencode({name: text}, errors="replace")).filter()
        assert all(isinstance(v, str) or -(2**63) <= v < 2**63 for v in (*found.versions, found.after or 0))


def test_too_many_values_are_refused() -> None:
    with pytest.raises(UsageError, match="more than"):
        made(query="match[id]=" + ",".join(map(str, range(1001)))).filter()
    with pytest.raises(UsageError):
        made(query="&".join("match[id]=1" for _ in range(101)))


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.01)
    request = made(content_type="application/taxii+json;version=2.1")
    with pytest.raises(TooSlow) as caught:
        asyncio.run(request.body(Limits(), io.BytesIO()))
    assert caught.value.status == 408


@pytest.mark.parametrize(
    ("headers", "heavy"),
    [
        ({"content_length": "1000"}, False), ({"content_length": "10000000"}, True), ({}, True), ({"content_length": "x"}, True),
        ({"content_length": "10", "content_encoding": "gzip"}, True),
    ],
)  # fmt: skip
def test_what_may_be_large_is_heavy(headers: dict[str, str], heavy: bool) -> None:
    assert made(**headers).heavy() is heavy
