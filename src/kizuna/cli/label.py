"""`kizuna label`: read and set who may see an object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.output import emit, node_options, say
from kizuna.errors import NotFound

if TYPE_CHECKING:
    from kizuna.store import Store, Stored


@click.group(short_help="Read and set the label of an object.")
def command() -> None:
    """Read and set the label of an object.

    A label is text such as PUBLIC, TLP:CLEAR, "TLP:GREEN community=EU", "TLP:AMBER to=JPN,NATO", TLP:AMBER+STRICT or
    "TLP:RED persons=a.sato"; parts joined by " & " must all allow.
    """


@command.command("show", short_help="Show the label of an object.")
@click.argument("id")
@node_options
def show(id: str, data: Path, as_json: bool) -> None:
    """Show the label of an object, and whose it is."""
    from kizuna.labels import format_label

    with node(data) as store:
        label = _stored(store, id).label
    if as_json:
        emit({"id": id, "label": format_label(label), "originator": label.originator})
    else:
        say(f"{format_label(label)}  (originator: {label.originator or '-'})")


@command.command("set", short_help="Set the label of an object.")
@click.argument("id")
@click.argument("label")
@node_options
def set_(id: str, label: str, data: Path, as_json: bool) -> None:
    """Set the label of all versions of an object; feeds follow in the same act.

    The owner's node may loosen or tighten, every other node only tighten: else refused, exit 4.
    """
    from kizuna.labels import format_label, parse_label

    with node(data) as store:
        originator = _stored(store, id).label.originator or store.organisation
        wanted = parse_label(label, originator=originator)
        change = store.relabel(id, wanted, by=actor())
        # What another organisation owns keeps its own label too: both must allow.
        now = format_label(_stored(store, id).label)
    if as_json:
        emit(
            {
                "id": id,
                "label": now,
                "touched": change.touched,
                "opened": change.opened,
                "ended": change.ended,
            }
        )
        return
    say(f"{id} is now {now} ({change.touched} rows)")
    for word, effect in (("newly offered to", change.opened), ("no longer offered to", change.ended)):
        for partner, rows in effect.items():
            if rows:
                say(f"{word} {partner}: {rows}")


def _stored(store: Store, id: str) -> Stored:
    stored = store.custodian().get(id)
    if stored is None:
        raise NotFound(f"no such object: {id}")
    return stored
