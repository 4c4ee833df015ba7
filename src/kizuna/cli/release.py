"""`kizuna release`: what leaves for a partner, in which form, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kizuna.cli.clearing import clear, found
from kizuna.cli.folder import found_ids, node
from kizuna.cli.output import emit, node_options, note, say, trouble
from kizuna.cli.releasing import COMMANDS, PARTLY
from kizuna.cli.rules import command as rules
from kizuna.cli.sanitising import sanitise
from kizuna.cli.which import is_search, which
from kizuna.cli.wording import worded
from kizuna.cli.words import N_, _

if TYPE_CHECKING:
    from kizuna.release import Verdict
    from kizuna.store import Store

_FORMS = {"WHOLE": N_("whole"), "RENDITION": N_("in part"), "WITHHELD": N_("withheld")}


@click.group(short_help="What leaves for a partner, and why.")
def command() -> None:
    """What may leave for a partner: whole, in part, or not at all."""


@command.command("preview", short_help="Show what a partner may get, and why.")
@click.option("--as", "partner", metavar="PARTNER", required=True, help="For this partner.")
@which()
@node_options
@click.pass_context
def preview(
    ctx: click.Context,
    ids: tuple[str, ...],
    partner: str,
    text: str | None,
    types: tuple[str, ...],
    area: str | None,
    limit: int,
    data: Path,
    as_json: bool,
) -> None:
    """Say of each object whether a partner may have it whole, in part or not, why, what would be cut, and what it takes with it.

    The objects are those of the IDs, or found as by `kizuna search`, and what is said is of their newest version. What of it
    leaves is for rules and people to say: see `kizuna release outbox`. Nothing found is exit 3, and some IDs not held here are exit 6.
    """
    searched = is_search(ids, must=False, text=text, types=types, area=area)
    with node(data) as store:
        asked, more = found_ids(store, text, types, area, limit) if searched else (ids, False)
        told = _verdicts(store, partner, asked)
    counts = dict.fromkeys(_FORMS, 0)
    for verdict in told:
        counts[verdict.form.name] += 1
        _tell(verdict, as_json=as_json)
    missing = sorted(set(ids) - {verdict.id for verdict in told})
    for id in missing:
        trouble(_("not held here: {id}", id=id))
    if more:
        note(_("there are more; see --limit"))
    if not told:
        if not ids:
            note(_("nothing found"))
        ctx.exit(3)
    if not as_json:
        say(
            _(
                "{whole:,} whole, {part:,} in part, {withheld:,} withheld",
                whole=counts["WHOLE"],
                part=counts["RENDITION"],
                withheld=counts["WITHHELD"],
            )
        )
    if missing:
        ctx.exit(PARTLY)


def _verdicts(store: Store, partner: str, ids: tuple[str, ...]) -> list[Verdict]:
    from kizuna.release import verdicts
    from kizuna.store.outgoing import Outgoing

    store.settle()  # as before a feed is read
    with store.database.snapshot() as reader:
        outgoing = Outgoing(store, reader, partner)
        if outgoing.stopped:
            note(_("nothing is exchanged with {partner} until an operator confirms it", partner=partner))
        return verdicts(outgoing, ids)


def _tell(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        reasons = [{"code": reason.code, "parameters": list(reason.parameters)} for reason in verdict.reasons]
        form = verdict.form.name.lower()
        emit(
            {
                "id": verdict.id,
                "verdict": form,
                "reasons": reasons,
                "redacted": verdict.redacted,
                "cascade": verdict.cascade,
            }
        )
        return
    line = f"{verdict.id}: {_(_FORMS[verdict.form.name])}"
    if told := "; ".join(worded(reason.code, reason.parameters) for reason in verdict.reasons):
        line += f" ({told})"
    if verdict.redacted:
        line += _("; cut: {properties}", properties=", ".join(verdict.redacted))
    if verdict.cascade:
        line += _("; others that do not leave whole for it: {number:,}", number=verdict.cascade)
    say(line)


for one in (*COMMANDS, found, clear, sanitise, rules):
    command.add_command(one)
