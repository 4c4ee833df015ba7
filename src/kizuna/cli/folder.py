"""Opening the node a command works on, and who is at the keyboard."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from kizuna.cli.output import detail, note
from kizuna.cli.process import need_node
from kizuna.cli.words import _
from kizuna.errors import InvalidInput

if TYPE_CHECKING:
    from kizuna.store import Row, Store, Stored

PAGE = 1000


@contextmanager
def node(folder: Path) -> Iterator[Store]:
    """The store of the node in `folder`, closed at the end; it may be served by `kizuna up` meanwhile."""
    need_node(folder)
    from kizuna.store import open_store

    try:
        store = open_store(folder)
    except PermissionError as error:
        raise InvalidInput(f"may not be read by this user: {error.strerror}", file=str(error.filename)) from None
    detail(
        _(
            "node {name} ({organisation}) in {folder}",
            name=store.settings.name,
            organisation=store.organisation,
            folder=folder,
        )
    )
    try:
        yield store
    finally:
        store.close()


@contextmanager
def trial(store: Store, *, dry: bool) -> Iterator[None]:
    """Whatever is done inside is taken back at the end when it is a dry run: what it tells is then what would be."""
    if not dry:
        yield
        return
    note(_("dry run: nothing is changed"))
    with store.trial():
        yield


def actor() -> str:
    """Who acts, for the audit trail: the system's user at this command line."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        name = str(os.getuid())
    return f"cli:{name}"


def found_rows(
    store: Store,
    text: str | None,
    *,
    value: str | None = None,
    types: tuple[str, ...] = (),
    area: str | None = None,
    at_once: int = 500,
) -> Iterator[Stored]:
    """What a search finds here, newest first, fetched as it is asked for."""
    view, cursor = store.custodian(), None
    while True:
        found = view.search(text, value=value, types=types, area=area, limit=min(at_once, 500), cursor=cursor)
        yield from found.items
        cursor = found.cursor
        if cursor is None:
            return


def found_ids(
    store: Store, text: str | None, types: tuple[str, ...], area: str | None, limit: int
) -> tuple[tuple[str, ...], bool]:
    """The newest objects of these words, and whether there are more."""
    rows = found_rows(store, text, types=types, area=area, at_once=limit + 1)
    found = tuple(dict.fromkeys(stored.id for stored in islice(rows, limit + 1)))
    return found[:limit], len(found) > limit


def feed_rows(store: Store, partner: str, *, ids: tuple[str, ...] = (), types: tuple[str, ...] = ()) -> Iterator[Row]:
    """Every row a partner may read here, exactly as its TAXII collections offer them. Raises NotFound."""
    from kizuna.store import Query

    feed = store.feed(store.partner(partner).name)
    query = Query(ids=ids, types=types, versions=("all",))
    position, more = 0, True
    while more:
        page = feed.read(query, position, PAGE)
        yield from page.rows
        more = page.more and bool(page.rows)
        position = page.rows[-1].position if page.rows else position
