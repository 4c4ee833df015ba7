"""`kizuna restore`: a node from a backup, in a new epoch."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kizuna.cli.folder import actor
from kizuna.cli.output import emit, node_options, say
from kizuna.cli.process import only_once
from kizuna.cli.words import _

if TYPE_CHECKING:
    from kizuna.store.epochs import Opened


@click.command(short_help="Make a node from a backup.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--store",
    "url",
    metavar="URL",
    help="Where its rows go: sqlite:///FILE or postgresql://…; default: a file in --data.",
)
@click.option("--force", is_flag=True, help="Put aside what is in --data.")
@node_options
def command(file: Path, url: str | None, force: bool, data: Path, as_json: bool) -> None:
    """Make the node in --data from a backup, in a new epoch; the whole file is checked before anything is changed.

    Every token, session and login link ends, those made after the backup too. Nothing is exchanged with a partner until
    `kizuna partner resume NAME` confirms it. The folder is empty or new, or --force puts what is there into a folder inside it.
    """
    began = time.monotonic()
    with only_once(data) if (data / "node.json").is_file() and force else nullcontext():
        from kizuna.store.restore import restore

        done = restore(file, data, url=url or os.environ.get("KIZUNA_STORE"), by=actor(), replace=force)
    seconds = round(time.monotonic() - began, 3)
    if as_json:
        counts = {"objects": done.tables["object"], "rows": sum(done.tables.values()), "tables": done.tables}
        emit({**counts, **of_epoch(done.opened), "made": done.made, "put_aside": done.put_aside, "seconds": seconds})
        return
    objects, made = done.tables["object"], done.made
    say(_("{objects:,} versions as of {made} are in {folder} again", objects=objects, made=made, folder=data))
    if done.put_aside is not None:
        say(_("what was there is in {folder}", folder=data / done.put_aside))
    tell_of_epoch(done.opened)


def of_epoch(opened: Opened) -> dict[str, object]:
    """What programs are told of a new epoch."""
    return {"epoch": opened.epoch, "revoked": opened.revoked, "stopped": opened.stopped}


def tell_of_epoch(opened: Opened) -> None:
    """What people are told of a new epoch, and what is theirs to do."""
    revoked = opened.revoked
    say(_("epoch {epoch} begins; {revoked:,} tokens, sessions and links ended", epoch=opened.epoch, revoked=revoked))
    for name in opened.stopped:
        say(_("stopped until you confirm it: kizuna partner resume {name}", name=name))
