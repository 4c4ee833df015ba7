"""`kizuna export`: a STIX bundle of everything here, or of exactly what one partner may read."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from kizuna.cli.folder import actor, feed_rows, node
from kizuna.cli.job import background_option, put
from kizuna.cli.output import as_option, emit, node_options, note, output_file
from kizuna.cli.words import _
from kizuna.errors import UsageError


@click.command(short_help="Write objects as a STIX bundle.")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only this type; may be repeated.")
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to write; - is standard output.")
@background_option
@node_options
@as_option
def command(types: tuple[str, ...], output: str, as_job: bool, data: Path, as_json: bool, partner: str | None) -> None:
    """Write a STIX 2.1 bundle of the stored objects, byte for byte; with --as, of that partner's feed.

    The file is readable by its owner only. With --json the count goes to standard output (standard error with `-o -`).
    With --job the served node makes it, and `kizuna job result` writes it.
    """
    if as_job and output != "-":
        raise UsageError("a job is written by `kizuna job result ID -o FILE`")
    with node(data) as store:
        if as_job:
            stated = (
                {"types": list(types)}
                if partner is None
                else {"types": list(types), "partner": store.partner(partner).name}
            )
            put(store, "export", stated, as_json=as_json)
            return
        if partner is None:
            objects: Iterable[bytes] = store.custodian().export(types)
        else:
            partner = store.partner(partner).name
            objects = (row.raw for row in feed_rows(store, partner, types=types))
        with output_file(output) as write:
            count = write_bundle(objects, write)
        store.audit(actor(), "export", partner or "", {"objects": count, "types": list(types), "file": output})
    if as_json and output != "-":
        emit({"objects": count, "file": output})
    elif output != "-":
        note(_("{count:,} objects written to {file}", count=count, file=output))


def write_bundle(objects: Iterable[bytes], write: Callable[[bytes], object]) -> int:
    """Write a bundle around objects as they are; an empty one has no `objects` (STIX 2.1, section 8)."""
    write(b'{"type":"bundle","id":"bundle--%b"' % str(uuid.uuid4()).encode())
    count = 0
    for count, raw in enumerate(objects, 1):
        write(b',"objects":[\n' if count == 1 else b",\n")
        write(raw)
    write(b"]}\n" if count else b"}\n")
    return count
