"""`kizuna job`: what a served node does beside its requests, seen and steered by the keeper of its folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.output import NumberRange, emit, node_options, note, output_file, progress, rows_option, say, table
from kizuna.cli.words import N_, _

if TYPE_CHECKING:
    from kizuna.store import Store
    from kizuna.store.jobs import Job, Kind

STATES = ("queued", "running", "done", "failed", "cancelled")
COLUMNS = ("id", "kind", "state", "asked", "made", "done", "total")
LOOK_SECONDS = 0.2

background_option = click.option(
    "--job", "as_job", is_flag=True, help="Leave it to the served node and end; see `kizuna job`."
)


def put(store: Store, kind: Kind, arguments: dict[str, Any], text: bytes = b"", *, as_json: bool) -> None:
    """Put a job behind the others and tell its id."""
    from kizuna.store.jobs import Jobs

    job = Jobs(store).ask(kind, actor(), arguments, text)
    if as_json:
        emit({"job": job.id, "kind": kind, "state": job.state})
    else:
        say(job.id)
        note(_("a served node does this; see how it stands with: kizuna job show {id}", id=job.id))


@click.group(short_help="Jobs: imports, exports and polls that wait or run.")
def command() -> None:
    """Jobs are done by `kizuna up`, one after the other, and outlive a restart."""


@command.command("list", short_help="List jobs.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@click.option(
    "--state", "states", multiple=True, type=click.Choice(STATES), help="Only in this state; may be repeated."
)
@rows_option
@node_options
def list_jobs(limit: int, states: tuple[str, ...], data: Path, as_json: bool) -> None:
    """List jobs, newest first, whoever asked for them."""
    with node(data) as store:
        from kizuna.store.jobs import Jobs

        rows = [_row(job) for job in Jobs(store).listed(limit, states=states)]
    table(rows, COLUMNS, as_json=as_json, empty=N_("no jobs"))


@command.command("show", short_help="Show how a job stands.")
@click.argument("id")
@node_options
def show(id: str, data: Path, as_json: bool) -> None:
    """Show how a job stands, and what it came to."""
    with node(data) as store:
        from kizuna.store.jobs import Jobs

        job = Jobs(store).find(id)
    _tell(job, as_json=as_json)


@command.command("wait", short_help="Wait until a job has ended.")
@click.argument("id")
@click.option(
    "--timeout", type=NumberRange(0, 1e6), metavar="SECONDS", help="Wait no longer. Default: as long as it takes."
)
@node_options
@click.pass_context
def wait(ctx: click.Context, id: str, timeout: float | None, data: Path, as_json: bool) -> None:
    """Wait until a job has ended and show what it came to: exit 1 when it failed, was cancelled, or has not ended in time."""
    until = None if timeout is None else time.monotonic() + timeout
    with node(data) as store:
        from kizuna.store.jobs import Jobs

        jobs = Jobs(store)
        job, seen = jobs.find(id), 0
        with progress(_("waiting"), job.total, unit_is_bytes=job.kind == "import") as advance:
            while job.ended is None and (until is None or time.monotonic() < until):
                time.sleep(LOOK_SECONDS)
                job = jobs.find(id)
                advance(job.done - seen)
                seen = job.done
    _tell(job, as_json=as_json)
    if job.state != "done":
        ctx.exit(1)


@command.command("cancel", short_help="Cancel a job.")
@click.argument("id")
@node_options
def cancel(id: str, data: Path, as_json: bool) -> None:
    """Cancel a job: at once when it waits, else between two batches. What an import has stored stays."""
    with node(data) as store:
        from kizuna.store.jobs import Jobs

        job = Jobs(store).cancel(id, by=actor())
    if as_json:
        emit(_row(job))
    else:
        say(_("cancelled") if job.state == "cancelled" else _("it ends at its next step"))


@command.command("result", short_help="Write the bundle that an export made.")
@click.argument("id")
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to write; - is standard output.")
@node_options
def result(id: str, output: str, data: Path, as_json: bool) -> None:
    """Write the bundle that an export made for you. What the API made for a person is theirs alone, by the API."""
    with node(data) as store:
        from kizuna.errors import Conflict, NotFound, Refused
        from kizuna.store.exported import bundle_of
        from kizuna.store.jobs import Jobs

        job = Jobs(store).find(id)
        if job.kind != "export":
            raise NotFound("only an export has a result to take away")
        if job.person is not None:
            raise Refused("this was made for the eyes of a person, who takes it away by the API")
        if job.state != "done":
            raise Conflict(f"this export is {job.state}")
        with output_file(output) as write:
            for piece in bundle_of(store, job, None):
                write(piece)
    count = (job.result or {}).get("objects", 0)
    if as_json and output != "-":
        emit({"objects": count, "file": output})
    elif output != "-":
        note(_("{count:,} objects written to {file}", count=count, file=output))


def _row(job: Job) -> dict[str, Any]:
    from kizuna.clock import to_text

    moments = {
        name: None if (at := getattr(job, name)) is None else to_text(at) for name in ("made", "started", "ended")
    }
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "asked": job.asked,
        "attempt": job.attempt,
        **moments,
        "done": job.done,
        "total": job.total,
        "error": job.error,
        "reason": job.reason,
    }


def _tell(job: Job, *, as_json: bool) -> None:
    row = {**_row(job), "result": job.result}
    if as_json:
        emit(row)
        return
    for name, value in row.items():
        if name == "result":
            for key, found in (job.result or {}).items():
                say(f"{key:<10} {len(found) if isinstance(found, list) else found}")
        elif value is not None:
            say(f"{name:<10} {value}")
