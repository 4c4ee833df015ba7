"""`kizuna release outbox|propose|approve|stop|withdraw|history`: what people do about what leaves."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.clearing import tell_found
from kizuna.cli.folder import actor, found_ids, node
from kizuna.cli.output import dry_option, emit, node_options, note, rows_option, say, table, trouble
from kizuna.cli.person import by_password
from kizuna.cli.strangers import tell_of_strangers
from kizuna.cli.which import is_search, which
from kizuna.cli.wording import worded
from kizuna.cli.words import N_, _

if TYPE_CHECKING:
    from kizuna.store import Store
    from kizuna.store.outbox import Item
    from kizuna.store.releasing import Acted

PARTLY = 6
STATES = ["withheld", "unproposed", "proposed", "waiting", "offered", "found", "stopped", "withdrawn", "ended"]
WORDS = {
    "withheld": N_("withheld by its label"),
    "unproposed": N_("not proposed"),
    "proposed": N_("proposed"),
    "waiting": N_("let out, and waits"),
    "offered": N_("in the feed"),
    "found": N_("held: a text withheld from this partner stands in it"),
    "stopped": N_("stopped"),
    "withdrawn": N_("withdrawn"),
    "ended": N_("was in the feed; its label withholds it now"),
}
_partner = click.option("--as", "partner", metavar="PARTNER", required=True, help="About this partner.")
_which = which(10_000)


def _asked(store: Store, ids: tuple[str, ...], **search: Any) -> tuple[str, ...]:
    """The ids that are meant. Raises click.UsageError."""
    limit = search.pop("limit")
    if not is_search(ids, must=True, **search):
        return tuple(dict.fromkeys(ids))
    found, more = found_ids(store, search["text"], search["types"], search["area"], limit)
    if more:
        note(_("there are more; see --limit"))
    return found


@click.command("outbox", short_help="Show where objects stand for a partner.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@_partner
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES),
    metavar="STATE",
    help="Only these, may be repeated: withheld, unproposed, proposed, waiting, offered, found, stopped, withdrawn, ended. "
    "[default: proposed]",
)
@click.option("--limit", type=click.IntRange(1, 100_000), default=1_000, show_default=True, help="At most so many.")
@node_options
@click.pass_context
def outbox(
    ctx: click.Context,
    ids: tuple[str, ...],
    partner: str,
    states: tuple[Any, ...],
    limit: int,
    data: Path,
    as_json: bool,
) -> None:
    """Show where objects stand for a partner: what waits for people's word, what leaves, what was stopped or withdrawn.

    Without IDs it is what is proposed, or stands as `--state` says, newest first. What is said is of the newest version.
    """
    from kizuna.store.releasing import Releases, set_digest

    with node(data) as store:
        releases, more = Releases(store), False
        if ids:
            items = [item for item in releases.items(partner, ids) if not states or item.state in states]
        else:
            items, more = releases.outbox(partner, states or ("proposed",), limit)
        name = store.partner(partner).name
    for item in items:
        _tell(item, as_json=as_json)
    if more:
        note(_("there are more; see --limit"))
    missing = set(ids) - {item.id for item in items} if not states else set()
    for id in sorted(missing):
        trouble(_("not held here: {id}", id=id))
    if not items:
        note(_("nothing found"))
        ctx.exit(3)
    if not as_json:
        say(_("{number:,} objects; this set: {digest}", number=len(items), digest=set_digest(name, items)))
    if missing:
        ctx.exit(PARTLY)


@click.command("propose", short_help="Ask people to let objects leave.")
@_which
@_partner
@node_options
def propose(
    ids: tuple[str, ...], text: str | None, types: tuple[str, ...], area: str | None, limit: int, partner: str, data: Path, as_json: bool
) -> None:  # fmt: skip
    """Ask people to let objects leave to a partner that no rule proposes or sends. They are IDs, or found as by `kizuna search`."""
    from kizuna.store.releasing import Releases

    with node(data) as store:
        asked = _asked(store, ids, text=text, types=types, area=area, limit=limit)
        acted = Releases(store).propose(partner, asked, by=actor())
    _tell_acted(acted, as_json=as_json)


@click.command("approve", short_help="Let objects, or a rule, leave.")
@_which
@click.option("--as", "partner", metavar="PARTNER", help="To this partner.")
@click.option("--rule", metavar="RULE", help="Grant this rule instead of objects.")
@click.option(
    "--by",
    "name",
    metavar="NAME",
    required=True,
    help="Who you are: a releaser. Your password is asked for, or read from standard input.",
)
@click.option(
    "--set",
    "shown",
    metavar="DIGEST",
    help="Only if what leaves is exactly the set of this digest, as `kizuna release outbox` tells it.",
)
@node_options
def approve(
    ids: tuple[str, ...], text: str | None, types: tuple[str, ...], area: str | None, limit: int, partner: str | None, rule: str | None,
    name: str, shown: str | None, data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Say as a releaser that objects may leave to a partner, with the bytes and the label they have now; another of either voids it.

    What asks for two people leaves when a second one approved it. At a terminal the exact set is shown and asked about before
    the password. Tokens and operators do not approve.
    """
    from kizuna.store.releasing import Releases, set_digest

    if partner is None or rule is not None:
        if partner is not None or rule is None:
            raise click.UsageError(_("say to which partner, --as PARTNER, or which rule, --rule RULE"))
        with node(data) as store:
            _grant(store, rule, name, as_json=as_json)
        return
    with node(data) as store:
        releases = Releases(store)
        asked = _asked(store, ids, text=text, types=types, area=area, limit=limit)
        if shown is None:
            items = releases.items(partner, asked)
            shown = set_digest(store.partner(partner).name, items)
            if items and sys.stdin.isatty():
                for item in items:
                    note(_line(item))
                tell_found(store, partner, among=asked)
                question = _("Approve these {number:,} for {partner}?", number=len(items), partner=partner)
                click.confirm(question, abort=True, err=True)
        acted = releases.approve(partner, asked, by=by_password(store, name), shown=shown)
    _tell_acted(acted, as_json=as_json)


def _grant(store: Store, rule: str, name: str, *, as_json: bool) -> None:
    from kizuna.store.releasing import Releases

    granted, people, asked = Releases(store).grant(rule, by=by_password(store, name))
    if as_json:
        emit(
            {
                "rule": granted.name,
                "version": granted.version,
                "approved": people,
                "asked": asked,
                "counts": len(people) >= asked,
            }
        )
    elif len(people) >= asked:
        say(_("rule {name} counts from now on", name=granted.name))
    else:
        say(
            _(
                "rule {name} is approved by {people}; {asked} people are asked for",
                name=granted.name,
                people=", ".join(people),
                asked=asked,
            )
        )


@click.command("stop", short_help="Hold objects back, or stop a rule.")
@_which
@click.option("--as", "partner", metavar="PARTNER", help="From this partner.")
@click.option("--rule", metavar="RULE", help="Stop this rule instead of objects.")
@node_options
def stop(
    ids: tuple[str, ...], text: str | None, types: tuple[str, ...], area: str | None, limit: int, partner: str | None, rule: str | None,
    data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Hold objects back from a partner, whatever rules say, until people approve them anew; what left already is withdrawn instead.

    With `--rule`, let nothing more leave by that rule until it is approved anew.
    """
    from kizuna.store.releasing import Releases
    from kizuna.store.standing import Rules

    if partner is None or rule is not None:
        if partner is not None or rule is None:
            raise click.UsageError(_("say from which partner, --as PARTNER, or which rule, --rule RULE"))
        with node(data) as store:
            stopped = Rules(store).stop(rule, by=actor())
        if as_json:
            emit({"rule": stopped.name, "version": stopped.version, "stopped": True})
        else:
            say(_("nothing more leaves by rule {name}", name=stopped.name))
        return
    with node(data) as store:
        asked = _asked(store, ids, text=text, types=types, area=area, limit=limit)
        acted = Releases(store).stop(partner, asked, by=actor())
    _tell_acted(acted, as_json=as_json)


@click.command("withdraw", short_help="Take objects back that left.")
@_which
@_partner
@click.option("--reason", required=True, help="Why; kept in the history.")
@node_options
def withdraw(
    ids: tuple[str, ...], text: str | None, types: tuple[str, ...], area: str | None, limit: int, partner: str, reason: str, data: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Take objects back that left to a partner, with what refers to them: they are in its feed no more until people approve them anew.

    What the partner has fetched it has; it is for people to ask it to give that back.
    """
    from kizuna.store.releasing import Releases

    with node(data) as store:
        asked = _asked(store, ids, text=text, types=types, area=area, limit=limit)
        acted = Releases(store).withdraw(partner, asked, reason, by=actor())
    _tell_acted(acted, as_json=as_json)


@click.command("revoke", short_help="Say that objects of your own are wrong.")
@_which
@node_options
def revoke(
    ids: tuple[str, ...], text: str | None, types: tuple[str, ...], area: str | None, limit: int, data: Path, as_json: bool
) -> None:  # fmt: skip
    """Say that objects of your own are wrong: give each a last version that is revoked, for whoever has it.

    That version leaves as any other: by rules, or when people approve it, who are asked where a partner has the object. To have an
    object back from one partner is `kizuna release withdraw`.
    """
    from kizuna.store.revoking import revoke

    with node(data) as store:
        asked = _asked(store, ids, text=text, types=types, area=area, limit=limit)
        done = revoke(store, asked, by=actor())
    if as_json:
        emit({"revoked": done.done, "told": done.told, "asked": done.asked})
    else:
        say(_("{number:,} revoked", number=len(done.done)))
        for partner, some in done.told.items():
            say(_("{partner} is told of {number:,}", partner=partner, number=len(some)))
        for partner, some in done.asked.items():
            say(_("{partner} has {number:,} of them; people are asked", partner=partner, number=len(some)))
    for id, why in done.failed:
        trouble(_("{id}: not done: {reason}", id=id, reason=worded(why.code, why.parameters)))
    if done.failed:
        click.get_current_context().exit(PARTLY if done.done else 4)


@click.command("relabel", short_help="Set the label of many objects.")
@click.argument("label")
@_which
@dry_option
@node_options
def relabel(
    label: str, ids: tuple[str, ...], text: str | None, types: tuple[str, ...], area: str | None, limit: int, dry_run: bool, data: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Set the label of all versions of many objects in one act; feeds follow.

    What a partner had, and may have no more, is told for each partner: it has fetched it perhaps, and `kizuna release withdraw` asks
    for it back. What others own is only tightened.
    """
    from kizuna.labels import format_label, parse_label
    from kizuna.store import relabelling_many

    if dry_run:
        note(_("dry run: nothing is changed"))
    with node(data) as store:
        asked = _asked(store, ids, text=text, types=types, area=area, limit=limit)
        wanted = parse_label(label, originator=store.organisation, community=store.settings.community)
        change = relabelling_many.relabel(store, asked, wanted, by=actor(), dry=dry_run)
        tell_of_strangers(wanted, store)
    done, refused = change.done, change.refused
    if as_json:
        emit(
            {
                "label": format_label(wanted), "objects": len(done), "touched": change.touched, "refused": refused,
                "opened": change.opened, "ended": change.ended, "given": change.given, "changes": change.changes, "dry_run": dry_run,
            }
        )  # fmt: skip
    else:
        became = _("{number:,} objects would be {label}") if dry_run else _("{number:,} objects are now {label}")
        say(became.format(number=len(done), label=format_label(wanted)))
        for partner, rows in change.opened.items():
            say(_("newly offered to {partner}: {rows}", partner=partner, rows=rows))
        for partner, rows in change.ended.items():
            say(_("no longer offered to {partner}: {rows}", partner=partner, rows=rows))
        for partner, had in change.given.items():
            if had and not dry_run:
                command = f"kizuna release withdraw --as {partner} --reason TEXT {' '.join(had[:3])}{' …' if len(had) > 3 else ''}"
                say(
                    _(
                        "{partner} may have fetched {number:,} of them: {command}",
                        partner=partner,
                        number=len(had),
                        command=command,
                    )
                )
    for id in refused:
        trouble(_("{id}: only its owner may loosen this label; here it can only be tightened", id=id))
    missing = set(ids) - {*done, *refused}
    for id in sorted(missing):
        trouble(_("not held here: {id}", id=id))
    if refused or missing:
        click.get_current_context().exit(PARTLY if done else 4 if refused else 3)


@click.command("history", short_help="Show what people did about objects.")
@click.argument("ids", nargs=-1, metavar="ID...", required=True)
@click.option("--as", "partner", metavar="PARTNER", help="Only about this partner.")
@rows_option
@node_options
def history(ids: tuple[str, ...], partner: str | None, data: Path, as_json: bool) -> None:
    """Show what people proposed, approved, stopped and withdrew of objects, newest first."""
    from kizuna.clock import to_text
    from kizuna.store.releasing import Releases

    with node(data) as store:
        found = Releases(store).history(ids, partner)
    rows = [
        {
            "at": to_text(one.at), "act": one.act, "partner": one.partner, "person": one.person, "id": one.id,
            "reason": one.detail.get("reason"),
        }
        for one in found
    ]  # fmt: skip
    table(rows, ("at", "act", "partner", "person", "id", "reason"), as_json=as_json, empty=N_("nothing was done"))


def _tell_acted(acted: Acted, *, as_json: bool) -> None:
    for item in acted.items:
        _tell(item, as_json=as_json)
    for id, why in acted.failed:
        trouble(_("{id}: not done: {reason}", id=id, reason=worded(why.code, why.parameters)))
    if not as_json and acted.items:
        say(
            _(
                "{number:,} done; entered the feed: {opened:,}, ended there: {ended:,}",
                number=len(acted.items),
                opened=acted.opened,
                ended=acted.ended,
            )
        )
    if acted.failed:
        click.get_current_context().exit(PARTLY if acted.items else 4)


def _tell(item: Item, *, as_json: bool) -> None:
    if as_json:
        emit(row(item))
    else:
        say(_line(item))


def _line(item: Item) -> str:
    line = f"{item.id}: {_(WORDS[item.state])}"
    if item.form == "rendition" and item.state not in ("withheld", "ended"):
        line += _(", in part; cut: {properties}", properties=", ".join(item.redacted) or "-")
    if item.by is not None:
        line += _(" (by {by})", by=item.by)
    if item.approved or item.state == "proposed":
        line += _("; approved {number} of {asked}", number=len(item.approved), asked=item.asked)
        line += f": {', '.join(item.approved)}" if item.approved else ""
    if item.waits_for is not None:
        line += _("; waits for {id}", id=item.waits_for)
    return line


def row(item: Item) -> dict[str, object]:
    """One object of the outbox as JSON tells it."""
    from kizuna.clock import to_text
    from kizuna.labels import format_label

    return {
        "id": item.id,
        "state": item.state,
        "form": item.form,
        "redacted": item.redacted,
        "version": None if item.version is None else to_text(item.version),
        "label": format_label(item.label),
        "digest": item.digest.hex(),
        "approved": item.approved,
        "asked": item.asked,
        "by": item.by,
        "waits_for": item.waits_for,
        "since": None if item.since is None else to_text(item.since),
    }


COMMANDS: Sequence[click.Command] = (outbox, propose, approve, stop, withdraw, revoke, relabel, history)
