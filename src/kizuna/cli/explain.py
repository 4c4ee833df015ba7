"""`kizuna explain`: who may see objects, and why or why not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import found_ids, node
from kizuna.cli.output import emit, node_options, note, say, table, trouble
from kizuna.cli.which import is_search, which
from kizuna.cli.wording import worded
from kizuna.cli.words import N_, _
from kizuna.errors import NotFound

if TYPE_CHECKING:
    from kizuna.store import Store
    from kizuna.store.explaining import Explained

PARTLY = 6
_THERE = {"WHOLE": N_("gets it"), "RENDITION": N_("gets it in part"), "WITHHELD": N_("has an older version")}
_ONLY_RESTATED = {"unstated", "refers-to-renditions"}
_COLUMNS = ("partner", "whole", "in part", "withheld", "in feed")


@click.command(short_help="Say who may see objects, and why.")
@which()
@click.option("--as", "partner", metavar="PARTNER", help="Only for this partner; default all.")
@node_options
@click.pass_context
def command(
    ctx: click.Context, ids: tuple[str, ...], text: str | None, types: tuple[str, ...], area: str | None, limit: int,
    partner: str | None, data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Say for each partner whether it may have an object whole, in part or not at all, why, and whether it is in its feed.

    The objects are those of the IDs, or found as by `kizuna search`; of several, a table by partner counts them at the end. Whole but
    not in the feed: no rule and nobody let it leave, or it waits. Nothing found is exit 3, and some IDs not held here are exit 6.
    """
    searched = is_search(ids, must=False, text=text, types=types, area=area)
    with node(data) as store:
        asked, more = found_ids(store, text, types, area, limit) if searched else (tuple(dict.fromkeys(ids)), False)
        names = [store.partner(partner).name] if partner else [known.name for known in store.partners()]
        held, found = _explained(store, names, asked)
    if len(ids) == 1 and not held:
        raise NotFound(f"no such object: {ids[0]}")
    if not names and not as_json:
        say(_("no partners yet"))
    for one in found:
        _tell(one, as_json=as_json, alone=len(ids) == 1)
    missing = sorted(set(ids) - set(held))
    for id in missing:
        trouble(_("not held here: {id}", id=id))
    if more:
        note(_("there are more; see --limit"))
    if not held:
        if searched:
            note(_("nothing found"))
        ctx.exit(3)
    if found and len(ids) != 1 and not as_json:
        table([_counted(name, found) for name in names], _COLUMNS, as_json=False)
    if missing:
        ctx.exit(PARTLY)


def _explained(store: Store, names: Sequence[str], ids: Sequence[str]) -> tuple[list[str], list[Explained]]:
    """Those of these ids that are held here, and what is said of them."""
    from kizuna.store.explaining import explained, held

    store.settle()  # as before a feed is read
    with store.database.snapshot() as reader:
        here = held(reader, ids)
        asked = [id for id in ids if id in here]
        return asked, explained(store, reader, names, asked)


def _tell(one: Explained, *, as_json: bool, alone: bool) -> None:
    if as_json:
        emit(
            {
                "id": one.id, "partner": one.partner, "verdict": one.form.name.lower(), "allowed": one.allowed, "in_feed": one.in_feed,
                "reasons": [{"code": reason.code, "parameters": list(reason.parameters)} for reason in one.reasons],
            }
        )  # fmt: skip
        return
    if (
        one.in_feed
        and one.form.name == "RENDITION"
        and _ONLY_RESTATED >= {reason.code for reason in one.reasons} >= {"unstated"}
    ):
        state = _("gets a rendition that states it")
    elif one.in_feed:
        state = _(_THERE[one.form.name])
    else:
        state = _("may have it in part, and does not") if one.form.name == "RENDITION" else _("does not get it")
    reasons = "; ".join(worded(reason.code, reason.parameters) for reason in one.reasons)
    say(f"{'' if alone else f'{one.id}: '}{one.partner}: {state} ({reasons})")


def _counted(name: str, found: Sequence[Explained]) -> dict[str, Any]:
    mine = [one for one in found if one.partner == name]
    forms = [one.form.name for one in mine]
    return {
        "partner": name, "whole": forms.count("WHOLE"), "in part": forms.count("RENDITION"),
        "withheld": forms.count("WITHHELD"), "in feed": sum(one.in_feed for one in mine),
    }  # fmt: skip
