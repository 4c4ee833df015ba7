"""`kizuna explain`: who may see an object, and why or why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import feed_rows, node
from kizuna.cli.output import emit, node_options, say
from kizuna.errors import NotFound

if TYPE_CHECKING:
    from kizuna.store import Store


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
        for verdict in _verdicts(store, id, names):
            if as_json:
                emit(verdict)
            else:
                _tell(verdict)


def _verdicts(store: Store, id: str, names: list[str]) -> Iterator[dict[str, Any]]:
    view = store.custodian()
    if view.get(id) is None:
        raise NotFound(f"no such object: {id}")
    for name in names:
        decision = view.explain(id, store.principal_of_partner(name))
        if decision is not None:
            offered = any(True for _ in feed_rows(store, name, ids=(id,)))
            yield {
                "id": id,
                "partner": name,
                "allowed": decision.allowed,
                "in_feed": offered,
                "reasons": [{"code": reason.code, "parameters": reason.parameters} for reason in decision.reasons],
            }


def _tell(verdict: dict[str, Any]) -> None:
    state = "may see it" if verdict["allowed"] else "may not see it"
    feed = ", in its feed" if verdict["in_feed"] else ", not in its feed"
    reasons = "; ".join(_worded(reason) for reason in verdict["reasons"])
    say(f"{verdict['partner']}: {state}{feed}. {reasons}")


def _worded(reason: dict[str, Any]) -> str:
    parameters = dict(reason["parameters"])
    told = ", ".join(f"{key} {value}" for key, value in parameters.items())
    return f"{reason['code']} ({told})" if told else str(reason["code"])
