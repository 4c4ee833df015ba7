"""A served node with people, partners and objects of several labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from kizuna.labels import parse_label
from kizuna.store import Partner, Store
from kizuna.store.accounts import ROLES, SCOPES, Accounts
from tests.builders import campaign, items, relationship, report
from tests.serving import served

PASSWORD = "correct horse battery"
OPEN, GREEN, OWN, SECRET = (campaign(name) for name in ("open", "green", "own", "secret"))
LINKED = relationship(OPEN, "attributed-to", campaign("green"))
REPORT = report("a report", [OPEN])


class Node:
    """What a test needs to know of the node: its store, its address, and a secret for everybody."""

    def __init__(self, store: Store, url: str) -> None:
        self.store = store
        self.url = url
        self.accounts = Accounts(store)
        self.tokens: dict[str, str] = {}
        self._clients: list[httpx.Client] = []

    def close(self) -> None:
        """Close every client."""
        for client in self._clients:
            client.close()

    def client(self, who: str | None = None, **headers: str) -> httpx.Client:
        """A program with somebody's token."""
        if who is not None:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        return self._kept(httpx.Client(base_url=self.url, headers=headers, timeout=30))

    def browser(self, user: str = "owner", language: str = "en") -> httpx.Client:
        """Somebody's browser, logged in by a link."""
        stated = {"Accept": "text/html", "Accept-Language": language}
        client = self._kept(httpx.Client(base_url=self.url, headers=stated, follow_redirects=True, timeout=30))
        link = self.accounts.create_link(user, by="test")
        assert client.get(f"/login/{link}").url.path == "/"
        return client

    def visitor(self, partner: str = "Brussels", language: str = "en", name: str = "visitor") -> httpx.Client:
        """The browser of a person of a partner, logged in by a link."""
        if name not in {one.name for one in self.accounts.people_of_partners(partner)}:
            self.accounts.add_person_of(partner, name, by="test")
        stated = {"Accept": "text/html", "Accept-Language": language}
        client = self._kept(httpx.Client(base_url=self.url, headers=stated, follow_redirects=True, timeout=30))
        assert client.get(f"/login/{self.accounts.create_link(name, by='test')}").url.path == "/feed"
        return client

    def session(self, user: str) -> httpx.Client:
        """A program that is logged in as somebody, whose password is PASSWORD."""
        client = self._kept(httpx.Client(base_url=self.url, timeout=30))
        assert client.post("/login", data={"name": user, "password": PASSWORD}).status_code == 303
        client.headers["X-CSRF-Token"] = client.get("/api/v1/me").json()["csrf_token"]
        return client

    def _kept(self, client: httpx.Client) -> httpx.Client:
        self._clients.append(client)
        return client

    def put(self, *objects: dict[str, Any], label: str, area: str | None = None, partner: str | None = None) -> None:
        """Store objects under a label."""
        source = self.store.own_source() if partner is None else self.store.partner_source(partner)
        stated = parse_label(label, originator=source.organisation)
        outcomes = list(self.store.writer(source, label=stated, area=area).add(items(*objects)))
        assert {outcome.status for outcome in outcomes} == {"imported"}, outcomes


def people(node: Node) -> None:
    """Two partners, a reader, an analyst, an owner, and a token for each."""
    node.store.put_partner(
        Partner(
            name="Brussels", organisation="CERT Brussels (fictional)", country="BEL", receives=("TLP:CLEAR",), added=1
        )
    )
    node.store.put_partner(Partner(name="Kyiv", organisation="CERT Kyiv (fictional)", country="UKR", added=2))
    node.accounts.add_user("owner", ROLES, by="test")
    node.accounts.add_user("reader", ["reader"], by="test")
    node.accounts.add_user("analyst", ["analyst"], by="test")
    for user in node.accounts.users():
        node.tokens[user.name], _ = node.accounts.create_token(user=user.name, scopes=SCOPES, by="test")
    node.tokens["narrow"], _ = node.accounts.create_token(user="owner", scopes=["read"], by="test")
    node.tokens["partner"], _ = node.accounts.create_token(partner="Brussels", scopes=["read", "write"], by="test")


@pytest.fixture
def bare(make_store: Callable[..., Store]) -> Iterator[Node]:
    """A node without objects."""
    store = make_store()
    with served(store) as url:
        node = Node(store, url)
        people(node)
        yield node
        node.close()


def filled(bare: Node) -> Node:
    """The node with objects: SECRET is for a person who is none of its users."""
    bare.put(OPEN, REPORT, label="TLP:CLEAR", area="cyber-defence")
    bare.put(GREEN, LINKED, label="TLP:GREEN", area="space-security")
    bare.put(OWN, label="TLP:AMBER+STRICT")
    bare.put(SECRET, label="TLP:RED persons=somebody.else", area="maritime-security")
    return bare


@pytest.fixture
def node(bare: Node) -> Node:
    """A node with objects."""
    return filled(bare)


__all__ = ["GREEN", "LINKED", "OPEN", "OWN", "PASSWORD", "REPORT", "SECRET", "Node", "filled"]
