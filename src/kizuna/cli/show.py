"""`kizuna show`: one object with its label, versions and neighbours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import feed_rows, node
from kizuna.cli.objects import summary
from kizuna.cli.output import as_option, emit, node_options, say, table, write
from kizuna.cli.words import _
from kizuna.errors import NotFound

if TYPE_CHECKING:
    from kizuna.store import Row, Store


@click.command(short_help="Show one object, its versions and neighbours.")
@click.argument("id")
@click.option("--version", metavar="TIME", help="The version of this time (RFC 3339) instead of the newest.")
@click.option("--raw", is_flag=True, help="Only the object, byte for byte.")
@node_options
@as_option
def command(id: str, version: str | None, raw: bool, data: Path, as_json: bool, partner: str | None) -> None:
    """Show an object as the node holds it; with --as, as that partner reads it, or not found (exit 3)."""
    moment = _microseconds(version)
    with node(data) as store:
        if partner is None:
            _show(store, id, moment, raw=raw, as_json=as_json)
        else:
            row = _offered(store, store.partner(partner).name, id, moment)
            _show_row(row, raw=raw, as_json=as_json)


def _microseconds(version: str | None) -> int | None:
    from kizuna.clock import from_text

    try:
        return None if version is None else from_text(version)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--version") from None


def _show(store: Store, id: str, version: int | None, *, raw: bool, as_json: bool) -> None:
    import msgspec

    view = store.custodian()
    stored = view.get(id, version)
    if stored is None:
        raise NotFound(f"no such object: {id}")
    if raw:
        write(stored.raw + b"\n")
        return
    about = summary(stored)
    versions = [entry["version"] or entry["added"] for entry in map(summary, view.history(id).items)]
    neighbours = view.neighbours(id)
    if as_json:
        emit(
            {
                **about,
                "problems": stored.problems,
                "versions": versions,
                "neighbours": neighbours,
                "object": msgspec.Raw(stored.raw),
            }
        )
        return
    for key, value in about.items():
        say(f"{key:<8} {'-' if value is None else value}")
    for problem in stored.problems:
        say(_("problem  {problem}", problem=problem))
    say(_("versions {versions}", versions=", ".join(versions)))
    say("\n" + msgspec.json.format(stored.raw, indent=2).decode(errors="replace"))
    if neighbours:
        say("")
        rows: list[dict[str, Any]] = [msgspec.structs.asdict(neighbour) for neighbour in neighbours]
        table(rows, ("direction", "path", "id", "via"), as_json=False)


def _offered(store: Store, partner: str, id: str, version: int | None) -> Row:
    rows = [row for row in feed_rows(store, partner, ids=(id,)) if version is None or row.version == version]
    if not rows:
        raise NotFound(f"no such object: {id}")
    return max(rows, key=lambda row: (row.version or 0, row.added))


def _show_row(row: Row, *, raw: bool, as_json: bool) -> None:
    import msgspec

    from kizuna.clock import to_text

    if raw:
        write(row.raw + b"\n")
    elif as_json:
        version = None if row.version is None else to_text(row.version)
        emit({"id": row.id, "version": version, "added": to_text(row.added), "object": msgspec.Raw(row.raw)})
    else:
        say(msgspec.json.format(row.raw, indent=2).decode(errors="replace"))
