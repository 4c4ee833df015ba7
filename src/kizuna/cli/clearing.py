"""`kizuna release found|clear`: withheld texts that were found in what would leave, and letting them."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kizuna.cli.folder import node
from kizuna.cli.output import emit, node_options, note, say, trouble
from kizuna.cli.person import by_password
from kizuna.cli.words import _

if TYPE_CHECKING:
    from kizuna.store import Store
    from kizuna.store.clearing import Found

SHOWN = 5
_PARTLY = 6
_partner = click.option("--as", "partner", metavar="PARTNER", required=True, help="About this partner.")


@click.command("found", short_help="Show what a withheld text holds back.")
@_partner
@node_options
@click.pass_context
def found(ctx: click.Context, partner: str, data: Path, as_json: bool) -> None:
    """Show each text that is withheld from a partner and stands in what would leave for it, and what is held for it.

    What enters a feed is looked through for the names, addresses, values and sentences of what its label withholds from this partner:
    of what came in with it or stands next to it. `kizuna release clear` lets a text; `approve` lets one object.
    """
    from kizuna.store.clearing import Clearing

    with node(data) as store:
        texts = Clearing(store).found(partner)
    for one in texts:
        if as_json:
            emit(_row(one))
        else:
            _tell(one)
    if not texts:
        note(_("nothing found"))
        ctx.exit(3)


@click.command("clear", short_help="Let a withheld text leave.")
@click.argument("digests", nargs=-1, metavar="[TEXT]...")
@_partner
@click.option("--all", "everything", is_flag=True, help="All texts that are found now.")
@click.option(
    "--by",
    "name",
    metavar="NAME",
    required=True,
    help="Who you are: a releaser. Your password is asked for, or read from standard input.",
)
@node_options
def clear(digests: tuple[str, ...], partner: str, everything: bool, name: str, data: Path, as_json: bool) -> None:
    """Say as a releaser that texts may stand in what leaves to a partner, now and later, though they are withheld with something else.

    TEXT is the number by which `kizuna release found` tells it. What was held for it leaves, as rules and approvals say, unless
    another text is found in it.
    """
    from kizuna.store.clearing import Clearing

    if bool(digests) == everything:
        raise click.UsageError(_("give texts by their numbers, or --all"))
    with node(data) as store:
        clearing = Clearing(store)
        if everything:
            texts = clearing.found(partner)
            digests = tuple(one.digest for one in texts)
            if texts and sys.stdin.isatty():
                for one in texts:
                    _tell(one, to_people=True)
                question = _("Let these {number:,} texts leave to {partner}?", number=len(texts), partner=partner)
                click.confirm(question, abort=True, err=True)
        done = clearing.clear(partner, digests, by=by_password(store, name))
    if as_json:
        texts_told = [one.digest for one in done.texts]
        emit({"partner": partner, "texts": texts_told, "let_go": done.let_go, "still": done.still})
    else:
        say(
            _(
                "texts that may leave: {number:,}; held no more: {let_go:,}",
                number=len(done.texts),
                let_go=len(done.let_go),
            )
        )
    for id in done.still:
        trouble(_("{id}: still held, for another text", id=id))
    if done.still:
        click.get_current_context().exit(_PARTLY)


def tell_found(store: Store, partner: str, *, among: Collection[str]) -> None:
    """Tell people what was found in these objects, before they approve them."""
    from kizuna.store.clearing import Clearing

    for one in Clearing(store).found(partner):
        if any(each.id in among for each in one.held):
            _tell(one, to_people=True)


def _row(one: Found) -> dict[str, object]:
    held = [{"id": each.id, "path": each.path} for each in one.held]
    return {"text": one.text, "digest": one.digest, "withheld_with": one.of, "held": held}


def _tell(one: Found, *, to_people: bool = False) -> None:
    from kizuna.store.clearing import SHORT

    line = note if to_people else say
    line(_('{digest}: "{text}", withheld with {id}', digest=one.digest[:SHORT], text=one.text, id=one.of))
    for each in one.held[:SHOWN]:
        line(_("  held: {id} ({path})", id=each.id, path=each.path))
    if len(one.held) > SHOWN:
        line(_("  and {number:,} more", number=len(one.held) - SHOWN))
