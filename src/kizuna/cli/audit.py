"""`kizuna audit`: who did what at this node, to read and to hand over."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.output import emit, node_options, note, output_file, rows_option, table
from kizuna.cli.words import N_, _
from kizuna.clock import from_text

if TYPE_CHECKING:
    from kizuna.store.audit import Entry

COLUMNS = ("number", "at", "actor", "act", "subject", "detail", "chain")


class Moment(click.ParamType[int]):
    """A day such as 2026-11-25, or a moment such as 2026-11-25T09:24:00Z, in microseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; click calls this."""
        text = str(value)
        try:
            return from_text(f"{text}T00:00:00Z" if len(text) == len("2026-11-25") else text)
        except ValueError:
            self.fail(f"{value!r} is no moment; try 2026-11-25 or 2026-11-25T09:24:00Z", param, ctx)


@click.group(short_help="Read and export the audit trail.")
def command() -> None:
    """The audit trail: who did what, and when. Entries are added and never changed; no content of an object is in them."""


@command.command("list", short_help="Show the newest entries.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@click.option("--act", metavar="ACT", help="Only this kind, such as relabel or token.create.")
@click.option("--actor", "by", metavar="NAME", help="Only what this one did.")
@rows_option
@node_options
def list_entries(limit: int, act: str | None, by: str | None, data: Path, as_json: bool) -> None:
    """Show the newest entries of the audit trail, newest first."""
    with node(data) as store:
        from kizuna.store.audit import newest

        rows = [_without_chain(entry) for entry in newest(store, limit, act=act, actor=by)]
    table(rows, ("at", "actor", "act", "subject"), as_json=as_json, empty=N_("nothing was done yet"))


@command.command("export", short_help="Write the audit trail to a file.")
@click.option("--since", type=Moment(), help="From this moment or day on (UTC).")
@click.option("--until", type=Moment(), help="Before this moment or day (UTC).")
@click.option(
    "--format", "form", type=click.Choice(["jsonl", "json", "csv"]), default="jsonl", show_default=True, help="How."
)
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to write; - is standard output.")
@node_options
def export(since: int | None, until: int | None, form: str, output: str, data: Path, as_json: bool) -> None:
    """Write the entries in the order they were made. The file is readable by its owner only.

    Each has a `chain`: a digest of the entry and of all before it. Where an older export has another chain for the same
    number, the trail was changed. That it was exported is an entry itself.
    """
    with node(data) as store:
        from kizuna.store.audit import trail

        with output_file(output) as write:
            count, chain = 0, None
            for block, entry in _written(form, trail(store, since=since, until=until)):
                write(block)
                if entry is not None:
                    count, chain = count + 1, entry.chain
        store.audit(actor(), "audit.export", "", {"entries": count, "file": output})
    if as_json and output != "-":
        emit({"entries": count, "chain": chain, "file": output})
    elif output != "-":
        note(_("{count:,} entries written to {file}; chain {chain}", count=count, file=output, chain=chain or "-"))


def _written(form: str, entries: Iterable[Entry]) -> Iterator[tuple[bytes, Entry | None]]:
    """What to write, piece by piece, and the entry it is of."""
    import msgspec

    if form == "csv":
        yield _csv(dict(zip(COLUMNS, COLUMNS, strict=True))), None
        for entry in entries:
            yield _csv({**entry.row(), "detail": msgspec.json.encode(entry.detail).decode()}), entry
        return
    between, last = (b",\n", b"\n]\n") if form == "json" else (b"\n", b"")
    first = b"[\n" if form == "json" else b""
    for entry in entries:
        line = msgspec.json.encode(entry.row())
        yield first + line + (b"" if form == "json" else b"\n"), entry
        first = between if form == "json" else b""
    if form == "json":
        yield (last if first == between else b"[]\n"), None


def _csv(row: dict[str, Any]) -> bytes:
    """One line after RFC 4180."""
    text = io.StringIO()
    csv.DictWriter(text, COLUMNS, lineterminator="\r\n").writerow(row)
    return text.getvalue().encode("utf-8", "replace")


def _without_chain(entry: Entry) -> dict[str, Any]:
    return {key: value for key, value in entry.row().items() if key != "chain"}
