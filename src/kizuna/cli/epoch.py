"""`kizuna epoch`: the lives of a store, and a new one after its database went back in time by its own means."""

from __future__ import annotations

from pathlib import Path

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.output import emit, node_options, say
from kizuna.cli.restore import of_epoch, tell_of_epoch
from kizuna.cli.words import _


@click.group(short_help="Begin anew after the database went back in time.")
def command() -> None:
    """Epochs: each ends when an older state of the store is brought back. `kizuna restore` opens one by itself."""


@command.command("show", short_help="Show the epoch and who is stopped.")
@node_options
def show(data: Path, as_json: bool) -> None:
    """Show the number of the epoch, and which partners wait to be confirmed."""
    with node(data) as store:
        from kizuna.store.epochs import stopped_partners

        number, stopped = store.epoch().number, tuple(stopped_partners(store.database.read()))
    if as_json:
        emit({"epoch": number, "stopped": stopped})
    else:
        say(_("epoch {epoch}; stopped: {names}", epoch=number, names=", ".join(stopped) or "-"))


@command.command("open", short_help="End every token and stop every partner.")
@node_options
def open_(data: Path, as_json: bool) -> None:
    """Begin a new epoch: for a database that was brought back to an earlier moment by its own means.

    Every token, session and login link ends, and nothing is exchanged with a partner until `kizuna partner resume NAME` confirms it.
    """
    with node(data) as store:
        from kizuna.store.epochs import open_epoch

        opened = open_epoch(store, by=actor())
    if as_json:
        emit(of_epoch(opened))
    else:
        tell_of_epoch(opened)
