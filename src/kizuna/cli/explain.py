"""`kizuna explain`: who may see an object, and why or why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import feed_rows, node
from kizuna.cli.output import emit, node_options, say
from kizuna.cli.wording import worded
from kizuna.cli.words import _
from kizuna.errors import NotFound

if TYPE_CHECKING:
    from kizuna.store import Store, Stored


@click.command(short_help="Say who may see an object, and why.")
@click.argument("id")
@click.option("--as", "partner", metavar="PARTNER", help="Only for this partner; default all.")
@node_options
def command(id: str, partner: str | None, data: Path, as_json: bool) -> None:
    """Say for each partner whether its label allows the object to it, why, and whether it is in its feed.

    Allowed but not in the feed: the partner is not addressed, or the object refers to something it may not see.
    """
    with node(data) as store:
        names = [store.partner(partner).name] if partner else [known.name for known in store.partners()]
        if not names and not as_json:
            say(_("no partners yet"))
        for verdict in _verdicts(store, id, names):
            if as_json:
                emit(verdict)
            else:
                _tell(verdict)


def _verdicts(store: Store, id: str, names: list[str]) -> Iterator[dict[str, Any]]:
    view = store.custodian()
    stored = view.get(id)
    if stored is None:
        raise NotFound(f"no such object: {id}")
    for name in names:
        decision = view.explain(id, store.principal_of_partner(name))
        offered = any(True for _ in feed_rows(store, name, ids=(id,)))
        if decision is not None:
            reasons = [{"code": reason.code, "parameters": list(reason.parameters)} for reason in decision.reasons]
            if decision.allowed and not offered:
                reasons = [{"code": _held_back(store, name, stored), "parameters": []}]
            yield {"id": id, "partner": name, "allowed": decision.allowed, "in_feed": offered, "reasons": reasons}


def _held_back(store: Store, name: str, stored: Stored) -> str:
    from kizuna.labels import addressed

    partner, principal = store.partner(name), store.principal_of_partner(name)
    label, at = store.custodian().whole_label(stored.id) or stored.label, store.clock()
    known = addressed(label, principal, at, receives=partner.receives, area=stored.area)
    return "reference-withheld" if known else "not-receiving"


def _tell(verdict: dict[str, Any]) -> None:
    state = _("gets it") if verdict["in_feed"] else _("does not get it")
    reasons = "; ".join(worded(reason["code"], reason["parameters"]) for reason in verdict["reasons"])
    say(f"{verdict['partner']}: {state} ({reasons})")
