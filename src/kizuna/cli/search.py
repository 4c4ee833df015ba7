"""`kizuna search`: objects by words, in any language, or by an observed value."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kizuna.cli.folder import feed_rows, found_rows, node
from kizuna.cli.objects import summary
from kizuna.cli.output import as_option, node_options, rows_option, table
from kizuna.cli.words import N_, _

if TYPE_CHECKING:
    from kizuna.store import Facets, Store, Stored


@click.command(short_help="Find objects by words, or by a value.")
@click.argument("text", required=False)
@click.option(
    "--value", help="An address, a domain, a hash …: where it was observed or is looked for, however it is spelled."
)
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only this type; may be repeated.")
@click.option("--area", help="Only this programme area.")
@click.option(
    "--facets", is_flag=True, help="Count what is found by type, area, source and label, instead of listing it."
)
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@rows_option
@node_options
@as_option
@click.pass_context
def command(
    ctx: click.Context,
    text: str | None,
    value: str | None,
    types: tuple[str, ...],
    area: str | None,
    facets: bool,
    limit: int,
    data: Path,
    as_json: bool,
    partner: str | None,
) -> None:
    """Find objects holding all the words of TEXT, newest first. Nothing found is exit 3."""
    if text is None and value is None and not facets:
        raise click.UsageError(_("give TEXT, or --value"))
    if facets and partner is not None:
        raise click.UsageError(_("--facets counts what the node holds; it does not go with --as"))
    with node(data) as store:
        if facets:
            counted = store.custodian().facets(text, value=value, types=types, area=area)
            table(_lines(counted), ("facet", "value", "objects"), as_json=as_json, empty=N_("nothing found"))
            if not counted.objects:
                ctx.exit(3)
            return
        if partner is not None:
            partner = store.partner(partner).name
        found = (summary(stored) for stored in _search(store, text, value, types, area, limit, partner))
        count = table(found, ("id", "type", "name", "label", "source"), as_json=as_json, empty=N_("nothing found"))
    if not count:
        ctx.exit(3)


def _lines(facets: Facets) -> Iterator[dict[str, str | int]]:
    from kizuna.labels import format_label

    for facet, counts in (("type", facets.types), ("area", facets.areas), ("source", facets.sources)):
        for one in counts:
            yield {"facet": facet, "value": one.value, "objects": one.count}
    for label in facets.labels:
        yield {"facet": "label", "value": format_label(label.value), "objects": label.count}


def _search(
    store: Store,
    text: str | None,
    value: str | None,
    types: tuple[str, ...],
    area: str | None,
    limit: int,
    partner: str | None,
) -> Iterator[Stored]:
    found = found_rows(store, text, value=value, types=types, area=area, at_once=limit)
    # Rows of a feed are whole, so what a partner finds is what is in its feed.
    return islice((stored for stored in found if partner is None or _given(store, partner, stored)), limit)


def _given(store: Store, partner: str, stored: Stored) -> bool:
    return any(row.version == stored.version for row in feed_rows(store, partner, ids=(stored.id,)))
