"""Every route under hostile methods, addresses, headers and bodies: an answer of the documented form, never an error of the node."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kizuna.web.app import HEADERS
from kizuna.web.problems import KINDS, MEDIA_TYPE
from tests.behaviour.asgi import Header, Reply, asked, portal
from tests.behaviour.hostile import ID, METHODS, ROUTES, blocks, filled, headers, places, queries, targets
from tests.behaviour.worlds import World, made
from tests.builders import CLEAR, campaign

# Lists, which may stand on several lines (RFC 9110 section 5.3), and cookies.
REPEATED = {b"vary", b"www-authenticate", b"set-cookie"}
# What a node answers with on purpose; 503 is not among them: nothing here is busy.
STATUSES = {200, 202, 204, 303, 304, 400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 429}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A node for all, with a few objects."""
    with portal() as loop, tempfile.TemporaryDirectory() as folder:
        one = World(Path(folder))
        with asked(one.store, loop) as one.client:
            one.bring(
                "owner", campaign("a", object_marking_refs=[CLEAR]), made("report", "r", ["a"], "発電所", 1, CLEAR)
            )
            yield one
        one.close()


callers = st.sampled_from(["owner", "colleague", "Brussels", None])


def checked(reply: Reply, method: str, target: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Assert that an answer is one that is documented."""
    place = (method, target, reply)
    assert reply.status in STATUSES, place
    assert not caplog.records, (place, caplog.text)
    assert b"Traceback" not in reply.body, place
    names = [name.lower() for name, _ in reply.headers]
    for name, value in HEADERS.items():
        assert reply.header(name) == value, place
    assert reply.header("cache-control"), place
    once = [name for name in names if name not in REPEATED]
    assert len(set(once)) == len(once), place
    assert not any(c in value for _, value in reply.headers for c in b"\r\n\0"), place
    if reply.header("content-length") and method != "HEAD":
        assert int(reply.header("content-length")) == len(reply.body), place
    kind = reply.header("content-type").partition(";")[0]
    if reply.header("content-encoding") == "gzip":
        return
    if reply.status >= 400 and method != "HEAD":
        assert kind in (MEDIA_TYPE, "application/taxii+json", "text/html"), place
        _is_an_error(reply, kind)
    if reply.status == 303:
        assert re.fullmatch(r"/(?![/\\])[!-~]*", reply.header("location")), place
    assert not (b"=" in target and b"evil" in reply.header("location").encode()), place


OURS = re.compile(rb'<script type="module" src="/static/[a-z]+\.js\?v=[0-9a-f]{12}"></script>')


def _is_an_error(reply: Reply, kind: str) -> None:
    if kind == MEDIA_TYPE:
        problem = reply.json()
        slug = problem["type"].removeprefix("/problems/")
        assert (problem["status"], problem["title"]) == (reply.status, KINDS[slug].title)
    elif kind == "application/taxii+json":
        assert reply.json()["http_status"] == str(reply.status)
    else:
        assert reply.body.startswith(b"<!doctype html>"), reply
        assert b"<script" not in OURS.sub(b"", reply.body)


def asks(world: World, who: str | None, method: str, target: bytes, found: list[Header], body: list[bytes]) -> Reply:
    """Ask as somebody, unless the headers say otherwise."""
    if who is not None and not any(name == b"authorization" for name, _ in found):
        found = [*found, (b"authorization", f"Bearer {world.tokens[who]}".encode())]
    return world.client.ask(method, target, headers=found, body=body)


def fuzzed(world: World, caplog: pytest.LogCaptureFixture, *request: object) -> None:
    who, method, target, query, found, body = request
    caplog.clear()
    world.clock.now += 3_600_000_000  # log-ins are not slowed by those of an hour ago
    whole = target + b"?" + query if query else target  # type: ignore[operator]
    checked(asks(world, who, method, whole, found, body), method, whole, caplog)  # type: ignore[arg-type]


OPTIONS = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}


@pytest.mark.parametrize(("method", "path"), ROUTES)
@settings(max_examples=40, **OPTIONS)  # type: ignore[arg-type]
@given(who=callers, values=st.lists(places, min_size=2, max_size=2), query=queries, found=headers, body=blocks)
def test_a_route_answers_whatever_it_is_asked(
    world: World, caplog: pytest.LogCaptureFixture, method: str, path: str, who: str | None, values: list[bytes], query: bytes,
    found: list[Header], body: list[bytes],
) -> None:  # fmt: skip
    caplog.set_level(logging.WARNING)
    fuzzed(world, caplog, who, method, filled(path, values), query, found, body)


@settings(max_examples=1_500, **OPTIONS)  # type: ignore[arg-type]
@example(who=None, method="OPTIONS", target=b"/api/v1/stats", query=b"", found=[], body=[])
@example(who=None, method="GET", target=b"/login", query=b"", found=[(b"host", b"\x80")], body=[])
@example(who="owner", method="PUT", target=f"/api/v1/objects/{ID}/label".encode(), query=b"\x80", found=[], body=[])
@example(
    who="owner",
    method="PUT",
    target=f"/api/v1/objects/{ID}/label".encode(),
    query=b"",
    found=[(b"host", b"[::1")],
    body=[],
)
@given(who=callers, method=st.sampled_from(METHODS), target=targets, query=queries, found=headers, body=blocks)
def test_any_method_anywhere(
    world: World, caplog: pytest.LogCaptureFixture, who: str | None, method: str, target: bytes, query: bytes,
    found: list[Header], body: list[bytes]
) -> None:  # fmt: skip
    caplog.set_level(logging.WARNING)
    fuzzed(world, caplog, who, method, target, query, found, body)


@pytest.mark.soak
@settings(max_examples=50_000, **OPTIONS)  # type: ignore[arg-type]
@given(who=callers, method=st.sampled_from(METHODS), target=targets, query=queries, found=headers, body=blocks)
def test_any_method_anywhere_at_length(
    world: World, caplog: pytest.LogCaptureFixture, who: str | None, method: str, target: bytes, query: bytes,
    found: list[Header], body: list[bytes]
) -> None:  # fmt: skip
    caplog.set_level(logging.WARNING)
    fuzzed(world, caplog, who, method, target, query, found, body)


def test_every_answer_is_one_of_those_a_node_gives() -> None:
    assert {kind.status for kind in KINDS.values()} - STATUSES == {410, 500, 502, 503, 507}
