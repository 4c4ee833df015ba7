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


@click.command(short_help="Move the node to another store.")
@click.option("--to", "url", required=True, metavar="URL", help="postgresql://… or sqlite:///FILE; an empty one.")
@node_options
def command(url: str, data: Path, as_json: bool) -> None:
    """Copy everything the node remembers into another store, prove that both hold the same, and go on there.

    Nobody serves the node meanwhile. The old store stays as it was, marked as moved. What was begun and not ended leaves
    the node where it was; the same command begins anew.
    """
    began = time.monotonic()
    with only_once(data):
        from kizuna.settings import load, save
        from kizuna.store import open_store
        from kizuna.store.database import open_database, shown_address
        from kizuna.store.moving import begin_anew, let_in, mark_moved, take_back
        from kizuna.store.transfer import copy_store

        settings = msgspec.structs.replace(load(data), store=url)
        with closing(open_store(data)) as store:
            mark = begin_anew(data, settings)
            with closing(open_database(data, settings)) as target:
                moved = copy_store(store, target, mark)
            try:
                save(data, settings)
            except BaseException:
                if load(data).store != url:
                    take_back(data, url)
                raise
            mark_moved(store, shown_address(url), by=actor())
        with closing(open_database(data, settings)) as target:
            let_in(target, data, url)
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
