"""A client that is too slow, or says too much before it asks, loses its connection; others keep theirs."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from kizuna.settings import Limits
from kizuna.store import Store
from kizuna.web import create_app
from kizuna.web.connection import HEAD_BYTES, bounded
from tests.serving import running

GET = b"GET /healthz HTTP/1.1\r\nHost: node\r\n\r\n"


@contextmanager
def bounded_node(store: Store, limits: Limits) -> Iterator[tuple[str, int]]:
    """A node whose connections have these limits."""
    with running(create_app(store), log_level="critical", http=bounded(limits)) as found:
        yield found


@pytest.fixture
def address(make_store: Callable[..., Store]) -> Iterator[tuple[str, int]]:
    """A node that waits half a second for a head and a second for a body."""
    with bounded_node(make_store(), Limits(head_seconds=0.5, body_seconds=1.0)) as found:
        yield found


def drip(address: tuple[str, int], *pieces: bytes, dripping: bytes = b"") -> bytes:
    """Send pieces, then drip a byte at a time until the other side has had enough; what it said."""
    said = b""
    with socket.create_connection(address, timeout=30) as client:
        for piece in pieces:
            client.sendall(piece)
        client.settimeout(0.05)
        while True:
            try:
                if not (block := client.recv(65536)):
                    return said
                said += block
            except TimeoutError:
                try:
                    client.sendall(dripping)
                except OSError:
                    return said
            except ConnectionError:
                return said


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"\r\n",),
        (b"GET /healthz HTTP/1.1\r\nX-Long: ",),
        (b"POST /api/v1/import HTTP/1.1\r\nHost: node\r\nContent-Length: 1000\r\n\r\n",),
        (b"POST /taxii2/ HTTP/1.1\r\nHost: node\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n",),
    ],
)
def test_what_drips_ends(address: tuple[str, int], pieces: tuple[bytes, ...]) -> None:
    drip(address, *pieces, dripping=b"\r\n" if pieces in ((), (b"\r\n",)) else b"a")
    assert httpx.get(f"http://{address[0]}:{address[1]}/healthz").status_code == 200


def test_a_slow_head_is_told_so(address: tuple[str, int]) -> None:
    assert drip(address, b"GET /healthz HTTP/1.1\r\nX-Long: ", dripping=b"a").startswith(b"HTTP/1.1 408 ")


def test_a_second_request_is_bounded_like_the_first(address: tuple[str, int]) -> None:
    said = drip(address, GET, b"GET /healthz HTTP/1.1\r\nX-Long: ", dripping=b"a")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in said


def test_a_head_is_small(address: tuple[str, int]) -> None:
    assert drip(address, b"GET /healthz HTTP/1.1\r\nX-Long: " + b"a" * HEAD_BYTES).startswith(b"HTTP/1.1 431 ")


def test_a_head_in_pieces_and_requests_in_one_piece_are_served(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=30) as client:
        for piece in (GET[:7], GET[7:20], GET[20:] + GET + GET):
            client.sendall(piece)
            time.sleep(0.02)
        said = b""
        while said.count(b"HTTP/1.1 200 ") < 3:
            said += client.recv(65536)
        time.sleep(1.2)  # longer than both limits: nothing is awaited of it
        client.sendall(GET)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_body_that_stands_still_ends(make_store: Callable[..., Store]) -> None:
    head = b"POST /api/v1/import HTTP/1.1\r\nHost: node\r\nContent-Length: 100000\r\n\r\n"
    with bounded_node(make_store(), Limits(stall_seconds=0.3, body_seconds=60.0)) as address:
        began = time.monotonic()
        drip(address, head, dripping=b" ")
        assert time.monotonic() - began < 20


def test_an_answer_that_nobody_reads_ends_and_one_read_slowly_does_not(make_store: Callable[..., Store]) -> None:
    async def large(_scope: Any, _receive: Any, send: Any) -> None:
        size = str(LARGE).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", size)]})
        await send({"type": "http.response.body", "body": bytes(LARGE)})

    with running(large, log_level="critical", http=bounded(Limits(stall_seconds=0.5)), lifespan="off") as address:
        assert read(address, pause=2.0, once=True) < LARGE
        assert read(address, pause=0.02, once=False) >= LARGE


LARGE = 32 << 20


def read(address: tuple[str, int], *, pause: float, once: bool) -> int:
    """How much of an answer came to somebody who pauses, once or after each piece."""
    size = 0
    with socket.create_connection(address, timeout=30) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.sendall(GET)
        time.sleep(pause)
        while True:
            try:
                block = client.recv(1 << 20)
            except ConnectionError:
                return size
            if not block:
                return size
            size += len(block)
            if size >= LARGE:
                return size
            if not once:
                time.sleep(pause)


def test_those_who_say_nothing_make_room(make_store: Callable[..., Store]) -> None:
    with bounded_node(make_store(), Limits(connections=20)) as address:
        silent = [socket.create_connection(address, source_address=("127.0.0.2", 0)) for _ in range(60)]
        try:
            for _ in range(5):
                answer = httpx.get(f"http://{address[0]}:{address[1]}/healthz", timeout=20)
                assert answer.status_code == 200
        finally:
            for one in silent:
                one.close()


def test_too_much_at_once_is_refused_with_the_time_to_wait(make_store: Callable[..., Store]) -> None:
    store = make_store(limits=Limits(at_once=1, waiting=1))
    body = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nn"
    with bounded_node(store, store.settings.limits) as address:
        # A log-in whose form is still to come keeps its turn.
        held = [socket.create_connection(address) for _ in range(2)]
        try:
            for one in held:
                one.sendall(b"POST /login HTTP/1.1\r\nHost: node\r\n" + body)
            time.sleep(0.5)
            base = f"http://{address[0]}:{address[1]}"
            api, taxii = httpx.get(f"{base}/api/v1/me"), httpx.get(f"{base}/taxii2/")
            assert (api.status_code, api.headers["retry-after"]) == (429, "1")
            assert api.json()["type"].endswith("/problems/too-many-requests")
            assert (taxii.status_code, taxii.headers["retry-after"], taxii.json()["http_status"]) == (429, "1", "429")
            assert taxii.headers["content-type"].startswith("application/taxii+json")
        finally:
            for one in held:
                one.close()
        time.sleep(0.5)
        assert httpx.get(f"{base}/healthz").status_code == 200


def test_who_asks_for_much_at_once_and_leaves_is_no_error(
    make_store: Callable[..., Store], caplog: pytest.LogCaptureFixture
) -> None:
    """Of requests one behind the other none is answered into a connection that is gone."""
    with running(create_app(make_store()), log_config=None, http=bounded(Limits())) as address:
        for turn in range(40):
            client = socket.create_connection(address, timeout=30)
            client.sendall(GET.replace(b"/healthz", b"/taxii2/") * 20)  # answered by a thread
            time.sleep(turn * 0.0005)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
            client.close()
        assert httpx.get(f"http://{address[0]}:{address[1]}/healthz").status_code == 200
    assert [one.getMessage() for one in caplog.records] == []
