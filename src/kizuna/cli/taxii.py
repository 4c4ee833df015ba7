"""`kizuna taxii`: exchange with partners over TAXII 2.1."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.job import background_option, put
from kizuna.cli.output import dry_option, emit, node_options, progress, rows_option, say, table, trouble
from kizuna.cli.process import end_with_parent
from kizuna.cli.words import N_, _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kizuna.exchange.taxii.client import PollReport, PushReport
    from kizuna.store import Row

PARTLY = 6
ca_option = click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificates to trust instead of the system's (PEM).",
)


@click.group(short_help="Exchange with partners over TAXII 2.1.")
def command() -> None:
    """Exchange with partners over TAXII 2.1. What was done once is not done again: both ways keep a durable watermark."""


@command.command("poll", short_help="Read what is new from a partner.")
@click.argument("partner")
@ca_option
@background_option
@click.option("--with-parent", is_flag=True, hidden=True, help="End when standard input closes.")
@node_options
@click.pass_context
def poll(
    ctx: click.Context,
    partner: str,
    ca_file: Path | None,
    as_job: bool,
    with_parent: bool,
    data: Path,
    as_json: bool,
) -> None:
    """Read everything new that PARTNER offers us, and store it as the partner's. A node that is served polls by itself."""
    if with_parent:
        end_with_parent()
    with node(data) as store:
        if as_job:
            stated: dict[str, Any] = {"partner": store.partner(partner).name}
            put(
                store,
                "poll",
                stated if ca_file is None else {**stated, "ca_file": str(ca_file.resolve())},
                as_json=as_json,
            )
            return
        from kizuna.exchange.taxii import client

        with progress(_("polling {partner}", partner=partner), None) as advance:
            report = client.poll(store, partner, progress=_steps(advance), ca_file=_text(ca_file))
        store.audit(actor(), "taxii.poll", report.partner, {"received": report.received, "failed": report.failed})
    done = _("{imported:,} imported, {unchanged:,} unchanged", imported=report.imported, unchanged=report.unchanged)
    _tell(ctx, report, as_json, done, report.received)


@command.command("push", short_help="Send a partner what is new for it.")
@click.argument("partner")
@ca_option
@dry_option
@node_options
@click.pass_context
def push(ctx: click.Context, partner: str, ca_file: Path | None, dry_run: bool, data: Path, as_json: bool) -> None:
    """Send what is new in PARTNER's feed here to its inbox there: nothing that its feed does not hold."""
    with node(data) as store:
        from kizuna.exchange.taxii import client

        if dry_run:
            _list_pending(client.pending(store, partner, ca_file=_text(ca_file)), as_json=as_json)
            return
        with progress(_("pushing to {partner}", partner=partner), None) as advance:
            report = client.push(store, partner, progress=_steps(advance), ca_file=_text(ca_file))
        store.audit(actor(), "taxii.push", report.partner, {"sent": report.sent, "failed": report.failed})
    _tell(ctx, report, as_json, _("{accepted:,} accepted", accepted=report.accepted), report.sent)


@command.command("collections", short_help="List what a partner offers us.")
@click.argument("partner")
@rows_option
@ca_option
@node_options
def collections(partner: str, ca_file: Path | None, data: Path, as_json: bool) -> None:
    """List the collections PARTNER has for us."""
    with node(data) as store:
        from kizuna.exchange.taxii import client

        rows = client.collections(store, partner, ca_file=_text(ca_file))
    columns = ("title", "id", "can_read", "can_write", "description")
    table(rows, columns, as_json=as_json, empty=N_("none"))


def _list_pending(rows: Iterable[Row], *, as_json: bool) -> None:
    from kizuna.clock import to_text

    told = ({"id": row.id, "version": None if row.version is None else to_text(row.version)} for row in rows)
    table(told, ("id", "version"), as_json=as_json, empty=N_("nothing to send"))


def _steps(advance: Any) -> Any:
    """The client tells how far it has come; the bar wants to know how much further."""
    done = 0

    def move(total: int) -> None:
        nonlocal done
        advance(total - done)
        done = total

    return move


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _why(problem: dict[str, Any]) -> str:
    """What a partner or this node said of one object, in words."""
    errors = problem.get("errors") or ()
    return "; ".join(f"{error['path']}: {error['message']}" for error in errors) or str(problem.get("message"))


def _tell(ctx: click.Context, report: PollReport | PushReport, as_json: bool, done: str, total: int) -> None:
    import msgspec

    counts = {key: value for key, value in msgspec.structs.asdict(report).items() if key != "problems"}
    for problem in report.problems:
        if as_json:
            emit(problem)
        else:
            trouble(f"{report.partner}: {problem.get('id')}: {_why(problem)}")
    if as_json:
        emit(counts)
    else:
        say(
            f"{report.partner}: {done}"
            + _(", {failed:,} failed in {seconds:.1f} s", failed=report.failed, seconds=report.seconds)
        )
        if seconds := getattr(report, "paused_seconds", 0):
            say(_("stopped at its quota of an hour; the rest may come in {seconds:,} s", seconds=seconds))
    if report.failed:
        ctx.exit(PARTLY if report.failed < total else 1)
