"""`kizuna taxii`: poll a partner's feed, push to its inbox, see what it offers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.output import clean, emit, node_options, note, progress, say, table

if TYPE_CHECKING:
    from kizuna.exchange.taxii.client import PollReport, PushReport

PARTLY = 6
_ca_file = click.option(
    "--ca-file", type=click.Path(exists=True, dir_okay=False), help="Certificates that vouch for the partner's."
)


@click.group(short_help="Exchange with partners over TAXII 2.1.")
def command() -> None:
    """Exchange with the partners that have a TAXII address; each act goes on where the last one ended."""


@command.command("poll", short_help="Read what is new from a partner.")
@click.argument("partner")
@_ca_file
@node_options
@click.pass_context
def poll_(ctx: click.Context, partner: str, ca_file: str | None, data: Path, as_json: bool) -> None:
    """Read everything new from PARTNER and store it as the partner's; polling twice changes nothing."""
    from kizuna.exchange.taxii.client import poll

    with node(data) as store, progress(f"polling {clean(partner)}", None) as advance:
        seen = 0

        def told(received: int) -> None:
            nonlocal seen
            advance(received - seen)
            seen = received

        report = poll(store, partner, progress=told, ca_file=ca_file)
        counts = {"received": report.received, "imported": report.imported, "failed": report.failed}
        store.audit(actor(), "poll", report.partner, counts)
    _tell(report, as_json=as_json)
    if not as_json:
        say(
            f"{report.received:,} received from {clean(report.partner)}: {report.imported:,} imported, "
            f"{report.unchanged:,} unchanged, {report.failed:,} failed in {report.seconds:.1f} s"
        )
    if report.failed:
        ctx.exit(PARTLY)


@command.command("push", short_help="Send what is new in a partner's feed to its inbox.")
@click.argument("partner")
@click.option("--dry-run", is_flag=True, help="Say how many objects the feed holds; send nothing.")
@_ca_file
@node_options
@click.pass_context
def push_(ctx: click.Context, partner: str, dry_run: bool, ca_file: str | None, data: Path, as_json: bool) -> None:
    """Send what is new in PARTNER's feed here to its inbox there: exactly what it could read by polling, no more."""
    from kizuna.exchange.taxii.client import push

    with node(data) as store:
        if dry_run:
            held = store.feed(store.partner(partner).name).count()
            emit({"partner": partner, "feed": held}) if as_json else say(f"{held:,} objects in the feed; nothing sent")
            return
        report = push(store, partner, ca_file=ca_file)
        store.audit(actor(), "push", report.partner, {"sent": report.sent, "failed": report.failed})
    _tell(report, as_json=as_json)
    if not as_json:
        say(
            f"{report.sent:,} sent to {clean(report.partner)}: {report.accepted:,} accepted, "
            f"{report.failed:,} failed in {report.seconds:.1f} s"
        )
    if report.failed:
        ctx.exit(PARTLY)


@command.command("collections", short_help="List what a partner offers us.")
@click.argument("partner")
@_ca_file
@node_options
def collections_(partner: str, ca_file: str | None, data: Path, as_json: bool) -> None:
    """List the TAXII collections that PARTNER shows us, and what we may do there."""
    from kizuna.exchange.taxii.client import collections

    with node(data) as store:
        found = collections(store, partner, ca_file=ca_file)
    rows = [{key: one.get(key) for key in ("id", "alias", "title", "can_read", "can_write")} for one in found]
    table(rows, ("id", "title", "can_read", "can_write"), as_json=as_json)


def _tell(report: PollReport | PushReport, *, as_json: bool) -> None:
    """Each object that failed on a line, then the counts."""
    import msgspec

    counts: dict[str, Any] = msgspec.to_builtins(report)
    problems = counts.pop("problems")
    for problem in problems:
        if as_json:
            emit(problem)
        else:
            why = problem.get("message") or "; ".join(f"{e['path']}: {e['message']}" for e in problem.get("errors", []))
            note(f"{clean(str(problem.get('id')))}: {clean(str(why))}")
    if as_json:
        emit(counts)
