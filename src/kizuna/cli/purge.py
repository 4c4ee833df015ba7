"""`kizuna purge`: destroy everything of an id, by the word of two operators."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import node
from kizuna.cli.output import emit, node_options, note, rows_option, say, table
from kizuna.cli.person import person, person_options
from kizuna.cli.words import N_, _
from kizuna.errors import DiskNearlyFull, NodeBusy, Unavailable

if TYPE_CHECKING:
    from kizuna.store import Store
    from kizuna.store.purging import Purge


@click.group(short_help="Destroy an object for good, by two operators.")
def command() -> None:
    """Destroy every version of an object, from every source, with all that was read out of it. One operator proposes, another confirms.

    What was purged is refused when it comes again. Backups, and what partners have, are not reached.
    """


@command.command("propose", short_help="Propose to destroy an object.")
@click.argument("id")
@click.option("--reason", required=True, help="Why; kept in the audit trail, so without what is to be destroyed.")
@person_options
@node_options
def propose(id: str, reason: str, name: str | None, token: Any, data: Path, as_json: bool) -> None:
    """Propose to destroy everything of ID, as an operator. Another operator confirms it within a week."""
    from kizuna.store.purging import Purges

    with node(data) as store:
        proposed = Purges(store).propose(id, reason, by=person(store, name, token))
        versions, referring = _held(store, id)
    if as_json:
        emit({**_row(proposed), "versions": versions, "referring": referring})
        return
    told = _("purge {number} is proposed: {versions:,} versions here, {referring:,} objects name it",
             number=proposed.number, versions=versions, referring=referring)  # fmt: skip
    say(told)
    say(_("Another operator confirms it: {command}", command=f"kizuna purge confirm {proposed.number} --as NAME"))


@command.command("confirm", short_help="Destroy what another operator proposed.")
@click.argument("number", type=int)
@person_options
@node_options
def confirm(number: int, name: str | None, token: Any, data: Path, as_json: bool) -> None:
    """Destroy what was proposed as NUMBER, as an operator who is not the one who proposed it. There is no way back.

    Afterwards the store is written anew without its unused parts; where that is not possible now, `kizuna purge scrub` does it later.
    """
    _large_files_go_to(data)
    from kizuna.store.purging import Purges
    from kizuna.store.scrubbing import scrub

    with node(data) as store:
        done, destroyed = Purges(store).confirm(number, by=person(store, name, token))
        try:
            scrub(store)
            scrubbed = True
        except (DiskNearlyFull, NodeBusy, Unavailable) as error:
            note(_("unused parts of the store may still hold it: {error}; run: kizuna purge scrub", error=error))
            scrubbed = False
    if as_json:
        emit({**_row(done), "versions": destroyed.versions, "refused": destroyed.refused, "scrubbed": scrubbed})
        return
    told = _("purge {number} is done: {versions:,} versions and {refused:,} refused items destroyed",
             number=number, versions=destroyed.versions, refused=destroyed.refused)  # fmt: skip
    say(told)


@command.command("cancel", short_help="Give a proposal up.")
@click.argument("number", type=int)
@person_options
@node_options
def cancel(number: int, name: str | None, token: Any, data: Path, as_json: bool) -> None:
    """Give up what was proposed as NUMBER."""
    from kizuna.store.purging import Purges

    with node(data) as store:
        ended = Purges(store).cancel(number, by=person(store, name, token))
    _tell(ended, _("purge {number} is cancelled", number=number), as_json=as_json)


@command.command("lift", short_help="Let what was purged come in again.")
@click.argument("id")
@person_options
@node_options
def lift(id: str, name: str | None, token: Any, data: Path, as_json: bool) -> None:
    """Let ID come in again when somebody brings it. What was destroyed stays destroyed."""
    from kizuna.store.purging import Purges

    with node(data) as store:
        purges = Purges(store)
        by = person(store, name, token)
        lifted = purges.lift(purges.of(id).number, by=by)
    _tell(lifted, _("purge {number} is lifted", number=lifted.number), as_json=as_json)


@command.command("list", short_help="List purges.")
@rows_option
@node_options
def list_(data: Path, as_json: bool) -> None:
    """List what was proposed and what became of it, newest first. Of what is destroyed the id is not kept."""
    from kizuna.store.purging import Purges

    with node(data) as store:
        rows = [_row(one) for one in Purges(store).listed()]
    table(rows, ("number", "state", "id", "reason", "proposed_by", "ended_by"), as_json=as_json, empty=N_("no purge"))


@command.command("scrub", short_help="Write the store anew without its unused parts.")
@click.option("--if-due", is_flag=True, help="Only where something was destroyed since the last time.")
@node_options
def scrub_(if_due: bool, data: Path, as_json: bool) -> None:
    """Leave nothing of what was destroyed in unused parts of the store. It takes room for a second copy, and writers wait meanwhile."""
    _large_files_go_to(data)
    from kizuna.store.scrubbing import is_due, scrub

    with node(data) as store:
        asked = is_due(store) or not if_due
        if asked:
            scrub(store)
    if as_json:
        emit({"scrubbed": asked})
    else:
        say(_("unused parts of the store are empty") if asked else _("nothing was destroyed since the last time"))


def _large_files_go_to(folder: Path) -> None:
    """A copy of the store goes where the store is, and nowhere else on this machine. Read by SQLite when it is first used."""
    os.environ.setdefault("SQLITE_TMPDIR", str(folder.resolve()))


def _held(store: Store, id: str) -> tuple[int, int]:
    """Versions of an id that are here, and objects that name it: for the keeper of the folder."""
    reader = store.database.read()
    of = "ident i join space s on s.n=i.space"
    (versions,) = reader.execute(
        f"select count(*) from {of} join object o on o.ident=i.n where i.id=?", (id,)
    ).fetchone()
    naming = f"select count(distinct e.object) from {of} join edge e on e.target=i.n where i.id=?"
    (referring,) = reader.execute(naming, (id,)).fetchone()
    return versions, referring


def _row(one: Purge) -> dict[str, Any]:
    import msgspec

    from kizuna.clock import to_text

    row = msgspec.structs.asdict(one)
    for moment in ("proposed", "ended", "lifted"):
        row[moment] = None if row[moment] is None else to_text(row[moment])
    return row


def _tell(one: Purge, text: str, *, as_json: bool) -> None:
    if as_json:
        emit(_row(one))
    else:
        say(text)
