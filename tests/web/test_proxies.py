"""Behind a proxy the node knows who asks, and over what, from those proxies alone that its settings name."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import msgspec
import pytest
import uvicorn

from kizuna import node
from kizuna.settings import Settings
from kizuna.store import Store
from kizuna.store.accounts import ROLES, Accounts
from tests.stores import SQLITE

TRIES = 6


@contextmanager
def served(store: Store) -> Iterator[str]:
    """As `kizuna up` serves it."""
    server = uvicorn.Server(node._config(store, store.settings))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def refused(url: str, *addresses: str) -> list[int]:
    """The answers to wrong passwords for as many accounts, said to come from these addresses."""
    answers = []
    for number, address in enumerate(addresses):
        form = {"name": f"nobody{number}", "password": "wrong"}
        headers = {"X-Forwarded-For": address, "Origin": url, "Accept": "text/html"}
        answers.append(httpx.post(f"{url}/login", data=form, headers=headers).status_code)
    return answers


@SQLITE
def test_a_proxy_that_is_named_tells_who_asks(make_store: Callable[..., Store]) -> None:
    with served(make_store(proxies=("127.0.0.0/8",))) as url:
        one_after_the_other = refused(url, *(f"198.51.100.{n}" for n in range(TRIES)))
        always_the_same = refused(url, *["203.0.113.9"] * TRIES)
    assert 429 not in one_after_the_other
    assert 429 in always_the_same


@SQLITE
def test_nobody_elses_word_is_taken(make_store: Callable[..., Store]) -> None:
    with served(make_store(proxies=("192.0.2.1",))) as url:
        assert 429 in refused(url, *(f"198.51.100.{n}" for n in range(TRIES)))
    with served(make_store()) as url:
        assert 429 in refused(url, *(f"198.51.100.{n}" for n in range(TRIES)))


@SQLITE
def test_behind_tls_of_a_proxy_cookies_are_for_tls_alone(make_store: Callable[..., Store]) -> None:
    store = make_store(public_url="https://node.example", proxies=("127.0.0.1",))
    accounts = Accounts(store)
    accounts.add_user("owner", ROLES, by="test")
    with served(store) as url:
        page = httpx.get(f"{url}/login/{accounts.create_link('owner', by='test')}", headers={"Accept": "text/html"})
    assert "; Secure" in page.headers["set-cookie"]
    assert page.headers["set-cookie"].startswith("__Host-")
    assert "strict-transport-security" in page.headers


@pytest.mark.parametrize(
    "wrong",
    [
        {"public_url": "node.example"},
        {"public_url": "https://node.example/path"},
        {"public_url": "javascript:alert(1)"},
        {"proxies": ["proxy.example"]},
        {"proxies": ["10.0.0.0/99"]},
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, object]) -> None:
    told = {"name": "N", "organisation": "N", "country": "JPN", "identity": "identity--n", **wrong}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(told, Settings)
