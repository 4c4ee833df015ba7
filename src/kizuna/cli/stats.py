"""`kizuna stats`: what the node holds, or what one partner may read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kizuna.cli.folder import feed_rows, node
from kizuna.cli.output import as_option, emit, node_options, plain_rows, rows_option, say, store_option, table
from kizuna.cli.words import _

if TYPE_CHECKING:
    from kizuna.store import Stats, Store


@click.command(short_help="Count what the node holds.")
@rows_option
@store_option
@node_options
@as_option
def command(data: Path, as_json: bool, partner: str | None) -> None:
    """Count distinct ids, stored versions and ids by type; with --as, those a partner may read here."""
    with node(data) as store:
        stats = store.custodian().stats() if partner is None else _of_feed(store, partner)
    if as_json:
        emit(stats)
        return
    if not plain_rows():
        say(_("{objects:,} objects in {versions:,} versions", objects=stats.objects, versions=stats.versions))
    ordered = sorted(stats.by_type.items(), key=lambda entry: (-entry[1], entry[0]))
    if ordered or plain_rows():
        table(({"type": kind, "objects": count} for kind, count in ordered), ("type", "objects"), as_json=False)


def _of_feed(store: Store, partner: str) -> Stats:
    from kizuna.store import Stats

    versions = Counter(row.id for row in feed_rows(store, partner))
    by_type = Counter(id.partition("--")[0] for id in versions)
    return Stats(objects=len(versions), versions=versions.total(), by_type=dict(by_type))
