"""`kizuna retention`: how long what has a label or serves an area is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.output import dry_option, emit, node_options, note, rows_option, say, table
from kizuna.cli.person import person, person_options
from kizuna.cli.strangers import tell_of_unknown_areas
from kizuna.cli.words import N_, _

if TYPE_CHECKING:
    from kizuna.store.retention import Applied, Rule


@click.group(short_help="How long objects are kept.")
def command() -> None:
    """Rules of retention: after so many days without a new version, what has a label or serves an area is hidden or destroyed.

    A served node applies them every hour. A rule that destroys is the standing word of two operators.
    """


@command.command("set", short_help="Make a rule.")
@click.option("--label", metavar="LABEL", help="For what has this label, such as TLP:AMBER; OWN for what states none.")
@click.option("--area", help="For what serves this programme area.")
@click.option("--days", type=click.IntRange(1, 36_500), required=True, help="Days after the last version came in.")
@click.option("--then", type=click.Choice(["hide", "destroy"]), required=True, help="What happens then.")
@click.option("--reason", required=True, help="Why; kept in the audit trail.")
@dry_option
@person_options
@node_options
def set_(
    label: str | None, area: str | None, days: int, then: str, reason: str, dry_run: bool, name: str | None, token: Any,
    data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Make a rule. One that hides counts at once; one that destroys is proposed by an operator, and another one confirms it."""
    from kizuna.store.retention import Rule, Rules, label_key, would_go

    tell_of_unknown_areas([area] if area else [])
    with node(data) as store:
        if dry_run:
            key = None if label is None else label_key(label)
            tried = Rule(0, key, area, days, "hide" if then == "hide" else "destroy", reason, 0, "", None, None)
            note(_("dry run: nothing is changed"))
            _tell_applied([would_go(store, tried, store.clock())], as_json=as_json)
            return
        by = person(store, name, token) if then == "destroy" else actor()
        made = Rules(store).set(label, area, days, "hide" if then == "hide" else "destroy", reason, by=by)
    told = _("rule {number} counts from now on", number=made.number)
    if not made.counts:
        confirm = f"kizuna retention confirm {made.number} --as NAME"
        told = _("rule {number} waits for another operator: {command}", number=made.number, command=confirm)
    _tell(made, told, as_json=as_json)


@command.command("confirm", short_help="Confirm a rule that destroys.")
@click.argument("number", type=int)
@person_options
@node_options
def confirm(number: int, name: str | None, token: Any, data: Path, as_json: bool) -> None:
    """Let a rule that destroys count, as an operator who is not the one who made it."""
    from kizuna.store.retention import Rules

    with node(data) as store:
        rule = Rules(store).confirm(number, by=person(store, name, token))
    _tell(rule, _("rule {number} counts from now on", number=number), as_json=as_json)


@command.command("list", short_help="List rules.")
@rows_option
@node_options
def list_(data: Path, as_json: bool) -> None:
    """List the rules in the order they were made."""
    from kizuna.store.retention import Rules

    with node(data) as store:
        rows = [_row(rule) for rule in Rules(store).listed()]
    columns = ("number", "label", "area", "days", "then", "counts", "reason", "made_by", "confirmed_by")
    table(rows, columns, as_json=as_json, empty=N_("no rule"))


@command.command("remove", short_help="Remove a rule.")
@click.argument("number", type=int)
@node_options
def remove(number: int, data: Path, as_json: bool) -> None:
    """Let a rule count no more. What it did stays done."""
    from kizuna.store.retention import Rules

    with node(data) as store:
        rule = Rules(store).remove(number, by=actor())
    _tell(rule, _("rule {number} is removed", number=number), as_json=as_json)


@command.command("apply", short_help="Do now what the rules say.")
@dry_option
@node_options
def apply(dry_run: bool, data: Path, as_json: bool) -> None:
    """Hide and destroy what is due, without waiting for the served node to do it."""
    from kizuna.store.retention import Rules, apply_retention, would_go

    with node(data) as store:
        now = store.clock()
        if dry_run:
            note(_("dry run: nothing is changed"))
            applied = [would_go(store, rule, now) for rule in Rules(store).listed() if rule.counts]
        else:
            applied = apply_retention(store, now)
    _tell_applied(applied, as_json=as_json)


def _tell_applied(applied: list[Applied], *, as_json: bool) -> None:
    for one in applied:
        if as_json:
            emit(
                {
                    "rule": one.rule.number,
                    "then": one.rule.then,
                    "ids": one.ids,
                    "versions": one.versions,
                    "more": one.more,
                }
            )
            continue
        hidden = one.rule.then == "hide"
        told = N_("hidden: {ids:,} objects, {versions:,} versions")
        if not hidden:
            told = N_("destroyed: {ids:,} objects, {versions:,} versions")
        say(_(told, ids=one.ids, versions=one.versions))
        if one.more:
            note(_("more is due; run it again"))
    if not applied and not as_json:
        say(_("no rule"))


def _row(rule: Rule) -> dict[str, Any]:
    import msgspec

    from kizuna.clock import to_text

    row = msgspec.structs.asdict(rule)
    for moment in ("made", "confirmed"):
        row[moment] = None if row[moment] is None else to_text(row[moment])
    return row | {"counts": rule.counts}


def _tell(rule: Rule, text: str, *, as_json: bool) -> None:
    if as_json:
        emit(_row(rule))
    else:
        say(text)
