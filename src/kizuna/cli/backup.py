"""`kizuna backup`: everything a node remembers in one file, made while it serves."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.output import emit, node_options, note, say
from kizuna.cli.words import _
from kizuna.errors import InvalidInput


@click.command(short_help="Write a node to one file, while it serves.")
@click.option("-o", "--output", required=True, metavar="FILE", help="Where to write; - is standard output.")
@node_options
def command(output: str, data: Path, as_json: bool) -> None:
    """Write everything the node remembers, its settings, key and tokens to one file, all of one moment.

    The node may serve and import meanwhile. The file is for its owner only, is there whole or not at all, and is read back and
    compared. Keep it as you keep the node: whoever has it has the node's key. Only another backup is written over.
    """
    began = time.monotonic()
    with node(data) as store:
        from kizuna.store.backup import back_up, stream

        if output == "-":
            if sys.stdout.isatty():
                raise InvalidInput("a backup is not for a terminal; name a file, or pipe it", file="-")
            made = stream(store, sys.stdout.buffer, by=actor())
        else:
            made = back_up(store, Path(output), by=actor())
    for name in made.left_out:
        note(_("not in the backup: {file}", file=name))
    if output == "-":
        return
    manifest, seconds = made.manifest, round(time.monotonic() - began, 3)
    if as_json:
        counts = {
            "objects": manifest.tables["object"],
            "rows": sum(manifest.tables.values()),
            "tables": manifest.tables,
        }
        of = {"file": output, "bytes": made.size, "sha256": made.sha256, "verified": True, "made": manifest.made}
        told = {"kind": manifest.kind, "schema": manifest.schema, "epoch": manifest.epoch, "left_out": made.left_out}
        emit({**counts, **of, **told, "seconds": seconds})
    else:
        say(
            _(
                "{objects:,} versions written to {file} and read back: {size:.1f} MB in {seconds:.1f} s",
                objects=manifest.tables["object"],
                file=output,
                size=made.size / 1e6,
                seconds=seconds,
            )
        )
