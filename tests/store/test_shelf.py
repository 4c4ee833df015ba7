"""Pages are bounded in bytes as well: each holds something, and together they hold everything once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from taxii2client.v21 import Server, as_pages

from kizuna.store import Page, Partner, Query, Store, shelf, view
from kizuna.store.accounts import Accounts
from tests.builders import AMBER, CLEAR, campaign, items
from tests.serving import served

MOST = 20_000
ALL = Query(versions=("all",))


@pytest.fixture
def filled(make_store: Callable[..., Store], monkeypatch: pytest.MonkeyPatch) -> Store:
    """Objects small and large, two of them larger than a page may be; every third is not for the partner."""
    monkeypatch.setattr(shelf, "PAGE_BYTES", MOST)
    monkeypatch.setattr(view, "PAGE_BYTES", MOST)
    store = make_store()
    store.put_partner(Partner(name="Brussels", organisation="B", country="BEL", receives=("TLP:CLEAR",)))
    sizes = [10, 10, 50_000, 9_000, 9_000, 9_000, 10, 50_000, 15_000, 15_000, 10, 10]
    objects = [
        campaign(f"c{number}", description="x" * size, object_marking_refs=[AMBER if number % 3 == 0 else CLEAR])
        for number, size in enumerate(sizes)
    ]
    assert all(o.status == "imported" for o in store.writer(store.own_source()).add(items(*objects)))
    return store


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_pages_are_small_and_lose_nothing(filled: Store, limit: int) -> None:
    for reader, expected in ((filled.feed("Brussels"), 8), (filled.custodian(), 12)):
        pages: list[Page] = []
        while not pages or pages[-1].more:
            pages.append(reader.read(ALL, pages[-1].rows[-1].position if pages else 0, limit))
            assert pages[-1].rows
            assert len(pages[-1].rows) == 1 or sum(len(row.raw) for row in pages[-1].rows) <= MOST
        ids = [row.id for page in pages for row in page.rows]
        assert len(ids) == len(set(ids)) == expected


def test_a_client_pages_through_all_of_it(filled: Store) -> None:
    accounts = Accounts(filled)
    token, _ = accounts.create_token(by="test", partner="Brussels", scopes=("read",))
    with served(filled) as url:
        server = Server(f"{url}/taxii2/", user="token", password=token)
        feed = next(c for c in server.api_roots[0].collections if c.can_read)
        pages = [page.get("objects", []) for page in as_pages(feed.get_objects, per_request=100)]
    assert len(pages) > 3
    names = [one["name"] for page in pages for one in page]
    assert sorted(names) == sorted(f"c{number}" for number in range(12) if number % 3)
