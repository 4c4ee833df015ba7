"""A client that is too slow, or says too much before it asks, loses its connection; others keep theirs."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
