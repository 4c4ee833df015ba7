"""Neighbours who connect and say nothing, read nothing, flood or trickle: everybody else is answered all the while."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from kizuna.store import open_store
from kizuna.store.accounts import Accounts
from tests.commands import bundle, kizuna

from .conftest import Faulty, corpus

linux = pytest.mark.skipif(sys.platform != "linux", reason="several addresses of one's own, /proc")
TAXII = "application/taxii+json;version=2.1"
CONNECTIONS = 10_000
OTHER = ("127.0.0.2", 0)  # from where the bad neighbours come
Neighbour = Callable[[socket.socket], Awaitable[None]]


class Place(NamedTuple):
    """Where a node listens."""

    host: str
    port: int


class Node:
    """A served node, and two partners' tokens."""

    def __init__(self, faulty: Faulty) -> None:
        store = open_store(faulty.folder)
        self.kyiv, _ = Accounts(store).create_token(by="test", partner="Kyiv", scopes=("read", "write"))
        store.close()
        self.brussels = faulty.brussels
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kizuna", "up", "--data", faulty.folder, "--port", "0", "--poll-seconds", "0", "--json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]
        parts = urlsplit(self.url)
        self.host, self.port = str(parts.hostname), int(parts.port or 0)

    def files(self) -> int:
        """How many files and connections the node has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def memory(self) -> int:
        """MB of resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() >> 20


@pytest.fixture
def node(faulty: Faulty) -> Iterator[Node]:
    """A node with some objects for its partners."""
    given = bundle(*corpus(7, 600, "n"))
    assert kizuna("import", "-", "--data", faulty.folder, "--label", "TLP:CLEAR", input=given).code in (0, 6)
    node = Node(faulty)
    yield node
    node.process.terminate()
    node.process.communicate(timeout=30)


class Honest:
    """A partner who goes on reading its feed, by a connection of its own each time, and keeps what became of it."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self.answers: Counter[str] = Counter()

    def __enter__(self) -> Honest:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(60)

    def _read(self) -> None:
        url = f"{self._node.url}/taxii2/real/collections/feed/objects/?limit=20"
        headers = {"Authorization": f"Bearer {self._node.kyiv}", "Accept": TAXII}
        while not self._ended.is_set():
            try:
                answer = httpx.get(url, headers=headers, timeout=30)
                self.answers[str(answer.status_code) if b'"objects"' in answer.content else answer.text] += 1
            except httpx.HTTPError as error:
                self.answers[type(error).__name__] += 1
            time.sleep(0.02)


@contextmanager
def neighbours(node: Node | Place, one: Neighbour, count: int) -> Iterator[None]:
    """So many bad neighbours, until the context ends."""
    ended = threading.Event()

    async def all_of_them() -> None:
        tasks = [asyncio.create_task(_quiet(one, node, ended)) for _ in range(count)]
        while not ended.is_set():
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(all_of_them(),))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(60)


async def _quiet(one: Neighbour, node: Node | Place, ended: threading.Event) -> None:
    while not ended.is_set():  # one who is told to end just as an answer comes may miss it
        with socket.socket() as plain, suppress(OSError):
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            plain.bind(OTHER)
            plain.setblocking(False)
            await asyncio.get_running_loop().sock_connect(plain, (node.host, node.port))
            await one(plain)
        await asyncio.sleep(0.01)


def request(token: str, target: str, *headers: str) -> bytes:
    """The head of a request."""
    lines = [f"{target} HTTP/1.1", "Host: node", f"Authorization: Bearer {token}", f"Accept: {TAXII}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def flooding(token: str) -> Neighbour:
    """One who asks for more before the answer has come."""

    async def one(plain: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        asked = request(token, "GET /taxii2/real/collections/feed/objects/?limit=1000")
        await loop.sock_sendall(plain, asked * 3)  # one behind the other, unasked for
        await asyncio.wait_for(loop.sock_recv(plain, 1000), 30)

    return one


def trickling(token: str) -> Neighbour:
    """One whose body comes a byte at a time."""

    async def one(plain: socket.socket) -> None:
        loop, inbox = asyncio.get_running_loop(), "POST /taxii2/real/collections/inbox/objects/"
        await loop.sock_sendall(plain, request(token, inbox, f"Content-Type: {TAXII}", "Content-Length: 99999"))
        while True:
            await loop.sock_sendall(plain, b" ")
            await asyncio.sleep(0.2)

    return one


def reading_nothing(token: str) -> Neighbour:
    """One who asks for much and takes none of it."""

    async def one(plain: socket.socket) -> None:
        feed = "GET /taxii2/real/collections/feed/objects/?limit=1000"
        await asyncio.get_running_loop().sock_sendall(plain, request(token, feed))
        await asyncio.sleep(3600)

    return one


@linux
def test_ten_thousand_connections_that_say_nothing(node: Node) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held: list[socket.socket] = []
    try:
        with Honest(node) as honest:
            for _ in range(min(CONNECTIONS, hard - 1_000)):
                one = socket.socket()
                one.bind(OTHER)
                one.settimeout(30)
                one.connect((node.host, node.port))
                held.append(one)
            time.sleep(1)
            assert node.files() < 700
        assert len(held) >= min(CONNECTIONS, hard - 1_000)
        assert set(honest.answers) == {"200"}, honest.answers
        assert honest.answers["200"] > 1
        assert node.memory() < 250
    finally:
        for one in held:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@linux
def test_a_partner_that_floods(node: Node) -> None:
    with neighbours(node, flooding(node.brussels), 150), Honest(node) as honest:
        time.sleep(6)
    assert set(honest.answers) == {"200"}, honest.answers
    assert honest.answers["200"] > 1


@linux
def test_partners_that_trickle_and_that_read_nothing(node: Node) -> None:
    slow, deaf = trickling(node.brussels), reading_nothing(node.brussels)
    with neighbours(node, slow, 60), neighbours(node, deaf, 60), Honest(node) as honest:
        time.sleep(6)
        memory = node.memory()
    assert set(honest.answers) == {"200"}, honest.answers
    assert honest.answers["200"] > 1
    assert memory < 300
