"""What the node remembers: a store, writers that bring objects in, views and feeds that read as somebody."""

from kizuna.store.feed import Feed
from kizuna.store.model import (
    AreaTraffic,
    Change,
    Count,
    Facets,
    Found,
    Neighbour,
    Outcome,
    Page,
    Partner,
    Query,
    Row,
    Source,
    Stats,
    Stored,
)
from kizuna.store.shelf import Shelf
from kizuna.store.store import Store, create_store, open_store
from kizuna.store.view import View
from kizuna.store.writer import Writer

__all__ = [
    "AreaTraffic", "Change", "Count", "Facets", "Feed", "Found", "Neighbour", "Outcome", "Page", "Partner", "Query", "Row",
    "Shelf", "Source", "Stats", "Store", "Stored", "View", "Writer", "create_store", "open_store",
]  # fmt: skip
