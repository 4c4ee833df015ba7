"""The operator's listener: one page, one reader at a time, each of whom has little time."""

from __future__ import annotations

import socket
import time

import httpx
import pytest

from kizuna.observe import admin
from kizuna.observe.admin import Admin


def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def test_it_answers_with_the_page_and_nothing_else() -> None:
    with Admin(listener(), lambda: b"kizuna_up 1\n") as served:
        answer = httpx.get(served.url)
        assert (answer.status_code, answer.text) == (200, "kizuna_up 1\n")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert answer.headers["server"] == "kizuna"
        for path in ("/", "/metrics/x", "/api/v1/stats"):
            assert httpx.get(served.url.removesuffix("/metrics") + path).status_code == 404
        assert httpx.post(served.url).status_code == 501
    with pytest.raises(httpx.ConnectError):
        httpx.get(served.url)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:1", 200),
        ("localhost", 200),
        ("[::1]:9", 200),
        ("LOCALHOST:8", 200),
        ("rebound.example", 403),
        ("", 403),
        ("[x", 403),
    ],
)
def test_on_this_machine_it_is_asked_by_this_machines_names(host: str, status: int) -> None:
    with Admin(listener(), lambda: b"kizuna_up 1\n") as served:
        assert httpx.get(served.url, headers={"Host": host}).status_code == status


def test_who_says_nothing_keeps_others_waiting_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin._Handler, "timeout", 0.2)
    with Admin(listener(), lambda: b"kizuna_up 1\n") as served:
        address = ("127.0.0.1", httpx.URL(served.url).port or 0)
        with socket.create_connection(address), socket.create_connection(address):
            began = time.monotonic()
            assert httpx.get(served.url, timeout=10).status_code == 200
            assert time.monotonic() - began < 5
