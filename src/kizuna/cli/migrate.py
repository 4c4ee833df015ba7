"""`kizuna migrate`: move a node from one kind of store to another."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import click
import msgspec

from kizuna.cli.folder import actor
from kizuna.cli.output import emit, node_options, say
from kizuna.cli.process import only_once
from kizuna.cli.words import _
from kizuna.errors import Conflict, InvalidInput


@click.command(short_help="Move the node to another store.")
@click.option("--to", "url", required=True, metavar="URL", help="postgresql://… or sqlite:///FILE; an empty one.")
@node_options
def command(url: str, data: Path, as_json: bool) -> None:
    """Copy everything the node remembers into another store, prove that both hold the same, and go on there.

    Nobody serves the node meanwhile. The old store stays as it was, marked as moved. What was cut off leaves the
    node in one of the two; where it did not move, the same command begins anew.
    """
    began = time.monotonic()
    with only_once(data, shared=False):
        from kizuna.settings import load, save
        from kizuna.store import open_store
        from kizuna.store.database import Connection, open_database, shown_address
        from kizuna.store.moving import begin, clear, let_in, mark_moved, take_back
        from kizuna.store.transfer import copy_store, must_be_empty

        given, written = load(data), load(data, environment=False)
        if given.store != written.store:
            raise InvalidInput("KIZUNA_STORE names another store than node.json; take it away first", file=str(data))
        settings, is_copied = msgspec.structs.replace(given, store=url), False

        def go_on_there(before: Connection) -> None:
            nonlocal is_copied
            is_copied = True
            save(data, msgspec.structs.replace(written, store=url))
            mark_moved(before, shown_address(url), by=actor())

        with closing(open_store(data)) as store:
            if written.store == url:
                raise Conflict("the node lives there already; nothing was changed", file=shown_address(url))
            clear(data, settings)
            try:
                with closing(open_database(data, settings)) as target:
                    must_be_empty(target.read(), target)
                    mark = begin(data, written.store, url, actor())
                    moved = copy_store(store, target, mark, go_on_there)
            except BaseException:
                if is_copied and load(data, environment=False).store != url:
                    take_back(data, url)
                raise
        with closing(open_database(data, settings)) as target:
            let_in(target, data, settings)
    seconds = round(time.monotonic() - began, 3)
    objects = moved.tables["object"]
    if as_json:
        emit({"objects": objects, "rows": moved.rows, "equal": True, "tables": moved.tables, "seconds": seconds})
    else:
        say(
            _(
                "{objects:,} versions and {rows:,} rows moved to {place}, the same on both sides, in {seconds:.1f} s",
                objects=objects,
                rows=moved.rows,
                place=shown_address(url),
                seconds=seconds,
            )
        )
