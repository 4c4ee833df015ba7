"""Tokyo, served, with Brussels as a partner and an analyst who is also a releaser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from kizuna.store import Partner, Store
from kizuna.store.accounts import Accounts
from tests.serving import served


class Node(msgspec.Struct):
    """A served node and its tokens."""

    store: Store
    url: str
    partner: str
    owner: str
    reader: str

    @property
    def taxii(self) -> str:
        """The discovery address."""
        return f"{self.url}/taxii2/"


@pytest.fixture
def node(make_store: Callable[..., Store]) -> Iterator[Node]:
    """The served node."""
    store = make_store(community="ENTENTE")
    store.put_partner(
        Partner(
            name="Brussels",
            organisation="CERT Brussels (fictional)",
            country="BEL",
            receives=("TLP:CLEAR", "TLP:GREEN"),
            default_label="TLP:GREEN",
        )
    )
    accounts = Accounts(store)
    accounts.owner(by="test")
    accounts.add_user("reader", ("reader",), by="test")
    partner, _ = accounts.create_token(by="test", partner="Brussels", scopes=("read", "write"))
    owner, _ = accounts.create_token(by="test", user="owner", scopes=("read", "write", "release"))
    reader, _ = accounts.create_token(by="test", user="reader", scopes=("read", "write", "release"))
    with served(store) as url:
        yield Node(store, url, partner, owner, reader)


def everything(collection: Any, **more: Any) -> list[dict[str, Any]]:
    """All objects of a collection, through the peer's own paging."""
    from taxii2client.v21 import as_pages

    return [one for page in as_pages(collection.get_objects, per_request=1, **more) for one in page.get("objects", [])]
